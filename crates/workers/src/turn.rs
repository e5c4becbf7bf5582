//! The fact that the gateway tells: a turn went through.

use bytes::Bytes;
use domain::ids::{Principal, SessionId};
use domain::provider::{Dialect, UpstreamKey};
use domain::time::{Moment, UnixMillis};
use std::sync::Arc;
use std::time::Duration;

/// Who spoke to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// The agent a person talks to.
    Main,
    /// An agent that another agent started: recorded in a session of its own, never kept warm.
    Subagent,
}

/// A request that a provider answered with success, and the answer, as they went over the wire.
pub struct Turn {
    /// The session.
    pub session: SessionId,
    /// Tells histories of the session apart by how they begin; none where the request does not carry its history.
    pub beginning: Option<u64>,
    /// Whose.
    pub principal: Principal,
    /// The session's name in the client's own words, if it has one.
    pub identity: Option<String>,
    /// What the client calls itself; only to show.
    pub client: String,
    /// Who spoke.
    pub speaker: Speaker,
    /// Where the provider is.
    pub upstream: UpstreamKey,
    /// In which shape.
    pub dialect: Dialect,
    /// Path and query below the provider's base URL.
    pub target: String,
    /// How the request's body is encoded, if at all.
    pub request_encoding: Option<String>,
    /// The request's body as the client sent it.
    pub request: Bytes,
    /// What was added to it on its way; then it was sent in no encoding.
    pub injection: Option<Arc<str>>,
    /// How the answer's body is encoded, if at all.
    pub answer_encoding: Option<String>,
    /// The answer's body as it was sent, in pieces.
    pub answer: Vec<Bytes>,
    /// When it was over.
    pub at: UnixMillis,
    /// When the request left.
    pub left: Moment,
    /// From then on until it was over.
    pub took: Duration,
}

#[cfg(test)]
impl Turn {
    /// A turn of `session` with this request, and nothing special.
    pub(crate) fn of(session: &str, request: impl Into<Bytes>) -> Self {
        Self {
            session: session.into(),
            beginning: None,
            principal: Principal::local(),
            identity: None,
            client: "test".into(),
            speaker: Speaker::Main,
            upstream: UpstreamKey::new(domain::provider::Provider::Anthropic, "http://h.example"),
            dialect: Dialect::AnthropicMessages,
            target: "/v1/messages".into(),
            request_encoding: None,
            request: request.into(),
            injection: None,
            answer_encoding: None,
            answer: Vec::new(),
            at: UnixMillis(0),
            left: Moment::default(),
            took: Duration::ZERO,
        }
    }
}
