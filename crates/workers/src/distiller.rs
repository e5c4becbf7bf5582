//! The Distiller: turns a stretch of messages into observations, and many old observations into few.

mod block;
#[cfg(test)]
mod tests;
mod words;

use crate::Spoken;
use crate::batch_queue::offer;
use crate::caller::{Caller, Question, evidence, unanswered, words as said};
use crate::job::Craft;
use crate::unkept::{Unkept, fault_of_the_texts, of_no_use, refuse};
use actor::Mailbox;
use domain::conversation::{Answered, RecordedMessage};
use domain::credential::Lease;
use domain::evidence::Evidence;
use domain::ids::SessionId;
use domain::knowledge::Observation;
use domain::purpose::Purpose;
use domain::segment::room;
use domain::settings::DistillerSettings;
use domain::time::UnixMillis;
use machines::batch_queue::{BatchMessage, BatchReply, Item, Stretch};
use machines::job::{Brief, Work};
use store::{Store, StoreError, Vain};
use upstream::call::CallEnd;
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
        // What it costs is known a day later, when the settings may name another model.
        let as_asked = Brief { model: self.caller.model(&brief).to_owned(), ..brief.clone() };
        let item = Item { brief: as_asked, stretch: stretch.clone() };
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
                    refuse(&self.caller, brief.session, Vain::Messages(stretch.sources), why).await;
                }
                work
            }
        }
    }

    async fn merge(&self, brief: Brief, lease: Lease, old: Vec<Observation>) -> Work {
        let sources = old.iter().map(|one| one.id).collect::<Vec<_>>();
        let work = self.merged(&brief, &lease, &old, sources.clone()).await;
        if let Some(why) = of_no_use(&work) {
            refuse(&self.caller, brief.session, Vain::Observations(sources), why).await;
        }
        work
    }

    /// The second pass. Its answer takes the place of what it was made of, so one that says nothing is refused as well.
    async fn merged(&self, brief: &Brief, lease: &Lease, old: &[Observation], sources: Vec<i64>) -> Work {
        let asked = words::of_observations(old);
        let size = asked.size;
        let (answered, evidence) = match self.ask(brief, lease, self.body(brief, asked)).await {
            Ok(answer) => answer,
            Err(work) => return work,
        };
        let lines = match said(&answered).and_then(|text| words::merged(&text, size)) {
            Ok(lines) => lines,
            Err(why) => return Unkept::Useless(why).work(evidence),
        };
        let at = UnixMillis::from(self.caller.clock.unix());
        let session = brief.session.clone();
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
            refuse(caller, session, Vain::Messages(stretch.sources), &why).await;
            return Err(Unkept::Useless(why));
        }
    };
    let write =
        caller.desk.write(move |store| store.store_observations(&session, &stretch.sources, &lines, at));
    written(write.await)
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
