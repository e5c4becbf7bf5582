//! The IdleScheduler: sweeps, and sends the workers out.

use crate::{RequestShelf, Spoken};
use actor::{Mailbox, Performer, Stage};
use domain::ids::SessionId;
use domain::purpose::Purpose;
use domain::time::Moment;
use machines::cache_warmer::WarmerMessage;
use machines::credential::{CredentialMessage, CredentialReply};
use machines::idle_scheduler::{SchedulerEffect, SchedulerMachine, SchedulerMessage};
use machines::job::{Brief, JobMessage};
use std::sync::Arc;
use std::time::Duration;

const TIMER: &str = "sweep";

/// See the module.
pub(crate) struct SchedulerPerformer {
    pub(crate) tick: Duration,
    pub(crate) credentials: Mailbox<Spoken<CredentialMessage>, CredentialReply>,
    pub(crate) distiller: Mailbox<Spoken<JobMessage>>,
    pub(crate) curator: Mailbox<Spoken<JobMessage>>,
    pub(crate) warmer: Mailbox<Spoken<WarmerMessage>>,
    pub(crate) shelf: Arc<RequestShelf>,
}

impl Performer for SchedulerPerformer {
    const NAME: &'static str = "IdleScheduler";
    type Machine = SchedulerMachine;
    type Message = Spoken<SchedulerMessage>;
    type Effect = SchedulerEffect;
    type Reply = ();

    fn step(
        machine: &mut SchedulerMachine,
        message: Self::Message,
        now: Duration,
        effects: &mut Vec<SchedulerEffect>,
    ) {
        machine.on(message.0, Moment::from(now), effects);
    }

    fn perform(&mut self, effect: SchedulerEffect, stage: &mut Stage<'_, Self::Message>) {
        match effect {
            SchedulerEffect::ArmSweep(tick) => {
                stage.after(TIMER, tick, Spoken(SchedulerMessage::IdleSweepDue));
            }
            SchedulerEffect::Dispatch(purpose, brief) => self.dispatch(purpose, brief, stage),
            SchedulerEffect::Evict(session) => self.evict(&session, stage),
        }
    }

    fn opening(&mut self, stage: &mut Stage<'_, Self::Message>) {
        stage.after(TIMER, self.tick, Spoken(SchedulerMessage::IdleSweepDue));
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

    fn evict(&self, session: &SessionId, stage: &Stage<'_, Spoken<SchedulerMessage>>) {
        let evicted = CredentialMessage::SessionEvicted { session: session.clone() };
        self.credentials.tell_surely(Spoken(evicted), stage.cause()).unwrap_or_default();
        let evicted = WarmerMessage::SessionEvicted(session.clone());
        self.warmer.tell_surely(Spoken(evicted), stage.cause()).unwrap_or_default();
        self.shelf.forget(session);
    }
}
