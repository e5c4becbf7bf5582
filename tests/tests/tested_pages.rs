//! Some pages promise a test for each of their rows; this one holds them to that.

#![expect(clippy::expect_used, reason = "a page that cannot be read promises nothing")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// All program text below `folder`.
fn source(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let text = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => source(&path),
        Some(extension) if extension == "rs" || extension == "py" => fs::read_to_string(&path).expect("text"),
        _ => String::new(),
    };
    entries.map(text).collect()
}

/// The last cell of every row of the tables whose last column names tests.
fn tests_of_rows(page: &str) -> Vec<&str> {
    let tables = page.split("| test |\n").skip(1).flat_map(|table| table.split("\n\n").next());
    let rows = tables.flat_map(str::lines).filter(|line| line.starts_with("| "));
    rows.filter_map(|row| row.trim_end_matches([' ', '|']).rsplit("| ").next()).collect()
}

#[test]
fn every_row_names_tests_and_every_test_it_names_exists() {
    let source = source(&root().join("crates")) + &source(&root().join("tests/clients"));
    for (name, many) in [("intake.md", 20), ("fidelity.md", 20), ("faults.md", 30)] {
        let page = fs::read_to_string(root().join("docs").join(name)).expect("the page");
        let rows = tests_of_rows(&page);
        assert!(rows.len() > many, "{name} has its tables: {rows:?}");
        rows.into_iter().for_each(|cell| assert_names_tests(cell, &source));
    }
}

fn assert_names_tests(cell: &str, source: &str) {
    let names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
    assert!(cell == "the same" || !names.is_empty(), "a row without a test: {cell}");
    for name in names {
        let is_there = ["fn", "def"].iter().any(|kind| source.contains(&format!("{kind} {name}(")));
        assert!(is_there, "no test is called {name}");
    }
}
