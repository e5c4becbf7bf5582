//! `stillroom credentials`: what was seen of them, never a secret.

use super::invocation::Invocation;
use super::look::{self, List};
use crate::cli::Json;
use crate::failure::Failure;
use std::process::ExitCode;

/// Lists the credentials.
pub(crate) fn perform(invocation: &Invocation<'_>, json: Json) -> Result<ExitCode, Failure> {
    look::show(invocation, &list(), json)
}

fn list() -> List {
    List {
        path: "/api/v1/credentials".to_owned(),
        field: "slots",
        columns: &[
            ("FINGERPRINT", "fingerprint"),
            ("STATE", "state"),
            ("PROVIDER", "provider"),
            ("SCHEME", "scheme"),
            ("STATUS", "status"),
            ("SINCE", "since"),
            ("SCOPE", "scope"),
            ("SESSION", "session"),
        ],
        complete: |_| {},
        empty: "No credential is held: the next request of an agent brings one.",
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::tests::text;
    use super::*;
    use serde_json::json;

    #[test]
    fn each_slot_is_a_line() {
        let answer = json!({"slots": [
            {"scope": "session", "session": "0199f3a2", "provider": "anthropic", "scheme": "bearer",
             "fingerprint": "1f0c77aa", "generation": 2, "state": "rejected", "status": 401, "since": "2026-11-23T10:00:00Z"},
            {"scope": "global", "session": null, "provider": "openai", "scheme": "api-key",
             "fingerprint": "00000001", "generation": 1, "state": "proven", "status": null, "since": "2026-11-23T09:00:00Z"},
        ]});
        insta::assert_snapshot!(text(&list(), &answer));
    }

    #[test]
    fn no_slot_is_said_in_words() {
        assert!(text(&list(), &json!({"slots": []})).starts_with("No credential"));
    }
}
