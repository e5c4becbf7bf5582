//! How knowledge fades when nobody needs it, and when a project has too much of it.

use crate::time::{DAY, UnixMillis};

/// After so long without use, in milliseconds, an entry counts half: 60 days. Ours, so that what a user stated (1.0) falls to
/// [`FAINT`] in 139 days and what only seemed so (0.6) in 95, a little less than the 120 days for which the original gateway
/// keeps messages.
pub const HALF_LIFE: i64 = 60 * 24 * 3_600_000;
/// Below this confidence an entry is not worth a model's attention (original-gateway figure).
pub const FAINT: f64 = 0.2;
/// How long a project's entries are left alone after they were consolidated, in milliseconds (original-gateway figure).
pub const CONSOLIDATION_REST: i64 = 3_600_000;

/// What is left at `now` of the `confidence` of an entry that was last of use at `used`: exponential decay, c·2^(-t/h).
#[must_use]
pub fn faded(confidence: f64, used: UnixMillis, now: UnixMillis) -> f64 {
    let unused = now.0.saturating_sub(used.0).max(0);
    confidence * (-(unused as f64) / HALF_LIFE as f64).exp2()
}

/// When a project was consolidated last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consolidated {
    /// When that began.
    pub at: UnixMillis,
    /// How many answers in a row were of no use, up to this one.
    pub vain: u32,
}

impl Consolidated {
    /// How long its entries are left alone after that, in milliseconds: twice as long after each answer of no use, a day at most.
    const fn rest(self) -> i64 {
        let doublings = if self.vain < 5 { self.vain } else { 5 };
        let rest = CONSOLIDATION_REST << doublings;
        if rest < DAY { rest } else { DAY }
    }
}

/// Whether a project with so many entries may be consolidated at `now`: there are more than `most`, and the last time was long
/// enough ago. A clock that was set back does not hold it up for longer.
#[must_use]
pub fn is_consolidation_due(entries: u32, most: u32, last: Option<Consolidated>, now: UnixMillis) -> bool {
    let rested = |last: Consolidated| !(0..last.rest()).contains(&now.0.saturating_sub(last.at.0));
    entries > most && last.is_none_or(rested)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_used_counts_half_after_each_half_life() {
        let at =
            |lives: f64| faded(0.8, UnixMillis(1000), UnixMillis(1000 + (lives * HALF_LIFE as f64) as i64));
        assert_eq!([at(0.0), at(1.0), at(2.0)], [0.8, 0.4, 0.2]);
        assert!(at(0.5) < 0.6 && at(0.5) > 0.56);
        assert_eq!(
            faded(0.8, UnixMillis(1000), UnixMillis(0)),
            0.8,
            "a clock that was set back adds nothing"
        );
    }

    #[test]
    fn what_a_user_stated_is_faint_after_139_days() {
        let after = |days: i64| faded(1.0, UnixMillis(0), UnixMillis(days * 24 * 3_600_000));
        assert!(after(139) > FAINT && after(140) < FAINT);
    }

    #[test]
    fn too_many_entries_are_consolidated_once_an_hour() {
        let due = |entries, last: Option<i64>| {
            let last = last.map(|at| Consolidated { at: UnixMillis(at), vain: 0 });
            is_consolidation_due(entries, 40, last, UnixMillis(10 * CONSOLIDATION_REST))
        };
        assert!(due(41, None) && !due(40, None));
        assert!(!due(41, Some(9 * CONSOLIDATION_REST + 1)) && due(41, Some(9 * CONSOLIDATION_REST)));
        assert!(due(41, Some(11 * CONSOLIDATION_REST)), "a clock that was set back");
    }

    #[test]
    fn after_answers_of_no_use_a_project_rests_for_longer_but_a_day_at_most() {
        let hours = |vain| {
            let last = Some(Consolidated { at: UnixMillis(0), vain });
            (1..).find(|hour| is_consolidation_due(41, 40, last, UnixMillis(hour * CONSOLIDATION_REST)))
        };
        assert_eq!([0, 1, 2, 4, 5, u32::MAX].map(hours), [1, 2, 4, 16, 24, 24].map(Some));
    }
}
