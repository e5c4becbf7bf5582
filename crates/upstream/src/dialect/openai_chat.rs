//! OpenAI Chat Completions: `POST /v1/chat/completions`.

use super::Completion;
use super::directory::directory;
use super::draft::{Draft, spoken};
use super::json::{Raw, Text, asks_for_json, compact, first_is_json, items, read, texts};
use super::openai_usage::usage;
use super::outline;
use crate::events;
use crate::provider_error::ProviderError;
use crate::unreadable::Unreadable;
use domain::conversation::{Answered, Asked, Message, Part, Role, Stop};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Request<'b> {
    #[serde(borrow, default)]
    model: Text<'b>,
    stream: Option<bool>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    #[serde(borrow)]
    messages: Option<Raw<'b>>,
    #[serde(borrow)]
    tools: Option<Raw<'b>>,
    #[serde(borrow)]
    response_format: Option<Raw<'b>>,
    #[serde(borrow)]
    prompt_cache_key: Option<Text<'b>>,
}

/// One entry of `messages`, or what a choice of an answer says.
#[derive(Deserialize)]
struct Turn<'b> {
    #[serde(borrow, default)]
    role: Option<Text<'b>>,
    #[serde(borrow)]
    content: Option<Raw<'b>>,
    #[serde(borrow)]
    tool_calls: Option<Raw<'b>>,
    #[serde(borrow)]
    tool_call_id: Option<Text<'b>>,
}

#[derive(Deserialize)]
struct Call<'b> {
    index: Option<u64>,
    #[serde(borrow)]
    id: Option<Text<'b>>,
    #[serde(borrow)]
    function: Option<Function<'b>>,
}

#[derive(Deserialize)]
struct Function<'b> {
    #[serde(borrow)]
    name: Option<Text<'b>>,
    #[serde(borrow)]
    arguments: Option<Text<'b>>,
}

pub(super) fn asked(body: &[u8]) -> Result<Asked, Unreadable> {
    let request: Request<'_> = serde_json::from_slice(body)?;
    let turns: Vec<Turn<'_>> = items(request.messages);
    let messages: Vec<Message> = turns.iter().filter_map(message).collect();
    Ok(Asked {
        directory: stated_directory(&turns, &messages),
        structured: asks_for_json(request.response_format),
        tools: items::<Raw<'_>>(request.tools).len(),
        output_limit: request.max_completion_tokens.or(request.max_tokens),
        stream: request.stream.unwrap_or_default(),
        model: request.model.0.into_owned(),
        cache_key: request.prompt_cache_key.map(|key| key.0.into_owned()),
        follows: None,
        unread_beginning: None,
        cache: None,
        session: None,
        messages,
    })
}

/// See [`glance`](super::glance).
pub(super) fn glance(body: &[u8]) -> Result<Asked, Unreadable> {
    let is_answer = |turn: &[u8]| {
        let turn: Option<Turn<'_>> = serde_json::from_slice(turn).ok();
        turn.is_some_and(|turn| turn.role.as_deref() == Some("assistant"))
    };
    asked(&outline::opening(body, "messages", None, is_answer))
}

fn message(turn: &Turn<'_>) -> Option<Message> {
    let words = || texts(turn.content).into_iter().map(|text| Part::Text { text: text.into_owned() });
    let (role, parts): (Role, Vec<Part>) = match turn.role.as_deref()? {
        "user" => (Role::User, words().collect()),
        "assistant" => (Role::Assistant, words().chain(calls(turn)).collect()),
        "tool" => (Role::User, tool_result(turn).into_iter().collect()),
        _ => return None,
    };
    let parts: Vec<Part> = parts.into_iter().filter_map(spoken).collect();
    (!parts.is_empty()).then_some(Message { role, parts })
}

fn calls(turn: &Turn<'_>) -> impl Iterator<Item = Part> {
    items::<Call<'_>>(turn.tool_calls).into_iter().filter_map(|call| {
        let function = call.function?;
        let input = function.arguments.filter(|input| !input.trim().is_empty());
        Some(Part::ToolCall {
            id: call.id?.0.into_owned(),
            name: function.name?.0.into_owned(),
            input: input.map_or_else(|| "{}".to_owned(), |input| compact(&input)),
        })
    })
}

