//! OpenAI Responses: `POST /v1/responses`.

use super::Completion;
use super::directory::directory;
use super::draft::{Draft, spoken};
use super::json::{Text, asks_for_json, compact, first_is_json, items, read, texts};
use super::openai_usage::usage;
use crate::events;
use crate::provider_error::ProviderError;
use crate::unreadable::Unreadable;
use domain::conversation::{Answered, Asked, Message, Part, Role, Stop};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;

#[derive(Deserialize)]
struct Request<'b> {
    #[serde(borrow, default)]
    model: Text<'b>,
    stream: Option<bool>,
    max_output_tokens: Option<u64>,
    #[serde(borrow)]
    instructions: Option<&'b RawValue>,
    #[serde(borrow)]
    input: Option<&'b RawValue>,
    #[serde(borrow)]
    tools: Option<&'b RawValue>,
    #[serde(borrow)]
    text: Option<&'b RawValue>,
    #[serde(borrow)]
    prompt_cache_key: Option<Text<'b>>,
    #[serde(borrow)]
    client_metadata: Option<&'b RawValue>,
}

/// One item of the input, or of an answer's output.
#[derive(Deserialize)]
struct Item<'b> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'b>>,
    #[serde(borrow)]
    role: Option<Text<'b>>,
    #[serde(borrow)]
    content: Option<&'b RawValue>,
    #[serde(borrow)]
    call_id: Option<Text<'b>>,
    #[serde(borrow)]
    name: Option<Text<'b>>,
    #[serde(borrow)]
    arguments: Option<Text<'b>>,
    #[serde(borrow)]
    input: Option<Text<'b>>,
    #[serde(borrow)]
    output: Option<&'b RawValue>,
    #[serde(borrow)]
    tools: Option<&'b RawValue>,
}

impl Item<'_> {
    /// The type; a message may leave it out.
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("message")
    }

    fn instructs(&self) -> bool {
        self.kind() == "message" && matches!(self.role.as_deref(), Some("system" | "developer"))
    }
}

pub(super) fn asked(body: &[u8]) -> Result<Asked, Unreadable> {
    let request: Request<'_> = serde_json::from_slice(body)?;
    let input: Vec<Item<'_>> = items(request.input);
    let messages = messages(&request, &input);
    Ok(Asked {
        directory: stated_directory(&request, &input, &messages),
        session: request.client_metadata.and_then(session),
        structured: request.text.is_some_and(wants_schema),
        tools: tools(&request, &input),
        output_limit: request.max_output_tokens,
        stream: request.stream.unwrap_or_default(),
        model: request.model.0.into_owned(),
        cache_key: request.prompt_cache_key.map(|key| key.0.into_owned()),
        cache: None,
        messages,
    })
}

fn messages(request: &Request<'_>, input: &[Item<'_>]) -> Vec<Message> {
    if let Some(text) = request.input.and_then(|input| read::<Text<'_>>(input.get())) {
        return vec![Message::text(Role::User, text.0)];
    }
    let mut messages = Vec::new();
    for (role, parts) in input.iter().filter_map(said) {
        join(&mut messages, role, parts);
    }
    messages
}

/// What an answer said comes back as several items; they are one message again, so that it can be recognised.
fn join(messages: &mut Vec<Message>, role: Role, parts: Vec<Part>) {
    match messages.last_mut() {
        Some(last) if role == Role::Assistant && last.role == role => last.parts.extend(parts),
        _ if parts.is_empty() => {}
        _ => messages.push(Message { role, parts }),
    }
}

fn said(item: &Item<'_>) -> Option<(Role, Vec<Part>)> {
    let kind = item.kind();
    let role = match item.role.as_deref() {
        Some("user") if kind == "message" => Role::User,
        Some("assistant") if kind == "message" => Role::Assistant,
        None if kind.ends_with("_call") => Role::Assistant,
        None if kind.ends_with("_call_output") => Role::User,
        _ => return None,
    };
    Some((role, parts(item)))
}

fn parts(item: &Item<'_>) -> Vec<Part> {
    let kind = item.kind();
    if kind.ends_with("_call") {
        call(item).into_iter().collect()
    } else if kind.ends_with("_call_output") {
        result(item).into_iter().collect()
    } else {
        let words = texts(item.content).into_iter().map(Cow::into_owned);
        words.filter_map(|text| spoken(Part::Text { text })).collect()
    }
}

/// The input of a function is JSON; that of a custom tool is free text, kept as a JSON text.
fn call(item: &Item<'_>) -> Option<Part> {
    let function = item.arguments.as_ref().map(|arguments| compact(arguments));
    let custom = || item.input.as_ref().map(|input| Value::from(&**input).to_string());
    Some(Part::ToolCall {
        id: item.call_id.as_ref()?.to_string(),
        name: item.name.as_ref()?.to_string(),
        input: function.or_else(custom)?,
    })
}

fn result(item: &Item<'_>) -> Option<Part> {
    let id = item.call_id.as_ref()?.to_string();
    Some(Part::ToolResult { id, text: texts(item.output).join("\n") })
}

fn stated_directory(request: &Request<'_>, input: &[Item<'_>], messages: &[Message]) -> Option<String> {
    let developer = input.iter().filter(|item| item.instructs()).flat_map(|item| texts(item.content));
    let instructions: Vec<_> = texts(request.instructions).into_iter().chain(developer).collect();
    directory(instructions.iter().map(AsRef::as_ref).chain(super::opening(messages)))
}

