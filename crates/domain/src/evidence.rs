//! What an answer of a provider says about the token that was sent.

use crate::fingerprint::Fingerprint;
use crate::provider::UpstreamKey;
use crate::time::Moment;
use serde::Serialize;
use std::time::Duration;

/// What kind of answer it was. Only the first two speak against the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The provider refuses this token.
    CredentialRejected,
    /// A 401 that may not come from the provider itself; the second within a minute counts as a refusal, and the third at all.
    WeakAuth,
    /// The token is good, but not for this model, region or scope.
    Forbidden,
    /// The account behind the token cannot pay or is disabled.
    AccountBlocked,
    /// Too many requests, or an overloaded provider.
    Throttled {
        /// How long the provider asks to wait, if it says so.
        retry_after: Option<Duration>,
    },
    /// The provider or the way to it is broken.
    UpstreamFault,
    /// The request itself was not accepted: nothing is said about the token, and sending it again will not help.
    RequestRefused,
    /// Accepted.
    Ok,
}

/// One answer, to a client's request or to a worker's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// The token that was sent.
    pub fingerprint: Fingerprint,
    /// Where it was sent.
    pub upstream: UpstreamKey,
    /// When the request left.
    pub start: Moment,
    /// When its answer was understood.
    pub end: Moment,
    /// What the answer was.
    pub class: Class,
    /// The HTTP status it came with; 0 when there was no answer at all.
    pub status: u16,
}
