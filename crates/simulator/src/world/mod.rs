//! A whole house in a world where time is virtual: the real gateway, actors and store, a simulated provider, and a clock that
//! jumps as soon as nobody has anything to do. A day passes in seconds, and a seed makes it pass the same way again.
//!
//! What is not real: no socket is opened (clients call the gateway's own HTTP service, the gateway calls the provider in
//! memory), the database lives in memory unless it is to outlive the world, and all actors share one thread.

mod conformance;
mod door;
mod ears;
mod look;

pub use conformance::Conformance;
pub use door::{Door, Reply};
pub use ears::{Alerts, Counts, Tally};

use crate::agent::Agent;
use crate::provider::{Exchange, Network, Provider};
use actor::{Clock, Environment, Place};
use domain::fingerprint::Fingerprinter;
use domain::ids::Principal;
use domain::provider::Provider as Vendor;
use domain::settings::Settings;
use embedding::Model;
use gateway::admin::Admin;
use gateway::telemetry::Metrics;
use gateway::{Edge, EdgeParts, InvalidUpstream};
use std::future::Future;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use store::{Desk, SqliteStore};
use tokio::task::LocalSet;
use upstream::transport::Transport;
use workers::{Alarm, House, Parts, Places, TransportFactory};

/// Where calendars stand when a world begins: the first second of 2026, in UTC.
const BEGINNING: Duration = Duration::from_secs(1_767_225_600);

/// See the module.
pub struct World {
    /// Who answers the house.
    pub provider: Provider,
    /// The actors.
    pub house: House,
    /// What was alerted.
    pub alerts: Arc<Alerts>,
    /// What was counted.
    pub tally: Arc<Tally>,
    /// Whether the CredentialActor keeps the protocol. A scenario in which it does not fails.
    pub conformance: Arc<Conformance>,
    admin: Arc<Admin>,
    parts: EdgeParts,
    door: Door,
}

/// Lets `scenario` happen in a fresh world with these settings; `seed` decides everything that is left to chance. Upstream
/// base URLs are replaced: everything leads to the simulated provider.
///
/// # Errors
/// When the world cannot be made (no memory, or no thread for its runtime), or when the CredentialActor broke the protocol.
pub fn run<T, F: Future<Output = T>>(
    seed: u64,
    settings: Settings,
    scenario: impl FnOnce(World) -> F,
) -> io::Result<T> {
    play(seed, settings, Alerts::default(), scenario)
}

/// The same with somebody else, too, who hears every alert at the moment the house raises it.
///
/// # Errors
/// Those of [`run`].
pub fn run_heard_by<T, F: Future<Output = T>>(
    alarm: Arc<dyn Alarm>,
    seed: u64,
    settings: Settings,
    scenario: impl FnOnce(World) -> F,
) -> io::Result<T> {
    play(seed, settings, Alerts::heard_by(alarm), scenario)
}

/// The same in a house whose database lies in `home`, as it was left there, when calendars stand `since` after the beginning.
/// When the scenario ends without [`House::drain`], the process was killed.
///
/// # Errors
/// Those of [`run`], and what the database in `home` says.
pub fn run_in<T, F: Future<Output = T>>(
    home: &Path,
    since: Duration,
    seed: u64,
    settings: Settings,
    scenario: impl FnOnce(World) -> F,
) -> io::Result<T> {
    let store = SqliteStore::open(home).map_err(io::Error::other)?;
    live(seed, settings, Alerts::default(), (store, since), scenario)
}

fn play<T, F: Future<Output = T>>(
    seed: u64,
    settings: Settings,
    alerts: Alerts,
    scenario: impl FnOnce(World) -> F,
) -> io::Result<T> {
    let store = SqliteStore::in_memory().map_err(io::Error::other)?;
    live(seed, settings, alerts, (store, Duration::ZERO), scenario)
}

