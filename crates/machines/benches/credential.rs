//! How long the credential machine takes for one message while it knows 100,000 sessions, and how much memory a session costs.
//!
//! `just bench-machine` runs it. Messages are made outside of what is measured; each is about a session picked at random, so
//! that no cache holds what it needs.

use criterion::{BatchSize, BenchmarkGroup, Criterion, measurement::WallTime};
use domain::access::{Access, AccessRequest};
use domain::companions::Companions;
use domain::credential::{Credential, CredentialKind, Lease};
use domain::evidence::{Class, Evidence};
use domain::fingerprint::{Fingerprint, Fingerprinter};
use domain::ids::Principal;
use domain::provider::{Provider, UpstreamKey};
use domain::purpose::Purpose;
use domain::secret::Secret;
use domain::settings::{ClientCredentials, GlobalFallback};
use domain::time::Moment;
use machines::credential::{
    Counters, CredentialEffect, CredentialMachine, CredentialMessage, CredentialReply, CredentialRules,
    SlotKey,
};
use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SESSIONS: usize = 100_000;
/// So many leases may be out at once.
const LEASES: usize = 12;
/// So many messages are made ahead of their measurement.
const AHEAD: BatchSize = BatchSize::NumIterations(1000);
/// Between two passages, so that they are not taken for the provider's own trouble.
const APART: Duration = Duration::from_secs(120);

fn main() {
    weigh();
    let mut criterion = Criterion::default().configure_from_args();
    measure(&mut criterion, "a token each", |session| session as u64);
    measure(
        &mut criterion,
        "half share one token",
        |session| if session % 2 == 0 { 0 } else { session as u64 },
    );
    criterion.final_summary();
}

fn measure(criterion: &mut Criterion, name: &str, token_of: fn(usize) -> u64) {
    let mut house = House::fill(Agents::new(token_of));
    let mut group = criterion.benchmark_group(name);
    house.observe_known(&mut group);
    house.answer(&mut group);
    house.resolve(&mut group);
    house.accept(&mut group);
    house.pass(&mut group);
    house.observe_new(&mut group); // Last: it changes who holds what.
    group.finish();
}

/// A machine that knows many sessions, and what its messages are made of.
struct House {
    machine: CredentialMachine,
    agents: Agents,
    now: Moment,
    effects: Vec<CredentialEffect>,
}

impl House {
    fn fill(agents: Agents) -> Self {
        let client_credentials = ClientCredentials { api_key: true, bearer: true };
        let rules =
            CredentialRules { client_credentials, fallback: GlobalFallback::Lineage, own_keys: Vec::new() };
        let machine = CredentialMachine::new(rules, Counters::default());
        let mut house = Self { machine, agents, now: Moment::from_secs(1), effects: Vec::new() };
        for session in 0..SESSIONS {
            let (observed, token) = house.agents.observed(session, (house.agents.token_of)(session));
            house.say(observed);
            let accepted = house.agents.answered(token, Class::Ok, house.now);
            house.say(accepted);
        }
        house
    }

    fn say(&mut self, message: CredentialMessage) -> CredentialReply {
        self.now = self.now.after(Duration::from_micros(3));
        self.effects.clear();
        self.machine.on(message, self.now, &mut self.effects)
    }

    fn observe_known(&mut self, group: &mut BenchmarkGroup<'_, WallTime>) {
        let mut agents = self.agents.clone();
        let known = |agents: &mut Agents| {
            let session = agents.any_session();
            agents.observed(session, (agents.token_of)(session)).0
        };
        group.bench_function("CredentialObserved, a known token", |bencher| {
            bencher.iter_batched(|| known(&mut agents), |message| self.say(message), AHEAD);
        });
    }

    fn observe_new(&mut self, group: &mut BenchmarkGroup<'_, WallTime>) {
        let mut agents = self.agents.clone();
        let mut token = SESSIONS as u64;
        group.bench_function("CredentialObserved, a new token", |bencher| {
            let fresh = || {
                token += 1;
                let session = agents.any_session();
                agents.observed(session, token).0
            };
            bencher.iter_batched(fresh, |message| self.say(message), AHEAD);
        });
    }

