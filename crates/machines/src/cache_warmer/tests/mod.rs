//! When a prefix is kept warm, and when it is let go.

mod brakes;
mod credits;
mod habits;
mod in_progress;
mod memory;
mod why;

use super::*;
use crate::credential::{Affected, Hint};
use crate::job::JobEffect;
use crate::samples::brief;
use crate::warming::{Awaited, Habits};
use domain::access::{Access, WaitReason};
use domain::conversation::CacheTtl;
use domain::ids::Principal;
use domain::warming::Whose;

/// A machine that heard from the store that nothing was decided.
fn machine() -> WarmerMachine {
    let mut machine = fresh(true);
    say(&mut machine, 0, WarmerMessage::Recalled(memory()));
    machine
}

/// A machine that believes that people are back within twenty minutes, and has earned enough to try.
fn fresh(enabled: bool) -> WarmerMachine {
    let people = prefix().wait();
    let mut lessons = Book::with_prior(Habits::default());
    (0..1000).for_each(|_| lessons.learn(&prefix().place, &people, Gap::Returned(Duration::from_secs(1000))));
    let mut book = Book::with_prior(lessons.everybody().clone());
    book.save(&prefix().place, 1000.0);
    WarmerMachine { book, ..WarmerMachine::new(enabled) }
}

fn prefix() -> Prefix {
    Prefix::left_by(brief("a"), &warmth(read(50_000), Duration::ZERO), Moment::default())
}

/// What a turn says of which the request left so long ago; [`say`] knows when that is.
fn warmth(usage: Usage, answered_in: Duration) -> Warmth {
    Warmth {
        ttl: CacheTtl::FiveMinutes,
        usage,
        left: Moment::default(),
        answered_in,
        awaited: Awaited::Human,
        after: Awaited::Human,
        turns: 20,
        project: "a project".into(),
    }
}

fn memory() -> Memory {
    Memory { on: true, modes: Vec::new(), pauses: Vec::new(), refreshes: 0, returns: 0, habits: Vec::new() }
}

fn say(machine: &mut WarmerMachine, seconds: u64, mut message: WarmerMessage) -> Vec<WarmerEffect> {
    if let WarmerMessage::TurnSeen { warmth: Ok(warmth), .. } = &mut message {
        let left = Duration::from_secs(seconds).saturating_sub(warmth.answered_in);
        warmth.left = Moment::from(left);
    }
    let mut effects = Vec::new();
    machine.on(message, Moment::from_secs(seconds), &mut effects);
    effects
}

fn read(tokens: u64) -> Usage {
    Usage { cache_read: tokens, ..Usage::default() }
}

fn written(tokens: u64) -> Usage {
    Usage { cache_write_5m: tokens, ..Usage::default() }
}

fn turn_of(brief: Brief, usage: Usage) -> WarmerMessage {
    WarmerMessage::TurnSeen { brief, warmth: Ok(warmth(usage, Duration::ZERO)) }
}

fn turn(tokens: u64) -> WarmerMessage {
    turn_of(brief("a"), read(tokens))
}

/// Whether a job was begun.
fn starts(effects: &[WarmerEffect]) -> bool {
    effects.iter().any(|effect| matches!(effect, WarmerEffect::Job(JobEffect::Ask(_))))
}

fn armed(effects: &[WarmerEffect]) -> Option<u64> {
    match effects.last() {
        Some(WarmerEffect::ArmWarmup(Some(span))) => Some(span.as_secs()),
        _ => None,
    }
}

/// It is looked whether anything is due; whether a job was begun.
fn is_warmed(machine: &mut WarmerMachine, seconds: u64) -> bool {
    starts(&say(machine, seconds, WarmerMessage::WarmupDue))
}

/// A warm-up of session "a" was begun and brought this; it is over.
fn brought(machine: &mut WarmerMachine, seconds: u64, usage: Usage) -> Vec<WarmerEffect> {
    let start = Moment::from_secs(seconds);
    let effects = say(machine, seconds, WarmerMessage::Refreshed { brief: brief("a"), start, usage });
    end(machine, seconds);
    effects
}

/// The job of session "a" is over.
fn end(machine: &mut WarmerMachine, seconds: u64) {
    let session: SessionId = "a".into();
    say(machine, seconds, WarmerMessage::Job(JobMessage::Unanswered { session }));
}

