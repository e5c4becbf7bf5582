//! Claude Code's own session logs, read as a recording.
//!
//! A log has one entry a line: what the user or a tool said, and each block of an answer with the usage of its whole call. No
//! word, path or name of it gets into the recording: projects and sessions are named by hashes.

use super::recording::{BadLine, Call, Kind, Session, told};
use domain::conversation::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use std::collections::BTreeMap;

/// An entry, as far as it matters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "moment")]
    timestamp: Option<Timestamp>,
    session_id: Option<String>,
    cwd: Option<String>,
    #[serde(default)]
    is_sidechain: bool,
    #[serde(default)]
    is_meta: bool,
    message: Option<Message>,
}

fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

#[derive(Debug, Deserialize)]
struct Message {
    id: Option<String>,
    model: Option<String>,
    #[serde(default)]
    content: Value,
    stop_reason: Option<String>,
    usage: Option<Usage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_creation: Option<Creation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Creation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

/// What is gathered of a session on the way.
#[derive(Debug, Default)]
struct Gathered {
    project: String,
    /// What the next call answers, and when that was said.
    asked: Option<(Kind, Timestamp)>,
    /// Calls by the provider's name for the answer: when each began and was done.
    calls: Vec<(String, Timestamp, Timestamp, Call)>,
}

/// What Claude Code writes as the model of answers that it made up itself.
const MADE_UP: &str = "<synthetic>";

/// The sessions of a log. Sub-agents are left out: what they cache is never kept warm.
///
/// # Errors
/// The first line that is no entry.
pub(crate) fn convert(text: &str) -> Result<Vec<Session>, BadLine> {
    let mut sessions = BTreeMap::<String, Gathered>::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let entry: Entry =
            serde_json::from_str(line).map_err(|error| BadLine { number: at + 1, why: told(&error) })?;
        take(entry, &mut sessions);
    }
    Ok(sessions.into_iter().filter_map(|(name, gathered)| gathered.session(&name)).collect())
}

fn take(entry: Entry, sessions: &mut BTreeMap<String, Gathered>) {
    let (Some(at), Some(name), Some(message)) = (entry.timestamp, entry.session_id, entry.message) else {
        return;
    };
    if entry.is_sidechain || entry.is_meta {
        return;
    }
    let gathered = sessions.entry(name).or_default();
    if let Some(folder) = entry.cwd.filter(|_| gathered.project.is_empty()) {
        gathered.project = folder;
    }
    match entry.kind.as_str() {
        "user" => gathered.asked = Some((asked_by(&message.content), at)),
        "assistant" => gathered.answered(message, at),
        _ => {}
    }
}

fn asked_by(content: &Value) -> Kind {
    if blocks(content, "tool_result") > 0 { Kind::Tool } else { Kind::Human }
}

fn blocks(content: &Value, kind: &str) -> usize {
    content.as_array().map_or(0, |blocks| blocks.iter().filter(|block| block["type"] == kind).count())
}

impl Gathered {
    fn answered(&mut self, message: Message, at: Timestamp) {
        let (Some(id), Some(model)) = (message.id, message.model.filter(|model| model != MADE_UP)) else {
            return;
        };
        let tools = u32::try_from(blocks(&message.content, "tool_use")).unwrap_or(u32::MAX);
        let usage = message.usage.unwrap_or_default();
        if let Some((_, _, done, call)) = self.calls.iter_mut().rev().find(|(known, ..)| *known == id) {
            *done = at;
            call.tools = call.tools.saturating_add(tools);
            call.output = call.output.max(usage.output_tokens);
            call.stop = message.stop_reason.or(call.stop.take());
            return;
        }
        let (kind, began) = self.asked.unwrap_or((Kind::Human, at));
        let call = Call { stop: message.stop_reason, tools, ..call(kind, model, &usage) };
        self.calls.push((id, began.min(at), at, call));
    }

    fn session(mut self, name: &str) -> Option<Session> {
        self.calls.sort_by_key(|(_, began, ..)| *began);
        let start = self.calls.first()?.1;
        let calls = self.calls.into_iter().map(|(_, began, done, call)| Call {
            at: since(start, began),
            done: Some(since(start, done)),
            ..call
        });
        Some(Session {
            project: hashed(&self.project),
            session: hashed(name),
            agent: "claude-code".to_owned(),
            subagent: false,
            calls: calls.collect(),
        })
    }
}

fn call(kind: Kind, model: String, usage: &Usage) -> Call {
    // Logs of old versions do not tell the two caches apart: there was only one.
    let written = usage.cache_creation.as_ref();
    let five_minutes =
        written.map_or(usage.cache_creation_input_tokens, |written| written.ephemeral_5m_input_tokens);
    Call {
        at: 0.0,
        done: None,
        kind,
        model,
        input: usage.input_tokens,
        cache_read: usage.cache_read_input_tokens,
        cache_write_5m: five_minutes,
        cache_write_1h: written.map_or(0, |written| written.ephemeral_1h_input_tokens),
        output: usage.output_tokens,
        stop: None,
        tools: 0,
    }
}

/// In seconds, to the millisecond.
fn since(start: Timestamp, at: Timestamp) -> f64 {
    (at.as_millisecond() - start.as_millisecond()) as f64 / 1000.0
}

/// Twelve hexadecimal digits that name a thing without telling it.
fn hashed(name: &str) -> String {
    Digest::called(name).0[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}
