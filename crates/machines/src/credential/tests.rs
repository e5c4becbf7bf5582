//! The rules of the protocol, each as a story, and its invariants under random schedules.

use super::*;
use crate::samples::upstream;
use domain::access::WaitReason;
use domain::credential::CredentialKind;
use domain::evidence::Class;
use domain::secret::Secret;
use proptest::prelude::*;

fn credential(token: u8) -> Arc<Credential> {
    Arc::new(Credential {
        header: "authorization",
        value: Secret::new("t"),
        kind: CredentialKind::Bearer,
        fingerprint: Fingerprint::of_number(token),
        companions: Vec::new(),
    })
}

fn key(session: &str) -> SlotKey {
    SlotKey { principal: Principal::local(), upstream: upstream(), session: session.into() }
}

fn request(session: &str) -> AccessRequest {
    AccessRequest {
        principal: Principal::local(),
        session: session.into(),
        upstream: upstream(),
        model: "m".into(),
        purpose: Purpose::Distill,
    }
}

fn evidence(token: u8, class: Class, start: u64, end: u64) -> Evidence {
    let status = if class == Class::Ok { 200 } else { 401 };
    let fingerprint = Fingerprint::of_number(token);
    Evidence { fingerprint, upstream: upstream(), start: Moment(start), end: Moment(end), class, status }
}

/// A machine with a clock of its own that ticks one microsecond a message.
struct Bench {
    machine: CredentialMachine,
    now: u64,
    effects: Vec<CredentialEffect>,
}

impl Bench {
    fn with(fallback: GlobalFallback) -> Self {
        let client_credentials = ClientCredentials { api_key: true, bearer: true };
        let rules = CredentialRules { client_credentials, fallback, own_keys: Vec::new() };
        Self { machine: CredentialMachine::new(rules, Counters::default()), now: 0, effects: Vec::new() }
    }

    fn new() -> Self {
        Self::with(GlobalFallback::Lineage)
    }

    fn say(&mut self, message: CredentialMessage) -> CredentialReply {
        self.now += 1;
        self.machine.on(message, Moment(self.now), &mut self.effects)
    }

    fn client(&mut self, session: &str, token: u8, class: Class) {
        let credential = credential(token);
        self.say(CredentialMessage::CredentialObserved { slot: key(session), credential, project: None });
        let (start, end) = (self.now + 1, self.now + 2);
        self.now += 2;
        self.say(CredentialMessage::ClientAnswered(evidence(token, class, start, end)));
    }

    fn resolve(&mut self, session: &str) -> Access {
        match self.say(CredentialMessage::ResolveCredential(request(session))) {
            CredentialReply::Access(access) => access,
            other => panic!("not an access: {other:?}"),
        }
    }

    fn lease(&mut self, session: &str) -> Lease {
        match self.resolve(session) {
            Access::Go(lease) => lease,
            other => panic!("not a lease: {other:?}"),
        }
    }

    fn refused(&mut self, session: &str, lease: &Lease) -> Access {
        let start = self.now + 1;
        self.now += 2;
        let evidence = Evidence {
            fingerprint: lease.fingerprint(),
            upstream: upstream(),
            start: Moment(start),
            end: Moment(self.now),
            class: Class::CredentialRejected,
            status: 401,
        };
        let message =
            CredentialMessage::AuthFailed { request: request(session), lease: lease.clone(), evidence };
        match self.say(message) {
            CredentialReply::Access(access) => access,
            other => panic!("not an access: {other:?}"),
        }
    }

    fn alerts(&self) -> usize {
        self.effects.iter().filter(|effect| matches!(effect, CredentialEffect::Alert(_))).count()
    }

    fn reenabled(&self) -> usize {
        let reenabled =
            |effect: &&_| matches!(effect, CredentialEffect::Broadcast(Hint::CredentialsReenabled(_)));
        self.effects.iter().filter(reenabled).count()
    }
}

