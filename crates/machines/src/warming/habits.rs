//! How those who are waited for behave: a life table each for people and tools, and what warming has earned.

use super::tally::Tally;
use super::wait::Awaited;
use serde::{Deserialize, Serialize};

/// What the written form of [`Habits`] means: the spans of a tally, and the units. It rises when that changes, and what was written
/// in another shape is not read.
pub const SHAPE: u32 = 1;

/// The habits of one session, one project, or everybody. A plain value of a fixed size.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Habits {
    /// Of people.
    human: Tally,
    /// Of tools.
    tool: Tally,
    /// What warming has cost and earned there.
    #[serde(default)]
    pub account: Account,
}

impl Habits {
    /// Those of whoever is waited for.
    #[must_use]
    pub fn of(&self, awaited: Awaited) -> &Tally {
        match awaited {
            Awaited::Human => &self.human,
            Awaited::Tool => &self.tool,
        }
    }

    /// The same, to learn.
    pub fn of_mut(&mut self, awaited: Awaited) -> &mut Tally {
        match awaited {
            Awaited::Human => &mut self.human,
            Awaited::Tool => &mut self.tool,
        }
    }

    /// Learns what `other` has learnt, too.
    pub(super) fn add(&mut self, other: &Self) {
        self.human.add(&other.human);
        self.tool.add(&other.tool);
        self.account.spent = self.account.spent.saturating_add(other.account.spent);
        self.account.saved = self.account.saved.saturating_add(other.account.saved);
    }
}

/// What warming has cost and earned, in millionths of a dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Account {
    /// Spent on warm-ups.
    spent: u64,
    /// Saved by returns to a cache that would have been gone.
    saved: u64,
}

impl Account {
    /// Books `dollars` that a warm-up cost.
    pub fn spend(&mut self, dollars: f64) {
        self.spent = self.spent.saturating_add(millionths(dollars));
    }

    /// Books `dollars` that a return saved.
    pub fn save(&mut self, dollars: f64) {
        self.saved = self.saved.saturating_add(millionths(dollars));
    }

    /// Whether another warm-up for `dollars` can be paid with what was earned, and with a credit of so many like it.
    #[must_use]
    pub fn affords(&self, dollars: f64, credit: u64) -> bool {
        let next = millionths(dollars);
        let needed = self.spent.saturating_add(next);
        needed <= self.saved.saturating_add(next.saturating_mul(credit))
    }
}

/// Less than nothing is nothing.
pub(super) fn millionths(dollars: f64) -> u64 {
    (dollars * 1e6).round() as u64
}
