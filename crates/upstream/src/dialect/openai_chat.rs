//! OpenAI Chat Completions: `POST /v1/chat/completions`.

mod answer;
mod calls;
mod request;

pub(super) use answer::answered;
pub(super) use request::{asked, glance};

use super::Completion;
use super::json::{Raw, Text};
use super::lenient::{lenient, whole_number};
use serde::Deserialize;
use serde_json::{Value, json};

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
    #[serde(default, deserialize_with = "whole_number")]
    index: Option<u64>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    id: Option<Text<'b>>,
    #[serde(borrow)]
    function: Option<Function<'b>>,
}

#[derive(Deserialize)]
struct Function<'b> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    name: Option<Text<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    arguments: Option<Text<'b>>,
}

impl Call<'_> {
    /// What the provider calls it; empty where it has no name for it, as some local ones.
    fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.function.as_ref().and_then(|function| function.name.as_deref()).unwrap_or_default()
    }

    fn arguments(&self) -> &str {
        self.function.as_ref().and_then(|function| function.arguments.as_deref()).unwrap_or_default()
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
