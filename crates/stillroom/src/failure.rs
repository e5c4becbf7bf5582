//! What is told when a command cannot do its work: what happened, why, and what to do.

use std::fmt;
use std::process::ExitCode;

/// How a command that failed ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It could not be done: 1.
    Failed,
    /// It was asked or set up wrongly: 2.
    WrongUse,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Failed => 1,
            Exit::WrongUse => 2,
        })
    }
}

/// One failure, as a person reads it. Holds no secret.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// What happened.
    pub(crate) what: String,
    /// Why.
    pub(crate) why: String,
    /// What to do.
    pub(crate) remedy: String,
    /// How the program ends.
    pub(crate) exit: Exit,
}

impl Failure {
    /// A failure that ends the program with 1.
    pub(crate) fn new(what: impl Into<String>, why: impl fmt::Display, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.to_string(), remedy: remedy.into(), exit: Exit::Failed }
    }

    /// The same, ending otherwise.
    pub(crate) fn with_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\n  why: {}\n  do: {}", self.what, self.why, self.remedy)
    }
}
