//! A day of nineteen users under four policies: what background work costs, and how late it is, while tokens die.
//!
//! Every policy lives through the same day ([`schedule`]) in the same loop ([`run`]), and is counted by the same rules
//! ([`tally`]). Three of them are the gateway's that this project began with ([`seed`]), one is ours ([`ours`]).

pub mod ours;
pub mod policy;
pub mod run;
pub mod schedule;
pub mod seed;
mod table;
pub mod tally;

use ours::Ours;
use policy::{Make, Policy};
use run::Run;
use schedule::Day;
use seed::{Seed, Stage};
pub use table::table;
use tally::Tally;

/// The seed of the day that the README shows.
pub const SEED: u64 = 2026;

/// The policies, from the oldest to ours.
pub const POLICIES: [(&str, Make); 4] = [
    ("before the seed", |_, _| seed(Stage::Before)),
    ("the seed's first fix", |_, _| seed(Stage::FirstFix)),
    ("the seed's follow-up", |_, _| seed(Stage::FollowUp)),
    ("ours", |day, place| Box::new(Ours::new(day, place))),
];

fn seed<'d>(stage: Stage) -> Box<dyn Policy + 'd> {
    Box::new(Seed::at(stage))
}

/// The day of `seed` under each policy.
#[must_use]
pub fn compare(seed: u64) -> Vec<(&'static str, Tally)> {
    let day = Day::of(seed);
    POLICIES.iter().map(|(name, make)| (*name, Tally::of(&day, &Run::of(&day, *make, seed)))).collect()
}

/// The table of that day, and one line of what was simulated.
#[must_use]
pub fn story(seed: u64) -> String {
    let day = Day::of(seed);
    let (sessions, tokens, turns) = (day.sessions(), day.tokens(), day.requests.len());
    format!(
        "{}\n{} users, {sessions} sessions, {tokens} tokens that live 1 to 8 hours, {turns} requests of clients, one hour of \
         wrong 401s; seed {seed}.\n",
        table(&compare(seed)),
        schedule::USERS
    )
}
