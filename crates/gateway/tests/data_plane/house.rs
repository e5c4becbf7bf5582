//! A gateway on a free port, with a store in a folder of its own, on a thread that ends with the test.

use crate::client::{Answer, Client};
use crate::provider::Provider;
use actix_web::rt::System;
use actor::{Cause, Trace};
use domain::settings::Settings;
use futures_util::stream;
use gateway::telemetry::{Metrics, SentryAlarm};
use gateway::{Ears, Gateway, ServeError};
use machines::credential::{CredentialMessage, CredentialReply, SlotView};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use store::{Pace, SessionSummary, Store, StoreError};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use workers::Spoken;

/// See the module.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    house: workers::House,
    stops: UnboundedSender<()>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl House {
    /// A gateway whose providers are all `provider`.
    pub(crate) fn before(provider: &Provider) -> Self {
        Self::with(provider, |_| {})
    }

    /// The same with other settings.
    pub(crate) fn with(provider: &Provider, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut settings = settings_before(provider, &folder);
        change(&mut settings);
        Self::of(settings, Some(folder))
    }

    /// A gateway with these settings; `folder` goes with it.
    pub(crate) fn of(settings: Settings, folder: Option<TempDir>) -> Self {
        Self::heard_by(ears(), settings, folder)
    }

    /// The same, and these hear of what it does.
    pub(crate) fn heard_by(ears: Ears, settings: Settings, folder: Option<TempDir>) -> Self {
        let (stops, mut stopped) = unbounded_channel();
        let (opened, opening) = channel();
        let thread = std::thread::spawn(move || {
            let outcome = System::new().block_on(async move {
                let gateway = Gateway::open(settings, ears).await?;
                opened.send((gateway.address(), gateway.house().clone())).unwrap();
                gateway.run_until(stream::poll_fn(move |context| stopped.poll_recv(context))).await
            });
            drop(folder);
            outcome
        });
        let Ok((address, house)) = opening.recv() else { panic!("{:?}", thread.join()) };
        Self { address, house, stops, thread: Some(thread) }
    }

    pub(crate) fn client(&self) -> Client {
        Client::of(self.address)
    }

    /// One request on a connection of its own, answered whole.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut client = self.client();
        client.say(request);
        client.answer()
    }

    /// What the store answers, after everything it was told before.
    pub(crate) fn stored<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        let (tell, told) = channel();
        let fact = move |store: &mut dyn Store| {
            tell.send(job(store)?).ok();
            Ok(Pace::Calm)
        };
        self.house.desk.try_write(fact).unwrap();
        told.recv().unwrap()
    }

    /// Keeps the store busy until what this returns is dropped.
    pub(crate) fn busy_store(&self) -> Sender<()> {
        let ((started, has_started), (release, released)) = (channel(), channel());
        let desk = self.house.desk.clone();
        let stuck = move |_: &mut dyn Store| {
            started.send(()).unwrap();
            released.recv().unwrap_or_default();
            Ok(())
        };
        std::thread::spawn(move || block_on(desk.write(stuck)).unwrap());
        has_started.recv().unwrap();
        release
    }

    /// The sessions on record, by their ids.
    pub(crate) fn sessions(&self) -> Vec<SessionSummary> {
        let mut sessions = self.stored(|store| store.sessions(None));
        sessions.sort_by_key(|session| session.created);
        sessions
    }

    /// What is known of credentials, after everything that was told before.
    pub(crate) fn slots(&self) -> Vec<SlotView> {
        self.house.outbox.flush();
        let question = Spoken(CredentialMessage::ListSlots);
        let asked = || self.house.credentials.ask(question, Cause::origin("Test"), crate::client::PATIENCE);
        match block_on(async { asked().await }).unwrap() {
            CredentialReply::Slots(slots) => slots,
            other => panic!("{other:?}"),
        }
    }

    /// Asks it to stop; twice means at once.
    pub(crate) fn stop(&self) {
        self.stops.send(()).ok();
    }

    /// Waits until it has stopped.
    pub(crate) fn end(mut self) -> Result<(), ServeError> {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.stop();
        self.stop();
        let outcome = thread.join();
        if !std::thread::panicking() {
            outcome.unwrap().unwrap();
        }
    }
}

/// Settings for a gateway of a test.
pub(crate) fn settings(folder: &TempDir) -> Settings {
    let mut settings = Settings::with_data_dir(folder.path().to_owned());
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings
}

/// Settings for a gateway of a test whose providers are all `provider`.
pub(crate) fn settings_before(provider: &Provider, folder: &TempDir) -> Settings {
    let mut settings = settings(folder);
    let url = format!("http://{}", provider.address);
    (settings.upstream.anthropic, settings.upstream.openai) = (url.clone(), url);
    settings
}

/// Nobody is called, everything is counted.
pub(crate) fn ears() -> Ears {
    let sentry = Settings::with_data_dir("unused".into()).sentry;
    Ears {
        metrics: Arc::new(Metrics::new()),
        alarm: Arc::new(SentryAlarm::start(&sentry).unwrap()),
        trace: Trace::off(),
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
