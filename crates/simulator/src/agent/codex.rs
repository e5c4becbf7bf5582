//! Codex 0.169 with a provider of its own over HTTP, as it was measured with `codex exec`.

use super::{Agent, guidance::guidance, post};
use crate::provider::Exchange;
use domain::conversation::{Message, Part, Role};
use serde::Serialize;
use serde_json::{Value, json};

/// The body, its keys in the order in which they are sent.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    stream: bool,
    input: Vec<Value>,
    tools: Value,
    tool_choice: &'a str,
    parallel_tool_calls: bool,
    reasoning: Value,
    store: bool,
    include: [&'a str; 1],
    prompt_cache_key: &'a str,
    client_metadata: Value,
}

pub(super) fn request(agent: &Agent) -> Exchange {
    let metadata = turn_metadata(agent);
    let body = Body {
        model: &agent.model,
        stream: true,
        input: input(agent),
        tools: tools(),
        tool_choice: "auto",
        parallel_tool_calls: true,
        reasoning: json!({"summary": "auto"}),
        store: false,
        include: ["reasoning.encrypted_content"],
        prompt_cache_key: &agent.session,
        client_metadata: json!({
            "session_id": agent.session, "thread_id": agent.session, "x-codex-turn-metadata": metadata,
        }),
    };
    // A body of maps with text keys can always be written.
    post("/v1/responses", headers(agent, &metadata), serde_json::to_string(&body).unwrap_or_default())
}

fn turn_metadata(agent: &Agent) -> String {
    let metadata = json!({
        "session_id": agent.session, "thread_id": agent.session, "turn_id": format!("turn-{}", turns(agent)),
        "window_id": format!("{}:0", agent.session), "window_number": 0, "request_kind": "turn",
        "history_initialization": "new", "thread_source": "user", "model": agent.model,
    });
    metadata.to_string()
}

/// How often the person spoke: tools answer within a turn.
fn turns(agent: &Agent) -> usize {
    agent.messages.iter().filter(|message| message.role == Role::User && !message.has_tool_result()).count()
}

fn headers(agent: &Agent, metadata: &str) -> Vec<(&'static str, String)> {
    let window = format!("{}:0", agent.session);
    let fixed = [
        ("x-codex-beta-features", "remote_compaction_v2"),
        ("x-codex-window-id", &window),
        ("x-codex-turn-metadata", metadata),
        ("x-client-request-id", &agent.session),
        ("session-id", &agent.session),
        ("thread-id", &agent.session),
        ("accept", "text/event-stream"),
        ("content-type", "application/json"),
        ("originator", "codex_exec"),
        ("user-agent", "codex_exec/0.169.0 (Debian 12.0.0; x86_64) dumb (codex_exec; 0.169.0)"),
    ];
    fixed.map(|(name, value)| (name, value.to_owned())).into_iter().chain([agent.bearer()]).collect()
}

fn tools() -> Value {
    json!([{
        "type": "function", "name": "exec_command", "description": guidance("exec_command", 800), "strict": false,
        "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]},
    }])
}

fn input(agent: &Agent) -> Vec<Value> {
    let environment =
        format!("<environment_context>\n  <cwd>{}</cwd>\n</environment_context>", agent.directory);
    let mut input = vec![
        message(0, "developer", "input_text", &guidance("How to work", 9000)),
        message(1, "user", "input_text", &environment),
    ];
    for part in
        agent.messages.iter().flat_map(|message| message.parts.iter().map(move |part| (message, part)))
    {
        input.push(item(input.len(), part));
    }
    input
}

fn message(number: usize, role: &str, kind: &str, text: &str) -> Value {
    let content = json!([{"type": kind, "text": text}]);
    json!({"type": "message", "id": format!("msg_{number:024}"), "role": role, "content": content})
}

fn item(number: usize, (from, part): (&Message, &Part)) -> Value {
    match (part, from.role) {
        (Part::Text { text }, Role::User) => message(number, "user", "input_text", text),
        (Part::Text { text }, Role::Assistant) => {
            let mut said = message(number, "assistant", "output_text", text);
            said["status"] = json!("completed");
            said["content"][0]["annotations"] = json!([]);
            said
        }
        (Part::ToolCall { id, name, input }, _) => json!({
            "type": "function_call", "status": "completed", "id": format!("fc_{number:024}"), "name": name,
            "arguments": input, "call_id": id,
        }),
        (Part::ToolResult { id, text }, _) => json!({
            "type": "function_call_output", "id": format!("fco_{number:024}"), "call_id": id, "output": text,
        }),
    }
}
