//! The rules of the protocol, each as a story.

use super::*;

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
    assert!(goes_with(&bench.refused("a", &old), 2));
    assert_eq!((bench.verdict(1), bench.verdict(2)), (Verdict::Rejected, Verdict::Proven));
}

#[test]
fn an_unproven_token_does_not_displace_a_proven_one() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.observe("a", 2);
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(1));
}

#[test]
fn a_straggler_with_a_dead_token_does_not_throw_the_fresh_one_out() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.client("a", 1, Class::CredentialRejected);
    bench.observe("a", 2);
    let start = bench.now;
    bench.observe("a", 1);
    bench.say(client_answered(evidence(2, Class::Ok, start, start + 1)));
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(2));
}

#[test]
fn a_token_that_was_wrongly_refused_elsewhere_sets_work_going_where_it_is_accepted() {
    let mut bench = Bench::new();
    bench.client("b", 4, Class::CredentialRejected);
    for token in [1, 2, 3] {
        bench.observe("a", token);
    }
    bench.client("a", 4, Class::Ok);
    assert!(goes_with(&bench.resolve("a"), 4), "L1");
}

#[test]
fn when_the_proven_token_dies_the_newer_one_beside_it_is_tried() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.observe("a", 2);
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
fn a_lease_of_an_evicted_session_reports_without_reviving_its_slot() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let lease = bench.lease("a");
    bench.say(CredentialMessage::SessionEvicted { session: "a".into() });
    assert!(waits(&bench.refused("a", &lease), WaitReason::NoCredential));
    assert!(waits(&bench.resolve("a"), WaitReason::NoCredential));
}

#[test]
fn a_token_that_says_it_has_ended_is_only_probed_until_a_provider_says_otherwise() {
    let mut bench = Bench::new();
    let observed = |ends| CredentialMessage::CredentialObserved {
        slot: key("a"),
        credential: made(1, CredentialKind::Jwt),
        project: None,
        ends: Some(Moment(ends)),
    };
    bench.say(observed(MINUTE));
    bench.answer(1, Class::Ok);
    let before = bench.lease("a");
    assert!(!before.probe);
    bench.accepted("a", &before);
    bench.pass(Duration::from_secs(60));
    let probe = bench.lease("a");
    assert!(probe.probe, "R14: past its end it is used as a probe only");
    assert!(waits(&bench.resolve_for("a", Purpose::Curate), WaitReason::ProbeOut), "one at a time");
    bench.accepted("a", &probe);
    assert!(!bench.lease("a").probe, "the provider is the authority, the token's words are a hint");
}

#[test]
fn when_a_sibling_is_born_the_old_token_is_tried_alone_before_it_is_trusted_again() {
    let mut bench = Bench::with(GlobalFallback::Off);
    bench.client("a", 1, Class::Ok);
    bench.client("b", 1, Class::Ok);
    bench.client("b", 2, Class::Ok);
    let probe = bench.lease("a");
    assert!(probe.probe && probe.fingerprint() == Fingerprint::of_number(1));
    assert_eq!(bench.verdict(1), Verdict::Proven, "S3: its verdict is its own");
    bench.accepted("a", &probe);
    assert!(!bench.lease("a").probe);
}

#[test]
fn an_api_key_that_gives_way_to_another_is_not_doubted() {
    let mut bench = Bench::with(GlobalFallback::Off);
    for (session, token) in [("a", 1), ("b", 1), ("b", 2)] {
        let (slot, credential) = (key(session), made(token, CredentialKind::ApiKey));
        bench.say(CredentialMessage::CredentialObserved { slot, credential, project: None, ends: None });
        bench.answer(token, Class::Ok);
    }
    assert!(!bench.lease("a").probe);
}

#[test]
fn a_replaced_token_leaves_its_slot_and_is_still_known_when_it_is_sent_again() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.client("a", 1, Class::CredentialRejected);
    bench.client("a", 2, Class::Ok);
    assert_eq!(bench.machine.holders(&upstream(), Fingerprint::of_number(1)).count(), 0, "R16: secret wiped");
    bench.observe("a", 1);
    assert_eq!(bench.verdict(1), Verdict::Rejected);
    assert!(goes_with(&bench.resolve("a"), 2));
}

