//! When a cache is worth a warm-up. This is the one place that decides it: [`decide`], asked anew for each further cycle.
//!
//! The rule for now is a fixed one: at most [`LONGEST_HOLD`] warm-ups without a turn in between. Recorded sessions say that it
//! earns about half of what a rule that knows the future would.

use super::credit::{cost, most_refreshes, price, saving};
use super::figures::{dollars, tokens};
use crate::job::Brief;
use domain::conversation::CacheTtl;
use domain::price::Price;
use domain::warming::WarmingMode;
use std::fmt;
use std::time::Duration;

/// Warm-ups in a row. Three is the best of the fixed rules on recorded sessions; eleven would burn all it earns.
pub const LONGEST_HOLD: u32 = 3;
/// A smaller prefix is not worth a call, in tokens.
pub const SMALLEST_PREFIX: u64 = 4_096;

/// What a decision rests on.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Whose cache, of which model, where.
    pub brief: &'a Brief,
    /// What a person decided.
    pub mode: WarmingMode,
    /// How long the provider keeps it.
    pub ttl: CacheTtl,
    /// How much would be read, or written anew, in tokens.
    pub tokens: u64,
    /// Warm-ups since the last turn.
    pub refreshes: u32,
}

/// Whether to refresh, with the numbers it rests on. Shown, it is a reason that fits behind "since" or a colon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// Whether.
    pub refresh: bool,
    tokens: u64,
    /// Of one refresh, in dollars.
    price: f64,
    /// What a return to a cold cache costs more, in dollars.
    loss: f64,
    done: u32,
    most: u32,
}

/// Should this cache be refreshed once more?
#[must_use]
pub fn decide(question: &Question<'_>) -> Decision {
    let most = match question.mode {
        WarmingMode::Keep => most_refreshes(price(question.brief), question.ttl),
        WarmingMode::Auto | WarmingMode::Stop => LONGEST_HOLD,
    };
    Decision {
        refresh: question.refreshes < most,
        tokens: question.tokens,
        price: cost(question.brief, question.tokens),
        loss: saving(question.brief, question.tokens, question.ttl),
        done: question.refreshes,
        most,
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, most, .. } = self;
        let (size, price, loss) = (tokens(self.tokens), dollars(self.price), dollars(self.loss));
        write!(f, "a refresh of its {size} costs {price}, a return to a cold cache {loss} more, and ")?;
        write!(f, "{done} of at most {most} refreshes have left since its last turn")
    }
}

/// How long the provider keeps a prefix.
#[must_use]
pub const fn lifetime(ttl: CacheTtl) -> Duration {
    match ttl {
        CacheTtl::FiveMinutes => Duration::from_secs(300),
        CacheTtl::OneHour => Duration::from_secs(3600),
    }
}

/// How long a session must stay in memory after a turn, so that its cache can be held as long as its mode allows.
#[must_use]
pub fn longest_hold(price: Price, ttl: CacheTtl, mode: WarmingMode) -> Duration {
    let most = if mode == WarmingMode::Keep { most_refreshes(price, ttl) } else { LONGEST_HOLD };
    lifetime(ttl) * (most + 1)
}

/// How long before the end a warm-up leaves: large prefixes take long to process and have raced the expiry.
pub(super) const fn margin(ttl: CacheTtl) -> Duration {
    match ttl {
        CacheTtl::FiveMinutes => Duration::from_secs(45),
        CacheTtl::OneHour => Duration::from_secs(300),
    }
}
