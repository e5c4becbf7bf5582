//! Whether a file is an export, whole and in order, before anything of it is brought in.

use super::record::{FORMAT, Record};
use domain::ids::SessionId;
use std::collections::HashMap;
use thiserror::Error;

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub struct BadLine {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

/// Reads the lines of an export one after the other.
#[derive(Debug, Default)]
pub struct Reading {
    lines: u64,
    /// Which sessions came, and how many runs of the distiller each.
    sessions: HashMap<SessionId, u64>,
    has_ended: bool,
}

impl Reading {
    /// The record in the next line; none in an empty one.
    ///
    /// # Errors
    /// When it is none, or may not stand here.
    pub fn read(&mut self, line: &str) -> Result<Option<Record>, BadLine> {
        self.lines += 1;
        if line.trim().is_empty() {
            return Ok(None);
        }
        let record = serde_json::from_str(line).map_err(|error| self.bad(&error.to_string()))?;
        self.check(&record).map_err(|what| self.bad(&what))?;
        Ok(Some(record))
    }

    /// Whether that was all of it.
    ///
    /// # Errors
    /// When the end is missing.
    pub fn close(&self) -> Result<(), BadLine> {
        if self.has_ended {
            Ok(())
        } else {
            Err(self.bad("the file ends too early: its last line is missing"))
        }
    }

    fn bad(&self, what: &str) -> BadLine {
        BadLine { line: self.lines, what: what.to_owned() }
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        if self.has_ended {
            return Err("something stands behind the end".to_owned());
        }
        let is_first = matches!(record, Record::Stillroom { .. });
        if is_first != (self.lines == 1) {
            return Err("an export begins with {\"stillroom\":{\"format\":1}}, and has that once".to_owned());
        }
        record.check()?;
        match record {
            Record::Stillroom { format } if *format != FORMAT => {
                Err(format!("format {format} is another program's; this one reads {FORMAT}"))
            }
            Record::Session(it) => {
                self.sessions.entry(it.id.clone()).or_default();
                Ok(())
            }
            Record::Distillation(it) => {
                let runs = self.of(&it.session)?;
                *runs += 1;
                if *runs == it.number { Ok(()) } else { Err(format!("run {runs} of the session is missing")) }
            }
            Record::Message(it) => {
                let runs = *self.of(&it.session)?;
                match it.distillation {
                    Some(run) if run == 0 || run > runs => {
                        Err(format!("run {run} of the session is missing"))
                    }
                    _ => Ok(()),
                }
            }
            Record::Turn(it) => self.of(&it.session).map(drop),
            Record::End { records } => {
                self.has_ended = true;
                if *records + 1 == self.lines { Ok(()) } else { Err(format!("{records} lines stood before")) }
            }
            Record::Stillroom { .. }
            | Record::Entry(_)
            | Record::Contradiction(_)
            | Record::Tombstone(_)
            | Record::Charge(_)
            | Record::WarmReturn(_) => Ok(()),
        }
    }

    fn of(&mut self, session: &SessionId) -> Result<&mut u64, String> {
        self.sessions.get_mut(session).ok_or_else(|| format!("its session {session} did not come before it"))
    }
}
