//! Every byte that must change does, and no other.

use super::*;
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

fn warmed(body: &str) -> Result<String, Unreadable> {
    warmup(body.as_bytes()).map(|body| String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn only_limit_and_streaming_change_and_every_other_byte_stays() {
    let body = "{ \"max_tokens\" : 128000,\n\t\"x\":1.50e3 , \"stream\":true,\"messages\":[{\"stream\":true,\"max_tokens\":9}] }\n";
    let warm = "{ \"max_tokens\" : 1,\n\t\"x\":1.50e3 , \"stream\":false,\"messages\":[{\"stream\":true,\"max_tokens\":9}] }\n";
    assert_eq!(warmed(body).unwrap(), warm);
}

#[test]
fn thinking_for_a_budget_is_known_and_other_thinking_is_none() {
    let has = |thinking: &str| {
        has_a_thinking_budget(format!(r#"{{"max_tokens":32000,"thinking":{thinking}}}"#).as_bytes())
    };
    assert!(has(r#"{"budget_tokens":31999,"type":"enabled","display":"omitted"}"#));
    for other in [r#"{"type":"adaptive","display":"omitted"}"#, r#"{"type":"disabled"}"#, "null", "7"] {
        assert!(!has(other), "{other}");
    }
    assert!(!has_a_thinking_budget(b"{}") && !has_a_thinking_budget(b"no json"));
    assert!(has_a_thinking_budget(include_bytes!("../../tests/fixtures/claude-code-thinking-budget.json")));
}

#[test]
fn a_forced_tool_stays_for_without_it_the_conversation_would_be_cached_anew() {
    let body = r#"{"a":1, "tool_choice":{"type":"tool","name":"n"},"max_tokens":9}"#;
    assert_eq!(warmed(body).unwrap(), body.replace(":9", ":1"));
}

#[test]
fn a_key_is_known_however_it_is_spelled() {
    assert_eq!(warmed(r#"{"max\u005ftokens":9}"#).unwrap(), r#"{"max\u005ftokens":1}"#);
    assert_eq!(warmed(r#"{"max_tokens":9,"max\u005ftokens":8}"#), Err(Unreadable::DuplicateKey));
    assert_eq!(warmed(r#"{"max_tokens":9,"a":1,"a":2}"#), Err(Unreadable::DuplicateKey));
}

#[test]
fn braces_and_quotes_inside_texts_are_only_text() {
    let body = r#"{"a":"}],\"max_tokens\":5,{\\","max_tokens":9,"b":["]","\\\""]}"#;
    assert_eq!(warmed(body).unwrap(), body.replace(":9", ":1"));
}

#[test]
fn what_cannot_be_turned_down_is_unreadable() {
    assert_eq!(warmed("{}"), Err(Unreadable::Missing("max_tokens")));
    for body in ["", "[1]", "1", r#"{"max_tokens":9"#, r#"{"max_tokens":9} x"#] {
        assert!(matches!(warmed(body), Err(Unreadable::Malformed { .. })), "{body}");
    }
}

#[test]
fn bytes_that_are_no_text_are_no_json_even_within_a_text() {
    let body = b"{\"max_tokens\":9,\"a\":\"\xff\"}";
    assert!(matches!(warmup(body), Err(Unreadable::Malformed { .. })));
}

#[test]
fn a_real_request_keeps_its_prompt_byte_for_byte() {
    let body = include_str!("../../tests/fixtures/claude-code-turn.json");
    let warm = warmed(body).unwrap();
    let expected = body
        .replace("\"max_tokens\":128000", "\"max_tokens\":1")
        .replace("\"stream\":true", "\"stream\":false");
    assert!(warm != body && warm == expected);
}

/// JSON of any shape, with keys and texts that may confuse a scanner.
fn any_json() -> impl Strategy<Value = Value> {
    let text = "[a{}\\[\\]\",:\\\\ \n€😀]{0,8}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// One spelling of the member `key`, with or without blanks around its tokens.
fn spelled(key: &str, value: &Value, pretty: bool) -> String {
    let value = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    let blank = if pretty { "\n " } else { "" };
    format!("{blank}{}{blank}:{blank}{}{blank}", json!(key), value.unwrap())
}

proptest! {
    #[test]
    fn everything_else_is_byte_identical_and_the_result_is_json(
        others in prop::collection::btree_map("[b-z\"{},:]{1,6}", any_json(), 0..5),
        stream in prop::option::of(any::<bool>()),
        limit in 1u64..200_000,
        pretty in any::<bool>(),
        turn in any::<prop::sample::Index>(),
    ) {
        let fixed = ["max_tokens", "stream", "thinking"];
        let others: Vec<_> = others.into_iter().filter(|(key, _)| !fixed.contains(&key.as_str())).collect();
        let rest: Vec<String> = others.iter().map(|(key, value)| spelled(key, value, pretty)).collect();
        let ask = |limit: u64, stream: Option<bool>| {
            let mut members = rest.clone();
            let at = turn.index(members.len() + 1);
            members.insert(at, spelled("max_tokens", &json!(limit), pretty));
            members.extend(stream.map(|stream| spelled("stream", &json!(stream), pretty)));
            members
        };
        let before = format!("{{{}}}", ask(limit, stream).join(","));
        let after = warmed(&before).unwrap();
        prop_assert!(serde_json::from_str::<Value>(&after).is_ok(), "{after}");
        let expected = format!("{{{}}}", ask(1, stream.map(|_| false)).join(","));
        prop_assert_eq!(after, expected);
    }

    #[test]
    fn any_bytes_are_warmed_or_refused(body in prop::collection::vec(any::<u8>(), 0..100)) {
        let json = [b"{\"max_tokens\":5,".as_slice(), &body, b"}"].concat();
        if let Ok(warm) = warmup(&json) {
            prop_assert!(serde_json::from_slice::<IgnoredAny>(&warm).is_ok());
        }
    }
}
