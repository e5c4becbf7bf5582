//! Plain aligned tables.

use crate::output::harmless;
use serde_json::Value as Json;

/// The widest a column gets, in characters; the last one is not cut.
const WIDEST: usize = 60;
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

/// Rows of text under each other; every row has as many cells as the first.
pub(crate) fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let rows: Vec<Vec<String>> = rows.iter().map(|row| cut(row)).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| length(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    rows.iter().map(|row| line(row, &widths)).collect::<Vec<_>>().join("\n")
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells =
        row.iter().zip(widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - length(cell))));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn cut(row: &[String]) -> Vec<String> {
    let last = row.len().saturating_sub(1);
    row.iter().enumerate().map(|(at, cell)| if at == last { cell.clone() } else { shorten(cell) }).collect()
}

fn shorten(cell: &str) -> String {
    if length(cell) <= WIDEST {
        return cell.to_owned();
    }
    cell.chars().take(WIDEST - 1).chain(['…']).collect()
}

fn length(cell: &str) -> usize {
    cell.chars().count()
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

    #[test]
    fn only_the_last_column_may_be_long() {
        let long = "x".repeat(200);
        let columns = [("A", "a"), ("B", "b")];
        let table = of_rows(&[json!({"a": long, "b": long})], &columns);
        assert_eq!(table.lines().last().map(|line| line.chars().count()), Some(WIDEST + 2 + 200));
    }

    proptest! {
        #[test]
        fn a_table_has_a_line_for_each_row_whatever_is_in_it(cells in prop::collection::vec(".*", 0..8)) {
            let rows: Vec<_> = cells.iter().map(|cell| json!({"a": cell})).collect();
            prop_assert_eq!(of_rows(&rows, &[("A", "a")]).lines().count(), rows.len() + 1);
        }
    }
}
