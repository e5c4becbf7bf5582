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

/// Where is searched, and how much of it is shown.
pub(crate) struct Search<'s> {
    /// What to look for, if anything.
    pub(crate) words: &'s [String],
    /// Since when and until when, as people say it.
    pub(crate) period: [Option<&'s str>; 2],
    /// How many results at most.
    pub(crate) limit: u32,
    /// As people name it.
    pub(crate) project: Option<&'s str>,
}

/// Shows what fits, the best first.
pub(crate) fn perform(
    invocation: &Invocation<'_>,
    search: &Search<'_>,
    json: Json,
) -> Result<ExitCode, Failure> {
    let project = search.project.map(|project| named(invocation, project)).transpose()?;
    look::show(invocation, &list(search, project.as_ref()), json)
}

/// Of one project only, where one is meant.
fn list(search: &Search<'_>, project: Option<&ProjectId>) -> List {
    let [since, until] = search.period;
    let wishes = [("project", project.map(ProjectId::as_str)), ("since", since), ("until", until)];
    let wishes = wishes.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", encoded(value?))));
    let (words, limit, wishes) = (encoded(&search.words.join(" ")), search.limit, wishes.collect::<String>());
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
    use serde_json::json;

    #[test]
    fn the_words_are_one_query() {
        let words = ["wal".to_owned(), "a&b".to_owned()];
        let search = Search { words: &words, period: [None; 2], limit: 5, project: None };
        assert_eq!(list(&search, None).path, "/api/v1/recall?q=wal%20a%26b&limit=5");
        let there = Some(&"/a b".into());
        assert_eq!(list(&search, there).path, "/api/v1/recall?q=wal%20a%26b&limit=5&project=%2Fa%20b");
    }

    #[test]
    fn a_time_goes_as_it_was_said() {
        let search =
            Search { words: &[], period: [Some("2 weeks ago"), Some("today")], limit: 5, project: None };
        assert_eq!(list(&search, None).path, "/api/v1/recall?q=&limit=5&since=2%20weeks%20ago&until=today");
    }

    #[test]
    fn each_hit_is_a_line() {
        let search = Search { words: &[], period: [None; 2], limit: 10, project: None };
        let answer = json!({"hits": [
            {"source": "knowledge", "id": "k1", "session": null, "title": "WAL and NFS", "text": "not over NFS", "score": 2.5, "at": "2026-11-23T10:00:00.000Z"},
            {"source": "message", "id": "7", "session": "0199f3a2-77aa-7000-8000-000000000001", "title": null, "text": "is WAL safe?", "score": 1.25, "at": "2026-11-23T10:00:01.000Z"},
        ]});
        insta::assert_snapshot!(text(&list(&search, None), &answer));
    }
}
