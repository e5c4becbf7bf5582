//! `stillroom warming`: whether caches are kept warm, and the brakes that a person pulls.

use super::invocation::{Invocation, wait_for};
use super::session_id;
use crate::cli::{Json, Warming};
use crate::client::{Gateway, encoded};
use crate::failure::Failure;
use crate::output::say;
use crate::table::cell;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Tells how warming stands, once the decision, if there is one, is made.
pub(crate) fn perform(
    invocation: &Invocation<'_>,
    decision: Option<&Warming>,
    format: Json,
) -> Result<ExitCode, Failure> {
    wait_for(async {
        let gateway = invocation.gateway().await?;
        let answer = match decision {
            None => gateway.fetch("/api/v1/warming").await?,
            Some(decision) => {
                let (path, body) = request(&named(&gateway, decision).await?);
                gateway.put(&path, &body).await?
            }
        };
        say(&if format.json { answer.text } else { text(&answer.json()?) });
        Ok(ExitCode::SUCCESS)
    })
}

/// The decision with the whole id of its session.
async fn named(gateway: &Gateway, decision: &Warming) -> Result<Warming, Failure> {
    let mut decision = decision.clone();
    if let Warming::Auto { id } | Warming::Keep { id } | Warming::Stop { id } = &mut decision {
        *id = session_id::find(gateway, id).await?;
    }
    Ok(decision)
}

fn request(decision: &Warming) -> (String, Value) {
    let of =
        |id: &str, mode: &str| (format!("/api/v1/sessions/{}/warming", encoded(id)), json!({"mode": mode}));
    match decision {
        Warming::On => ("/api/v1/warming".to_owned(), json!({"on": true})),
        Warming::Off => ("/api/v1/warming".to_owned(), json!({"on": false})),
        Warming::Auto { id } => of(id, "auto"),
        Warming::Keep { id } => of(id, "keep"),
        Warming::Stop { id } => of(id, "stop"),
    }
}

fn text(answer: &Value) -> String {
    let why = cell(&answer["why"]);
    if answer["mode"].is_string() {
        return format!("Mode: {}. {why}", cell(&answer["mode"]));
    }
    let spent = answer["spent_usd"].as_f64().unwrap_or_default();
    format!(
        "{why}\nSessions kept warm: {}. Spent on it within 24 hours: ${spent:.4}; `stillroom costs` tells what it earned.",
        cell(&answer["sessions"])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_and_one_session_are_told_in_sentences() {
        let whole = json!({"on": true, "why": "Warming is on.", "sessions": 3, "spent_usd": 0.125});
        let one = json!({"mode": "stop", "warm": false, "why": "Not kept warm: it was stopped by hand."});
        insta::assert_snapshot!(format!("{}\n\n{}", text(&whole), text(&one)));
    }

    #[test]
    fn a_decision_is_put_where_it_belongs() {
        let of = |decision| {
            let (path, body) = request(&decision);
            format!("{path} {body}")
        };
        let id = || "a/b".to_owned();
        assert_eq!(of(Warming::On), r#"/api/v1/warming {"on":true}"#);
        assert_eq!(of(Warming::Off), r#"/api/v1/warming {"on":false}"#);
        assert_eq!(of(Warming::Auto { id: id() }), r#"/api/v1/sessions/a%2Fb/warming {"mode":"auto"}"#);
        assert_eq!(of(Warming::Keep { id: id() }), r#"/api/v1/sessions/a%2Fb/warming {"mode":"keep"}"#);
        assert_eq!(of(Warming::Stop { id: id() }), r#"/api/v1/sessions/a%2Fb/warming {"mode":"stop"}"#);
    }
}
