//! Two times that must not be mixed: [`Moment`] to measure and to order, [`UnixMillis`] to show and to store.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A point on the gateway's monotonic clock: microseconds since the process started. Never goes back, means nothing in
/// another process. All protocol decisions use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub u64);

impl Moment {
    /// The moment `seconds` after the start of the clock.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds * 1_000_000)
    }

    /// This moment and `span` more; stays at the largest moment instead of wrapping.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl From<Duration> for Moment {
    /// The moment that lies `span` after the start of the clock.
    fn from(span: Duration) -> Self {
        Self::default().after(span)
    }
}

/// A day of calendar time, in milliseconds.
pub const DAY: i64 = 86_400_000;

/// A point of calendar time: milliseconds since 1970 in UTC. It may jump when somebody sets the clock, so nothing is ever
/// ordered by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl From<Duration> for UnixMillis {
    /// The calendar time that lies `span` after 1970.
    fn from(span: Duration) -> Self {
        Self(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_never_wraps_and_never_runs_backwards() {
        let late = Moment(u64::MAX);
        assert_eq!(late.after(Duration::from_secs(1)), late);
        assert_eq!(Moment(3).since(Moment(5)), Duration::ZERO);
        assert_eq!(Moment::from_secs(2).since(Moment::from_secs(1)), Duration::from_secs(1));
    }
}
