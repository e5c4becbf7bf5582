//! What is kept over a restart, when, and that it makes no difference.

use super::habits::{after_turns, chance};
use super::*;
use crate::warming::Change;

/// The changes that are to be kept, if any are.
fn kept(effects: &[WarmerEffect]) -> Vec<Change> {
    let keep = |effect: &WarmerEffect| match effect {
        WarmerEffect::Keep(changes) => changes.clone(),
        _ => Vec::new(),
    };
    effects.iter().flat_map(keep).collect()
}

fn keeping_due(machine: &mut WarmerMachine) -> Vec<Change> {
    kept(&say(machine, 10_000, WarmerMessage::KeepingDue))
}

/// A machine after a restart that gets `changes` back.
fn after(changes: Vec<Change>) -> WarmerMachine {
    let mut machine = WarmerMachine::new(true);
    let habits = changes.into_iter().filter_map(|change| Some((change.whose, change.habits?))).collect();
    say(&mut machine, 0, WarmerMessage::Recalled(Memory { habits, ..memory() }));
    machine
}

fn untaught() -> WarmerMachine {
    after(Vec::new())
}

#[test]
fn what_was_learnt_is_due_to_be_kept_within_a_minute_and_once_for_many_changes() {
    let mut machine = untaught();
    let armed = |effects: &[WarmerEffect]| effects.contains(&WarmerEffect::ArmKeeping(KEPT_WITHIN));
    assert!(!armed(&say(&mut machine, 0, turn(50_000))), "nothing is learnt from one turn");
    assert!(armed(&say(&mut machine, 400, turn(50_000))));
    assert!(!armed(&say(&mut machine, 410, turn(50_000))), "it is agreed already");
    let whose = |changes: Vec<Change>| changes.into_iter().map(|change| change.whose).collect::<Vec<_>>();
    let all = [Whose::Everybody, Whose::Project("a project".into()), Whose::Session("a".into())];
    assert_eq!(whose(keeping_due(&mut machine)), all);
    assert_eq!(keeping_due(&mut machine), [], "nothing changed since");
    assert!(armed(&say(&mut machine, 820, turn(50_000))), "another minute");
}

#[test]
fn a_restart_makes_no_difference_to_what_is_advised() {
    let mut machine = untaught();
    after_turns(400, 30, "b", &mut machine);
    say(&mut machine, 20_000, WarmerMessage::SessionEvicted("b".into()));
    let changes = keeping_due(&mut machine);
    let mut restarted = after(changes);
    for machine in [&mut machine, &mut restarted] {
        after_turns(400, 6, "a", machine);
    }
    assert_eq!(chance(&machine), chance(&restarted));
    let mut forgetful = untaught();
    after_turns(400, 6, "a", &mut forgetful);
    assert_ne!(chance(&machine), chance(&forgetful), "which it would have made");
    assert_eq!(keeping_due(&mut machine), keeping_due(&mut restarted), "and what is kept next is the same");
}

#[test]
fn before_it_is_recalled_nothing_is_kept_and_what_is_learnt_until_then_comes_on_top() {
    let returned = |machine: &mut WarmerMachine| after_turns(400, 2, "b", machine);
    let mut expected = untaught();
    after_turns(400, 10, "a", &mut expected);
    let changes = keeping_due(&mut expected);
    returned(&mut expected);
    let mut machine = WarmerMachine::new(true);
    returned(&mut machine);
    assert_eq!(keeping_due(&mut machine), [], "it would lie over what is not yet recalled");
    let habits = changes.into_iter().filter_map(|it| Some((it.whose, it.habits?))).collect();
    let recalled = say(&mut machine, 402, WarmerMessage::Recalled(Memory { habits, ..memory() }));
    assert!(recalled.contains(&WarmerEffect::ArmKeeping(KEPT_WITHIN)));
    assert_eq!(keeping_due(&mut machine), keeping_due(&mut expected));
}

#[test]
fn at_the_close_those_who_are_waited_for_have_been_away_until_then_and_all_is_kept() {
    let mut machine = untaught();
    let warmth = warmth(read(50_000), Duration::from_secs(10));
    say(&mut machine, 10, WarmerMessage::TurnSeen { brief: brief("a"), warmth: Ok(warmth) });
    let changes = kept(&say(&mut machine, 1_000, WarmerMessage::Closing));
    assert_eq!(changes.len(), 3);
    let learnt = changes[0].habits.clone().expect("everybody's");
    let of = |seconds| learnt.of(Awaited::Human).reached(Duration::from_secs(seconds));
    assert_eq!((of(0), of(300), of(700)), (1, 1, 0), "nothing is known of what came later");
    assert_eq!(kept(&say(&mut machine, 1_001, WarmerMessage::Closing)), [], "a second close is none");
}

#[test]
fn what_could_not_be_kept_is_kept_the_next_time() {
    let mut machine = untaught();
    [0, 400].into_iter().for_each(|at| drop(say(&mut machine, at, turn(50_000))));
    let changes = keeping_due(&mut machine);
    let names = changes.iter().map(|change| change.whose.clone()).collect();
    let effects = say(&mut machine, 10_001, WarmerMessage::Unkept(names));
    assert!(effects.contains(&WarmerEffect::ArmKeeping(KEPT_WITHIN)));
    assert_eq!(keeping_due(&mut machine), changes);
}

#[test]
fn what_a_person_forgot_is_neither_held_nor_advised_by_nor_written_down_later() {
    let mut machine = untaught();
    super::habits::after_turns(400, 30, "b", &mut machine);
    say(&mut machine, 0, WarmerMessage::ModeSet("b".into(), domain::warming::WarmingMode::Keep));
    let all = vec![Whose::Session("b".into()), Whose::Project("a project".into()), Whose::Everybody];
    let effects = say(&mut machine, 12_000, WarmerMessage::Forgotten(all));
    assert!(effects.contains(&WarmerEffect::Forget("b".into())), "{effects:?}");
    assert_eq!(keeping_due(&mut machine), [], "whoever forgets has done it in the store");
    say(&mut machine, 12_001, WarmerMessage::SessionEvicted("b".into()));
    assert_eq!(keeping_due(&mut machine), [], "its last wait teaches nothing");
    assert!(machine.modes.is_empty() && machine.seats.is_empty());
    super::habits::after_turns(400, 1, "a", &mut machine);
    let mut fresh = untaught();
    super::habits::after_turns(400, 1, "a", &mut fresh);
    assert_eq!(super::habits::chance(&machine), super::habits::chance(&fresh));
}
