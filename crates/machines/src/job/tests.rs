//! The steps of a job, each as a story.

use super::*;
use crate::samples::{brief, upstream};
use domain::companions::Companions;
use domain::credential::{Credential, CredentialKind};
use domain::evidence::Class;
use domain::evidence::Evidence;
use domain::ids::{Generation, LeaseId};
use domain::secret::Secret;
use domain::time::Moment;
use std::sync::Arc;

fn lease(token: u8) -> Lease {
    let fingerprint = Fingerprint::of_number(token);
    let (value, kind) = (Secret::new("t"), CredentialKind::Bearer);
    let credential = Credential {
        header: "authorization",
        value,
        kind,
        fingerprint,
        companions: Companions::default(),
        ends: None,
    };
    let owner = (Principal::local(), upstream());
    #[expect(clippy::disallowed_methods, reason = "a test's own lease")]
    Lease::grant(LeaseId(u64::from(token)), owner, Arc::new(credential), Generation(1), false)
}

fn evidence(token: u8, class: Class) -> Evidence {
    let (fingerprint, upstream) = (Fingerprint::of_number(token), brief("a").upstream);
    Evidence { fingerprint, upstream, start: Moment(1), end: Moment(2), class, status: 0 }
}

fn wait() -> Access {
    Access::Wait { reason: WaitReason::Rejected, ask_again_at: None }
}

fn refused(token: u8) -> Work {
    Work::Refused { evidence: evidence(token, Class::CredentialRejected) }
}

fn accepted(token: u8) -> Work {
    Work::Accepted { evidence: evidence(token, Class::Ok), kept: 3 }
}

/// Runs `step` and returns the effects it had.
fn effects(step: impl FnOnce(&mut Vec<JobEffect>)) -> Vec<JobEffect> {
    let mut effects = Vec::new();
    step(&mut effects);
    effects
}

fn performing(bench: &mut Bench, session: &str, token: u8) {
    let mut ignored = Vec::new();
    bench.wanted(brief(session), &mut ignored);
    bench.answered(&session.into(), Access::Go(lease(token)), &mut ignored);
}

#[test]
fn a_job_that_is_wanted_twice_is_done_once() {
    let mut bench = Bench::default();
    assert_eq!(effects(|it| bench.wanted(brief("a"), it)).len(), 1);
    assert_eq!(effects(|it| bench.wanted(brief("a"), it)), []);
}

#[test]
fn a_job_that_may_not_go_asks_for_nothing_more_and_stays_pending() {
    let mut bench = Bench::default();
    bench.wanted(brief("a"), &mut Vec::new());
    let ended = effects(|it| bench.answered(&"a".into(), wait(), it));
    assert!(matches!(&ended[..], [JobEffect::Ended { ending: Ending::Waiting { .. }, .. }]));
    assert!(!bench.is_busy(&"a".into()));
}

#[test]
fn after_a_refusal_the_job_goes_on_once_and_only_with_another_token() {
    let mut bench = Bench::default();
    performing(&mut bench, "a", 1);
    bench.performed(&"a".into(), lease(1), refused(1), &mut Vec::new());
    let again = effects(|it| bench.settled(&"a".into(), Some(Access::Go(lease(2))), it));
    assert!(
        matches!(&again[..], [JobEffect::Perform { lease, .. }] if lease.fingerprint() == Fingerprint::of_number(2))
    );
    bench.performed(&"a".into(), lease(2), refused(2), &mut Vec::new());
    let over = effects(|it| bench.settled(&"a".into(), Some(Access::Go(lease(3))), it));
    assert!(!over.iter().any(|effect| matches!(effect, JobEffect::Perform { .. })), "{over:?}");
}

#[test]
fn the_refused_token_is_never_tried_again_by_the_same_job() {
    let mut bench = Bench::default();
    performing(&mut bench, "a", 1);
    bench.performed(&"a".into(), lease(1), refused(1), &mut Vec::new());
    let over = effects(|it| bench.settled(&"a".into(), Some(Access::Go(lease(1))), it));
    assert!(!over.iter().any(|effect| matches!(effect, JobEffect::Perform { .. })), "{over:?}");
}

