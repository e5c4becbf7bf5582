//! What leaves for Sentry, seen from the other side of the transport.

mod filter;
mod http;
mod scrubbing;

use crate::telemetry::SentryAlarm;
use domain::fingerprint::Fingerprint;
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::secret::Secret;
use domain::settings::{SentrySettings, Settings};
use machines::credential::Alert;
use sentry::protocol::{EnvelopeItem, Event, Log, LogLevel};
use sentry::test::TestTransport;
use sentry::{Envelope, Transport, TransportFactory, TransportOptions};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use workers::Alarm;

const DSN: &str = "https://key@example.invalid/1";

fn settings(dsn: Option<&str>) -> SentrySettings {
    let defaults = Settings::with_data_dir("unused".into()).sentry;
    SentrySettings { dsn: dsn.map(Secret::new), environment: "testing".to_owned(), ..defaults }
}

/// An alarm and the library's own stand-in for the way out.
fn started() -> (SentryAlarm, Arc<TestTransport>) {
    let outside = TestTransport::new();
    let alarm =
        SentryAlarm::start_through(&settings(Some(DSN)), Arc::new(Arc::clone(&outside))).expect("a DSN");
    (alarm, outside)
}

fn items(outside: &TestTransport) -> Vec<EnvelopeItem> {
    outside.fetch_and_clear_envelopes().into_iter().flat_map(Envelope::into_items).collect()
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

fn said(message: &str) -> Event<'static> {
    Event { message: Some(message.to_owned()), ..Event::default() }
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

#[test]
fn a_models_name_makes_no_line_of_its_own_in_the_log() {
    let alarm = SentryAlarm::start(&settings(None)).expect("no DSN is needed");
    let model = "claude\n2026-11-27T00:00:00Z  INFO gateway: forged\u{1b}[31m".to_owned();
    let text = crate::telemetry::logs::tests::read_of("info", || alarm.raise(&Alert { model, ..alert() }));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn one_alert_is_one_event_with_exactly_these_fields() {
    let (alarm, outside) = started();
    alarm.raise(&alert());
    let [EnvelopeItem::Event(event)] = &items(&outside)[..] else { panic!("not one event") };
    let mut event = serde_json::to_value(event).expect("JSON");
    let event = event.as_object_mut().expect("an object");
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

/// Notices when a way out is made.
struct NoWayOut;

impl TransportFactory for NoWayOut {
    fn create_transport_with_options(&self, _: TransportOptions) -> Arc<dyn Transport> {
        panic!("a way out was made")
    }
}

#[test]
fn without_a_dsn_nothing_is_made_nothing_is_sent_and_nothing_fails() {
    let alarm = SentryAlarm::start_through(&settings(None), Arc::new(NoWayOut)).expect("no DSN is fine");
    alarm.raise(&alert());
    alarm.close(Duration::ZERO);
}

#[test]
#[should_panic(expected = "a way out was made")]
fn with_a_dsn_a_way_out_is_made() {
    drop(SentryAlarm::start_through(&settings(Some(DSN)), Arc::new(NoWayOut)));
}

#[test]
fn a_dsn_that_is_none_is_refused_without_being_shown() {
    let refused = SentryAlarm::start(&settings(Some("hunter2"))).err().expect("refused").to_string();
    assert!(refused.contains("sentry.dsn") && !refused.contains("hunter2"), "{refused}");
}
