//! What was said: messages in one shape for all dialects, and what a request and an answer tell about a turn.

#[cfg(test)]
mod tests;

use crate::readable::readable;
use crate::time::UnixMillis;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Who speaks. Other roles that clients send (`system`, `developer`) are instructions, not conversation, and are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person, or the tools that answer in their place.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The name used in the store and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// A piece of a message. Thinking, images and what we do not know are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Plain words.
    Text {
        /// The words.
        text: String,
    },
    /// The model asks for a tool.
    ToolCall {
        /// The provider's id of the call.
        id: String,
        /// The tool.
        name: String,
        /// Its input, as compact JSON.
        input: String,
    },
    /// What a tool answered.
    ToolResult {
        /// The id of the call it answers.
        id: String,
        /// What came back, as text.
        text: String,
    },
}

impl Part {
    fn is_text(&self) -> bool {
        matches!(self, Self::Text { .. })
    }

    /// What tells it from others: its words, or the id of a call.
    fn words(&self) -> &str {
        let (Self::Text { text } | Self::ToolCall { id: text, .. } | Self::ToolResult { text, .. }) = self;
        text
    }
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

impl Message {
    /// A message of plain words.
    #[must_use]
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::Text { text: text.into() }] }
    }

    /// The message as a person would read it; tool traffic is marked as such, and what came out of our own memory is left out.
    #[must_use]
    pub fn readable(&self) -> String {
        let lines = self.parts.iter().map(readable);
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// A name for what the message says that survives how clients rewrite it: blocks of text joined (with nothing between them,
    /// as the official SDKs do) or split, blanks at the edges, cache marks. Tool traffic counts with ids, so that two equal calls
    /// differ.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        hash.update(self.role.as_str());
        for together in self.parts.chunk_by(|one, next| one.is_text() && next.is_text()) {
            match together {
                [Part::ToolCall { id, name, .. }] => field(&mut hash, b'c', &[id, name]),
                [Part::ToolResult { id, text }] => field(&mut hash, b'r', &[id, text.trim()]),
                texts => words_said(&mut hash, texts),
            }
        }
        Digest::finish(hash)
    }

    /// Whether it is what tools answered, and nothing else.
    #[must_use]
    pub fn is_of_tools(&self) -> bool {
        !self.parts.is_empty() && self.parts.iter().all(|part| matches!(part, Part::ToolResult { .. }))
    }

    /// Whether a tool's answer is in it.
    #[must_use]
    pub fn has_tool_result(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::ToolResult { .. }))
    }
}

fn words_said(hash: &mut Sha256, texts: &[Part]) {
    let joined: Cow<'_, str> = match texts {
        [Part::Text { text }] => text.into(),
        several => several.iter().map(Part::words).collect(),
    };
    let said = joined.trim();
    if !said.is_empty() {
        field(hash, b't', &[said]);
    }
}

fn field(hash: &mut Sha256, tag: u8, texts: &[&str]) {
    hash.update([tag]);
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
}

/// The first half of a SHA-256 hash: names a message, or a conversation up to a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// Of nothing: where every chain starts.
    pub const START: Self = Self([0; 16]);

    fn finish(hash: Sha256) -> Self {
        let whole: [u8; 32] = hash.finalize().into();
        let mut half = [0; 16];
        half.copy_from_slice(&whole[..16]);
        Self(half)
    }

    /// The name of a conversation that its provider keeps and calls `name`.
    #[must_use]
    pub fn called(name: &str) -> Self {
        let mut hash = Sha256::new();
        field(&mut hash, b'n', &[name]);
        Self::finish(hash)
    }

    /// What names these texts in this order.
    #[must_use]
    pub fn of_texts(texts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        field(&mut hash, b'w', texts);
        Self::finish(hash)
    }

    /// The name of the conversation that is `self` followed by `message`.
    #[must_use]
    pub fn then(self, message: Self) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(message.0);
        Self::finish(hash)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The names of a conversation after each of its messages: `chain(m)[i]` covers `m[0]` to `m[i]`.
#[must_use]
pub fn chain<'m>(messages: impl IntoIterator<Item = &'m Message>) -> Vec<Digest> {
    chained(Digest::START, messages.into_iter().map(Message::digest)).collect()
}

/// The same, for messages whose names are known and that go on from the conversation `before`.
pub fn chained(before: Digest, messages: impl IntoIterator<Item = Digest>) -> impl Iterator<Item = Digest> {
    messages.into_iter().scan(before, |link, message| {
        *link = link.then(message);
        Some(*link)
    })
}

/// Roughly how many tokens a text is: a quarter of its characters. Only for limits and budgets; bills use the provider's figures.
#[must_use]
pub fn estimated_tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

/// How long a provider keeps a cached prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CacheTtl {
    /// Five minutes.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// One hour.
    #[serde(rename = "1h")]
    OneHour,
}

/// What a client's request says, as far as anything of ours needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// The model asked.
    pub model: String,
    /// Whether events are wanted instead of one answer.
    pub stream: bool,
    /// The conversation so far, instructions left out.
    pub messages: Vec<Message>,
    /// How many tools the model may use.
    pub tools: usize,
    /// The output limit, in tokens.
    pub output_limit: Option<u64>,
    /// Whether the answer must follow a schema.
    pub structured: bool,
    /// The shortest time to live among the request's cache marks; none without marks.
    pub cache: Option<CacheTtl>,
    /// A session id in the body (Claude Code's `metadata.user_id`, Codex's `client_metadata`, OpenAI's `conversation`).
    pub session: Option<String>,
    /// A conversation's cache key in the body (`prompt_cache_key`).
    pub cache_key: Option<String>,
    /// What the provider calls the conversation that this goes on from, where the client sends only what is new
    /// (`previous_response_id`, the last `item_reference`, `conversation`).
    pub follows: Option<String>,
    /// The working directory that the agent states in its instructions.
    pub directory: Option<String>,
    /// What [`beginning`] makes of the first message, where the conversation itself was left unread.
    pub unread_beginning: Option<u64>,
}

