//! The BatchQueue: what is done with work that goes into a provider's batch.

mod endpoint;
mod memory;
#[cfg(test)]
mod tests;

use crate::Spoken;
use crate::caller::Caller;
use crate::distiller::keep;
use crate::errand::Errand;
use crate::job::{ask, over, report};
use crate::unkept::Unkept;
use actor::{Cause, Mailbox, Performer, Stage};
use domain::conversation::Answered;
use domain::credential::{CredentialKind, Lease};
use domain::ids::{BatchId, BatchMark};
use domain::provider::Dialect;
use domain::time::{Moment, UnixMillis};
use endpoint::{Sight, leave_nothing};
use machines::batch_queue::{
    Batch, BatchEffect, BatchMachine, BatchMessage, BatchReply, Call, Found, HandedIn, Item, Offer, Trace,
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
/// A batch is its account's for a day, and who stands in changes: what goes with another session's key goes directly.
pub(crate) async fn offer(
    queue: &Mailbox<Spoken<BatchMessage>, BatchReply>,
    lease: &Lease,
    item: Item,
    call: bytes::Bytes,
) -> bool {
    if !item.brief.patient || lease.stand_in || lease.credential.kind != CredentialKind::ApiKey {
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
            BatchEffect::Seek { leader, trace, items, lease } => {
                self.seek(leader, trace, items, lease, stage);
            }
            BatchEffect::Cancel { leader, batch, lease } => self.cancel(leader, batch, lease, stage),
            BatchEffect::Abandon { leader, batch, lease } => self.abandon(leader, batch, lease, stage),
            BatchEffect::Report { brief, lease, work } => {
                report(&self.errand, brief, lease, work, stage, wrap);
            }
            BatchEffect::Over { brief, ending } => over(&self.errand, brief, ending, stage),
            BatchEffect::Forget(mark) => {
                drop(tokio::task::spawn_local(memory::forget(self.errand.desk.clone(), mark)))
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
        let (caller, leased, trace) = (Rc::clone(&self.caller), lease.clone(), self.trace());
        let (leader, chance) = (brief.session, self.caller.chance.number());
        let told =
            move |outcome, work| Spoken(BatchMessage::HandedIn { leader, lease, outcome, work, chance });
        let lost = told.clone()(HandedIn::Unknown(trace.clone()), broken_off());
        let work = async move {
            let (outcome, work) = hand_in(&caller, &leased, brief.dialect, trace, items, calls).await;
            told(outcome, work)
        };
        stage.run(work, lost);
    }

    /// The time, and a number drawn by chance: two gateways, or one that was started anew, never have the same.
    fn trace(&self) -> Trace {
        let at = UnixMillis::from(self.errand.clock.unix());
        let drawn = self.caller.chance.number() >> 32;
        Trace { mark: BatchMark::from(format!("stillroom-{:x}-{drawn:08x}", at.0)), at, file: None }
    }

    fn seek(
        &self,
        leader: Brief,
        trace: Trace,
        items: Vec<Item>,
        lease: Lease,
        stage: &mut Stage<'_, Spoken<BatchMessage>>,
    ) {
        let (caller, leased, dialect) = (Rc::clone(&self.caller), lease.clone(), leader.dialect);
        let told =
            move |found, work| Spoken(BatchMessage::Sought { leader: leader.session, lease, found, work });
        let lost = told.clone()(Found::Unclear, broken_off());
        let work = async move {
            let (found, work) = seek(&caller, &leased, dialect, trace, &items).await;
            told(found, work)
        };
        stage.run(work, lost);
    }

    fn look(&self, batch: Batch, lease: Lease, stage: &mut Stage<'_, Spoken<BatchMessage>>) {
        let leader = batch.leader.session.clone();
        let (caller, leased) = (Rc::clone(&self.caller), lease.clone());
        let told = move |work, endings| Spoken(BatchMessage::Looked { leader, lease, work, endings });
        let lost = told.clone()(broken_off(), Vec::new());
        let work = async move {
            let (work, endings) = look(&caller, batch, &leased).await;
            told(work, endings)
        };
        stage.run(work, lost);
    }

    /// Whatever the provider says to it, it is not asked again: the next look tells what came of it.
    fn cancel(
        &self,
        leader: Brief,
        batch: BatchId,
        lease: Lease,
        stage: &mut Stage<'_, Spoken<BatchMessage>>,
    ) {
        let (caller, leased) = (Rc::clone(&self.caller), lease.clone());
        let work = async move { endpoint::cancel(&caller, &leased, batch).await };
        crate::job::labour(leader.session, lease, work, stage, wrap);
    }

    /// Whatever the provider says to this, too.
    fn abandon(
        &self,
        leader: Brief,
        batch: BatchId,
        lease: Lease,
        stage: &mut Stage<'_, Spoken<BatchMessage>>,
    ) {
        let (caller, leased) = (Rc::clone(&self.caller), lease.clone());
        let work = async move { endpoint::abandon(&caller, &leased, leader.dialect, batch).await };
        crate::job::labour(leader.session, lease, work, stage, wrap);
    }
}

/// Written down first, so that it is looked for whatever happens in between.
async fn hand_in(
    caller: &Caller,
    lease: &Lease,
    dialect: Dialect,
    trace: Trace,
    items: Vec<Item>,
    calls: Vec<Call>,
) -> (HandedIn, Work) {
    memory::keep(&caller.desk, &trace, None, &items).await;
    let calls = calls.into_iter().map(|call| call.0).collect();
    let handed_in = endpoint::hand_in(caller, lease, dialect, trace.clone(), calls).await;
    match &handed_in.0 {
        HandedIn::Taken(_, id) => memory::keep(&caller.desk, &trace, Some(id), &items).await,
        HandedIn::Unknown(_) => {}
        HandedIn::Lacking | HandedIn::Refused | HandedIn::Later => {
            memory::forget(caller.desk.clone(), trace.mark).await;
        }
    }
    handed_in
}

/// Looks whether calls were taken in, and writes down what was found.
async fn seek(
    caller: &Caller,
    lease: &Lease,
    dialect: Dialect,
    trace: Trace,
    items: &[Item],
) -> (Found, Work) {
    let (found, work) = endpoint::seek(caller, lease, dialect, &trace, items.len()).await;
    match &found {
        Found::There(id) => memory::keep(&caller.desk, &trace, Some(id), items).await,
        Found::NotThere => leave_nothing(caller, lease, trace.file).await,
        Found::Unclear => {}
    }
    (found, work)
}

/// One look at a batch, and how each of its items ended if it did.
async fn look(caller: &Caller, batch: Batch, lease: &Lease) -> (Work, Vec<Ending>) {
    match endpoint::look(caller, lease, batch.leader.dialect, (&batch.mark, &batch.id)).await {
        Sight::Open(evidence) => (Work::Queued { evidence: Some(evidence) }, Vec::new()),
        Sight::Nothing(work) => (work, Vec::new()),
        Sight::Ended { evidence, results, why, files } => {
            let endings = match keep_all(caller, &batch.mark, batch.items, results, why).await {
                Ok(endings) => endings,
                Err(why) => {
                    tracing::warn!(
                        why,
                        "what a batch did could not be kept; it is fetched again in a minute"
                    );
                    return (Work::Unkept { evidence, why }, Vec::new());
                }
            };
            leave_nothing(caller, lease, files).await;
            let kept =
                endings.iter().map(|ending| if let Ending::Done { kept } = ending { *kept } else { 0 });
            (Work::Accepted { evidence, kept: kept.sum() }, endings)
        }
    }
}

/// Keeps what became of each item, or nothing more once the store fails: the answers are paid for, and the provider still has them.
/// What was kept and charged before that is neither again.
async fn keep_all(
    caller: &Caller,
    mark: &BatchMark,
    items: Vec<Item>,
    mut results: Results,
    why: Option<String>,
) -> Result<Vec<Ending>, String> {
    let why = why.unwrap_or_else(|| "the batch ended without a result".to_owned());
    let mut endings = Vec::with_capacity(items.len());
    for (place, item) in items.into_iter().enumerate() {
        let result = results.remove(&place).unwrap_or_else(|| Err(why.clone()));
        let kept = match result {
            Ok(answered) => keep_one(caller, format!("{mark}-{place}"), item, &answered).await,
            Err(why) => Err(Unkept::Useless(why)),
        };
        endings.push(match kept {
            Ok(kept) => Ending::Done { kept },
            Err(Unkept::Useless(why)) => failed(why),
            Err(Unkept::Fault(why)) => return Err(why),
        });
    }
    Ok(endings)
}

async fn keep_one(caller: &Caller, call: String, item: Item, answered: &Answered) -> Result<u32, Unkept> {
    let session = (!item.is_forgotten()).then(|| item.brief.session.clone());
    caller.charge_batch(&item.brief, call, session.clone(), answered.usage).await?;
    match session {
        Some(session) => keep(caller, session, item.stretch, answered).await,
        None => Ok(0),
    }
}

const fn failed(why: String) -> Ending {
    Ending::Failed { cause: FailureCause::Answer, why }
}
