//! Conversations to record.

use domain::conversation::{Message, Part, Role, Stop, Usage, chain};
use domain::ids::{Principal, SessionId};
use domain::provider::{Dialect, Provider};
use domain::time::UnixMillis;
use store::{SqliteStore, Store, TurnRecord};

pub(crate) fn user(text: &str) -> Message {
    Message::text(Role::User, text)
}

pub(crate) fn model(text: &str) -> Message {
    Message::text(Role::Assistant, text)
}

pub(crate) fn tool_call(id: &str) -> Message {
    let call = Part::ToolCall { id: id.into(), name: "read".into(), input: r#"{"path":"notes"}"#.into() };
    Message { role: Role::Assistant, parts: vec![call] }
}

pub(crate) fn tool_result(id: &str, text: &str) -> Message {
    let result = Part::ToolResult { id: id.into(), text: text.into() };
    Message { role: Role::User, parts: vec![result] }
}

pub(crate) fn id(session: &str) -> SessionId {
    SessionId::from(session)
}

/// A turn of `session` in a project of its principal, an hour after 1970.
pub(crate) fn turn(session: &str, messages: &[Message], answer: Option<Message>) -> TurnRecord {
    let whole: Vec<Message> = messages.iter().chain(&answer).cloned().collect();
    TurnRecord {
        session: id(session),
        principal: Principal::local(),
        identity: Some(format!("client's {session}")),
        client: "claude-cli/2.1".into(),
        provider: Provider::Anthropic,
        dialect: Dialect::AnthropicMessages,
        model: "claude-sonnet-4-5".into(),
        upstream_origin: "https://api.anthropic.com".into(),
        directory: Some("/home/ann/oven".into()),
        project: Some("/home/ann/oven".into()),
        injection: None,
        follows: None,
        at: UnixMillis(3_600_000),
        messages: messages.to_vec(),
        answer,
        usage: Usage { input: 10, cache_read: 100, cache_write_5m: 5, cache_write_1h: 1, output: 7 },
        stop: Some(Stop::End),
        head: chain(&whole).last().copied().unwrap_or(domain::conversation::Digest::START),
        cut: false,
    }
}

/// A store in memory in which `session` has said the given words, the person first and then in turns.
pub(crate) fn store_with(session: &str, words: &[&str]) -> SqliteStore {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, session, words);
    store
}

pub(crate) fn say(store: &mut SqliteStore, session: &str, words: &[&str]) {
    let speak = |(index, text): (usize, &&str)| if index % 2 == 0 { user(text) } else { model(text) };
    let messages: Vec<Message> = words.iter().enumerate().map(speak).collect();
    store.record_turn(&turn(session, &messages, None)).unwrap();
}

/// The texts that the store holds of `session`, oldest first.
pub(crate) fn texts(store: &mut SqliteStore, session: &str) -> Vec<String> {
    store.messages(&id(session)).unwrap().into_iter().map(|message| message.text).collect()
}
