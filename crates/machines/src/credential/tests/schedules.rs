//! The invariants under random schedules: 500 in CI, as many as `PROPTEST_CASES` says in the nightly run.

use super::*;
use crate::samples::many;
use proptest::prelude::*;

const TOKENS: std::ops::Range<u8> = 1..5;
const SESSIONS: std::ops::Range<u8> = 0..4;

/// One step of a random schedule.
#[derive(Debug, Clone)]
enum Happening {
    Observe(u8, u8),
    Answer(u8, Class),
    Resolve(u8, Purpose),
    Report(prop::sample::Index, Class),
    Late(u8, Class, u64),
    Restart(Purpose),
    Evict(u8),
    Crash,
    Pass(u64),
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![
        4 => Just(Class::Ok),
        4 => Just(Class::CredentialRejected),
        1 => Just(Class::WeakAuth),
        1 => Just(Class::Forbidden),
        1 => Just(Class::AccountBlocked),
        1 => Just(Class::Throttled { retry_after: None }),
        1 => Just(Class::UpstreamFault),
        1 => Just(Class::RequestRefused),
    ]
}

fn purpose() -> impl Strategy<Value = Purpose> {
    prop_oneof![Just(Purpose::Distill), Just(Purpose::Curate), Just(Purpose::Warm)]
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let happening = prop_oneof![
        6 => (SESSIONS, TOKENS).prop_map(|(session, token)| Happening::Observe(session, token)),
        6 => (TOKENS, class()).prop_map(|(token, class)| Happening::Answer(token, class)),
        8 => (SESSIONS, purpose()).prop_map(|(session, purpose)| Happening::Resolve(session, purpose)),
        8 => (any::<prop::sample::Index>(), class()).prop_map(|(which, class)| Happening::Report(which, class)),
        2 => (TOKENS, class(), 0..100 * SECOND).prop_map(|(token, class, ago)| Happening::Late(token, class, ago)),
        1 => purpose().prop_map(Happening::Restart),
        1 => SESSIONS.prop_map(Happening::Evict),
        1 => Just(Happening::Crash),
        3 => (1..40 * MINUTE).prop_map(Happening::Pass),
    ];
    prop::collection::vec(happening, 1..120)
}

/// A bench with its leases that are out, and everything that was ever said about each token.
struct Play {
    bench: Bench,
    out: Vec<(String, Purpose, Lease)>,
}

impl Play {
    fn new(fallback: GlobalFallback) -> Self {
        Self { bench: Bench::with(fallback), out: Vec::new() }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Observe(session, token) => self.bench.observe(&session.to_string(), token),
            Happening::Answer(token, class) => self.bench.answer(token, class),
            Happening::Resolve(session, purpose) => self.resolve(&session.to_string(), purpose),
            Happening::Report(which, class) if !self.out.is_empty() => {
                let (session, purpose, lease) = self.out.swap_remove(which.index(self.out.len()));
                self.report(&session, purpose, lease, class);
            }
            Happening::Report(..) => {}
            Happening::Late(token, class, ago) => {
                let end = self.bench.now.saturating_sub(ago);
                let late = evidence(token, class, end.saturating_sub(1), end);
                self.bench.say(client_answered(late));
            }
            Happening::Restart(purpose) => {
                self.out.retain(|(_, whose, _)| *whose != purpose);
                self.bench.say(CredentialMessage::WorkerRestarted(purpose));
            }
            Happening::Evict(session) => {
                let session = session.to_string().as_str().into();
                self.bench.say(CredentialMessage::SessionEvicted { session });
            }
            Happening::Crash => self.crash(),
            Happening::Pass(microseconds) => self.bench.now += microseconds,
        }
    }

    /// The machine is rebuilt and knows nothing but its counters; leases that are out go on being reported (R12).
    fn crash(&mut self) {
        let counters = self.bench.machine.counters();
        self.bench.machine = CredentialMachine::new(self.bench.machine.rules.clone(), counters);
        self.bench.watch = Watch::default();
    }

    fn resolve(&mut self, session: &str, purpose: Purpose) {
        if let Access::Go(lease) = self.bench.resolve_for(session, purpose) {
            self.out.push((session.to_owned(), purpose, lease));
        }
    }

    fn report(&mut self, session: &str, purpose: Purpose, lease: Lease, class: Class) {
        let evidence = self.bench.outcome(&lease, class);
        let request = request_for(session, purpose);
        let message = match class {
            Class::Ok => CredentialMessage::AuthAccepted { request, lease, evidence },
            Class::CredentialRejected | Class::WeakAuth | Class::Forbidden | Class::AccountBlocked => {
                CredentialMessage::AuthFailed { request, lease, evidence }
            }
            _ => CredentialMessage::CallEnded { request, lease, evidence: Some(evidence) },
        };
        if let CredentialReply::Access(Access::Go(retry)) = self.bench.say(message) {
            self.out.push((session.to_owned(), purpose, retry));
        }
    }
}

