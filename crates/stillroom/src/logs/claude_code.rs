//! Claude Code's log (`~/.claude/projects/*/*.jsonl`): an entry a line, each naming the one that it goes on from, so that a
//! conversation which was gone back in is a tree. An answer is several lines, one for each block.

use super::conversation::{Agent, Conversation, read};
use super::{Log, Surroundings, halves, is_usual, time};
use domain::conversation::{Digest, Message, Stop, Usage};
use domain::provider::{Dialect, Provider};
use domain::time::UnixMillis;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use store::record::Record;

/// What imported sessions of Claude Code are said to come from.
pub(crate) const CLIENT: &str = "claude-code (its log)";
const AGENT: Agent = Agent {
    client: CLIENT,
    provider: Provider::Anthropic,
    dialect: Dialect::AnthropicMessages,
    origin: "https://api.anthropic.com",
};
/// What Claude Code writes as the model of answers that it made up itself.
const MADE_UP: &str = "<synthetic>";
/// Kinds of lines that are no part of a conversation.
const ASIDE: [&str; 9] = [
    "summary",
    "system",
    "file-history-snapshot",
    "queue-operation",
    "progress",
    "attachment",
    "custom-title",
    "last-prompt",
    "agent-name",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    uuid: Option<String>,
    parent_uuid: Option<String>,
    session_id: Option<String>,
    agent_id: Option<String>,
    timestamp: Option<String>,
    cwd: Option<String>,
    #[serde(default)]
    is_sidechain: bool,
    #[serde(default)]
    is_meta: bool,
    message: Option<Said>,
}

