//! OpenAI Responses: `POST /v1/responses`.

mod answer;
mod request;

pub(super) use answer::answered;
pub(super) use request::{asked, glance};

use super::Completion;
use super::draft::spoken;
use super::json::{Raw, Text, compact, text, texts};
use super::printed::printed;
use domain::conversation::{Part, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// A call of a server's tool, which the provider makes itself.
const MCP_CALL: &str = "mcp_call";

/// What stands for an item that the provider keeps.
const REFERENCE: &str = "item_reference";

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
    #[serde(borrow)]
    id: Option<Raw<'b>>,
    #[serde(borrow)]
    action: Option<Raw<'b>>,
    #[serde(borrow)]
    operation: Option<Raw<'b>>,
}

impl Item<'_> {
    /// The type; a message may leave it out.
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("message")
    }

    /// What the provider calls it.
    fn own_id(&self) -> Option<String> {
        self.id.and_then(text).map(Cow::into_owned)
    }

    /// What calls and their results have in common. Of a tool that runs at the provider it is the item's own.
    fn id_of_call(&self) -> Option<String> {
        let own = || self.own_id().filter(|_| self.kind() == MCP_CALL);
        self.call_id.as_ref().map(|id| id.0.clone().into_owned()).or_else(own)
    }

    /// Whether it only says which item of an earlier answer stands here; its type may be left out.
    fn refers(&self) -> bool {
        match self.kind.as_deref() {
            None => self.role.is_none() && self.id.is_some(),
            Some(kind) => kind == REFERENCE,
        }
    }

    fn is_answer(&self) -> bool {
        said(self).is_some_and(|(role, _)| role == Role::Assistant)
    }

    /// The input of a function is JSON; that of a custom tool is free text, kept as a JSON text.
    fn named_tool(&self) -> Option<(String, String)> {
        let function = self.arguments.as_ref().map(|arguments| compact(arguments));
        let custom = || self.input.as_ref().map(|input| Value::from(&**input).to_string());
        Some((self.name.as_ref()?.to_string(), function.or_else(custom)?))
    }

    /// A tool of the provider's own (a shell, a patch) has a kind of item of its own, and what it is to do in a field of its own.
    fn own_tool(&self) -> Option<(String, String)> {
        let input = self.action.or(self.operation)?;
        Some((self.kind().strip_suffix("_call")?.to_owned(), compact(input.get())))
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
        call(item).into_iter().chain(own_result(item)).collect()
    } else if kind.ends_with("_call_output") {
        result(item).into_iter().collect()
    } else {
        let words = texts(item.content).into_iter().map(Cow::into_owned);
        words.filter_map(|text| spoken(Part::Text { text })).collect()
    }
}

fn call(item: &Item<'_>) -> Option<Part> {
    let (name, input) = item.named_tool().or_else(|| item.own_tool())?;
    Some(Part::ToolCall { id: item.id_of_call()?, name, input })
}

/// A tool that ran at the provider brings its result along.
fn own_result(item: &Item<'_>) -> Option<Part> {
    let text = texts(item.output.filter(|_| item.kind() == MCP_CALL)).join("\n");
    (!text.is_empty()).then_some(Part::ToolResult { id: item.id_of_call()?, text })
}

fn result(item: &Item<'_>) -> Option<Part> {
    let mut text = texts(item.output).join("\n");
    if text.is_empty() {
        text = item.output.map(printed).unwrap_or_default().join("\n");
    }
    Some(Part::ToolResult { id: item.id_of_call()?, text })
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
