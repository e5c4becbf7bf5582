//! The one function that knows all actors, and which talks to which.

use crate::batch_queue::BatchPerformer;
use crate::cache_warmer::{WarmerPerformer, Warming};
use crate::caller::{Caller, Chance};
use crate::credential::{Book, CredentialPerformer};
use crate::curator::Curating;
use crate::distiller::Distilling;
use crate::embedder::EmbedderPerformer;
use crate::erasing::Erasing;
use crate::errand::Errand;
use crate::idle_scheduler::SchedulerPerformer;
use crate::job::{Craft, JobPerformer};
use crate::retention::Retention;
use crate::{
    Embeddings, House, Notebook, Outbox, Parts, Projects, Purse, Recorder, RequestShelf, Spoken, Upstreams,
};
use actor::{Vacancy, vacancy};
use domain::companions::Companions;
use domain::credential::{Credential, CredentialKind};
use domain::fingerprint::Fingerprinter;
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::secret::Secret;
use domain::settings::{GlobalFallback, Settings};
use machines::batch_queue::{BatchMachine, BatchMessage, BatchReply};
use machines::cache_warmer::{WarmerMachine, WarmerMessage, WarmerReply};
use machines::credential::{CredentialMessage, CredentialReply, CredentialRules};
use machines::embedder::{EmbedderMachine, EmbedderMessage};
use machines::idle_scheduler::{SchedulerMachine, SchedulerMessage, SchedulerReply};
use machines::job::{Bench, JobMessage};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use store::{StatedFolder, StoreError};
use tokio::sync::broadcast;

/// Facts and questions that may wait for an actor. The fullest moment is a burst of client requests at the CredentialActor,
/// three facts each; a thousand at once fit.
const ROOM: usize = 4096;
/// Folders of before the start whose projects are remembered, those used last.
const FOLDERS: usize = 1024;
/// News of ended jobs that a slow listener may be behind.
const NEWS: usize = 256;

/// Brings the actors up and connects them. Call it once; the actors live as long as their places and the house does.
#[must_use]
pub fn wire(parts: Parts) -> House {
    let environment = &parts.environment;
    let (credentials, credential_seat) = vacancy("CredentialActor", ROOM, environment);
    let (scheduler, scheduler_seat) = vacancy("IdleScheduler", ROOM, environment);
    let (distiller, distiller_seat) = vacancy("Distiller", ROOM, environment);
    let (curator, curator_seat) = vacancy("Curator", ROOM, environment);
    let (warmer, warmer_seat) = vacancy("CacheWarmer", ROOM, environment);
    let (batches, batch_seat) = vacancy("BatchQueue", ROOM, environment);
    let shelf = Arc::new(RequestShelf::default());
    let projects = Projects::default();
    let notebook = Notebook::new(parts.settings.memory.inject);
    let recorder = Recorder::new(
        parts.desk.clone(),
        scheduler.clone(),
        warmer.clone(),
        Arc::clone(&shelf),
        (projects.clone(), notebook.clone()),
        Arc::clone(&parts.meter),
    );
    let mut house = House {
        outbox: Outbox::new(credentials.clone(), scheduler.clone(), warmer.clone()),
        credentials,
        scheduler,
        distiller,
        curator,
        warmer,
        batches,
        embedder: None,
        embeddings: Embeddings::new(parts.model.clone()),
        recorder,
        projects,
        notebook,
        upstreams: Upstreams::of(&parts.settings),
        purse: Purse::new(parts.settings.worker.daily_budget, parts.desk.clone()),
        desk: parts.desk.clone(),
        environment: environment.clone(),
        endings: broadcast::channel(NEWS).0,
    };
    house.seat_credentials(&parts, credential_seat);
    house.seat_scheduler(&parts, &shelf, scheduler_seat);
    let batches = house.batches.clone();
    house.seat_worker(&parts, |caller| Distilling { caller, batches }, distiller_seat);
    let consolidator = caller(&parts, Purpose::Consolidate);
    let notebook = house.notebook.clone();
    let curating = move |caller| Curating { caller, consolidator: consolidator(), notebook };
    house.seat_worker(&parts, curating, curator_seat);
    house.seat_warmer(&parts, shelf, warmer_seat);
    house.seat_batches(&parts, batch_seat);
    if parts.model.is_some() {
        let (embedder, seat) = vacancy("Embedder", ROOM, environment);
        house.embedder = Some(embedder);
        house.seat_embedder(&parts, seat);
    }
    house
}

