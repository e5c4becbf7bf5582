//! The IdleScheduler: sweeps, sends the workers out, and says in the log when one of them does better or worse.

#[cfg(test)]
mod tests;

use crate::erasing::Erasing;
use crate::left_work::left_work;
use crate::retention::Retention;
use crate::{RequestShelf, Spoken, Upstreams};
use actor::{Mailbox, Performer, Stage};
use domain::ids::SessionId;
use domain::purpose::Purpose;
use domain::time::Moment;
use machines::cache_warmer::{WarmerMessage, WarmerReply};
use machines::credential::{CredentialMessage, CredentialReply};
use machines::health::Level;
use machines::idle_scheduler::{
    SchedulerEffect, SchedulerMachine, SchedulerMessage, SchedulerReply, WorkerHealth,
};
use machines::job::{Brief, Ending, FailureCause, JobMessage};
use std::sync::Arc;
use std::time::Duration;
use store::Desk;

const TIMER: &str = "sweep";
const BACKLOG: &str = "backlog";
const RETENTION: &str = "retention";
/// How long it is waited for what the CredentialActor holds.
const PATIENCE: Duration = Duration::from_secs(5);

/// See the module.
pub(crate) struct SchedulerPerformer {
    pub(crate) tick: Duration,
    pub(crate) credentials: Mailbox<Spoken<CredentialMessage>, CredentialReply>,
    pub(crate) distiller: Mailbox<Spoken<JobMessage>>,
    pub(crate) curator: Mailbox<Spoken<JobMessage>>,
    pub(crate) warmer: Mailbox<Spoken<WarmerMessage>, WarmerReply>,
    pub(crate) shelf: Arc<RequestShelf>,
    pub(crate) desk: Desk,
    pub(crate) upstreams: Upstreams,
    pub(crate) erasing: Erasing,
    /// None when nothing is ever dropped.
    pub(crate) retention: Option<Retention>,
}

impl Performer for SchedulerPerformer {
    const NAME: &'static str = "IdleScheduler";
    type Machine = SchedulerMachine;
    type Message = Spoken<SchedulerMessage>;
    type Effect = SchedulerEffect;
    type Reply = SchedulerReply;

    fn step(
        machine: &mut SchedulerMachine,
        message: Self::Message,
        now: Duration,
        effects: &mut Vec<SchedulerEffect>,
    ) -> SchedulerReply {
        machine.on(message.0, Moment::from(now), effects)
    }

    fn perform(&mut self, effect: SchedulerEffect, stage: &mut Stage<'_, Self::Message>) {
        match effect {
            SchedulerEffect::ArmSweep(tick) => {
                stage.after(TIMER, tick, Spoken(SchedulerMessage::IdleSweepDue));
            }
            SchedulerEffect::Dispatch(purpose, brief) => self.dispatch(purpose, brief, stage),
            SchedulerEffect::Evict(session) => self.evict(&session, stage),
            SchedulerEffect::SayHealth { health, ending } => say(&health, &ending),
            SchedulerEffect::FindBacklog => self.find_backlog(stage),
            SchedulerEffect::ArmBacklog(pause) => {
                stage.after(BACKLOG, pause, Spoken(SchedulerMessage::BacklogDue));
            }
            SchedulerEffect::Retain => self.retain(stage),
            SchedulerEffect::ArmRetention(pause) => {
                stage.after(RETENTION, pause, Spoken(SchedulerMessage::RetentionDue));
            }
        }
    }

    fn opening(&mut self, stage: &mut Stage<'_, Self::Message>) {
        stage.after(TIMER, self.tick, Spoken(SchedulerMessage::IdleSweepDue));
        self.find_held(stage);
        self.find_backlog(stage);
        stage.after(RETENTION, self.tick, Spoken(SchedulerMessage::RetentionDue));
    }
}

