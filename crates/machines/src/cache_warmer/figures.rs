//! Numbers, as people read them.

use std::time::Duration;

/// `48,231 tokens`.
pub(super) fn tokens(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    format!("{} tokens", groups.join(","))
}

/// `$1.25`, and below ten cents `$0.0145`.
pub(super) fn dollars(amount: f64) -> String {
    if amount < 0.1 { format!("${amount:.4}") } else { format!("${amount:.2}") }
}

/// Thousandths as `31.4 %`.
pub(super) fn percent(thousandths: u16) -> String {
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}

/// Cents as dollars.
pub(super) fn cents(count: u64) -> String {
    format!("${}.{:02}", count / 100, count % 100)
}

/// `3 min 20 s`: two units at most, and nothing that is nought.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let told: Vec<String> = parts
        .iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if told.is_empty() { "0 s".to_owned() } else { told.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_people_read_them() {
        assert_eq!(
            [0, 999, 1_000, 48_231, 1_000_000].map(tokens),
            ["0 tokens", "999 tokens", "1,000 tokens", "48,231 tokens", "1,000,000 tokens",]
        );
        assert_eq!([0.014_469, 0.1, 1.005, 12.0].map(dollars), ["$0.0145", "$0.10", "$1.00", "$12.00"]);
        assert_eq!([0, 7, 314, 1000].map(percent), ["0.0 %", "0.7 %", "31.4 %", "100.0 %"]);
        assert_eq!([0, 5, 120].map(cents), ["$0.00", "$0.05", "$1.20"]);
        let seconds = [0, 59, 60, 200, 3600, 3_601, 19_000].map(Duration::from_secs);
        assert_eq!(seconds.map(span), ["0 s", "59 s", "1 min", "3 min 20 s", "1 h", "1 h", "5 h 16 min"]);
    }
}
