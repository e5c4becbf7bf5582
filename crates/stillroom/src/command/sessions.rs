//! `stillroom sessions`: who talked, what was said and distilled, and why a session is kept warm or not.

use super::invocation::{Invocation, wait_for};
use super::look::{self, List};
use super::session_id;
use crate::cli::Json;
use crate::client::encoded;
use crate::failure::Failure;
use crate::output::{harmless, head, say};
use crate::table::cell;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Lists the sessions.
pub(crate) fn list(invocation: &Invocation<'_>, json: Json) -> Result<ExitCode, Failure> {
    look::show(invocation, &sessions(), json)
}

fn sessions() -> List {
    List {
        path: "/api/v1/sessions".to_owned(),
        field: "sessions",
        columns: &[
            ("ID", "id"),
            ("CLIENT", "client"),
            ("PROVIDER", "provider"),
            ("MODEL", "model"),
            ("TURNS", "turns"),
            ("LAST ACTIVITY", "last_activity"),
            ("BACKGROUND", "background"),
            ("NOT HEALTHY", "unwell"),
            ("PAUSED BECAUSE", "paused_because"),
        ],
        complete: name_the_unwell,
        empty: "No session yet: point an agent at the gateway, for example with `stillroom run -- claude`.",
    }
}

/// Which workers are not healthy in a session, and how bad it is.
fn name_the_unwell(session: &mut Value) {
    let Some(health) = session["health"].as_object() else { return };
    let unwell = health.iter().filter(|(_, level)| *level != "healthy");
    let named: Vec<String> = unwell.map(|(worker, level)| format!("{worker} {}", cell(level))).collect();
    session["unwell"] = named.join(", ").into();
}

/// Shows the session whose id is, or begins with, `id`.
pub(crate) fn show(invocation: &Invocation<'_>, id: &str, format: Json) -> Result<ExitCode, Failure> {
    wait_for(async {
        let gateway = invocation.gateway().await?;
        let base = format!("/api/v1/sessions/{}", encoded(&session_id::find(&gateway, id).await?));
        let messages = look::fetch(&gateway, &format!("{base}/messages"), "messages").await?;
        let observations = look::fetch(&gateway, &format!("{base}/observations"), "observations").await?;
        let warming = gateway.fetch(&format!("{base}/warming")).await?.json()?;
        let all =
            || json!({"messages": messages, "observations": observations, "warming": warming}).to_string();
        say(&if format.json { all() } else { text(&messages, &observations, &warming) });
        Ok(ExitCode::SUCCESS)
    })
}

fn text(messages: &[Value], observations: &[Value], warming: &Value) -> String {
    let said = messages.iter().map(|message| {
        let body = message["text"].as_str().unwrap_or_default();
        format!("{}\n{}\n", head(&cell(&message["role"])), harmless(body))
    });
    let distilled = observations.iter().map(|observation| format!("- {}", cell(&observation["text"])));
    let distilled = std::iter::once(head("distilled")).chain(distilled);
    let warming = [head("warming"), format!("Mode: {}. {}", cell(&warming["mode"]), cell(&warming["why"]))];
    let distilled = distilled.chain([String::new()]).filter(|_| !observations.is_empty());
    said.chain(distilled).chain(warming).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::look::tests::text as list_text;
    use super::*;

    #[test]
    fn each_session_is_a_line_and_says_why_its_background_work_stands_still() {
        let answer = json!({"sessions": [
            {"id": "0199f3a2", "client": "claude-code", "provider": "anthropic", "model": "claude-sonnet-4-5", "turns": 3,
             "last_activity": "2026-11-23T10:00:00Z", "background": "paused", "paused_because": "the provider refused the token",
             "health": {"distill": "degraded", "curate": "healthy", "warm": "critical"}},
            {"id": "0199f3a3", "client": "codex", "provider": "openai", "model": "gpt-6.1-sol", "turns": 12,
             "last_activity": "2026-11-23T09:00:00Z", "background": "ready", "paused_because": null,
             "health": {"distill": "healthy", "curate": "healthy", "warm": "healthy"}},
        ]});
        insta::assert_snapshot!(list_text(&sessions(), &answer));
    }

    #[test]
    fn a_session_shows_what_was_said_what_was_distilled_and_why_it_is_kept_warm_or_not() {
        let messages = [
            json!({"role": "user", "text": "is WAL safe?\n\nover NFS"}),
            json!({"role": "assistant", "text": "no\u{1b}[2J"}),
        ];
        let warming = json!({"mode": "stop", "warm": false, "why": "Not kept warm: it was stopped by hand."});
        insta::assert_snapshot!(text(&messages, &[json!({"text": "WAL is not safe over NFS"})], &warming));
    }
}
