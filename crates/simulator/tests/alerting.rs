//! From a token that expires to an event at Sentry: one event an episode, and nothing else.
//!
//! Everything between the simulated provider and the envelope is the real thing: the gateway's service, the actors, the alarm.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]
#![expect(clippy::panic, reason = "an envelope that holds something else fails")]

use domain::secret::Secret;
use domain::settings::{SentrySettings, Settings};
use gateway::telemetry::SentryAlarm;
use sentry::protocol::EnvelopeItem;
use sentry::test::TestTransport;
use serde_json::{Value, json};
use simulator::agent::{Agent, Kind};
use simulator::world::{self, World};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const T1: &str = "sk-ant-oat01-alerting-token-one";
const T2: &str = "sk-ant-oat01-alerting-token-two";
const SESSION: &str = "11111111-aaaa-4bbb-8ccc-000000000001";
const SECRET_WORDS: &str = "the launch code is tangerine";

fn sentry_at(dsn: &str) -> SentrySettings {
    let defaults = Settings::with_data_dir("unused".into()).sentry;
    SentrySettings { dsn: Some(Secret::new(dsn)), ..defaults }
}

/// Lets `scenario` happen before `alarm`, with an agent whose first token works.
fn play<F: Future<Output = ()>>(alarm: Arc<SentryAlarm>, scenario: impl FnOnce(World, Agent) -> F) {
    world::run_heard_by(alarm, 42, Settings::with_data_dir("unused".into()), |world| {
        world.provider.accept(T1);
        scenario(world, Agent::new(Kind::ClaudeCode, SESSION, T1))
    })
    .expect("a world");
}

/// Enough to be distilled.
async fn three_turns(world: &World, agent: &mut Agent) {
    for _ in 0..3 {
        let reply = world.say(agent, SECRET_WORDS).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        world.pass(MINUTE / 2).await;
    }
}

/// A token expires while work is pending, and many ticks go by.
async fn episode(world: &World, agent: &mut Agent, token: &str) {
    three_turns(world, agent).await;
    world.provider.expire_at(token, world.now());
    world.pass(HOUR).await;
}

/// The agent logs in again.
fn fresh(world: &World, agent: &mut Agent) {
    world.provider.accept(T2);
    agent.refresh(T2);
}

/// The events that came since the last look, each the only item of its envelope, as the JSON that Sentry would read.
fn events(outside: &TestTransport) -> Vec<Value> {
    let event = |envelope: sentry::Envelope| match &envelope.into_items().collect::<Vec<_>>()[..] {
        [EnvelopeItem::Event(event)] => serde_json::to_value(event).expect("JSON"),
        other => panic!("not one event: {other:?}"),
    };
    outside.fetch_and_clear_envelopes().into_iter().map(event).collect()
}

#[test]
fn an_episode_is_one_envelope_however_many_ticks_go_by_and_a_second_one_is_one_more() {
    let outside = TestTransport::new();
    let alarm = SentryAlarm::start_through(
        &sentry_at("https://key@example.invalid/1"),
        Arc::new(Arc::clone(&outside)),
    );
    let look = Arc::clone(&outside);
    play(Arc::new(alarm.expect("a DSN")), async move |world, mut agent| {
        three_turns(&world, &mut agent).await;
        assert_eq!(events(&look), [Value::Null; 0], "nothing while all is well");
        world.provider.expire_at(T1, world.now());
        world.pass(2 * MINUTE).await;
        let first = events(&look);
        assert_eq!(first.len(), 1, "the first episode");
        world.pass(24 * HOUR).await;
        assert!(world.provider.calls_with(T1).len() > 20, "the token was probed all day long");
        assert_eq!(events(&look), [Value::Null; 0], "and nobody was told again");

        fresh(&world, &mut agent);
        episode(&world, &mut agent, T2).await;
        let second = events(&look);
        assert_eq!(second.len(), 1, "the second episode");
        assert_ne!(first[0]["extra"]["token"], second[0]["extra"]["token"]);
        for event in [&first[0], &second[0]] {
            told_well(event, &world);
        }
    });
}

#[test]
fn an_alert_names_the_model_that_was_asked_and_not_the_sessions_own() {
    let mut settings = Settings::with_data_dir("unused".into());
    settings.worker.model = Some("claude-haiku-4-5".into());
    world::run(42, settings, async |world| {
        world.provider.accept(T1);
        let mut agent = Agent::new(Kind::ClaudeCode, SESSION, T1);
        episode(&world, &mut agent, T1).await;
        let models: Vec<_> = world.alerts.all().into_iter().map(|alert| alert.model).collect();
        assert_eq!(models, ["claude-haiku-4-5"]);
    })
    .expect("a world");
}