fn live<T, F: Future<Output = T>>(
    seed: u64,
    settings: Settings,
    alerts: Alerts,
    past: (SqliteStore, Duration),
    scenario: impl FnOnce(World) -> F,
) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    LocalSet::new().block_on(&runtime, async {
        let world = World::new(seed, settings, alerts, past).await.map_err(io::Error::other)?;
        let conformance = Arc::clone(&world.conformance);
        let outcome = scenario(world).await;
        let broken = conformance.broken();
        if broken.is_empty() { Ok(outcome) } else { Err(io::Error::other(broken.join("\n"))) }
    })
}

impl World {
    async fn new(
        seed: u64,
        mut settings: Settings,
        alerts: Alerts,
        (store, since): (SqliteStore, Duration),
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        settings.upstream.anthropic = format!("http://{}", host_of(Vendor::Anthropic));
        settings.upstream.openai = format!("http://{}", host_of(Vendor::OpenAi));
        let model = settings.recall.embeddings.as_deref().map(Model::open).transpose()?.map(Arc::new);
        let settings = Arc::new(settings);
        let clock = Clock::virtual_from(BEGINNING.saturating_add(since));
        let provider = Provider::new(seed);
        provider.begin_at(BEGINNING.saturating_add(since));
        let (alerts, tally) = (Arc::new(alerts), Arc::new(Tally::default()));
        let conformance = Arc::new(Conformance::default());
        let network = Network::new(provider.clone(), clock);
        let transport: TransportFactory = Arc::new(move || Rc::new(network.clone()) as Rc<dyn Transport>);
        let fingerprinter = Fingerprinter::new(key(seed));
        let house = workers::wire(Parts {
            settings: Arc::clone(&settings),
            environment: Environment::new(clock),
            desk: Desk::inline(store),
            transport: Arc::clone(&transport),
            model,
            meter: Arc::<Tally>::clone(&tally),
            alarm: Arc::<Alerts>::clone(&alerts),
            witness: Some(Arc::<Conformance>::clone(&conformance)),
            fingerprinter: fingerprinter.clone(),
            seed,
            places: Places { ledger: Place::Here, background: Place::Here },
        });
        let metrics = Arc::new(Metrics::new());
        let ready = Arc::new(AtomicBool::new(true));
        let admin = Arc::new(Admin::new(house.clone(), ready, Arc::clone(&metrics)));
        let parts = EdgeParts { settings, house: house.clone(), metrics, transport, fingerprinter, seed };
        let door = Door::open(Arc::new(Edge::new(parts.clone())?), Arc::clone(&admin)).await;
        Ok(Self { provider, house, alerts, tally, conformance, admin, parts, door })
    }

    /// Opens another way into the same house: what comes in by it is `principal`'s.
    ///
    /// # Errors
    /// Never in a world, whose upstreams are sound.
    pub async fn door_of(&self, principal: Principal) -> Result<Door, InvalidUpstream> {
        let edge = Edge::new(self.parts.clone())?.owned_by(principal);
        Ok(Door::open(Arc::new(edge), Arc::clone(&self.admin)).await)
    }

    /// Lets so much virtual time pass.
    pub async fn pass(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    /// The time since the world began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.house.environment.clock.now()
    }

    /// As [`Door::send`], by the local principal's door.
    pub async fn send(&self, request: &Exchange) -> Reply {
        self.door.send(request).await
    }

    /// As [`Door::say`], by the local principal's door.
    pub async fn say(&self, agent: &mut Agent, text: &str) -> Reply {
        self.door.say(agent, text).await
    }

    /// As [`Door::try_again`], by the local principal's door.
    pub async fn try_again(&self, agent: &mut Agent) -> Reply {
        self.door.try_again(agent).await
    }
}

/// Where a vendor is in every world.
#[must_use]
pub const fn host_of(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Anthropic => "anthropic.simulated",
        Vendor::OpenAi => "openai.simulated",
    }
}

/// A key for fingerprints: any will do, as long as the seed decides.
fn key(seed: u64) -> [u8; 32] {
    let mut key = [7; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key
}