#[test]
fn a_job_is_over_only_when_its_report_was_taken_in() {
    let mut bench = Bench::default();
    performing(&mut bench, "a", 1);
    let report = effects(|it| bench.performed(&"a".into(), lease(1), accepted(1), it));
    assert!(matches!(&report[..], [JobEffect::Report { .. }]));
    assert!(bench.is_busy(&"a".into()));
    let over = effects(|it| bench.settled(&"a".into(), None, it));
    assert!(matches!(&over[..], [JobEffect::Ended { ending: Ending::Done { kept: 3 }, .. }]));
}

#[test]
fn after_a_hint_one_waiting_session_goes_first_and_the_others_follow_its_success() {
    let mut bench = Bench::default();
    for session in ["a", "b", "c"] {
        bench.wanted(brief(session), &mut Vec::new());
        bench.answered(&session.into(), wait(), &mut Vec::new());
    }
    let sessions = ["a", "b", "c"].map(SessionId::from).to_vec();
    let (principal, upstream) = (Principal::local(), brief("a").upstream);
    let hint = Hint::CredentialsReenabled(Affected { principal, upstream, sessions, epoch: 1 });
    assert_eq!(effects(|it| bench.hinted(&hint, it)), [JobEffect::Ask(brief("a"))]);
    bench.answered(&"a".into(), Access::Go(lease(1)), &mut Vec::new());
    bench.performed(&"a".into(), lease(1), accepted(1), &mut Vec::new());
    let follow = effects(|it| bench.settled(&"a".into(), None, it));
    assert_eq!(follow.iter().filter(|effect| matches!(effect, JobEffect::Ask(_))).count(), 2);
}

#[test]
fn no_more_jobs_than_the_limit_are_under_way_and_the_others_stand_in_line() {
    let mut bench = Bench::default();
    let asked = effects(|it| (0..20).for_each(|n| bench.wanted(brief(&n.to_string()), it)));
    assert_eq!(asked.len(), AT_ONCE);
    let next = effects(|it| bench.answered(&"0".into(), wait(), it));
    assert!(next.contains(&JobEffect::Ask(brief(&AT_ONCE.to_string()))), "{next:?}");
}

#[test]
fn sessions_that_wait_do_not_keep_a_later_one_out_sweep_after_sweep() {
    let mut bench = Bench::default();
    let names: Vec<String> = (0..AT_ONCE).map(|number| format!("a{number}")).collect();
    for _ in 0..2 {
        let sweep = effects(|it| {
            names.iter().map(String::as_str).chain(["e"]).for_each(|name| bench.wanted(brief(name), it))
        });
        assert_eq!(sweep.len(), AT_ONCE);
        let after =
            effects(|it| names.iter().for_each(|name| bench.answered(&name.as_str().into(), wait(), it)));
        assert!(after.contains(&JobEffect::Ask(brief("e"))), "{after:?}");
        bench.answered(&"e".into(), wait(), &mut Vec::new());
    }
}

#[test]
fn work_that_is_worthless_late_does_not_stand_in_line() {
    let mut bench = Bench::with_room_in_line(0);
    let asked = effects(|it| (0..=AT_ONCE).for_each(|n| bench.wanted(brief(&n.to_string()), it)));
    assert!(matches!(
        asked.last(),
        Some(JobEffect::Ended { ending: Ending::Waiting { reason: WaitReason::Busy, .. }, .. })
    ));
}