fn waits(access: &Access, wanted: WaitReason) -> bool {
    matches!(access, Access::Wait { reason, .. } if *reason == wanted)
}

#[test]
fn a_session_without_a_credential_waits_for_its_agent() {
    assert!(waits(&Bench::new().resolve("a"), WaitReason::NoCredential));
}

#[test]
fn a_proven_token_is_leased_to_its_own_session_only() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(1));
    assert!(waits(&bench.resolve("b"), WaitReason::NoCredential));
}

#[test]
fn a_refused_token_is_alerted_once_and_not_leased_again_until_a_probe_is_due() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let lease = bench.lease("a");
    assert!(waits(&bench.refused("a", &lease), WaitReason::Rejected));
    for _ in 0..50 {
        assert!(waits(&bench.resolve("a"), WaitReason::Rejected));
    }
    assert_eq!(bench.alerts(), 1);
    bench.now += 73_000_000;
    let probe = bench.lease("a");
    assert!(probe.probe);
    assert!(waits(&bench.resolve("a"), WaitReason::ProbeOut), "one probe at a time");
}

#[test]
fn the_same_token_sent_again_and_refused_again_wakes_nobody() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let lease = bench.lease("a");
    bench.refused("a", &lease);
    let woken = bench.reenabled();
    bench.client("a", 1, Class::CredentialRejected);
    assert!(waits(&bench.resolve("a"), WaitReason::Rejected));
    assert_eq!((bench.reenabled(), bench.alerts()), (woken, 1));
}

#[test]
fn a_new_token_that_a_client_proves_sets_work_going() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let lease = bench.lease("a");
    bench.refused("a", &lease);
    let woken = bench.reenabled();
    bench.client("a", 2, Class::Ok);
    assert_eq!(bench.reenabled(), woken + 1);
    let fresh = bench.lease("a");
    assert_eq!((fresh.fingerprint(), fresh.probe), (Fingerprint::of_number(2), false));
    assert!(fresh.generation > lease.generation);
}

#[test]
fn a_late_refusal_of_the_old_token_leaves_the_new_one_alone() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let old = bench.lease("a");
    bench.client("a", 2, Class::Ok);
    assert!(
        matches!(bench.refused("a", &old), Access::Go(lease) if lease.fingerprint() == Fingerprint::of_number(2))
    );
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(2));
}

#[test]
fn an_unproven_token_does_not_displace_a_proven_one() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.say(CredentialMessage::CredentialObserved {
        slot: key("a"),
        credential: credential(2),
        project: None,
    });
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(1));
}

#[test]
fn a_straggler_with_a_dead_token_does_not_throw_the_fresh_one_out() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.client("a", 1, Class::CredentialRejected);
    bench.say(CredentialMessage::CredentialObserved {
        slot: key("a"),
        credential: credential(2),
        project: None,
    });
    let start = bench.now;
    bench.say(CredentialMessage::CredentialObserved {
        slot: key("a"),
        credential: credential(1),
        project: None,
    });
    bench.say(CredentialMessage::ClientAnswered(evidence(2, Class::Ok, start, start + 1)));
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(2));
}

#[test]
fn when_the_proven_token_dies_the_newer_one_beside_it_is_tried() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.say(CredentialMessage::CredentialObserved {
        slot: key("a"),
        credential: credential(2),
        project: None,
    });
    let lease = bench.lease("a");
    let retry = bench.refused("a", &lease);
    assert!(
        matches!(retry, Access::Go(lease) if lease.probe && lease.fingerprint() == Fingerprint::of_number(2))
    );
}

#[test]
fn the_client_meeting_the_refusal_first_saves_the_doomed_call() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.client("a", 1, Class::CredentialRejected);
    assert_eq!(bench.alerts(), 0, "nothing of ours was hurt yet");
    assert!(waits(&bench.resolve("a"), WaitReason::Rejected));
    assert_eq!(bench.alerts(), 1, "now work stands still, and that is told once");
}

