//! The real wordings, and what must not be taken for one.

use super::*;
use domain::provider::Provider;
use proptest::prelude::*;

const CHAT: &str = r#"{"model":"m","max_completion_tokens":10,"messages":[],"temperature":0}"#;

fn asked_for(dialect: Dialect, request: &str, answer: &str) -> Option<Amendment> {
    Amendment::asked_for(dialect, request.as_bytes(), answer.as_bytes())
}

/// The request after a refusal in OpenAI's shape; none when it changes nothing.
fn chat(request: &str, param: Option<&str>, message: &str) -> Option<String> {
    let error =
        serde_json::json!({"error": {"message": message, "type": "invalid_request_error", "param": param}});
    let change = asked_for(Dialect::OpenAiChat, request, &error.to_string())?;
    Some(text(&change.applied(&Bytes::from(request.to_owned()))))
}

/// The same in Anthropic's shape.
fn messages(request: &str, message: &str) -> Option<String> {
    let error =
        serde_json::json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}});
    let change = asked_for(Dialect::AnthropicMessages, request, &error.to_string())?;
    Some(text(&change.applied(&Bytes::from(request.to_owned()))))
}

fn text(body: &[u8]) -> String {
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn a_parameter_with_another_name_gets_it_and_keeps_its_value() {
    let old = r#"{"max_tokens":10,"messages":[],"model":"m"}"#;
    let new = r#"{"max_completion_tokens":10,"messages":[],"model":"m"}"#;
    let wants_new = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    let wants_old = "Unknown parameter: 'max_completion_tokens'. Did you mean 'max_tokens'?";
    assert_eq!(chat(old, Some("max_tokens"), wants_new).as_deref(), Some(new));
    assert_eq!(chat(old, None, wants_new).as_deref(), Some(new));
    assert_eq!(chat(new, Some("max_completion_tokens"), wants_old).as_deref(), Some(old));
}

#[test]
fn a_parameter_that_is_there_under_both_names_loses_one_and_keeps_the_others_value() {
    let both = r#"{"max_completion_tokens":9,"max_tokens":10,"messages":[],"model":"m"}"#;
    let one = r#"{"max_completion_tokens":9,"messages":[],"model":"m"}"#;
    let wants_new = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
    assert_eq!(chat(both, Some("max_tokens"), wants_new).as_deref(), Some(one));
}

#[test]
fn a_parameter_that_is_not_taken_goes() {
    let without = r#"{"max_completion_tokens":10,"messages":[],"model":"m"}"#;
    for (param, message) in [
        (Some("temperature"), "Unsupported parameter: 'temperature' is not supported with this model."),
        (None, "`temperature` is deprecated for this model."),
        (None, "temperature: Extra inputs are not permitted"),
        (None, "Unrecognized request argument supplied: temperature"),
        (None, "Unknown parameter: \"temperature\"."),
    ] {
        assert_eq!(chat(CHAT, param, message).as_deref(), Some(without), "{message}");
    }
    let anthropic = r#"{"max_tokens":10,"messages":[],"model":"m","temperature":0}"#;
    let without = r#"{"max_tokens":10,"messages":[],"model":"m"}"#;
    for message in
        ["`temperature` is deprecated for this model", "temperature: Extra inputs are not permitted"]
    {
        assert_eq!(messages(anthropic, message).as_deref(), Some(without), "{message}");
    }
}

#[test]
fn the_shortest_of_all_refusals_is_understood() {
    let request = r#"{"model":"m","input":"i","max_output_tokens":9,"store":false}"#;
    let change = asked_for(
        Dialect::OpenAiResponses,
        request,
        r#"{"detail":"Unsupported parameter: max_output_tokens"}"#,
    );
    let applied = change.unwrap().applied(&Bytes::from_static(request.as_bytes()));
    assert_eq!(text(&applied), r#"{"input":"i","model":"m","store":false}"#);
}

#[test]
fn what_makes_the_request_is_never_given_up() {
    let anthropic = r#"{"max_tokens":10,"messages":[],"model":"m","system":[]}"#;
    for parameter in ["max_tokens", "messages", "model", "system"] {
        assert_eq!(messages(anthropic, &format!("{parameter}: Extra inputs are not permitted")), None);
    }
    assert_eq!(chat(CHAT, Some("model"), "Unsupported parameter: 'model'"), None);
}

#[test]
fn a_refusal_for_another_reason_changes_nothing() {
    for (param, message) in [
        (Some("temperature"), "Invalid value: 'temperature' must be at most 2."),
        (
            Some("max_completion_tokens"),
            "max_completion_tokens is too large: 10. This model supports at most 9.",
        ),
        (None, "messages.0.temperature: Extra inputs are not permitted"),
        (None, "temperature.of: Extra inputs are not permitted"),
        (None, "The room temperature is not permitted to be spoken of."),
        (None, "max_temperature: Extra inputs are not permitted"),
        (Some("tools"), "Unsupported parameter: 'tools' is not supported with 'temperature'."),
        (Some("top_p"), "Unsupported parameter: 'top_p'."),
        (None, ""),
    ] {
        assert_eq!(chat(CHAT, param, message), None, "{message}");
    }
}

fn upstream(host: u32) -> UpstreamKey {
    UpstreamKey::new(Provider::OpenAi, &format!("http://h{host}"))
}

fn drops(parameter: &str) -> Amendment {
    Amendment { parameter: parameter.to_owned(), substitute: None }
}

fn renames(from: &str, to: &'static str) -> Amendment {
    Amendment { parameter: from.to_owned(), substitute: Some(to) }
}

#[test]
fn what_was_learned_holds_for_that_model_there_and_for_no_other() {
    let mut lessons = Lessons::default();
    lessons.learn(&upstream(1), "m", drops("a"));
    lessons.learn(&upstream(1), "m", drops("b"));
    let applied =
        |host, model| text(&lessons.applied(&upstream(host), model, r#"{"a":1,"b":2,"c":3}"#.into()));
    assert_eq!(applied(1, "m"), r#"{"c":3}"#);
    assert_eq!(applied(1, "n"), r#"{"a":1,"b":2,"c":3}"#);
    assert_eq!(applied(2, "m"), r#"{"a":1,"b":2,"c":3}"#);
}

#[test]
fn of_two_lessons_that_contradict_the_newer_one_wins() {
    let mut lessons = Lessons::default();
    let mut after = |change| {
        lessons.learn(&upstream(1), "m", change);
        text(&lessons.applied(&upstream(1), "m", r#"{"a":1}"#.into()))
    };
    assert_eq!(after(renames("a", "b")), r#"{"b":1}"#);
    assert_eq!(after(renames("b", "a")), r#"{"a":1}"#);
    assert_eq!(after(renames("a", "b")), r#"{"b":1}"#);
}

#[test]
fn memory_is_bounded_and_the_oldest_lesson_goes_first() {
    let mut lessons = Lessons::default();
    for host in 0..=u32::try_from(MODELS).unwrap() {
        lessons.learn(&upstream(host), "m", drops("a"));
    }
    let keeps = |host| text(&lessons.applied(&upstream(host), "m", r#"{"a":1}"#.into())) == "{}";
    assert!(!keeps(0) && keeps(1) && keeps(u32::try_from(MODELS).unwrap()));
    let mut lessons = Lessons::default();
    (0..100).for_each(|_| lessons.learn(&upstream(1), "m", drops("a")));
    assert_eq!(lessons.0[0].changes.len(), 1, "the same lesson twice is one");
    (0..100).for_each(|at| lessons.learn(&upstream(1), "m", drops(&at.to_string())));
    assert_eq!(lessons.0[0].changes.len(), CHANGES);
}

proptest! {
    #[test]
    fn whatever_a_provider_writes_the_request_stays_whole(message in ".{0,60}", param in ".{0,12}") {
        let answer = serde_json::json!({"error": {"message": format!("deprecated: {message}"), "param": param}}).to_string();
        if let Some(change) = asked_for(Dialect::OpenAiChat, CHAT, &answer) {
            let applied = text(&change.applied(&Bytes::from_static(CHAT.as_bytes())));
            prop_assert!(applied.contains("\"model\"") && applied.contains("\"messages\""));
        }
    }
}
