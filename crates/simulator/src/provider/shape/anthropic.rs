//! Anthropic Messages: `POST /v1/messages`.

use super::{Said, named, pieces};
use crate::provider::{
    prompt::{Block, Last, Prompt, Tool, items, texts},
    reply::{Reply, Stop},
};
use domain::conversation::{CacheTtl, Usage};
use serde_json::{Value, json};

/// The most marks that a request may bear.
const MARKS: usize = 4;

pub(super) fn read(body: &Value) -> Option<Prompt> {
    let messages = body["messages"].as_array().filter(|messages| !messages.is_empty())?;
    let blocks = blocks(body, messages);
    let prompt = Prompt {
        model: body["model"].as_str()?.to_owned(),
        stream: body["stream"] == true,
        include_usage: true,
        max_output: Some(body["max_tokens"].as_u64()?),
        thinking_budget: body["thinking"]["budget_tokens"].as_u64(),
        instructions: texts(&body["system"]).join("\n"),
        last: last(messages)?,
        tools: items(&body["tools"]).iter().filter_map(tool).collect(),
        blocks,
    };
    well_marked(&prompt.blocks).then_some(prompt)
}

/// The prompt in the order in which it is cached: tools, instructions, messages.
fn blocks(body: &Value, messages: &[Value]) -> Vec<Block> {
    let mut blocks: Vec<_> = items(&body["tools"]).iter().map(|tool| Block::new("tools", tool)).collect();
    blocks.extend(items(&body["system"]).iter().map(|block| Block::new("system", block)));
    for message in messages {
        let role = message["role"].as_str().unwrap_or_default();
        blocks.extend(items(&message["content"]).iter().map(|block| Block::new(role, block)));
    }
    if let (Some(last), true) = (blocks.last_mut(), body["cache_control"].is_object()) {
        last.mark = Block::new("", body).mark;
    }
    blocks
}

/// Not too many marks, and those of an hour before those of five minutes.
fn well_marked(blocks: &[Block]) -> bool {
    let marks: Vec<CacheTtl> = blocks.iter().filter_map(|block| block.mark).collect();
    marks.len() <= MARKS && marks.is_sorted_by(|before, after| before >= after)
}

/// Agents put what they know of the machine before a person's words, so the last text counts.
fn last(messages: &[Value]) -> Option<Last> {
    let content = &messages.iter().rfind(|message| message["role"] == "user")?["content"];
    let result = items(content).iter().rfind(|block| block["type"] == "tool_result");
    Some(match result {
        Some(result) => Last::ToolResult(texts(&result["content"]).join("\n")),
        None => Last::Words((*texts(content).last()?).to_owned()),
    })
}

fn tool(tool: &Value) -> Option<Tool> {
    Some(Tool { name: tool["name"].as_str()?.to_owned(), schema: tool["input_schema"].clone() })
}

pub(super) fn whole(said: &Said) -> Value {
    let content: Vec<_> = content(said, true).into_iter().collect();
    message(said, &json!(content), stop(said.stop).into(), said.usage.output)
}

/// The message, at its beginning or at its end.
fn message(said: &Said, content: &Value, stop: Option<&str>, output: u64) -> Value {
    json!({
        "id": said.id, "type": "message", "role": "assistant", "model": said.model, "content": content,
        "stop_reason": stop, "stop_sequence": null, "usage": usage(&said.usage, output),
    })
}

/// The only block of the answer, filled or as it stands before its first delta.
fn content(said: &Said, filled: bool) -> Option<Value> {
    match &said.reply {
        Reply::Nothing => None,
        Reply::Text(text) => Some(json!({"type": "text", "text": if filled { text } else { "" }})),
        Reply::Call { name, input } => {
            let input = if filled { input.clone() } else { json!({}) };
            Some(json!({"type": "tool_use", "id": said.part, "name": name, "input": input}))
        }
    }
}

fn stop(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "end_turn",
        Stop::ToolUse => "tool_use",
        Stop::Refused => "refusal",
        Stop::Unfinished => "pause_turn",
        Stop::Length | Stop::Other => "max_tokens",
    }
}

fn usage(usage: &Usage, output: u64) -> Value {
    json!({
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": output,
        "service_tier": "standard",
    })
}

pub(super) fn events(said: &Said) -> Vec<String> {
    let start = message(said, &json!([]), None, said.usage.output.min(1));
    let mut events = vec![json!({"type": "message_start", "message": start})];
    if let Some(block) = content(said, false) {
        events.push(json!({"type": "content_block_start", "index": 0, "content_block": block}));
        events.push(json!({"type": "ping"}));
        let delta = |delta| json!({"type": "content_block_delta", "index": 0, "delta": delta});
        events.extend(deltas(&said.reply).into_iter().map(delta));
        events.push(json!({"type": "content_block_stop", "index": 0}));
    }
    let end = json!({"stop_reason": stop(said.stop), "stop_sequence": null});
    events
        .push(json!({"type": "message_delta", "delta": end, "usage": usage(&said.usage, said.usage.output)}));
    events.push(json!({"type": "message_stop"}));
    events.iter().map(named).collect()
}

fn deltas(reply: &Reply) -> Vec<Value> {
    let text = |piece| json!({"type": "text_delta", "text": piece});
    let json = |piece| json!({"type": "input_json_delta", "partial_json": piece});
    match reply {
        Reply::Nothing => Vec::new(),
        Reply::Text(words) => pieces(words).into_iter().map(text).collect(),
        Reply::Call { input, .. } => pieces(&input.to_string()).into_iter().map(json).collect(),
    }
}
