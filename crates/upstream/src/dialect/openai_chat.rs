//! OpenAI Chat Completions: `POST /v1/chat/completions`.

mod answer;
mod calls;
mod request;

pub(super) use answer::answered;
pub(super) use request::{asked, glance};

use super::Completion;
use super::json::{Raw, Text, items};
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
    #[serde(borrow, default, deserialize_with = "lenient")]
    refusal: Option<Text<'b>>,
    /// How a tool was called before there were several in an answer, and ids; its result bears its name.
    #[serde(borrow, default, deserialize_with = "lenient")]
    function_call: Option<Function<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    name: Option<Text<'b>>,
}

#[derive(Deserialize)]
struct Call<'b> {
    #[serde(default, deserialize_with = "whole_number")]
    index: Option<u64>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    id: Option<Text<'b>>,
    #[serde(borrow)]
    function: Option<Function<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    custom: Option<Custom<'b>>,
}

#[derive(Clone, Deserialize)]
struct Function<'b> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    name: Option<Text<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    arguments: Option<Text<'b>>,
}

/// A tool whose input is free text.
#[derive(Deserialize)]
struct Custom<'b> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    name: Option<Text<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    input: Option<Text<'b>>,
}

impl<'b> Turn<'b> {
    /// The calls, in order.
    fn calls(&self) -> Vec<Call<'b>> {
        let nameless = self.function_call.clone().map(Call::without_an_id);
        items(self.tool_calls).into_iter().chain(nameless).collect()
    }
}

impl<'b> Call<'b> {
    /// The function's name is its id, by which the result goes back.
    fn without_an_id(function: Function<'b>) -> Self {
        Self { index: None, id: function.name.clone(), function: Some(function), custom: None }
    }
}

impl Call<'_> {
    /// What the provider calls it; empty where it has no name for it, as some local ones.
    fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    fn name(&self) -> &str {
        let custom = || self.custom.as_ref()?.name.as_deref();
        let function = self.function.as_ref().and_then(|function| function.name.as_deref());
        function.or_else(custom).unwrap_or_default()
    }

    /// The input, or a piece of it: JSON, or free text where the tool is [custom](Self::custom).
    fn input(&self) -> &str {
        let custom = || self.custom.as_ref()?.input.as_deref();
        let function = self.function.as_ref().and_then(|function| function.arguments.as_deref());
        function.or_else(custom).unwrap_or_default()
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
