//! Why a request goes to a provider.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a call to a provider is for. The first is the client's own; all others are background work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// A client's own request, relayed.
    Client,
    /// Turning messages into observations.
    Distill,
    /// Turning observations into knowledge.
    Curate,
    /// Merging old observations or knowledge.
    Consolidate,
    /// Keeping the provider's prompt cache warm.
    Warm,
    /// Work that nobody waits for, through a batch endpoint.
    Batch,
}

impl Purpose {
    /// The name used in metrics and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Distill => "distill",
            Self::Curate => "curate",
            Self::Consolidate => "consolidate",
            Self::Warm => "warm",
            Self::Batch => "batch",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
