//! Times as the API shows them: RFC 3339 in UTC, to the millisecond.

use domain::time::{Moment, UnixMillis};
use jiff::Timestamp;
use serde::Serializer;
use std::time::Duration;

/// `at` as text. A time outside of the calendar (nobody's clock is there) shows as the calendar's end that is nearer.
pub(crate) fn time(at: UnixMillis) -> String {
    let nearest = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
    format!("{:.3}", Timestamp::from_millisecond(at.0).unwrap_or(nearest))
}

/// For fields of answers.
pub(crate) fn as_time<S: Serializer>(at: &UnixMillis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time(*at))
}

/// The calendar time of `moment`, for a clock that is at `now` and `unix`.
pub(crate) fn calendar(moment: Moment, now: Duration, unix: Duration) -> UnixMillis {
    UnixMillis::from(unix.saturating_sub(Moment::from(now).since(moment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc() {
        assert_eq!(time(UnixMillis(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(UnixMillis(1_798_156_800_250)), "2026-12-25T00:00:00.250Z");
        assert!(time(UnixMillis(i64::MAX)).starts_with("9999-"), "{}", time(UnixMillis(i64::MAX)));
    }

    #[test]
    fn a_moment_is_as_long_ago_as_the_clock_has_run_since() {
        let (now, unix) = (Duration::from_secs(100), Duration::from_secs(1_000_000));
        assert_eq!(calendar(Moment::from_secs(90), now, unix), UnixMillis(999_990_000));
        assert_eq!(calendar(Moment::from_secs(110), now, unix), UnixMillis(1_000_000_000));
    }
}
