//! The Distiller: turns a stretch of messages into observations, and many old observations into few.

mod block;
#[cfg(test)]
mod tests;
mod words;

use crate::Spoken;
use crate::batch_queue::offer;
use crate::caller::{Caller, Question, evidence, unanswered, words as said};
use crate::job::Craft;
use crate::unkept::Unkept;
use actor::Mailbox;
use domain::conversation::{Answered, RecordedMessage};
use domain::credential::Lease;
use domain::evidence::{Class, Evidence};
use domain::ids::SessionId;
use domain::knowledge::Observation;
use domain::purpose::Purpose;
use domain::segment::room;
use domain::settings::DistillerSettings;
use domain::time::UnixMillis;
use machines::batch_queue::{BatchMessage, BatchReply, Item, Stretch};
use machines::job::{Brief, Work};
use store::{Store, StoreError};
use upstream::call::CallEnd;
use upstream::classify::lies_with_the_texts;
use upstream::dialect::{Completion, completion};
use words::Asked;

/// See the module.
pub(crate) struct Distilling {
    pub(crate) caller: Caller,
    pub(crate) batches: Mailbox<Spoken<BatchMessage>, BatchReply>,
}

/// What a job works on: one thing a call.
enum Material {
    /// The messages, and what they may have together, in tokens.
    Segment(Vec<RecordedMessage>, u64),
    Old(Vec<Observation>),
}

impl Craft for Distilling {
    const NAME: &'static str = "Distiller";
    const PURPOSE: Purpose = Purpose::Distill;

    async fn work(&self, brief: Brief, lease: Lease) -> Work {
        let (session, settings) = (brief.session.clone(), self.caller.settings.distiller.clone());
        let now = UnixMillis::from(self.caller.clock.unix());
        let material = self.caller.desk.read(move |store| next(store, &session, &settings, now)).await;
        match material {
            Ok(Material::Segment(segment, _)) if segment.is_empty() => Work::Nothing,
            Ok(Material::Segment(segment, room)) => self.distil(brief, lease, segment, room).await,
            Ok(Material::Old(old)) => self.merge(brief, lease, old).await,
            Err(error) => Work::Failed { evidence: None, why: error.to_string() },
        }
    }
}

/// What a model could not be brought to say something of is tried in smaller pieces.
///
/// Old observations come first only when no messages are ripe: what was said last is what is looked for next.
fn next(
    store: &mut dyn Store,
    session: &SessionId,
    settings: &DistillerSettings,
    now: UnixMillis,
) -> Result<Material, StoreError> {
    if store.standing(session)?.pending_messages < settings.min_messages.max(1) {
        let old = store.mergeable(session)?;
        if !old.is_empty() {
            return Ok(Material::Old(old));
        }
    }
    let room = room(settings.pending_tokens, store.refusals(session)?);
    Ok(Material::Segment(store.pending(session, room, now)?, room))
}

impl Distilling {
    async fn distil(&self, brief: Brief, lease: Lease, segment: Vec<RecordedMessage>, room: u64) -> Work {
        let is_tried_again = room < self.caller.settings.distiller.pending_tokens;
        let asked = words::of_segment(&segment, room, is_tried_again);
        let stretch =
            Stretch { sources: segment.iter().map(|message| message.id).collect(), size: asked.size };
        let body = self.body(&brief, asked);
        let item = Item { brief: brief.clone(), stretch: stretch.clone() };
        let call = self.caller.as_taken(&brief, &lease, body.clone());
        if offer(&self.batches, &lease, item, call).await {
            return Work::Queued { evidence: None };
        }
        match self.ask(&brief, &lease, body).await {
            Ok((answered, evidence)) => {
                judged(keep(&self.caller, brief.session, stretch, &answered).await, evidence)
            }
            Err(work) => {
                if let Some(why) = fault_of_the_texts(&work) {
                    let at = UnixMillis::from(self.caller.clock.unix());
                    refuse(&self.caller, brief.session, stretch.sources, at, why).await;
                }
                work
            }
        }
    }