#[test]
fn a_warm_up_leaves_shortly_before_the_time_to_live_ends() {
    let mut machine = machine();
    assert_eq!(armed(&say(&mut machine, 0, turn(50_000))), Some(275));
    assert!(!is_warmed(&mut machine, 274));
    assert!(is_warmed(&mut machine, 275));
}

#[test]
fn the_time_to_live_runs_from_the_departure_of_a_request_and_not_from_its_last_word() {
    let mut machine = machine();
    let warmth = warmth(read(50_000), Duration::from_secs(100));
    let seen = WarmerMessage::TurnSeen { brief: brief("a"), warmth: Ok(warmth) };
    assert_eq!(armed(&say(&mut machine, 100, seen)), Some(175));
}

#[test]
fn a_small_prefix_or_one_that_cannot_be_replayed_is_left_alone_and_let_go() {
    let mut machine = machine();
    let forgets = |effects: &[WarmerEffect]| effects.contains(&WarmerEffect::Forget("a".into()));
    let small = say(&mut machine, 0, turn(SMALLEST_PREFIX - 1));
    assert!(armed(&small).is_none() && forgets(&small));
    let cold = WarmerMessage::TurnSeen { brief: brief("a"), warmth: Err(Cold::Unmarked) };
    let cold = say(&mut machine, 0, cold);
    assert!(armed(&cold).is_none() && forgets(&cold));
    let enough = say(&mut machine, 0, turn(SMALLEST_PREFIX));
    assert!(armed(&enough).is_some() && !forgets(&enough));
}

#[test]
fn a_model_whose_price_nobody_knows_is_not_warmed_whatever_a_person_says() {
    let mut machine = machine();
    let unknown = Brief { model: "house-brand".into(), ..brief("a") };
    say(&mut machine, 0, WarmerMessage::ModeSet("a".into(), WarmingMode::Keep));
    assert_eq!(armed(&say(&mut machine, 0, turn_of(unknown, read(50_000)))), None);
    assert!(!is_warmed(&mut machine, 275));
}

#[test]
fn an_expired_prefix_is_never_paid_for() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    assert!(!is_warmed(&mut machine, 300));
    assert_eq!(armed(&say(&mut machine, 301, WarmerMessage::WarmupDue)), None);
}

fn uncached(tokens: u64) -> Usage {
    Usage { input: tokens, ..Usage::default() }
}

#[test]
fn a_warm_up_that_finds_no_cache_is_the_last_until_the_next_turn_whatever_a_person_says() {
    for mode in [WarmingMode::Auto, WarmingMode::Keep] {
        let mut machine = machine();
        say(&mut machine, 0, WarmerMessage::ModeSet("a".into(), mode));
        say(&mut machine, 0, turn(50_000));
        assert!(is_warmed(&mut machine, 275));
        let effects = brought(&mut machine, 276, uncached(50_000));
        assert!(effects.contains(&WarmerEffect::Forget("a".into())), "{effects:?}");
        assert_eq!((armed(&effects), is_warmed(&mut machine, 281)), (None, false), "{mode:?}");
        say(&mut machine, 290, turn(50_000));
        assert!(is_warmed(&mut machine, 565), "{mode:?}");
    }
}

#[test]
fn a_turn_that_neither_read_nor_wrote_a_cache_left_none_to_keep_warm() {
    let mut machine = machine();
    say(&mut machine, 0, WarmerMessage::ModeSet("a".into(), WarmingMode::Keep));
    let effects = say(&mut machine, 0, turn_of(brief("a"), uncached(50_000)));
    assert!(armed(&effects).is_none() && effects.contains(&WarmerEffect::Forget("a".into())), "{effects:?}");
    assert!(!is_warmed(&mut machine, 275));
}

fn waits(machine: &mut WarmerMachine, seconds: u64) {
    let access = Access::Wait { reason: WaitReason::Rejected, ask_again_at: None };
    say(machine, seconds, WarmerMessage::Job(JobMessage::Answered { session: "a".into(), access }));
}

#[test]
fn a_hint_that_comes_after_the_expiry_pays_for_nothing() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    assert!(is_warmed(&mut machine, 275));
    waits(&mut machine, 276);
    let (principal, upstream) = (Principal::local(), brief("a").upstream);
    let affected = Affected { principal, upstream, sessions: vec!["a".into()], epoch: 1 };
    let hint = WarmerMessage::Job(JobMessage::Hinted(Hint::CredentialsReenabled(affected)));
    assert!(starts(&say(&mut machine, 280, hint.clone())), "in time it pays");
    waits(&mut machine, 281);
    assert!(!starts(&say(&mut machine, 7200, hint)), "hours later it does not");
}

