//! What becomes of turns while the store cannot keep up.

use crate::client::{post, request};
use crate::house::{House, settings};
use crate::provider::{Provider, events};
use serde_json::json;
use store::{SqliteStore, Store as _};
use tempfile::TempDir;

const SESSION: &str = "0369532a-3413-4cb0-ba3e-1926579bd098";
/// More than may wait, unless it waits alone.
const LARGE: usize = 17 * 1024 * 1024;

fn turn(session: &str, said: &[&str]) -> String {
    let message = |(number, words): (usize, &&str)| json!({ "role": if number % 2 == 0 { "user" } else { "assistant" }, "content": words });
    let messages: Vec<_> = said.iter().enumerate().map(message).collect();
    let headers = format!("x-api-key: sk-ant-api03-dummy\r\nx-claude-code-session-id: {session}\r\n");
    post("/v1/messages", &headers, &json!({"model": "claude-x", "messages": messages}).to_string())
}

fn left_out(house: &House) -> bool {
    house
        .ask(request("GET", "/metrics", ""))
        .text()
        .contains(r#"facts_shed_total{actor="Recorder",msg="TurnCompleted"} 1"#)
}

#[test]
fn a_turn_that_found_no_room_is_counted_and_comes_again_with_the_sessions_next() {
    let provider = Provider::saying(events("Hello"));
    let house = House::before(&provider);
    let busy = house.busy_store();
    house.ask(turn("a-large-session", &[&"x".repeat(LARGE)]));
    assert!(!left_out(&house));
    assert_eq!(house.ask(turn(SESSION, &["hi"])).status, 200, "the client knows nothing of it");
    assert!(left_out(&house));
    drop(busy);
    assert_eq!(house.sessions().len(), 1, "the turn itself is gone");
    house.ask(turn(SESSION, &["hi", "Hello", "and now?"]));
    let messages = house.stored(|store| store.messages(&SESSION.into()));
    let texts: Vec<_> = messages.into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["hi", "Hello", "and now?", "Hello"]);
}

#[test]
fn a_sessions_newer_turn_takes_the_place_of_its_older_one_and_brings_its_words() {
    let provider = Provider::saying(events("Hello"));
    let house = House::before(&provider);
    let busy = house.busy_store();
    let large = "x".repeat(LARGE);
    house.ask(turn(SESSION, &[&large]));
    house.ask(turn(SESSION, &[&large, "Hello", "and now?"]));
    assert!(left_out(&house));
    drop(busy);
    let messages = house.stored(|store| store.messages(&SESSION.into()));
    assert_eq!(messages.len(), 4);
    assert_eq!(house.sessions()[0].turns, 1);
}

#[test]
fn what_was_said_before_a_history_began_anew_is_kept_however_long_the_new_one_is() {
    let provider = Provider::saying(events("Hello"));
    let house = House::before(&provider);
    let busy = house.busy_store();
    let large = "x".repeat(LARGE / 2);
    house.ask(turn(SESSION, &["at first", "Hello", &large]));
    house.ask(turn(SESSION, &["a summary", "Hello", &large, "Hello", "and now?"]));
    assert!(left_out(&house));
    drop(busy);
    let messages = house.stored(|store| store.messages(&SESSION.into()));
    assert_eq!(messages[0].text, "at first");
}

#[test]
fn all_turns_that_wait_are_on_record_after_an_orderly_end() {
    let provider = Provider::saying(events("Hello"));
    let folder = TempDir::new().unwrap();
    let mut before = settings(&folder);
    before.upstream.anthropic = format!("http://{}", provider.address);
    let house = House::of(before, None);
    let busy = house.busy_store();
    for number in 0..40 {
        house.ask(turn(&format!("session-{number:02}"), &["hi"]));
    }
    house.stop();
    drop(busy);
    house.end().unwrap();
    let mut store = SqliteStore::open(folder.path()).unwrap();
    assert_eq!(store.sessions(None).unwrap().len(), 40);
}