impl SchedulerPerformer {
    /// A worker that takes nothing now leaves the session for a later sweep, which the scheduler is told at once.
    fn dispatch(&self, purpose: Purpose, brief: Brief, stage: &mut Stage<'_, Spoken<SchedulerMessage>>) {
        let worker = if purpose == Purpose::Curate { &self.curator } else { &self.distiller };
        if worker.tell(Spoken(JobMessage::Wanted(brief)), stage.cause()).is_err() {
            let again = Spoken(SchedulerMessage::WorkerRestarted(purpose));
            stage.after(purpose.as_str(), self.tick, again);
        }
    }

    /// Who has a credential in memory has a slot; whoever has anything else there had one.
    fn find_held(&self, stage: &mut Stage<'_, Spoken<SchedulerMessage>>) {
        let slots = self.credentials.ask(Spoken(CredentialMessage::ListSlots), stage.cause(), PATIENCE);
        let look = async move {
            let Ok(CredentialReply::Slots(slots)) = slots.await else { return held(Vec::new()) };
            held(slots.into_iter().filter_map(|slot| slot.session).collect())
        };
        stage.run(look, held(Vec::new()));
    }

    fn find_backlog(&self, stage: &mut Stage<'_, Spoken<SchedulerMessage>>) {
        let (desk, upstreams) = (self.desk.clone(), self.upstreams.clone());
        let look = async move { Spoken(SchedulerMessage::BacklogFound(left_work(&desk, &upstreams).await)) };
        stage.run(look, Spoken(SchedulerMessage::BacklogFound(Vec::new())));
    }

    fn retain(&self, stage: &mut Stage<'_, Spoken<SchedulerMessage>>) {
        let (erasing, retention) = (self.erasing.clone(), self.retention.clone());
        let step = async move {
            let more = erasing.take_up().await
                || match retention {
                    Some(retention) => retention.step().await,
                    None => false,
                };
            Spoken(SchedulerMessage::Retained { more })
        };
        stage.run(step, Spoken(SchedulerMessage::Retained { more: false }));
    }

    fn evict(&self, session: &SessionId, stage: &Stage<'_, Spoken<SchedulerMessage>>) {
        let evicted = CredentialMessage::SessionEvicted { session: session.clone() };
        self.credentials.tell_surely(Spoken(evicted), stage.cause()).unwrap_or_default();
        let evicted = WarmerMessage::SessionEvicted(session.clone());
        self.warmer.tell_surely(Spoken(evicted), stage.cause()).unwrap_or_default();
        for worker in [&self.distiller, &self.curator] {
            let evicted = JobMessage::SessionEvicted { session: session.clone() };
            worker.tell_surely(Spoken(evicted), stage.cause()).unwrap_or_default();
        }
        self.shelf.forget(session);
    }
}

const fn held(sessions: Vec<SessionId>) -> Spoken<SchedulerMessage> {
    Spoken(SchedulerMessage::Held(sessions))
}

/// Said in the log and nowhere else: when a provider is down, every session of it would be an alert.
fn say(health: &WorkerHealth, ending: &Ending) {
    let (session, worker) = (health.session.prefix(), health.purpose.as_str());
    let (why, hint) = match ending {
        Ending::Failed { cause, why } => (why.as_str(), hint(*cause)),
        Ending::Done { .. } | Ending::Nothing | Ending::Queued | Ending::Waiting { .. } => ("", ""),
    };
    match health.level {
        Level::Healthy => tracing::info!(session, worker, "background work succeeds again"),
        Level::Degraded => {
            tracing::warn!(
                session,
                worker,
                why,
                hint,
                "background work fails again and again; it stays pending"
            );
        }
        Level::Critical => {
            tracing::error!(
                session,
                worker,
                why,
                hint,
                "background work has failed for an hour; it stays pending"
            );
        }
    }
}

/// What a person can do about it.
const fn hint(cause: FailureCause) -> &'static str {
    match cause {
        FailureCause::Credential => "the agent's next request with a good token ends this",
        FailureCause::Provider => "see whether the provider has an outage, and whether it has this model",
        FailureCause::Answer => "another model may answer better: set worker.model",
        FailureCause::House => "the trouble is in this gateway: see its log before this line",
    }
}
