//! Refresh now, or let go: expected cost against expected loss, for this cycle and all that may follow.

use super::advice::{Advice, Ground};
use super::curve::Curve;
use super::habits::{Habits, millionths};
use super::wait::Wait;
use crate::cache_warmer::{SMALLEST_PREFIX, lifetime};
use domain::conversation::CacheTtl;
use std::time::Duration;

/// With fewer calls a session is too young.
const FEWEST_TURNS: u32 = 5;
/// How many cycles the decision looks ahead: further than the break-even of most prices (11 and 19), and hardly anybody who is
/// away that long returns.
const CYCLES: usize = 24;
/// The share of a loss that a warm-up prevents when the agent returns in time: some returns come with a rewritten conversation
/// or another model, and find nothing of theirs in the cache. Measured on recorded sessions.
const REGAINED: f64 = 0.92;
/// How many warm-ups of a five-minute cache a project may lose before they have earned anything and before anything is known of it.
const CREDIT: u64 = 20;

/// How long before its expiry a cache is refreshed. A warm-up has to reach the provider in time, and a large prefix takes longer
/// to send and to look up.
#[must_use]
pub fn lead(tokens: u64) -> Duration {
    let for_size = Duration::from_micros(tokens.saturating_mul(100));
    Duration::from_secs(20) + for_size.min(Duration::from_secs(60))
}

/// Whether to refresh now, when the agent has been away for `waited` and its cache ends `expiry` after its last call.
pub(super) fn decide(
    wait: &Wait,
    curve: &Curve,
    project: &Habits,
    waited: Duration,
    expiry: Duration,
) -> Advice {
    let cycles = Cycles::from(wait, waited, expiry);
    let worth = cycles.worth(curve, REGAINED * wait.loss(), wait.hold());
    let ground = match () {
        () if wait.price.is_none() => Ground::NoPrice,
        () if wait.turns < FEWEST_TURNS => Ground::TooFewTurns,
        () if wait.tokens < SMALLEST_PREFIX => Ground::TooSmall,
        () if worth <= 0.0 => Ground::DoesNotPay,
        () if !affords(project, wait) => Ground::NotEarned,
        () => Ground::Pays,
    };
    let chance = cycles.chance(curve, 0);
    Advice {
        ground,
        chance: (chance * 1000.0).round() as u16,
        hold: millionths(wait.hold()),
        loss: millionths(wait.loss()),
    }
}

/// Returns after more than an hour are rare and dear: a dozen sessions tell little of them, and most projects would lose. So
/// one-hour caches are only held with what warming has earned before in the same project. Five-minute caches have a credit, and one
/// more for each wait there that outlived a cache: the more was seen, the better its own curve knows whether it pays.
fn affords(project: &Habits, wait: &Wait) -> bool {
    let credit = match wait.ttl {
        CacheTtl::FiveMinutes => CREDIT + project.of(wait.awaited).reached(lifetime(wait.ttl)),
        CacheTtl::OneHour => 0,
    };
    project.account.affords(wait.hold(), credit)
}

/// The times of this warm-up and of those that may follow, in seconds since the agent's last call.
struct Cycles {
    first: f64,
    step: f64,
    expiry: f64,
    ttl: f64,
}

impl Cycles {
    fn from(wait: &Wait, waited: Duration, expiry: Duration) -> Self {
        let [first, step, expiry, ttl] =
            [waited, wait.step(), expiry, lifetime(wait.ttl)].map(|span| span.as_secs_f64());
        Self { first, step, expiry, ttl }
    }

    /// When warm-up `cycle` leaves.
    fn leaves(&self, cycle: usize) -> f64 {
        self.first + cycle as f64 * self.step
    }

    /// Until when the cache would live without warm-up `cycle`.
    fn without(&self, cycle: usize) -> f64 {
        cycle.checked_sub(1).map_or(self.expiry, |before| self.leaves(before) + self.ttl)
    }

    /// The chance that the agent, away until warm-up `cycle`, returns while only that keeps the cache.
    fn chance(&self, curve: &Curve, cycle: usize) -> f64 {
        let returns = curve.away(self.without(cycle)) - curve.away(self.leaves(cycle) + self.ttl);
        (returns / curve.away(self.leaves(cycle))).clamp(0.0, 1.0)
    }

    /// What holding on is worth now, in dollars: backward over the cycles, each of which may be the one to let go.
    fn worth(&self, curve: &Curve, loss: f64, hold: f64) -> f64 {
        (0..CYCLES).rev().fold(0.0, |later: f64, cycle| {
            let still_away = curve.away(self.leaves(cycle + 1)) / curve.away(self.leaves(cycle));
            self.chance(curve, cycle) * loss - hold + still_away * later.max(0.0)
        })
    }
}
