//! Knowledge as a file that people read, edit and keep in a repository: Markdown, one section an entry, in an order that stays.
//!
//! Nothing in it changes unless an entry does, so a change of one entry is a change of its lines and of no others.

#[cfg(test)]
mod tests;

use crate::ids::{KnowledgeId, ProjectId};
use crate::knowledge::{Category, InvalidOperation, Operation, validate};
use crate::origin::Origin;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// What every file begins with.
const PREAMBLE: &str =
    "<!-- Knowledge that Stillroom keeps. Edit it as you like: `stillroom import FILE` takes it over. -->\n";
const PROJECT: &str = "# Project ";
const NO_PROJECT: &str = "# Without a project";
const ENTRY: &str = "## ";
const CATEGORIES: [Category; 5] =
    [Category::Decision, Category::Pattern, Category::Preference, Category::Architecture, Category::Gotcha];

/// An entry as the file has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Where it comes from; none for an entry that a person wrote down here first, and without a time in a file of before origins.
    pub id: Option<Origin>,
    /// The project that it belongs to, if to one.
    pub project: Option<ProjectId>,
    /// Whether it holds in every project.
    pub promoted: bool,
    /// What kind it is.
    pub category: Category,
    /// One line.
    pub title: String,
    /// A few sentences.
    pub content: String,
    /// 0 to 1.
    pub confidence: f64,
}

/// Why a file is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub struct Fault {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there, and what would be right.
    pub what: String,
}

/// The file of these, which come in the order in which they were made; project by project, those of none last.
#[must_use]
pub fn render(sections: &[Section]) -> String {
    let mut projects: BTreeMap<(bool, Option<&ProjectId>), Vec<&Section>> = BTreeMap::new();
    for section in sections {
        projects.entry((section.project.is_none(), section.project.as_ref())).or_default().push(section);
    }
    let mut file = PREAMBLE.to_owned();
    for ((_, project), sections) in projects {
        file.push('\n');
        match project {
            Some(project) => file.push_str(&format!("{PROJECT}{}\n", in_one_line(project.as_str()))),
            None => file.push_str(&format!("{NO_PROJECT}\n")),
        }
        sections.into_iter().for_each(|section| file.push_str(&written(section)));
    }
    file
}

fn written(section: &Section) -> String {
    let Section { id, promoted, category, title, content, confidence, .. } = section;
    let id = id.as_ref().map(|id| format!("`{id}` ")).unwrap_or_default();
    let promoted = if *promoted { ", promoted" } else { "" };
    let content = normal(content);
    let lines: Vec<String> = content.lines().map(escaped).collect();
    format!(
        "\n{ENTRY}{}\n\n{id}{}, confidence {confidence}{promoted}\n\n{}\n",
        in_one_line(title),
        category.as_str(),
        lines.join("\n")
    )
}

