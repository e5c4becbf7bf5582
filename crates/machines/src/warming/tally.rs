//! A life table of waits: how many reached a span of time, and how many ended in it.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many spans of time are told apart.
pub const BINS: usize = 13;

/// Where each span begins, in seconds; the last has no end. Each is twice the one before, because the rate of returns falls about
/// as one over the time waited: finer ones only add noise.
pub(super) const STARTS: [u64; BINS] =
    [0, 75, 150, 300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 76_800, 153_600];

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// The agent called again after this long.
    Returned(Duration),
    /// Nobody looked any longer; until then, for so long, it had not called.
    Away(Duration),
    /// It will never call again.
    Gone,
}

/// See the module. Its size does not grow with what it learns.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Waits that ended in each span.
    returned: [u32; BINS],
    /// Waits that reached each span and were not lost sight of in it, weighed by their haste: thousandths.
    reached: [u64; BINS],
}

impl Tally {
    /// Counts one wait that ended in `gap`, whose haste, in thousandths, was `haste`.
    pub fn learn(&mut self, gap: Gap, haste: u64) {
        for bin in 0..BINS {
            let end = STARTS.get(bin + 1).map_or(Duration::MAX, |end| Duration::from_secs(*end));
            let returned = matches!(gap, Gap::Returned(after) if after < end);
            if matches!(gap, Gap::Away(after) if after < end) {
                return;
            }
            self.reached[bin] = self.reached[bin].saturating_add(haste);
            if returned {
                self.returned[bin] = self.returned[bin].saturating_add(1);
                return;
            }
        }
    }

    /// Counts what `other` has counted, too.
    pub(super) fn add(&mut self, other: &Self) {
        for bin in 0..BINS {
            self.returned[bin] = self.returned[bin].saturating_add(other.returned[bin]);
            self.reached[bin] = self.reached[bin].saturating_add(other.reached[bin]);
        }
    }

    /// The share of waits that end in `bin` among those that reach it, for a haste of one: what was counted, and `pseudo` waits
    /// that behaved as `expected`. With few counts that is what was expected, with many what was counted (the posterior mean of
    /// a binomial with a beta prior).
    #[must_use]
    pub fn hazard(&self, bin: usize, expected: f64, pseudo: f64) -> f64 {
        let reached = self.reached[bin] as f64 / 1000.0;
        (pseudo * expected + f64::from(self.returned[bin])) / (pseudo + reached)
    }

    /// How many waits reached the span in which `after` lies, weighed by their haste.
    #[must_use]
    pub fn reached(&self, after: Duration) -> u64 {
        let bin = STARTS.iter().rposition(|start| Duration::from_secs(*start) <= after).unwrap_or(0);
        self.reached[bin] / 1000
    }
}
