//! The BatchQueue: how work gets into a provider's batch, and how its result is fetched.

mod endpoint;

use crate::Spoken;
use crate::caller::{Caller, unanswered};
use crate::distiller::keep;
use crate::errand::Errand;
use crate::job::{ask, labour, over, report};
use actor::{Cause, Mailbox, Performer, Stage};
use bytes::Bytes;
use domain::credential::{CredentialKind, Lease};
use domain::evidence::{Class, Evidence};
use domain::time::Moment;
use endpoint::{Sight, evidence, leave_nothing};
use machines::batch_queue::{BatchEffect, BatchMachine, BatchMessage, BatchReply, Item, Stretch};
use machines::job::{Brief, JobMessage, Work};
use std::rc::Rc;
use std::time::Duration;

const NAME: &str = "BatchQueue";
const TIMER: &str = "look";
/// How long the queue may take to answer: it has nothing to wait for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A background call that could go into a batch.
pub(crate) struct Submission<'s> {
    pub(crate) brief: &'s Brief,
    pub(crate) lease: &'s Lease,
    pub(crate) body: Bytes,
    pub(crate) stretch: &'s Stretch,
}

impl Submission<'_> {
    /// Hands the work in. None when it has to go the direct way, at once and with the same lease: nobody may hand it in, or
    /// there is nobody to take it.
    pub(crate) async fn hand_in(
        self,
        caller: &Caller,
        queue: &Mailbox<Spoken<BatchMessage>, BatchReply>,
    ) -> Option<Work> {
        if !self.may_be_handed_in(queue).await {
            return None;
        }
        let call = caller.as_taken(self.brief, self.lease, self.body.clone());
        let handed_in = endpoint::hand_in(caller, self.lease, self.brief.dialect, vec![call]).await;
        let evidence = evidence(self.lease, &handed_in.reply);
        let lacking = handed_in.is_lacking();
        let (news, work) = match handed_in.taken {
            Some(batch) => (self.queued(batch), Some(Work::Queued { evidence })),
            None if lacking => (self.lacking(), None),
            None => {
                let work = self.refused(evidence, handed_in.reply.why);
                (BatchMessage::Unwelcome(self.brief.session.clone()), work)
            }
        };
        // A stopped queue means that the house is closing, and a lost item is work that is still pending.
        queue.tell_surely(Spoken(news), Cause::origin(NAME)).unwrap_or_default();
        work
    }

    async fn may_be_handed_in(&self, queue: &Mailbox<Spoken<BatchMessage>, BatchReply>) -> bool {
        let brief = self.brief;
        let kind = self.lease.credential.kind;
        if !brief.patient || kind != CredentialKind::ApiKey {
            return false;
        }
        let (session, upstream) = (brief.session.clone(), brief.upstream.clone());
        let question = Spoken(BatchMessage::MayQueue { session, upstream });
        matches!(queue.ask(question, Cause::origin(NAME), PATIENCE).await, Ok(BatchReply::Queue))
    }

    fn queued(&self, batch: domain::ids::BatchId) -> BatchMessage {
        let (brief, stretch) = (self.brief.clone(), self.stretch.clone());
        BatchMessage::Queued(Item { brief, batch, stretch })
    }

    fn lacking(&self) -> BatchMessage {
        BatchMessage::Lacking(self.brief.upstream.clone())
    }

    /// A request that is refused as such may be none that a batch can hold; the direct way will tell.
    fn refused(&self, evidence: Evidence, why: String) -> Option<Work> {
        (evidence.class != Class::RequestRefused).then(|| unanswered(evidence, why))
    }
}

/// See the module.
pub(crate) struct BatchPerformer {
    pub(crate) caller: Rc<Caller>,
    pub(crate) errand: Errand,
}

impl Performer for BatchPerformer {
    const NAME: &'static str = NAME;
    type Machine = BatchMachine;
    type Message = Spoken<BatchMessage>;
    type Effect = BatchEffect;
    type Reply = BatchReply;

    fn step(
        machine: &mut BatchMachine,
        message: Self::Message,
        now: Duration,
        effects: &mut Vec<BatchEffect>,
    ) -> BatchReply {
        machine.on(message.0, Moment::from(now), effects)
    }

    fn perform(&mut self, effect: BatchEffect, stage: &mut Stage<'_, Self::Message>) {
        match effect {
            BatchEffect::Ask(brief) => ask(&self.errand, brief, stage, wrap),
            BatchEffect::Look { item, lease } => {
                let (caller, session) = (Rc::clone(&self.caller), item.brief.session.clone());
                let leased = lease.clone();
                labour(session, lease, async move { look(&caller, item, &leased).await }, stage, wrap);
            }
            BatchEffect::Report { brief, lease, work } => {
                report(&self.errand, brief, lease, work, stage, wrap);
            }
            BatchEffect::Over { brief, ending } => over(&self.errand, brief, ending, stage),
            BatchEffect::ArmLook(delay) => stage.after(TIMER, delay, Spoken(BatchMessage::LookDue)),
        }
    }

    fn opening(&mut self, stage: &mut Stage<'_, Self::Message>) {
        self.errand.begin(stage.cause());
    }
}

fn wrap(message: JobMessage) -> Spoken<BatchMessage> {
    Spoken(BatchMessage::Job(message))
}

/// One look at an item. A lease for anything but an API key is given back unused.
async fn look(caller: &Caller, item: Item, lease: &Lease) -> Work {
    if lease.credential.kind != CredentialKind::ApiKey {
        return Work::Nothing;
    }
    match endpoint::look(caller, lease, item.brief.dialect, &item.batch).await {
        Sight::Open(evidence) => Work::Queued { evidence },
        Sight::Nothing(work) => work,
        Sight::Ended { evidence, mut results, why, files } => {
            let nothing = || why.unwrap_or_else(|| "the batch ended without a result".to_owned());
            let result = results.remove(&0).unwrap_or_else(|| Err(nothing()));
            let work = match result {
                Ok(answered) => {
                    caller.charge_batch(&item.brief, answered.usage).await;
                    keep(caller, item.brief.session, item.stretch, &answered, evidence).await
                }
                Err(why) => Work::Unusable { evidence, why },
            };
            leave_nothing(caller, lease, files).await;
            work
        }
    }
}
