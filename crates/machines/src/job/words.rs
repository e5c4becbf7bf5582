//! What is said about jobs: for whom they are, what workers hear of them, what they want done, and how they end.

use crate::credential::Hint;
use domain::access::{Access, AccessRequest, WaitReason};
use domain::credential::Lease;
use domain::evidence::{Class, Evidence};
use domain::ids::{Principal, ProjectId, SessionId};
use domain::provider::{Dialect, UpstreamKey};
use domain::purpose::Purpose;
use domain::time::Moment;

/// The session a job works for, and how its provider is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Brief {
    /// Whose session.
    pub principal: Principal,
    /// Which.
    pub session: SessionId,
    /// Where its provider is.
    pub upstream: UpstreamKey,
    /// In which shape.
    pub dialect: Dialect,
    /// The model to ask.
    pub model: String,
    /// Nobody waits for the job: its provider may do it within a day, if that is cheaper.
    pub patient: bool,
    /// The project that the session works in, if any.
    pub project: Option<ProjectId>,
}

impl Brief {
    /// The question whether a job may call the provider.
    #[must_use]
    pub fn request(&self, purpose: Purpose) -> AccessRequest {
        AccessRequest {
            principal: self.principal.clone(),
            session: self.session.clone(),
            upstream: self.upstream.clone(),
            model: self.model.clone(),
            purpose,
            project: self.project.clone(),
        }
    }
}

/// What came of the work itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Work {
    /// There was nothing to do, and the provider was not called.
    Nothing,
    /// The provider answered, and what it said is kept.
    Accepted {
        /// For the token.
        evidence: Evidence,
        /// How many things were kept.
        kept: u32,
    },
    /// The work goes into a batch, or lies in one and is not done yet.
    Queued {
        /// For the token, if a call was made.
        evidence: Option<Evidence>,
    },
    /// The provider answered, but not so that it could be kept.
    Unusable {
        /// For the token: it works.
        evidence: Evidence,
        /// Why it was refused.
        why: String,
    },
    /// The provider answered, and this house could not keep what it said.
    Unkept {
        /// For the token: it works.
        evidence: Evidence,
        /// Why it could not.
        why: String,
    },
    /// The provider refused the token or the account.
    Refused {
        /// Against the token.
        evidence: Evidence,
    },
    /// The call came to nothing for another reason.
    Failed {
        /// What is known of it, if a call was made.
        evidence: Option<Evidence>,
        /// What happened.
        why: String,
    },
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Done, with so many things kept.
    Done {
        /// How many.
        kept: u32,
    },
    /// There was nothing to do.
    Nothing,
    /// It lies in a provider's batch and stays pending until its result is kept.
    Queued,
    /// It stands still and stays pending.
    Waiting {
        /// Why.
        reason: WaitReason,
        /// When asking again may help by itself.
        ask_again_at: Option<Moment>,
    },
    /// It failed and stays pending.
    Failed {
        /// Where the trouble lies.
        cause: FailureCause,
        /// What happened.
        why: String,
    },
}

/// Where the trouble of a failed job lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureCause {
    /// With the token or its account, throttling included: the credential machine says when to go on.
    Credential,
    /// The provider, or the way to it, is broken, or it refuses the request as such.
    Provider,
    /// The provider's answer was of no use.
    Answer,
    /// In this house: the store, an actor, the work itself.
    House,
}

impl FailureCause {
    /// What evidence of a call that came to nothing tells of the cause; without any, no provider was asked.
    #[must_use]
    pub fn of(evidence: Option<&Evidence>) -> Self {
        match evidence.map(|evidence| evidence.class) {
            None => Self::House,
            Some(Class::UpstreamFault | Class::RequestRefused | Class::Ok) => Self::Provider,
            Some(
                Class::CredentialRejected
                | Class::WeakAuth
                | Class::Forbidden
                | Class::AccountBlocked
                | Class::Throttled { .. },
            ) => Self::Credential,
        }
    }

    /// The name used in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Provider => "provider",
            Self::Answer => "answer",
            Self::House => "house",
        }
    }
}

/// What a worker hears about its jobs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum JobMessage {
    /// The session is due.
    Wanted(Brief),
    /// The CredentialActor answered.
    Answered {
        /// For whom.
        session: SessionId,
        /// What it said.
        access: Access,
    },
    /// The CredentialActor did not answer.
    Unanswered {
        /// For whom.
        session: SessionId,
    },
    /// The work came to an end.
    Performed {
        /// For whom.
        session: SessionId,
        /// With what.
        lease: Lease,
        /// How.
        work: Work,
    },
    /// The CredentialActor has taken the report in.
    Settled {
        /// For whom.
        session: SessionId,
        /// Another lease or none, after a refusal.
        access: Option<Access>,
    },
    /// From the CredentialActor.
    Hinted(Hint),
    /// From the CredentialActor, to a job that it told to wait for room: there is some now. May be lost.
    Invited {
        /// For whom.
        session: SessionId,
    },
    /// From the scheduler: the session left memory, and whatever it waits for it will not be there.
    SessionEvicted {
        /// Which.
        session: SessionId,
    },
}

/// What the bench wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum JobEffect {
    /// Ask the CredentialActor; its answer comes back through [`Bench::answered`](super::Bench::answered).
    Ask(Brief),
    /// Do the work with this lease; what came of it comes back through [`Bench::performed`](super::Bench::performed).
    Perform {
        /// For whom.
        brief: Brief,
        /// With what.
        lease: Lease,
    },
    /// Tell the CredentialActor how the call went, and come back through [`Bench::settled`](super::Bench::settled) when it has taken it in.
    Report {
        /// For whom.
        brief: Brief,
        /// With what.
        lease: Lease,
        /// How it went.
        work: Work,
    },
    /// The job is over for now.
    Ended {
        /// For whom.
        brief: Brief,
        /// How.
        ending: Ending,
    },
}
