//! What the rest of the program holds of the actors, and what is needed to bring them up.

#[cfg(test)]
mod tests;

use crate::{
    Alarm, Embeddings, Meter, Notebook, Outbox, Projects, Purse, Recorder, Spoken, Upstreams, Witness,
};
use actor::{Cause, Environment, Mailbox, Place};
use domain::fingerprint::Fingerprinter;
use domain::ids::{KnowledgeId, Principal, SessionId};
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::settings::Settings;
use domain::time::UnixMillis;
use embedding::Model;
use machines::batch_queue::{BatchMessage, BatchReply};
use machines::cache_warmer::{WarmerMessage, WarmerReply};
use machines::credential::{CredentialMessage, CredentialReply};
use machines::embedder::EmbedderMessage;
use machines::idle_scheduler::{SchedulerMessage, SchedulerReply};
use machines::job::{Ending, JobMessage};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use store::{Desk, Hit, Pace, Period, Scope, Source, Store, StoreError};
use tokio::sync::broadcast;
use upstream::transport::Transport;

/// Makes the way to the providers on the thread that will use it: HTTP clients cannot move between threads.
pub type TransportFactory = Arc<dyn Fn() -> Rc<dyn Transport> + Send + Sync>;

/// Which threads the actors live on.
pub struct Places {
    /// Quick, synchronous machines: CredentialActor and IdleScheduler.
    pub ledger: Place,
    /// Those that talk to providers: Distiller, Curator, BatchQueue, CacheWarmer.
    pub background: Place,
}

/// Everything that the actors are made of.
pub struct Parts {
    /// The settings.
    pub settings: Arc<Settings>,
    /// Clock, trace, observer and what happens when an actor cannot be saved.
    pub environment: Environment,
    /// The way to the store.
    pub desk: Desk,
    /// The way to the providers.
    pub transport: TransportFactory,
    /// The model that says what texts mean, if there is one.
    pub model: Option<Arc<Model>>,
    /// Who counts.
    pub meter: Arc<dyn Meter>,
    /// Who is told.
    pub alarm: Arc<dyn Alarm>,
    /// Who watches the CredentialActor, for proofs and tests; nobody in production.
    pub witness: Option<Arc<dyn Witness>>,
    /// Names tokens; the gateway's and the workers' must be the same.
    pub fingerprinter: Fingerprinter,
    /// Of everything random in the background.
    pub seed: u64,
    /// Which threads.
    pub places: Places,
}

/// The news that a background job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// For whom.
    pub session: SessionId,
    /// What for.
    pub purpose: Purpose,
    /// How.
    pub ending: Ending,
}

/// The running actors. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct House {
    /// Owns what is known of credentials.
    pub credentials: Mailbox<Spoken<CredentialMessage>, CredentialReply>,
    /// Knows which session is due for what.
    pub scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
    /// Turns messages into observations.
    pub distiller: Mailbox<Spoken<JobMessage>>,
    /// Turns observations into knowledge.
    pub curator: Mailbox<Spoken<JobMessage>>,
    /// Keeps prompt caches warm.
    pub warmer: Mailbox<Spoken<WarmerMessage>, WarmerReply>,
    /// Looks after work that lies in a provider's batch.
    pub batches: Mailbox<Spoken<BatchMessage>, BatchReply>,
    /// Gives texts their vectors; nobody when there is no model.
    pub embedder: Option<Mailbox<Spoken<EmbedderMessage>>>,
    /// What queries mean, if there is a model.
    pub embeddings: Embeddings,
    /// Takes facts from the request path to the actors.
    pub outbox: Outbox,
    /// Takes turns in.
    pub recorder: Recorder,
    /// Which projects folders are parts of.
    pub projects: Projects,
    /// What of the knowledge is added to which session's requests.
    pub notebook: Notebook,
    /// Where the providers are.
    pub upstreams: Upstreams,
    /// What background work may spend.
    pub purse: Purse,
    /// The way to the store.
    pub desk: Desk,
    /// Clock and trace.
    pub environment: Environment,
    pub(crate) endings: broadcast::Sender<Ended>,
}

impl House {
    /// The same house, told facts a little later and several at a time: at most so much later.
    #[must_use]
    pub fn told_within(self, linger: Duration) -> Self {
        Self { outbox: self.outbox.lingering(linger), ..self }
    }

    /// The names of all actors.
    #[must_use]
    pub fn actors(&self) -> Vec<&'static str> {
        let always = [
            self.credentials.name(),
            self.scheduler.name(),
            self.distiller.name(),
            self.curator.name(),
            self.warmer.name(),
            self.batches.name(),
        ];
        always.into_iter().chain(self.embedder.iter().map(Mailbox::name)).collect()
    }

    /// What was kept that fits `query`, the best first: of `principal` or of everybody, in `project` or in all, and of `period`. As
    /// [`Store::recall_near`], with what the query means where a model says so. What is found counts as used.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn recall(
        &self,
        (principal, project): (Option<Principal>, Option<String>),
        period: Period,
        query: String,
        limit: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        let near = self.embeddings.of_query(&query).await;
        let search = move |store: &mut dyn Store| {
            let scope = Scope { principal: principal.as_ref(), project: project.as_deref(), period };
            store.recall_near(scope, &query, near.as_ref(), limit)
        };
        let hits = self.desk.read(search).await?;
        self.note_use(&hits);
        Ok(hits)
    }

    /// The news of every background job that ends from now on. A listener that falls far behind misses some.
    #[must_use]
    pub fn endings(&self) -> broadcast::Receiver<Ended> {
        self.endings.subscribe()
    }

    /// Entries among `hits` are shown to somebody, so they were of use. Waits for nothing: when the desk is full, the store forgets it, and
    /// they fade a little early there.
    fn note_use(&self, hits: &[Hit]) {
        let found = hits.iter().filter(|hit| hit.source == Source::Knowledge);
        let ids: Vec<KnowledgeId> = found.map(|hit| KnowledgeId::from(hit.id.as_str())).collect();
        if ids.is_empty() {
            return;
        }
        let now = UnixMillis::from(self.environment.clock.unix());
        self.notebook.note_use(&ids, now);
        let note = move |store: &mut dyn Store| store.note_use(&ids, now).map(|()| Pace::Calm);
        self.desk.try_write(note).unwrap_or_default();
    }

    /// Lets background work come to an end, workers first, then those they report to, then the store.
    pub async fn drain(&self, within: Duration) {
        self.outbox.flush();
        let closing = Spoken(WarmerMessage::Closing);
        self.warmer.tell_surely(closing, Cause::origin("House")).unwrap_or_default();
        let embedder = async {
            if let Some(embedder) = &self.embedder {
                embedder.drain(within).await;
            }
        };
        futures_util::future::join5(
            self.distiller.drain(within),
            self.curator.drain(within),
            self.warmer.drain(within),
            self.batches.drain(within),
            embedder,
        )
        .await;
        futures_util::future::join(self.scheduler.drain(within), self.credentials.drain(within)).await;
        self.desk.close().await;
    }
}

/// The base URL of a provider, without a slash at its end.
#[must_use]
pub fn base_url(settings: &Settings, provider: Provider) -> &str {
    settings.upstream.of(provider).trim_end_matches('/')
}
