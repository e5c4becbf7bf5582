//! Dates that a question names.

use domain::time::UnixMillis;
use jiff::Timestamp;
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Words behind which "may" and "march" are months.
const BEFORE_A_MONTH: [&str; 12] =
    ["in", "on", "of", "since", "until", "by", "during", "early", "late", "mid", "last", "this"];
/// How far from a named day something may lie that was told of it.
const NEAR: u16 = 2;

/// A month, and what else was said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NamedDate {
    year: Option<i16>,
    month: i8,
    day: Option<i8>,
}

impl NamedDate {
    /// The first date in these words (in lower case, in their order).
    pub(super) fn among(words: &[String]) -> Option<Self> {
        let digits = words.windows(3).find_map(Self::of_digits);
        digits.or_else(|| (0..words.len()).find_map(|at| Self::of_month(words, at)))
    }

    /// As in 2026-11-24.
    fn of_digits(words: &[String]) -> Option<Self> {
        let [year, month, day] = words else { return None };
        let month = month.parse().ok().filter(|month| (1..=12).contains(month))?;
        Some(Self { year: Some(year_of(year)?), month, day: Some(day_of(day)?) })
    }

    /// As in "24 November 2026", "November 24th", "in November".
    fn of_month(words: &[String], at: usize) -> Option<Self> {
        let month = MONTHS.iter().position(|month| *month == words[at])?;
        let before = at.checked_sub(1).and_then(|before| words.get(before)).map(String::as_str);
        let behind = words.get(at + 1).map(String::as_str);
        let day = behind.and_then(day_of).or_else(|| before.and_then(day_of));
        let year = words[at..].iter().take(3).find_map(|word| year_of(word));
        let is_sure = !["may", "march"].contains(&MONTHS[month]) || day.is_some() || year.is_some();
        let is_month = is_sure || before.is_some_and(|before| BEFORE_A_MONTH.contains(&before));
        is_month.then_some(Self { year, month: i8::try_from(month + 1).unwrap_or_default(), day })
    }

    /// How well a moment fits: 0 not at all, 1 the month, 1.5 also the day, nearly. In UTC.
    pub(super) fn fit(self, at: UnixMillis) -> f64 {
        let Ok(moment) = Timestamp::from_millisecond(at.0) else { return 0.0 };
        let date = moment.to_zoned(TimeZone::UTC).date();
        if date.month() != self.month || self.year.is_some_and(|year| year != date.year()) {
            return 0.0;
        }
        let is_near = self.day.is_some_and(|day| u16::from(day.abs_diff(date.day())) <= NEAR);
        if is_near { 1.5 } else { 1.0 }
    }
}

fn year_of(word: &str) -> Option<i16> {
    word.parse().ok().filter(|year| (1900..2100).contains(year))
}

fn day_of(word: &str) -> Option<i8> {
    let ordinal = ["st", "nd", "rd", "th"].iter().find_map(|ending| word.strip_suffix(ending));
    ordinal.unwrap_or(word).parse().ok().filter(|day| (1..=31).contains(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(question: &str) -> Option<(Option<i16>, i8, Option<i8>)> {
        let words: Vec<String> = super::super::lexicon::words(question).collect();
        NamedDate::among(&words).map(|date| (date.year, date.month, date.day))
    }

    #[test]
    fn dates_are_read_in_the_ways_people_write_them() {
        assert_eq!(named("What broke on 24 November 2026?"), Some((Some(2026), 11, Some(24))));
        assert_eq!(named("What broke on November 24th, 2026?"), Some((Some(2026), 11, Some(24))));
        assert_eq!(named("deploys of 2026-11-24"), Some((Some(2026), 11, Some(24))));
        assert_eq!(named("Which tests failed in November?"), Some((None, 11, None)));
        assert_eq!(named("What came in May?"), Some((None, 5, None)));
    }

    #[test]
    fn what_only_looks_like_a_date_is_none() {
        for question in
            ["What may fail?", "the march of progress", "port 8080 and 12 retries", "2026-24-11", ""]
        {
            assert_eq!(named(question), None, "{question}");
        }
    }

    #[test]
    fn a_day_fits_better_than_its_month_and_another_month_not_at_all() {
        let words: Vec<String> = super::super::lexicon::words("on 24 November 2026").collect();
        let date = NamedDate::among(&words).unwrap();
        let day = |day: i64| UnixMillis(1_793_491_200_000 + (day - 1) * 86_400_000); // From 1 November 2026.
        assert_eq!([date.fit(day(23)), date.fit(day(2)), date.fit(day(40))], [1.5, 1.0, 0.0]);
        assert_eq!(date.fit(day(23 - 365)), 0.0, "another year");
        assert_eq!(date.fit(UnixMillis(i64::MAX)), 0.0, "no date at all");
    }
}
