//! Anthropic Messages: `POST /v1/messages`.

mod answer;
mod glance;
mod reminder;
mod request;

pub(super) use answer::answered;
pub(super) use glance::glance;
pub(super) use request::asked;

use super::Completion;
use super::draft::spoken;
use super::json::{Raw, Text, compact, items, read, text, texts};
use super::printed::printed;
use domain::conversation::Part;
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// A piece of a message, asked or answered.
#[derive(Deserialize)]
struct Block<'b> {
    #[serde(borrow, rename = "type")]
    kind: Text<'b>,
    #[serde(borrow)]
    text: Option<Text<'b>>,
    #[serde(borrow)]
    id: Option<Text<'b>>,
    #[serde(borrow)]
    name: Option<Text<'b>>,
    #[serde(borrow)]
    input: Option<Raw<'b>>,
    #[serde(borrow)]
    tool_use_id: Option<Text<'b>>,
    #[serde(borrow)]
    content: Option<Raw<'b>>,
    #[serde(borrow)]
    source: Option<Raw<'b>>,
}

fn parts(content: Raw<'_>) -> Vec<Part> {
    if let Some(text) = text(content) {
        return spoken(Part::Text { text: text.into_owned() }).into_iter().collect();
    }
    items::<Block<'_>>(Some(content)).into_iter().filter_map(part).filter_map(spoken).collect()
}

/// A block as it is kept. The tools that run at the provider (`server_tool_use`, `web_search_tool_result`) speak like those
/// that run at the agent.
fn part(block: Block<'_>) -> Option<Part> {
    let owned = |text: Option<Text<'_>>| text.map(|text| text.0.into_owned());
    match &*block.kind {
        "text" => Some(Part::Text { text: owned(block.text)? }),
        kind if kind.ends_with("tool_use") => {
            let input = block.input.map_or_else(|| "{}".to_owned(), |input| compact(input.get()));
            Some(Part::ToolCall { id: owned(block.id)?, name: owned(block.name)?, input })
        }
        kind if kind.ends_with("tool_result") => Some(Part::ToolResult {
            id: owned(block.tool_use_id)?,
            text: block.content.map(result).unwrap_or_default(),
        }),
        "document" => Some(Part::Text { text: document(block.source?)?.into_owned() }),
        _ => None,
    }
}

/// Tools that run at the provider say in ways of their own what they found or printed.
fn result(content: Raw<'_>) -> String {
    let mut said: Vec<_> = texts(Some(content)).into_iter().map(Cow::into_owned).collect();
    if said.is_empty() {
        said = printed(content);
    }
    if said.is_empty() {
        said = items(Some(content)).iter().map(Found::line).collect();
    }
    said.join("\n")
}

/// A page that a search found.
#[derive(Deserialize)]
struct Found<'b> {
    #[serde(borrow)]
    title: Text<'b>,
    #[serde(borrow)]
    url: Text<'b>,
}

impl Found<'_> {
    fn line(&self) -> String {
        format!("{}: {}", &*self.title, &*self.url)
    }
}

/// The words of a document that is plain text.
fn document(source: Raw<'_>) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Source<'b> {
        #[serde(borrow, rename = "type")]
        kind: Text<'b>,
        #[serde(borrow)]
        data: Text<'b>,
    }
    let source: Source<'_> = read(source.get())?;
    (&*source.kind == "text").then_some(source.data.0)
}

pub(super) fn completion(call: &Completion) -> Value {
    json!({
        "model": call.model,
        "max_tokens": call.max_output,
        "system": [{ "type": "text", "text": call.system }],
        "messages": [{ "role": "user", "content": call.user }],
    })
}