#[test]
fn a_lease_that_the_job_does_not_use_is_given_back() {
    let mut bench = Bench::default();
    performing(&mut bench, "a", 1);
    bench.performed(&"a".into(), lease(1), refused(1), &mut Vec::new());
    let given_back = effects(|it| bench.settled(&"a".into(), Some(Access::Go(lease(1))), it));
    assert!(matches!(&given_back[..], [JobEffect::Report { work: Work::Nothing, .. }]), "{given_back:?}");
    let over = effects(|it| bench.settled(&"a".into(), None, it));
    assert!(matches!(&over[..], [JobEffect::Ended { ending: Ending::Failed { .. }, .. }]));
}

#[test]
fn a_failed_job_says_where_the_trouble_lies() {
    let failed = |evidence| Work::Failed { evidence, why: "x".into() };
    let called = |class| failed(Some(evidence(1, class)));
    for (work, expected) in [
        (called(Class::Throttled { retry_after: None }), FailureCause::Credential),
        (refused(1), FailureCause::Credential),
        (called(Class::UpstreamFault), FailureCause::Provider),
        (called(Class::RequestRefused), FailureCause::Provider),
        (Work::Unusable { evidence: evidence(1, Class::Ok), why: "x".into() }, FailureCause::Answer),
        (failed(None), FailureCause::House),
    ] {
        let mut bench = Bench::default();
        performing(&mut bench, "a", 1);
        bench.performed(&"a".into(), lease(1), work.clone(), &mut Vec::new());
        let over = effects(|it| bench.settled(&"a".into(), None, it));
        let [JobEffect::Ended { ending: Ending::Failed { cause, .. }, .. }] = &over[..] else {
            panic!("{work:?}: {over:?}")
        };
        assert_eq!(*cause, expected, "{work:?}");
    }
}

#[test]
fn work_whose_report_nobody_took_in_is_done_all_the_same() {
    let mut bench = Bench::default();
    performing(&mut bench, "a", 1);
    bench.performed(&"a".into(), lease(1), accepted(1), &mut Vec::new());
    let over = effects(|it| bench.unanswered(&"a".into(), it));
    assert!(matches!(&over[..], [JobEffect::Ended { ending: Ending::Done { kept: 3 }, .. }]));
}

#[test]
fn a_job_that_waited_for_room_goes_on_when_it_is_invited() {
    let mut bench = Bench::default();
    bench.wanted(brief("a"), &mut Vec::new());
    let busy = Access::Wait { reason: WaitReason::Busy, ask_again_at: None };
    bench.answered(&"a".into(), busy, &mut Vec::new());
    let invited = |session: &str| JobMessage::Invited { session: session.into() };
    assert_eq!(effects(|it| bench.on(invited("b"), it)), [], "nobody of that name waits");
    assert_eq!(effects(|it| bench.on(invited("a"), it)), [JobEffect::Ask(brief("a"))]);
}

#[test]
fn a_hint_that_comes_late_or_twice_is_past() {
    let mut bench = Bench::default();
    let hint = |epoch| {
        let (principal, upstream) = (Principal::local(), upstream());
        Hint::CredentialsReenabled(Affected { principal, upstream, sessions: vec!["a".into()], epoch })
    };
    let mut heard = |epoch| {
        bench.wanted(brief("a"), &mut Vec::new());
        bench.answered(&"a".into(), wait(), &mut Vec::new());
        effects(|it| bench.hinted(&hint(epoch), it)).len()
    };
    assert_eq!([heard(2), heard(2), heard(1), heard(3)], [1, 0, 0, 1]);
}

fn hint(epoch: u64, sessions: &[&str], is_good: bool) -> JobMessage {
    let sessions = sessions.iter().map(|session| SessionId::from(*session)).collect();
    let affected = Affected { principal: Principal::local(), upstream: upstream(), sessions, epoch };
    JobMessage::Hinted(match is_good {
        true => Hint::CredentialsReenabled(affected),
        false => Hint::CredentialsInvalidated(affected),
    })
}

