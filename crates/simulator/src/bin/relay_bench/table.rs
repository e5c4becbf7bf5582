//! The figures for people, and as lines of JSON for programs.

use crate::goals::{Goal, Measured, millis, ratio};
use crate::race::{Case, Figures};
use serde_json::{Value, json};
use std::fmt::Write as _;

const HEAD: &str = "case                       who          req/s  of nginx   p50 us   p99 us  first us   CPU us  x nginx     MiB   high  failed\n";

/// One case, a line a contender.
pub(crate) fn case(case: Case, figures: &[Figures]) -> String {
    let nginx = figures.iter().find(|figures| figures.contender == "nginx");
    let mut lines = String::from(HEAD);
    for it in figures {
        let (speed, cpu) =
            nginx.map_or((0.0, 0.0), |nginx| (it.per_second / nginx.per_second, ratio(it.cpu, nginx.cpu)));
        let micros = |span| millis(span) * 1e3;
        let [resident, highest] = [it.memory.resident, it.memory.highest].map(|kib| kib as f64 / 1024.0);
        writeln!(
            lines,
            "{:<26} {:<10} {:>7.0} {speed:>9.2} {:>8.0} {:>8.0} {:>9.0} {:>8.1} {cpu:>8.2} {resident:>7.1} {highest:>6.1} {:>7}",
            case.name(),
            it.contender,
            it.per_second,
            micros(it.median),
            micros(it.p99),
            micros(it.first),
            micros(it.cpu),
            it.failed,
        )
        .unwrap_or_default(); // Writing into a text cannot fail.
    }
    lines
}

/// Where the CPU time of Stillroom's builds went.
pub(crate) fn threads(figures: &Figures) -> String {
    let share =
        |(name, spent): (&String, &std::time::Duration)| format!("{name} {:.1}", millis(*spent) * 1e3);
    let shares: Vec<_> =
        figures.threads.iter().filter(|(_, spent)| spent.as_nanos() >= 100).map(share).collect();
    format!("  {}: CPU us by thread: {}\n", figures.contender, shares.join(", "))
}

/// The same as a line of JSON.
pub(crate) fn line(case: Case, it: &Figures) -> Value {
    json!({
        "answer": case.answer.as_str(), "body_kib": case.body, "connections": case.connections, "contender": it.contender,
        "requests_per_second": it.per_second, "median_ms": millis(it.median), "p99_ms": millis(it.p99),
        "first_ms": millis(it.first), "cpu_us": millis(it.cpu) * 1e3, "failed": it.failed,
        "resident_kib": it.memory.resident, "highest_kib": it.memory.highest,
        "cpu_us_by_thread": it.threads.iter().map(|(name, spent)| (name.clone(), json!(millis(*spent) * 1e3))).collect::<serde_json::Map<_, _>>(),
    })
}

/// What we want, and whether it holds.
pub(crate) fn goals(measured: &Measured) -> String {
    let mut lines =
        String::from("\ngoal                                                        at most          is\n");
    for goal in measured.goals() {
        let Goal { what, at_most, is, unit } = &goal;
        let is = is.map_or_else(|| "-".to_owned(), |is| format!("{is:.2}"));
        writeln!(lines, "{what:<58} {at_most:>8.2} {is:>11} {unit:<15} {}", goal.verdict())
            .unwrap_or_default();
    }
    lines
}