/// Says what the people who run this need, and nothing of the conversation or the tokens.
fn told_well(event: &Value, world: &World) {
    assert_eq!(event["message"], "Worker upstream auth error");
    assert_eq!(event["fingerprint"], json!(["LOREAI-GATEWAY", "worker-auth-error", "401"]));
    let mut extra = event["extra"].clone();
    let token = extra["token"].take();
    let names: Vec<String> = world.alerts.all().iter().map(|alert| alert.token.to_string()).collect();
    assert!(names.iter().any(|name| token == **name && name.len() == 8), "{token} of {names:?}");
    let model = extra["model"].take();
    assert!(model.as_str().is_some_and(|model| model.starts_with("claude-")), "{model}");
    let expected = json!({
        "status": 401, "provider": "anthropic", "model": null, "purpose": "distill", "token": null,
        "session": "11111111", "another_available": false,
    });
    assert_eq!(extra, expected);
    let all = event.to_string();
    for secret in [T1, T2, "alerting-token", "tangerine", SESSION] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[test]
fn an_agent_that_meets_the_refusal_first_and_refreshes_by_itself_alerts_nobody() {
    let outside = TestTransport::new();
    let alarm = SentryAlarm::start_through(
        &sentry_at("https://key@example.invalid/1"),
        Arc::new(Arc::clone(&outside)),
    );
    play(Arc::new(alarm.expect("a DSN")), async |world, mut agent| {
        three_turns(&world, &mut agent).await;
        world.provider.expire_at(T1, world.now());
        assert_eq!(world.say(&mut agent, SECRET_WORDS).await.status, 401);
        fresh(&world, &mut agent);
        assert_eq!(world.try_again(&mut agent).await.status, 200);
        world.pass(HOUR).await;
    });
    assert_eq!(events(&outside), [Value::Null; 0]);
}

/// Reads one HTTP request, answers it as Sentry does, and gives its body.
fn recorded(mut stream: TcpStream) -> String {
    let mut reader = BufReader::new(stream.try_clone().expect("cloned"));
    let (mut length, mut line) = (0, String::new());
    while line != "\r\n" {
        line.clear();
        assert_ne!(reader.read_line(&mut line).expect("a line"), 0, "cut");
        let value = line.to_lowercase().strip_prefix("content-length:").map(str::to_owned);
        length = value.map_or(length, |value| value.trim().parse().expect("a number"));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        .expect("answered");
    String::from_utf8(body).expect("text")
}

/// An endpoint that records requests until a connection brings none.
fn endpoint() -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let record = move || {
        let streams = listener.incoming().map(|stream| stream.expect("accepted"));
        streams.take_while(|stream| stream.peek(&mut [0]).expect("readable") > 0).map(recorded).collect()
    };
    (port, thread::spawn(record))
}

#[test]
fn over_http_two_episodes_a_day_apart_are_two_envelopes_of_one_event_each() {
    let (port, recording) = endpoint();
    let alarm =
        Arc::new(SentryAlarm::start(&sentry_at(&format!("http://key@127.0.0.1:{port}/7"))).expect("a DSN"));
    play(Arc::clone(&alarm), async |world, mut agent| {
        episode(&world, &mut agent, T1).await;
        world.pass(24 * HOUR).await;
        fresh(&world, &mut agent);
        episode(&world, &mut agent, T2).await;
        world.pass(24 * HOUR).await;
    });
    alarm.close(Duration::from_secs(60));
    drop(TcpStream::connect(("127.0.0.1", port)).expect("the last one"));
    let envelopes = recording.join().expect("recorded");
    assert_eq!(envelopes.len(), 2, "{envelopes:?}");
    let events: Vec<Value> = envelopes.iter().map(|envelope| only_event(envelope)).collect();
    for event in &events {
        assert_eq!(event["fingerprint"], json!(["LOREAI-GATEWAY", "worker-auth-error", "401"]));
    }
    assert_ne!(events[0]["extra"]["token"], events[1]["extra"]["token"]);
}

/// An envelope as it goes over the wire: its head, the item's head, the item.
fn only_event(envelope: &str) -> Value {
    let lines: Vec<&str> = envelope.trim_end().lines().collect();
    let [_, head, event] = lines[..] else { panic!("not one item: {envelope}") };
    assert!(head.contains("\"type\":\"event\""), "{head}");
    serde_json::from_str(event).expect("JSON")
}
