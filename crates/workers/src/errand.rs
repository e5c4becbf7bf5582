//! What every worker does with the effects of its jobs, apart from the work itself: ask, report, and say that it is over.
//!
//! This is the one door (R8): a lease comes from the CredentialActor's answer to [`Errand::ask`] or [`Errand::report`] and
//! from nowhere else, and without a lease there is nothing to call a provider with.

#[cfg(test)]
mod tests;

use crate::{Ended, Meter, Purse, Spoken};
use actor::{Cause, Clock, Mailbox};
use domain::access::{Access, AccessRequest, WaitReason};
use domain::credential::Lease;
use domain::evidence::{Class, Evidence};
use domain::ids::SessionId;
use domain::purpose::Purpose;
use domain::settings::Settings;
use domain::time::{Moment, UnixMillis};
use machines::credential::{CredentialMessage, CredentialReply};
use machines::idle_scheduler::{Backlog, SchedulerMessage, SchedulerReply};
use machines::job::{Brief, Ending, JobMessage, Work};
use std::sync::Arc;
use std::time::Duration;
use store::Desk;
use tokio::sync::broadcast;

/// How long the CredentialActor may take: it answers in microseconds unless it is crashed or swamped.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a report is told before it is given up.
const REPORTS: u32 = 5;

/// One worker's dealings with the other actors.
#[derive(Clone)]
pub(crate) struct Errand {
    pub(crate) purpose: Purpose,
    pub(crate) settings: Arc<Settings>,
    pub(crate) credentials: Mailbox<Spoken<CredentialMessage>, CredentialReply>,
    pub(crate) scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
    pub(crate) endings: broadcast::Sender<Ended>,
    pub(crate) desk: Desk,
    pub(crate) meter: Arc<dyn Meter>,
    pub(crate) purse: Purse,
    pub(crate) clock: Clock,
}

impl Errand {
    /// A fresh worker knows of no job and holds no lease: what was handed to the one before is handed out again.
    pub(crate) fn begin(&self, cause: Cause) {
        // A stopped actor means that the house is closing.
        let restarted = Spoken(CredentialMessage::WorkerRestarted(self.purpose));
        self.credentials.tell_surely(restarted, cause).unwrap_or_default();
        let restarted = Spoken(SchedulerMessage::WorkerRestarted(self.purpose));
        self.scheduler.tell_surely(restarted, cause).unwrap_or_default();
    }

    /// Asks whether the job may call its provider: first the purse, then the CredentialActor.
    pub(crate) async fn ask(self, brief: Brief, cause: Cause) -> JobMessage {
        if let Some(access) = self.held_back().await {
            return JobMessage::Answered { session: brief.session, access };
        }
        let request = self.request(&brief);
        let question = Spoken(CredentialMessage::ResolveCredential(request));
        let session = brief.session;
        match self.credentials.ask(question, cause, PATIENCE).await {
            Ok(CredentialReply::Access(access)) => JobMessage::Answered { session, access },
            _ => JobMessage::Unanswered { session },
        }
    }

    /// What is asked, with the model that the call itself will ask: a pause or an alert about another one would mislead.
    fn request(&self, brief: &Brief) -> AccessRequest {
        let model =
            self.settings.worker.asked(self.purpose, brief.upstream.provider(), &brief.model).to_owned();
        AccessRequest { model, ..brief.request(self.purpose) }
    }

    /// What the day's budget says, if it says no. What lies in a batch is paid for, so its answers are fetched all the same.
    async fn held_back(&self) -> Option<Access> {
        if self.purpose == Purpose::Batch {
            return None;
        }
        let now = UnixMillis::from(self.clock.unix());
        let until = self.purse.held_until(now).await?;
        let wait = Duration::from_millis(until.0.abs_diff(now.0));
        let ask_again_at = Some(Moment::from(self.clock.now()).after(wait));
        Some(Access::Wait { reason: WaitReason::Budget, ask_again_at })
    }

