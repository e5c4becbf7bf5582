//! Scripted agents: they send what Claude Code, Codex and plain SDKs send, and remember what they heard.
//!
//! What they send was measured on the real ones: the headers, where the session's name stands, where the cache marks are
//! and how they move on, and that the whole history goes along each time. They decide nothing: a script says what they say.

mod claude_code;
mod codex;
mod guidance;
mod sdk;

use crate::provider::Exchange;
use domain::{
    conversation::{Answered, Message, Part, Role},
    provider::Dialect,
    secret::Secret,
};
use upstream::dialect::answered;

/// Which agent it behaves like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Claude Code 2.1: Anthropic Messages, streaming, cache marks, a session header.
    ClaudeCode,
    /// Codex 0.169 with a provider of its own: OpenAI Responses, streaming, session and thread headers.
    Codex,
    /// Anthropic's Python SDK: nothing but the messages, the key as a bearer token.
    AnthropicSdk,
    /// OpenAI's Python SDK: chat completions, nothing but the messages.
    OpenAiSdk,
}

impl Kind {
    /// Every kind, in a fixed order.
    pub const ALL: [Self; 4] = [Self::ClaudeCode, Self::Codex, Self::AnthropicSdk, Self::OpenAiSdk];

    /// The dialect it speaks.
    #[must_use]
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::ClaudeCode | Self::AnthropicSdk => Dialect::AnthropicMessages,
            Self::Codex => Dialect::OpenAiResponses,
            Self::OpenAiSdk => Dialect::OpenAiChat,
        }
    }

    const fn usual_model(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-opus-5-5",
            Self::Codex => "gpt-5-codex",
            Self::AnthropicSdk => "claude-sonnet-5-5",
            Self::OpenAiSdk => "gpt-4o",
        }
    }
}

/// One agent in one session.
#[derive(Debug, Clone)]
pub struct Agent {
    kind: Kind,
    session: String,
    token: Secret,
    model: String,
    directory: String,
    messages: Vec<Message>,
}

impl Agent {
    /// An agent that names its session `session`, as far as its kind names sessions at all, and authenticates with `token`.
    #[must_use]
    pub fn new(kind: Kind, session: &str, token: &str) -> Self {
        Self {
            kind,
            session: session.to_owned(),
            token: Secret::new(token),
            model: kind.usual_model().to_owned(),
            directory: "/home/user/project".to_owned(),
            messages: Vec::new(),
        }
    }

    /// The same agent in another working directory, which the tools for coding tell their model.
    #[must_use]
    pub fn in_directory(self, directory: &str) -> Self {
        Self { directory: directory.to_owned(), ..self }
    }

    /// Which agent it behaves like.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The name of its session.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session
    }

    /// What was said so far, answers that were cut or refused left out.
    #[must_use]
    pub fn conversation(&self) -> &[Message] {
        &self.messages
    }

    /// The person says `text`: the request that follows.
    pub fn next_turn(&mut self, text: &str) -> Exchange {
        self.messages.push(Message::text(Role::User, text));
        self.again()
    }

    /// Every tool that the model wants answers `text`: the request that follows, as agents send it without asking anybody.
    /// None when the model wants no tool.
    pub fn tools_answer(&mut self, text: &str) -> Option<Exchange> {
        let results: Vec<_> =
            self.wanted().map(|id| Part::ToolResult { id, text: text.to_owned() }).collect();
        if results.is_empty() {
            return None;
        }
        self.messages.push(Message { role: Role::User, parts: results });
        Some(self.again())
    }

    /// The last request once more, with the token of now: after a refusal, a cut, or a time-out.
    #[must_use]
    pub fn again(&self) -> Exchange {
        match self.kind {
            Kind::ClaudeCode => claude_code::request(self),
            Kind::Codex => codex::request(self),
            Kind::AnthropicSdk => sdk::anthropic(self),
            Kind::OpenAiSdk => sdk::openai(self),
        }
    }

    /// Hears an answer, JSON or events. Only one that ended well becomes part of the conversation.
    pub fn hear(&mut self, body: &[u8]) -> Answered {
        let heard = answered(self.kind.dialect(), body);
        if heard.stop.is_some() && heard.error.is_none() {
            self.messages.extend(heard.message.clone());
        }
        heard
    }

    /// Uses `token` from the next request on.
    pub fn refresh(&mut self, token: &str) {
        self.token = Secret::new(token);
    }

    /// The calls in the model's last message.
    fn wanted(&self) -> impl Iterator<Item = String> {
        let last = self.messages.last().filter(|message| message.role == Role::Assistant);
        last.into_iter().flat_map(|message| &message.parts).filter_map(|part| match part {
            Part::ToolCall { id, .. } => Some(id.clone()),
            Part::Text { .. } | Part::ToolResult { .. } => None,
        })
    }

    /// The header of most agents.
    fn bearer(&self) -> (&'static str, String) {
        ("authorization", format!("Bearer {}", self.token.reveal()))
    }
}

/// A POST of `body`, which is JSON.
fn post(target: &str, headers: Vec<(&'static str, String)>, body: String) -> Exchange {
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Exchange { method: "POST".to_owned(), target: target.to_owned(), headers, body: body.into() }
}

#[cfg(test)]
mod tests;
