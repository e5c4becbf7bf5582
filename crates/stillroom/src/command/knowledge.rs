//! `stillroom knowledge`: what the curator keeps, and where it holds.

use super::invocation::{Invocation, wait_for};
use super::look::{self, List};
use super::session_id;
use crate::cli::{Json, Knowledge};
use crate::client::{Gateway, encoded};
use crate::failure::Failure;
use crate::output::say;
use crate::table::cell;
use domain::knowledge::AT_REQUEST;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Lists the entries, or changes where one of them holds.
pub(crate) fn perform(
    invocation: &Invocation<'_>,
    change: Option<&Knowledge>,
    format: Json,
) -> Result<ExitCode, Failure> {
    let Some(change) = change else { return look::show(invocation, &list(), format) };
    wait_for(async {
        let gateway = invocation.gateway().await?;
        let (path, body) = request(&named(&gateway, change).await?);
        let answer = gateway.put(&path, &body).await?;
        say(&if format.json { answer.text } else { told(&answer.json()?) });
        Ok(ExitCode::SUCCESS)
    })
}

/// The change with the whole id of its session.
async fn named(gateway: &Gateway, change: &Knowledge) -> Result<Knowledge, Failure> {
    let mut change = change.clone();
    if let Knowledge::Withhold { session } | Knowledge::Offer { session } = &mut change {
        *session = session_id::find(gateway, session).await?;
    }
    Ok(change)
}

fn request(change: &Knowledge) -> (String, Value) {
    let promoted = |id: &str, promoted: bool| {
        (format!("/api/v1/knowledge/{}/promoted", encoded(id)), json!({"promoted": promoted}))
    };
    let injection =
        |id: &str, on: bool| (format!("/api/v1/sessions/{}/injection", encoded(id)), json!({"on": on}));
    match change {
        Knowledge::Promote { id } => promoted(id, true),
        Knowledge::Demote { id } => promoted(id, false),
        Knowledge::Withhold { session } => injection(session, false),
        Knowledge::Offer { session } => injection(session, true),
    }
}

fn told(entry: &Value) -> String {
    match entry["on"].as_bool() {
        Some(true) => return "The session's next turn decides what is added to its requests.".to_owned(),
        Some(false) => return "Nothing is added to the session's requests any more.".to_owned(),
        None => {}
    }
    let (id, title) = (cell(&entry["id"]), cell(&entry["title"]));
    let project = entry["project"].as_str();
    let place = match (entry["promoted"].as_bool(), project) {
        (Some(true), _) => "in all of your projects".to_owned(),
        (_, Some(_)) => format!("in the project {} alone", cell(&entry["project"])),
        (_, None) => "where no project is stated, and nowhere else".to_owned(),
    };
    format!("{id} ({title}) holds {place}.")
}

fn list() -> List {
    List {
        path: "/api/v1/knowledge".to_owned(),
        field: "knowledge",
        columns: &[
            ("ID", "id"),
            ("CATEGORY", "category"),
            ("CONFIDENCE", "confidence"),
            ("PROJECT", "project"),
            ("TITLE", "title"),
            ("CONTENT", "content"),
        ],
        complete: say_how_it_stands,
        empty: "Nothing is kept yet: the curator works a few turns after the first observations.",
    }
}

/// What is left of the confidence stands before it, that it holds everywhere behind its project, and that an agent asked to keep it and
/// what cannot be true together with it behind the content.
fn say_how_it_stands(entry: &mut Value) {
    if let (Some(faded), Some(written)) = (entry["faded"].as_f64(), entry["confidence"].as_f64())
        && written - faded >= 0.005
    {
        entry["confidence"] = format!("{faded:.2} of {written}").into();
    }
    if entry["promoted"] == true {
        let from = entry["project"].as_str().map(|project| format!(", from {project}"));
        entry["project"] = format!("all{}", from.unwrap_or_default()).into();
    }
    let others = look::entries(entry, "contradicts");
    let against =
        |other: &Value| format!(" (contradicts {}: {})", cell(&other["id"]), cell(&other["reason"]));
    let said: String = others.iter().map(against).collect();
    let asked = if entry["remembered"] == true { format!(" ({AT_REQUEST})") } else { String::new() };
    entry["content"] = format!("{}{asked}{said}", cell(&entry["content"])).into();
}

