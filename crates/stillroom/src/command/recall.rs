//! `stillroom recall`: a search over everything that was kept.

use super::invocation::Invocation;
use super::look::{self, List};
use super::project::named;
use crate::cli::Recall;
use crate::client::encoded;
use crate::failure::Failure;
use domain::ids::{ProjectId, SessionId};
use serde_json::Value;
use std::process::ExitCode;

/// Shows what fits, the best first.
pub(crate) fn perform(invocation: &Invocation<'_>, asked: &Recall) -> Result<ExitCode, Failure> {
    let project = asked.project.as_deref().map(|project| named(invocation, project)).transpose()?;
    look::show(invocation, &list(asked, project.as_ref()), asked.json)
}

/// Of one project only, where one is meant.
fn list(asked: &Recall, project: Option<&ProjectId>) -> List {
    let project = project.map(ProjectId::as_str);
    let wishes = [("project", project), ("since", asked.since.as_deref()), ("until", asked.until.as_deref())];
    let wishes = wishes.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", encoded(value?))));
    let (words, limit, wishes) = (encoded(&asked.words.join(" ")), asked.limit, wishes.collect::<String>());
    List {
        path: format!("/api/v1/recall?q={words}&limit={limit}{wishes}"),
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
    use crate::cli::Json;
    use serde_json::json;

    fn asked(words: &[&str]) -> Recall {
        let (words, json) = (words.iter().copied().map(str::to_owned).collect(), Json { json: false });
        Recall { words, since: None, until: None, limit: 5, project: None, json }
    }

    #[test]
    fn the_words_are_one_query() {
        let path = |project| list(&asked(&["wal", "a&b"]), project).path;
        assert_eq!(path(None), "/api/v1/recall?q=wal%20a%26b&limit=5");
        assert_eq!(path(Some(&"/a b".into())), "/api/v1/recall?q=wal%20a%26b&limit=5&project=%2Fa%20b");
    }

    #[test]
    fn a_time_goes_as_it_was_said() {
        let (since, until) = (Some("2 weeks ago".to_owned()), Some("today".to_owned()));
        let path = list(&Recall { since, until, ..asked(&[]) }, None).path;
        assert_eq!(path, "/api/v1/recall?q=&limit=5&since=2%20weeks%20ago&until=today");
    }

    #[test]
    fn each_hit_is_a_line() {
        let answer = json!({"hits": [
            {"source": "knowledge", "id": "k1", "session": null, "title": "WAL and NFS", "text": "not over NFS", "score": 2.5, "at": "2026-11-23T10:00:00.000Z"},
            {"source": "message", "id": "7", "session": "0199f3a2-77aa-7000-8000-000000000001", "title": null, "text": "is WAL safe?", "score": 1.25, "at": "2026-11-23T10:00:01.000Z"},
        ]});
        insta::assert_snapshot!(text(&list(&asked(&[]), None), &answer));
    }
}
