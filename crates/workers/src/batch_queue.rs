//! The BatchQueue: what is done with work that goes into a provider's batch.

mod endpoint;
mod memory;

use crate::Spoken;
use crate::caller::{Caller, unanswered};
use crate::distiller::keep;
use crate::errand::Errand;
use crate::job::{ask, over, report};
use actor::{Cause, Mailbox, Performer, Stage};
use domain::credential::{CredentialKind, Lease};
use domain::ids::{BatchId, SessionId};
use domain::time::{Moment, UnixMillis};
use endpoint::{Sight, evidence, leave_nothing};
use machines::batch_queue::{
    Batch, BatchEffect, BatchMachine, BatchMessage, BatchReply, Call, HandedIn, Item, Offer,
};
use machines::job::{Brief, Ending, FailureCause, JobMessage, Work};
use std::rc::Rc;
use std::time::Duration;
use upstream::batch::Results;

const NAME: &str = "BatchQueue";
const HAND_IN: &str = "hand in";
const LOOK: &str = "look";
/// How long the queue may take to answer: it has nothing to wait for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Offers work for a batch; whether it was taken. Only what nobody waits for and an API key pays for is offered (R13).
pub(crate) async fn offer(
    queue: &Mailbox<Spoken<BatchMessage>, BatchReply>,
    lease: &Lease,
    item: Item,
    call: bytes::Bytes,
) -> bool {
    if !item.brief.patient || lease.credential.kind != CredentialKind::ApiKey {
        return false;
    }
    let offer = Offer { item, token: lease.fingerprint(), call: Call(call) };
    let reply = queue.ask(Spoken(BatchMessage::Offered(offer)), Cause::origin(NAME), PATIENCE).await;
    matches!(reply, Ok(BatchReply::Queued))
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
            BatchEffect::HandIn { items, calls, lease } => self.hand_in(items, calls, lease, stage),
            BatchEffect::Look { batch, lease } => self.look(batch, lease, stage),
            BatchEffect::Cancel { leader, batch, lease } => self.cancel(leader, batch, lease, stage),
            BatchEffect::Report { brief, lease, work } => {
                report(&self.errand, brief, lease, work, stage, wrap);
            }
            BatchEffect::Over { brief, ending } => over(&self.errand, brief, ending, stage),
            BatchEffect::Forget(id) => {
                drop(tokio::task::spawn_local(memory::forget(self.errand.desk.clone(), id)))
            }
            BatchEffect::ArmHandIn(delay) => {
                stage.after(HAND_IN, delay, Spoken(BatchMessage::HandInDue));
            }
            BatchEffect::ArmLook(delay) => stage.after(LOOK, delay, Spoken(BatchMessage::LookDue)),
        }
    }

    fn opening(&mut self, stage: &mut Stage<'_, Self::Message>) {
        self.errand.begin(stage.cause());
        let (desk, now) = (self.errand.desk.clone(), UnixMillis::from(self.errand.clock.unix()));
        let restored = |batches| Spoken(BatchMessage::Restored(batches));
        stage.run(async move { restored(memory::recalled(desk, now).await) }, restored(Vec::new()));
    }
}

fn wrap(message: JobMessage) -> Spoken<BatchMessage> {
    Spoken(BatchMessage::Job(message))
}

fn broken_off() -> Work {
    Work::Failed { evidence: None, why: "the work broke off".to_owned() }
}

impl BatchPerformer {
    fn hand_in(
        &self,
        items: Vec<Item>,
        calls: Vec<Call>,
        lease: Lease,
        stage: &mut Stage<'_, Spoken<BatchMessage>>,
    ) {
        let Some(brief) = items.first().map(|item| item.brief.clone()) else { return };
        let (caller, leased) = (Rc::clone(&self.caller), lease.clone());
        let told = move |leader: SessionId, outcome, work| {
            Spoken(BatchMessage::HandedIn { leader, lease, outcome, work })
        };
        let lost = told.clone()(brief.session.clone(), HandedIn::Refused, broken_off());
        let work = async move {
            let calls = calls.into_iter().map(|call| call.0).collect();
            let handed_in = endpoint::hand_in(&caller, &leased, brief.dialect, calls).await;
            let (outcome, work) = understood(handed_in, &leased);
            if let HandedIn::Taken(id) = &outcome {
                let at = UnixMillis::from(caller.clock.unix());
                memory::keep(&caller.desk, Batch { id: id.clone(), items }, at).await;
            }
            told(brief.session, outcome, work)
        };
        stage.run(work, lost);
    }

