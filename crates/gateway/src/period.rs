//! From when until when, as people and agents say it.

use domain::time::UnixMillis;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use store::Period;

/// What is asked for with these words, whichever are given, by somebody whose clock and calendar say `now`.
///
/// # Errors
/// What is wrong and what may stand there, for whoever asks.
pub(crate) fn read(since: Option<&str>, until: Option<&str>, now: &Zoned) -> Result<Period, String> {
    let said = |name, said: Option<&str>| {
        let said = said.map(str::trim).filter(|said| !said.is_empty());
        said.map(|said| bounds(said, now).ok_or_else(|| unreadable(name, said))).transpose()
    };
    let since = said("since", since)?.map(|(first, _)| first);
    let until = said("until", until)?.map(|(_, behind)| behind);
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        return Err("since does not lie before until, so there is nothing between them".to_owned());
    }
    let millis = |at: Timestamp| UnixMillis(at.as_millisecond());
    Ok(Period { since: since.map(millis), until: until.map(millis) })
}

/// A clock's time where this program runs.
pub(crate) fn here(unix: UnixMillis) -> Zoned {
    Timestamp::from_millisecond(unix.0).unwrap_or_default().to_zoned(TimeZone::system())
}

/// The first moment of what is said, and the first behind it: those of a day, else one moment.
fn bounds(said: &str, now: &Zoned) -> Option<(Timestamp, Timestamp)> {
    let today = now.date();
    let day = match said {
        "today" => Some(today),
        "yesterday" => today.yesterday().ok(),
        _ => date(said),
    };
    if let Some(day) = day {
        let begins = |day: Date| day.to_zoned(now.time_zone().clone()).ok().map(|begun| begun.timestamp());
        return Some((begins(day)?, begins(day.tomorrow().ok()?)?));
    }
    let moment = said.parse().ok().or_else(|| long_ago(said, now))?;
    Some((moment, moment))
}

/// A day alone. The calendar's own reader takes the day of a date with a time of day as well.
fn date(said: &str) -> Option<Date> {
    let looks_alone = said.len() == "2026-11-24".len();
    looks_alone.then(|| said.parse().ok()).flatten()
}

/// As in "36h", "7d", "2 weeks ago".
fn long_ago(said: &str, now: &Zoned) -> Option<Timestamp> {
    let span: Span = said.parse().ok()?;
    now.checked_sub(span.abs()).ok().map(|then| then.timestamp())
}

fn unreadable(name: &str, said: &str) -> String {
    format!(
        "{name} is {said:?}, which is no time: say a day (2026-11-24, today, yesterday), a moment \
        (2026-11-24T10:00:00Z) or how long ago (36h, 7d)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half past midnight in Helsinki, where it is still yesterday in UTC.
    fn now() -> Zoned {
        "2026-11-24T00:30:00+02:00[Europe/Helsinki]".parse().unwrap()
    }

    fn shown(since: Option<&str>, until: Option<&str>) -> Result<[Option<String>; 2], String> {
        let shown = |at: UnixMillis| Timestamp::from_millisecond(at.0).unwrap().to_string();
        read(since, until, &now()).map(|period| [period.since.map(shown), period.until.map(shown)])
    }

    #[test]
    fn a_day_is_a_whole_day_where_whoever_asks_lives() {
        let day = Ok([Some("2026-11-22T22:00:00Z".to_owned()), Some("2026-11-23T22:00:00Z".to_owned())]);
        assert_eq!(shown(Some("yesterday"), Some("yesterday")), day);
        assert_eq!(shown(Some("2026-11-23"), Some(" 2026-11-23 ")), day);
        assert_eq!(shown(Some("today"), None), Ok([Some("2026-11-23T22:00:00Z".to_owned()), None]));
        assert_eq!(shown(None, Some("today")), Ok([None, Some("2026-11-24T22:00:00Z".to_owned())]));
    }

    #[test]
    fn a_day_on_which_the_clocks_change_is_as_long_as_it_is() {
        let day = Ok([Some("2026-10-24T21:00:00Z".to_owned()), Some("2026-10-25T22:00:00Z".to_owned())]);
        assert_eq!(shown(Some("2026-10-25"), Some("2026-10-25")), day);
    }

    #[test]
    fn a_moment_is_itself_and_a_span_is_so_long_ago() {
        let since = |said| shown(Some(said), None).unwrap()[0].clone().unwrap();
        assert_eq!(since("2026-11-01T10:00:00+01:00"), "2026-11-01T09:00:00Z");
        assert_eq!(since("36h"), "2026-11-22T10:30:00Z");
        assert_eq!(since("7d"), "2026-11-16T22:30:00Z");
        assert_eq!(since("2 weeks ago"), "2026-11-09T22:30:00Z");
    }

    #[test]
    fn nothing_said_is_open() {
        assert_eq!(shown(None, None), Ok([None, None]));
        assert_eq!(shown(Some(" "), Some("")), Ok([None, None]));
    }

    #[test]
    fn what_is_no_time_is_told_with_what_may_stand_there() {
        insta::assert_snapshot!(shown(Some("last full moon"), None).unwrap_err());
        for said in ["2026-13-01", "2026-11-24T10:00:00", "99999999999y", "-", "2026-11-2"] {
            assert!(shown(None, Some(said)).unwrap_err().starts_with("until is "), "{said}");
        }
        insta::assert_snapshot!(shown(Some("today"), Some("2026-11-20")).unwrap_err());
    }
}
