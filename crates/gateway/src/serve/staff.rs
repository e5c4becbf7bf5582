//! The actors and the threads they live on.

use super::Ears;
use actix_rt::Arbiter;
use actor::{Clock, Environment, Place};
use domain::fingerprint::Fingerprinter;
use domain::settings::Settings;
use embedding::Model;
use std::sync::Arc;
use std::time::Duration;
use store::Desk;
use tokio::sync::mpsc;
use workers::{House, Parts, Places, TransportFactory, wire};

/// How much later the actors may hear of a request, so that one waking of their thread serves many facts.
const FACTS_WITHIN: Duration = Duration::from_millis(5);

/// What the actors work with.
pub(super) struct Stock {
    pub(super) desk: Desk,
    pub(super) model: Option<Arc<Model>>,
    pub(super) transport: TransportFactory,
    pub(super) fingerprinter: Fingerprinter,
}

/// See the module.
pub(super) struct Staff {
    pub(super) house: House,
    /// Those that are quick, and those that talk to providers: the first never wait for the second.
    arbiters: [Arbiter; 2],
    crashes: mpsc::UnboundedReceiver<&'static str>,
}

impl Staff {
    /// Brings the actors up on threads of their own.
    pub(super) fn engage(settings: &Arc<Settings>, ears: Ears, stock: Stock, seed: u64) -> Self {
        let [ledger, background] = [Arbiter::new(), Arbiter::new()];
        let (crash, crashes) = mpsc::unbounded_channel();
        let environment = Environment {
            clock: Clock::system(),
            trace: ears.trace,
            observer: Arc::clone(&ears.metrics) as _,
            fatal: Arc::new(move |actor| crash.send(actor).unwrap_or_default()),
        };
        let house = wire(Parts {
            settings: Arc::clone(settings),
            environment,
            desk: stock.desk,
            transport: stock.transport,
            model: stock.model,
            meter: ears.metrics,
            alarm: ears.alarm,
            witness: None,
            fingerprinter: stock.fingerprinter,
            seed,
            places: Places { ledger: Place::On(ledger.handle()), background: Place::On(background.handle()) },
        });
        let house = house.told_within(FACTS_WITHIN);
        Self { house, arbiters: [ledger, background], crashes }
    }

    /// Waits for an actor that cannot be kept alive.
    pub(super) async fn crashed(&mut self) -> &'static str {
        match self.crashes.recv().await {
            Some(actor) => actor,
            None => std::future::pending().await, // The house holds the sender as long as it stands.
        }
    }

    /// Lets work under way come to its end.
    pub(super) async fn finish(&self, within: Duration) {
        self.house.drain(within).await;
    }

    /// Closes the store, whatever is still under way, and ends the threads.
    pub(super) async fn leave(self) {
        self.house.desk.close().await;
        for arbiter in self.arbiters {
            arbiter.stop();
            // Joining blocks, and this thread may have others to serve.
            let joined = tokio::task::spawn_blocking(move || arbiter.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::warn!("a thread of the actors ended in a panic");
            }
        }
    }
}