#[test]
fn a_false_alarm_ends_with_the_clients_next_success() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let lease = bench.lease("a");
    bench.refused("a", &lease);
    bench.client("a", 1, Class::Ok);
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(1));
}

#[test]
fn the_global_token_stands_in_only_for_a_session_of_the_same_lineage() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.client("b", 1, Class::Ok);
    bench.client("c", 3, Class::Ok);
    bench.client("b", 2, Class::Ok);
    bench.client("a", 1, Class::CredentialRejected);
    bench.client("c", 3, Class::CredentialRejected);
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(2), "a and b once held token 1");
    assert!(waits(&bench.resolve("c"), WaitReason::Rejected), "c is a stranger");
}

#[test]
fn the_global_token_stands_in_within_a_project_when_the_settings_say_so() {
    let mut bench = Bench::with(GlobalFallback::SameProject);
    for (session, token, project) in [("a", 1, "/p"), ("b", 2, "/p"), ("c", 3, "/q")] {
        let (slot, credential, project) = (key(session), credential(token), Some(project.to_owned()));
        bench.say(CredentialMessage::CredentialObserved { slot, credential, project });
    }
    bench.client("b", 2, Class::Ok);
    for (session, token) in [("a", 1), ("c", 3)] {
        bench.client(session, token, Class::CredentialRejected);
    }
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(2));
    assert!(waits(&bench.resolve("c"), WaitReason::Rejected), "c works elsewhere");
}

#[test]
fn a_key_of_the_workers_own_keeps_client_credentials_out() {
    let mut bench = Bench::new();
    bench.machine.rules.own_keys = vec![(Provider::Anthropic, credential(9))];
    bench.client("a", 1, Class::Ok);
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(9));
}

#[test]
fn a_kind_that_the_settings_exclude_is_not_used() {
    let mut bench = Bench::new();
    bench.machine.rules.client_credentials.bearer = false;
    bench.client("a", 1, Class::Ok);
    assert!(waits(&bench.resolve("a"), WaitReason::NotAllowed));
}

#[test]
fn a_lease_of_an_evicted_session_reports_without_reviving_its_slot() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let lease = bench.lease("a");
    bench.say(CredentialMessage::SessionEvicted { session: "a".into() });
    assert!(waits(&bench.refused("a", &lease), WaitReason::NoCredential));
    assert!(waits(&bench.resolve("a"), WaitReason::NoCredential));
}

#[test]
fn throttling_pauses_the_token_without_rejecting_it() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let lease = bench.lease("a");
    let now = bench.now;
    let storm = evidence(1, Class::Throttled { retry_after: None }, now, now + 1);
    bench.say(CredentialMessage::CallEnded { request: request("a"), lease, evidence: Some(storm) });
    assert!(waits(&bench.resolve("a"), WaitReason::Throttled));
    bench.client("a", 1, Class::Ok);
    assert!(matches!(bench.resolve("a"), Access::Go(_)));
}

/// One step of a random schedule.
#[derive(Debug, Clone)]
enum Step {
    Observe(u8, u8),
    ClientAnswer(u8, bool),
    Resolve(u8),
    Report(prop::sample::Index, bool),
    Evict(u8),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..3_u8, 1..5_u8).prop_map(|(session, token)| Step::Observe(session, token)),
        (1..5_u8, any::<bool>()).prop_map(|(token, ok)| Step::ClientAnswer(token, ok)),
        (0..3_u8).prop_map(Step::Resolve),
        (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(which, ok)| Step::Report(which, ok)),
        (0..3_u8).prop_map(Step::Evict),
        (1..400_000_000_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..80)
}

