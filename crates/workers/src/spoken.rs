//! A machine's message on its way through the actor system.

use actor::Message;
use machines::batch_queue::BatchMessage;
use machines::cache_warmer::WarmerMessage;
use machines::credential::CredentialMessage;
use machines::embedder::EmbedderMessage;
use machines::idle_scheduler::SchedulerMessage;
use machines::job::{Brief, JobMessage};
use std::fmt;

/// Wraps a message of `machines`, which knows nothing of actors, so that it can be sent to one.
#[derive(Clone)]
pub struct Spoken<T>(pub T);

impl<T: fmt::Debug> fmt::Debug for Spoken<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Message for Spoken<CredentialMessage> {
    fn name(&self) -> &'static str {
        match &self.0 {
            CredentialMessage::CredentialObserved { .. } => "CredentialObserved",
            CredentialMessage::ClientAnswered { .. } => "ClientAnswered",
            CredentialMessage::ResolveCredential(_) => "ResolveCredential",
            CredentialMessage::AuthFailed { .. } => "AuthFailed",
            CredentialMessage::AuthAccepted { .. } => "AuthAccepted",
            CredentialMessage::CallEnded { .. } => "CallEnded",
            CredentialMessage::WorkerRestarted(_) => "WorkerRestarted",
            CredentialMessage::SessionEvicted { .. } => "SessionEvicted",
            CredentialMessage::ListSlots => "ListSlots",
            CredentialMessage::ReviewSessions(_) => "ReviewSessions",
        }
    }

    fn session(&self) -> Option<&str> {
        match &self.0 {
            CredentialMessage::CredentialObserved { slot, .. } => Some(slot.session.as_str()),
            CredentialMessage::ResolveCredential(request)
            | CredentialMessage::AuthFailed { request, .. }
            | CredentialMessage::AuthAccepted { request, .. }
            | CredentialMessage::CallEnded { request, .. } => Some(request.session.as_str()),
            CredentialMessage::SessionEvicted { session } => Some(session.as_str()),
            CredentialMessage::ClientAnswered { .. }
            | CredentialMessage::WorkerRestarted(_)
            | CredentialMessage::ListSlots
            | CredentialMessage::ReviewSessions(_) => None,
        }
    }
}

impl Message for Spoken<SchedulerMessage> {
    fn name(&self) -> &'static str {
        match &self.0 {
            SchedulerMessage::TurnStarted(_) => "TurnStarted",
            SchedulerMessage::TurnEnded(_) => "TurnEnded",
            SchedulerMessage::SessionSeen(_) => "SessionSeen",
            SchedulerMessage::Held(_) => "Held",
            SchedulerMessage::TurnRecorded { .. } => "TurnRecorded",
            SchedulerMessage::BacklogDue => "BacklogDue",
            SchedulerMessage::BacklogFound(_) => "BacklogFound",
            SchedulerMessage::IdleSweepDue => "IdleSweepDue",
            SchedulerMessage::JobEnded { .. } => "JobEnded",
            SchedulerMessage::WorkerRestarted(_) => "WorkerRestarted",
            SchedulerMessage::RetentionDue => "RetentionDue",
            SchedulerMessage::Retained { .. } => "Retained",
            SchedulerMessage::Forgotten(_) => "Forgotten",
            SchedulerMessage::ListHealth => "ListHealth",
        }
    }

    fn session(&self) -> Option<&str> {
        match &self.0 {
            SchedulerMessage::TurnStarted(session)
            | SchedulerMessage::TurnEnded(session)
            | SchedulerMessage::SessionSeen(session)
            | SchedulerMessage::Forgotten(session)
            | SchedulerMessage::JobEnded { session, .. } => Some(session.as_str()),
            SchedulerMessage::TurnRecorded { brief, .. } => of_brief(brief),
            SchedulerMessage::Held(_)
            | SchedulerMessage::IdleSweepDue
            | SchedulerMessage::BacklogDue
            | SchedulerMessage::BacklogFound(_)
            | SchedulerMessage::RetentionDue
            | SchedulerMessage::Retained { .. }
            | SchedulerMessage::WorkerRestarted(_)
            | SchedulerMessage::ListHealth => None,
        }
    }
}

impl Message for Spoken<JobMessage> {
    fn name(&self) -> &'static str {
        job_name(&self.0)
    }

    fn session(&self) -> Option<&str> {
        of_job(&self.0)
    }
}

