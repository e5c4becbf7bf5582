//! What leaves for Sentry, seen from the other side of the transport.

use crate::telemetry::SentryAlarm;
use crate::telemetry::alarm::MESSAGE;
use domain::fingerprint::Fingerprint;
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::secret::Secret;
use domain::settings::{SentrySettings, Settings};
use machines::credential::Alert;
use sentry::protocol::{
    Attachment, Breadcrumb, EnvelopeItem, Event, Exception, ItemContainer, Log, LogEntry, LogLevel, Request,
    User,
};
use sentry::{Envelope, Transport};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};
use workers::Alarm;

/// Keeps what is sent through it.
#[derive(Default)]
struct Outside(Mutex<Vec<Envelope>>);

impl Transport for Outside {
    fn send_envelope(&self, envelope: Envelope) {
        self.0.lock().expect("unharmed").push(envelope);
    }
}

impl Outside {
    fn items(&self) -> Vec<EnvelopeItem> {
        self.0.lock().expect("unharmed").drain(..).flat_map(Envelope::into_items).collect()
    }

    /// The events that came, as the JSON that Sentry would read.
    fn events(&self) -> Vec<Value> {
        let event = |item| match item {
            EnvelopeItem::Event(event) => Some(serde_json::to_value(event).expect("JSON")),
            _ => None,
        };
        self.items().into_iter().filter_map(event).collect()
    }

    /// Everything that came, as it would go over the wire.
    fn wire(&self) -> String {
        let mut bytes = Vec::new();
        for envelope in self.0.lock().expect("unharmed").iter() {
            envelope.to_writer(&mut bytes).expect("written");
        }
        String::from_utf8(bytes).expect("text")
    }
}

fn settings(dsn: Option<&str>) -> SentrySettings {
    let defaults = Settings::with_data_dir("unused".into()).sentry;
    SentrySettings { dsn: dsn.map(Secret::new), environment: "testing".to_owned(), ..defaults }
}

fn started() -> (SentryAlarm, Arc<Outside>) {
    let outside = Arc::new(Outside::default());
    let settings = settings(Some("https://key@example.invalid/1"));
    let alarm = SentryAlarm::start_through(&settings, Arc::new(Arc::clone(&outside))).expect("a DSN");
    (alarm, outside)
}

fn alert() -> Alert {
    Alert {
        status: 401,
        provider: Provider::Anthropic,
        model: "claude-sonnet-4-5-20250929".to_owned(),
        purpose: Purpose::Distill,
        token: Fingerprint::of_number(0xab),
        session: "3f2a91c0-7b1c-4def-8a90-0123456789ab".into(),
        another_available: false,
    }
}

/// An event that somebody else sends through the same client arrives, or not.
fn arrives(event: Event<'static>) -> bool {
    let (alarm, outside) = started();
    alarm.client().capture_event(event, None);
    !outside.events().is_empty()
}

fn said(message: &str) -> Event<'static> {
    Event { message: Some(message.to_owned()), ..Event::default() }
}

fn logged(message: &str) -> Event<'static> {
    let entry = LogEntry { message: message.to_owned(), params: Vec::new() };
    Event { logentry: Some(entry), ..Event::default() }
}

fn thrown(message: &str) -> Event<'static> {
    let exception =
        Exception { ty: "Error".to_owned(), value: Some(message.to_owned()), ..Exception::default() };
    Event { exception: vec![exception].into(), ..Event::default() }
}

fn log(body: &str) -> Log {
    Log {
        level: LogLevel::Error,
        body: body.to_owned(),
        trace_id: None,
        timestamp: SystemTime::UNIX_EPOCH,
        severity_number: None,
        attributes: Default::default(),
    }
}

/// Items that come to the boundary by another way than the client's `before_send`.
fn let_through(items: Vec<EnvelopeItem>) -> Vec<EnvelopeItem> {
    let (alarm, outside) = started();
    let mut envelope = Envelope::new();
    items.into_iter().for_each(|item| envelope.add_item(item));
    alarm.client().send_envelope(envelope);
    outside.items()
}

