//! Conversations that the provider keeps: what a client goes on from, and by which name.

use domain::conversation::{Answered, Digest, Message};
use domain::provider::Dialect::OpenAiResponses;
use upstream::dialect::{answered, asked, glance};

#[test]
fn a_request_that_goes_on_from_a_kept_conversation_names_it_and_its_answer_names_the_next() {
    let asked =
        asked(OpenAiResponses, br#"{"model":"m","input":"and now?","previous_response_id":"resp_1"}"#);
    assert_eq!(asked.unwrap().follows.as_deref(), Some("resp_1"));
    let whole = br#"{"id":"resp_2","status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"yes"}]}]}"#;
    assert_eq!(answered(OpenAiResponses, whole).id.as_deref(), Some("resp_2"));
    let event = [
        b"event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":",
        &whole[..],
        b"}\n\n",
    ];
    assert_eq!(answered(OpenAiResponses, &event.concat()).id.as_deref(), Some("resp_2"));
}

/// What a history of these items goes on from, and the words that are new in it.
fn going_on(items: &str) -> (Option<String>, Vec<String>) {
    let body = format!(r#"{{"model":"m","input":[{items}]}}"#);
    let asked = asked(OpenAiResponses, body.as_bytes()).unwrap();
    (asked.follows, asked.messages.iter().map(Message::readable).collect())
}

#[test]
fn a_history_that_refers_to_answers_goes_on_from_the_last_reference_and_what_is_behind_it_is_new() {
    let user = |words: &str| format!(r#"{{"role":"user","content":"{words}"}}"#);
    let (one, two) = (user("one"), user("two"));
    let reference = |id: &str| format!(r#"{{"type":"item_reference","id":"{id}"}}"#);
    let (first, second, bare) = (reference("msg_1"), reference("msg_2"), r#"{"id":"msg_2"}"#);
    let result = r#"{"type":"function_call_output","call_id":"c","output":"found"}"#;
    let answer = r#"{"type":"message","role":"assistant","id":"msg_3","content":[{"type":"output_text","text":"yes"}]}"#;
    let new = |name: &str, words: &[&str]| {
        (Some(name.to_owned()), words.iter().map(|word| (*word).to_owned()).collect())
    };
    assert_eq!(going_on(&[&*one, &first, &two].join(",")), new("msg_1", &["two"]));
    assert_eq!(going_on(&[&*one, &first, &two, &second, result].join(",")).0.as_deref(), Some("msg_2"));
    assert_eq!(going_on(&[&*one, answer, bare, &two].join(",")), new("msg_2", &["two"]));
    let in_its_own_words = going_on(&[&*one, &first, answer, &two].join(","));
    assert_eq!((in_its_own_words.0, in_its_own_words.1.len()), (None, 3), "all of it is here");
    assert_eq!(going_on(&first), new("msg_1", &[]));
}

#[test]
fn a_glance_at_a_history_of_references_shows_that_something_is_said() {
    let items = r#"{"role":"user","content":"one"},{"type":"item_reference","id":"msg_1"},{"role":"user","content":"two"}"#;
    let glance = glance(OpenAiResponses, format!(r#"{{"input":[{items}]}}"#).as_bytes(), false).unwrap();
    assert!(glance.says_something() && glance.beginning().is_none());
}

#[test]
fn an_answer_names_its_last_item_however_it_comes() {
    let item = |id: &str| {
        format!(
            r#"{{"type":"message","role":"assistant","id":"{id}","content":[{{"type":"output_text","text":"yes"}}]}}"#
        )
    };
    let whole =
        format!(r#"{{"id":"resp_1","status":"completed","output":[{},{}]}}"#, item("msg_1"), item("msg_2"));
    let stream = [("msg_1", 0), ("msg_2", 1)].map(|(id, at)| {
        format!(
            "data: {{\"type\":\"response.output_item.done\",\"output_index\":{at},\"item\":{}}}\n\n",
            item(id)
        )
    });
    let end = format!("data: {{\"type\":\"response.completed\",\"response\":{whole}}}\n\n");
    for body in [whole, [stream.concat(), end].concat()] {
        let answered = answered(OpenAiResponses, body.as_bytes());
        assert_eq!((answered.id.as_deref(), answered.item.as_deref()), (Some("resp_1"), Some("msg_2")));
    }
}

#[test]
fn a_conversation_that_the_provider_keeps_under_one_name_is_a_session_of_that_name() {
    let body =
        |conversation: &str| format!(r#"{{"model":"m","input":"go on","conversation":{conversation}}}"#);
    for conversation in [r#""conv_1""#, r#"{"id":"conv_1"}"#] {
        let asked = asked(OpenAiResponses, body(conversation).as_bytes()).unwrap();
        assert_eq!((asked.session.as_deref(), asked.follows.as_deref()), (Some("conv_1"), Some("conv_1")));
        assert_eq!(asked.beginning(), None, "what was said before is not in it");
        let names = ["resp_1", "resp_2"].map(|id| Answered { id: Some(id.into()), ..Answered::default() });
        let [one, two] = names.map(|answered| asked.goes_on_from(&answered));
        assert_ne!(one, two, "the same words said again are said again");
    }
    for none in ["null", r#""""#, "7", r#"{"id":null}"#, "{}"] {
        let asked = asked(OpenAiResponses, body(none).as_bytes()).unwrap();
        assert_eq!((asked.session, asked.follows), (None, None), "{none}");
    }
}

#[test]
fn an_answer_that_is_to_come_names_the_conversation_and_one_that_failed_does_not() {
    let said = |body: &str| answered(OpenAiResponses, body.as_bytes());
    let queued = said(r#"{"id":"resp_1","status":"queued","background":true,"output":[]}"#);
    assert!(queued.is_to_come() && queued.names().eq([Digest::called("resp_1")]));
    assert!(
        !said(
            r#"{"id":"resp_1","status":"failed","error":{"code":"server_error","message":"no"},"output":[]}"#
        )
        .is_to_come()
    );
    assert!(!said(r#"{"id":"resp_1","status":"completed","output":[]}"#).is_to_come());
}