fn played(fallback: GlobalFallback, happenings: Vec<Happening>) -> Play {
    let mut play = Play::new(fallback);
    happenings.into_iter().for_each(|happening| play.happen(happening));
    play
}

proptest! {
    #![proptest_config(many())]
    #[test]
    fn no_step_of_any_schedule_breaks_an_invariant(happenings in happenings(), any in any::<bool>()) {
        let fallback = if any { GlobalFallback::Any } else { GlobalFallback::Lineage };
        let mut play = played(fallback, happenings);
        prop_assert_eq!(std::mem::take(&mut play.bench.broken), []);
    }

    #[test]
    fn an_accepted_client_request_always_sets_work_going_again(happenings in happenings()) {
        let mut play = played(GlobalFallback::Lineage, happenings);
        let bench = &mut play.bench;
        bench.say(CredentialMessage::WorkerRestarted(Purpose::Distill)); // No call of before is under way.
        bench.pass(Duration::from_secs(3600)); // Beyond every pause, and what was reported ahead of its time.
        bench.client("0", 4, Class::Ok);
        let access = bench.resolve("0");
        prop_assert!(goes_with(&access, 4), "L1: {:?}", access);
    }

    #[test]
    fn nobody_who_asks_for_ever_waits_for_ever(happenings in happenings(), session in SESSIONS) {
        let mut play = played(GlobalFallback::Lineage, happenings);
        let (bench, session) = (&mut play.bench, session.to_string());
        if waits(&bench.resolve(&session), WaitReason::NoCredential) {
            return Ok(());
        }
        for purpose in [Purpose::Distill, Purpose::Curate, Purpose::Warm] {
            bench.say(CredentialMessage::WorkerRestarted(purpose));
        }
        bench.pass(Duration::from_secs(2 * 3600));
        prop_assert!(matches!(bench.resolve(&session), Access::Go(_)), "L2, R11: every state has an exit");
    }

    #[test]
    fn one_principals_happenings_are_never_felt_by_another(happenings in happenings()) {
        let mut play = Play::new(GlobalFallback::Any);
        let stranger = SlotKey { principal: "stranger".into(), ..key("their-own") };
        let observed = CredentialMessage::CredentialObserved {
            slot: stranger.clone(), credential: credential(9), project: None, ends: None,
        };
        play.bench.say(observed);
        play.bench.answer(9, Class::Ok);
        happenings.into_iter().filter(|it| !matches!(it, Happening::Crash)).for_each(|it| play.happen(it));
        let held: Vec<_> = play.bench.machine.holders(&upstream(), Fingerprint::of_number(9)).collect();
        prop_assert_eq!(held, [&(stranger.principal, stranger.session)]);
        prop_assert_eq!(play.bench.verdict(9), Verdict::Proven);
        prop_assert!(play.out.iter().all(|(_, _, lease)| lease.fingerprint() != Fingerprint::of_number(9)), "S1");
    }

    #[test]
    fn no_secret_is_ever_shown(happenings in happenings()) {
        let play = played(GlobalFallback::Any, happenings);
        let shown = format!("{:?} {:?} {:?}", play.bench.machine, play.bench.effects, play.out);
        prop_assert!(!shown.contains("canary"), "S13");
    }
}
