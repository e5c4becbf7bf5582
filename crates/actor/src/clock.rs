//! The one clock of the house, so that a day can pass in a test within milliseconds.

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

    /// The time since this clock's origin. Never goes backwards.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
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
    fn the_system_clock_knows_the_century() {
        let year_2020 = Duration::from_secs(1_577_836_800);
        assert!(Clock::system().unix() > year_2020);
    }
}
