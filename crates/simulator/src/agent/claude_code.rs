//! Claude Code 2.1.330, as it was measured with `-p`.

use super::{Agent, guidance::guidance, post};
use crate::provider::Exchange;
use domain::conversation::{Message, Part, Role};
use serde::Serialize;
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

const BETAS: &str = "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,per-turn-control-2026-07-01";
const OAUTH_BETAS: &str = ",oauth-2025-04-20,extended-cache-ttl-2025-04-11";
const DEVICE: &str = "5117100ea9e27a11e57111d0e5e1f0a11a5ee0f1d1571111ed0b5e12a7105cab";

/// The body, its keys in the order in which they are sent.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Value>,
    system: Value,
    tools: Value,
    metadata: Value,
    max_tokens: u32,
    thinking: Value,
    context_management: Value,
    output_config: Value,
    stream: bool,
}

pub(super) fn request(agent: &Agent) -> Exchange {
    let mark = mark(agent);
    let user = json!({"device_id": DEVICE, "account_uuid": "", "session_id": agent.session});
    let body = Body {
        model: &agent.model,
        messages: messages(agent, &mark),
        system: system(agent, &mark),
        tools: tools(),
        metadata: json!({"user_id": user.to_string()}),
        max_tokens: 128_000,
        thinking: json!({"type": "adaptive", "display": "omitted"}),
        context_management: json!({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}),
        output_config: json!({"effort": "medium"}),
        stream: true,
    };
    // A body of maps with text keys can always be written.
    post("/v1/messages?beta=true", headers(agent), serde_json::to_string(&body).unwrap_or_default())
}

fn is_oauth(agent: &Agent) -> bool {
    agent.token.reveal().starts_with("sk-ant-oat")
}

fn headers(agent: &Agent) -> Vec<(&'static str, String)> {
    let (credential, betas) = if is_oauth(agent) {
        (agent.bearer(), [BETAS, OAUTH_BETAS].concat())
    } else {
        (("x-api-key", agent.token.reveal().to_owned()), BETAS.to_owned())
    };
    let fixed = [
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
        ("User-Agent", "claude-cli/2.1.330 (external, sdk-cli)"),
        ("X-Claude-Code-Session-Id", &agent.session),
        ("X-Stainless-Arch", "x64"),
        ("X-Stainless-Lang", "js"),
        ("X-Stainless-Retry-Count", "0"),
        ("X-Stainless-Timeout", "600"),
        ("anthropic-beta", &betas),
        ("anthropic-dangerous-direct-browser-access", "true"),
        ("anthropic-version", "2023-06-01"),
        ("x-app", "cli"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ];
    fixed.map(|(name, value)| (name, value.to_owned())).into_iter().chain([credential]).collect()
}

/// Subscribers cache for an hour, everybody else for five minutes.
fn mark(agent: &Agent) -> Value {
    if is_oauth(agent) { json!({"type": "ephemeral", "ttl": "1h"}) } else { json!({"type": "ephemeral"}) }
}

fn system(agent: &Agent, mark: &Value) -> Value {
    let first = agent.messages.first().map(Message::readable).unwrap_or_default();
    let mut hash = DefaultHasher::new();
    first.hash(&mut hash);
    let build = hash.finish() & 0xfff;
    let billing =
        format!("x-anthropic-billing-header: cc_version=2.1.330.{build:03x}; cc_entrypoint=sdk-cli;");
    json!([
        {"type": "text", "text": billing},
        {"type": "text", "text": "You work in a terminal, for one person.", "cache_control": mark},
        {"type": "text", "text": guidance("How to work", 7000), "cache_control": mark},
    ])
}

fn tools() -> Value {
    let tool = |name: &str, field: &str| {
        json!({
            "name": name, "description": guidance(name, 800),
            "input_schema": {"type": "object", "properties": {field: {"type": "string"}}, "required": [field]},
        })
    };
    json!([tool("Bash", "command"), tool("Edit", "file_path"), tool("Read", "file_path")])
}

/// The history. What the machine is like stands in a message of its own after the first, and the last one bears the mark;
/// when the mark moves on, a marked text becomes a plain string.
fn messages(agent: &Agent, mark: &Value) -> Vec<Value> {
    let mut messages: Vec<_> = agent.messages.iter().enumerate().map(said).collect();
    if !messages.is_empty() {
        let environment = format!(
            "# Environment\n - Primary working directory: {}\n{}",
            agent.directory,
            guidance("The machine", 1500)
        );
        let content = json!([{"type": "text", "text": environment}]);
        messages
            .insert(1, json!({"role": "system", "content": content, "output_config": {"effort": "medium"}}));
    }
    let last = messages.len().saturating_sub(1);
    for (at, message) in messages.iter_mut().enumerate() {
        if at == last {
            put_mark(message, mark)
        } else if at > 0 {
            flatten(message)
        }
    }
    messages
}

fn said((at, message): (usize, &Message)) -> Value {
    let mut content: Vec<_> = message.parts.iter().map(block).collect();
    if at == 0 {
        let reminder = "<system-reminder>\nThe person sees only what you say.\n</system-reminder>";
        content.insert(0, json!({"type": "text", "text": reminder}));
    }
    json!({"role": message.role.as_str(), "content": content})
}

/// A part as Anthropic writes it.
pub(super) fn block(part: &Part) -> Value {
    match part {
        Part::Text { text } => json!({"type": "text", "text": text}),
        Part::ToolCall { id, name, input } => {
            let input: Value = serde_json::from_str(input).unwrap_or_default();
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        }
        Part::ToolResult { id, text } => {
            json!({"tool_use_id": id, "type": "tool_result", "content": text, "is_error": false})
        }
    }
}

fn put_mark(message: &mut Value, mark: &Value) {
    if let Some(block) = message["content"].as_array_mut().and_then(|blocks| blocks.last_mut()) {
        block["cache_control"] = mark.clone();
    }
}

fn flatten(message: &mut Value) {
    let is_user = message["role"] != Role::Assistant.as_str();
    let text = match message["content"].as_array().map(Vec::as_slice) {
        Some([only]) if is_user => only["text"].as_str().map(str::to_owned),
        _ => None,
    };
    if let Some(text) = text {
        message["content"] = json!(text);
    }
}
