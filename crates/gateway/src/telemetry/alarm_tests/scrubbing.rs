//! Secrets and conversations in every place of an event: nothing of them leaves.

use super::{alert, log, started};
use machines::credential::Alert;
use sentry::Envelope;
use sentry::protocol::{Attachment, Breadcrumb, Event, Request, User};
use sentry::test::TestTransport;
use serde_json::json;
use workers::Alarm;

/// Everything that came, as it would go over the wire.
fn wire(outside: &TestTransport) -> String {
    let mut bytes = Vec::new();
    for envelope in outside.fetch_and_clear_envelopes() {
        envelope.to_writer(&mut bytes).expect("written");
    }
    String::from_utf8(bytes).expect("text")
}

/// Secrets of every shape that we know, forty in all, each recognisable by its number.
fn canaries() -> Vec<String> {
    let shapes: [fn(usize) -> String; 14] = [
        |n| format!("sk-ant-oat01-canary{n:02}"),
        |n| format!("sk-ant-api03-canary{n:02}"),
        |n| format!("sk-proj-canary{n:02}"),
        |n| format!("eyJhbGciOiJIUzI1NiJ9.canary{n:02}.c2ln"),
        |n| format!("AIzaSyCanary-canary{n:02}"),
        |n| format!("Bearer opaque-canary{n:02}"),
        |n| format!("x-goog-api-key: canary{n:02}"),
        |n| format!("https://h/v1/models?key=canary{n:02}"),
        |n| format!("GET /v1beta/models?key=AIza-canary{n:02}&alt=sse"),
        |n| format!("api-key=canary{n:02}"),
        |n| format!("{{\"chatgpt-account-id\":\"canary{n:02}\"}}"),
        |n| format!("(\"x-api-key\", \"canary{n:02}\")"),
        |n| format!("X-Stillroom-Access: canary{n:02}"),
        |n| format!("HTTP_COOKIE=a; b=canary{n:02}"),
    ];
    (0..40).map(|n| shapes[n % shapes.len()](n)).collect()
}

/// An event with a canary in every place where text can stand.
fn laden(canaries: &[String]) -> Event<'static> {
    let mut next = canaries.iter().cycle().cloned();
    let mut canary = || next.next().expect("endless");
    let exception = json!({
        "type": canary(), "value": canary(), "module": canary(),
        "stacktrace": {"frames": [{
            "function": canary(), "filename": canary(), "abs_path": canary(), "context_line": canary(),
            "pre_context": [canary()], "vars": {"token": canary(), "nested": {"deep": [canary()]}},
        }]},
        "mechanism": {"type": canary(), "description": canary(), "data": {"a": canary()}},
    });
    let event = json!({
        "culprit": canary(), "transaction": canary(), "message": canary(), "logger": canary(),
        "logentry": {"message": canary(), "params": [canary(), canary()]},
        "fingerprint": [canary()], "server_name": canary(), "release": canary(), "dist": canary(),
        "environment": canary(), "platform": canary(), "modules": {"a": canary()},
        "tags": {"provider": canary(), "header": canary(), "x-stillroom-access": "plain-canary41"},
        "extra": {
            "model": canary(), "session": [{"deep": canary(), "Authorization": "plain-canary42"}],
            "purpose": [["chatgpt-account-id", "plain-canary40"]], "a": canary(),
        },
        "contexts": {"custom": {"type": "unknown", "a": canary(), "api-key": "plain-canary41"}},
        "exception": {"values": [exception]},
        "threads": {"values": [{"name": canary()}]},
    });
    let event: Event<'static> = serde_json::from_value(event).expect("an event");
    let headers = ["authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "x-stillroom-access"];
    let headers = headers.iter().map(|name| ((*name).to_owned(), canary()));
    let request = Request {
        headers: headers.collect(),
        data: Some(canary()),
        query_string: Some(canary()),
        cookies: Some(canary()),
        ..Request::default()
    };
    Event {
        request: Some(request),
        user: Some(User { email: Some(canary()), ..User::default() }),
        breadcrumbs: vec![Breadcrumb { message: Some(canary()), ..Breadcrumb::default() }].into(),
        ..event
    }
}

/// An event with a piece of a conversation wherever a library might put one.
fn talkative() -> Event<'static> {
    let frame = json!({"context_line": "a conversation", "vars": {"body": "a conversation"}});
    let exception = json!({
        "type": "Error", "value": "disk full", "stacktrace": {"frames": [frame]},
        "mechanism": {"type": "generic", "data": {"body": "a conversation"}},
    });
    let response = json!({"type": "response", "data": "a conversation", "headers": {"x": "a conversation"}});
    let event = json!({
        "message": "The store's disk is full", "exception": {"values": [exception]},
        "contexts": {"response": response, "other": {"type": "unknown", "body": "a conversation"}},
        "extra": {"body": "a conversation", "messages": ["a conversation"]},
        "tags": {"said": "a conversation"}, "transaction": "a conversation",
        "request": {"url": "https://h/a%20conversation", "data": "a conversation"},
        "breadcrumbs": {"values": [{"message": "a conversation"}]},
    });
    serde_json::from_value(event).expect("an event")
}

#[test]
fn nothing_of_a_request_or_an_answer_leaves_and_the_rest_of_the_event_does() {
    let (alarm, outside) = started();
    alarm.client().capture_event(talkative(), None);
    let mut envelope = Envelope::from(talkative());
    envelope.add_item(Attachment { buffer: b"a conversation".to_vec(), ..Attachment::default() });
    alarm.client().send_envelope(envelope);
    let wire = wire(&outside);
    assert_eq!(wire.matches("The store's disk is full").count(), 2, "{wire}");
    assert_eq!(wire.matches("disk full").count(), 2, "an exception's own words are kept: {wire}");
    assert!(!wire.contains("conversation"), "{wire}");
}

#[test]
fn what_a_client_may_have_written_into_an_alert_is_scrubbed_too() {
    let (alarm, outside) = started();
    alarm.raise(&Alert { model: "m?key=AIza-canary, chatgpt-account-id: canary".to_owned(), ..alert() });
    let wire = wire(&outside);
    assert!(wire.contains("\"model\":\"m?[removed] chatgpt-account-id: [removed]\""), "{wire}");
}

#[test]
fn forty_canaries_in_every_field_leave_no_trace() {
    let canaries = canaries();
    for turn in 0..canaries.len() {
        let (alarm, outside) = started();
        let mut turned = canaries.clone();
        turned.rotate_left(turn);
        alarm.client().capture_event(laden(&turned), None);
        alarm.client().send_envelope(Envelope::from(laden(&turned)));
        let mut noisy = log(&turned[0]);
        noisy.attributes.insert("error".to_owned(), turned[1].clone().into());
        noisy.attributes.insert("x-stillroom-access".to_owned(), "plain-canary43".into());
        let mut envelope = Envelope::new();
        envelope.add_item(vec![noisy]);
        alarm.client().send_envelope(envelope);
        let wire = wire(&outside);
        assert_eq!(wire.lines().count(), 9, "three envelopes of one item: {wire}");
        let hits: Vec<usize> = (0..44).filter(|n| wire.contains(&format!("canary{n:02}"))).collect();
        assert!(hits.is_empty(), "turned by {turn}: {hits:?} in {wire}");
    }
}