impl House {
    fn seat_credentials(&self, parts: &Parts, seat: Vacancy<Spoken<CredentialMessage>, CredentialReply>) {
        let performer = CredentialPerformer {
            distiller: self.distiller.clone(),
            curator: self.curator.clone(),
            warmer: self.warmer.clone(),
            alarm: Arc::clone(&parts.alarm),
            meter: Arc::clone(&parts.meter),
        };
        let rules = rules(&parts.settings, &parts.fingerprinter);
        let witness = parts.witness.clone();
        seat.fill(&parts.places.ledger, move || {
            let counters = Rc::new(Cell::default());
            let rebuild = move || Book::open(rules.clone(), &counters, witness.clone());
            (performer, Box::new(rebuild))
        });
    }

    fn seat_scheduler(
        &self,
        parts: &Parts,
        shelf: &Arc<RequestShelf>,
        seat: Vacancy<Spoken<SchedulerMessage>, SchedulerReply>,
    ) {
        let performer = SchedulerPerformer {
            tick: parts.settings.idle.tick,
            credentials: self.credentials.clone(),
            distiller: self.distiller.clone(),
            curator: self.curator.clone(),
            warmer: self.warmer.clone(),
            shelf: Arc::clone(shelf),
            desk: self.desk.clone(),
            upstreams: self.upstreams.clone(),
            erasing: Erasing::new(self.desk.clone()),
            retention: Retention::of(parts),
        };
        let settings = Arc::clone(&parts.settings);
        seat.fill(&parts.places.ledger, move || {
            let rebuild = move || {
                let (idle, distiller) = (settings.idle.clone(), settings.distiller.clone());
                SchedulerMachine::new(idle, distiller, settings.curator.clone())
            };
            (performer, Box::new(rebuild))
        });
    }

    fn seat_worker<C: Craft>(
        &self,
        parts: &Parts,
        craft: impl FnOnce(Caller) -> C + Send + 'static,
        seat: Vacancy<Spoken<JobMessage>>,
    ) {
        let errand = self.errand(parts, C::PURPOSE);
        let caller = caller(parts, C::PURPOSE);
        seat.fill(&parts.places.background, move || {
            let craft = Rc::new(craft(caller()));
            (JobPerformer { craft, errand }, Box::new(Bench::default))
        });
    }

    fn seat_warmer(
        &self,
        parts: &Parts,
        shelf: Arc<RequestShelf>,
        seat: Vacancy<Spoken<WarmerMessage>, WarmerReply>,
    ) {
        let errand = self.errand(parts, Purpose::Warm);
        let caller = caller(parts, Purpose::Warm);
        let meter = Arc::clone(&parts.meter);
        let enabled = parts.settings.cache_warmer.enabled;
        seat.fill(&parts.places.background, move || {
            let craft = Warming { caller: caller(), shelf: Arc::clone(&shelf), me: RefCell::default() };
            let performer = WarmerPerformer { craft: Rc::new(craft), errand, shelf, meter };
            (performer, Box::new(move || WarmerMachine::new(enabled)))
        });
    }

    fn seat_batches(&self, parts: &Parts, seat: Vacancy<Spoken<BatchMessage>, BatchReply>) {
        let errand = self.errand(parts, Purpose::Batch);
        let caller = caller(parts, Purpose::Batch);
        let enabled = parts.settings.batch.enabled;
        seat.fill(&parts.places.background, move || {
            let performer = BatchPerformer { caller: Rc::new(caller()), errand };
            (performer, Box::new(move || BatchMachine::new(enabled)))
        });
    }

    fn seat_embedder(&self, parts: &Parts, seat: Vacancy<Spoken<EmbedderMessage>>) {
        let Some(model) = parts.model.clone() else { return };
        let has_complained = self.embeddings.complaints();
        let performer = EmbedderPerformer {
            model,
            desk: self.desk.clone(),
            clock: parts.environment.clock,
            has_complained,
        };
        seat.fill(&parts.places.background, move || (performer, Box::new(EmbedderMachine::default)));
    }

    fn errand(&self, parts: &Parts, purpose: Purpose) -> Errand {
        Errand {
            purpose,
            settings: Arc::clone(&parts.settings),
            credentials: self.credentials.clone(),
            scheduler: self.scheduler.clone(),
            endings: self.endings.clone(),
            desk: self.desk.clone(),
            meter: Arc::clone(&parts.meter),
            purse: self.purse.clone(),
            clock: parts.environment.clock,
        }
    }

    /// Remembers which projects there are and what is known of them.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn resume(&self) -> Result<(), StoreError> {
        let folders = self.desk.read(|store| store.folders()).await?;
        for StatedFolder { principal, directory, project } in folders.into_iter().take(FOLDERS) {
            self.projects.remember(&principal, &directory, project);
        }
        self.notebook.recall(&self.desk).await
    }
}