impl Message for Spoken<WarmerMessage> {
    fn name(&self) -> &'static str {
        match &self.0 {
            WarmerMessage::Recalled(_) => "Recalled",
            WarmerMessage::TurnStarted(_) => "TurnStarted",
            WarmerMessage::TurnEnded(_) => "TurnEnded",
            WarmerMessage::TurnSeen { .. } => "TurnSeen",
            WarmerMessage::WarmupDue => "WarmupDue",
            WarmerMessage::Refreshed { .. } => "Refreshed",
            WarmerMessage::Unwarmable { .. } => "Unwarmable",
            WarmerMessage::Displaced(_) => "Displaced",
            WarmerMessage::LimitReached { .. } => "LimitReached",
            WarmerMessage::Switched(_) => "Switched",
            WarmerMessage::ModeSet(..) => "ModeSet",
            WarmerMessage::WarmNow(_) => "WarmNow",
            WarmerMessage::SessionEvicted(_) => "SessionEvicted",
            WarmerMessage::Forgotten(_) => "Forgotten",
            WarmerMessage::KeepingDue => "KeepingDue",
            WarmerMessage::Unkept(_) => "Unkept",
            WarmerMessage::Closing => "Closing",
            WarmerMessage::Explain(_) => "Explain",
            WarmerMessage::Describe => "Describe",
            WarmerMessage::Job(message) => job_name(message),
        }
    }

    fn session(&self) -> Option<&str> {
        match &self.0 {
            WarmerMessage::TurnSeen { brief, .. }
            | WarmerMessage::Refreshed { brief, .. }
            | WarmerMessage::Unwarmable { brief, .. }
            | WarmerMessage::WarmNow(brief) => of_brief(brief),
            WarmerMessage::TurnStarted(session)
            | WarmerMessage::TurnEnded(session)
            | WarmerMessage::Displaced(session)
            | WarmerMessage::LimitReached { session, .. }
            | WarmerMessage::ModeSet(session, _)
            | WarmerMessage::SessionEvicted(session) => Some(session.as_str()),
            WarmerMessage::Job(message) => of_job(message),
            WarmerMessage::Recalled(_)
            | WarmerMessage::WarmupDue
            | WarmerMessage::Switched(_)
            | WarmerMessage::Forgotten(_)
            | WarmerMessage::KeepingDue
            | WarmerMessage::Unkept(_)
            | WarmerMessage::Closing
            | WarmerMessage::Explain(_)
            | WarmerMessage::Describe => None,
        }
    }
}

impl Message for Spoken<BatchMessage> {
    fn name(&self) -> &'static str {
        match &self.0 {
            BatchMessage::Offered(_) => "Offered",
            BatchMessage::HandInDue => "HandInDue",
            BatchMessage::HandedIn { .. } => "HandedIn",
            BatchMessage::LookDue => "LookDue",
            BatchMessage::Sought { .. } => "Sought",
            BatchMessage::Looked { .. } => "Looked",
            BatchMessage::Restored(..) => "Restored",
            BatchMessage::Forgotten(_) => "Forgotten",
            BatchMessage::Job(message) => job_name(message),
        }
    }

    fn session(&self) -> Option<&str> {
        match &self.0 {
            BatchMessage::Offered(offer) => of_brief(&offer.item.brief),
            BatchMessage::HandedIn { leader, .. }
            | BatchMessage::Sought { leader, .. }
            | BatchMessage::Looked { leader, .. } => Some(leader.as_str()),
            BatchMessage::Job(message) => of_job(message),
            BatchMessage::HandInDue
            | BatchMessage::LookDue
            | BatchMessage::Restored(..)
            | BatchMessage::Forgotten(_) => None,
        }
    }
}

impl Message for Spoken<EmbedderMessage> {
    fn name(&self) -> &'static str {
        match &self.0 {
            EmbedderMessage::LookDue => "LookDue",
            EmbedderMessage::Embedded { .. } => "Embedded",
            EmbedderMessage::Failed => "Failed",
        }
    }
}

fn job_name(message: &JobMessage) -> &'static str {
    match message {
        JobMessage::Wanted(_) => "Wanted",
        JobMessage::Answered { .. } => "Answered",
        JobMessage::Unanswered { .. } => "Unanswered",
        JobMessage::Performed { .. } => "Performed",
        JobMessage::Settled { .. } => "Settled",
        JobMessage::Hinted(_) => "Hinted",
        JobMessage::Invited { .. } => "Invited",
        JobMessage::SessionEvicted { .. } => "SessionEvicted",
    }
}

fn of_job(message: &JobMessage) -> Option<&str> {
    match message {
        JobMessage::Wanted(brief) => of_brief(brief),
        JobMessage::Answered { session, .. }
        | JobMessage::Unanswered { session }
        | JobMessage::Performed { session, .. }
        | JobMessage::Settled { session, .. }
        | JobMessage::Invited { session }
        | JobMessage::SessionEvicted { session } => Some(session.as_str()),
        JobMessage::Hinted(_) => None,
    }
}

fn of_brief(brief: &Brief) -> Option<&str> {
    Some(brief.session.as_str())
}
