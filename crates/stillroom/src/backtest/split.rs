//! Two halves of a recording, by the hash of each session's name: one to fit on, one to report.

use super::recording::Session;
use clap::ValueEnum;
use domain::conversation::Digest;

/// One half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Half {
    /// Sessions whose hash is even: what the built-in prior was fitted on.
    Even,
    /// The others.
    Odd,
}

impl Half {
    /// Whether `session` belongs to it. Its project counts too: names are only unique within one.
    pub(crate) fn holds(self, session: &Session) -> bool {
        let name = Digest::called(&format!("{}/{}", session.project, session.session));
        name.0[0].is_multiple_of(2) == (self == Self::Even)
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}
