//! What logs amount to, told by the store that takes it in.

use super::*;
use domain::conversation::{Message, Role};
use domain::ids::{Principal, SessionId};
use serde_json::{Value, json};
use store::{Imported, SqliteStore, Store as _, TurnRecord, Yours as _};

const CLAUDE: &str = "0369532a-3413-4cb0-ba3e-1926579bd098";
const CODEX: &str = "01a2081a-f2b9-76e2-bb80-f2015e0429f4";

/// Nothing of this machine.
struct Nowhere;

impl Surroundings for Nowhere {
    fn project(&self, directory: &str, _: UnixMillis) -> ProjectId {
        format!("project of {directory}").into()
    }
}

/// What a log of these lines brings into `store`, and how many lines nobody knew.
fn bring_in(store: &mut SqliteStore, log: &mut dyn Log, lines: &[Value]) -> (Imported, u64) {
    let mut done = Imported::default();
    let mut take = |records: Vec<Record>| {
        done += store.import_some(&Principal::local(), &records, false).unwrap();
    };
    for line in lines {
        log.read(&line.to_string(), &Nowhere);
        take(log.take());
    }
    take(log.close());
    (done, log.unknown())
}

fn said(store: &mut SqliteStore, session: &str) -> Vec<(Role, String)> {
    let messages = store.messages(&session.into()).unwrap();
    messages.into_iter().map(|message| (message.role, message.text)).collect()
}

/// A line of Claude Code's, the `number`th, which goes on from another.
fn claude(kind: &str, number: u32, parent: Option<u32>, message: Value) -> Value {
    json!({"type": kind, "uuid": format!("u{number}"), "parentUuid": parent.map(|parent| format!("u{parent}")),
        "sessionId": CLAUDE, "cwd": "/home/ann/oven", "isSidechain": false, "version": "2.1.0",
        "timestamp": format!("2026-11-26T04:00:{number:02}.000Z"), "message": message})
}

fn asks(number: u32, parent: Option<u32>, content: impl Into<Value>) -> Value {
    claude("user", number, parent, json!({"role": "user", "content": content.into()}))
}

