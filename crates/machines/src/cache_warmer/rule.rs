//! When a cache is worth a warm-up. This is the one place that decides it: [`decide`], asked anew for each further cycle.

use super::credit::most_refreshes;
use super::figures::{dollars, percent, span, tokens};
use super::seat::Prefix;
use crate::warming::{Advice, Ground};
use domain::conversation::CacheTtl;
use domain::price::Price;
use domain::warming::WarmingMode;
use std::fmt;
use std::time::Duration;

/// A smaller prefix is not worth a call, in tokens.
pub const SMALLEST_PREFIX: u64 = 4_096;
/// No session is held longer by the rule than this after its last turn: hardly anybody returns that late.
const LONGEST_HOLD: Duration = Duration::from_secs(4 * 3600);

/// Whether to refresh, with the numbers it rests on. Shown, it is a reason that fits behind "since" or a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decision {
    /// Whether.
    pub(super) refresh: bool,
    advice: Advice,
    tokens: u64,
    /// How much longer the cache lives.
    added: Duration,
    /// Where a person decided: warm-ups since the last turn, and how many there may be.
    kept: Option<(u32, u32)>,
}

/// Should this cache be refreshed once more, when it is due? A person who wants it kept is obeyed as long as one return pays for
/// all; else the advice is.
pub(super) fn decide(prefix: &Prefix, mode: WarmingMode) -> Decision {
    let (wait, advice) = (prefix.wait(), prefix.advice);
    let kept = (mode == WarmingMode::Keep)
        .then(|| (prefix.refreshes, wait.price.map_or(0, |price| most_refreshes(price, wait.ttl))));
    let refresh = kept.map_or(advice.is_to_warm(), |(done, most)| done < most);
    Decision { refresh, advice, tokens: wait.tokens, added: wait.step(), kept }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (added, chance) = (span(self.added), percent(self.advice.chance));
        let (hold, loss) = (dollars(self.advice.hold as f64 / 1e6), dollars(self.advice.loss as f64 / 1e6));
        write!(f, "a return within the {added} that one more refresh adds has a chance of {chance}, ")?;
        write!(
            f,
            "a refresh of its {} costs {hold}, and a return to a cold cache {loss} more",
            tokens(self.tokens)
        )?;
        match (self.kept, self.advice.ground) {
            (Some((done, most)), _) => {
                write!(f, ", and {done} of at most {most} refreshes have left since its last turn")
            }
            (None, Ground::NotEarned) => {
                f.write_str(", and warming has not earned in this project what such a bet costs")
            }
            (None, Ground::TooFewTurns) => f.write_str(", and it has had too few turns to be known"),
            (None, Ground::Pays | Ground::DoesNotPay | Ground::TooSmall | Ground::NoPrice) => Ok(()),
        }
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
    let worth = lifetime(ttl) * (most_refreshes(price, ttl) + 1);
    if mode == WarmingMode::Keep { worth } else { worth.min(LONGEST_HOLD) }
}