/// Makes a worker's way to the providers, on the worker's own thread.
fn caller(parts: &Parts, purpose: Purpose) -> impl FnOnce() -> Caller + Send + 'static {
    let (settings, transport) = (Arc::clone(&parts.settings), Arc::clone(&parts.transport));
    let (clock, desk) = (parts.environment.clock, parts.desk.clone());
    let (meter, seed) = (Arc::clone(&parts.meter), parts.seed ^ purpose as u64);
    move || Caller {
        settings,
        transport: transport(),
        clock,
        desk,
        meter,
        purpose,
        chance: Chance::from_seed(seed),
        lessons: RefCell::default(),
    }
}

fn rules(settings: &Settings, fingerprinter: &Fingerprinter) -> CredentialRules {
    let key = settings.worker.api_key.as_ref().zip(settings.worker.provider);
    // Whoever needs an access token may be one of several: then nobody's token stands in for another's.
    let alone = settings.access_token.is_none();
    CredentialRules {
        client_credentials: settings.worker.use_client_credentials,
        fallback: if alone { settings.worker.global_fallback } else { GlobalFallback::Off },
        own_keys: key
            .map(|(key, provider)| (provider, own_key(key, provider, fingerprinter)))
            .into_iter()
            .collect(),
    }
}

/// A key of the workers' own, in the header its vendor reads.
fn own_key(key: &Secret, provider: Provider, fingerprinter: &Fingerprinter) -> Arc<Credential> {
    let (header, value) = match provider {
        Provider::Anthropic => ("x-api-key", key.clone()),
        Provider::OpenAi => ("authorization", Secret::new(format!("Bearer {}", key.reveal()))),
    };
    Arc::new(Credential {
        header,
        fingerprint: fingerprinter.fingerprint(header, value.reveal()),
        value,
        kind: CredentialKind::ApiKey,
        companions: Companions::default(),
        ends: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Places;
    use crate::samples::{Listening, Scripted};
    use actor::{Cause, Clock, Environment, Place};
    use std::time::Duration;
    use store::{Desk, SqliteStore};
    use tokio::task::LocalSet;

    #[test]
    fn where_an_access_token_lets_several_in_nobodys_token_stands_in_for_anothers() {
        let mut settings = Settings::with_data_dir("unused".into());
        settings.worker.global_fallback = GlobalFallback::Any;
        let fingerprinter = Fingerprinter::new([1; 32]);
        assert_eq!(rules(&settings, &fingerprinter).fallback, GlobalFallback::Any);
        settings.access_token = Some(Secret::new("t"));
        assert_eq!(rules(&settings, &fingerprinter).fallback, GlobalFallback::Off);
    }

    #[test]
    fn a_key_of_the_workers_own_goes_in_the_header_that_its_vendor_reads() {
        let (key, fingerprinter) = (Secret::new("k"), Fingerprinter::new([1; 32]));
        let header = |provider| {
            let own = own_key(&key, provider, &fingerprinter);
            (own.header, own.value.reveal().to_owned())
        };
        assert_eq!(header(Provider::Anthropic), ("x-api-key", "k".to_owned()));
        assert_eq!(header(Provider::OpenAi), ("authorization", "Bearer k".to_owned()));
    }

    struct Silent;

    impl crate::Alarm for Silent {
        fn raise(&self, _alert: &machines::credential::Alert) {}
    }

    #[tokio::test(start_paused = true)]
    async fn warming_is_off_where_the_settings_say_so() {
        let story = async {
            let mut settings = Settings::with_data_dir("unused".into());
            settings.cache_warmer.enabled = false;
            let house = wire(Parts {
                settings: Arc::new(settings),
                environment: Environment::new(Clock::virtual_from(Duration::from_secs(1_767_225_600))),
                desk: Desk::inline(SqliteStore::in_memory().unwrap()),
                transport: Arc::new(|| Rc::new(Scripted::default())),
                model: None,
                meter: Arc::new(Listening::default()),
                alarm: Arc::new(Silent),
                witness: None,
                fingerprinter: Fingerprinter::new([1; 32]),
                seed: 1,
                places: Places { ledger: Place::Here, background: Place::Here },
            });
            let asked = house.warmer.ask(
                Spoken(WarmerMessage::Describe),
                Cause::origin("test"),
                Duration::from_secs(1),
            );
            let Ok(WarmerReply::Described(overview)) = asked.await else { panic!("no answer") };
            assert!(overview.why.contains("cache_warmer.enabled is false"), "{}", overview.why);
        };
        LocalSet::new().run_until(story).await;
    }
}