/// One block of the answer `id`.
fn answers(number: u32, parent: u32, id: &str, block: Value, stop: Option<&str>) -> Value {
    let usage = json!({"input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 1}});
    let message = json!({"role": "assistant", "id": id, "model": "claude-sonnet-4-5", "content": [block],
        "stop_reason": stop, "usage": usage});
    claude("assistant", number, Some(parent), message)
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn claude_log() -> Vec<Value> {
    vec![
        json!({"type": "summary", "summary": "Baking", "leafUuid": "u4"}),
        asks(1, None, "bake a loaf"),
        answers(2, 1, "msg_1", text("Let me look."), None),
        claude("progress", 3, Some(2), Value::Null),
        answers(
            4,
            3,
            "msg_1",
            json!({"type": "tool_use", "id": "t1", "name": "Read", "input": {"path": "notes"}}),
            Some("tool_use"),
        ),
        asks(5, Some(4), json!([{"type": "tool_result", "tool_use_id": "t1", "content": "rye"}])),
        answers(6, 5, "msg_2", text("Rye it is."), Some("end_turn")),
    ]
}

#[test]
fn a_log_of_claude_codes_lands_as_if_its_turns_had_been_recorded() {
    let mut store = SqliteStore::in_memory().unwrap();
    let (done, unknown) = bring_in(&mut store, &mut ClaudeCode::default(), &claude_log());
    assert_eq!((done.sessions, done.messages, done.known, unknown), (1, 4, 0, 0));
    let messages = said(&mut store, CLAUDE);
    assert_eq!(messages[0], (Role::User, "bake a loaf".into()));
    assert_eq!(messages[1], (Role::Assistant, "Let me look.\n[tool call Read] {\"path\":\"notes\"}".into()));
    assert_eq!(messages[2], (Role::User, "[tool result] rye".into()));
    assert_eq!(messages[3], (Role::Assistant, "Rye it is.".into()));
    let session = store.session(&CLAUDE.into()).unwrap().unwrap();
    assert_eq!((session.turns, session.usage.cache_read, session.usage.cache_write_1h), (2, 14, 2));
    assert_eq!(session.project, Some("project of /home/ann/oven".into()));
    let time = |text: &str| time(text).unwrap();
    assert_eq!(session.created, time("2026-11-26T04:00:01Z"));
    assert_eq!(session.last_activity, time("2026-11-26T04:00:06Z"));
    assert_eq!(store.messages(&CLAUDE.into()).unwrap()[1].at, time("2026-11-26T04:00:04Z"));
}

#[test]
fn a_log_whose_lines_are_all_of_one_moment_has_its_turns() {
    let mut log = claude_log();
    log.iter_mut().for_each(|line| line["timestamp"] = json!("2026-11-26T04:00:01.000Z"));
    let mut store = SqliteStore::in_memory().unwrap();
    let (done, _) = bring_in(&mut store, &mut ClaudeCode::default(), &log);
    assert_eq!((done.sessions, done.messages, done.known), (1, 4, 0));
    assert_eq!(store.session(&CLAUDE.into()).unwrap().unwrap().turns, 2);
}

#[test]
fn a_log_that_comes_again_changes_nothing_and_one_that_grew_adds_what_is_new() {
    let mut store = SqliteStore::in_memory().unwrap();
    let (first, _) = bring_in(&mut store, &mut ClaudeCode::default(), &claude_log()[..2]);
    assert_eq!((first.sessions, first.messages, first.known), (1, 1, 0), "nothing is said twice");
    bring_in(&mut store, &mut ClaudeCode::default(), &claude_log()[..3]);
    assert_eq!(said(&mut store, CLAUDE).len(), 2, "an answer that was still coming");
    let (done, _) = bring_in(&mut store, &mut ClaudeCode::default(), &claude_log());
    assert_eq!((done.sessions, done.messages), (0, 3));
    for _ in 0..2 {
        let (again, _) = bring_in(&mut store, &mut ClaudeCode::default(), &claude_log());
        assert_eq!(
            again,
            Imported { known: 8, ..Imported::default() },
            "the session twice, its messages and turns"
        );
    }
    assert_eq!(store.session(&CLAUDE.into()).unwrap().unwrap().turns, 2);
}

#[test]
fn a_line_that_stands_twice_in_a_log_is_read_once() {
    let (mut once, mut twice) = (SqliteStore::in_memory().unwrap(), SqliteStore::in_memory().unwrap());
    bring_in(&mut once, &mut ClaudeCode::default(), &claude_log());
    // One behind the other, and all of them behind the last.
    let repeated: Vec<Value> = claude_log().into_iter().flat_map(|line| [line.clone(), line]).collect();
    let (_, unknown) = bring_in(&mut twice, &mut ClaudeCode::default(), &[repeated, claude_log()].concat());
    assert_eq!((said(&mut twice, CLAUDE), unknown), (said(&mut once, CLAUDE), 0));
    assert_eq!(twice.session(&CLAUDE.into()).unwrap(), once.session(&CLAUDE.into()).unwrap());
}

#[test]
fn an_agent_that_goes_on_with_an_imported_session_adds_only_what_is_new() {
    let mut store = SqliteStore::in_memory().unwrap();
    bring_in(
        &mut store,
        &mut ClaudeCode::default(),
        &[asks(1, None, "hello"), answers(2, 1, "m", text("hi"), Some("end_turn"))],
    );
    let speak = |role, text: &str| Message::text(role, text);
    let history = vec![speak(Role::User, "hello"), speak(Role::Assistant, "hi"), speak(Role::User, "bake")];
    let links = domain::conversation::chain(&history);
    let record = TurnRecord {
        session: CLAUDE.into(),
        principal: Principal::local(),
        identity: Some(CLAUDE.into()),
        client: "claude-cli/2.1".into(),
        provider: domain::provider::Provider::Anthropic,
        dialect: domain::provider::Dialect::AnthropicMessages,
        model: "claude-sonnet-4-5".into(),
        upstream_origin: "https://api.anthropic.com".into(),
        directory: None,
        project: None,
        at: UnixMillis(i64::MAX / 2),
        injection: None,
        follows: None,
        messages: history,
        answer: Some(speak(Role::Assistant, "which flour?")),
        usage: Default::default(),
        stop: None,
        head: links[2],
        cut: false,
    };
    assert_eq!(store.record_turn(&record).unwrap().new_messages, 2);
}

#[test]
fn whoever_went_back_and_on_has_two_conversations_that_begin_alike() {
    let mut store = SqliteStore::in_memory().unwrap();
    let log = [
        asks(1, None, "hello"),
        answers(2, 1, "m1", text("hi"), Some("end_turn")),
        asks(3, Some(2), "rye"),
        answers(4, 3, "m2", text("good"), Some("end_turn")),
        asks(5, Some(2), "wheat"),
        answers(6, 5, "m3", text("good"), Some("end_turn")),
    ];
    let (done, _) = bring_in(&mut store, &mut ClaudeCode::default(), &log);
    assert_eq!((done.messages, store.session(&CLAUDE.into()).unwrap().unwrap().turns), (6, 3));
}

#[test]
fn what_is_no_part_of_the_conversation_is_passed_over_and_what_nobody_knows_is_counted() {
    let mut store = SqliteStore::in_memory().unwrap();
    let with = |line: Value, name: &str, value: Value| {
        let mut line = line;
        line[name] = value;
        line
    };
    let log = [
        with(asks(1, None, "a caveat"), "isMeta", true.into()),
        json!({"type": "file-history-snapshot", "snapshot": {}}),
        asks(2, Some(1), "hello"),
        json!({"type": "dream", "of": "bread"}),
        json!("no entry at all"),
        with(asks(3, None, "a subagent's"), "isSidechain", true.into()),
        with(with(asks(4, None, "a subagent's"), "isSidechain", true.into()), "agentId", "ad57c431".into()),
        claude(
            "assistant",
            5,
            Some(2),
            json!({"role": "assistant", "id": "m0", "model": "<synthetic>", "content": [text("API Error")]}),
        ),
        answers(6, 5, "m1", text("hi"), Some("end_turn")),
    ];
    let (_, unknown) = bring_in(&mut store, &mut ClaudeCode::default(), &log);
    assert_eq!(unknown, 3);
    let texts = |store: &mut SqliteStore, session: &str| -> Vec<String> {
        said(store, session).into_iter().map(|(_, text)| text).collect()
    };
    assert_eq!(texts(&mut store, CLAUDE), ["hello", "hi"]);
    assert_eq!(texts(&mut store, &format!("{CLAUDE}.ad57c431")), ["a subagent's"]);
    let mut names: Vec<SessionId> =
        store.sessions(None).unwrap().into_iter().map(|session| session.id).collect();
    names.sort();
    assert_eq!(names.len(), 2);
}

fn codex(second: u32, kind: &str, payload: Value) -> Value {
    json!({"timestamp": format!("2026-11-26T05:00:{second:02}.000Z"), "type": kind, "payload": payload})
}

fn item(second: u32, item: Value) -> Value {
    codex(second, "response_item", item)
}

fn cost(second: u32) -> Value {
    let usage = json!({"input_tokens": 100, "cached_input_tokens": 60, "output_tokens": 9});
    codex(second, "event_msg", json!({"type": "token_count", "info": {"last_token_usage": usage}}))
}

fn codex_log() -> Vec<Value> {
    let message = |role: &str, kind: &str, text: &str| json!({"type": "message", "role": role, "content": [{"type": kind, "text": text}]});
    vec![
        codex(0, "session_meta", json!({"id": CODEX, "cwd": "/home/ann/oven", "cli_version": "0.65.0"})),
        codex(1, "turn_context", json!({"model": "gpt-6.1-codex", "cwd": "/home/ann/oven"})),
        item(2, message("user", "input_text", "bake a loaf")),
        codex(2, "event_msg", json!({"type": "user_message", "message": "bake a loaf"})),
        item(3, json!({"type": "reasoning", "summary": [], "encrypted_content": "x"})),
        item(
            4,
            json!({"type": "function_call", "name": "shell", "arguments": "{\"command\":[\"ls\"]}", "call_id": "c1"}),
        ),
        cost(4),
        item(5, json!({"type": "function_call_output", "call_id": "c1", "output": "rye"})),
        item(6, message("assistant", "output_text", "Rye it is.")),
        cost(6),
        codex(7, "dream", json!({})),
    ]
}

#[test]
fn a_log_of_codexs_lands_as_if_its_turns_had_been_recorded_and_only_once() {
    let mut store = SqliteStore::in_memory().unwrap();
    let (done, unknown) = bring_in(&mut store, &mut Codex::default(), &codex_log());
    assert_eq!((done.sessions, done.messages, done.known, unknown), (1, 4, 0, 1));
    let messages = said(&mut store, CODEX);
    assert_eq!(messages[0], (Role::User, "bake a loaf".into()));
    assert!(
        messages[1].1.starts_with("[tool call shell]") && messages[1].0 == Role::Assistant,
        "{messages:?}"
    );
    assert_eq!(messages[2], (Role::User, "[tool result] rye".into()));
    assert_eq!(messages[3], (Role::Assistant, "Rye it is.".into()));
    let session = store.session(&CODEX.into()).unwrap().unwrap();
    assert_eq!((session.turns, session.model.as_str()), (2, "gpt-6.1-codex"));
    assert_eq!((session.usage.input, session.usage.cache_read, session.usage.output), (80, 120, 18));
    let (again, _) = bring_in(&mut store, &mut Codex::default(), &codex_log());
    assert_eq!(again, Imported { known: again.known, ..Imported::default() });
}

#[test]
fn a_line_with_half_a_sign_is_a_part_of_its_conversation() {
    let claude = vec![asks(1, None, "bake a loaf"), answers(2, 1, "m", text("hi"), Some("end_turn"))];
    let logs: [(Box<dyn Log>, _, _); 2] =
        [(Box::<ClaudeCode>::default(), claude, CLAUDE), (Box::<Codex>::default(), codex_log(), CODEX)];
    for (mut log, lines, session) in logs {
        let mut store = SqliteStore::in_memory().unwrap();
        for line in lines {
            // No JSON of ours can hold it.
            log.read(&line.to_string().replace("bake a loaf", r"bake a \ud83d"), &Nowhere);
            store.import_some(&Principal::local(), &log.take(), false).unwrap();
        }
        store.import_some(&Principal::local(), &log.close(), false).unwrap();
        let messages = said(&mut store, session);
        assert_eq!(messages[0], (Role::User, "bake a \u{fffd}\u{fffd}\u{fffd}".into()));
        assert!(messages.len() > 1, "{messages:?}");
    }
}

#[test]
fn no_line_makes_a_reader_panic() {
    let odd = [
        json!(null),
        json!({}),
        json!({"type": 3}),
        json!({"type": "user"}),
        json!({"type": "assistant", "message": {}}),
    ];
    for mut log in [Box::<ClaudeCode>::default() as Box<dyn Log>, Box::<Codex>::default()] {
        let (done, unknown) = bring_in(&mut SqliteStore::in_memory().unwrap(), &mut *log, &odd);
        assert_eq!((done, unknown), (Imported::default(), odd.len() as u64));
        log.read("no JSON", &Nowhere);
        assert_eq!(log.unknown(), odd.len() as u64 + 1);
    }
}

#[test]
fn an_answer_between_whose_blocks_a_tool_answered_is_counted_once() {
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "Read", "input": {}});
    let result = |id: &str| json!([{"type": "tool_result", "tool_use_id": id, "content": "rye"}]);
    let log = [
        asks(1, None, "hello"),
        answers(2, 1, "m1", call("t1"), None),
        asks(3, Some(2), result("t1")),
        answers(4, 3, "m1", call("t2"), Some("tool_use")),
        asks(5, Some(4), result("t2")),
    ];
    let mut store = SqliteStore::in_memory().unwrap();
    let (done, _) = bring_in(&mut store, &mut ClaudeCode::default(), &log);
    let session = store.session(&CLAUDE.into()).unwrap().unwrap();
    assert_eq!((done.messages, session.turns, session.usage.output), (5, 1, 5));
}