#[test]
fn one_alert_is_one_event_with_exactly_these_fields() {
    let (alarm, outside) = started();
    alarm.raise(&alert());
    let mut events = outside.events();
    assert_eq!(events.len(), 1);
    let event = events[0].as_object_mut().expect("an object");
    assert!(event.remove("event_id").is_some() && event.remove("timestamp").is_some());
    let sdk = event.remove("sdk").expect("the library names itself");
    assert_eq!(sdk["integrations"], Value::Null);
    let expected = json!({
        "message": "Worker upstream auth error",
        "fingerprint": ["LOREAI-GATEWAY", "worker-auth-error", "401"],
        "platform": "native",
        "release": format!("stillroom@{}", env!("CARGO_PKG_VERSION")),
        "environment": "testing",
        "tags": {"provider": "anthropic", "status": "401"},
        "extra": {
            "status": 401,
            "provider": "anthropic",
            "model": "claude-sonnet-4-5-20250929",
            "purpose": "distill",
            "token": "ab000000",
            "session": "3f2a91c0",
            "another_available": false,
        },
    });
    assert_eq!(Value::Object(event.clone()), expected);
}

#[test]
fn without_a_dsn_nothing_is_set_up_and_nothing_fails() {
    let outside = Arc::new(Outside::default());
    let alarm =
        SentryAlarm::start_through(&settings(None), Arc::new(Arc::clone(&outside))).expect("no DSN is fine");
    alarm.raise(&alert());
    alarm.close(Duration::from_secs(1));
    assert!(outside.items().is_empty());
}

#[test]
fn a_dsn_that_is_none_is_refused_without_being_shown() {
    let refused = SentryAlarm::start(&settings(Some("hunter2"))).err().expect("refused").to_string();
    assert!(refused.contains("sentry.dsn") && !refused.contains("hunter2"), "{refused}");
}

#[test]
fn a_message_that_repeats_the_alert_is_dropped_and_another_passes() {
    assert!(!arrives(said(&format!("{MESSAGE}: 401"))));
    assert!(arrives(said("The store's disk is full")));
}

#[test]
fn a_log_entry_that_repeats_the_alert_is_dropped_and_another_passes() {
    assert!(!arrives(logged(&format!("{MESSAGE}: 401"))));
    assert!(arrives(logged("The store's disk is full")));
}

#[test]
fn an_exception_that_repeats_the_alert_is_dropped_and_another_passes() {
    assert!(!arrives(thrown(&format!("{MESSAGE}: 401"))));
    assert!(arrives(thrown("The store's disk is full")));
}

#[test]
fn only_our_own_fingerprint_lets_the_alerts_words_pass() {
    let marked = |fingerprint: [&'static str; 3]| {
        let fingerprint: Vec<_> = fingerprint.into_iter().map(Into::into).collect();
        Event { fingerprint: fingerprint.into(), ..said(MESSAGE) }
    };
    assert!(arrives(marked(["LOREAI-GATEWAY", "worker-auth-error", "401"])));
    assert!(!arrives(marked(["SOMEBODY-ELSE", "worker-auth-error", "401"])));
    assert!(!arrives(marked(["LOREAI-GATEWAY", "worker-retry-exhausted", "401"])));
}

#[test]
fn the_transport_drops_a_repeated_alert_that_did_not_come_through_the_client() {
    let copy = let_through(vec![thrown(&format!("{MESSAGE}: 401")).into()]);
    assert_eq!(copy, []);
    let other = let_through(vec![thrown("The store's disk is full").into()]);
    assert!(matches!(&other[..], [EnvelopeItem::Event(_)]), "{other:?}");
}

#[test]
fn a_structured_log_that_repeats_the_alert_is_dropped_and_its_neighbour_passes() {
    let mut attribute = log("see error");
    attribute.attributes.insert("error".to_owned(), format!("{MESSAGE}: 401").into());
    let logs = vec![log(&format!("{MESSAGE}: 401")), log("turn recorded"), attribute];
    let passed = let_through(vec![logs.into()]);
    let [EnvelopeItem::ItemContainer(ItemContainer::Logs(logs))] = &passed[..] else { panic!("{passed:?}") };
    assert_eq!(logs.iter().map(|log| log.body.as_str()).collect::<Vec<_>>(), ["turn recorded"]);
}

