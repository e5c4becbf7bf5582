//! Requests as Claude Code sends them: its headers, a session, a credential, a history with cache marks. Each is a new turn of
//! its session, so that the gateway has something to record.

use crate::answers::Kind;
use crate::words::words;
use serde_json::{Value, json};

/// Where the number of the turn stands in the last message.
const NUMBER: &str = "turn 0000000000";
/// How long one message of a long history is.
const MESSAGE: usize = 3 * 1024;

/// The bytes of a request, in which the number of the turn can be changed in place.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    number: usize,
}

impl Request {
    /// A request of `session` whose body has `size` bytes, and that asks for an answer of this kind.
    pub(crate) fn new(session: &str, size: usize, kind: Kind) -> Self {
        let frame = body(session, size, kind, String::new()).len();
        Self::of(session, kind, &body(session, size, kind, words(7, size.saturating_sub(frame))))
    }

    /// A request of `session` with this body, in which the number of a turn may stand.
    pub(crate) fn of(session: &str, kind: Kind, body: &str) -> Self {
        let bytes = [head(session, body.len(), kind).as_bytes(), body.as_bytes()].concat();
        let number = bytes.windows(NUMBER.len()).rposition(|text| text == NUMBER.as_bytes());
        Self { number: number.map_or(bytes.len(), |at| at + "turn ".len()), bytes }
    }

    /// The same for another turn.
    pub(crate) fn numbered(&mut self, turn: u64) -> &[u8] {
        let digits = format!("{turn:010}");
        if let Some(place) = self.bytes.get_mut(self.number..self.number + digits.len()) {
            place.copy_from_slice(digits.as_bytes());
        }
        &self.bytes
    }
}

fn head(session: &str, length: usize, kind: Kind) -> String {
    format!(
        "POST /v1/messages?beta=true&answer={} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\nUser-Agent: claude-cli/2.1.330 (external, sdk-cli)\r\n\
         X-Claude-Code-Session-Id: {session}\r\nX-Stainless-Arch: x64\r\nX-Stainless-Lang: js\r\n\
         X-Stainless-Retry-Count: 0\r\nX-Stainless-Timeout: 600\r\n\
         anthropic-beta: claude-code-20250219,oauth-2025-04-20,extended-cache-ttl-2025-04-11\r\n\
         anthropic-dangerous-direct-browser-access: true\r\nanthropic-version: 2023-06-01\r\nx-app: cli\r\n\
         Accept-Encoding: gzip, deflate, br, zstd\r\nAuthorization: Bearer sk-ant-oat01-{session}\r\n\
         Content-Length: {length}\r\n\r\n",
        kind.as_str()
    )
}

fn body(session: &str, size: usize, kind: Kind, filling: String) -> String {
    let history = size.saturating_sub(2 * MESSAGE) / (MESSAGE + 64);
    let mut messages: Vec<Value> = (0..history as u64).map(said).collect();
    messages.push(json!({"role": "user", "content": [{"type": "text", "text": format!("{NUMBER} {filling}"),
        "cache_control": {"type": "ephemeral"}}]}));
    written(session, kind, "You work in a terminal, for one person.", &json!(messages).to_string())
}

/// The body of a turn with these instructions and this list of messages, which is JSON.
pub(crate) fn written(session: &str, kind: Kind, instructions: &str, messages: &str) -> String {
    let user = json!({"device_id": "5117", "account_uuid": "", "session_id": session}).to_string();
    let tool = json!({"name": "Bash", "description": "Runs a command.", "input_schema": {"type": "object"}});
    // Written by hand, in the order in which the agent writes it.
    format!(
        r#"{{"model":"claude-opus-4-8","messages":{},"system":{},"tools":{},"metadata":{},"max_tokens":128000,"stream":{}}}"#,
        messages,
        json!([{"type": "text", "text": instructions, "cache_control": {"type": "ephemeral"}}]),
        json!([tool]),
        json!({"user_id": user}),
        matches!(kind, Kind::Stream | Kind::Paced),
    )
}

/// A message of a long history: words, calls of tools and their results in turn.
fn said(at: u64) -> Value {
    let text = words(at, MESSAGE);
    match at % 4 {
        0 => json!({"role": "user", "content": text}),
        1 => json!({"role": "assistant", "content": [{"type": "text", "text": text},
            {"type": "tool_use", "id": format!("toolu_{at}"), "name": "Bash", "input": {"command": "ls"}}]}),
        2 => {
            json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": format!("toolu_{}", at - 1), "content": text}]})
        }
        _ => json!({"role": "assistant", "content": [{"type": "text", "text": text}]}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_turn_of_its_size_with_its_number() {
        for size in [2 * 1024, 400 * 1024] {
            let mut request = Request::new("s-1", size, Kind::Json);
            let bytes = request.numbered(77).to_vec();
            let body = &bytes[bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4..];
            assert_eq!(body.len(), size);
            let asked = upstream::dialect::asked(domain::provider::Dialect::AnthropicMessages, body).unwrap();
            assert!(asked.messages.last().unwrap().readable().starts_with("turn 0000000077"));
            assert!(asked.cache.is_some() && asked.session.as_deref() == Some("s-1"));
        }
    }
}
