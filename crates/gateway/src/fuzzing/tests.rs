//! The same promises in CI: for random requests of the words that matter, and for every seed of the fuzzer.

use super::session;
use proptest::prelude::*;
use std::path::Path;

#[test]
fn every_seed_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/session");
    let seeds: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(seeds.len() > 3, "{}: {seeds:?}", folder.display());
    seeds.iter().for_each(|seed| session(&std::fs::read(seed).unwrap()));
}

fn header() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("x-claude-code-session-id"),
        Just("x-claude-code-agent-id"),
        Just("x-claude-code-request-class"),
        Just("thread-id"),
        Just("session-id"),
        Just("x-session-id"),
        Just("x-opencode-session"),
        Just("session_id"),
        Just("x-parent-session-id"),
        Just("x-codex-turn-metadata"),
        Just("anthropic-version"),
    ];
    let value = prop_oneof![
        Just("0369532a-3413-4cb0-ba3e-1926579bd098".to_owned()),
        Just("../../etc".to_owned()),
        Just(String::new()),
        Just(r#"{"thread_source":"subagent","request_kind":"turn"}"#.to_owned()),
        Just("auxiliary".to_owned()),
        ".{0,12}",
    ];
    (name, value).prop_map(|(name, value)| format!("{name}: {value}\n"))
}

fn body() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("model"),
        Just("messages"),
        Just("input"),
        Just("role"),
        Just("content"),
        Just("type"),
        Just("text"),
        Just("id"),
        Just("name"),
        Just("metadata"),
        Just("user_id"),
        Just("client_metadata"),
        Just("thread_id"),
        Just("prompt_cache_key"),
        Just("previous_response_id"),
        Just("max_tokens"),
        Just("tools"),
        Just("response_format"),
        Just("tool_calls"),
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1".to_owned()),
        Just("\"user\"".to_owned()),
        Just("\"assistant\"".to_owned()),
        Just("\"text\"".to_owned()),
        Just("\"tool_use\"".to_owned()),
        Just("\"message\"".to_owned()),
        Just("\"ses_1\"".to_owned()),
        Just("\"user_a_session_b\"".to_owned()),
        Just("\"<system-reminder>\\n\"".to_owned()),
        Just("\"hello €\"".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let members = prop::collection::btree_map(key.clone(), inner.clone(), 0..6);
        prop_oneof![
            2 => members.prop_map(|members| {
                let members = members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect::<Vec<_>>();
                format!("{{{}}}", members.join(", "))
            }),
            1 => prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
        ]
    })
}

proptest! {
    #[test]
    fn a_session_does_not_depend_on_how_its_request_is_spelled(
        target in "/v1/messages|/v1/chat/completions|/v1/responses|/v1/models",
        headers in prop::collection::vec(header(), 0..4),
        turn in any::<bool>(),
        body in body(),
    ) {
        let body = if turn {
            format!(r#"{{"messages":[{{"role":"user","content":{body}}}],"input":{body}}}"#)
        } else {
            body
        };
        session(format!("{target}\n{}\n{body}", headers.concat()).as_bytes());
    }

    #[test]
    fn bytes_that_are_no_request_belong_to_nobody_or_somebody(input in prop::collection::vec(any::<u8>(), 0..200)) {
        session(&input);
        session(&[b"/v1/messages\n\n".as_slice(), &input].concat());
    }
}
