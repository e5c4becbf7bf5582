//! What is waited for, and what is at stake.

use super::decision::lead;
use crate::cache_warmer::lifetime;
use domain::conversation::CacheTtl;
use domain::price::Price;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Who has to do something before the agent calls again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Awaited {
    /// A person reads, thinks, types, or has left.
    Human,
    /// A tool runs, or a person is asked whether it may.
    Tool,
}

/// One wait: from a call of the agent to its next one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wait {
    /// Who is waited for.
    pub awaited: Awaited,
    /// How long the model took for its answer; none when that is not known.
    pub answered_in: Option<Duration>,
    /// How long the provider keeps the prefix after each use.
    pub ttl: CacheTtl,
    /// Tokens of the prefix.
    pub tokens: u64,
    /// Calls of the session so far, the last one included.
    pub turns: u32,
    /// What its model costs; none when no list has it.
    pub price: Option<Price>,
}

/// The answer that neither hastens nor slows a return, in seconds.
const PLAIN_ANSWER: f64 = 10.0;
/// Beyond these, in seconds, an answer says no more.
const ANSWERS: (f64, f64) = (2.0, 60.0);
/// How strongly the length of the answer counts.
const WEIGHT: f64 = 0.75;
/// What [`Wait::haste`] counts in.
pub(super) const PLAIN_HASTE: u64 = 1000;

impl Wait {
    /// How much likelier than usual a return is at any moment, in thousandths (proportional hazards: Cox, J. R. Stat. Soc. B 34,
    /// 1972). A long answer is read and replied to; after a short one, "done", a person is more often gone for good. On recorded
    /// sessions this is the one property of a call that tells ends from pauses. Tools do not read.
    #[must_use]
    pub fn haste(&self) -> u64 {
        let Some(answered_in) = self.answered_in.filter(|_| self.awaited == Awaited::Human) else {
            return PLAIN_HASTE;
        };
        let seconds = answered_in.as_secs_f64().clamp(ANSWERS.0, ANSWERS.1);
        ((seconds / PLAIN_ANSWER).powf(WEIGHT) * PLAIN_HASTE as f64) as u64
    }

    /// From one warm-up to the next: how much longer each keeps the cache than the one before.
    #[must_use]
    pub fn step(&self) -> Duration {
        lifetime(self.ttl).saturating_sub(lead(self.tokens))
    }

    /// What one warm-up costs, in dollars: the prefix is read, and one token is said. Nothing where there is no price.
    #[must_use]
    pub fn hold(&self) -> f64 {
        self.price.map_or(0.0, |price| price.read(self.tokens) + price.output / 1e6)
    }

    /// What a return to an expired cache costs more than one to a warm cache, in dollars. Nothing where there is no price.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.price.map_or(0.0, |price| price.saving(self.tokens, self.ttl))
    }
}