#[test]
fn attachments_and_raw_envelopes_stay_and_the_event_beside_them_passes() {
    let file = Attachment {
        buffer: b"a conversation".to_vec(),
        filename: "turn.json".to_owned(),
        ..Default::default()
    };
    let passed = let_through(vec![said("The store's disk is full").into(), file.into()]);
    assert!(matches!(&passed[..], [EnvelopeItem::Event(_)]), "{passed:?}");
    let (alarm, outside) = started();
    alarm.client().send_envelope(Envelope::from_bytes_raw(b"{}\nanything".to_vec()).expect("raw"));
    assert_eq!(outside.wire(), "");
}

/// Forty tokens of every shape that we know, each recognisable by its number.
fn canaries() -> Vec<String> {
    let shapes: [fn(usize) -> String; 8] = [
        |n| format!("sk-ant-oat01-canary{n:02}"),
        |n| format!("sk-ant-api03-canary{n:02}"),
        |n| format!("sk-proj-canary{n:02}"),
        |n| format!("eyJhbGciOiJIUzI1NiJ9.canary{n:02}.c2ln"),
        |n| format!("AIzaSyCanary-canary{n:02}"),
        |n| format!("Bearer opaque-canary{n:02}"),
        |n| format!("x-goog-api-key: canary{n:02}"),
        |n| format!("https://h/v1/models?key=canary{n:02}"),
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
        "tags": {"header": canary(), "x-stillroom-access": "plain-canary41"},
        "extra": {"a": canary(), "nested": [{"deep": canary()}], "Authorization": "plain-canary42"},
        "contexts": {"custom": {"type": "unknown", "a": canary(), "api-key": "plain-canary43"}},
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
        let mut envelope = Envelope::new();
        envelope.add_item(vec![noisy]);
        alarm.client().send_envelope(envelope);
        let wire = outside.wire();
        assert_eq!(wire.lines().count(), 9, "three envelopes of one item: {wire}");
        let hits: Vec<usize> = (0..44).filter(|n| wire.contains(&format!("canary{n:02}"))).collect();
        assert!(hits.is_empty(), "turned by {turn}: {hits:?} in {wire}");
    }
}

/// Reads one HTTP request and answers it; what came stands in the thread's result.
fn receive(mut stream: TcpStream) -> String {
    let mut reader = BufReader::new(stream.try_clone().expect("cloned"));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).expect("a line"), 0, "cut: {head}");
    }
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.expect("a length")];
    reader.read_exact(&mut body).expect("the body");
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    stream.write_all(answer.as_bytes()).expect("answered");
    head + &String::from_utf8(body).expect("text")
}

/// An endpoint on a real socket that collects requests until a connection brings none.
fn endpoint() -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let collect = move || {
        let streams = listener.incoming().map(|stream| stream.expect("accepted"));
        streams.take_while(|stream| stream.peek(&mut [0]).expect("readable") > 0).map(receive).collect()
    };
    (port, std::thread::spawn(collect))
}

#[test]
fn over_http_the_envelope_arrives_exactly_once_and_before_the_close_ends() {
    let (port, collected) = endpoint();
    let alarm =
        SentryAlarm::start(&settings(Some(&format!("http://key@127.0.0.1:{port}/7")))).expect("a DSN");
    alarm.raise(&alert());
    alarm.close(Duration::from_secs(20));
    drop(TcpStream::connect(("127.0.0.1", port)).expect("the last one"));
    let requests = collected.join().expect("collected");
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(requests[0].starts_with("POST /api/7/envelope/ HTTP/1.1\r\n"), "{}", requests[0]);
    assert_eq!(requests[0].matches("\"message\":\"Worker upstream auth error\"").count(), 1);
    assert!(requests[0].contains("\"token\":\"ab000000\""), "{}", requests[0]);
}
