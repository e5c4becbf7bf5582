//! What background work is told when it asks whether it may call a provider.

use crate::credential::Lease;
use crate::ids::{Principal, ProjectId, SessionId};
use crate::provider::UpstreamKey;
use crate::purpose::Purpose;
use crate::time::Moment;
use serde::Serialize;
use std::fmt;

/// A background job that wants to call a provider. Every such call asks this first: there is no second way (R8).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccessRequest {
    /// Whose session it is.
    pub principal: Principal,
    /// The session it works for.
    pub session: SessionId,
    /// Where the call would go.
    pub upstream: UpstreamKey,
    /// The model it would ask, as far as known.
    pub model: String,
    /// What for.
    pub purpose: Purpose,
    /// The project that the session works in, as its record says.
    pub project: Option<ProjectId>,
}

/// The answer: go with this lease, or wait for this reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Access {
    /// Call the provider with this lease, and report what came of it.
    Go(Lease),
    /// Leave the work pending.
    Wait {
        /// Why.
        reason: WaitReason,
        /// When asking again may help even if nothing is heard before; none when only a client can help.
        ask_again_at: Option<Moment>,
    },
}

/// Why background work stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitReason {
    /// No client request has brought a credential for this session yet.
    NoCredential,
    /// The settings do not let background work use this kind of credential, or want a key of its own that is another provider's.
    NotAllowed,
    /// The provider refused the token; a fresh one from the agent, or a probe, ends this.
    Rejected,
    /// Somebody else is just finding out whether the token works.
    ProbeOut,
    /// The account behind the token cannot be used for now.
    AccountBlocked,
    /// The token is not allowed to do this; tried again with growing intervals.
    Forbidden,
    /// The provider asked for a pause.
    Throttled,
    /// Two different tokens were refused within a minute: the trouble is the provider's, and no verdict is final.
    Incident,
    /// The provider, or the way to it, is broken; one call at a time finds out whether it still is.
    UpstreamDown,
    /// As much background work as may run at once is under way.
    Busy,
    /// The day's budget holds background work back.
    Budget,
}

impl WaitReason {
    /// One sentence for a person: what is so, and what ends it.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::NoCredential => {
                "no credential held: the agent was not heard since the start, or for long, and its next request brings one"
            }
            Self::NotAllowed => {
                "the settings keep background work from using this credential (worker.use_client_credentials, worker.api_key)"
            }
            Self::Rejected => {
                "the provider refused the token: the agent's next request with a fresh one ends this (if it is worker.api_key, a start with another)"
            }
            Self::ProbeOut => "one call is finding out whether the token works",
            Self::AccountBlocked => "the provider says that the account cannot be used (billing or disabled)",
            Self::Forbidden => "the provider does not let this token do this",
            Self::Throttled => "the provider asked for a pause",
            Self::Incident => {
                "the provider refuses tokens of several sessions at once: its trouble, most likely; one call at a time finds out"
            }
            Self::UpstreamDown => "the provider cannot be reached or is broken; one call at a time finds out",
            Self::Busy => "other background work goes first",
            Self::Budget => {
                "the day's budget for background work holds it back (worker.daily_budget_usd): it goes on by itself"
            }
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explain())
    }
}