/// Tools stand at the top, or in an item of the input; a namespace holds several.
fn tools(request: &Request<'_>, input: &[Item<'_>]) -> usize {
    let additional = input.iter().filter(|item| item.kind() == "additional_tools").map(|item| item.tools);
    additional.chain([request.tools]).map(count).sum()
}

fn count(tools: Option<&RawValue>) -> usize {
    #[derive(Deserialize)]
    struct Tool<'b> {
        #[serde(borrow)]
        tools: Option<&'b RawValue>,
    }
    let size = |tool: Tool<'_>| tool.tools.map_or(1, |inner| items::<&RawValue>(Some(inner)).len());
    items(tools).into_iter().map(size).sum()
}

/// The thread is the conversation; a subagent's thread bears its parent's session.
fn session(client_metadata: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct ClientMetadata<'b> {
        #[serde(borrow)]
        thread_id: Option<Text<'b>>,
        #[serde(borrow)]
        session_id: Option<Text<'b>>,
    }
    let metadata: ClientMetadata<'_> = read(client_metadata.get())?;
    let id = metadata.thread_id.or(metadata.session_id)?;
    (!id.is_empty()).then(|| id.0.into_owned())
}

fn wants_schema(text: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Output<'b> {
        #[serde(borrow)]
        format: Option<&'b RawValue>,
    }
    read::<Output<'_>>(text.get()).is_some_and(|output| asks_for_json(output.format))
}

pub(super) fn answered(body: &[u8]) -> Answered {
    let mut draft = Draft::default();
    if first_is_json(body) {
        whole(&mut draft, &String::from_utf8_lossy(body));
    } else {
        events::all(body).iter().for_each(|event| on_event(&mut draft, &event.data));
    }
    draft.finish()
}

#[derive(Deserialize)]
struct Whole<'b> {
    #[serde(borrow)]
    status: Option<Text<'b>>,
    #[serde(borrow)]
    output: Option<&'b RawValue>,
    #[serde(borrow)]
    usage: Option<&'b RawValue>,
    #[serde(borrow)]
    incomplete_details: Option<&'b RawValue>,
}

#[derive(Deserialize)]
struct StreamEvent<'b> {
    #[serde(borrow, rename = "type")]
    kind: Text<'b>,
    #[serde(default)]
    output_index: u64,
    #[serde(default)]
    content_index: u64,
    #[serde(borrow)]
    item: Option<&'b RawValue>,
    #[serde(borrow)]
    delta: Option<&'b RawValue>,
    #[serde(borrow)]
    response: Option<&'b RawValue>,
}

fn on_event(draft: &mut Draft, data: &str) {
    let Some(event) = read::<StreamEvent<'_>>(data) else { return };
    match &*event.kind {
        "response.output_text.delta" => {
            if let Some(words) = event.delta.and_then(|delta| read::<Text<'_>>(delta.get())) {
                draft.say((event.output_index, event.content_index), &words);
            }
        }
        "response.output_item.done" => {
            if let Some(item) = event.item.and_then(|item| read(item.get())) {
                put(draft, event.output_index, &item);
            }
        }
        "response.completed" | "response.incomplete" | "response.failed" => {
            whole(draft, event.response.map_or("", RawValue::get));
        }
        "error" => draft.fail(ProviderError::in_object(data)),
        _ => {}
    }
}

/// A finished item takes the place of whatever of it came before.
fn put(draft: &mut Draft, index: u64, item: &Item<'_>) {
    draft.clear(index);
    let parts = said(item).map_or_else(Vec::new, |(_, parts)| parts);
    for (at, part) in (0..).zip(parts) {
        draft.put((index, at), part);
    }
}

fn whole(draft: &mut Draft, json: &str) {
    draft.fail(ProviderError::in_object(json));
    let Some(response) = read::<Whole<'_>>(json) else { return };
    if let Some(usage) = response.usage.and_then(usage) {
        draft.usage = usage;
    }
    // Some providers leave the output out of the last event, since its items came before.
    if draft.is_empty() {
        for (index, item) in (0..).zip(items::<Item<'_>>(response.output)) {
            put(draft, index, &item);
        }
    }
    draft.stop = stop(&response, draft.has_call());
}

fn stop(response: &Whole<'_>, has_call: bool) -> Option<Stop> {
    match response.status.as_deref() {
        Some("completed") if has_call => Some(Stop::ToolUse),
        Some("completed") => Some(Stop::End),
        Some("incomplete") => Some(cut_short(response.incomplete_details)),
        // Not everybody who answers in this shape states it; whoever sends the output has ended it.
        None => response.output.map(|_| Stop::Other),
        Some(_) => None,
    }
}

fn cut_short(details: Option<&RawValue>) -> Stop {
    #[derive(Deserialize)]
    struct Details<'b> {
        #[serde(borrow)]
        reason: Text<'b>,
    }
    match details.and_then(|details| read::<Details<'_>>(details.get())) {
        Some(details) if &*details.reason == "max_output_tokens" => Stop::Length,
        _ => Stop::Other,
    }
}

pub(super) fn completion(call: &Completion) -> Value {
    json!({
        "model": call.model,
        "max_output_tokens": call.max_output,
        "instructions": call.system,
        "input": call.user,
        "store": false,
    })
}
