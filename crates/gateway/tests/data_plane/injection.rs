//! Knowledge in requests: what a session's project is known for goes along with its turns, the same from the first to the last,
//! and nothing else is touched.

use crate::client::post;
use crate::house::{House, settings_before};
use crate::mcp::{call, note};
use crate::provider::{Event, Heard, Provider, events};
use domain::conversation::{Digest, Usage};
use domain::ids::Principal;
use domain::knowledge::{Category, Operation};
use domain::provider::Dialect;
use domain::time::UnixMillis;
use serde_json::json;
use store::{SqliteStore, Store, TurnRecord};
use tempfile::TempDir;

const JSON: &str = "content-type: application/json\r\n";
const NOTE: &str =
    "- [k1 gotcha, curated from session seed, tool output included, confidence 0.8] Oven: needs an hour";

/// A data folder in which something is known of the project at `/no/such/oven`.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut store = SqliteStore::open(folder.path()).unwrap();
    store.record_turn(&seed()).unwrap();
    let (title, content) = ("Oven".to_owned(), "needs an hour".to_owned());
    let known = Operation::Create { category: Category::Gotcha, title, content, confidence: 0.75 };
    // From the year 2096, so that it has not faded yet.
    store.apply_operations(&"seed".into(), &[known], UnixMillis(4_000_000_000_000)).unwrap();
    folder
}

pub(crate) fn seed() -> TurnRecord {
    TurnRecord {
        session: "seed".into(),
        principal: Principal::local(),
        identity: None,
        client: "test".into(),
        provider: domain::provider::Provider::Anthropic,
        dialect: Dialect::AnthropicMessages,
        model: "claude-x".into(),
        upstream_origin: "http://h.example".into(),
        directory: Some("/no/such/oven".into()),
        project: Some("/no/such/oven".into()),
        injection: None,
        follows: None,
        at: UnixMillis(1),
        messages: Vec::new(),
        answer: None,
        usage: Usage::default(),
        stop: None,
        head: Digest::START,
        cut: false,
    }
}

fn house(provider: &Provider, folder: &TempDir) -> House {
    House::of(settings_before(provider, folder), None)
}

/// A request of `session` that works in `directory`; `extra` are more members.
fn asking(session: &str, directory: &str, extra: &str) -> (String, String) {
    let headers = format!("x-api-key: sk-ant-api03-dummy\r\nx-claude-code-session-id: {session}\r\n");
    let body = format!(
        r#"{{ "model":"claude-x", "x":1.50e3,{extra}"system":[{{"type":"text","text":"Working directory: {directory}","cache_control":{{"type":"ephemeral"}}}}],"messages":[{{"role":"user","content":"hi"}}]}}"#
    );
    (headers, body)
}

/// What reaches the provider of such a request, beside what was sent.
fn reached(
    house: &House,
    provider: &Provider,
    path: &str,
    (headers, body): (String, String),
) -> (String, String) {
    house.ask(post(path, &headers, &body));
    let heard = heard(provider);
    assert_eq!(heard.values("content-length"), [heard.body.len().to_string()]);
    (body, String::from_utf8(heard.body).unwrap())
}

/// The next request; a gateway that has ended has left its connections.
fn heard(provider: &Provider) -> Heard {
    loop {
        if let Event::Heard(heard) = provider.event() {
            return heard;
        }
    }
}

fn turn(house: &House, provider: &Provider, session: &str, directory: &str) -> (String, String) {
    reached(house, provider, "/v1/messages", asking(session, directory, ""))
}

