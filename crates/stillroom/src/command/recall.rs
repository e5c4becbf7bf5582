//! `stillroom recall`: a search over everything that was kept.

use super::invocation::Invocation;
use super::look::{self, List};
use super::project::named;
use crate::cli::Json;
use crate::client::encoded;
use crate::failure::Failure;
use domain::ids::{ProjectId, SessionId};
use serde_json::Value;
use std::process::ExitCode;

/// Shows what fits `words`, the best first.
pub(crate) fn perform(
    invocation: &Invocation<'_>,
    words: &[String],
    (limit, project): (u32, Option<&str>),
    json: Json,
) -> Result<ExitCode, Failure> {
    let project = project.map(|project| named(invocation, project)).transpose()?;
    look::show(invocation, &list(words, (limit, project.as_ref())), json)
}

/// So many hits, and perhaps of one project only.
fn list(words: &[String], (limit, project): (u32, Option<&ProjectId>)) -> List {
    let project =
        project.map(|project| format!("&project={}", encoded(project.as_str()))).unwrap_or_default();
    List {
        path: format!("/api/v1/recall?q={}&limit={limit}{project}", encoded(&words.join(" "))),
        field: "hits",
        columns: &[
            ("SOURCE", "source"),
            ("AT", "at"),
            ("SESSION", "session"),
            ("TITLE", "title"),
            ("TEXT", "text"),
        ],
        complete: shorten,
        empty: "Nothing fits.",
    }
}

/// As much of a session's id as tells it from others leaves more room for the text.
fn shorten(hit: &mut Value) {
    if let Some(session) = hit["session"].as_str().map(SessionId::from) {
        hit["session"] = session.prefix().into();
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::tests::text;
    use super::*;
    use serde_json::json;

    #[test]
    fn the_words_are_one_query() {
        let path = |project| list(&["wal".to_owned(), "a&b".to_owned()], (5, project)).path;
        assert_eq!(path(None), "/api/v1/recall?q=wal%20a%26b&limit=5");
        assert_eq!(path(Some(&"/a b".into())), "/api/v1/recall?q=wal%20a%26b&limit=5&project=%2Fa%20b");
    }

    #[test]
    fn each_hit_is_a_line() {
        let answer = json!({"hits": [
            {"source": "knowledge", "id": "k1", "session": null, "title": "WAL and NFS", "text": "not over NFS", "score": 2.5, "at": "2026-11-23T10:00:00.000Z"},
            {"source": "message", "id": "7", "session": "0199f3a2-77aa-7000-8000-000000000001", "title": null, "text": "is WAL safe?", "score": 1.25, "at": "2026-11-23T10:00:01.000Z"},
        ]});
        insta::assert_snapshot!(text(&list(&[], (10, None)), &answer));
    }
}
