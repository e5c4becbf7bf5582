//! Why a provider says no, in its own words: statuses, types, codes and texts in both shapes.

use domain::provider::Provider;
use serde::Deserialize;
use serde_json::{Value, json};

/// A reason to refuse, with the text each provider gives for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No token at all: 401.
    Missing,
    /// A token the provider never heard of: 401.
    Unknown,
    /// A token whose time is over: 401.
    Expired,
    /// A token that its owner took back: 403 at Anthropic, 401 at OpenAI.
    Revoked,
    /// An OAuth token without the beta that allows it: 401; only Anthropic says so.
    Unsupported,
    /// A good token that may not do this: 403.
    Forbidden,
    /// The account behind the token is switched off: 402.
    Blocked,
    /// Too many requests: 429.
    RateLimited,
    /// Too much load on the provider's side: 529 at Anthropic, 503 at OpenAI.
    Overloaded,
    /// Something broke at the provider: 500.
    Internal,
    /// The request cannot be read or breaks a rule: 400.
    Invalid,
    /// No such path: 404.
    NotFound,
    /// Not with this method: 405.
    WrongMethod,
}

/// What is said: status, type, code (OpenAI only) and text.
struct Words(u16, &'static str, Option<&'static str>, &'static str);

impl Refusal {
    /// The status that goes with it.
    #[must_use]
    pub fn status(self, provider: Provider) -> u16 {
        self.words(provider).0
    }

    /// The error object alone: what stands under `error`.
    #[must_use]
    pub fn error(self, provider: Provider) -> Value {
        let Words(_, kind, code, text) = self.words(provider);
        match provider {
            Provider::Anthropic => json!({"type": kind, "message": text}),
            Provider::OpenAi => json!({"message": text, "type": kind, "param": null, "code": code}),
        }
    }

    /// The whole body of an error answer.
    #[must_use]
    pub fn body(self, provider: Provider, request_id: &str) -> Value {
        match provider {
            Provider::Anthropic => {
                json!({"type": "error", "error": self.error(provider), "request_id": request_id})
            }
            Provider::OpenAi => json!({"error": self.error(provider)}),
        }
    }

    fn words(self, provider: Provider) -> Words {
        match provider {
            Provider::Anthropic => self.anthropic(),
            Provider::OpenAi => self.openai(),
        }
    }

    fn anthropic(self) -> Words {
        let of = |status, kind, text| Words(status, kind, None, text);
        match self {
            Self::Missing => of(401, "authentication_error", "x-api-key header is required"),
            Self::Unknown => of(401, "authentication_error", "invalid x-api-key"),
            Self::Expired => of(401, "authentication_error", EXPIRED),
            Self::Unsupported => {
                of(401, "authentication_error", "OAuth authentication is currently not supported.")
            }
            Self::Revoked => {
                of(403, "permission_error", "OAuth token has been revoked. Please obtain a new token.")
            }
            Self::Forbidden => {
                of(403, "permission_error", "Your account does not have permission to use this model.")
            }
            Self::Blocked => of(402, "billing_error", "This organization has been disabled."),
            Self::RateLimited => {
                of(429, "rate_limit_error", "This request would exceed your account's rate limit.")
            }
            Self::Overloaded => of(529, "overloaded_error", "Overloaded"),
            Self::Internal => of(500, "api_error", "Internal server error"),
            Self::Invalid => of(400, "invalid_request_error", "The request body is not valid."),
            Self::NotFound => of(404, "not_found_error", "Not Found"),
            Self::WrongMethod => of(405, "invalid_request_error", "Method Not Allowed"),
        }
    }

    fn openai(self) -> Words {
        let (bad, server) = ("invalid_request_error", "server_error");
        match self {
            Self::Missing => Words(401, bad, None, "You didn't provide an API key."),
            Self::Unknown | Self::Unsupported => {
                Words(401, bad, Some("invalid_api_key"), "Incorrect API key provided.")
            }
            Self::Expired => {
                Words(401, bad, Some("token_expired"), "Provided authentication token is expired.")
            }
            Self::Revoked => Words(401, bad, Some("token_revoked"), "Encountered invalidated oauth token."),
            Self::Forbidden => Words(
                403,
                bad,
                Some("insufficient_permissions"),
                "You have insufficient permissions for this operation.",
            ),
            Self::Blocked => {
                Words(402, "billing_not_active", Some("billing_not_active"), "Your account is not active.")
            }
            Self::RateLimited => {
                Words(429, "requests", Some("rate_limit_exceeded"), "Rate limit reached for requests.")
            }
            Self::Overloaded => Words(503, server, Some("server_is_overloaded"), "The server is overloaded."),
            Self::Internal => {
                Words(500, server, None, "The server had an error while processing your request.")
            }
            Self::Invalid => Words(400, bad, None, "We could not parse the body of your request."),
            Self::NotFound => Words(404, bad, Some("unknown_url"), "Invalid URL."),
            Self::WrongMethod => {
                Words(405, bad, Some("method_not_supported"), "Not allowed with this method.")
            }
        }
    }
}

const EXPIRED: &str = "OAuth token has expired. Please obtain a new token or refresh your existing token.";

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{evidence::Class, time::UnixMillis};
    use upstream::classify::classify;

    /// What a reader of answers makes of a refusal; the reader was written by somebody else.
    fn class(refusal: Refusal, provider: Provider) -> Class {
        let body = refusal.body(provider, "req_1").to_string();
        let header = |name: &str| (name == "request-id" || name == "x-request-id").then_some("req_1");
        classify(provider, refusal.status(provider), header, body.as_bytes(), UnixMillis(0))
    }

    #[test]
    fn every_refusal_means_the_same_in_both_shapes() {
        for provider in Provider::ALL {
            let means =
                |refusal, expected| assert_eq!(class(refusal, provider), expected, "{provider} {refusal:?}");
            for bad in [Refusal::Missing, Refusal::Unknown, Refusal::Expired, Refusal::Revoked] {
                means(bad, Class::CredentialRejected);
            }
            means(Refusal::Forbidden, Class::Forbidden);
            means(Refusal::Blocked, Class::AccountBlocked);
            means(Refusal::RateLimited, Class::Throttled { retry_after: None });
            means(Refusal::Overloaded, Class::Throttled { retry_after: None });
            means(Refusal::Internal, Class::UpstreamFault);
            means(Refusal::NotFound, Class::RequestRefused);
        }
    }
}
