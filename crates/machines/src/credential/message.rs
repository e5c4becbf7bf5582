//! What is said to the credential machine, what it answers, and what it wants done.

use domain::access::{Access, AccessRequest, WaitReason};
use domain::credential::{Credential, CredentialKind, Lease};
use domain::evidence::Evidence;
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, Principal, SessionId};
use domain::provider::{Provider, UpstreamKey};
use domain::purpose::Purpose;
use domain::time::Moment;
use std::sync::Arc;

use super::slot::SlotKey;

/// Everything the credential machine hears.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CredentialMessage {
    /// A client's request carried this credential.
    CredentialObserved {
        /// Whose session, talking where.
        slot: SlotKey,
        /// What it carried.
        credential: Arc<Credential>,
        /// The project that the session works in, if the agent stated one.
        project: Option<String>,
        /// When the token ends by its own words, if it has any (R14).
        ends: Option<Moment>,
    },
    /// A provider answered a client's own request.
    ClientAnswered {
        /// For the token.
        evidence: Evidence,
        /// The model that was asked, empty when that could not be read; none where none was: tokens are counted and models are
        /// listed for whom no model would answer.
        model: Option<String>,
    },
    /// A worker asks whether it may call.
    ResolveCredential(AccessRequest),
    /// The provider refused a worker's call; answered with another lease or none.
    AuthFailed {
        /// What the call was.
        request: AccessRequest,
        /// What it used.
        lease: Lease,
        /// What came back.
        evidence: Evidence,
    },
    /// The provider accepted a worker's call.
    AuthAccepted {
        /// What the call was.
        request: AccessRequest,
        /// What it used.
        lease: Lease,
        /// What came back.
        evidence: Evidence,
    },
    /// A worker's call ended without saying anything about the token, or was never made.
    CallEnded {
        /// What the call was.
        request: AccessRequest,
        /// What it was to use.
        lease: Lease,
        /// What came back, if anything.
        evidence: Option<Evidence>,
    },
    /// A worker was rebuilt after a crash, or built for the first time: it holds no lease.
    WorkerRestarted(Purpose),
    /// A session left memory.
    SessionEvicted {
        /// Which.
        session: SessionId,
    },
    /// Somebody wants to see the slots.
    ListSlots,
    /// Somebody wants to know whether background work of these sessions stands still, as it would ask.
    ReviewSessions(Vec<AccessRequest>),
}

impl CredentialMessage {
    /// The evidence in it, if it brings any.
    #[must_use]
    pub fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::ClientAnswered { evidence, .. }
            | Self::AuthFailed { evidence, .. }
            | Self::AuthAccepted { evidence, .. } => Some(evidence),
            Self::CallEnded { evidence, .. } => evidence.as_ref(),
            _ => None,
        }
    }
}

/// What the credential machine answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CredentialReply {
    /// Taken in.
    Noted,
    /// To `ResolveCredential` and `AuthFailed`.
    Access(Access),
    /// To `ListSlots`.
    Slots(Vec<SlotView>),
    /// To `ReviewSessions`, one for each in order: why it stands still, or nothing.
    Standing(Vec<Option<WaitReason>>),
}

/// The state of a token as shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenState {
    /// Nobody has answered it.
    Unproven,
    /// Accepted.
    Proven,
    /// Refused.
    Rejected,
    /// Refused, and a call is finding out whether it still is.
    Probing,
}

/// One slot as shown to people: nothing secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SlotView {
    /// The session; none for a global slot.
    pub session: Option<SessionId>,
    /// The vendor.
    pub provider: Provider,
    /// The make of the token.
    pub kind: CredentialKind,
    /// The token's name.
    pub fingerprint: Fingerprint,
    /// The filling.
    pub generation: Generation,
    /// What is known of it.
    pub state: TokenState,
    /// The status of the answer behind the state; 0 before any.
    pub status: u16,
    /// Since when.
    pub since: Moment,
}

/// A message to all workers that asking again may pay. Only a hint: it may be lost, and truth is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hint {
    /// A token of these sessions was refused.
    CredentialsInvalidated(Affected),
    /// A token of these sessions was accepted.
    CredentialsReenabled(Affected),
}

impl Hint {
    /// Whom it concerns.
    #[must_use]
    pub const fn affected(&self) -> &Affected {
        match self {
            Self::CredentialsInvalidated(affected) | Self::CredentialsReenabled(affected) => affected,
        }
    }
}

/// Whom a hint concerns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Affected {
    /// Whose.
    pub principal: Principal,
    /// Where.
    pub upstream: UpstreamKey,
    /// Which sessions.
    pub sessions: Vec<SessionId>,
    /// Rises with every hint.
    pub epoch: u64,
}

/// One alert, for one episode: a token went from good to refused, and background work felt it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Alert {
    /// The provider's status.
    pub status: u16,
    /// Which vendor.
    pub provider: Provider,
    /// The model that was asked, or would have been.
    pub model: String,
    /// What for.
    pub purpose: Purpose,
    /// The token's name.
    pub token: Fingerprint,
    /// The session that felt it.
    pub session: SessionId,
    /// Whether another credential could stand in.
    pub another_available: bool,
}

/// One call that may go with a token which is not its session's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StandIn {
    /// Which vendor.
    pub provider: Provider,
    /// The session that it works for.
    pub session: SessionId,
    /// What for.
    pub purpose: Purpose,
    /// The session's own token, if it has one.
    pub own: Option<Fingerprint>,
    /// The token that it goes with.
    pub token: Fingerprint,
}

/// What the credential machine wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CredentialEffect {
    /// Tell the people who run this.
    Alert(Alert),
    /// Count and log that a token stands in for another.
    StandIn(StandIn),
    /// Tell the workers.
    Broadcast(Hint),
    /// There is room for another call: tell the worker of this purpose that its job for this session may ask again. Only a
    /// hint, like all of them.
    Invite(Purpose, SessionId),
}
