//! A day of nineteen users under four policies: what background work costs, and how late it is, while tokens die.
//!
//! Every policy lives through the same day ([`schedule`]) in the same loop ([`run`]), and is counted by the same rules
//! ([`tally`]). Three of them are the gateway's that this project began with ([`seed`]), one is ours ([`ours`]).
//!
//! What the table's columns count:
//! - *refused*: background calls that were answered 401; *needless*: those among them that S15 does not allow, because they
//!   left after the gateway had heard that the token is dead, and were no probes.
//! - *alerts*, and the *episodes* they may be about: a token's passages from good to refused, by whoever's request.
//! - *late*: work that was due and could not be done by the first call of the first sweep that found it due; the median
//!   and the worst delay run from when it was due until it was done.
//! - *after proof*: the part of that delay which nobody needs, from the first accepted client request that proves the token
//!   of the work's session until the call that did the work left.
//! - *lost*: work undone at midnight. Warm-ups are worth nothing late, so they are neither late nor lost.
//! - *another's token*: background calls for one user with the token of another.

mod log;
pub mod ours;
pub mod policy;
pub mod run;
pub mod schedule;
pub mod seed;
mod table;
pub mod tally;

pub use log::{Call, Late, Log};
use model::seed::Policy as Stage;
use ours::Ours;
use policy::Make;
use run::Run;
use schedule::{ALONE, Day, USERS};
use seed::Seed;
pub use table::table;
use tally::Tally;

/// The seed of the day that the README shows.
pub const SEED: u64 = 2026;

/// The policies, from the oldest to ours.
pub const POLICIES: [(&str, Make); 4] = [
    ("before the seed", |day, _| Box::new(Seed::at(Stage::Original, day))),
    ("the seed's first fix", |day, _| Box::new(Seed::at(Stage::FirstFix, day))),
    ("the seed's follow-up", |day, _| Box::new(Seed::at(Stage::FollowUp, day))),
    ("ours", |day, gateway| Box::new(Ours::new(day, gateway))),
];

/// The day of `seed` under one policy.
#[must_use]
pub fn live(seed: u64, policy: Make) -> Tally {
    let day = Day::of(seed);
    Tally::of(&day, &Run::of(&day, policy, seed))
}

/// The table of that day, and one line of what was simulated.
#[must_use]
pub fn story(seed: u64) -> String {
    let day = Day::of(seed);
    let (sessions, tokens, requests) = (day.sessions(), day.tokens(), day.requests.len());
    format!(
        "{}\n{USERS} users in {sessions} sessions, {ALONE} with a gateway of their own and {} who share one; {tokens} tokens that \
         live 1 to 8 hours; {requests} requests of clients; one hour in which the provider answers 401 to everyone; seed {seed}.\n",
        table(&POLICIES.map(|(name, policy)| (name, live(seed, policy)))),
        USERS - ALONE,
    )
}