impl Asked {
    /// Tells histories of a session apart by how they begin: two that begin alike give the same number, however clients
    /// rewrite cache marks and blanks, and two that do not hardly ever. None where the request does not carry its history.
    #[must_use]
    pub fn beginning(&self) -> Option<u64> {
        let first = || beginning(self.messages.first()?.parts.iter().map(|part| part.words().trim()));
        self.unread_beginning.or_else(first).filter(|_| self.follows.is_none())
    }

    /// What names the conversation that this goes on from, given the answer that it got. A conversation that keeps its name for ever is
    /// called by that answer too, or what is said in the same words again would pass for said already.
    #[must_use]
    pub fn goes_on_from(&self, answered: &Answered) -> Option<Digest> {
        let name = Digest::called(self.follows.as_deref()?);
        let answer = answered.id.as_deref().filter(|_| self.follows == self.session);
        Some(answer.map_or(name, |answer| name.then(Digest::called(answer))))
    }

    /// Whether anything is said, be it unread, or what goes on from something that was said, be it by words that are not kept.
    #[must_use]
    pub fn says_something(&self) -> bool {
        self.unread_beginning.is_some() || !self.messages.is_empty() || self.follows.is_some()
    }
}

/// A number for how a history begins, made of the words of the parts of its first message; none without any. Only the first words
/// are looked at, and how many follow, because this is asked of every request.
#[must_use]
pub fn beginning(parts: impl IntoIterator<Item = impl AsRef<str>>) -> Option<u64> {
    const LOOKED_AT: usize = 256;
    let mut parts = parts.into_iter().peekable();
    parts.peek()?;
    let mut hash = DefaultHasher::new();
    for part in parts {
        let words = part.as_ref().as_bytes();
        (words.len(), words.get(..LOOKED_AT).unwrap_or(words)).hash(&mut hash);
    }
    Some(hash.finish())
}

/// Tokens as the provider counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Usage {
    /// Input that was neither read from nor written to the cache.
    pub input: u64,
    /// Input read from the cache.
    pub cache_read: u64,
    /// Input written to the five-minute cache.
    pub cache_write_5m: u64,
    /// Input written to the one-hour cache.
    pub cache_write_1h: u64,
    /// Output.
    pub output: u64,
}

impl Usage {
    /// All input, cached or not. Providers count, so no sum of theirs may overflow.
    #[must_use]
    pub const fn prompt(&self) -> u64 {
        let cached = self.cache_read.saturating_add(self.cache_write_5m).saturating_add(self.cache_write_1h);
        self.input.saturating_add(cached)
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write_5m: self.cache_write_5m.saturating_add(other.cache_write_5m),
            cache_write_1h: self.cache_write_1h.saturating_add(other.cache_write_1h),
            output: self.output.saturating_add(other.output),
        }
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The model was done.
    End,
    /// It wants a tool; the agent goes on by itself.
    ToolUse,
    /// The output limit.
    Length,
    /// The model or a filter of its provider would not answer.
    Refused,
    /// In the middle, though not for the limit: the provider paused it.
    Unfinished,
    /// Anything else: a stop sequence, a word that we do not know, or none.
    Other,
}

impl Stop {
    /// Why an answer that ended so does not say what was asked for; none when it may.
    #[must_use]
    pub const fn falls_short(self) -> Option<&'static str> {
        match self {
            Self::End | Self::Other => None,
            Self::ToolUse => Some("the model asked for a tool instead of answering"),
            Self::Length => Some("the answer was cut short by the output limit"),
            Self::Refused => Some("the model or its provider's filter refused to answer"),
            Self::Unfinished => Some("the provider ended the answer before it was whole"),
        }
    }
}

/// What a provider's answer says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answered {
    /// The model's message; none when there was no text and no tool call.
    pub message: Option<Message>,
    /// The provider's count.
    pub usage: Usage,
    /// Why it ended; none when it never did: the stream was cut.
    pub stop: Option<Stop>,
    /// An error inside a 200 answer: its type and its text.
    pub error: Option<(String, String)>,
    /// What the provider calls the conversation up to here, where it keeps conversations.
    pub id: Option<String>,
    /// What it calls the last item of the answer, which clients that leave answers with it refer to.
    pub item: Option<String>,
}

impl Answered {
    /// The names by which a client may go on from here without saying again what was said.
    pub fn names(&self) -> impl Iterator<Item = Digest> {
        [&self.id, &self.item].into_iter().flatten().map(|name| Digest::called(name))
    }

    /// Whether the provider has only taken the request in, and says under a name of it what comes of it once somebody asks.
    #[must_use]
    pub fn is_to_come(&self) -> bool {
        self.stop.is_none() && self.error.is_none() && self.message.is_none() && self.id.is_some()
    }
}

/// A message as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedMessage {
    /// Its number in the store, rising with time.
    pub id: i64,
    /// Who speaks.
    pub role: Role,
    /// What a person would read.
    pub text: String,
    /// Estimated tokens of the text.
    pub tokens: u64,
    /// When it was recorded.
    pub at: UnixMillis,
    /// Whether an observation covers it.
    pub distilled: bool,
    /// Whether a tool spoke through it, so that it is not the person's own words.
    pub from_tool: bool,
}
