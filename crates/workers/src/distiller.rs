//! The Distiller: turns a stretch of messages into observations, and many old observations into few.

mod block;
#[cfg(test)]
mod tests;
mod words;

use crate::Spoken;
use crate::batch_queue::offer;
use crate::caller::{Caller, Question, evidence, unanswered, words as said};
use crate::job::Craft;
use actor::Mailbox;
use domain::conversation::{Answered, RecordedMessage};
use domain::credential::Lease;
use domain::evidence::Evidence;
use domain::ids::SessionId;
use domain::knowledge::Observation;
use domain::purpose::Purpose;
use domain::settings::DistillerSettings;
use domain::time::UnixMillis;
use machines::batch_queue::{BatchMessage, BatchReply, Item, Stretch};
use machines::job::{Brief, Work};
use store::{Store, StoreError};
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
    Segment(Vec<RecordedMessage>),
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
            Ok(Material::Segment(segment)) if segment.is_empty() => Work::Nothing,
            Ok(Material::Segment(segment)) => self.distil(brief, lease, segment).await,
            Ok(Material::Old(old)) => self.merge(brief, lease, old).await,
            Err(error) => Work::Failed { evidence: None, why: error.to_string() },
        }
    }
}

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
    store.pending(session, settings.pending_tokens, now).map(Material::Segment)
}

impl Distilling {
    async fn distil(&self, brief: Brief, lease: Lease, segment: Vec<RecordedMessage>) -> Work {
        let asked = words::of_segment(&segment, self.caller.settings.distiller.pending_tokens);
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
            Err(work) => work,
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
            Err(why) => return Work::Unusable { evidence, why },
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
) -> Result<u32, String> {
    let lines = said(answered).and_then(|text| words::observations(&text, stretch.size))?;
    let at = UnixMillis::from(caller.clock.unix());
    let write =
        caller.desk.write(move |store| store.store_observations(&session, &stretch.sources, &lines, at));
    written(write.await)
}

fn written(kept: Result<Vec<Observation>, StoreError>) -> Result<u32, String> {
    kept.map(|kept| u32::try_from(kept.len()).unwrap_or(u32::MAX)).map_err(|error| error.to_string())
}

fn judged(kept: Result<u32, String>, evidence: Evidence) -> Work {
    match kept {
        Ok(kept) => Work::Accepted { evidence, kept },
        Err(why) => Work::Unusable { evidence, why },
    }
}
