//! What every worker does with the effects of its jobs, apart from the work itself: ask, report, and say that it is over.
//!
//! This is the one door (R8): a lease comes from the CredentialActor's answer to [`Errand::ask`] or [`Errand::report`] and
//! from nowhere else, and without a lease there is nothing to call a provider with.

use crate::{Ended, Meter, Spoken};
use actor::{Cause, Mailbox};
use domain::credential::Lease;
use domain::evidence::{Class, Evidence};
use domain::purpose::Purpose;
use machines::credential::{CredentialMessage, CredentialReply};
use machines::idle_scheduler::{Backlog, SchedulerMessage};
use machines::job::{Brief, Ending, JobMessage, Work};
use std::sync::Arc;
use std::time::Duration;
use store::Desk;
use tokio::sync::broadcast;

/// How long the CredentialActor may take: it answers in microseconds unless it is crashed or swamped.
const PATIENCE: Duration = Duration::from_secs(5);

/// One worker's dealings with the other actors.
#[derive(Clone)]
pub(crate) struct Errand {
    pub(crate) purpose: Purpose,
    pub(crate) credentials: Mailbox<Spoken<CredentialMessage>, CredentialReply>,
    pub(crate) scheduler: Mailbox<Spoken<SchedulerMessage>>,
    pub(crate) endings: broadcast::Sender<Ended>,
    pub(crate) desk: Desk,
    pub(crate) meter: Arc<dyn Meter>,
}

impl Errand {
    /// Asks whether the job may call its provider.
    pub(crate) async fn ask(self, brief: Brief, cause: Cause) -> JobMessage {
        let request = brief.request(self.purpose);
        let question = Spoken(CredentialMessage::ResolveCredential(request));
        let session = brief.session;
        match self.credentials.ask(question, cause, PATIENCE).await {
            Ok(CredentialReply::Access(access)) => JobMessage::Answered { session, access },
            _ => JobMessage::Unanswered { session },
        }
    }

    /// Tells how the call went, and hears that it was taken in; after a refusal also whether there is another lease.
    pub(crate) async fn report(self, brief: Brief, lease: Lease, work: Work, cause: Cause) -> JobMessage {
        let message = Spoken(self.testimony(&brief, lease, work));
        let session = brief.session;
        match self.credentials.ask(message, cause, PATIENCE).await {
            Ok(CredentialReply::Access(access)) => JobMessage::Settled { session, access: Some(access) },
            Ok(_) => JobMessage::Settled { session, access: None },
            Err(_) => JobMessage::Unanswered { session },
        }
    }

    fn testimony(&self, brief: &Brief, lease: Lease, work: Work) -> CredentialMessage {
        let request = brief.request(self.purpose);
        match work {
            Work::Accepted { evidence, .. } | Work::Unusable { evidence, .. } => {
                CredentialMessage::AuthAccepted { request, lease, evidence }
            }
            Work::Refused { evidence } => {
                self.count_refusal(&evidence);
                CredentialMessage::AuthFailed { request, lease, evidence }
            }
            Work::Failed { evidence, .. } => CredentialMessage::CallEnded { request, lease, evidence },
            Work::Nothing => CredentialMessage::CallEnded { request, lease, evidence: None },
        }
    }

    fn count_refusal(&self, evidence: &Evidence) {
        if matches!(evidence.class, Class::CredentialRejected | Class::WeakAuth) {
            self.meter.auth_failure(evidence.upstream.provider(), evidence.status);
        }
    }

    /// The job is over: the scheduler hears what is left to do, and whoever listens hears how it ended.
    pub(crate) async fn over(self, brief: Brief, ending: Ending, cause: Cause) {
        let session = brief.session.clone();
        let asked = session.clone();
        let standing = match ending {
            Ending::Done { .. } | Ending::Nothing => {
                self.desk.read(move |store| store.standing(&asked)).await.ok()
            }
            Ending::Waiting { .. } | Ending::Failed { .. } => None,
        };
        let backlog = standing.map(|it| Backlog {
            pending_messages: it.pending_messages,
            pending_tokens: it.pending_tokens,
            turns_since_curation: it.turns_since_curation,
        });
        self.log(&brief, &ending);
        let purpose = self.purpose;
        let ended =
            SchedulerMessage::JobEnded { session: session.clone(), purpose, ending: ending.clone(), backlog };
        // A stopped scheduler means that the house is closing; nobody may be listening to the endings.
        self.scheduler.tell_surely(Spoken(ended), cause).unwrap_or_default();
        self.endings.send(Ended { session, purpose, ending }).map(drop).unwrap_or_default();
    }

    /// A waiting job says nothing: it may wait for hours, a sweep at a time (R9).
    fn log(&self, brief: &Brief, ending: &Ending) {
        let (session, purpose) = (brief.session.prefix(), self.purpose.as_str());
        match ending {
            Ending::Done { kept } => tracing::info!(session, purpose, kept, "background work done"),
            Ending::Failed { why } => tracing::info!(session, purpose, %why, "background work left pending"),
            Ending::Nothing | Ending::Waiting { .. } => {}
        }
    }
}
