//! Trouble that is not a token's own: an upstream out of order, no room, a worker or the machine itself that crashed.

use super::*;

#[test]
fn two_tokens_refused_within_a_minute_are_an_incident_and_nobody_elses_call_is_burnt() {
    let mut bench = Bench::new();
    for (session, token) in [("a", 1), ("b", 2), ("c", 3)] {
        bench.client(session, token, Class::Ok);
    }
    let (ours, theirs) = (bench.lease("a"), bench.lease("b"));
    bench.refused("a", &ours);
    assert!(goes_with(&bench.resolve_for("c", Purpose::Curate), 3), "one dead token is no incident");
    bench.refused("b", &theirs);
    assert!(waits(&bench.resolve("c"), WaitReason::Incident));
    assert_eq!(bench.verdict(3), Verdict::Proven);
    assert_eq!(bench.alerts(), 1, "one alert is enough for all of it");
}

#[test]
fn a_success_between_two_refusals_or_a_minute_parts_them() {
    for part in [true, false] {
        let mut bench = Bench::new();
        for (session, token) in [("a", 1), ("b", 2), ("c", 3)] {
            bench.client(session, token, Class::Ok);
        }
        bench.client("a", 1, Class::CredentialRejected);
        if part {
            bench.client("c", 3, Class::Ok);
        } else {
            bench.pass(Duration::from_secs(61));
        }
        bench.client("b", 2, Class::CredentialRejected);
        assert!(goes_with(&bench.resolve("c"), 3));
    }
}

#[test]
fn the_same_token_refused_twice_is_no_incident() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.client("c", 3, Class::Ok);
    bench.client("a", 1, Class::CredentialRejected);
    bench.client("a", 1, Class::CredentialRejected);
    assert!(goes_with(&bench.resolve("c"), 3));
}

/// Two sessions' tokens are refused at once, by mistake or not, and a third stands by.
fn incident() -> Bench {
    let mut bench = Bench::new();
    for (session, token) in [("a", 1), ("b", 2), ("c", 3)] {
        bench.client(session, token, Class::Ok);
    }
    bench.client("a", 1, Class::CredentialRejected);
    bench.client("b", 2, Class::CredentialRejected);
    assert!(waits(&bench.resolve("c"), WaitReason::Incident));
    bench
}

#[test]
fn an_incident_ends_with_any_success_and_no_verdict_of_it_was_final() {
    let mut bench = incident();
    assert!(waits(&bench.resolve("a"), WaitReason::Incident));
    let woken = bench.reenabled();
    bench.client("c", 3, Class::Ok);
    assert_eq!(bench.woken(woken), ["a", "b", "c"], "all that stood still may ask again");
    let probe = bench.lease("a");
    assert!(probe.probe, "at once, not after its pause");
    bench.accepted("a", &probe);
    assert_eq!(bench.verdict(1), Verdict::Proven);
    assert_eq!(bench.alerts(), 1);
}

#[test]
fn a_token_that_is_dead_after_an_incident_has_an_alert_of_its_own() {
    let mut bench = incident();
    bench.client("c", 3, Class::Ok);
    for session in ["a", "b"] {
        let probe = bench.lease(session);
        bench.pass(Duration::from_secs(120));
        bench.refused(session, &probe);
    }
    let alerted: BTreeSet<_> = bench
        .effects
        .iter()
        .filter_map(|effect| match effect {
            CredentialEffect::Alert(alert) => Some(alert.token),
            _ => None,
        })
        .collect();
    assert!(alerted.contains(&Fingerprint::of_number(1)) || alerted.contains(&Fingerprint::of_number(2)));
    assert!(bench.alerts() <= 3, "one for the incident, one for each dead token: {}", bench.alerts());
}

