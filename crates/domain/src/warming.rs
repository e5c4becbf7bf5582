//! What holds warming back: what people decided, and pauses that begin by themselves; and whose habits it goes by.

use crate::ids::{ProjectId, SessionId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a person decided about keeping one session's cache warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WarmingMode {
    /// The rule decides.
    #[default]
    Auto,
    /// Kept warm as long as one return would still pay for it, whatever the rule says. All other brakes hold.
    Keep,
    /// Never.
    Stop,
}

impl WarmingMode {
    /// The word used in answers and commands.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Keep => "keep",
            Self::Stop => "stop",
        }
    }
}

impl fmt::Display for WarmingMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One cache, as far as anybody but its provider can tell: a session's, of one model at one upstream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    /// The session.
    pub session: SessionId,
    /// The model.
    pub model: String,
    /// Scheme, host and port of the upstream.
    pub origin: String,
}

/// Why warming pauses by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PauseCause {
    /// Of one cache: warm-ups in a row found nothing to read.
    Uncached,
    /// Of one cache: the provider refused the replayed request as such.
    Refused,
    /// Of all: too few of the last warm-ups were followed by a return that used them.
    Unused,
}

/// Whose habits: how long they let an agent wait.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// Those of all together.
    Everybody,
    /// Those of all who work on it.
    Project(ProjectId),
    /// Those of one session.
    Session(SessionId),
}
