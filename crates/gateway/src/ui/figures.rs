//! Times and sums, as people read them.

use super::text::text;
use crate::admin::shown::time;
use domain::time::UnixMillis;
use maud::{Markup, html};

/// How long ago `at` was, with the exact time where a mouse or a program looks.
pub(super) fn ago(at: UnixMillis, now: UnixMillis) -> Markup {
    let exact = time(at);
    html! { time datetime=(exact) title=(exact) { (age(now.0 - at.0)) } }
}

/// How exactly a clock shows a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    ToTheMinute,
    ToTheSecond,
}

/// A point of time as a clock shows it, in UTC.
pub(super) fn clock(at: UnixMillis, hands: Clock) -> Markup {
    let exact = time(at);
    let end = if hands == Clock::ToTheMinute { 16 } else { 19 };
    let short = exact.get(11..end).unwrap_or_default().to_owned();
    html! { time datetime=(exact) title=(exact) { (text(&short)) } }
}

/// So many milliseconds in the past, or in the future when below zero.
fn age(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        ..=-1 => format!("in {}", span(seconds.saturating_neg())),
        0..=4 => "just now".to_owned(),
        _ => format!("{} ago", span(seconds)),
    }
}

/// So many seconds, in the largest unit that fits.
pub(super) fn span(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A sum in dollars: cents from ten dollars on, smaller parts below a cent.
pub(super) fn dollars(usd: f64) -> String {
    let (sign, amount) = if usd < 0.0 { ("\u{2212}", -usd) } else { ("", usd) };
    match amount {
        0.0 => "$0".to_owned(),
        0.000_05..0.01 => format!("{sign}${amount:.4}"),
        ..0.000_05 => format!("{sign}<$0.0001").replacen("\u{2212}<", "<\u{2212}", 1),
        0.01..10.0 => format!("{sign}${amount:.3}"),
        _ => format!("{sign}${amount:.2}"),
    }
}

/// Tokens, shortened from ten thousand on.
pub(super) fn tokens(count: u64) -> String {
    match count {
        ..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{} k", count / 1_000),
        1_000_000..100_000_000 => format!("{:.1} M", count as f64 / 1e6),
        _ => format!("{} M", count / 1_000_000),
    }
}

/// Microseconds, in the largest unit that fits.
pub(super) fn microseconds(count: u64) -> String {
    match count {
        ..1_000 => format!("{count} \u{b5}s"),
        1_000..1_000_000 => format!("{:.1} ms", count as f64 / 1e3),
        _ => format!("{:.1} s", count as f64 / 1e6),
    }
}

/// A count and its noun.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_the_unit_that_fits() {
        let told = [0, 4_999, 5_000, 119_000, 120_000, 7_200_000, 172_800_000, -90_000].map(age);
        let expected =
            ["just now", "just now", "5 s ago", "119 s ago", "2 min ago", "2 h ago", "2 d ago", "in 90 s"];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_time_has_its_exact_value_beside_its_age() {
        let shown = ago(UnixMillis(1_798_156_800_000), UnixMillis(1_798_156_860_000)).into_string();
        let exact = "2026-12-25T00:00:00.000Z";
        assert_eq!(shown, format!("<time datetime=\"{exact}\" title=\"{exact}\">60 s ago</time>"));
    }

    #[test]
    fn sums_keep_the_digits_that_matter() {
        let told = [0.0, 0.000_01, 0.001_234, 0.25, 12.345, -0.5].map(dollars);
        assert_eq!(told, ["$0", "<$0.0001", "$0.0012", "$0.250", "$12.35", "\u{2212}$0.500"]);
        assert_eq!([9_999, 10_000, 1_500_000, 200_000_000].map(tokens), ["9999", "10 k", "1.5 M", "200 M"]);
        assert_eq!([12, 1_500, 2_000_000].map(microseconds), ["12 \u{b5}s", "1.5 ms", "2.0 s"]);
    }
}