#[test]
fn a_client_that_never_tires_of_its_dead_token_keeps_nobody_waiting_for_ever() {
    let mut bench = incident();
    for _ in 0..200 {
        bench.pass(Duration::from_secs(1));
        bench.client("a", 1, Class::CredentialRejected);
    }
    let trial = bench.lease("c");
    let start = bench.now;
    bench.client("a", 1, Class::CredentialRejected);
    let answered =
        Evidence { fingerprint: trial.fingerprint(), ..evidence(0, Class::Ok, start, bench.now + 1) };
    bench.say(CredentialMessage::AuthAccepted { request: request("c"), lease: trial, evidence: answered });
    assert!(matches!(bench.resolve_for("c", Purpose::Curate), Access::Go(_)), "a success is a success");
}

#[test]
fn in_an_incident_one_call_at_a_time_finds_out_and_later_and_later() {
    let mut bench = incident();
    for round in 0..8 {
        bench.pass(Duration::from_secs(42 * 60));
        let trial = bench.lease("c");
        assert!(waits(&bench.resolve("a"), WaitReason::Incident), "round {round}: one at a time");
        bench.ended("c", &trial, Class::CredentialRejected);
        assert!(waits(&bench.resolve("c"), WaitReason::Incident), "round {round}: and then a pause");
    }
    bench.pass(Duration::from_secs(42 * 60));
    let trial = bench.lease("c");
    bench.accepted("c", &trial);
    assert!(matches!(bench.resolve("a"), Access::Go(_)), "a trial that succeeds ends it");
}

/// Sweeps for as long, each trial answered by the provider as `accepts` says. Says with which tokens it was called.
fn swept(bench: &mut Bench, order: &[&str], minutes: u64, accepts: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut called = Vec::new();
    for _ in 0..2 * minutes {
        bench.pass(Duration::from_secs(30));
        for (session, token) in order.iter().zip(order.iter().map(|session| session.as_bytes()[0] - b'a' + 1))
        {
            let Access::Go(lease) = bench.resolve(session) else { continue };
            called.push(token);
            if accepts(token) {
                bench.accepted(session, &lease)
            } else {
                drop(bench.refused(session, &lease))
            }
        }
    }
    called
}

#[test]
fn a_good_tokens_work_goes_on_at_the_first_trial_whoever_is_asked_first() {
    for order in [["a", "b", "c"], ["c", "b", "a"]] {
        let mut bench = incident();
        let called = swept(&mut bench, &order, 2, |token| token == 3);
        assert!(called.contains(&3), "{order:?}: {called:?}");
    }
}

#[test]
fn a_good_tokens_work_that_comes_late_in_an_incident_does_not_wait_for_dead_ones() {
    let mut bench = incident();
    let called = swept(&mut bench, &["a", "b"], 3 * 60, |_| false);
    assert!(called.len() > 4 && called.len() < 20, "{called:?}");
    assert!(goes_with(&bench.resolve("c"), 3));
}

#[test]
fn no_trial_with_a_worse_token_is_in_a_better_ones_way() {
    let mut bench = incident();
    bench.observe("d", 4);
    bench.pass(Duration::from_secs(73));
    for session in ["a", "d", "c"] {
        bench.lease(session);
    }
    let mut bench = incident();
    bench.observe("d", 4);
    bench.pass(Duration::from_secs(73));
    let trial = bench.lease("c");
    assert!(
        waits(&bench.resolve("d"), WaitReason::Incident) && waits(&bench.resolve("a"), WaitReason::Incident)
    );
    bench.refused("c", &trial);
    assert!(
        waits(&bench.resolve("d"), WaitReason::Incident),
        "if even the good are refused, the others rest"
    );
}

#[test]
fn refused_tokens_are_tried_in_turn_so_that_a_false_alarm_ends_whoever_is_asked_first() {
    for order in [["a", "b"], ["b", "a"]] {
        for good in [1, 2] {
            let mut bench = incident();
            swept(&mut bench, &order, 60, |_| false);
            let called = swept(&mut bench, &order, 75, |token| token == good);
            assert!(called.contains(&good), "L2: {good} of {order:?}: {called:?}");
        }
    }
}

