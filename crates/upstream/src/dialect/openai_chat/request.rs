//! What a client asks: the conversation, whose it is, and how the answer is wanted.

use super::{Call, Turn};
use crate::dialect::directory::directory;
use crate::dialect::draft::spoken;
use crate::dialect::json::{Raw, Text, asks_for_json, compact, items, texts};
use crate::dialect::lenient::{lenient, whole_number};
use crate::dialect::{opening, outline};
use crate::unreadable::Unreadable;
use domain::conversation::{Asked, Message, Part, Role};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Request<'b> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    model: Option<Text<'b>>,
    #[serde(default, deserialize_with = "lenient")]
    stream: Option<bool>,
    #[serde(default, deserialize_with = "whole_number")]
    max_tokens: Option<u64>,
    #[serde(default, deserialize_with = "whole_number")]
    max_completion_tokens: Option<u64>,
    #[serde(borrow)]
    messages: Option<Raw<'b>>,
    #[serde(borrow)]
    tools: Option<Raw<'b>>,
    #[serde(borrow)]
    response_format: Option<Raw<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    prompt_cache_key: Option<Text<'b>>,
}

pub(crate) fn asked(body: &[u8]) -> Result<Asked, Unreadable> {
    let request: Request<'_> = serde_json::from_slice(body)?;
    let turns: Vec<Turn<'_>> = items(request.messages);
    let messages: Vec<Message> = turns.iter().filter_map(message).collect();
    Ok(Asked {
        directory: stated_directory(&turns, &messages),
        structured: asks_for_json(request.response_format),
        tools: items::<Raw<'_>>(request.tools).len(),
        output_limit: request.max_completion_tokens.or(request.max_tokens),
        stream: request.stream.unwrap_or_default(),
        model: request.model.map(|model| model.0.into_owned()).unwrap_or_default(),
        cache_key: request.prompt_cache_key.map(|key| key.0.into_owned()),
        follows: None,
        unread_beginning: None,
        cache: None,
        session: None,
        messages,
    })
}

/// See [`glance`](crate::dialect::glance).
pub(crate) fn glance(body: &[u8]) -> Result<Asked, Unreadable> {
    let is_answer = |turn: &[u8]| {
        let turn: Option<Turn<'_>> = serde_json::from_slice(turn).ok();
        turn.is_some_and(|turn| turn.role.as_deref() == Some("assistant"))
    };
    asked(&outline::opening(body, "messages", None, is_answer))
}

fn message(turn: &Turn<'_>) -> Option<Message> {
    let words = || {
        let refusal = turn.refusal.as_ref().map(|refusal| refusal.0.clone());
        let texts = texts(turn.content).into_iter().chain(refusal);
        texts.map(|text| Part::Text { text: text.into_owned() })
    };
    let (role, parts): (Role, Vec<Part>) = match turn.role.as_deref()? {
        "user" => (Role::User, words().collect()),
        "assistant" => (Role::Assistant, words().chain(calls(turn)).collect()),
        "tool" | "function" => (Role::User, vec![tool_result(turn)]),
        _ => return None,
    };
    let parts: Vec<Part> = parts.into_iter().filter_map(spoken).collect();
    (!parts.is_empty()).then_some(Message { role, parts })
}

fn calls(turn: &Turn<'_>) -> impl Iterator<Item = Part> {
    turn.calls().into_iter().filter_map(|call| call_part(&call))
}

/// Ids are no condition: what a provider left unnamed comes back unnamed.
fn call_part(call: &Call<'_>) -> Option<Part> {
    let (id, name) = (call.id().to_owned(), call.name().to_owned());
    let input = match call.input() {
        text if call.custom.is_some() => Value::from(text).to_string(),
        blank if blank.trim().is_empty() => "{}".to_owned(),
        json => compact(json),
    };
    (!id.is_empty() || !name.is_empty()).then_some(Part::ToolCall { id, name, input })
}

fn tool_result(turn: &Turn<'_>) -> Part {
    let id = turn.tool_call_id.as_deref().or(turn.name.as_deref()).unwrap_or_default().to_owned();
    Part::ToolResult { id, text: texts(turn.content).join("\n") }
}

fn stated_directory(turns: &[Turn<'_>], messages: &[Message]) -> Option<String> {
    let instructs = |turn: &&Turn<'_>| matches!(turn.role.as_deref(), Some("system" | "developer"));
    let instructions: Vec<_> = turns.iter().filter(instructs).flat_map(|turn| texts(turn.content)).collect();
    directory(instructions.iter().map(AsRef::as_ref).chain(opening(messages)))
}
