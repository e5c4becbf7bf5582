//! The ladder, step by step.

use super::*;
use proptest::prelude::*;

const MINUTE: u64 = 60;

fn failed(cause: FailureCause) -> Ending {
    Ending::Failed { cause, why: "x".into() }
}

fn broken() -> Ending {
    failed(FailureCause::Provider)
}

fn waiting(reason: WaitReason) -> Ending {
    Ending::Waiting { reason, ask_again_at: None }
}

/// Every ending that lies with the credential.
fn waits() -> Vec<Ending> {
    let reasons = [
        WaitReason::NoCredential,
        WaitReason::NotAllowed,
        WaitReason::Rejected,
        WaitReason::ProbeOut,
        WaitReason::AccountBlocked,
        WaitReason::Forbidden,
        WaitReason::Throttled,
        WaitReason::Incident,
        WaitReason::UpstreamDown,
        WaitReason::Busy,
        WaitReason::Budget,
    ];
    reasons.into_iter().map(waiting).chain([failed(FailureCause::Credential)]).collect()
}

/// Where a ladder stands after these endings, each at its second.
fn after(endings: &[(u64, Ending)]) -> Ladder {
    let mut ladder = Ladder::default();
    for (second, ending) in endings {
        ladder.on(ending, Moment::from_secs(*second));
    }
    ladder
}

fn failures(seconds: &[u64]) -> Ladder {
    after(&seconds.iter().map(|second| (*second, broken())).collect::<Vec<_>>())
}

#[test]
fn three_failures_within_five_minutes_degrade_and_are_said_once() {
    let mut ladder = failures(&[0, 100]);
    assert_eq!(ladder.level(), Level::Healthy);
    assert_eq!(ladder.on(&broken(), Moment::from_secs(5 * MINUTE)), Some(Level::Degraded));
    assert_eq!(ladder.on(&broken(), Moment::from_secs(6 * MINUTE)), None);
    assert_eq!(failures(&[0, 100, 301]).level(), Level::Healthy, "too far apart");
    assert_eq!(failures(&[0, 100, 301, 302]).level(), Level::Degraded, "the last three count");
}

#[test]
fn an_hour_of_failing_is_critical_and_is_said_once() {
    let mut ladder = failures(&[0, 60, 120, 59 * MINUTE]);
    assert_eq!(ladder.level(), Level::Degraded);
    assert_eq!(ladder.on(&broken(), Moment::from_secs(60 * MINUTE)), Some(Level::Critical));
    assert_eq!(ladder.on(&broken(), Moment::from_secs(90 * MINUTE)), None);
}

#[test]
fn failures_too_far_apart_to_degrade_are_critical_after_an_hour_all_the_same() {
    assert_eq!(failures(&[0, 10 * MINUTE, 59 * MINUTE]).level(), Level::Healthy);
    assert_eq!(failures(&[0, 10 * MINUTE, 60 * MINUTE]).level(), Level::Critical);
    assert_eq!(failures(&[0, 60 * MINUTE]).level(), Level::Healthy, "two never say anything");
}

#[test]
fn every_cause_that_is_not_the_credentials_counts() {
    for cause in [FailureCause::Provider, FailureCause::Answer, FailureCause::House] {
        let ladder = after(&[(0, failed(cause)), (1, failed(cause)), (2, failed(cause))]);
        assert_eq!(ladder.level(), Level::Degraded, "{cause:?}");
    }
}

#[test]
fn what_lies_with_the_credential_never_escalates() {
    for wait in waits() {
        let day: Vec<_> = (0..24 * 60).map(|minute| (minute * MINUTE, wait.clone())).collect();
        assert_eq!(after(&day).level(), Level::Healthy, "{wait:?}");
    }
}

#[test]
fn a_wait_for_a_credential_is_no_part_of_an_hour_of_failing() {
    for wait in waits() {
        let story =
            [(0, broken()), (60, broken()), (120, broken()), (180, wait.clone()), (61 * MINUTE, broken())];
        let neutral = [WaitReason::Busy, WaitReason::UpstreamDown].map(waiting).contains(&wait);
        let expected = if neutral { Level::Critical } else { Level::Degraded };
        assert_eq!(after(&story).level(), expected, "{wait:?}");
    }
}

#[test]
fn only_accepted_output_heals_and_then_all_is_forgotten() {
    let mut ladder = failures(&[0, 60, 120]);
    for neither in waits().into_iter().chain([Ending::Nothing]) {
        assert_eq!(ladder.on(&neither, Moment::from_secs(180)), None, "{neither:?}");
        assert_eq!(ladder.level(), Level::Degraded, "{neither:?}");
    }
    assert_eq!(ladder.on(&Ending::Done { kept: 1 }, Moment::from_secs(200)), Some(Level::Healthy));
    assert_eq!(ladder, Ladder::default());
    assert_eq!(ladder.on(&Ending::Done { kept: 1 }, Moment::from_secs(201)), None);
    assert_eq!(ladder.on(&broken(), Moment::from_secs(202)), None, "the old failures do not count");
}

#[test]
fn finding_nothing_to_do_neither_harms_nor_heals() {
    let story = [(0, broken()), (1, Ending::Nothing), (60, broken()), (61, Ending::Nothing), (120, broken())];
    assert_eq!(after(&story).level(), Level::Degraded);
    assert_eq!(after(&(0..9).map(|second| (second, Ending::Nothing)).collect::<Vec<_>>()), Ladder::default());
}

fn any_ending() -> impl Strategy<Value = Ending> {
    let mut endings = waits();
    endings.extend([
        broken(),
        broken(),
        failed(FailureCause::House),
        Ending::Nothing,
        Ending::Done { kept: 1 },
    ]);
    prop::sample::select(endings)
}

proptest! {
    #[test]
    fn it_only_falls_by_accepted_output_and_keeps_no_more_than_it_needs(
        story in prop::collection::vec((1u64..1800, any_ending()), 0..200),
    ) {
        let (mut ladder, mut now) = (Ladder::default(), 0);
        for (pause, ending) in story {
            let before = ladder.level();
            let heals = matches!(ending, Ending::Done { .. });
            now += pause;
            let said = ladder.on(&ending, Moment::from_secs(now));
            let level = ladder.level();
            prop_assert_eq!(said.is_some(), level != before);
            prop_assert!(level >= before || heals);
            prop_assert!(ladder.failures.len() <= FAILURES);
        }
    }
}
