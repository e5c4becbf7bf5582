//! What a request's headers say of its session and of what it is for. Read once, before the headers themselves go to the
//! provider.

use actix_web::http::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use upstream::transport::HeaderMap;

static CLAUDE_SESSION: HeaderName = HeaderName::from_static("x-claude-code-session-id");
static CLAUDE_AGENT: HeaderName = HeaderName::from_static("x-claude-code-agent-id");
static CLAUDE_CLASS: HeaderName = HeaderName::from_static("x-claude-code-request-class");
static CODEX_TURN: HeaderName = HeaderName::from_static("x-codex-turn-metadata");
static OPENCODE_PARENT: HeaderName = HeaderName::from_static("x-parent-session-id");
/// What other agents call a session. A thread of Codex is a conversation; its session may hold several.
static SESSIONS: [HeaderName; 5] = [
    HeaderName::from_static("thread-id"),
    HeaderName::from_static("session-id"),
    HeaderName::from_static("x-session-id"),
    HeaderName::from_static("x-opencode-session"),
    HeaderName::from_static("session_id"),
];

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signs {
    /// Claude Code's name of the session: more exact than what any body says.
    exact: Option<HeaderValue>,
    /// Another agent's name of it: less exact than the body's.
    usual: Option<HeaderValue>,
    /// The agent within the session that speaks.
    agent: Option<HeaderValue>,
    /// Whether somebody speaks whom the main agent sent.
    pub(super) is_subagents: bool,
    /// Whether the agent says that it asks for purposes of its own.
    pub(super) is_aside: bool,
}

impl Signs {
    /// What these headers say.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let said = |name| headers.get(name).filter(|value| words(value).is_some()).cloned();
        let class = headers.get(&CLAUDE_CLASS).map(HeaderValue::as_bytes);
        let codex = CodexTurn::of(headers);
        let (source, purpose) = (codex.thread_source.as_deref(), codex.request_kind.as_deref());
        Self {
            exact: said(&CLAUDE_SESSION),
            usual: SESSIONS.iter().find_map(said),
            agent: said(&CLAUDE_AGENT),
            is_subagents: class == Some(b"subagent")
                || source == Some("subagent")
                || headers.contains_key(&OPENCODE_PARENT),
            is_aside: matches!(class, Some(b"auxiliary" | b"compaction"))
                || source == Some("thread_title")
                || matches!(purpose, Some("prewarm" | "compaction")),
        }
    }

    pub(crate) fn exact(&self) -> Option<&str> {
        self.exact.as_ref().and_then(words)
    }

    pub(super) fn usual(&self) -> Option<&str> {
        self.usual.as_ref().and_then(words)
    }

    pub(super) fn agent(&self) -> Option<&str> {
        self.agent.as_ref().and_then(words)
    }
}

fn words(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim).filter(|words| !words.is_empty())
}

/// What Codex says of a request, as far as it matters.
#[derive(Debug, Default, Deserialize)]
struct CodexTurn {
    /// Who opened the thread: a person, a subagent, or Codex itself for a title.
    thread_source: Option<String>,
    /// A turn, a compaction, or a connection warmed up beforehand.
    request_kind: Option<String>,
}

impl CodexTurn {
    /// As the headers say; empty where they do not.
    fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(&CODEX_TURN).map(HeaderValue::as_bytes);
        value.and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default()
    }
}
