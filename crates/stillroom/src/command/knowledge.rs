//! `stillroom knowledge`: what the curator keeps.

use super::invocation::Invocation;
use super::look::{self, List};
use crate::cli::Json;
use crate::failure::Failure;
use std::process::ExitCode;

/// Lists the entries.
pub(crate) fn perform(invocation: &Invocation<'_>, json: Json) -> Result<ExitCode, Failure> {
    look::show(invocation, &list(), json)
}

fn list() -> List {
    List {
        path: "/api/v1/knowledge".to_owned(),
        field: "knowledge",
        columns: &[
            ("ID", "id"),
            ("CATEGORY", "category"),
            ("CONFIDENCE", "confidence"),
            ("TITLE", "title"),
            ("CONTENT", "content"),
        ],
        complete: |_| {},
        empty: "Nothing is kept yet: the curator works a few turns after the first observations.",
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::tests::text;
    use super::*;
    use serde_json::json;

    #[test]
    fn each_entry_is_a_line() {
        let answer = json!({"knowledge": [{"id": "k1", "category": "gotcha", "confidence": 0.9, "title": "WAL and NFS",
            "content": "SQLite's WAL does not work\nover NFS.", "version": 1}]});
        insta::assert_snapshot!(text(&list(), &answer), @r"
        ID  CATEGORY  CONFIDENCE  TITLE        CONTENT
        k1  gotcha    0.9         WAL and NFS  SQLite's WAL does not work over NFS.
        ");
    }
}
