//! The logs that agents keep of their own sessions, read as if those had been recorded.
//!
//! What a log has that is no part of a conversation is passed over; what nobody knows is counted, and no reason to stop: agents
//! write new kinds of lines with every release.

mod claude_code;
mod codex;
mod conversation;
mod halves;
#[cfg(test)]
mod tests;

pub(crate) use claude_code::ClaudeCode;
pub(crate) use codex::Codex;

use domain::ids::ProjectId;
use domain::time::UnixMillis;
use store::record::Record;

/// What imported sessions are said to come from.
pub(crate) const CLIENTS: [&str; 2] = [claude_code::CLIENT, codex::CLIENT];

/// What of a log is known beyond its lines.
pub(crate) trait Surroundings {
    /// The project that a working directory is a part of.
    fn project(&self, directory: &str, at: UnixMillis) -> ProjectId;
}

/// A reader of one log.
pub(crate) trait Log {
    /// Takes in the next line.
    fn read(&mut self, line: &str, around: &dyn Surroundings);

    /// What the lines so far amount to, once; the last message may still grow.
    fn take(&mut self) -> Vec<Record>;

    /// What is left at the end.
    fn close(&mut self) -> Vec<Record>;

    /// How many lines nobody knew.
    fn unknown(&self) -> u64;
}

/// The time that a log states, as RFC 3339.
fn time(text: &str) -> Option<UnixMillis> {
    text.parse::<jiff::Timestamp>().ok().map(|time| UnixMillis(time.as_millisecond()))
}

/// Whether the gateway would call a session by this name, too.
fn is_usual(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (8..=128).contains(&name.len()) && name.bytes().all(plain)
}
