//! The shapes in which providers are asked and answer: one file per dialect, each with the same three functions.

mod anthropic;
mod chat;
mod responses;

use super::{
    prompt::Prompt,
    reply::{Reply, Stop},
};
use domain::{
    conversation::Usage,
    provider::{Dialect, Provider},
};
use serde_json::{Value, json};

/// The time the simulated clocks begin, in seconds since 1970: every run happens on the same day.
const BEGINNING: u64 = 1_795_000_000;

/// An answer that has been thought but not yet put into a shape.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// Of the answer.
    pub(super) id: String,
    /// Of its only part: an output item, or a tool call.
    pub(super) part: String,
    /// Of a tool call, where it has another one than its item.
    pub(super) call: String,
    pub(super) model: String,
    /// Seconds since the simulated clocks began.
    pub(super) second: u64,
    pub(super) reply: Reply,
    pub(super) stop: Stop,
    pub(super) usage: Usage,
}

impl Said {
    fn created(&self) -> u64 {
        BEGINNING + self.second
    }
}

/// What a request asks; none when a provider would not accept it.
pub(super) fn read(dialect: Dialect, body: &Value) -> Option<Prompt> {
    match dialect {
        Dialect::AnthropicMessages => anthropic::read(body),
        Dialect::OpenAiChat => chat::read(body),
        Dialect::OpenAiResponses => responses::read(body),
    }
}

/// The answer in one piece.
pub(super) fn whole(dialect: Dialect, said: &Said) -> Value {
    match dialect {
        Dialect::AnthropicMessages => anthropic::whole(said),
        Dialect::OpenAiChat => chat::whole(said),
        Dialect::OpenAiResponses => responses::whole(said),
    }
}

/// The answer as the events of a stream, each framed.
pub(super) fn events(dialect: Dialect, said: &Said, prompt: &Prompt) -> Vec<String> {
    match dialect {
        Dialect::AnthropicMessages => anthropic::events(said),
        Dialect::OpenAiChat => chat::events(said, prompt.include_usage),
        Dialect::OpenAiResponses => responses::events(said),
    }
}

/// The event that an error is, after `number` others of a stream.
pub(super) fn error_event(dialect: Dialect, error: &Value, said: &Said, number: usize) -> String {
    match dialect {
        Dialect::AnthropicMessages => named(&json!({"type": "error", "error": error})),
        Dialect::OpenAiChat => unnamed(&json!({"error": error})),
        Dialect::OpenAiResponses => responses::failed(said, error, number),
    }
}

/// The models on offer.
pub(super) fn models(provider: Provider) -> Value {
    let names = match provider {
        Provider::Anthropic => ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-5"],
        Provider::OpenAi => ["gpt-5-codex", "gpt-5", "gpt-4o"],
    };
    let model = |name: &str| match provider {
        Provider::Anthropic => {
            json!({"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"})
        }
        Provider::OpenAi => {
            json!({"id": name, "object": "model", "created": BEGINNING, "owned_by": "openai"})
        }
    };
    let data: Vec<_> = names.into_iter().map(model).collect();
    match provider {
        Provider::Anthropic => {
            json!({"data": data, "has_more": false, "first_id": names[0], "last_id": names[2]})
        }
        Provider::OpenAi => json!({"object": "list", "data": data}),
    }
}

/// An event with a name, which is its type.
fn named(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

/// An event with data only.
fn unnamed(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// A text as a model lets it out: a few words at a time.
fn pieces(text: &str) -> Vec<String> {
    let words: Vec<_> = text.split_inclusive(' ').collect();
    words.chunks(3).map(<[&str]>::concat).collect()
}
