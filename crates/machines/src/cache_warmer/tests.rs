//! When a prefix is kept warm, when it is let go, and what is credited.

use super::*;
use crate::credential::{Affected, Hint};
use crate::samples::brief;
use domain::access::{Access, WaitReason};
use domain::ids::Principal;

fn say(machine: &mut WarmerMachine, seconds: u64, message: WarmerMessage) -> Vec<WarmerEffect> {
    let mut effects = Vec::new();
    machine.on(message, Moment::from_secs(seconds), &mut effects);
    effects
}

fn turn(tokens: u64) -> WarmerMessage {
    let usage = Usage { cache_read: tokens, ..Usage::default() };
    WarmerMessage::TurnSeen { brief: brief("a"), warmth: Some(Warmth { ttl: CacheTtl::FiveMinutes, usage }) }
}

fn starts(effects: &[WarmerEffect]) -> bool {
    effects.iter().any(|effect| matches!(effect, WarmerEffect::Job(JobEffect::Ask(_))))
}

fn armed(effects: &[WarmerEffect]) -> Option<u64> {
    match effects.last() {
        Some(WarmerEffect::ArmWarmup(Some(span))) => Some(span.as_secs()),
        _ => None,
    }
}

fn refresh(machine: &mut WarmerMachine, seconds: u64, read: u64) {
    let usage = Usage { cache_read: read, ..Usage::default() };
    let start = Moment::from_secs(seconds);
    say(machine, seconds, WarmerMessage::Refreshed { session: "a".into(), start, usage });
    let session: SessionId = "a".into();
    say(machine, seconds, WarmerMessage::Job(JobMessage::Unanswered { session }));
}

#[test]
fn a_warm_up_leaves_shortly_before_the_time_to_live_ends() {
    let mut machine = WarmerMachine::new(true);
    assert_eq!(armed(&say(&mut machine, 0, turn(50_000))), Some(255));
    assert!(!starts(&say(&mut machine, 254, WarmerMessage::WarmupDue)));
    assert!(starts(&say(&mut machine, 255, WarmerMessage::WarmupDue)));
}

#[test]
fn a_small_or_unmarked_prefix_is_left_alone() {
    let mut machine = WarmerMachine::new(true);
    assert_eq!(armed(&say(&mut machine, 0, turn(100))), None);
    assert_eq!(
        armed(&say(&mut machine, 0, WarmerMessage::TurnSeen { brief: brief("a"), warmth: None })),
        None
    );
}

#[test]
fn an_expired_prefix_is_never_paid_for() {
    let mut machine = WarmerMachine::new(true);
    say(&mut machine, 0, turn(50_000));
    assert!(!starts(&say(&mut machine, 301, WarmerMessage::WarmupDue)));
    assert_eq!(armed(&say(&mut machine, 302, WarmerMessage::WarmupDue)), None);
}

#[test]
fn a_hint_that_comes_after_the_expiry_pays_for_nothing() {
    let mut machine = WarmerMachine::new(true);
    say(&mut machine, 0, turn(50_000));
    assert!(starts(&say(&mut machine, 255, WarmerMessage::WarmupDue)));
    let wait = Access::Wait { reason: WaitReason::Rejected, ask_again_at: None };
    say(&mut machine, 256, WarmerMessage::Job(JobMessage::Answered { session: "a".into(), access: wait }));
    let (principal, upstream) = (Principal::local(), brief("a").upstream);
    let affected = Affected { principal, upstream, sessions: vec!["a".into()], epoch: 1 };
    let hint = WarmerMessage::Job(JobMessage::Hinted(Hint::CredentialsReenabled(affected)));
    assert!(starts(&say(&mut machine, 260, hint.clone())), "in time it pays");
    let wait = Access::Wait { reason: WaitReason::Rejected, ask_again_at: None };
    say(&mut machine, 261, WarmerMessage::Job(JobMessage::Answered { session: "a".into(), access: wait }));
    assert!(!starts(&say(&mut machine, 7200, hint)), "hours later it does not");
}

#[test]
fn messages_in_quick_succession_do_not_put_the_look_off() {
    let mut machine = WarmerMachine::new(true);
    say(&mut machine, 0, turn(50_000));
    let forgotten = |name: &str| WarmerMessage::SessionEvicted(name.into());
    assert_eq!(armed(&say(&mut machine, 256, forgotten("x"))), Some(0));
    assert_eq!(armed(&say(&mut machine, 258, forgotten("y"))), Some(0));
}

#[test]
fn the_hold_ends_after_three_warm_ups_without_a_turn() {
    let mut machine = WarmerMachine::new(true);
    say(&mut machine, 0, turn(50_000));
    for at in [255, 510, 765] {
        assert!(starts(&say(&mut machine, at, WarmerMessage::WarmupDue)), "at {at}");
        refresh(&mut machine, at, 50_000);
    }
    assert!(!starts(&say(&mut machine, 1020, WarmerMessage::WarmupDue)));
}

#[test]
fn a_return_is_credited_only_between_the_two_expiries_and_only_once() {
    let mut machine = WarmerMachine::new(true);
    say(&mut machine, 0, turn(50_000));
    say(&mut machine, 255, WarmerMessage::WarmupDue);
    refresh(&mut machine, 255, 40_000);
    let effects = say(&mut machine, 400, turn(60_000));
    assert!(matches!(&effects[0], WarmerEffect::Saved { tokens: 40_000, .. }), "{effects:?}");
    let again = say(&mut machine, 401, turn(60_000));
    assert!(!again.iter().any(|effect| matches!(effect, WarmerEffect::Saved { .. })));
}

#[test]
fn an_early_return_earns_nothing() {
    let mut machine = WarmerMachine::new(true);
    say(&mut machine, 0, turn(50_000));
    say(&mut machine, 255, WarmerMessage::WarmupDue);
    refresh(&mut machine, 255, 50_000);
    let effects = say(&mut machine, 299, turn(60_000));
    assert!(!effects.iter().any(|effect| matches!(effect, WarmerEffect::Saved { .. })));
}

#[test]
fn a_provider_that_refuses_the_replay_is_not_asked_again() {
    let mut machine = WarmerMachine::new(true);
    say(&mut machine, 0, turn(50_000));
    say(&mut machine, 255, WarmerMessage::Unwarmable { session: "a".into(), why: "400".into() });
    assert!(!starts(&say(&mut machine, 256, WarmerMessage::WarmupDue)));
}

#[test]
fn a_warmer_that_is_off_only_does_what_a_person_asks() {
    let mut machine = WarmerMachine::new(false);
    say(&mut machine, 0, turn(50_000));
    assert!(!starts(&say(&mut machine, 255, WarmerMessage::WarmupDue)));
    assert!(starts(&say(&mut machine, 256, WarmerMessage::WarmNow(brief("a")))));
}
