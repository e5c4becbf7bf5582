//! What the warmer learns from the turns that it sees, and what it advises by.

use super::*;
use crate::warming::Account;

/// A session of `turns` turns whose person comes back after `gap` seconds each time, without the prior; where it stands then.
pub(super) fn after_turns(gap: u64, turns: u32, session: &str, machine: &mut WarmerMachine) -> u64 {
    for turn in 0..turns {
        let at = u64::from(turn) * gap;
        let warmth = Warmth { turns: turn + 1, ..warmth(read(50_000), Duration::ZERO) };
        say(machine, at, WarmerMessage::TurnSeen { brief: brief(session), warmth: Ok(warmth) });
    }
    u64::from(turns - 1) * gap
}

fn untaught() -> WarmerMachine {
    let mut machine = WarmerMachine { book: Book::with_prior(Habits::default()), ..WarmerMachine::new(true) };
    say(&mut machine, 0, WarmerMessage::Recalled(memory()));
    machine
}

pub(super) fn chance(machine: &WarmerMachine) -> u16 {
    match machine.seats.get(&"a".into()) {
        Some(Seat::Prefix(prefix)) => prefix.advice.chance,
        other => panic!("{other:?}"),
    }
}

#[test]
fn returns_that_a_warm_up_would_have_caught_make_the_next_one_likelier_and_others_make_it_less_likely() {
    let of = |gap| {
        let mut machine = untaught();
        after_turns(gap, 30, "a", &mut machine);
        chance(&machine)
    };
    assert!(of(400) > chance_of_nothing(), "{} {}", of(400), chance_of_nothing());
    assert!(of(20_000) < chance_of_nothing(), "{} {}", of(20_000), chance_of_nothing());
}

fn chance_of_nothing() -> u16 {
    let mut machine = untaught();
    after_turns(400, 1, "a", &mut machine);
    chance(&machine)
}

#[test]
fn what_a_session_does_teaches_about_others_of_its_project() {
    let mut machine = untaught();
    after_turns(400, 30, "b", &mut machine);
    after_turns(400, 1, "a", &mut machine);
    assert!(chance(&machine) > chance_of_nothing());
}

#[test]
fn an_agent_that_goes_on_by_itself_after_its_last_word_teaches_nothing_of_people() {
    let reached = |awaited, after| {
        let mut machine = untaught();
        for at in [0, 400] {
            let warmth = Warmth { awaited, after, ..warmth(read(50_000), Duration::ZERO) };
            say(&mut machine, at, WarmerMessage::TurnSeen { brief: brief("a"), warmth: Ok(warmth) });
        }
        machine.book.has_changed()
    };
    assert!(!reached(Awaited::Human, Awaited::Tool));
    assert!(reached(Awaited::Human, Awaited::Human));
    assert!(reached(Awaited::Tool, Awaited::Tool), "of tools it does");
}

#[test]
fn a_session_that_leaves_memory_was_away_until_then() {
    let mut machine = untaught();
    for _ in 0..30 {
        after_turns(400, 1, "b", &mut machine);
        say(&mut machine, 3_000, WarmerMessage::SessionEvicted("b".into()));
    }
    after_turns(400, 1, "a", &mut machine);
    assert!(chance(&machine) < chance_of_nothing());
}

#[test]
fn a_young_session_is_let_go_and_an_older_one_of_the_same_habits_is_held() {
    let mut machine = machine();
    let at = after_turns(400, 4, "a", &mut machine);
    assert!(!is_warmed(&mut machine, at + 275));
    let at = after_turns(400, 5, "a", &mut machine);
    assert!(is_warmed(&mut machine, at + 275));
}

#[test]
fn a_person_who_keeps_a_session_overrules_the_advice() {
    let mut machine = machine();
    let at = after_turns(400, 1, "a", &mut machine);
    assert!(!is_warmed(&mut machine, at + 275));
    say(&mut machine, at + 276, WarmerMessage::ModeSet("a".into(), WarmingMode::Keep));
    assert!(is_warmed(&mut machine, at + 281));
}

/// The account of the project of all these sessions, as it is written down now.
fn account(machine: &mut WarmerMachine) -> Option<Account> {
    let changes = machine.book.changes().into_iter();
    let mut of_project = changes.filter(|change| matches!(change.whose, Whose::Project(_)));
    Some(of_project.next()?.habits?.account)
}

#[test]
fn what_a_warm_up_cost_and_what_the_return_saved_is_booked_on_the_project() {
    let mut machine = untaught();
    let mut expected = Account::default();
    say(&mut machine, 0, turn(50_000));
    brought(&mut machine, 275, read(50_000));
    expected.spend(credit::price(&brief("a")).cost(&read(50_000)));
    assert_eq!(account(&mut machine), Some(expected));
    say(&mut machine, 400, turn(50_000));
    expected.save(saving(&brief("a"), 50_000, CacheTtl::FiveMinutes));
    assert_eq!(account(&mut machine), Some(expected));
}