    fn answer(&mut self, group: &mut BenchmarkGroup<'_, WallTime>) {
        let (mut agents, now) = (self.agents.clone(), self.now);
        group.bench_function("ClientAnswered, accepted", |bencher| {
            let accepted = || {
                let session = agents.any_session();
                agents.answered(agents.tokens[session], Class::Ok, now)
            };
            bencher.iter_batched(accepted, |message| self.say(message), AHEAD);
        });
    }

    fn resolve(&mut self, group: &mut BenchmarkGroup<'_, WallTime>) {
        group.bench_function("ResolveCredential", |bencher| {
            bencher.iter_custom(|times| self.turns(times).0);
        });
    }

    fn accept(&mut self, group: &mut BenchmarkGroup<'_, WallTime>) {
        group.bench_function("AuthAccepted", |bencher| bencher.iter_custom(|times| self.turns(times).1));
    }

    /// A token is refused, and then accepted: two messages.
    fn pass(&mut self, group: &mut BenchmarkGroup<'_, WallTime>) {
        group.bench_function("ClientAnswered, refused and then accepted", |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| self.passage()).sum());
        });
    }

    fn passage(&mut self) -> Duration {
        self.now = self.now.after(APART);
        // Of a session with a token of its own: a shared one is the work of many sessions.
        let session = self.agents.any_session() | 1;
        let token = self.agents.tokens[session];
        let refused = self.agents.answered(token, Class::CredentialRejected, self.now);
        let accepted = self.agents.answered(token, Class::Ok, self.now.after(Duration::from_micros(2)));
        let begun = tick();
        black_box(self.say(refused));
        black_box(self.say(accepted));
        begun.elapsed()
    }

    /// Leases are asked for and given back a few at a time, as many as may be out. How long the asking took, and the giving
    /// back.
    fn turns(&mut self, times: u64) -> (Duration, Duration) {
        let mut spent = (Duration::ZERO, Duration::ZERO);
        let mut left = usize::try_from(times).unwrap_or(usize::MAX);
        while left > 0 {
            let requests: Vec<_> = (0..left.min(LEASES)).map(|_| self.agents.request()).collect();
            left -= requests.len();
            let questions: Vec<_> =
                requests.iter().cloned().map(CredentialMessage::ResolveCredential).collect();
            let (asking, replies) = self.say_all(questions);
            let leases = requests.into_iter().zip(replies.into_iter().map(lease));
            let reports =
                leases.filter_map(|(request, lease)| Some(self.accepted(request, lease?))).collect();
            let (reporting, _) = self.say_all(reports);
            spent = (spent.0 + asking, spent.1 + reporting);
        }
        spent
    }

    fn accepted(&self, request: AccessRequest, lease: Lease) -> CredentialMessage {
        let evidence = self.agents.evidence(lease.fingerprint(), Class::Ok, self.now);
        CredentialMessage::AuthAccepted { request, lease, evidence }
    }

    fn say_all(&mut self, messages: Vec<CredentialMessage>) -> (Duration, Vec<CredentialReply>) {
        let mut replies = Vec::with_capacity(messages.len());
        let begun = tick();
        replies.extend(messages.into_iter().map(|message| self.say(message)));
        (begun.elapsed(), replies)
    }
}

fn lease(reply: CredentialReply) -> Option<Lease> {
    match reply {
        CredentialReply::Access(Access::Go(lease)) => Some(lease),
        _ => None,
    }
}

/// Makes messages as the gateway does: every request brings a session name and a credential of its own in memory.
#[derive(Clone)]
struct Agents {
    principal: Principal,
    upstream: UpstreamKey,
    fingerprinter: Fingerprinter,
    /// By session.
    tokens: Vec<Fingerprint>,
    token_of: fn(usize) -> u64,
    dice: u64,
}

