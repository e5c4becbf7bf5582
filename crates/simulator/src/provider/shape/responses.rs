//! OpenAI Responses: `POST /v1/responses`.

use super::{Said, named, pieces};
use crate::provider::{
    prompt::{Block, Last, Prompt, Tool, items, texts},
    reply::{Reply, Stop},
};
use domain::conversation::Usage;
use serde_json::{Value, json};

pub(super) fn read(body: &Value) -> Option<Prompt> {
    let input = items(&body["input"]);
    Some(Prompt {
        model: body["model"].as_str()?.to_owned(),
        stream: body["stream"] == true,
        include_usage: true,
        max_output: body["max_output_tokens"].as_u64(),
        thinking_budget: None,
        instructions: instructions(body, input),
        last: input.iter().rev().find_map(last)?,
        tools: tools(body, input),
        blocks: blocks(body, input),
    })
}

fn instructions(body: &Value, input: &[Value]) -> String {
    let instructs = |item: &&Value| item["role"] == "developer" || item["role"] == "system";
    let in_input = input.iter().filter(instructs).flat_map(|item| texts(&item["content"]));
    texts(&body["instructions"]).into_iter().chain(in_input).collect::<Vec<_>>().join("\n")
}

/// What an item asks to be answered: a person's words or a tool's answer; none for all other kinds.
fn last(item: &Value) -> Option<Last> {
    let own = item.as_str().map(str::to_owned);
    let said = || Some((*texts(&item["content"]).last()?).to_owned());
    match item["type"].as_str() {
        Some("function_call_output" | "custom_tool_call_output") => {
            Some(Last::ToolResult(texts(&item["output"]).join("\n")))
        }
        _ if item["role"] == "user" => said().map(Last::Words),
        _ => own.map(Last::Words),
    }
}

/// Tools stand at the top or in an item of the input, where a namespace holds several.
fn tools(body: &Value, input: &[Value]) -> Vec<Tool> {
    let additional =
        input.iter().filter(|item| item["type"] == "additional_tools").map(|item| &item["tools"]);
    let listed = additional.chain([&body["tools"]]).flat_map(items);
    listed.flat_map(|tool| [tool].into_iter().chain(items(&tool["tools"]))).filter_map(tool).collect()
}

fn tool(tool: &Value) -> Option<Tool> {
    let is_function = tool["type"] == "function";
    Some(Tool {
        name: tool["name"].as_str().filter(|_| is_function)?.to_owned(),
        schema: tool["parameters"].clone(),
    })
}

fn blocks(body: &Value, input: &[Value]) -> Vec<Block> {
    let tools = items(&body["tools"]).iter().map(|tool| Block::new("tools", tool));
    let instructions = items(&body["instructions"]).iter().map(|text| Block::new("instructions", text));
    tools.chain(instructions).chain(input.iter().flat_map(of_item)).collect()
}

/// An item is known by what it says, not by the id that a client gives it.
fn of_item(item: &Value) -> Vec<Block> {
    let role = item["role"].as_str().unwrap_or("item");
    match items(&item["content"]) {
        [] => vec![Block::new(role, item)],
        content => content.iter().map(|block| Block::new(role, block)).collect(),
    }
}

pub(super) fn whole(said: &Said) -> Value {
    response(said, status(said), &json!(item(said, true).into_iter().collect::<Vec<_>>()))
}

fn status(said: &Said) -> &'static str {
    if said.stop == Stop::Length { "incomplete" } else { "completed" }
}

fn response(said: &Said, status: &str, output: &Value) -> Value {
    let ended = status != "in_progress";
    let details = if status == "incomplete" { json!({"reason": "max_output_tokens"}) } else { Value::Null };
    json!({
        "id": said.id, "object": "response", "created_at": said.created(), "status": status, "model": said.model,
        "output": output, "error": null, "incomplete_details": details, "instructions": null, "metadata": {},
        "parallel_tool_calls": true, "previous_response_id": null, "store": false, "temperature": 1.0,
        "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled",
        "usage": if ended { usage(&said.usage) } else { Value::Null },
    })
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt(), "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": usage.output, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt() + usage.output,
    })
}

/// The only item of the output, filled or as it stands before its first delta.
fn item(said: &Said, filled: bool) -> Option<Value> {
    let status = if filled { status(said) } else { "in_progress" };
    match &said.reply {
        Reply::Nothing => None,
        Reply::Text(text) => {
            let content = if filled { json!([part(text)]) } else { json!([]) };
            Some(
                json!({"type": "message", "id": said.part, "status": status, "role": "assistant", "content": content}),
            )
        }
        Reply::Call { name, input } => {
            let arguments = if filled { input.to_string() } else { String::new() };
            Some(json!({
                "type": "function_call", "id": said.part, "status": status, "call_id": said.call, "name": name,
                "arguments": arguments,
            }))
        }
    }
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

pub(super) fn events(said: &Said) -> Vec<String> {
    let begun = response(said, "in_progress", &json!([]));
    let mut events = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
    ];
    if let (Some(empty), Some(filled)) = (item(said, false), item(said, true)) {
        events.push(json!({"type": "response.output_item.added", "output_index": 0, "item": empty}));
        events.extend(deltas(said).into_iter().map(|event| placed(event, said)));
        events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": filled}));
    }
    events.push(json!({"type": format!("response.{}", status(said)), "response": whole(said)}));
    numbered(events)
}

fn placed(mut event: Value, said: &Said) -> Value {
    event["item_id"] = json!(said.part);
    event["output_index"] = json!(0);
    event
}

fn deltas(said: &Said) -> Vec<Value> {
    match &said.reply {
        Reply::Nothing => Vec::new(),
        Reply::Text(text) => spoken(text),
        Reply::Call { name, input } => {
            let arguments = input.to_string();
            let delta = |piece| json!({"type": "response.function_call_arguments.delta", "delta": piece});
            let done = json!({"type": "response.function_call_arguments.done", "arguments": arguments, "name": name});
            pieces(&arguments).into_iter().map(delta).chain([done]).collect()
        }
    }
}

fn spoken(text: &str) -> Vec<Value> {
    let at = |kind: &str| json!({"type": format!("response.{kind}"), "content_index": 0});
    let with = |mut event: Value, name: &str, value: Value| {
        event[name] = value;
        event
    };
    let mut events = vec![with(at("content_part.added"), "part", part(""))];
    let delta = |piece| with(with(at("output_text.delta"), "delta", json!(piece)), "logprobs", json!([]));
    events.extend(pieces(text).into_iter().map(delta));
    events.push(with(with(at("output_text.done"), "text", json!(text)), "logprobs", json!([])));
    events.push(with(at("content_part.done"), "part", part(text)));
    events
}

fn numbered(events: Vec<Value>) -> Vec<String> {
    let number = |(number, mut event): (usize, Value)| {
        event["sequence_number"] = json!(number);
        named(&event)
    };
    events.into_iter().enumerate().map(number).collect()
}

/// The last event of a stream in which something went wrong after `number` others.
pub(super) fn failed(said: &Said, error: &Value, number: usize) -> String {
    let mut response = response(said, "failed", &json!([]));
    response["usage"] = Value::Null;
    let code = error["code"].as_str().or(error["type"].as_str());
    response["error"] = json!({"code": code, "message": error["message"]});
    named(&json!({"type": "response.failed", "sequence_number": number, "response": response}))
}
