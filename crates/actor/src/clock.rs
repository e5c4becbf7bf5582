//! The one clock of the house, so that a day can pass in a test within milliseconds.
//!
//! The system's steady clock stands still while the machine sleeps, on Linux and macOS, and what expires at a provider does not: behind
//! a lid that was closed for an hour every token and every cache would look an hour younger than it is. So the time that only the
//! wall clock has seen pass is added.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Tells the time since its origin and since 1970.
///
/// Both follow tokio's clock: where that is paused, time is virtual.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    calendar: Calendar,
}

#[derive(Clone, Copy, Debug)]
enum Calendar {
    Wall,
    Virtual { origin: Duration },
}

impl Clock {
    /// The real clock, with its origin now.
    #[must_use]
    pub fn system() -> Self {
        Self { origin: Instant::now(), calendar: Calendar::Wall }
    }

    /// A clock that says it is `unix` (time since 1970) now, and goes on as tokio's clock does.
    #[must_use]
    pub fn virtual_from(unix: Duration) -> Self {
        Self { origin: Instant::now(), calendar: Calendar::Virtual { origin: unix } }
    }

    /// The time since this clock's origin, that in which the machine slept included. Never goes backwards.
    #[must_use]
    pub fn now(&self) -> Duration {
        match self.calendar {
            Calendar::Wall => self.origin.elapsed() + slept_so_far(),
            Calendar::Virtual { .. } => self.origin.elapsed(),
        }
    }

    /// The time since 1970; zero on a machine whose wall clock is set before that.
    #[must_use]
    pub fn unix(&self) -> Duration {
        match self.calendar {
            Calendar::Wall => wall(),
            Calendar::Virtual { origin } => origin + self.now(),
        }
    }
}

/// How long the machine has slept since the first call, as far as anybody has noticed.
fn slept_so_far() -> Duration {
    static BEGIN: OnceLock<(Instant, Duration)> = OnceLock::new();
    static SLEPT: AtomicU64 = AtomicU64::new(0);
    let (steady, on_the_wall) = *BEGIN.get_or_init(|| (Instant::now(), wall()));
    let before = Duration::from_millis(SLEPT.load(Ordering::Relaxed));
    let slept = slept(before, wall().saturating_sub(on_the_wall), steady.elapsed());
    let millis = u64::try_from(slept.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(SLEPT.fetch_max(millis, Ordering::Relaxed).max(millis))
}

/// How long it has slept, of which so much is known, when so much has passed on the wall and on the steady clock. What is less than a
/// nap is how the two drift, and what is more than a month is a wall clock that was set.
fn slept(before: Duration, on_the_wall: Duration, steady: Duration) -> Duration {
    const NAP: Duration = Duration::from_secs(30);
    const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);
    let more = on_the_wall.saturating_sub(steady).saturating_sub(before);
    if more < NAP || more > MONTH { before } else { before + more }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
fn wall() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHRISTMAS: Duration = Duration::from_secs(1_798_156_800);

    #[tokio::test(start_paused = true)]
    async fn a_virtual_clock_counts_from_its_base_and_follows_paused_time() {
        let clock = Clock::virtual_from(CHRISTMAS);
        assert_eq!((clock.now(), clock.unix()), (Duration::ZERO, CHRISTMAS));
        let hour = Duration::from_secs(3600);
        tokio::time::sleep(hour).await;
        assert_eq!((clock.now(), clock.unix()), (hour, CHRISTMAS + hour));
    }

    #[test]
    fn what_only_the_wall_clock_saw_pass_was_slept_unless_it_is_too_little_or_too_much_for_that() {
        let seconds = Duration::from_secs;
        let slept = |before, wall, steady| slept(seconds(before), seconds(wall), seconds(steady)).as_secs();
        assert_eq!(slept(0, 3600 + 10, 10), 3600, "an hour");
        assert_eq!(slept(3600, 3600 + 99, 99), 3600, "once, however often it is asked");
        assert_eq!(slept(3600, 2 * 3600 + 99, 99), 2 * 3600, "and another");
        assert_eq!(slept(3600, 50, 99), 3600, "the wall clock was set back");
        assert_eq!(slept(0, 1000, 980), 0, "they drift");
        assert_eq!(slept(0, 56 * 365 * 24 * 3600, 10), 0, "the wall clock was set");
    }

    #[test]
    fn the_system_clock_knows_the_century() {
        let year_2020 = Duration::from_secs(1_577_836_800);
        assert!(Clock::system().unix() > year_2020);
    }
}
