//! Actor messages for people and for their tools: as lines, as a sequence diagram, as a file for a trace viewer, as they are.
//!
//! Each format is drawn row by row, so that a stream can be drawn as well as a list.

mod chrome;
mod lines;
mod mermaid;
mod span;

#[cfg(test)]
mod tests;

pub use lines::{line, write_lines};
pub use span::span;

use actor::Row;
use chrome::Chrome;
use mermaid::Mermaid;
use serde::Serialize;

/// A picture of actor messages, in one of four formats.
#[derive(Debug)]
pub struct Drawing(Format);

#[derive(Debug)]
enum Format {
    Lines,
    Mermaid(Mermaid),
    Chrome(Chrome),
    JsonLines,
}

impl Drawing {
    /// One readable line a message, indented by what caused it.
    #[must_use]
    pub const fn lines() -> Self {
        Self(Format::Lines)
    }

    /// A sequence diagram in Mermaid's notation.
    #[must_use]
    pub fn mermaid() -> Self {
        Self(Format::Mermaid(Mermaid::default()))
    }

    /// Chrome's Trace Event Format, which Perfetto opens: a track an actor, and arrows from who sent to who handled.
    #[must_use]
    pub fn chrome() -> Self {
        Self(Format::Chrome(Chrome::default()))
    }

    /// Every row as one JSON object a line.
    #[must_use]
    pub const fn json_lines() -> Self {
        Self(Format::JsonLines)
    }

    /// What stands before the first row.
    #[must_use]
    pub fn begin(&self) -> &'static str {
        match &self.0 {
            Format::Lines | Format::JsonLines => "",
            Format::Mermaid(_) => mermaid::BEGIN,
            Format::Chrome(_) => chrome::BEGIN,
        }
    }

    /// One row, with all line ends that it needs.
    #[must_use]
    pub fn row<Name: AsRef<str> + Serialize>(&mut self, row: &Row<Name>) -> String {
        match &mut self.0 {
            Format::Lines => line(row) + "\n",
            Format::Mermaid(diagram) => diagram.row(row),
            Format::Chrome(chrome) => chrome.row(row),
            Format::JsonLines => serde_json::to_string(row).unwrap_or_default() + "\n",
        }
    }

    /// What stands behind the last row.
    #[must_use]
    pub const fn end(&self) -> &'static str {
        match &self.0 {
            Format::Chrome(_) => chrome::END,
            Format::Lines | Format::JsonLines | Format::Mermaid(_) => "",
        }
    }

    /// All of `rows`, in the order in which their handling began: they are recorded in the order in which it ended.
    #[must_use]
    pub fn whole<Name: AsRef<str> + Serialize>(mut self, mut rows: Vec<Row<Name>>) -> String {
        rows.sort_by_key(|row| (row.begun_us, row.mail));
        let drawn: String = rows.iter().map(|row| self.row(row)).collect();
        format!("{}{drawn}{}", self.begin(), self.end())
    }
}

/// Whether the actor crashed over this message.
fn is_crash<Name>(row: &Row<Name>) -> bool {
    row.outcome.starts_with("crashed at ")
}