#[test]
fn a_turn_of_a_known_project_gets_one_unmarked_block_behind_the_clients_own_and_all_else_stays() {
    let (provider, folder) = (Provider::saying(events("Hello")), folder());
    let house = house(&provider, &folder);
    let (sent, reached) = turn(&house, &provider, "session-one", "/no/such/oven");
    let (before, behind) = sent.split_once("],\"messages\"").unwrap();
    let block =
        reached.strip_prefix(before).unwrap().strip_suffix(&format!("],\"messages\"{behind}")).unwrap();
    assert!(
        block.starts_with(r#",{"text":"<stillroom-memory>\n"#) && block.ends_with(r#"","type":"text"}"#),
        "{block}"
    );
    assert!(block.contains(NOTE) && !block.contains("cache_control"), "{block}");
}

#[test]
fn a_session_gets_the_same_whatever_is_learnt_meanwhile_and_after_a_restart() {
    let (provider, folder) = (Provider::saying(events("Hello")), folder());
    let first = house(&provider, &folder);
    let begun = turn(&first, &provider, "session-one", "/no/such/oven").1;
    turn(&first, &provider, "session-two", "/no/such/garden");
    let change = r#"{"category":"gotcha","title":"Oven","content":"needs two hours","confidence":0.9}"#;
    assert_eq!(first.ask(post("/api/v1/knowledge/k1", JSON, change).replacen("POST", "PUT", 1)).status, 200);
    assert_eq!(turn(&first, &provider, "session-one", "/no/such/oven").1, begun);
    assert!(turn(&first, &provider, "session-new", "/no/such/oven").1.contains("needs two hours"));
    first.stop();
    first.end().unwrap();
    let after = house(&provider, &folder);
    assert_eq!(turn(&after, &provider, "session-one", "/no/such/oven").1, begun);
    let (sent, reached) = turn(&after, &provider, "session-two", "/no/such/oven");
    assert_eq!(reached, sent, "it began with nothing");
}

#[test]
fn nothing_is_added_elsewhere_to_side_requests_to_counts_or_where_a_body_is_sealed() {
    let (provider, folder) = (Provider::saying(events("Hello")), folder());
    let house = house(&provider, &folder);
    let (headers, body) = asking("session-seal", "/no/such/oven", "");
    let sealed = (format!("{headers}content-digest: sha-256=:x:\r\n"), body);
    let schema = r#""output_config":{"format":{"type":"json_schema","schema":{}}},"#;
    for (path, request) in [
        ("/v1/messages", asking("session-away", "/no/such/garden", "")),
        ("/v1/messages", asking("session-side", "/no/such/oven", schema)),
        ("/v1/messages/count_tokens", asking("session-count", "/no/such/oven", "")),
        ("/v1/messages", sealed),
    ] {
        let (sent, reached) = reached(&house, &provider, path, request);
        assert_eq!(reached, sent);
    }
}

#[test]
fn what_an_agent_remembers_and_forgets_holds_for_the_sessions_that_begin_after_it() {
    let (provider, folder) = (Provider::saying(events("Hello")), folder());
    let (house, oven) = (house(&provider, &folder), "/mcp?project=%2Fno%2Fsuch%2Foven");
    let told = |session: &str| turn(&house, &provider, session, "/no/such/oven").1;
    call(&house, oven, "remember", note("Door"));
    let first = told("session-one");
    assert!(first.contains("] Door: needs an") && first.contains(NOTE), "{first}");
    call(&house, oven, "forget", json!({"id": "k2"}));
    let second = told("session-two");
    assert!(!second.contains("Door") && second.contains(NOTE), "{second}");
}

#[test]
fn a_setting_and_a_person_turn_it_off() {
    let (provider, folder) = (Provider::saying(events("Hello")), folder());
    let mut settings = settings_before(&provider, &folder);
    settings.memory.inject = false;
    let off = House::of(settings, None);
    let (sent, reached) = turn(&off, &provider, "session-off", "/no/such/oven");
    assert_eq!(reached, sent);
    off.stop();
    off.end().unwrap();
    let on = house(&provider, &folder);
    assert!(turn(&on, &provider, "session-one", "/no/such/oven").1.contains(NOTE));
    on.sessions(); // It is on record.
    let decision =
        post("/api/v1/sessions/session-one/injection", JSON, r#"{"on":false}"#).replacen("POST", "PUT", 1);
    assert_eq!(on.ask(decision).status, 200);
    let (sent, reached) = turn(&on, &provider, "session-one", "/no/such/oven");
    assert_eq!(reached, sent);
    on.stop();
    on.end().unwrap();
    let after = house(&provider, &folder);
    let (sent, reached) = turn(&after, &provider, "session-one", "/no/such/oven");
    assert_eq!(reached, sent);
}