impl Agents {
    fn new(token_of: fn(usize) -> u64) -> Self {
        let fingerprinter = Fingerprinter::new([7; 32]);
        let tokens = (0..SESSIONS)
            .map(|session| fingerprinter.fingerprint("authorization", &value(token_of(session))));
        Self {
            principal: Principal::local(),
            upstream: UpstreamKey::new(Provider::Anthropic, "https://api.anthropic.com"),
            tokens: tokens.collect(),
            fingerprinter,
            token_of,
            dice: 1,
        }
    }

    fn any_session(&mut self) -> usize {
        self.dice += 1;
        (mix(self.dice) % SESSIONS as u64) as usize
    }

    fn observed(&self, session: usize, token: u64) -> (CredentialMessage, Fingerprint) {
        let value = value(token);
        let fingerprint = self.fingerprinter.fingerprint("authorization", &value);
        let credential = Arc::new(Credential {
            header: "authorization",
            value: Secret::new(value.as_str()),
            kind: CredentialKind::Bearer,
            fingerprint,
            companions: Companions::from_iter([
                ("anthropic-version", "2023-06-01"),
                ("anthropic-beta", "claude-code-20250219,oauth-2025-04-20,interleaved-thinking-2025-05-14"),
            ]),
            ends: None,
        });
        let (principal, upstream) = (self.principal.clone(), self.upstream.clone());
        let slot = SlotKey { principal, upstream, session: name(session).into() };
        let project = Some(format!("/home/somebody/projects/number-{session}"));
        (CredentialMessage::CredentialObserved { slot, credential, project, ends: None }, fingerprint)
    }

    fn answered(&self, token: Fingerprint, class: Class, now: Moment) -> CredentialMessage {
        CredentialMessage::ClientAnswered {
            evidence: self.evidence(token, class, now),
            model: Some("claude-opus-4-5".to_owned()),
        }
    }

    fn evidence(&self, fingerprint: Fingerprint, class: Class, now: Moment) -> Evidence {
        let status = if class == Class::Ok { 200 } else { 401 };
        let (start, end) = (now.after(Duration::from_micros(1)), now.after(Duration::from_micros(2)));
        Evidence { fingerprint, upstream: self.upstream.clone(), start, end, class, status }
    }

    fn request(&mut self) -> AccessRequest {
        AccessRequest {
            principal: self.principal.clone(),
            session: name(self.any_session()).into(),
            upstream: self.upstream.clone(),
            model: "claude-haiku-4-5".to_owned(),
            purpose: Purpose::Distill,
            project: None,
        }
    }
}

/// A session's name, of a UUID's form.
fn name(session: usize) -> String {
    let bits = mix(session as u64);
    let (a, b, c) = (bits >> 32, (bits >> 16) & 0xffff, bits & 0xffff);
    format!("{a:08x}-{b:04x}-4{:03x}-8{:03x}-{:012x}", c & 0xfff, c >> 4, mix(bits) >> 16)
}

/// An OAuth token's header value, 115 bytes long.
fn value(token: u64) -> String {
    let words = (0..6).map(|word| format!("{:016x}", mix(token ^ (word << 32))));
    format!("Bearer sk-ant-oat01-{}", words.collect::<String>().split_at(95).0)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn tick() -> Instant {
    Instant::now()
}

/// Scatters numbers (the finaliser of SplitMix64).
fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Bytes of this process that lie in memory: /proc/self/statm counts pages of 4 KiB. Zero where there is no such file.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).map_or(0, |pages: usize| pages * 4096)
}

/// What a session costs. Before anything else: memory that was freed would be filled again unseen.
#[expect(clippy::print_stdout, reason = "a benchmark reports on standard output")]
fn weigh() {
    let agents = Agents::new(|session| session as u64);
    let before = resident();
    let house = House::fill(agents);
    let bytes = resident().saturating_sub(before) / SESSIONS;
    println!(
        "{bytes} bytes a session, its credential included: what {} of them added to resident memory",
        house.machine.size().0
    );
}
