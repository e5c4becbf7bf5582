//! What is learned on the side: turns, sessions, and what answers say about credentials.

use crate::client::{post, request};
use crate::house::{House, settings};
use crate::provider::{Provider, answer, chunk, events, events_of};
use domain::settings::Settings;
use machines::credential::TokenState;
use serde_json::json;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;
use tempfile::TempDir;

const KEY: &str = "x-api-key: sk-ant-api03-dummy\r\n";
const NAMED: &str =
    "x-claude-code-session-id: 0369532a-3413-4cb0-ba3e-1926579bd098\r\nuser-agent: agent/1.2 (x)\r\n";
const NAME: &str = "0369532a-3413-4cb0-ba3e-1926579bd098";

/// The body of a turn in which these were said, by turns; `extra` goes before them.
fn asking(extra: &str, said: &[&str]) -> String {
    let message = |(number, words): (usize, &&str)| json!({ "role": if number % 2 == 0 { "user" } else { "assistant" }, "content": words });
    let messages: Vec<_> = said.iter().enumerate().map(message).collect();
    format!(r#"{{"model":"claude-x",{extra}"messages":{}}}"#, json!(messages))
}

/// `body` in a frame of zstd, which stores it as it is.
fn compressed(body: &str) -> Vec<u8> {
    let block = u32::try_from(body.len() << 3 | 1).unwrap().to_le_bytes();
    let head = [0x28, 0xb5, 0x2f, 0xfd, 0x20, u8::try_from(body.len()).unwrap()];
    [&head[..], &block[..3], body.as_bytes()].concat()
}

fn turn(headers: &str, said: &[&str]) -> String {
    post("/v1/messages?beta=true", &format!("{KEY}{headers}"), &asking("", said))
}

fn texts(house: &House, session: &str) -> Vec<String> {
    let session = session.into();
    house.stored(move |store| store.messages(&session)).into_iter().map(|message| message.text).collect()
}

/// Each session's id and how many turns it has.
fn sessions(house: &House) -> Vec<(String, u32)> {
    house.sessions().into_iter().map(|session| (session.id.to_string(), session.turns)).collect()
}

/// Settings for a gateway that outlives itself in `folder`.
fn before(provider: &Provider, folder: &TempDir) -> Settings {
    let mut settings = settings(folder);
    settings.upstream.anthropic = format!("http://{}", provider.address);
    settings
}

#[test]
fn a_turn_is_recorded_in_the_session_that_the_agent_names() {
    let provider = Provider::saying(events("Hello"));
    let house = House::before(&provider);
    house.ask(turn(NAMED, &["hi"]));
    house.ask(turn(NAMED, &["hi", "Hello", "and now?"]));
    let recorded = house.sessions();
    assert_eq!(sessions(&house), [(NAME.to_owned(), 2)]);
    assert_eq!((recorded[0].client.as_str(), recorded[0].model.as_str()), ("agent/1.2", "claude-x"));
    assert_eq!(recorded[0].upstream_origin, format!("http://{}", provider.address));
    assert_eq!(texts(&house, NAME), ["hi", "Hello", "and now?", "Hello"]);
}

#[test]
fn a_conversation_without_a_name_stays_one_session_and_a_second_one_is_another() {
    let provider = Provider::saying(events("Hello"));
    let house = House::before(&provider);
    for said in [&["hi"][..], &["hi", "Hello", "more"], &["hi", "Hello", "more", "Hello", "end"], &["hi"]] {
        house.ask(turn("", said));
    }
    let mut turns: Vec<u32> = sessions(&house).into_iter().map(|(_, turns)| turns).collect();
    turns.sort_unstable();
    assert_eq!(turns, [1, 3]);
}

#[test]
fn a_conversation_goes_on_in_its_session_after_a_restart() {
    let provider = Provider::saying(events("Hello"));
    let folder = TempDir::new().unwrap();
    let start = || House::of(before(&provider, &folder), None);
    let first = start();
    first.ask(turn("", &["hi"]));
    first.stop();
    first.end().unwrap();
    let after = start();
    after.ask(turn("", &["hi", "Hello", "more"]));
    assert_eq!(sessions(&after).len(), 1);
    assert_eq!(after.sessions()[0].turns, 2);
}

#[test]
fn a_compressed_request_is_read_for_the_record_and_relayed_as_it_came() {
    let provider = Provider::saying(events("Hello"));
    let house = House::before(&provider);
    let zstd = compressed(&asking("", &["hi"]));
    let headers = format!("{NAMED}content-encoding: zstd\r\ncontent-length: {}\r\n", zstd.len());
    let request = [request("POST", "/v1/messages", &headers).into_bytes(), zstd.clone()].concat();
    house.ask(request);
    assert_eq!(provider.heard().body, zstd);
    assert_eq!(texts(&house, NAME), ["hi", "Hello"]);
}

#[test]
fn a_compressed_answer_is_read_for_the_record_and_relayed_as_it_came() {
    let said = r#"{"role":"assistant","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn"}"#;
    let zstd = compressed(said);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: zstd\r\n";
    let head = format!("{head}content-length: {}\r\n\r\n", zstd.len());
    let provider = Provider::saying([head.into_bytes(), zstd.clone()].concat());
    let house = House::before(&provider);
    assert_eq!(house.ask(turn(NAMED, &["hi"])).body, zstd);
    assert_eq!(texts(&house, NAME), ["hi", "Hello"]);
}

#[test]
fn side_requests_are_relayed_and_leave_no_turn() {
    let provider = Provider::saying(events("A title"));
    let house = House::before(&provider);
    let schema = r#""output_config":{"format":{"type":"json_schema","schema":{}}},"#;
    let headers = format!("{KEY}{NAMED}");
    for request in [
        post("/v1/messages", &headers, &asking(schema, &["name this"])),
        post("/v1/messages", &headers, &asking(r#""max_tokens":1,"#, &["quota"])),
        post("/v1/messages/count_tokens", &headers, &asking("", &["hi"])),
        post(
            "/v1/messages",
            &format!("{headers}x-claude-code-request-class: compaction\r\n"),
            &asking("", &["hi"]),
        ),
        request("GET", "/v1/models", &headers),
    ] {
        assert_eq!(house.ask(request).status, 200);
    }
    assert_eq!(sessions(&house), []);
    let slots = house.slots();
    let session =
        slots.iter().find_map(|slot| slot.session.as_ref()).expect("it is the session's credential");
    assert_eq!(session.as_str(), NAME);
}

#[test]
fn an_answer_that_breaks_off_is_no_turn_and_the_next_request_brings_it_again() {
    let whole = events("Hello");
    let cut = whole.split_once("event: message_delta").unwrap().0.to_owned();
    let answers = Mutex::new(vec![whole, cut]);
    let provider = Provider::playing(move |line| {
        while line.hear() {
            let answer = answers.lock().unwrap().pop().unwrap();
            line.say(answer.as_bytes());
            if !answer.ends_with("0\r\n\r\n") {
                return line.hang_up();
            }
        }
    });
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(turn(NAMED, &["hi"]));
    client.hear_all();
    assert_eq!(sessions(&house), []);
    house.ask(turn(NAMED, &["hi", "Hel", "go on"]));
    assert_eq!(sessions(&house), [(NAME.to_owned(), 1)]);
    assert_eq!(texts(&house, NAME), ["hi", "Hel", "go on", "Hello"]);
}

#[test]
fn a_client_that_leaves_with_the_last_word_leaves_a_turn() {
    let whole = events("Hello");
    let marked = whole.strip_suffix("0\r\n\r\n").unwrap();
    assert_eq!(left_by(marked, r#"{"type":"message_stop"}"#), ["hi", "Hello"]);
    let stated = marked.split_once("event: message_stop").unwrap().0;
    assert_eq!(left_by(stated, r#""usage":{"output_tokens":5}}"#), ["hi", "Hello"]);
    assert_eq!(left_by(packed(marked), r#"{"type":"message_stop"}"#), ["hi", "Hello"]);
}

/// The answer `said` in a gzip that stores it as it is, up to where its end would be.
fn packed(said: &str) -> Vec<u8> {
    let (head, chunks) = said.split_once("\r\n\r\n").unwrap();
    let plain: String = chunks.split("\r\n").skip(1).step_by(2).collect();
    let length = u16::try_from(plain.len()).unwrap();
    let body = [
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 0][..],
        &length.to_le_bytes(),
        &(!length).to_le_bytes(),
        plain.as_bytes(),
    ]
    .concat();
    let head = format!("{head}\r\ncontent-encoding: gzip\r\n\r\n{:x}\r\n", body.len());
    [head.as_bytes(), &body, b"\r\n"].concat()
}

/// What is on record of a turn whose client leaves as soon as it heard `last` of what its provider says.
fn left_by(said: impl AsRef<[u8]>, last: &str) -> Vec<String> {
    let said = said.as_ref().to_vec();
    let provider = Provider::playing(move |line| {
        line.hear();
        line.say(&said);
        line.until_left();
    });
    let folder = TempDir::new().unwrap();
    let start = || House::of(before(&provider, &folder), None);
    let house = start();
    let mut client = house.client();
    client.say(turn(NAMED, &["hi"]));
    client.hear_up_to(last);
    drop(client);
    provider.heard();
    assert!(provider.was_left());
    // It stops only when what was said is on record.
    house.stop();
    house.end().unwrap();
    texts(&start(), NAME)
}

#[test]
fn a_long_answer_that_ends_while_the_gateway_stops_is_on_record() {
    let words = "w".repeat(64 * 1024);
    let said = events_of([&*words; 900]).strip_suffix("0\r\n\r\n").unwrap().to_owned();
    let (end, told) = channel::<()>();
    let told = Mutex::new(told);
    let provider = Provider::playing(move |line| {
        line.hear();
        line.say(said.as_bytes());
        told.lock().unwrap().recv().ok();
        line.say(b"0\r\n\r\n");
        line.until_left();
    });
    let folder = TempDir::new().unwrap();
    let mut settings = before(&provider, &folder);
    settings.distiller.enabled = false;
    let start = || House::of(settings.clone(), None);
    let house = start();
    let mut client = house.client();
    client.say(turn(NAMED, &["hi"]));
    client.head();
    house.stop();
    end.send(()).unwrap();
    client.hear_all();
    house.end().unwrap();
    assert_eq!(sessions(&start()), [(NAME.to_owned(), 1)]);
}

#[test]
fn a_request_that_failed_and_comes_again_stays_in_its_session() {
    let busy = answer("529 Overloaded", "", r#"{"type":"error","error":{"type":"overloaded_error"}}"#);
    let provider = Provider::saying_in_turn([events("Hello"), busy.clone(), busy, events("Hello")]);
    let house = House::before(&provider);
    house.ask(turn("", &["hi"]));
    for _ in 0..3 {
        house.ask(turn("", &["hi", "Hello", "more"]));
    }
    assert_eq!(sessions(&house).into_iter().map(|(_, turns)| turns).collect::<Vec<_>>(), [2]);
}

#[test]
fn an_accepted_request_proves_its_token_and_a_refused_one_speaks_against_it() {
    let refusal = r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#;
    let provider = Provider::saying_in_turn([events("Hello"), answer("401 Unauthorized", "", refusal)]);
    let house = House::before(&provider);
    house.ask(turn(NAMED, &["hi"]));
    assert!(house.slots().iter().all(|slot| slot.state == TokenState::Proven));
    let refused = house.ask(turn(NAMED, &["hi", "Hello", "more"]));
    assert_eq!((refused.status, refused.text().as_str()), (401, refusal), "the agent sees it as it is");
    let slots = house.slots();
    assert!(!slots.is_empty() && slots.iter().all(|slot| slot.state == TokenState::Rejected), "{slots:?}");
}

fn states(house: &House) -> Vec<TokenState> {
    let mut states: Vec<_> = house.slots().into_iter().map(|slot| slot.state).collect();
    states.dedup();
    states
}

#[test]
fn the_first_event_of_a_stream_proves_its_token_unless_it_is_an_error() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let error = r#"{"type":"error","error":{"type":"authentication_error","message":"token revoked"}}"#;
    for (first, state) in [
        (format!("event: error\ndata: {error}\n\n"), TokenState::Unproven),
        (": wait\n\nevent: error\ndata: {\"ty".to_owned(), TokenState::Unproven),
        ("event: ping\ndata: {\"type\":\"ping\"}\n\n".to_owned(), TokenState::Proven),
    ] {
        let said = head.to_owned() + &chunk(&first);
        let provider = Provider::playing(move |line| {
            line.hear();
            line.say(said.as_bytes());
            line.until_left();
        });
        let house = House::before(&provider);
        let mut client = house.client();
        client.say(turn(NAMED, &["hi"]));
        client.hear_up_to(&first);
        assert_eq!(states(&house), [state], "{first}");
    }
}

#[test]
fn a_greeting_proves_nothing_and_a_list_of_models_does() {
    let provider = Provider::saying(answer("200 OK", "", "{}"));
    let house = House::before(&provider);
    let ask = |target| house.ask(request("GET", target, &format!("{KEY}{NAMED}")));
    assert_eq!(ask("/api/hello").status, 200);
    assert_eq!(states(&house), [TokenState::Unproven]);
    ask("/v1/models");
    assert_eq!(states(&house), [TokenState::Proven]);
}

#[test]
fn a_session_of_side_requests_alone_leaves_memory_with_its_credential() {
    let provider = Provider::saying(answer("200 OK", "", "{}"));
    let house = House::with(&provider, |settings| {
        let idle = &mut settings.idle;
        (idle.tick, idle.after, idle.evict_after) =
            (Duration::from_millis(1), Duration::ZERO, Duration::ZERO);
    });
    house.ask(request("GET", "/v1/models", &format!("{KEY}{NAMED}")));
    // Nothing tells when it is swept out: this asks until it is, and gives up long after it should have been.
    let is_held = || house.slots().iter().any(|slot| slot.session.is_some());
    assert!((0..10_000).any(|_| !is_held()), "nobody forgets it");
}

#[test]
fn a_refusal_within_an_accepted_stream_speaks_against_the_token_too() {
    let error = r#"{"type":"error","error":{"type":"authentication_error","message":"token revoked"}}"#;
    let stream = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        .to_owned()
        + &chunk(&format!("event: error\ndata: {error}\n\n"))
        + "0\r\n\r\n";
    let provider = Provider::saying(stream);
    let house = House::before(&provider);
    house.ask(turn(NAMED, &["hi"]));
    let slots = house.slots();
    assert!(!slots.is_empty() && slots.iter().all(|slot| slot.state == TokenState::Rejected), "{slots:?}");
}

#[test]
fn what_is_not_clearly_one_credential_is_relayed_and_not_captured() {
    let provider = Provider::saying(events("Hello"));
    let house = House::before(&provider);
    for odd in [
        "authorization: Bearer a\r\nx-api-key: b\r\n",
        "authorization: Bearer a\r\nauthorization: Bearer b\r\n",
        "authorization: Bearer a, Bearer b\r\n",
    ] {
        assert_eq!(
            house.ask(post("/v1/messages", &format!("{odd}{NAMED}"), &asking("", &["hi"]))).status,
            200
        );
        let heard = provider.heard();
        let arrived = heard.values("authorization").len() + heard.values("x-api-key").len();
        assert_eq!(arrived, odd.lines().count(), "{odd}");
    }
    assert_eq!(house.slots(), []);
}

#[test]
fn requests_are_counted_by_provider_and_status() {
    let provider = Provider::saying_in_turn([events("Hello"), answer("500 Internal Server Error", "", "oh")]);
    let house = House::with(&provider, |settings| settings.upstream.openai = "http://127.0.0.1:1".into());
    house.ask(turn(NAMED, &["hi"]));
    house.ask(turn(NAMED, &["hi", "Hello", "more"]));
    house.ask(post("/v1/responses", "", "{}"));
    let metrics = house.ask(request("GET", "/metrics", "")).text();
    for line in [
        r#"stillroom_upstream_requests_total{purpose="client",provider="anthropic",status="200"} 1"#,
        r#"stillroom_upstream_requests_total{purpose="client",provider="anthropic",status="500"} 1"#,
        r#"stillroom_upstream_requests_total{purpose="client",provider="openai",status="0"} 1"#,
        "stillroom_relay_overhead_seconds_count 3",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[test]
fn what_is_too_large_to_be_read_at_once_is_read_beside_and_recorded_all_the_same() {
    let (question, words) = ("q".repeat(2 * 1024 * 1024), "w".repeat(1024 * 1024));
    let provider = Provider::saying(events(&words));
    let house = House::before(&provider);
    house.ask(turn(NAMED, &[&question]));
    // The answer is read on another thread, and nothing tells when: this asks until it is there.
    while sessions(&house) != [(NAME.to_owned(), 1)] {
        std::thread::yield_now();
    }
    let kept = texts(&house, NAME);
    assert!(kept[0].starts_with("qqqq") && kept[1].starts_with("wwww"));
}