/// A title as a heading can have it.
#[must_use]
pub fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A content as a file can have it: one kind of line ends, and no blanks around.
#[must_use]
pub fn normal(content: &str) -> String {
    content.lines().collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// What could be taken for a heading gets a backslash.
fn escaped(line: &str) -> String {
    if is_heading(line.trim_start_matches('\\')) { format!("\\{line}") } else { line.to_owned() }
}

fn unescaped(line: &str) -> &str {
    line.strip_prefix('\\').filter(|rest| is_heading(rest.trim_start_matches('\\'))).unwrap_or(line)
}

fn is_heading(line: &str) -> bool {
    line.starts_with("# ") || line.starts_with(ENTRY)
}

/// Reads a file: every section of it, or the first thing that is wrong.
///
/// # Errors
/// See [`Fault`].
pub fn parse(file: &str) -> Result<Vec<Section>, Fault> {
    let mut reader = Reader::default();
    for (index, line) in file.lines().enumerate() {
        reader.read(index + 1, line)?;
    }
    reader.close()?;
    Ok(reader.sections)
}

#[derive(Default)]
struct Reader {
    /// Under which project; none before the first.
    project: Option<Option<ProjectId>>,
    open: Option<Open>,
    sections: Vec<Section>,
    /// The line of each id.
    ids: BTreeMap<Origin, usize>,
}

/// A section that is being read.
struct Open {
    line: usize,
    title: String,
    head: Option<Head>,
    content: Vec<String>,
}

/// The line below a heading.
struct Head {
    id: Option<Origin>,
    category: Category,
    confidence: f64,
    promoted: bool,
}

impl Reader {
    fn read(&mut self, number: usize, line: &str) -> Result<(), Fault> {
        if let Some(title) = line.strip_prefix(ENTRY) {
            self.close()?;
            if self.project.is_none() {
                return Err(fault(number, "an entry before the first project"));
            }
            let title = title.trim().to_owned();
            self.open = Some(Open { line: number, title, head: None, content: Vec::new() });
            return Ok(());
        }
        if line.starts_with("# ") {
            self.close()?;
            self.project = Some(project(number, line)?);
            return Ok(());
        }
        match &mut self.open {
            Some(open) => open.take(number, line),
            None if line.trim().is_empty() || line.starts_with("<!--") => Ok(()),
            None => Err(fault(number, "text that belongs to no entry")),
        }
    }

    /// Ends the section that is being read, if one is.
    fn close(&mut self) -> Result<(), Fault> {
        let Some(Open { line, title, head, content }) = self.open.take() else { return Ok(()) };
        let Some(Head { id, category, confidence, promoted }) = head else {
            return Err(fault(line, "an entry without its second line"));
        };
        if let Some(before) = id.clone().and_then(|id| self.ids.insert(id, line)) {
            return Err(fault(line, &format!("this id is another entry's already, in line {before}")));
        }
        let content = normal(&content.join("\n"));
        let create =
            Operation::Create { category, title: title.clone(), content: content.clone(), confidence };
        validate(&[create], |_| false).map_err(|invalid| fault(line, &explained(&invalid)))?;
        let project = self.project.clone().flatten();
        self.sections.push(Section { id, project, promoted, category, title, content, confidence });
        Ok(())
    }
}

impl Open {
    fn take(&mut self, number: usize, line: &str) -> Result<(), Fault> {
        match &self.head {
            None if line.trim().is_empty() => {}
            None => self.head = Some(head(number, line.trim())?),
            Some(_) => self.content.push(unescaped(line).to_owned()),
        }
        Ok(())
    }
}

fn project(number: usize, line: &str) -> Result<Option<ProjectId>, Fault> {
    if line.trim_end() == NO_PROJECT {
        return Ok(None);
    }
    let name = line.strip_prefix(PROJECT).map(str::trim).filter(|name| !name.is_empty());
    name.map(|name| Some(name.into())).ok_or_else(|| fault(number, "a heading that names no project"))
}

/// Reads "`k12@1764283947123` gotcha, confidence 0.9, promoted"; the id and the last word may be missing.
fn head(number: usize, line: &str) -> Result<Head, Fault> {
    let wrong = || fault(number, "a second line of an entry that cannot be read");
    let (id, rest) = match line.strip_prefix('`') {
        Some(rest) => {
            let (id, rest) = rest.split_once('`').ok_or_else(wrong)?;
            (Some(checked_id(number, id)?), rest.trim_start())
        }
        None => (None, line),
    };
    let mut words = rest.split(',').map(str::trim);
    let category = words.next().and_then(category).ok_or_else(wrong)?;
    let confidence = words.next().and_then(|word| word.strip_prefix("confidence ")?.trim().parse().ok());
    let confidence = confidence.ok_or_else(wrong)?;
    match (words.next(), words.next()) {
        (None, _) => Ok(Head { id, category, confidence, promoted: false }),
        (Some("promoted"), None) => Ok(Head { id, category, confidence, promoted: true }),
        _ => Err(wrong()),
    }
}

fn category(word: &str) -> Option<Category> {
    CATEGORIES.into_iter().find(|category| category.as_str() == word)
}

fn checked_id(number: usize, id: &str) -> Result<Origin, Fault> {
    let origin = Origin::read(id);
    if origin.is_plain() {
        return Ok(origin);
    }
    let longest = KnowledgeId::LONGEST;
    Err(fault(number, &format!("an id has 1 to {longest} letters, digits, dots, dashes and underscores")))
}

fn explained(invalid: &InvalidOperation) -> String {
    match invalid {
        InvalidOperation::Length { field, longest, length, .. } => {
            format!("{field} must have 1 to {longest} characters, it has {length}")
        }
        InvalidOperation::Confidence { .. } => "confidence must lie between 0 and 1".to_owned(),
        InvalidOperation::Unknown { .. } => invalid.to_string(),
    }
}

fn fault(line: usize, what: &str) -> Fault {
    let shape = "a project begins with \"# Project NAME\" or \"# Without a project\", an entry with \"## TITLE\" and, below it, \
        \"`ID` CATEGORY, confidence 0.9\" (a new entry has no id; \", promoted\" may follow)";
    Fault { line, what: format!("{what}; {shape}") }
}