#[test]
fn what_is_known_of_a_retired_token_is_forgotten_after_a_day() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::CredentialRejected);
    bench.client("a", 2, Class::Ok);
    bench.pass(Duration::from_secs(23 * 3600));
    bench.observe("a", 2);
    assert_eq!(bench.verdict(1), Verdict::Rejected);
    bench.pass(Duration::from_secs(3600));
    bench.observe("a", 2);
    assert_eq!(bench.machine.verdicts().count(), 1);
}

#[test]
fn clients_that_bring_ever_new_tokens_fill_no_memory() {
    let mut machine = Bench::new().machine.clone();
    for number in 0..20_000_u32 {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        let mut credential = Arc::into_inner(credential(1)).expect("nobody else has it");
        credential.fingerprint = domain::fingerprint::Fingerprinter::new(bytes).fingerprint("a", "b");
        let slot = key(if number % 2 == 0 { "a" } else { "b" });
        let observed = CredentialMessage::CredentialObserved {
            slot,
            credential: Arc::new(credential),
            project: None,
            ends: None,
        };
        machine.on(observed, Moment(u64::from(number)), &mut Vec::new());
    }
    assert!(machine.verdicts().count() <= 4096 + 6, "{}", machine.verdicts().count());
}

/// Why background work of this session stands still.
pub(super) fn standing(bench: &mut Bench, session: &str) -> Option<WaitReason> {
    match bench.say(CredentialMessage::ReviewSessions(vec![request(session)])) {
        CredentialReply::Standing(standing) => standing[0],
        other => panic!("not a standing: {other:?}"),
    }
}

#[test]
fn a_review_says_why_a_session_stands_still_and_takes_nothing() {
    let mut bench = Bench::new();
    assert_eq!(standing(&mut bench, "a"), Some(WaitReason::NoCredential));
    bench.observe("a", 1);
    assert_eq!(standing(&mut bench, "a"), None, "a new token is tried");
    bench.answer(1, Class::Ok);
    bench.answer(1, Class::Throttled { retry_after: None });
    assert_eq!(standing(&mut bench, "a"), Some(WaitReason::Throttled));
    bench.answer(1, Class::AccountBlocked);
    assert_eq!(standing(&mut bench, "a"), Some(WaitReason::AccountBlocked));
    bench.answer(1, Class::Ok);
    bench.answer(1, Class::CredentialRejected);
    bench.pass(Duration::from_secs(3600));
    assert_eq!(standing(&mut bench, "a"), Some(WaitReason::Rejected), "although its probe is due");
    assert!(bench.lease("a").probe, "which the review has left alone");
}

#[test]
fn a_token_that_came_back_before_it_was_forgotten_is_not_forgotten() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::CredentialRejected);
    bench.client("a", 2, Class::Ok);
    bench.pass(Duration::from_secs(3600));
    bench.observe("b", 1);
    bench.pass(Duration::from_secs(24 * 3600));
    bench.observe("a", 2);
    assert_eq!(bench.verdict(1), Verdict::Rejected);
}

#[test]
fn when_a_token_is_proven_a_dead_stragglers_secret_leaves_with_the_older_ones() {
    let mut bench = Bench::new();
    bench.client("b", 1, Class::CredentialRejected);
    bench.observe("a", 2);
    bench.observe("a", 1);
    bench.answer(2, Class::Ok);
    let held = |token| bench.machine.holders(&upstream(), Fingerprint::of_number(token)).count();
    assert_eq!((held(1), held(2)), (1, 1), "token 1 lies with b alone");
}

#[test]
fn a_success_that_began_at_the_moment_of_a_doubt_does_not_end_it() {
    let mut bench = Bench::with(GlobalFallback::Off);
    bench.client("a", 1, Class::Ok);
    bench.client("b", 1, Class::Ok);
    bench.observe("b", 2);
    bench.say(client_answered(evidence(2, Class::Ok, 50, 60)));
    bench.say(client_answered(evidence(1, Class::Ok, 60, 70)));
    assert!(matches!(bench.machine.choose(&request("a"), Moment(100)), Ok(choice) if choice.is_probe()));
    bench.say(client_answered(evidence(1, Class::Ok, 61, 71)));
    assert!(matches!(bench.machine.choose(&request("a"), Moment(100)), Ok(choice) if !choice.is_probe()));
}

