//! How long a worker waits for its permission: `ResolveCredential` and the report that follows it, both asked through the
//! CredentialActor's mailbox in a whole house on the system's clock, with the message trace off and on. And what the trace costs
//! a message while it is off.
//!
//! `just bench-machine` runs it.

use actor::{AskError, Cause, Clock, Environment, Place};
use criterion::Criterion;
use domain::access::{Access, AccessRequest};
use domain::companions::Companions;
use domain::credential::{Credential, CredentialKind};
use domain::evidence::{Class, Evidence};
use domain::fingerprint::{Fingerprint, Fingerprinter};
use domain::ids::Principal;
use domain::provider::{Provider, UpstreamKey};
use domain::purpose::Purpose;
use domain::secret::Secret;
use domain::settings::Settings;
use domain::time::Moment;
use machines::credential::{CredentialMessage, CredentialReply, SlotKey};
use simulator::provider::{Network, Provider as Simulated};
use simulator::world::{Alerts, Tally};
use std::error::Error;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Desk, SqliteStore};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;
use upstream::transport::Transport;
use workers::{House, Parts, Places, Spoken, TransportFactory};

const PATIENCE: Duration = Duration::from_secs(10);
/// Rounds in each half of the comparison.
const ROUNDS: u64 = 20_000;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let bench = Bench::new()?;
    let mut criterion = Criterion::default().configure_from_args();
    let trace = bench.house.environment.trace.clone();
    criterion.bench_function("the look at the trace's switch, once a message", |bencher| {
        bencher.iter(|| black_box(&trace).is_on());
    });
    for (name, on) in [("off", false), ("on", true)] {
        bench.house.environment.trace.switch(on);
        let mut group = criterion.benchmark_group(name);
        group.bench_function("ResolveCredential and AuthAccepted", |bencher| {
            bencher.iter_custom(|times| bench.ask(times).unwrap_or(Duration::MAX));
        });
        group.finish();
    }
    criterion.final_summary();
    bench.compare()
}

/// A house, and the thread on which it lives and is asked.
struct Bench {
    runtime: Runtime,
    thread: LocalSet,
    house: House,
    asked: Asked,
}

impl Bench {
    fn new() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = LocalSet::new();
        let house = thread.block_on(&runtime, async { house() })?;
        let bench = Self { runtime, thread, house, asked: Asked::new() };
        bench.thread.block_on(&bench.runtime, bench.asked.introduce(&bench.house))?;
        Ok(bench)
    }

    /// So many rounds of a question and its report, two messages each.
    fn ask(&self, rounds: u64) -> Result<Duration, AskError> {
        self.thread.block_on(&self.runtime, async {
            let begun = tick();
            for _ in 0..rounds {
                self.asked.round(&self.house).await?;
            }
            Ok(begun.elapsed())
        })
    }

    #[expect(clippy::print_stdout, reason = "a benchmark reports on standard output")]
    fn compare(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let trace = &self.house.environment.trace;
        trace.switch(false);
        let off = self.ask(ROUNDS)?;
        trace.switch(true);
        let on = self.ask(ROUNDS)?;
        println!(
            "A traced round takes {:.2} times as long as one that is not",
            on.as_secs_f64() / off.as_secs_f64()
        );
        Ok(())
    }
}

fn house() -> Result<House, Box<dyn Error + Send + Sync>> {
    let clock = Clock::system();
    let network = Network::new(Simulated::new(1), clock);
    let transport: TransportFactory = Arc::new(move || Rc::new(network.clone()) as Rc<dyn Transport>);
    Ok(workers::wire(Parts {
        settings: Arc::new(Settings::with_data_dir("unused".into())),
        environment: Environment::new(clock),
        desk: Desk::inline(SqliteStore::in_memory()?),
        transport,
        model: None,
        meter: Arc::new(Tally::default()),
        alarm: Arc::new(Alerts::default()),
        witness: None,
        fingerprinter: Fingerprinter::new([7; 32]),
        seed: 1,
        places: Places { ledger: Place::Here, background: Place::Here },
    }))
}

/// What is asked for: one session with one token.
struct Asked {
    request: AccessRequest,
    token: Fingerprint,
}

impl Asked {
    fn new() -> Self {
        let request = AccessRequest {
            principal: Principal::local(),
            session: "0192f0c1-5a3e-7c4b-8d21-6f0e9b3a7c55".into(),
            upstream: UpstreamKey::new(Provider::Anthropic, "https://api.anthropic.com"),
            model: "claude-haiku-4-5".to_owned(),
            purpose: Purpose::Distill,
            project: None,
        };
        Self { request, token: Fingerprint::of_number(1) }
    }

    /// A client brings the token, and it is accepted.
    async fn introduce(&self, house: &House) -> Result<(), AskError> {
        let AccessRequest { principal, session, upstream, .. } = self.request.clone();
        let credential = Arc::new(Credential {
            header: "authorization",
            value: Secret::new("Bearer sk-ant-oat01-benchmark"),
            kind: CredentialKind::Bearer,
            fingerprint: self.token,
            companions: Companions::default(),
            ends: None,
        });
        let slot = SlotKey { principal, upstream, session };
        say(house, CredentialMessage::CredentialObserved { slot, credential, project: None, ends: None })
            .await?;
        say(house, CredentialMessage::ClientAnswered { evidence: self.accepted(house), model: None })
            .await
            .map(drop)
    }

    async fn round(&self, house: &House) -> Result<(), AskError> {
        let request = self.request.clone();
        let reply = say(house, CredentialMessage::ResolveCredential(request.clone())).await?;
        let CredentialReply::Access(Access::Go(lease)) = reply else { return Err(AskError::Stopped) };
        let evidence = self.accepted(house);
        say(house, CredentialMessage::AuthAccepted { request, lease, evidence }).await.map(drop)
    }

    fn accepted(&self, house: &House) -> Evidence {
        let now = Moment::from(house.environment.clock.now());
        let (fingerprint, upstream) = (self.token, self.request.upstream.clone());
        Evidence { fingerprint, upstream, start: now, end: now, class: Class::Ok, status: 200 }
    }
}

async fn say(house: &House, message: CredentialMessage) -> Result<CredentialReply, AskError> {
    house.credentials.ask(Spoken(message), Cause::origin("Benchmark"), PATIENCE).await
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn tick() -> Instant {
    Instant::now()
}