#[test]
fn a_refused_token_whose_turn_is_not_taken_holds_the_others_up_for_minutes_only() {
    let mut bench = incident();
    bench.pass(Duration::from_secs(73));
    let probe = bench.lease("a");
    bench.refused("a", &probe);
    bench.pass(Duration::from_secs(72));
    assert!(waits(&bench.resolve("b"), WaitReason::Incident), "it lines up, and is never heard of again");
    bench.pass(Duration::from_secs(100));
    assert!(waits(&bench.resolve("a"), WaitReason::Incident));
    bench.pass(Duration::from_secs(300));
    assert!(goes_with(&bench.resolve("a"), 1));
}

#[test]
fn three_faults_in_a_row_open_the_breaker_of_the_upstream_and_one_answer_closes_it() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.client("b", 2, Class::Ok);
    for _ in 0..2 {
        bench.answer(1, Class::UpstreamFault);
        assert!(bench.machine.choose(&request("b"), Moment(bench.now)).is_ok());
    }
    bench.answer(1, Class::UpstreamFault);
    assert!(waits(&bench.resolve("b"), WaitReason::UpstreamDown));
    assert_eq!((bench.verdict(1), bench.verdict(2)), (Verdict::Proven, Verdict::Proven), "S7");
    bench.pass(Duration::from_secs(37));
    let trial = bench.lease("b");
    assert!(waits(&bench.resolve("a"), WaitReason::UpstreamDown), "one at a time");
    let woken = bench.reenabled();
    bench.accepted("b", &trial);
    assert_eq!(bench.woken(woken), ["a", "b"], "at that moment, not at the next tick");
    assert!(matches!(bench.resolve("a"), Access::Go(_)));
    assert_eq!(bench.alerts(), 0, "that is nobody's credential");
}

#[test]
fn a_fault_between_answers_opens_nothing() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    for _ in 0..10 {
        bench.answer(1, Class::UpstreamFault);
        bench.answer(1, Class::RequestRefused);
    }
    assert!(matches!(bench.resolve("a"), Access::Go(_)));
}

#[test]
fn an_upstreams_trouble_is_not_felt_at_another() {
    let mut bench = incident();
    let elsewhere = UpstreamKey::new(Provider::OpenAi, "http://h");
    let slot = SlotKey { upstream: elsewhere.clone(), ..key("c") };
    let observed =
        CredentialMessage::CredentialObserved { slot, credential: credential(3), project: None, ends: None };
    bench.say(observed);
    let request = AccessRequest { upstream: elsewhere, ..request("c") };
    let reply = bench.say(CredentialMessage::ResolveCredential(request));
    assert!(matches!(reply, CredentialReply::Access(Access::Go(lease)) if lease.probe), "S2: unproven there");
}

#[test]
fn no_more_calls_are_under_way_than_the_sessions_allow_and_who_waited_is_invited() {
    let mut bench = Bench::new();
    for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
        bench.client(name, u8::try_from(number).expect("small") + 1, Class::Ok);
    }
    let out: Vec<Lease> = (0..4)
        .map(|number| match bench.resolve_for(["a", "b", "c"][number % 3], KINDS[number / 3]) {
            Access::Go(lease) => lease,
            other => panic!("three sessions allow four calls: {other:?}"),
        })
        .collect();
    assert!(waits(&bench.resolve_for("b", Purpose::Curate), WaitReason::Busy));
    assert!(waits(&bench.resolve_for("c", Purpose::Warm), WaitReason::Busy));
    bench.accepted("a", &out[0]);
    let invited = bench.effects.iter().filter_map(|effect| match effect {
        CredentialEffect::Invite(purpose, session) => Some((*purpose, session.to_string())),
        _ => None,
    });
    assert_eq!(
        invited.collect::<Vec<_>>(),
        [(Purpose::Curate, "b".to_owned())],
        "a warm-up waits for nobody"
    );
    assert!(matches!(bench.resolve_for("b", Purpose::Curate), Access::Go(_)));
}

