//! The Embedder: gives texts their vectors in the background, and queries theirs when they are asked. There is none when the
//! settings name no model.

use crate::Spoken;
use actor::{Clock, Performer, Stage};
use domain::time::Moment;
use domain::vector::{QueryVector, Vector};
use embedding::{Model, Side};
use machines::embedder::{BATCH, EmbedderEffect, EmbedderMachine, EmbedderMessage};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::{Desk, StoreError, TextKey, Unembedded};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

const TIMER: &str = "look";
/// How long a search waits for what its query means. Then it goes by the words alone.
const PATIENCE: Duration = Duration::from_secs(1);

/// The model, if there is one. Cheap to clone; usable from any thread.
#[derive(Clone, Default)]
pub struct Embeddings {
    model: Option<Arc<Model>>,
    has_complained: Arc<AtomicBool>,
}

impl Embeddings {
    pub(crate) fn new(model: Option<Arc<Model>>) -> Self {
        Self { model, ..Self::default() }
    }

    /// Whether it was said that the model fails: once for all that it does.
    pub(crate) fn complaints(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.has_complained)
    }

    /// What a query means; none when it has no words, there is no model, or it fails or takes too long: that is said once.
    pub(crate) async fn of_query(&self, query: &str) -> Option<QueryVector> {
        let model = self.model.clone().filter(|_| !query.trim().is_empty())?;
        let (name, query) = (model.name(), query.to_owned());
        let work =
            spawn_blocking(move || model.embed(&query, Side::Query).map_err(|error| error.to_string()));
        let vector = match timeout(PATIENCE, work).await {
            Ok(Ok(vector)) => vector,
            Ok(Err(lost)) => Err(lost.to_string()),
            Err(_) => Err("it took longer than a second".to_owned()),
        };
        let vector = vector.map_err(|why| complain(&self.has_complained, &why)).ok()?;
        Some(QueryVector { model: name, vector })
    }
}

fn complain(has_complained: &AtomicBool, why: &str) {
    if !has_complained.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            why,
            "the model of recall.embeddings failed: recall goes by words alone where it does"
        );
    }
}

/// See the module.
pub(crate) struct EmbedderPerformer {
    pub(crate) model: Arc<Model>,
    pub(crate) desk: Desk,
    pub(crate) clock: Clock,
    pub(crate) has_complained: Arc<AtomicBool>,
}

impl Performer for EmbedderPerformer {
    const NAME: &'static str = "Embedder";
    type Machine = EmbedderMachine;
    type Message = Spoken<EmbedderMessage>;
    type Effect = EmbedderEffect;
    type Reply = ();

    fn step(
        machine: &mut EmbedderMachine,
        message: Self::Message,
        now: Duration,
        effects: &mut Vec<EmbedderEffect>,
    ) {
        machine.on(message.0, Moment::from(now), effects);
    }

    fn perform(&mut self, effect: EmbedderEffect, stage: &mut Stage<'_, Self::Message>) {
        match effect {
            EmbedderEffect::Embed => {
                let (model, desk, clock) = (Arc::clone(&self.model), self.desk.clone(), self.clock);
                let has_complained = Arc::clone(&self.has_complained);
                let work = async move {
                    Spoken(embed_some(&model, &desk, clock, &has_complained).await.unwrap_or_else(|error| {
                        tracing::debug!(%error, "texts get their vectors later");
                        EmbedderMessage::Failed
                    }))
                };
                stage.run(work, Spoken(EmbedderMessage::Failed));
            }
            EmbedderEffect::ArmLook(delay) => stage.after(TIMER, delay, Spoken(EmbedderMessage::LookDue)),
        }
    }

    fn opening(&mut self, stage: &mut Stage<'_, Self::Message>) {
        stage.after(TIMER, Duration::ZERO, Spoken(EmbedderMessage::LookDue));
    }
}

/// Finds a few texts without vectors and keeps what the model makes of them.
async fn embed_some(
    model: &Arc<Model>,
    desk: &Desk,
    clock: Clock,
    has_complained: &AtomicBool,
) -> Result<EmbedderMessage, StoreError> {
    let name = model.name();
    let found = desk.read(move |store| store.unembedded(&name, BATCH)).await?;
    let (texts, begun) = (found.len(), clock.now());
    let mut made = Vec::with_capacity(texts);
    for text in found {
        let model = Arc::clone(model);
        // One text at a time, so that the end of the process waits for one at most.
        let (one, fault) =
            spawn_blocking(move || embed(&model, text)).await.map_err(|_| StoreError::Crashed)?;
        if let Some(why) = fault {
            complain(has_complained, &why);
        }
        made.push(one);
    }
    let took = clock.now().saturating_sub(begun);
    if !made.is_empty() {
        desk.write(move |store| store.keep_vectors(&name, &made)).await?;
    }
    Ok(EmbedderMessage::Embedded { texts, took })
}

/// A part that the model cannot do gets a vector that is like no other: it is found by its words, and not tried for ever.
fn embed(model: &Model, text: Unembedded) -> ((TextKey, Vec<Vector>), Option<String>) {
    let mut fault = None;
    let vectors = text.parts.iter().map(|part| {
        model.embed(part, Side::Passage).unwrap_or_else(|error| {
            fault = Some(error.to_string());
            Vector::of(&[])
        })
    });
    let vectors = vectors.collect();
    ((text.key, vectors), fault)
}
