//! Spans of time, from microseconds up.

use std::time::Duration;

/// The units, the longest first; each in microseconds.
const UNITS: [(&str, u64); 4] = [("ms", 1_000), ("us", 1), ("µs", 1), ("s", 1_000_000)];

/// Reads a whole number and its unit, `us`, `µs`, `ms` or `s`: `5ms`. None when it is no such thing.
#[must_use]
pub fn span(text: &str) -> Option<Duration> {
    let (number, factor) =
        UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))?;
    let digits = number.trim_end();
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| whole)?;
    number.checked_mul(factor).map(Duration::from_micros)
}

/// Three digits and a unit that suits: `12µs`, `1.25ms`, `3.4s`.
pub(super) fn shown(micros: u64) -> String {
    const MILLI: f64 = 1_000.0;
    match micros {
        0..1_000 => format!("{micros}µs"),
        1_000..1_000_000 => format!("{}ms", rounded(micros as f64 / MILLI)),
        _ => format!("{}s", rounded(micros as f64 / MILLI / MILLI)),
    }
}

fn rounded(number: f64) -> String {
    let places = if number < 10.0 {
        2
    } else if number < 100.0 {
        1
    } else {
        0
    };
    let text = format!("{number:.places$}");
    if places == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_whole_number_and_a_unit() {
        assert_eq!(span("5ms"), Some(Duration::from_millis(5)));
        assert_eq!(span("250us"), span("250 µs"));
        assert_eq!(span("2s"), Some(Duration::from_secs(2)));
        for wrong in [
            "",
            "5",
            "ms",
            "-5ms",
            "+5ms",
            "1.5ms",
            "5 minutes",
            "99999999999999999999s",
            "18446744073709551615s",
        ] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_span_is_shown_in_a_unit_that_suits() {
        let all = [0, 999, 1_000, 1_250, 41_300, 999_400, 1_000_000, 3_400_000, 7_200_000_000].map(shown);
        assert_eq!(all, ["0µs", "999µs", "1ms", "1.25ms", "41.3ms", "999ms", "1s", "3.4s", "7200s"]);
    }
}