/// Sessions that were told to wait, of which a hint woke the first, whose work is under way.
fn woken(sessions: &[&str]) -> Bench {
    let mut bench = Bench::default();
    for session in sessions {
        bench.wanted(brief(session), &mut Vec::new());
        bench.answered(&(*session).into(), wait(), &mut Vec::new());
    }
    bench.on(hint(1, sessions, true), &mut Vec::new());
    bench.answered(&sessions[0].into(), Access::Go(lease(1)), &mut Vec::new());
    bench
}

/// The work of session "a" went like this; who asks then.
fn asks_after(bench: &mut Bench, work: Work) -> Vec<String> {
    bench.performed(&"a".into(), lease(1), work, &mut Vec::new());
    let asks = |effect| match effect {
        JobEffect::Ask(brief) => Some(brief.session.to_string()),
        _ => None,
    };
    effects(|it| bench.settled(&"a".into(), None, it)).into_iter().filter_map(asks).collect()
}

#[test]
fn the_others_follow_the_first_into_a_batch_and_not_into_its_failure() {
    let failed = Work::Failed { evidence: Some(evidence(1, Class::UpstreamFault)), why: "x".into() };
    assert_eq!(asks_after(&mut woken(&["a", "b"]), failed), [""; 0]);
    let queued = Work::Queued { evidence: None };
    assert_eq!(asks_after(&mut woken(&["a", "b"]), queued), ["b"]);
}

#[test]
fn nobody_follows_when_the_token_is_refused_meanwhile() {
    let mut bench = woken(&["a", "b"]);
    bench.on(hint(2, &[], false), &mut Vec::new());
    assert_eq!(asks_after(&mut bench, accepted(1)), [""; 0]);
}

#[test]
fn what_an_agent_that_came_back_wakes_is_not_made_to_wait_for_a_batch() {
    let mut bench = Bench::default();
    bench.wanted(Brief { patient: true, ..brief("a") }, &mut Vec::new());
    bench.answered(&"a".into(), wait(), &mut Vec::new());
    assert_eq!(effects(|it| bench.on(hint(1, &["a"], true), it)), [JobEffect::Ask(brief("a"))]);
}

#[test]
fn a_lease_or_an_end_that_is_told_twice_does_and_reports_the_work_once() {
    let mut bench = Bench::default();
    performing(&mut bench, "a", 1);
    assert_eq!(effects(|it| bench.answered(&"a".into(), Access::Go(lease(1)), it)), []);
    let ended =
        |bench: &mut Bench| effects(|it| bench.performed(&"a".into(), lease(1), accepted(1), it)).len();
    assert_eq!([ended(&mut bench), ended(&mut bench)], [1, 0]);
}

#[test]
fn who_is_wanted_again_while_in_line_stands_there_once() {
    let mut bench = Bench::default();
    (0..AT_ONCE).for_each(|n| bench.wanted(brief(&n.to_string()), &mut Vec::new()));
    (0..3).for_each(|_| bench.wanted(brief("late"), &mut Vec::new()));
    assert_eq!(bench.line, [brief("late")]);
}

#[test]
fn of_very_many_that_wait_only_so_many_are_remembered() {
    let mut bench = Bench::default();
    for number in 0..=REMEMBERED {
        let session = number.to_string();
        bench.wanted(brief(&session), &mut Vec::new());
        bench.answered(&session.as_str().into(), wait(), &mut Vec::new());
    }
    assert_eq!(bench.waiting.len(), REMEMBERED);
}

#[test]
fn who_left_waits_no_more_and_makes_room_for_one_that_is_there() {
    let mut bench = Bench::default();
    for session in ["a", "b"] {
        bench.wanted(brief(session), &mut Vec::new());
        bench.answered(&session.into(), wait(), &mut Vec::new());
    }
    bench.on(JobMessage::SessionEvicted { session: "a".into() }, &mut Vec::new());
    assert_eq!(bench.waiting.keys().collect::<Vec<_>>(), [&SessionId::from("b")]);
    assert_eq!(effects(|it| bench.on(hint(1, &["a", "b"], true), it)), [JobEffect::Ask(brief("b"))]);
}
