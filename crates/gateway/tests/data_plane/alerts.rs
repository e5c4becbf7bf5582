//! An alert from the real threads of a gateway: raised where the CredentialActor lives, sent through the alarm's own client.

use crate::client::post;
use crate::house::{House, ears, settings_before};
use crate::provider::{Provider, answer, events};
use domain::secret::Secret;
use domain::settings::Settings;
use gateway::Ears;
use gateway::telemetry::SentryAlarm;
use machines::credential::Alert;
use sentry::protocol::Event;
use sentry::test::TestTransport;
use sentry::{Client, ClientOptions, Envelope, Hub, Level, Transport};
use std::sync::{Arc, Mutex};
use std::thread;
use tempfile::TempDir;
use workers::Alarm;

const DSN: &str = "https://key@example.invalid/1";
const NAME: &str = "0369532a-3413-4cb0-ba3e-1926579bd098";
const REFUSAL: &str =
    r#"{"type":"error","error":{"type":"authentication_error","message":"OAuth token has expired"}}"#;

/// Keeps what is sent, and the name of the thread that sent it.
#[derive(Default)]
struct Outside(Mutex<Vec<(String, Envelope)>>);

impl Transport for Outside {
    fn send_envelope(&self, envelope: Envelope) {
        let thread = thread::current().name().unwrap_or_default().to_owned();
        self.0.lock().unwrap().push((thread, envelope));
    }
}

/// Our alarm, and beside it, on the same thread at the same moment, other code that uses Sentry in its own way.
struct WithNeighbour(SentryAlarm);

impl Alarm for WithNeighbour {
    fn raise(&self, alert: &Alert) {
        sentry::capture_message("the neighbour's", Level::Error);
        self.0.raise(alert);
        sentry::capture_message("the neighbour's", Level::Error);
    }
}

/// What the neighbour's client sends. It is bound to the hub that all threads start from, as `sentry::init` would.
fn neighbour() -> Arc<TestTransport> {
    let sent = TestTransport::new();
    let client = Client::from(ClientOptions::new().dsn(DSN).transport(Arc::clone(&sent)));
    Hub::main().bind_client(Some(Arc::new(client)));
    sent
}

fn alarm(outside: &Arc<Outside>) -> SentryAlarm {
    let mut settings = Settings::with_data_dir("unused".into()).sentry;
    settings.dsn = Some(Secret::new(DSN));
    SentryAlarm::start_through(&settings, Arc::new(Arc::clone(outside))).unwrap()
}

fn messages(events: &[Event<'_>]) -> Vec<String> {
    events.iter().filter_map(|event| event.message.clone()).collect()
}

#[test]
fn an_alert_leaves_from_the_actors_own_thread_and_neither_it_nor_a_neighbours_event_by_the_others_way() {
    let (neighbours, outside) = (neighbour(), Arc::<Outside>::default());
    let provider =
        Provider::saying_in_turn([events("Hello"), answer("401 Unauthorized", "request-id: r\r\n", REFUSAL)]);
    let folder = TempDir::new().unwrap();
    let ears = Ears { alarm: Arc::new(WithNeighbour(alarm(&outside))), ..ears() };
    let house = House::heard_by(ears, settings_before(&provider, &folder), Some(folder));
    let headers = format!("authorization: Bearer sk-ant-oat01-dummy\r\nx-claude-code-session-id: {NAME}\r\n");
    let asked = r#"{"model":"claude-x","messages":[{"role":"user","content":"hi"}]}"#;
    assert_eq!(house.ask(post("/v1/messages", &headers, asked)).status, 200);
    assert_eq!(house.sessions().len(), 1, "the turn is on record before its session is worked on");
    let job = house.ask(post(&format!("/api/v1/sessions/{NAME}/distill"), "", ""));
    assert_eq!(job.json()["outcome"], "waiting", "{}", job.text());

    let sent = outside.0.lock().unwrap();
    let [(thread, envelope)] = &sent[..] else { panic!("not one envelope: {sent:?}") };
    assert!(thread.contains("arbiter"), "{thread}");
    let event = envelope.event().unwrap();
    assert_eq!(event.fingerprint[..], ["LOREAI-GATEWAY", "worker-auth-error", "401"]);
    assert_eq!(event.extra["session"], NAME[..8]);
    assert_eq!(messages(&neighbours.fetch_and_clear_events()), ["the neighbour's"; 2]);
}
