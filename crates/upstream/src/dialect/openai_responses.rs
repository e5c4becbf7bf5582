//! OpenAI Responses: `POST /v1/responses`.

mod answer;
mod request;

pub(super) use answer::answered;
pub(super) use request::{asked, glance};

use super::Completion;
use super::draft::spoken;
use super::json::{Raw, Text, compact, texts};
use domain::conversation::{Part, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// One item of the input, or of an answer's output.
#[derive(Deserialize)]
struct Item<'b> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'b>>,
    #[serde(borrow)]
    role: Option<Text<'b>>,
    #[serde(borrow)]
    content: Option<Raw<'b>>,
    #[serde(borrow)]
    call_id: Option<Text<'b>>,
    #[serde(borrow)]
    name: Option<Text<'b>>,
    #[serde(borrow)]
    arguments: Option<Text<'b>>,
    #[serde(borrow)]
    input: Option<Text<'b>>,
    #[serde(borrow)]
    output: Option<Raw<'b>>,
    #[serde(borrow)]
    tools: Option<Raw<'b>>,
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

pub(super) fn completion(call: &Completion) -> Value {
    json!({
        "model": call.model,
        "max_output_tokens": call.max_output,
        "instructions": call.system,
        "input": call.user,
        "store": false,
    })
}
