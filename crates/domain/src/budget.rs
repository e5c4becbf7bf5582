//! What a day's budget lets background work do: nothing holds it up to the half; from there on spending may not run ahead of the
//! day; what is spent is spent until the next day begins.

use crate::time::{DAY, UnixMillis};
use serde::Serialize;

/// The part of a budget that may be spent at any pace.
const FREE: f64 = 0.5;

/// Whether more may be spent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Allowance {
    /// It may.
    Free,
    /// A larger part of the budget is spent than of the day: work waits until the day has caught up.
    Slowed {
        /// When it has.
        until: UnixMillis,
    },
    /// Nothing is left.
    Spent {
        /// When the next day begins, in UTC.
        until: UnixMillis,
    },
}

impl Allowance {
    /// What is left to do when `spent` of `limit` dollars is spent on the day of `now`.
    #[must_use]
    pub fn of(limit: f64, spent: f64, now: UnixMillis) -> Self {
        let begun = day_of(now);
        if spent >= limit {
            return Self::Spent { until: UnixMillis(begun.0 + DAY) };
        }
        let part = spent / limit;
        let until = UnixMillis(begun.0 + (part * DAY as f64) as i64);
        if part < FREE || until <= now { Self::Free } else { Self::Slowed { until } }
    }

    /// Until when nothing may be spent; none when something may.
    #[must_use]
    pub const fn held_until(self) -> Option<UnixMillis> {
        match self {
            Self::Free => None,
            Self::Slowed { until } | Self::Spent { until } => Some(until),
        }
    }
}

/// When the day of `now` began, in UTC.
#[must_use]
pub const fn day_of(now: UnixMillis) -> UnixMillis {
    UnixMillis(now.0 - now.0.rem_euclid(DAY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;
    const TODAY: i64 = 20_000 * DAY;

    fn at(hour: i64) -> UnixMillis {
        UnixMillis(TODAY + hour * HOUR)
    }

    #[test]
    fn up_to_the_half_nothing_is_held() {
        assert_eq!(Allowance::of(2.0, 0.0, at(0)), Allowance::Free);
        assert_eq!(Allowance::of(2.0, 0.99, at(0)), Allowance::Free);
    }

    #[test]
    fn from_the_half_on_spending_waits_for_the_day() {
        assert_eq!(Allowance::of(2.0, 1.0, at(9)), Allowance::Slowed { until: at(12) });
        assert_eq!(Allowance::of(2.0, 1.5, at(9)), Allowance::Slowed { until: at(18) });
        assert_eq!(Allowance::of(2.0, 1.5, at(18)), Allowance::Free);
    }

    #[test]
    fn what_is_spent_is_spent_until_midnight() {
        let spent = Allowance::Spent { until: at(24) };
        assert_eq!(Allowance::of(2.0, 2.0, at(23)), spent);
        assert_eq!(Allowance::of(0.0, 0.0, at(0)), spent, "a budget of nothing");
        assert_eq!(Allowance::of(2.0, 0.0, at(24)), Allowance::Free);
    }

    proptest! {
        #[test]
        fn it_is_free_again_when_it_said_it_would_be_and_not_before(
            limit in 0.01..100.0, part in 0.0..1.5, passed in 0..DAY
        ) {
            let (spent, now) = (limit * part, UnixMillis(TODAY + passed));
            if let Some(until) = Allowance::of(limit, spent, now).held_until() {
                prop_assert!(now < until && until.0 <= TODAY + DAY);
                let before = UnixMillis(until.0 - 1);
                prop_assert!(Allowance::of(limit, spent, before).held_until() == Some(until));
                let next_day = day_of(until) != day_of(now);
                let then = if next_day { 0.0 } else { spent };
                prop_assert_eq!(Allowance::of(limit, then, until), Allowance::Free);
            }
        }
    }
}
