//! `stillroom status`: whether a gateway runs, and how it is.

use super::invocation::{Invocation, wait_for};
use super::look;
use crate::cli;
use crate::client::Gateway;
use crate::failure::Failure;
use crate::output::say;
use domain::access::WaitReason;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Tells how the gateway is.
pub(crate) fn perform(invocation: &Invocation<'_>, format: cli::Json) -> Result<ExitCode, Failure> {
    wait_for(async {
        let gateway = invocation.gateway().await?;
        let status = status(&gateway).await?;
        say(&if format.json { status.to_string() } else { text(&status) });
        Ok(ExitCode::SUCCESS)
    })
}

async fn status(gateway: &Gateway) -> Result<Value, Failure> {
    let slots = look::fetch(gateway, "/api/v1/credentials", "slots").await?;
    let sessions = look::fetch(gateway, "/api/v1/sessions", "sessions").await?;
    Ok(json!({
        "address": gateway.address().to_string(),
        "ready": gateway.is_ready().await,
        "sessions": sessions.len(),
        "paused": sessions.iter().filter(|session| stands_still(session)).count(),
        "credentials": look::credentials(&slots, None),
        "rejected": look::credentials(&slots, Some("rejected")),
    }))
}

/// One whose agent is silent has nothing to go on with, and nothing to mend.
fn stands_still(session: &Value) -> bool {
    session["background"] == "paused" && session["paused_because"] != WaitReason::NoCredential.explain()
}

fn text(status: &Value) -> String {
    let ready = if status["ready"] == true { "serving" } else { "starting or stopping" };
    let address = status["address"].as_str().unwrap_or_default();
    format!(
        "The gateway at {address} is {ready}.\n\
         Sessions: {}; background work stands still in {} of them.\n\
         Credentials: {}; {} of them rejected.",
        status["sessions"], status["paused"], status["credentials"], status["rejected"],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_whose_agent_is_silent_does_not_stand_still() {
        let session = |background: &str, reason: Option<WaitReason>| json!({"background": background, "paused_because": reason.map(WaitReason::explain)});
        assert!(stands_still(&session("paused", Some(WaitReason::Rejected))));
        assert!(!stands_still(&session("paused", Some(WaitReason::NoCredential))));
        assert!(!stands_still(&session("ready", None)));
    }

    #[test]
    fn the_status_is_three_sentences() {
        let status = json!({"address": "127.0.0.1:4141", "ready": true, "sessions": 3, "paused": 1, "credentials": 2, "rejected": 1});
        insta::assert_snapshot!(text(&status), @r"
        The gateway at 127.0.0.1:4141 is serving.
        Sessions: 3; background work stands still in 1 of them.
        Credentials: 2; 1 of them rejected.
        ");
    }
}