const KINDS: [Purpose; 2] = [Purpose::Distill, Purpose::Curate];

#[test]
fn one_job_of_a_session_and_kind_is_under_way_at_a_time() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let lease = bench.lease("a");
    assert!(waits(&bench.resolve("a"), WaitReason::Busy));
    assert!(matches!(bench.resolve_for("a", Purpose::Curate), Access::Go(_)), "another kind is another job");
    bench.accepted("a", &lease);
    assert!(matches!(bench.resolve("a"), Access::Go(_)));
}

#[test]
fn a_lease_that_is_never_heard_of_again_gives_its_room_back_in_the_end() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.lease("a");
    bench.pass(Duration::from_secs(16 * 60));
    assert!(matches!(bench.resolve("a"), Access::Go(_)));
}

#[test]
fn a_worker_that_crashed_gives_its_leases_and_its_probe_back_at_once() {
    let mut bench = Bench::new();
    bench.observe("a", 1);
    assert!(bench.lease("a").probe);
    assert!(waits(&bench.resolve_for("a", Purpose::Curate), WaitReason::ProbeOut));
    bench.say(CredentialMessage::WorkerRestarted(Purpose::Curate));
    assert!(waits(&bench.resolve_for("a", Purpose::Curate), WaitReason::ProbeOut), "it was another's");
    bench.say(CredentialMessage::WorkerRestarted(Purpose::Distill));
    assert!(matches!(bench.resolve_for("a", Purpose::Curate), Access::Go(lease) if lease.probe));
}

/// The machine was rebuilt: it knows nothing but how far it had counted (R12).
fn rebuilt(bench: &mut Bench) {
    let counters = bench.machine.counters();
    bench.machine = CredentialMachine::new(bench.machine.rules.clone(), counters);
    bench.watch = Watch::default();
}

#[test]
fn a_refusal_under_a_lease_of_another_incarnation_marks_its_token_and_nothing_else() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let old = bench.lease("a");
    rebuilt(&mut bench);
    assert!(waits(&bench.refused("a", &old), WaitReason::NoCredential), "S9: nothing comes to be");
    assert_eq!(bench.machine.verdicts().count(), 0);
    bench.client("a", 2, Class::Ok);
    assert!(goes_with(&bench.refused("a", &old), 2), "R2: an old token's refusal is the old token's");
    bench.client("b", 1, Class::Ok);
    bench.refused("a", &old);
    assert_eq!(bench.verdict(1), Verdict::Rejected, "evidence counts, whoever gave the lease");
    assert_eq!(bench.verdict(2), Verdict::Proven);
}

#[test]
fn after_a_crash_the_next_accepted_request_sets_work_going_and_numbers_go_on_rising() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let before = bench.lease("a");
    rebuilt(&mut bench);
    assert!(waits(&bench.resolve("a"), WaitReason::NoCredential));
    bench.client("a", 1, Class::Ok);
    let after = bench.lease("a");
    assert!(after.generation > before.generation && after.id > before.id, "S11");
    assert!(!after.probe, "L3");
}

#[test]
fn a_lease_bears_the_companions_that_came_with_the_token_last() {
    let mut bench = Bench::new();
    for beta in ["a", "a", "b"] {
        let mut credential = credential(1);
        Arc::get_mut(&mut credential).unwrap().companions = Companions::from_iter([("anthropic-beta", beta)]);
        let slot = key("a");
        bench.say(CredentialMessage::CredentialObserved { slot, credential, project: None, ends: None });
    }
    bench.answer(1, Class::Ok);
    assert_eq!(bench.lease("a").credential.companions.get("anthropic-beta"), Some("b"));
}