#[derive(Deserialize)]
struct Said {
    id: Option<String>,
    model: Option<String>,
    #[serde(default)]
    content: Value,
    stop_reason: Option<String>,
    usage: Option<Counted>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Counted {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_creation: Option<Written>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Written {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

/// An answer whose lines are still coming.
struct Answer {
    session: String,
    id: String,
    model: String,
    before: Digest,
    entries: Vec<String>,
    blocks: Vec<Value>,
    at: UnixMillis,
    stop: Option<String>,
    usage: Usage,
}

/// See the module.
#[derive(Default)]
pub(crate) struct ClaudeCode {
    conversations: BTreeMap<String, Conversation>,
    /// The conversation up to and including each entry.
    links: HashMap<String, Digest>,
    answer: Option<Answer>,
    /// Answers that were counted.
    counted: HashSet<String>,
    unknown: u64,
}

impl Log for ClaudeCode {
    fn read(&mut self, line: &str, around: &dyn Surroundings) {
        let Some(entry) = halves::read::<Entry>(line) else {
            self.unknown += 1;
            return;
        };
        if entry.uuid.as_deref().is_some_and(|uuid| self.has_read(uuid)) {
            return;
        }
        if !matches!(entry.kind.as_str(), "user" | "assistant") {
            self.unknown += u64::from(!ASIDE.contains(&entry.kind.as_str()));
            self.pass_over(&entry);
            return;
        }
        match self.session(&entry) {
            Some((session, at)) => self.said(entry, session, at, around),
            None => {
                self.unknown += 1;
                self.pass_over(&entry);
            }
        }
    }

    fn take(&mut self) -> Vec<Record> {
        self.conversations.values_mut().flat_map(Conversation::take).collect()
    }

    fn close(&mut self) -> Vec<Record> {
        self.finish_answer();
        self.conversations.values_mut().flat_map(Conversation::close).collect()
    }

    fn unknown(&self) -> u64 {
        self.unknown
    }
}

impl ClaudeCode {
    /// Whether the entry stood in a line before: some logs have a line twice, and an answer is the sum of its lines.
    fn has_read(&self, uuid: &str) -> bool {
        let is_of_answer = |open: &Answer| open.entries.iter().any(|one| one == uuid);
        self.links.contains_key(uuid) || self.answer.as_ref().is_some_and(is_of_answer)
    }

    /// The name of the entry's session as the gateway hears it, and its time. A subagent's conversation is its own.
    fn session(&self, entry: &Entry) -> Option<(String, UnixMillis)> {
        let at = time(entry.timestamp.as_deref()?)?;
        let main = entry.session_id.clone().filter(|_| entry.message.is_some())?;
        let name = match &entry.agent_id {
            Some(agent) if entry.is_sidechain => format!("{main}.{agent}"),
            None if entry.is_sidechain => return None,
            _ => main,
        };
        is_usual(&name).then_some((name, at))
    }

    fn said(&mut self, entry: Entry, session: String, at: UnixMillis, around: &dyn Surroundings) {
        let conversation = self
            .conversations
            .entry(session.clone())
            .or_insert_with(|| Conversation::begin(&session, &AGENT, at));
        conversation.works_in(entry.cwd.as_deref().unwrap_or_default(), around, at);
        if entry.kind == "assistant" {
            self.answered(entry, session, at);
        } else if entry.is_meta {
            self.pass_over(&entry);
        } else {
            self.asked(entry, &session, at);
        }
    }

    fn asked(&mut self, entry: Entry, session: &str, at: UnixMillis) {
        self.finish_answer();
        let before = self.before(entry.parent_uuid.as_deref());
        let content = entry.message.map(|said| said.content).unwrap_or_default();
        let link = match message("user", content) {
            Some(message) => self.say(session, before, &message, at),
            None => before,
        };
        self.links.extend(entry.uuid.map(|uuid| (uuid, link)));
    }

    fn answered(&mut self, entry: Entry, session: String, at: UnixMillis) {
        let Entry { uuid, parent_uuid, message, .. } = entry;
        let Some(said) = message else { return };
        let known = said.id.zip(said.model).filter(|(_, model)| model != MADE_UP);
        let Some((id, model)) = known else { return self.follow(uuid, parent_uuid.as_deref()) };
        if self.answer.as_ref().is_some_and(|open| open.id != id || open.session != session) {
            self.finish_answer();
        }
        let before = self.before(parent_uuid.as_deref());
        let open = self.answer.get_or_insert_with(|| Answer {
            session,
            id,
            model,
            before,
            entries: Vec::new(),
            blocks: Vec::new(),
            at,
            stop: None,
            usage: Usage::default(),
        });
        open.at = at;
        open.entries.extend(uuid);
        open.blocks.extend(said.content.as_array().cloned().unwrap_or_default());
        open.stop = said.stop_reason.or(open.stop.take());
        open.usage = said.usage.map_or(open.usage, Counted::usage);
    }

    /// The answer is whole: its next line, if there is one, is another's.
    fn finish_answer(&mut self) {
        let Some(answer) = self.answer.take() else { return };
        let Answer { session, id, model, before, entries, blocks, at, stop, usage } = answer;
        let message = message("assistant", Value::from(blocks));
        let link = message.map_or(before, |message| self.say(&session, before, &message, at));
        self.links.extend(entries.into_iter().map(|entry| (entry, link)));
        if link != before
            && self.counted.insert(id)
            && let Some(conversation) = self.conversations.get_mut(&session)
        {
            conversation.turn(link, at, &model, (stop.as_deref().map(stopped), usage));
        }
    }

    fn say(&mut self, session: &str, before: Digest, message: &Message, at: UnixMillis) -> Digest {
        match self.conversations.get_mut(session) {
            Some(conversation) => conversation.say(before, message, at),
            None => before,
        }
    }

    /// The conversation up to and including the entry that another one goes on from.
    fn before(&self, parent: Option<&str>) -> Digest {
        parent.and_then(|parent| self.links.get(parent)).copied().unwrap_or(Digest::START)
    }

    fn pass_over(&mut self, entry: &Entry) {
        self.follow(entry.uuid.clone(), entry.parent_uuid.as_deref());
    }

    /// What goes on from an entry that says nothing goes on from the one before it.
    fn follow(&mut self, entry: Option<String>, parent: Option<&str>) {
        let Some(entry) = entry else { return };
        match &mut self.answer {
            Some(open) if open.entries.iter().any(|one| Some(one.as_str()) == parent) => {
                open.entries.push(entry)
            }
            _ => {
                let before = self.before(parent);
                self.links.insert(entry, before);
            }
        }
    }
}

fn message(role: &str, content: Value) -> Option<Message> {
    read(Dialect::AnthropicMessages, &json!([{"role": role, "content": content}])).pop()
}

fn stopped(reason: &str) -> Stop {
    match reason {
        "end_turn" => Stop::End,
        "tool_use" => Stop::ToolUse,
        "max_tokens" => Stop::Length,
        _ => Stop::Other,
    }
}

impl Counted {
    fn usage(self) -> Usage {
        let (five, hour) = match self.cache_creation {
            Some(Written { ephemeral_5m_input_tokens, ephemeral_1h_input_tokens }) => {
                (ephemeral_5m_input_tokens, ephemeral_1h_input_tokens)
            }
            None => (self.cache_creation_input_tokens, 0),
        };
        Usage {
            input: self.input_tokens,
            cache_read: self.cache_read_input_tokens,
            cache_write_5m: five,
            cache_write_1h: hour,
            output: self.output_tokens,
        }
    }
}