    fn look(&self, batch: Batch, lease: Lease, stage: &mut Stage<'_, Spoken<BatchMessage>>) {
        let Some(leader) = batch.items.first().map(|item| item.brief.session.clone()) else { return };
        let (caller, leased) = (Rc::clone(&self.caller), lease.clone());
        let told = move |work, endings| Spoken(BatchMessage::Looked { leader, lease, work, endings });
        let lost = told.clone()(broken_off(), Vec::new());
        let work = async move {
            let (work, endings) = look(&caller, batch, &leased).await;
            told(work, endings)
        };
        stage.run(work, lost);
    }

    /// Whatever the provider says to it, it is not asked again.
    fn cancel(
        &self,
        leader: Brief,
        batch: BatchId,
        lease: Lease,
        stage: &mut Stage<'_, Spoken<BatchMessage>>,
    ) {
        let (caller, leased) = (Rc::clone(&self.caller), lease.clone());
        let work = async move { endpoint::cancel(&caller, &leased, leader.dialect, batch).await };
        crate::job::labour(leader.session, lease, work, stage, wrap);
    }
}

fn understood(handed_in: endpoint::HandedIn, lease: &Lease) -> (HandedIn, Work) {
    let evidence = evidence(lease, &handed_in.reply);
    let lacking = handed_in.is_lacking();
    match handed_in.taken {
        Some(id) => (HandedIn::Taken(id), Work::Queued { evidence: Some(evidence) }),
        None if lacking => {
            let why = "the upstream has no batches".to_owned();
            (HandedIn::Lacking, Work::Failed { evidence: Some(evidence), why })
        }
        None => (HandedIn::Refused, unanswered(evidence, handed_in.reply.why)),
    }
}

/// One look at a batch, and how each of its items ended if it did.
async fn look(caller: &Caller, batch: Batch, lease: &Lease) -> (Work, Vec<Ending>) {
    let Some(dialect) = batch.items.first().map(|item| item.brief.dialect) else {
        return (Work::Nothing, Vec::new());
    };
    match endpoint::look(caller, lease, dialect, &batch.id).await {
        Sight::Open(evidence) => (Work::Queued { evidence: Some(evidence) }, Vec::new()),
        Sight::Nothing(work) => (work, Vec::new()),
        Sight::Ended { evidence, results, why, files } => {
            let endings = keep_all(caller, batch.items, results, why).await;
            leave_nothing(caller, lease, files).await;
            let kept =
                endings.iter().map(|ending| if let Ending::Done { kept } = ending { *kept } else { 0 });
            (Work::Accepted { evidence, kept: kept.sum() }, endings)
        }
    }
}

async fn keep_all(
    caller: &Caller,
    items: Vec<Item>,
    mut results: Results,
    why: Option<String>,
) -> Vec<Ending> {
    let why = why.unwrap_or_else(|| "the batch ended without a result".to_owned());
    let mut endings = Vec::with_capacity(items.len());
    for (place, item) in items.into_iter().enumerate() {
        let ending = match results.remove(&place).unwrap_or_else(|| Err(why.clone())) {
            Ok(answered) => {
                caller.charge_batch(&item.brief, answered.usage).await;
                keep(caller, item.brief.session, item.stretch, &answered).await
            }
            Err(why) => Err(why),
        };
        endings.push(ending.map_or_else(failed, |kept| Ending::Done { kept }));
    }
    endings
}

const fn failed(why: String) -> Ending {
    Ending::Failed { cause: FailureCause::Answer, why }
}
