//! OpenAI Chat Completions: `POST /v1/chat/completions`.

use super::{Said, pieces, unnamed};
use crate::provider::{
    prompt::{Block, Last, Prompt, Tool, items, texts},
    reply::{Reply, Stop},
};
use domain::conversation::Usage;
use serde_json::{Value, json};

pub(super) fn read(body: &Value) -> Option<Prompt> {
    let messages = body["messages"].as_array().filter(|messages| !messages.is_empty())?;
    Some(Prompt {
        model: body["model"].as_str()?.to_owned(),
        stream: body["stream"] == true,
        include_usage: body["stream_options"]["include_usage"] == true,
        max_output: body["max_completion_tokens"].as_u64().or_else(|| body["max_tokens"].as_u64()),
        thinking_budget: None,
        instructions: instructions(messages),
        last: last(messages)?,
        tools: items(&body["tools"]).iter().filter_map(tool).collect(),
        blocks: blocks(body, messages),
    })
}

fn instructions(messages: &[Value]) -> String {
    let instructs = |message: &&Value| message["role"] == "system" || message["role"] == "developer";
    messages
        .iter()
        .filter(instructs)
        .flat_map(|message| texts(&message["content"]))
        .collect::<Vec<_>>()
        .join("\n")
}

fn blocks(body: &Value, messages: &[Value]) -> Vec<Block> {
    let tools = items(&body["tools"]).iter().map(|tool| Block::new("tools", tool));
    tools.chain(messages.iter().flat_map(of_message)).collect()
}

fn of_message(message: &Value) -> Vec<Block> {
    let role = message["role"].as_str().unwrap_or_default();
    let spoken = items(&message["content"]).iter().map(|block| Block::new(role, block));
    spoken.chain(items(&message["tool_calls"]).iter().map(|call| Block::new(role, call))).collect()
}

fn last(messages: &[Value]) -> Option<Last> {
    let message = messages.iter().rfind(|message| message["role"] == "user" || message["role"] == "tool")?;
    let text = texts(&message["content"]);
    Some(match message["role"].as_str() {
        Some("tool") => Last::ToolResult(text.join("\n")),
        _ => Last::Words((*text.last()?).to_owned()),
    })
}

fn tool(tool: &Value) -> Option<Tool> {
    let function = &tool["function"];
    Some(Tool { name: function["name"].as_str()?.to_owned(), schema: function["parameters"].clone() })
}

pub(super) fn whole(said: &Said) -> Value {
    let message = json!({"role": "assistant", "refusal": null, "annotations": []});
    let choice = json!({
        "index": 0, "message": with_content(message, said), "logprobs": null, "finish_reason": finish(said.stop),
    });
    let mut answer = envelope(said, "chat.completion", &json!([choice]));
    answer["usage"] = usage(&said.usage);
    answer
}

fn with_content(mut message: Value, said: &Said) -> Value {
    match &said.reply {
        Reply::Nothing => message["content"] = json!(""),
        Reply::Text(text) => message["content"] = json!(text),
        Reply::Call { name, input } => {
            message["content"] = Value::Null;
            message["tool_calls"] = json!([call(said, name, &input.to_string())]);
        }
    }
    message
}

fn call(said: &Said, name: &str, arguments: &str) -> Value {
    json!({"id": said.call, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn envelope(said: &Said, object: &str, choices: &Value) -> Value {
    json!({
        "id": said.id, "object": object, "created": said.created(), "model": said.model,
        "service_tier": "default", "system_fingerprint": null, "choices": choices,
    })
}

fn finish(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "stop",
        Stop::ToolUse => "tool_calls",
        Stop::Refused => "content_filter",
        Stop::Length | Stop::Unfinished | Stop::Other => "length",
    }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt(), "completion_tokens": usage.output,
        "total_tokens": usage.prompt() + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

pub(super) fn events(said: &Said, include_usage: bool) -> Vec<String> {
    let mut choices: Vec<_> = deltas(said).into_iter().map(|delta| choice(&delta, None)).collect();
    choices.push(choice(&json!({}), Some(finish(said.stop))));
    let mut chunks: Vec<_> = choices.into_iter().map(|choice| chunk(said, &json!([choice]))).collect();
    if include_usage {
        chunks.iter_mut().for_each(|chunk| chunk["usage"] = Value::Null);
        let mut last = chunk(said, &json!([]));
        last["usage"] = usage(&said.usage);
        chunks.push(last);
    }
    chunks.iter().map(unnamed).chain(["data: [DONE]\n\n".to_owned()]).collect()
}

fn chunk(said: &Said, choices: &Value) -> Value {
    envelope(said, "chat.completion.chunk", choices)
}

fn choice(delta: &Value, finish: Option<&str>) -> Value {
    json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish})
}

fn deltas(said: &Said) -> Vec<Value> {
    let first = |content: Value| json!({"role": "assistant", "content": content, "refusal": null});
    match &said.reply {
        Reply::Nothing => vec![first(json!(""))],
        Reply::Text(text) => {
            let pieces = pieces(text).into_iter().map(|piece| json!({"content": piece}));
            [first(json!(""))].into_iter().chain(pieces).collect()
        }
        Reply::Call { name, input } => {
            let mut begin = call(said, name, "");
            begin["index"] = json!(0);
            let mut opening = first(Value::Null);
            opening["tool_calls"] = json!([begin]);
            [opening].into_iter().chain(pieces(&input.to_string()).into_iter().map(arguments)).collect()
        }
    }
}

fn arguments(piece: String) -> Value {
    json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
}