    /// Tells how the call went, and hears that it was taken in; after a refusal also whether there is another lease.
    pub(crate) async fn report(self, brief: Brief, lease: Lease, work: Work, cause: Cause) -> JobMessage {
        let message = Spoken(self.testimony(&brief, lease, work));
        let session = brief.session;
        for _ in 0..REPORTS {
            match self.credentials.ask(message.clone(), cause, PATIENCE).await {
                Ok(CredentialReply::Access(access)) => {
                    return JobMessage::Settled { session, access: Some(access) };
                }
                Ok(_) => return JobMessage::Settled { session, access: None },
                // Evidence may be told twice: it is joined, not counted. Told never, a dead token would be used again.
                Err(_) => tokio::time::sleep(PATIENCE).await,
            }
        }
        JobMessage::Unanswered { session }
    }

    fn testimony(&self, brief: &Brief, lease: Lease, work: Work) -> CredentialMessage {
        let request = self.request(brief);
        match work {
            Work::Accepted { evidence, .. }
            | Work::Queued { evidence: Some(evidence) }
            | Work::Unusable { evidence, .. }
            | Work::Unkept { evidence, .. } => CredentialMessage::AuthAccepted { request, lease, evidence },
            Work::Refused { evidence } => {
                self.count_refusal(&evidence);
                CredentialMessage::AuthFailed { request, lease, evidence }
            }
            Work::Failed { evidence, .. } => CredentialMessage::CallEnded { request, lease, evidence },
            Work::Nothing | Work::Queued { evidence: None } => {
                CredentialMessage::CallEnded { request, lease, evidence: None }
            }
        }
    }

    fn count_refusal(&self, evidence: &Evidence) {
        if matches!(evidence.class, Class::CredentialRejected | Class::WeakAuth) {
            self.meter.auth_failure(evidence.upstream.provider(), evidence.status);
        }
    }

    /// The job is over: the scheduler hears what is left to do, and whoever listens hears how it ended.
    pub(crate) async fn over(self, brief: Brief, ending: Ending, cause: Cause) {
        self.log(&brief, &ending);
        let (session, purpose) = (brief.session, self.purpose);
        match ending {
            // A failure may have been the last that is paid for, and then less is left.
            Ending::Done { .. } | Ending::Nothing | Ending::Failed { .. } => {
                self.tell_what_is_left(&session, &ending, cause).await;
            }
            Ending::Queued | Ending::Waiting { .. } => self.tell(&session, &ending, None, cause),
        }
        // Nobody may be listening.
        self.endings.send(Ended { session, purpose, ending }).map(drop).unwrap_or_default();
    }

    /// Told from where turns are recorded, in one order with them: a turn that was recorded later is told later.
    async fn tell_what_is_left(&self, session: &SessionId, ending: &Ending, cause: Cause) {
        let (errand, about, how) = (self.clone(), session.clone(), ending.clone());
        let told = self.desk.write(move |store| {
            let standing = store.standing(&about)?;
            let backlog = Backlog {
                pending_messages: standing.pending_messages,
                pending_tokens: standing.pending_tokens,
                turns_since_curation: standing.turns_since_curation,
                unmerged: standing.unmerged,
                entries: standing.entries,
            };
            errand.tell(&about, &how, Some(backlog), cause);
            Ok(())
        });
        if told.await.is_err() {
            self.tell(session, ending, None, cause);
        }
    }

    fn tell(&self, session: &SessionId, ending: &Ending, backlog: Option<Backlog>, cause: Cause) {
        let (session, purpose, ending) = (session.clone(), self.purpose, ending.clone());
        let ended = SchedulerMessage::JobEnded { session, purpose, ending, backlog };
        // A stopped scheduler means that the house is closing.
        self.scheduler.tell_surely(Spoken(ended), cause).unwrap_or_default();
    }

    /// A waiting job says nothing: it may wait for hours, a sweep at a time (R9).
    fn log(&self, brief: &Brief, ending: &Ending) {
        let (session, purpose) = (brief.session.prefix(), self.purpose.as_str());
        match ending {
            Ending::Done { kept } => tracing::info!(session, purpose, kept, "background work done"),
            Ending::Failed { cause, why } => {
                let cause = cause.as_str();
                tracing::info!(session, purpose, cause, %why, "background work left pending");
            }
            Ending::Queued if self.purpose == Purpose::Batch => {
                tracing::info!(session, purpose, "background work goes into a batch");
            }
            Ending::Queued | Ending::Nothing | Ending::Waiting { .. } => {}
        }
    }
}