fn tool_result(turn: &Turn<'_>) -> Option<Part> {
    let id = turn.tool_call_id.as_ref()?.to_string();
    Some(Part::ToolResult { id, text: texts(turn.content).join("\n") })
}

fn stated_directory(turns: &[Turn<'_>], messages: &[Message]) -> Option<String> {
    let instructs = |turn: &&Turn<'_>| matches!(turn.role.as_deref(), Some("system" | "developer"));
    let instructions: Vec<_> = turns.iter().filter(instructs).flat_map(|turn| texts(turn.content)).collect();
    directory(instructions.iter().map(AsRef::as_ref).chain(super::opening(messages)))
}

pub(super) fn answered(body: &[u8]) -> Answered {
    let mut answer = Answer::default();
    if first_is_json(body) {
        answer.whole(&String::from_utf8_lossy(body));
    } else {
        events::all(body).iter().for_each(|event| answer.event(&event.data));
    }
    answer.draft.finish()
}

/// An answer while it is read.
#[derive(Default)]
struct Answer {
    draft: Draft,
    /// Said before the end, and only worth something when the end comes.
    reason: Option<Stop>,
}

/// A whole answer, or a chunk of a stream: they differ only in the word for what is said.
#[derive(Deserialize)]
struct Chunk<'b> {
    #[serde(borrow)]
    choices: Option<Raw<'b>>,
    #[serde(borrow)]
    usage: Option<Raw<'b>>,
}

#[derive(Deserialize)]
struct Choice<'b> {
    #[serde(default)]
    index: u64,
    #[serde(borrow, alias = "delta")]
    message: Option<Raw<'b>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'b>>,
}

/// What is said stands before the calls, as it does when it comes back in the next request.
const WORDS: u64 = 0;
const CALLS: u64 = 1;

impl Answer {
    /// Whoever sends a whole answer has ended it, even if not everybody says why.
    fn whole(&mut self, json: &str) {
        self.chunk(json);
        let ended = !self.draft.is_empty() || self.reason.is_some();
        self.draft.stop = ended.then(|| self.reason.unwrap_or(Stop::Other));
    }

    fn event(&mut self, data: &str) {
        if data.trim() == "[DONE]" {
            self.draft.stop = Some(self.reason.unwrap_or(Stop::Other));
        } else {
            self.chunk(data);
        }
    }

    fn chunk(&mut self, json: &str) {
        self.draft.fail(ProviderError::in_object(json));
        let Some(chunk) = read::<Chunk<'_>>(json) else { return };
        if let Some(usage) = chunk.usage.and_then(usage) {
            self.draft.usage = usage;
        }
        // Of several choices the agent goes on with the first.
        let first = items::<Choice<'_>>(chunk.choices).into_iter().find(|choice| choice.index == 0);
        if let Some(choice) = first {
            self.reason = choice.finish_reason.map(|reason| stop(&reason)).or(self.reason);
            self.said(choice.message);
        }
    }

    fn said(&mut self, message: Option<Raw<'_>>) {
        let Some(turn) = message.and_then(|message| read::<Turn<'_>>(message.get())) else { return };
        for words in texts(turn.content) {
            self.draft.say((WORDS, 0), &words);
        }
        for (at, call) in (0..).zip(items::<Call<'_>>(turn.tool_calls)) {
            self.call(call.index.unwrap_or(at), call);
        }
    }

    /// The first piece of a call names it; the following ones bring more of its input.
    fn call(&mut self, index: u64, call: Call<'_>) {
        let place = (CALLS, index);
        let function = call.function;
        let (name, input) = function.map_or((None, None), |function| (function.name, function.arguments));
        if let (Some(id), Some(name)) = (call.id.filter(|id| !id.is_empty()), name) {
            let (id, name) = (id.0.into_owned(), name.0.into_owned());
            self.draft.put(place, Part::ToolCall { id, name, input: String::new() });
        }
        self.draft.call(place, input.as_deref().unwrap_or_default());
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "stop" => Stop::End,
        "tool_calls" | "function_call" => Stop::ToolUse,
        "length" => Stop::Length,
        "content_filter" => Stop::Refused,
        _ => Stop::Other,
    }
}

pub(super) fn completion(call: &Completion) -> Value {
    json!({
        "model": call.model,
        "max_completion_tokens": call.max_output,
        "messages": [
            { "role": "system", "content": call.system },
            { "role": "user", "content": call.user },
        ],
    })
}
