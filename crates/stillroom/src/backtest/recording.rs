//! The shape of a recording: one session a line, as JSON.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One recorded session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// What it worked on; any name.
    pub(crate) project: String,
    /// Its name; any.
    pub(crate) session: String,
    /// Which agent it was; only for people.
    #[serde(default)]
    pub(crate) agent: String,
    /// Whether another agent started it: such a session is never kept warm, and teaches nothing about people.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) subagent: bool,
    /// Its calls of a model, in the order of time.
    pub(crate) calls: Vec<Call>,
}

/// One call of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// When it began, in seconds since the session did.
    pub(crate) at: f64,
    /// When its answer was complete; none when that is not known.
    #[serde(default)]
    pub(crate) done: Option<f64>,
    /// What the agent had waited for before it.
    pub(crate) kind: Kind,
    /// The model.
    pub(crate) model: String,
    /// Input tokens beside the cache.
    #[serde(default)]
    pub(crate) input: u64,
    /// Tokens read from the cache.
    #[serde(default)]
    pub(crate) cache_read: u64,
    /// Tokens written to the five-minute cache.
    #[serde(default)]
    pub(crate) cache_write_5m: u64,
    /// Tokens written to the one-hour cache.
    #[serde(default)]
    pub(crate) cache_write_1h: u64,
    /// Output tokens.
    #[serde(default)]
    pub(crate) output: u64,
    /// Why the answer ended, in the provider's word.
    #[serde(default)]
    pub(crate) stop: Option<String>,
    /// How many tools the answer asked for.
    #[serde(default)]
    pub(crate) tools: u32,
}

/// What an agent had waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A person.
    Human,
    /// A tool.
    Tool,
}

/// Why a line is no session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadLine {
    /// Its number, from 1.
    pub(crate) number: usize,
    /// What is wrong.
    pub(crate) why: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.number, self.why)
    }
}

/// The latest moment that is taken for one, in seconds: three hundred years.
const LATEST: f64 = 1e10;

/// Reads a recording; blank lines are none.
///
/// # Errors
/// The first line that is no session.
pub(crate) fn read(text: &str) -> Result<Vec<Session>, BadLine> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| session(line).map_err(|why| BadLine { number: at + 1, why })).collect()
}

fn session(line: &str) -> Result<Session, String> {
    let session: Session = serde_json::from_str(line).map_err(|error| told(&error))?;
    let mut before = 0.0;
    for (index, call) in session.calls.iter().enumerate() {
        if !(before..=LATEST).contains(&call.at) {
            return Err(format!(
                "call {} is at {:?} seconds: calls must be in the order of time, from 0 on",
                index + 1,
                call.at
            ));
        }
        if call.done.is_some_and(|done| !(call.at..=LATEST).contains(&done)) {
            return Err(format!("call {} is done before it begins, or never", index + 1));
        }
        before = call.at;
    }
    Ok(session)
}

/// What is wrong with a line of JSON; which line it is, the reader of the file knows.
pub(super) fn told(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", ", at column ")
}

impl Call {
    /// All input tokens, cached or not.
    pub(crate) fn prompt(&self) -> u64 {
        let cached = self.cache_read.saturating_add(self.cache_write_5m).saturating_add(self.cache_write_1h);
        self.input.saturating_add(cached)
    }

    /// Whether its answer asked for a tool, so that the agent goes on by itself.
    pub(crate) fn asks_for_tools(&self) -> bool {
        self.tools > 0 || matches!(self.stop.as_deref(), Some("tool_use" | "tool-calls" | "tool_calls"))
    }
}
