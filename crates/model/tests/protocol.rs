//! The checker visits every state that can be reached: ours holds, and without any one of its mechanisms it does not.
//!
//! `STILLROOM_MODEL=large` visits more of them (`just nightly`).

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a checker that reports what it found"
)]

use model::seed::Policy;
use model::{Action, Limits, State, Token, Variant, World};
use stateright::{Checker, HasDiscoveries, Model, Property, UniformChooser};
use std::fmt::Write;

const PAGE: &str = include_str!("../../../docs/machines/model.md");

/// One principal with two tokens; and another beside it.
const ALONE: &[(&str, &[Token])] = &[("a", &[1, 2])];
const TWO: &[(&str, &[Token])] = &[("a", &[1, 2]), ("b", &[3])];
/// Two sessions of one principal, so that a token of one may stand in for the other's, beside another principal.
const THREE: &[(&str, &[Token])] = &[("a", &[1, 2]), ("a", &[1, 2]), ("b", &[3])];

const NOTHING: Limits = Limits {
    requests: 0,
    revocations: 0,
    false_alarms: 0,
    repetitions: 0,
    hints: 0,
    waits: 0,
    crashes: 0,
    worker_crashes: 0,
    evictions: 0,
};
const DEATH: Limits = Limits { requests: 2, revocations: 1, ..NOTHING };
const LIE: Limits = Limits { requests: 2, false_alarms: 1, ..NOTHING };
const REBUILT: Limits = Limits { requests: 2, crashes: 1, ..NOTHING };
const THIRD: Limits = Limits { requests: 3, revocations: 1, ..NOTHING };