    /// The second pass. Its answer takes the place of what it was made of, so one that says nothing is refused as well.
    async fn merge(&self, brief: Brief, lease: Lease, old: Vec<Observation>) -> Work {
        let asked = words::of_observations(&old);
        let (size, sources) = (asked.size, old.iter().map(|one| one.id).collect::<Vec<_>>());
        let body = self.body(&brief, asked);
        let (answered, evidence) = match self.ask(&brief, &lease, body).await {
            Ok(answer) => answer,
            Err(work) => return work,
        };
        let lines = match said(&answered).and_then(|text| words::merged(&text, size)) {
            Ok(lines) => lines,
            Err(why) => return Unkept::Useless(why).work(evidence),
        };
        let at = UnixMillis::from(self.caller.clock.unix());
        let session = brief.session;
        let write =
            self.caller.desk.write(move |store| store.merge_observations(&session, &sources, &lines, at));
        judged(written(write.await), evidence)
    }

    fn body(&self, brief: &Brief, asked: Asked) -> bytes::Bytes {
        let Asked { system, user, max_output, .. } = asked;
        let model = self.caller.model(brief).to_owned();
        completion(brief.dialect, &Completion { model, system, user, max_output })
    }

    async fn ask(
        &self,
        brief: &Brief,
        lease: &Lease,
        body: bytes::Bytes,
    ) -> Result<(Answered, Evidence), Work> {
        let question = Question { target: brief.dialect.path().to_owned(), body };
        let report = self.caller.ask(brief, lease, question).await;
        let evidence = evidence(lease, &report);
        match report.end {
            CallEnd::Answered { answered, .. } => Ok((answered, evidence)),
            CallEnd::Failed { reason, .. } => Err(unanswered(evidence, reason)),
        }
    }
}

/// Keeps the observations in an answer together with the mark on what they cover, whichever way the answer came; how many, or
/// why they cannot be kept. When some of that is covered already, nothing is kept: somebody else did the work.
pub(crate) async fn keep(
    caller: &Caller,
    session: SessionId,
    stretch: Stretch,
    answered: &Answered,
) -> Result<u32, Unkept> {
    let at = UnixMillis::from(caller.clock.unix());
    let lines = match said(answered).and_then(|text| words::observations(&text, stretch.size)) {
        Ok(lines) => lines,
        Err(why) => {
            refuse(caller, session, stretch.sources, at, &why).await;
            return Err(Unkept::Useless(why));
        }
    };
    let write =
        caller.desk.write(move |store| store.store_observations(&session, &stretch.sources, &lines, at));
    written(write.await)
}

/// Why the provider did not take what was asked, where fewer or other messages may pass. All else that it may have against a request, such as a
/// model that it does not have, is not their fault.
fn fault_of_the_texts(work: &Work) -> Option<&str> {
    match work {
        Work::Failed { evidence: Some(Evidence { class: Class::RequestRefused, status, .. }), why } => {
            lies_with_the_texts(*status, why).then_some(why)
        }
        _ => None,
    }
}

/// Notes that an answer was of no use. One message that no model can say anything of must not keep those behind it from being
/// distilled, nor be paid for without end: in the end it is passed over, and that is said.
async fn refuse(caller: &Caller, session: SessionId, sources: Vec<i64>, at: UnixMillis, why: &str) {
    let (of, messages) = (session.prefix().to_owned(), sources.len() as u64);
    match caller.desk.write(move |store| store.refuse(&session, &sources, at)).await {
        Ok(false) => {}
        Ok(true) => {
            caller.meter.passed_over(messages);
            let hint =
                "they are still found by their words; another model may answer better: set worker.model";
            tracing::warn!(
                session = of,
                messages,
                why,
                hint,
                "messages are passed over undistilled: no answer about them was of use"
            );
        }
        Err(error) => tracing::warn!(%error, "that an answer was of no use could not be written down"),
    }
}

fn written(kept: Result<Vec<Observation>, StoreError>) -> Result<u32, Unkept> {
    Ok(u32::try_from(kept?.len()).unwrap_or(u32::MAX))
}

fn judged(kept: Result<u32, Unkept>, evidence: Evidence) -> Work {
    match kept {
        Ok(kept) => Work::Accepted { evidence, kept },
        Err(unkept) => unkept.work(evidence),
    }
}
