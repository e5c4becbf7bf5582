//! Counts what happens, under the names of `docs/metrics.md`.
//!
//! One [`Metrics`] a gateway, no global registry: two gateways in one process (a test, the simulator) do not mix.

use crate::telemetry::Spans;
use actor::{Depth, Observer, Row};
use domain::intake::Oddity;
use domain::provider::Provider;
use domain::purpose::Purpose;
use machines::health::Level;
use machines::idle_scheduler::WorkerHealth;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::Dropped;
use workers::{Called, Meter, PassedOver};

/// Upper bounds in seconds: from 50 µs, below what a relay adds on an idle machine, to 10 s, where something is stuck.
const SPANS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    10.0,
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    purpose: &'static str,
    provider: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FailureLabels {
    provider: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ProviderLabel {
    provider: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HealthLabels {
    worker: &'static str,
    level: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ActorLabel {
    actor: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ShedLabels {
    actor: &'static str,
    msg: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

/// Dollars are no whole numbers.
type Dollars = Counter<f64, AtomicU64>;
type Waits = Family<ActorLabel, Histogram, fn() -> Histogram>;

/// How deep each actor's mailbox is, by the actor's name.
#[derive(Default)]
struct Mailboxes(Mutex<BTreeMap<&'static str, Depth>>);

impl fmt::Debug for Mailboxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailboxes(…)")
    }
}

/// Every metric of the gateway. Usable from any thread.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    upstream_requests: Family<RequestLabels, Counter>,
    auth_failures: Family<FailureLabels, Counter>,
    credentials_left: Family<ReasonLabel, Counter>,
    stand_ins: Family<ProviderLabel, Counter>,
    alerts: Family<KindLabel, Counter>,
    background_paused: Family<ProviderLabel, Gauge>,
    worker_health: Family<HealthLabels, Gauge>,
    relay_overhead: Histogram,
    relay_refusals: Family<CodeLabel, Counter>,
    /// Asked when somebody reads the metrics: to count along with each message would cost as much as some messages do.
    mailboxes: Mailboxes,
    mailbox_depth: Family<ActorLabel, Gauge>,
    queue_wait: Waits,
    facts_shed: Family<ShedLabels, Counter>,
    turns_recorded: Counter,
    store_faults: Counter,
    dropped: Family<KindLabel, Counter>,
    passed_over: Family<KindLabel, Counter>,
    bytes_in_use: Gauge,
    warm_saved: Dollars,
    warm_cost: Dollars,
    warm_net: Gauge<f64, AtomicU64>,
    spans: Option<Spans>,
}

impl Metrics {
    /// All of them, at nothing.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("stillroom"),
            upstream_requests: Family::default(),
            auth_failures: Family::default(),
            credentials_left: Family::default(),
            stand_ins: Family::default(),
            alerts: Family::default(),
            background_paused: Family::default(),
            worker_health: Family::default(),
            relay_overhead: spans(),
            relay_refusals: Family::default(),
            mailboxes: Mailboxes::default(),
            mailbox_depth: Family::default(),
            queue_wait: Family::new_with_constructor(spans),
            facts_shed: Family::default(),
            turns_recorded: Counter::default(),
            store_faults: Counter::default(),
            dropped: Family::default(),
            passed_over: Family::default(),
            bytes_in_use: Gauge::default(),
            warm_saved: Dollars::default(),
            warm_cost: Dollars::default(),
            warm_net: Gauge::default(),
            spans: None,
        };
        metrics.register_providers();
        metrics.register_credentials();
        metrics.register_actors();
        metrics.register_sessions();
        metrics
    }

    /// The same, which also sends a span for each call to a provider.
    #[must_use]
    pub fn sending(self, spans: Spans) -> Self {
        Self { spans: Some(spans), ..self }
    }

    /// Whether anybody hears of each call: what is only for them need not be worked out otherwise.
    pub(crate) fn tells_of_calls(&self) -> bool {
        self.spans.is_some()
    }

    /// How long the gateway itself held a relayed request: from its head to its departure, and from the provider's head to
    /// the client's.
    pub fn relay_overhead(&self, span: Duration) {
        self.relay_overhead.observe(span.as_secs_f64());
    }

    /// A client's request was answered by the gateway itself, with this code.
    pub(crate) fn refused(&self, code: &'static str) {
        self.relay_refusals.get_or_create(&CodeLabel { code }).inc();
    }

    /// A client's request passed with a credential that was left alone.
    pub(crate) fn credential_left(&self, why: Oddity) {
        self.credentials_left.get_or_create(&ReasonLabel { reason: why.as_str() }).inc();
    }

    /// What is exposed, as it is now. Names lack the `_total` of counters: the encoding adds it.
    pub(crate) fn registry(&self) -> &Registry {
        for (&actor, depth) in self.mailboxes().iter() {
            let depth = i64::try_from(depth()).unwrap_or(i64::MAX);
            self.mailbox_depth.get_or_create(&ActorLabel { actor }).set(depth);
        }
        &self.registry
    }

    fn mailboxes(&self) -> MutexGuard<'_, BTreeMap<&'static str, Depth>> {
        self.mailboxes.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how many sessions' background work stands still, by provider; providers that are not named have none. `None` when
    /// it is not known: then the metric is left out, which is truer than an old number.
    pub(crate) fn set_paused(&self, paused: Option<&BTreeMap<Provider, i64>>) {
        let Some(paused) = paused else { return self.background_paused.clear() };
        for provider in Provider::ALL {
            let label = ProviderLabel { provider: provider.as_str() };
            self.background_paused.get_or_create(&label).set(paused.get(&provider).copied().unwrap_or(0));
        }
    }

    /// Sets how many sessions each worker is not healthy in, by level; `None` when it is not known.
    pub(crate) fn set_unwell(&self, unwell: Option<&[WorkerHealth]>) {
        let Some(unwell) = unwell else { return self.worker_health.clear() };
        for purpose in [Purpose::Distill, Purpose::Curate, Purpose::Warm] {
            for level in [Level::Degraded, Level::Critical] {
                let sessions = unwell.iter().filter(|it| it.purpose == purpose && it.level == level).count();
                let labels = HealthLabels { worker: purpose.as_str(), level: level.as_str() };
                self.worker_health.get_or_create(&labels).set(i64::try_from(sessions).unwrap_or(i64::MAX));
            }
        }
    }

    /// Sets how many jobs the store could not do since the start.
    pub(crate) fn set_store_faults(&self, faults: u64) {
        self.store_faults.inner().store(faults, Ordering::Relaxed);
    }

    fn register_providers(&mut self) {
        let registry = &mut self.registry;
        let help = "Attempts at a provider that ended, by purpose and status; status 0 is no answer";
        registry.register("upstream_requests", help, self.upstream_requests.clone());
        let help = "Sessions whose background work stands still";
        registry.register("background_paused", help, self.background_paused.clone());
        let help =
            "Sessions for which a worker fails again and again (degraded), or has for an hour (critical)";
        registry.register("worker_health", help, self.worker_health.clone());
        let help = "Seconds that the gateway itself adds to a relayed request";
        registry.register("relay_overhead_seconds", help, self.relay_overhead.clone());
        let help = "Requests of clients that the gateway answered itself, by the code in x-stillroom-error";
        registry.register("relay_refusals", help, self.relay_refusals.clone());
    }

    fn register_credentials(&mut self) {
        let registry = &mut self.registry;
        let help = "Background calls whose token a provider refused";
        registry.register("auth_failures", help, self.auth_failures.clone());
        registry.register("alerts", "Alerts that went out", self.alerts.clone());
        let help = "Credentials that were relayed but not captured for background work, by reason";
        registry.register("credentials_left", help, self.credentials_left.clone());
        let help = "Background calls that could go with another session's token in place of their own";
        registry.register("stand_ins", help, self.stand_ins.clone());
    }

    fn register_actors(&mut self) {
        let registry = &mut self.registry;
        registry.register("mailbox_depth", "Messages that wait for an actor", self.mailbox_depth.clone());
        let help = "Seconds that a message waited for its actor";
        registry.register("queue_wait_seconds", help, self.queue_wait.clone());
        let help = "Facts that a full queue refused; later ones make up for them";
        registry.register("facts_shed", help, self.facts_shed.clone());
    }

    fn register_sessions(&mut self) {
        let registry = &mut self.registry;
        registry.register("turns_recorded", "Turns taken into the store", self.turns_recorded.clone());
        let help = "Steps that the store could not do; nothing of such a step was kept";
        registry.register("store_faults", help, self.store_faults.clone());
        let help = "Messages, observations and sessions that were passed over, because no answer about them was of use";
        registry.register("passed_over", help, self.passed_over.clone());
        let help = "Messages, observations and sessions that were dropped because they are old";
        registry.register("retention_dropped", help, self.dropped.clone());
        let help = "Bytes of the database that are in use, as of the last look for what is old";
        registry.register("retention_bytes_in_use", help, self.bytes_in_use.clone());
        let help = "Dollars saved by returns to a cache that was kept warm";
        registry.register("cache_warm_saved_usd", help, self.warm_saved.clone());
        registry.register("cache_warm_cost_usd", "Dollars spent on warm-ups", self.warm_cost.clone());
        let help = "Dollars saved by warming less what it cost, since the start";
        registry.register("cache_warm_net_usd", help, self.warm_net.clone());
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn spans() -> Histogram {
    Histogram::new(SPANS)
}

/// A counter only rises; what is no amount is not counted. Gives what was counted.
fn add(counter: &Dollars, usd: f64) -> f64 {
    let usd = if usd.is_finite() { usd.max(0.0) } else { 0.0 };
    counter.inc_by(usd);
    usd
}

impl Meter for Metrics {
    fn upstream_request(&self, purpose: Purpose, provider: Provider, status: u16) {
        let labels = RequestLabels { purpose: purpose.as_str(), provider: provider.as_str(), status };
        self.upstream_requests.get_or_create(&labels).inc();
    }

    fn called(&self, call: &Called<'_>) {
        if let Some(spans) = &self.spans {
            spans.called(call);
        }
    }

    fn auth_failure(&self, provider: Provider, status: u16) {
        let labels = FailureLabels { provider: provider.as_str(), status };
        self.auth_failures.get_or_create(&labels).inc();
    }

    fn stand_in(&self, provider: Provider) {
        self.stand_ins.get_or_create(&ProviderLabel { provider: provider.as_str() }).inc();
    }

    fn alert(&self, kind: &'static str) {
        self.alerts.get_or_create(&KindLabel { kind }).inc();
    }

    fn turn_recorded(&self) {
        self.turns_recorded.inc();
    }

    fn turn_shed(&self) {
        self.shed("Recorder", "TurnCompleted");
    }

    fn dropped(&self, dropped: &Dropped) {
        let counts = [
            ("message", dropped.messages),
            ("observation", dropped.observations),
            ("session", dropped.sessions),
        ];
        for (kind, count) in counts {
            self.dropped.get_or_create(&KindLabel { kind }).inc_by(count);
        }
        self.bytes_in_use.set(i64::try_from(dropped.bytes).unwrap_or(i64::MAX));
    }

    fn passed_over(&self, what: PassedOver) {
        self.passed_over.get_or_create(&KindLabel { kind: what.kind }).inc_by(what.count);
    }

    fn warm_saved(&self, usd: f64) {
        self.warm_net.inc_by(add(&self.warm_saved, usd));
    }

    fn warm_cost(&self, usd: f64) {
        self.warm_net.dec_by(add(&self.warm_cost, usd));
    }
}

/// A crash needs no counter of ours: the shell logs it, once, with its place.
impl Observer for Metrics {
    fn handled(&self, row: &Row) {
        let waited = Duration::from_micros(row.queue_wait_us).as_secs_f64();
        self.queue_wait.get_or_create(&ActorLabel { actor: row.actor }).observe(waited);
    }

    fn shed(&self, actor: &'static str, message: &'static str) {
        self.facts_shed.get_or_create(&ShedLabels { actor, msg: message }).inc();
    }

    fn opened(&self, actor: &'static str, depth: Depth) {
        self.mailboxes().insert(actor, depth);
    }
}