#[test]
fn a_report_about_another_token_than_the_leased_is_not_taken() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.client("b", 2, Class::Ok);
    let lease = bench.lease("a");
    let strange = evidence(2, Class::CredentialRejected, bench.now + 1, bench.now + 2);
    bench.say(CredentialMessage::AuthFailed { request: request("a"), lease, evidence: strange });
    assert_eq!((bench.verdict(1), bench.verdict(2)), (Verdict::Proven, Verdict::Proven));
}

#[test]
fn a_job_that_was_refused_is_not_offered_the_same_token_although_it_was_proven_since() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let lease = bench.lease("a");
    let late = evidence(1, Class::CredentialRejected, bench.now + 1, bench.now + 2);
    bench.now += 2;
    bench.client("a", 1, Class::Ok);
    let reply = bench.say(CredentialMessage::AuthFailed { request: request("a"), lease, evidence: late });
    assert!(matches!(reply, CredentialReply::Access(Access::Wait { .. })), "S6: {reply:?}");
    assert!(goes_with(&bench.resolve("a"), 1), "the next job may use it");
}

#[test]
fn sessions_that_come_and_go_leave_nothing_behind_but_what_is_known_of_their_tokens() {
    let mut bench = Bench::new();
    for number in 0..50 {
        let session = number.to_string();
        bench.client(&session, 1, Class::Ok);
        bench.say(CredentialMessage::SessionEvicted { session: session.as_str().into() });
    }
    assert_eq!(bench.machine.size(), (0, 0));
    let known = &bench.machine.upstreams[&upstream()];
    assert!(known.tenants.values().all(|tenant| tenant.slots.is_empty() && tenant.proven.is_empty()));
    assert_eq!(bench.verdict(1), Verdict::Proven);
}

#[test]
fn a_session_that_is_given_a_token_proven_elsewhere_goes_on_at_that_moment() {
    let mut bench = Bench::with(GlobalFallback::Off);
    bench.client("a", 1, Class::CredentialRejected);
    bench.client("b", 2, Class::Ok);
    let woken = bench.reenabled();
    bench.observe("a", 2);
    assert_eq!(bench.woken(woken), ["a"]);
    bench.observe("a", 2);
    assert_eq!(bench.reenabled(), woken + 1, "once");
}

#[test]
fn a_doubt_that_ends_sets_work_going_at_that_moment() {
    let mut bench = Bench::with(GlobalFallback::Off);
    for (session, token) in [("a", 1), ("b", 1), ("b", 2)] {
        bench.client(session, token, Class::Ok);
    }
    let probe = bench.lease("a");
    let woken = bench.reenabled();
    bench.accepted("a", &probe);
    assert_eq!(bench.woken(woken), ["a"]);
}

#[test]
fn of_two_rejected_tokens_each_has_its_turn_so_that_a_false_alarm_ends() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::CredentialRejected);
    bench.pass(Duration::from_secs(120));
    bench.client("a", 2, Class::CredentialRejected);
    let mut tried = BTreeSet::new();
    for _ in 0..6 {
        bench.pass(Duration::from_secs(3600));
        let probe = bench.lease("a");
        tried.insert(probe.fingerprint());
        bench.refused("a", &probe);
    }
    assert_eq!(tried.len(), 2, "L2");
}

#[test]
fn a_late_success_of_another_token_does_not_throw_out_the_one_that_was_sent_since() {
    let mut bench = Bench::new();
    for token in [1, 2, 1] {
        bench.observe("a", token);
    }
    bench.answer(2, Class::Ok);
    bench.answer(2, Class::CredentialRejected);
    bench.answer(1, Class::Ok);
    assert!(goes_with(&bench.resolve("a"), 1), "L1");
}
