//! A day of nineteen users under four policies: ours keeps every promise, and each of the seed's breaks one.

use simulator::day::schedule::{Day, USERS};
use simulator::day::tally::Tally;
use simulator::day::{POLICIES, SEED, live, story};
use std::collections::BTreeSet;
use std::time::Duration;

const BEFORE: usize = 0;
const FIRST_FIX: usize = 1;
const FOLLOW_UP: usize = 2;
const OURS: usize = 3;

/// The policy's days, one for each seed.
fn days(policy: usize) -> impl Iterator<Item = (u64, Tally)> {
    (0..20).map(move |seed| (seed, live(seed, POLICIES[policy].1)))
}

#[test]
fn ours_keeps_every_promise() {
    for (seed, tally) in days(OURS) {
        for episode in &tally.episodes {
            let allowed = episode.on_their_way + episode.probes;
            assert!(episode.refused <= allowed, "S15, seed {seed}: {episode:?}");
        }
        let refused: usize = tally.episodes.iter().map(|episode| episode.refused).sum();
        assert_eq!(refused, tally.refused, "seed {seed}: every refused call belongs to an episode");
        assert!(tally.alerts <= tally.episodes.len(), "S14, seed {seed}: {} alerts", tally.alerts);
        assert_eq!(tally.repeated_alerts, 0, "S14, seed {seed}: no token has more alerts than episodes");
        assert_eq!(tally.lost, 0, "L4, seed {seed}");
        assert_eq!(tally.crossed, 0, "S1, seed {seed}");
        let slowest = tally.since_proof.last().copied().unwrap_or_default();
        assert!(slowest <= Duration::from_secs(1), "L1, seed {seed}: resumed {slowest:?} after proof");
    }
}

#[test]
fn every_day_puts_the_promises_to_the_test() {
    for (seed, tally) in days(OURS) {
        assert!(
            tally.episodes.len() >= USERS,
            "seed {seed}: the wrong hour alone is an episode for everybody"
        );
        assert!(tally.refused > 0 && tally.alerts > 0, "seed {seed}: background work meets dead tokens");
        assert!(!tally.since_proof.is_empty(), "seed {seed}: some work waits for proof");
    }
}

#[test]
fn before_the_seed_calls_go_on_with_tokens_known_to_be_dead_and_nobody_is_told() {
    for (seed, tally) in days(BEFORE) {
        assert!(tally.needless() > tally.episodes.len(), "seed {seed}: {}", tally.needless());
        assert_eq!(tally.alerts, 0, "seed {seed}");
    }
}

#[test]
fn the_seeds_first_fix_repeats_its_alerts() {
    for (seed, tally) in days(FIRST_FIX) {
        assert!(tally.repeated_alerts > 0, "seed {seed}");
    }
}

#[test]
fn the_seeds_follow_up_tells_nobody_and_still_sends_dead_tokens() {
    for (seed, tally) in days(FOLLOW_UP) {
        assert!(tally.needless() > 0, "seed {seed}");
        assert_eq!(tally.alerts, 0, "seed {seed}");
    }
}

#[test]
fn both_of_the_seeds_fixes_use_other_users_tokens() {
    for policy in [FIRST_FIX, FOLLOW_UP] {
        let crossed: usize = days(policy).map(|(_, tally)| tally.crossed).sum();
        assert!(crossed > 0, "policy {policy}");
    }
}

#[test]
fn no_client_knows_of_the_policy_and_a_seed_is_a_day() {
    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
    let day = Day::of(SEED);
    let speakers: BTreeSet<_> = day.requests.iter().map(|(session, _)| day.owner(*session)).collect();
    assert_eq!(speakers.len(), USERS);
    assert!(day.sessions() > USERS, "some talk in several sessions");
    for (session, request) in &day.requests {
        assert_eq!(day.owner(*session), day.holder(request.token), "an agent sends its own user's tokens");
    }
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let readme = include_str!("../../../README.md");
    assert!(
        readme.contains(&story(SEED)),
        "run `just day` and put its table into README.md:\n{}",
        story(SEED)
    );
}
