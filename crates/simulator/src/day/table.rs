//! The day as a table that people read, in a terminal as well as in the README.

use super::tally::Tally;
use std::time::Duration;

const COLUMNS: usize = 11;
/// What stands over each column.
const HEAD: [&str; COLUMNS] = [
    "policy",
    "refused",
    "needless",
    "alerts",
    "episodes",
    "late",
    "median",
    "worst",
    "after proof: worst",
    "lost",
    "another's token",
];

/// A table of these policies, in Markdown, its columns aligned.
#[must_use]
pub fn table(rows: &[(&str, Tally)]) -> String {
    let rows: Vec<[String; COLUMNS]> = rows.iter().map(|(name, tally)| cells(name, tally)).collect();
    let head = HEAD.map(str::to_owned);
    let width = |column: usize| {
        rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let rule = widths.iter().enumerate().map(|(column, width)| match column {
        0 => format!("|{}", "-".repeat(width + 2)),
        _ => format!("|{}:", "-".repeat(width + 1)),
    });
    let mut text = line(&head, &widths) + &rule.collect::<String>() + "|\n";
    text.extend(rows.iter().map(|row| line(row, &widths)));
    text
}

fn line(cells: &[String; COLUMNS], widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
        0 => format!("| {cell:<width$} "),
        _ => format!("| {cell:>width$} "),
    });
    cells.collect::<String>() + "|\n"
}

fn cells(name: &str, tally: &Tally) -> [String; COLUMNS] {
    [
        name.to_owned(),
        tally.refused.to_string(),
        tally.needless().to_string(),
        tally.alerts.to_string(),
        tally.episodes.len().to_string(),
        tally.since_due.len().to_string(),
        span(tally.since_due.get(tally.since_due.len() / 2)),
        span(tally.since_due.last()),
        span(tally.since_proof.last()),
        tally.lost.to_string(),
        tally.crossed.to_string(),
    ]
}

/// A delay in the unit that fits it.
fn span(delay: Option<&Duration>) -> String {
    let Some(delay) = delay else { return "–".to_owned() };
    let minutes = delay.as_secs() / 60;
    match minutes {
        0 => format!("{:.1} s", delay.as_secs_f64()),
        1..60 => format!("{minutes} min"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}
