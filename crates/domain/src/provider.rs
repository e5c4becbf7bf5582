//! Who answers, in which dialect, and where: providers, dialects and upstream keys.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A vendor whose models we relay to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Anthropic, or whoever answers in its shape at the configured base URL.
    Anthropic,
    /// OpenAI, or whoever answers in its shape at the configured base URL.
    OpenAi,
}

impl Provider {
    /// Every provider, in a fixed order.
    pub const ALL: [Self; 2] = [Self::Anthropic, Self::OpenAi];

    /// The name used in settings, metrics and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The shape of requests and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `POST /v1/messages`.
    AnthropicMessages,
    /// `POST /v1/chat/completions`.
    OpenAiChat,
    /// `POST /v1/responses`.
    OpenAiResponses,
}

impl Dialect {
    /// The vendor whose shape this is.
    #[must_use]
    pub const fn provider(self) -> Provider {
        match self {
            Self::AnthropicMessages => Provider::Anthropic,
            Self::OpenAiChat | Self::OpenAiResponses => Provider::OpenAi,
        }
    }

    /// The path of a turn in this dialect, below the base URL.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::AnthropicMessages => "/v1/messages",
            Self::OpenAiChat => "/v1/chat/completions",
            Self::OpenAiResponses => "/v1/responses",
        }
    }

    /// The dialect of a turn sent to `path` (without query), whatever prefix stands before it; none for other endpoints.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        [Self::AnthropicMessages, Self::OpenAiChat, Self::OpenAiResponses]
            .into_iter()
            .find(|dialect| path.ends_with(dialect.path()))
    }
}

/// Where a credential may go: scheme, host and port of an upstream, and its vendor. A credential is only ever attached to a
/// request for the upstream it was captured for; a base URL of another host is another upstream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpstreamKey(Arc<(Provider, Box<str>)>);

impl UpstreamKey {
    /// The key of `provider` at `origin`, which is `scheme://host[:port]` with nothing behind it. Case of the host and default
    /// ports are evened out, so that one origin has one key.
    #[must_use]
    pub fn new(provider: Provider, origin: &str) -> Self {
        let lower = origin.trim_end_matches('/').to_ascii_lowercase();
        let plain = match lower.split_once("://") {
            Some(("https", rest)) => format!("https://{}", rest.strip_suffix(":443").unwrap_or(rest)),
            Some(("http", rest)) => format!("http://{}", rest.strip_suffix(":80").unwrap_or(rest)),
            _ => lower,
        };
        Self(Arc::new((provider, plain.into_boxed_str())))
    }

    /// The vendor.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.0.0
    }

    /// `scheme://host[:port]`, in lower case.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0.1
    }
}

impl fmt::Display for UpstreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.provider(), self.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_origin_has_one_key() {
        let key = |origin| UpstreamKey::new(Provider::Anthropic, origin);
        assert_eq!(key("https://API.anthropic.com/"), key("https://api.anthropic.com:443"));
        assert_eq!(key("http://h"), key("http://h:80"));
        assert_ne!(key("http://h"), key("https://h"));
        assert_ne!(key("http://h:8080"), key("http://h:80"));
        assert_ne!(key("http://h"), UpstreamKey::new(Provider::OpenAi, "http://h"));
    }

    #[test]
    fn only_the_turn_endpoints_have_a_dialect() {
        assert_eq!(Dialect::of_path("/v1/messages"), Some(Dialect::AnthropicMessages));
        assert_eq!(Dialect::of_path("/proj/abc/v1/messages/"), Some(Dialect::AnthropicMessages));
        assert_eq!(Dialect::of_path("/v1/v1/responses"), Some(Dialect::OpenAiResponses));
        assert_eq!(Dialect::of_path("/v1/messages/count_tokens"), None);
        assert_eq!(Dialect::of_path("/v1/messages/batches"), None);
        assert_eq!(Dialect::of_path("/v1/models"), None);
    }
}