/// What is broken, by which rule, and in which world to see it.
type Breach = (&'static str, Variant, &'static str, &'static [(&'static str, &'static [Token])], Limits);

const BREACHES: [Breach; 18] = [
    ("Without tagging by token", Variant::WithoutTagging, "S3", TWO, DEATH),
    ("Without interval order", Variant::WithoutIntervals, "S5", ALONE, DEATH),
    ("Without interval order", Variant::WithoutIntervals, "S4", ALONE, DEATH),
    ("Without principal scope", Variant::WithoutScope, "S1", TWO, DEATH),
    ("Without pull", Variant::WithoutPull, "L1", ALONE, DEATH),
    ("Without proof of life", Variant::WithoutProofOfLife, "L1", ALONE, LIE),
    ("Without probe", Variant::WithoutProbe, "L2", ALONE, LIE),
    ("A token that is sent again counts as good", Variant::ResentClears, "S15", ALONE, DEATH),
    ("Without retry guard", Variant::WithoutRetryGuard, "S6", ALONE, LIE),
    ("Without acknowledged reports", Variant::WithoutAcknowledgement, "S15", ALONE, DEATH),
    ("The seed before its fixes", Variant::Seed(Policy::Original), "S1", TWO, REBUILT),
    ("The seed before its fixes", Variant::Seed(Policy::Original), "S4", ALONE, DEATH),
    ("The seed's first fix", Variant::Seed(Policy::FirstFix), "S1", TWO, DEATH),
    ("The seed's first fix", Variant::Seed(Policy::FirstFix), "S3", TWO, THIRD),
    ("The seed's first fix", Variant::Seed(Policy::FirstFix), "S14", ALONE, DEATH),
    ("The seed's follow-up", Variant::Seed(Policy::FollowUp), "S1", TWO, DEATH),
    ("The seed's follow-up", Variant::Seed(Policy::FollowUp), "S3", ALONE, DEATH),
    ("The seed's follow-up", Variant::Seed(Policy::FollowUp), "S4", ALONE, DEATH),
];

struct Protocol(World);

impl Protocol {
    fn breach(&self, state: &State) -> Option<&'static str> {
        state.broken.or_else(|| self.0.stuck(state))
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(&self.0)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend(self.0.actions(state));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.0.next(state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        // One property, not one for each rule: the checker stops at the first breach only when no other property is left.
        vec![Property::always("holds", |protocol: &Self, state| protocol.breach(state).is_none())]
    }
}

fn is_large() -> bool {
    std::env::var("STILLROOM_MODEL").is_ok_and(|size| size == "large")
}

/// The run in words, a step a line.
fn tell(world: &World, run: &[Action]) -> String {
    let mut told = String::new();
    let mut state = State::new(world);
    for (number, action) in (1..).zip(run) {
        writeln!(told, "{number}. {}", world.describe(&state, *action)).expect("text");
        state = world.next(&state, *action);
    }
    told
}

/// Fails with the run that breaks a rule, if one was found.
fn assert_holds(checker: &impl Checker<Protocol>) {
    if let Some(path) = checker.discovery("holds") {
        let rule = checker.model().breach(path.last_state());
        panic!("{rule:?} is broken:\n{}", tell(&checker.model().0, &path.into_actions()));
    }
}

/// Visits every state there is. Depth first: what is still to be visited takes no memory to speak of.
fn visit(sessions: &[(&str, &[Token])], limits: Limits) {
    let world = World::new(Variant::Ours, sessions, limits);
    let checker =
        Protocol(world).checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
    println!("all {} states, runs of up to {} steps", checker.unique_state_count(), checker.max_depth() - 1);
    assert_holds(&checker);
}

/// Everything that may go wrong, once.
const EVERYTHING: Limits = Limits {
    requests: 3,
    revocations: 1,
    false_alarms: 1,
    repetitions: 1,
    hints: 1,
    waits: 1,
    crashes: 1,
    worker_crashes: 1,
    evictions: 1,
};

#[test]
fn ours_holds_in_every_state_of_small_worlds() {
    visit(ALONE, Limits { crashes: 1, worker_crashes: 1, ..DEATH });
    visit(ALONE, Limits { waits: 1, ..DEATH });
    visit(ALONE, Limits { waits: 1, hints: 1, ..LIE });
    visit(TWO, Limits { false_alarms: 1, waits: 1, requests: 1, ..DEATH });
    if is_large() {
        visit(ALONE, Limits { false_alarms: 1, waits: 1, ..DEATH });
        visit(TWO, DEATH);
    }
}

#[test]
fn ours_holds_in_every_short_run_in_which_everything_may_go_wrong() {
    let checker = Protocol(World::new(Variant::Ours, THREE, EVERYTHING))
        .checker()
        .threads(2)
        .finish_when(HasDiscoveries::AnyFailures)
        .target_state_count(if is_large() { 300_000 } else { 100_000 })
        .spawn_bfs()
        .join();
    println!(
        "the first {} states, all runs of {} steps",
        checker.unique_state_count(),
        checker.max_depth() - 2
    );
    assert_holds(&checker);
}

/// Walks go deep where the checker's visit stays shallow.
#[test]
fn ours_holds_on_long_walks_in_which_everything_may_go_wrong() {
    let limits = Limits { requests: 6, revocations: 2, false_alarms: 3, hints: 2, waits: 4, ..EVERYTHING };
    for (seed, sessions) in [(1, TWO), (2, THREE)] {
        let checker = Protocol(World::new(Variant::Ours, sessions, limits))
            .checker()
            .threads(1)
            .finish_when(HasDiscoveries::AnyFailures)
            .target_state_count(if is_large() { 5_000_000 } else { 100_000 })
            .spawn_simulation(seed, UniformChooser)
            .join();
        println!("walks over {} states, of up to {} steps", checker.state_count(), checker.max_depth());
        assert_holds(&checker);
    }
}

/// The shortest run that breaks the rule, told as the page tells it.
fn shortest((name, variant, rule, sessions, limits): Breach) -> String {
    let world = World::new(variant, sessions, limits).watching(rule);
    let checker =
        Protocol(world).checker().threads(1).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let path = checker.discovery("holds").unwrap_or_else(|| panic!("{name}: {rule} holds all the same"));
    assert_eq!(checker.model().breach(path.last_state()), Some(rule));
    let run = path.into_actions();
    let told = tell(&checker.model().0, &run);
    format!("### {name}: {rule} in {} steps\n\n{told}", run.len())
}

#[test]
fn each_mechanism_taken_out_breaks_a_rule_as_the_page_says() {
    let runs: Vec<String> = BREACHES.into_iter().map(shortest).collect();
    println!("{}", runs.join("\n"));
    let untold: Vec<&String> = runs.iter().filter(|run| !PAGE.contains(run.as_str())).collect();
    assert!(untold.is_empty(), "docs/machines/model.md does not tell these runs:\n{untold:#?}");
    assert_eq!(PAGE.matches("\n### ").count(), runs.len(), "the page tells a run that is none");
}