#[test]
fn messages_in_quick_succession_do_not_put_the_look_off() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    let forgotten = |name: &str| WarmerMessage::SessionEvicted(name.into());
    assert_eq!(armed(&say(&mut machine, 276, forgotten("x"))), Some(0));
    assert_eq!(armed(&say(&mut machine, 278, forgotten("y"))), Some(0));
}

#[test]
fn a_hold_ends_when_hardly_anybody_would_return_any_more_and_a_turn_begins_another() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    for at in [275, 550, 825] {
        assert!(is_warmed(&mut machine, at), "at {at}");
        brought(&mut machine, at, read(50_000));
    }
    assert!(!is_warmed(&mut machine, 1100));
    say(&mut machine, 1110, turn(50_000));
    assert!(is_warmed(&mut machine, 1385));
}

#[test]
fn a_session_that_asked_another_model_is_held_for_that_one_only() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    let other = Brief { model: "claude-opus-4-5".into(), ..brief("a") };
    say(&mut machine, 100, turn_of(other.clone(), written(50_000)));
    assert!(!is_warmed(&mut machine, 275), "the first model's cache is let go");
    let effects = say(&mut machine, 375, WarmerMessage::WarmupDue);
    assert!(effects.contains(&WarmerEffect::Job(JobEffect::Ask(other))), "{effects:?}");
}

#[test]
fn a_warm_up_of_before_the_last_turn_prolongs_nothing() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    is_warmed(&mut machine, 275);
    say(&mut machine, 278, turn(50_000));
    brought(&mut machine, 275, read(50_000));
    assert!(!is_warmed(&mut machine, 552), "nor does it shorten anything");
    for at in [553, 828, 1103] {
        assert!(is_warmed(&mut machine, at), "warm-ups of its own: at {at}");
        brought(&mut machine, at, read(50_000));
    }
    assert!(!is_warmed(&mut machine, 1378));
}

#[test]
fn a_request_that_gave_way_to_others_is_asked_for_no_more() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    assert_eq!(armed(&say(&mut machine, 275, WarmerMessage::Displaced("a".into()))), None);
}

/// So many sessions whose turns ended at different times, some too small to be warmed, stopped by hand, or with a request under way.
fn crowd(sessions: u64) -> WarmerMachine {
    let mut machine = machine();
    for number in 0..sessions {
        let name = format!("s{number}");
        let tokens = if number % 5 == 4 { 100 } else { 50_000 + 1000 * (number * 7 % 13) };
        say(&mut machine, number * 37 % 290, turn_of(brief(&name), read(tokens)));
        if number % 7 == 6 {
            say(&mut machine, 290, WarmerMessage::ModeSet(name.as_str().into(), WarmingMode::Stop));
        }
        if number % 11 == 10 {
            say(&mut machine, 290, WarmerMessage::TurnStarted(name.as_str().into()));
        }
    }
    machine
}

#[test]
fn of_all_sessions_the_one_that_is_due_first_decides_when_it_is_looked_again() {
    let machine = crowd(40);
    for second in 0..700 {
        let now = Moment::from_secs(second);
        let due = |session| match machine.standing(session, now) {
            Standing::Warm(due, _) | Standing::InProgress(due) => Some(due),
            _ => None,
        };
        let first = machine.seats.keys().filter_map(due).min();
        let breath = machine.looked.after(BREATH);
        assert_eq!(machine.next_due(now), first.map(|due| due.max(breath).since(now)), "at {second}");
    }
}

#[test]
fn a_session_that_left_is_not_invited_any_more() {
    let is_asked_for = |leaves: bool| {
        let mut machine = machine();
        say(&mut machine, 0, WarmerMessage::WarmNow(brief("a")));
        let access = Access::Wait { reason: WaitReason::Busy, ask_again_at: None };
        say(&mut machine, 1, WarmerMessage::Job(JobMessage::Answered { session: "a".into(), access }));
        if leaves {
            say(&mut machine, 2, WarmerMessage::SessionEvicted("a".into()));
        }
        starts(&say(&mut machine, 3, WarmerMessage::Job(JobMessage::Invited { session: "a".into() })))
    };
    assert_eq!([false, true].map(is_asked_for), [true, false]);
}