#[cfg(test)]
mod tests {
    use super::super::look::tests::text;
    use super::*;

    #[test]
    fn each_entry_is_a_line() {
        let answer = json!({"knowledge": [{"id": "k1", "category": "gotcha", "confidence": 0.9, "project": "git.example/ann/oven", "title": "WAL and NFS",
            "content": "SQLite's WAL does not work\nover NFS.", "version": 1}]});
        insta::assert_snapshot!(text(&list(), &answer), @r"
        ID  CATEGORY  CONFIDENCE  PROJECT               TITLE        CONTENT
        k1  gotcha    0.9         git.example/ann/oven  WAL and NFS  SQLite's WAL does not work over NFS.
        ");
    }

    #[test]
    fn it_is_told_where_an_entry_holds_now() {
        let told = |promoted: bool, project: Option<&str>| {
            told(&json!({"id": "k1", "title": "WAL and NFS", "promoted": promoted, "project": project}))
        };
        assert!(super::told(&json!({"on": true, "text": null})).starts_with("The session's next turn"));
        assert!(super::told(&json!({"on": false, "text": null})).starts_with("Nothing is added"));
        insta::assert_snapshot!([told(true, None), told(false, Some("/oven")), told(false, None)].join("\n"), @r"
        k1 (WAL and NFS) holds in all of your projects.
        k1 (WAL and NFS) holds in the project /oven alone.
        k1 (WAL and NFS) holds where no project is stated, and nowhere else.
        ");
    }

    #[test]
    fn a_change_is_put_where_it_belongs() {
        let of = |change| {
            let (path, body) = request(&change);
            format!("{path} {body}")
        };
        let id = || "a/b".to_owned();
        let (promoted, injection) = ("/api/v1/knowledge/a%2Fb/promoted", "/api/v1/sessions/a%2Fb/injection");
        assert_eq!(of(Knowledge::Promote { id: id() }), format!(r#"{promoted} {{"promoted":true}}"#));
        assert_eq!(of(Knowledge::Demote { id: id() }), format!(r#"{promoted} {{"promoted":false}}"#));
        assert_eq!(of(Knowledge::Offer { session: id() }), format!(r#"{injection} {{"on":true}}"#));
        assert_eq!(of(Knowledge::Withhold { session: id() }), format!(r#"{injection} {{"on":false}}"#));
    }

    #[test]
    fn an_entry_says_what_it_contradicts_and_why() {
        let against = json!([{"id": "k2", "reason": "one says 5, the other 8"}]);
        let answer = json!({"knowledge": [{"id": "k1", "category": "gotcha", "confidence": 0.9, "title": "Retries",
            "content": "There are 5.", "contradicts": against}]});
        let text = text(&list(), &answer);
        assert!(text.contains("There are 5. (contradicts k2: one says 5, the other 8)"), "{text}");
    }

    #[test]
    fn an_entry_that_an_agent_asked_to_keep_says_so() {
        let entry = |remembered: bool| json!({"id": "k1", "category": "gotcha", "confidence": 0.6, "title": "Rye", "content": "It bites.", "remembered": remembered});
        let told = |remembered| text(&list(), &json!({"knowledge": [entry(remembered)]}));
        assert!(
            told(true).contains("It bites. (kept at an agent's request)") && !told(false).contains("agent")
        );
    }

    #[test]
    fn an_entry_says_where_it_holds_and_what_is_left_of_its_confidence() {
        let entry = |faded: f64, promoted: bool, project: Option<&str>| {
            json!({"id": "k1", "category": "gotcha", "confidence": 0.9, "faded": faded, "project": project, "promoted": promoted,
                "title": "WAL and NFS", "content": "No."})
        };
        let answer = json!({"knowledge": [entry(0.45, true, Some("oven")), entry(0.9, false, None), entry(0.899, true, None)]});
        insta::assert_snapshot!(text(&list(), &answer), @r"
        ID  CATEGORY  CONFIDENCE   PROJECT         TITLE        CONTENT
        k1  gotcha    0.45 of 0.9  all, from oven  WAL and NFS  No.
        k1  gotcha    0.9          –               WAL and NFS  No.
        k1  gotcha    0.9          all             WAL and NFS  No.
        ");
    }
}
