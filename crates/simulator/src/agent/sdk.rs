//! Plain programs over the vendors' Python SDKs: no session, no tools, no marks, nothing but the conversation.

use super::{Agent, claude_code::block, post};
use crate::provider::Exchange;
use domain::conversation::Message;
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Serialize)]
struct Anthropic<'a> {
    max_tokens: u32,
    messages: Vec<Value>,
    model: &'a str,
}

#[derive(Serialize)]
struct OpenAi<'a> {
    model: &'a str,
    messages: Vec<Value>,
}

/// Recent versions send API keys as bearer tokens, too.
pub(super) fn anthropic(agent: &Agent) -> Exchange {
    let say = |message: &Message| {
        let content: Vec<_> = message.parts.iter().map(block).collect();
        json!({"role": message.role.as_str(), "content": content})
    };
    let messages = agent.messages.iter().map(say).collect();
    let body = Anthropic { max_tokens: 1024, messages, model: &agent.model };
    let headers = headers(agent, "Anthropic/Python 2.12.0", Some(("anthropic-version", "2026-10-21")));
    // A body of maps with text keys can always be written.
    post("/v1/messages", headers, serde_json::to_string(&body).unwrap_or_default())
}

pub(super) fn openai(agent: &Agent) -> Exchange {
    let say = |message: &Message| json!({"role": message.role.as_str(), "content": message.readable()});
    let body = OpenAi { model: &agent.model, messages: agent.messages.iter().map(say).collect() };
    let headers = headers(agent, "OpenAI/Python 3.54.0", None);
    post("/v1/chat/completions", headers, serde_json::to_string(&body).unwrap_or_default())
}

fn headers(
    agent: &Agent,
    name: &'static str,
    more: Option<(&'static str, &'static str)>,
) -> Vec<(&'static str, String)> {
    let fixed = [
        ("Accept-Encoding", "gzip, deflate"),
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
        ("User-Agent", name),
        ("X-Stainless-Lang", "python"),
        ("X-Stainless-Retry-Count", "0"),
    ];
    let fixed = fixed.into_iter().chain(more).map(|(name, value)| (name, value.to_owned()));
    fixed.chain([agent.bearer()]).collect()
}