fn run(bench: &mut Bench, leases: &mut Vec<(String, Lease)>, step: Step) {
    match step {
        Step::Observe(session, token) => {
            let slot = key(&session.to_string());
            bench.say(CredentialMessage::CredentialObserved {
                slot,
                credential: credential(token),
                project: None,
            });
        }
        Step::ClientAnswer(token, ok) => {
            let class = if ok { Class::Ok } else { Class::CredentialRejected };
            let now = bench.now;
            bench.say(CredentialMessage::ClientAnswered(evidence(token, class, now, now + 1)));
        }
        Step::Resolve(session) => resolve_and_check(bench, leases, &session.to_string()),
        Step::Report(which, ok) if !leases.is_empty() => {
            let (session, lease) = leases.swap_remove(which.index(leases.len()));
            report_and_check(bench, leases, &session, lease, ok);
        }
        Step::Report(..) => {}
        Step::Evict(session) => {
            bench.say(CredentialMessage::SessionEvicted { session: session.to_string().as_str().into() });
        }
        Step::Pass(microseconds) => bench.now += microseconds,
    }
}

fn resolve_and_check(bench: &mut Bench, leases: &mut Vec<(String, Lease)>, session: &str) {
    let generation = bench.machine.counters.generation;
    if let Access::Go(lease) = bench.resolve(session) {
        let verdict = bench.machine.verdict(&upstream(), lease.fingerprint());
        assert!(
            lease.probe || verdict == Verdict::Proven,
            "S4: only a proven token is leased but as a probe"
        );
        let out =
            leases.iter().filter(|(_, other)| other.probe && other.fingerprint() == lease.fingerprint());
        let fresh_probe = lease.probe && out.count() > 0;
        assert!(!fresh_probe || bench.now > 16 * 60 * 1_000_000, "S12: one probe per token");
        assert!(lease.generation.0 <= generation, "S11");
        leases.push((session.to_owned(), lease));
    }
}

fn report_and_check(
    bench: &mut Bench,
    leases: &mut Vec<(String, Lease)>,
    session: &str,
    lease: Lease,
    ok: bool,
) {
    let slots = bench.machine.slots.len();
    let token = lease.fingerprint();
    let others: Vec<_> = (1..5)
        .map(Fingerprint::of_number)
        .filter(|other| *other != token)
        .map(|other| (other, bench.machine.verdict(&upstream(), other)))
        .collect();
    if ok {
        let (start, end) = (Moment(bench.now), Moment(bench.now + 1));
        let evidence =
            Evidence { fingerprint: token, upstream: upstream(), start, end, class: Class::Ok, status: 200 };
        bench.say(CredentialMessage::AuthAccepted { request: request(session), lease, evidence });
    } else if let Access::Go(retry) = bench.refused(session, &lease) {
        assert_ne!(retry.fingerprint(), token, "S6: never with the refused value");
        leases.push((session.to_owned(), retry));
    }
    assert_eq!(bench.machine.slots.len(), slots, "S9: reports never create a slot");
    for (other, verdict) in others {
        assert_eq!(bench.machine.verdict(&upstream(), other), verdict, "S3: nobody else's verdict moved");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn the_invariants_hold_under_random_schedules(steps in steps()) {
        let mut bench = Bench::new();
        let mut leases = Vec::new();
        let mut rejections = 0_usize;
        for step in steps {
            let invalidated = |bench: &Bench| bench.machine.tokens.values().filter(|(token, _)| token.verdict() == Verdict::Rejected).count();
            let before = invalidated(&bench);
            run(&mut bench, &mut leases, step);
            rejections += invalidated(&bench).saturating_sub(before);
        }
        prop_assert!(bench.alerts() <= rejections, "S14: one alert an episode");
    }

    #[test]
    fn an_accepted_client_request_always_sets_work_going_again(steps in steps()) {
        let mut bench = Bench::new();
        let mut leases = Vec::new();
        for step in steps {
            run(&mut bench, &mut leases, step);
        }
        bench.now += 1;
        bench.client("0", 4, Class::Ok);
        prop_assert!(matches!(bench.resolve("0"), Access::Go(lease) if !lease.probe), "L1");
    }
}
