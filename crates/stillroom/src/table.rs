//! Plain aligned tables.

use crate::output::{harmless, head, width};
use console::{measure_text_width, truncate_str};
use serde_json::Value as Json;

/// The narrowest a column is cut to, in columns of a terminal.
const NARROWEST: usize = 6;
/// The title of what a row is called elsewhere.
const ID: &str = "ID";
/// What stands between two columns.
const GAP: &str = "  ";
/// What stands where there is nothing.
const NOTHING: &str = "–";

/// A column: its title, and the field that it shows.
pub(crate) type Column = (&'static str, &'static str);

/// One line a row, one field a column.
pub(crate) fn of_rows(rows: &[Json], columns: &[Column]) -> String {
    let title = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let cells = rows.iter().map(|row| columns.iter().map(|(_, field)| cell(&row[*field])).collect());
    align(&std::iter::once(title).chain(cells).collect::<Vec<_>>())
}

/// Rows of text under each other, the first of them titles; every row has as many cells as the first. Where the terminal is too
/// narrow, columns in which nothing stands are left out and the widest are cut; whoever reads it through a pipe gets all of it.
pub(crate) fn align(rows: &[Vec<String>]) -> String {
    let mut lines = fitted(rows, width());
    lines.iter_mut().take(1).for_each(|title| *title = head(title));
    lines.join("\n")
}

fn fitted(rows: &[Vec<String>], room: Option<usize>) -> Vec<String> {
    let Some(room) = room else { return lines(rows, &widths(rows)) };
    if total(&widths(rows)) <= room {
        return lines(rows, &widths(rows));
    }
    let rows = without_empty(rows);
    let titles = rows.first().map_or(&[][..], Vec::as_slice);
    let narrowed = narrowed(titles, widths(&rows), room);
    lines(&rows, &narrowed)
}

fn lines(rows: &[Vec<String>], widths: &[usize]) -> Vec<String> {
    rows.iter().map(|row| line(row, widths)).collect()
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.first().map_or(0, Vec::len);
    let widest = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| measure_text_width(cell)).max()
    };
    (0..columns).map(|column| widest(column).unwrap_or(0)).collect()
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1)
}

/// The columns that say something below their title.
fn without_empty(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let says =
        |column: usize| rows.iter().skip(1).filter_map(|row| row.get(column)).any(|cell| cell != NOTHING);
    let kept = |row: &Vec<String>| {
        row.iter().enumerate().filter(|(column, _)| says(*column)).map(|(_, cell)| cell.clone()).collect()
    };
    rows.iter().map(kept).collect()
}

/// The widest give way first, each down to the narrowest that still says something; last what other commands are told a row by.
fn narrowed(titles: &[String], mut widths: Vec<usize>, room: usize) -> Vec<usize> {
    for spared in [Some(ID), None] {
        while total(&widths) > room {
            let others = widths.iter_mut().zip(titles).filter(|(_, title)| Some(title.as_str()) != spared);
            let widest = others.map(|(width, _)| width).max().filter(|width| **width > NARROWEST);
            let Some(widest) = widest else { break };
            *widest -= 1;
        }
    }
    widths
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| {
        let shown = truncate_str(cell, *width, "…");
        let missing = width.saturating_sub(measure_text_width(&shown));
        format!("{shown}{}", " ".repeat(missing))
    });
    cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
}

/// A value on one line.
pub(crate) fn cell(value: &Json) -> String {
    let text = match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Array(values) if values.is_empty() => "[]".to_owned(),
        Json::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    let line = harmless(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if line.is_empty() { NOTHING.to_owned() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [
            json!({"id": "0199", "client": "claude-code", "at": "yesterday", "why": null}),
            json!({"id": "0200-long", "client": "codex", "at": "today", "why": "the provider\nrefused it"}),
        ];
        let columns = [("ID", "id"), ("CLIENT", "client"), ("AT", "at"), ("WHY", "why")];
        insta::assert_snapshot!(of_rows(&rows, &columns), @r"
        ID         CLIENT       AT         WHY
        0199       claude-code  yesterday  –
        0200-long  codex        today      the provider refused it
        ");
    }

    fn cells(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn nothing_is_cut_where_there_is_no_terminal() {
        let long = "x".repeat(200);
        let lines = fitted(&cells(&[&["A", "B"], &[&long, &long]]), None);
        assert_eq!(lines[1].len(), 200 + GAP.len() + 200);
    }

    #[test]
    fn the_widest_columns_give_way_to_a_narrow_terminal() {
        let rows = cells(&[
            &["ID", "CLIENT", "PAUSED BECAUSE", "TITLE"],
            &["0199f3a2-77", "claude-code", NOTHING, "SQLite's write-ahead log does not work over NFS"],
            &["0199f3a3-01", "codex", NOTHING, "漢字の列は二つ分の幅を取る"],
        ]);
        insta::assert_snapshot!(fitted(&rows, Some(48)).join("\n"), @r"
        ID           CLIENT       TITLE
        0199f3a2-77  claude-code  SQLite's write-ahead …
        0199f3a3-01  codex        漢字の列は二つ分の幅…
        ");
    }

    #[test]
    fn what_a_row_is_called_stays_whole_as_long_as_anything_else_can_give_way() {
        let id = "01a221cc-1f00-7000-8000-000000000001";
        let rows =
            cells(&[&["ID", "CLIENT", "MODEL"], &[id, "claude-code/2.1.330", "claude-opus-5-5-20260901"]]);
        assert!(fitted(&rows, Some(60))[1].starts_with(&format!("{id}  ")), "{:?}", fitted(&rows, Some(60)));
        let narrow = fitted(&rows, Some(40));
        assert!(narrow[1].starts_with("01a221cc-1f"), "{narrow:?}");
        assert!(
            narrow.iter().all(|line| measure_text_width(line) <= 40),
            "then it gives way too: {narrow:?}"
        );
    }

    proptest! {
        #[test]
        fn a_table_has_a_line_for_each_row_whatever_is_in_it(cells in prop::collection::vec(".*", 0..8)) {
            let rows: Vec<_> = cells.iter().map(|cell| json!({"a": cell})).collect();
            prop_assert_eq!(of_rows(&rows, &[("A", "a")]).lines().count(), rows.len() + 1);
        }

        #[test]
        fn a_table_fits_any_terminal_that_is_wide_enough_for_its_narrowest(
            rows in prop::collection::vec(prop::array::uniform3(".{0,80}"), 1..6), room in 28usize..200
        ) {
            let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|text| cell(&text.as_str().into())).collect()).collect();
            for line in fitted(&rows, Some(room)) {
                prop_assert!(measure_text_width(&line) <= room, "{line:?}");
            }
        }
    }
}
