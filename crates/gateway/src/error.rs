//! The gateway's own errors, in the shape of the provider that the client believes to talk to.
//!
//! Every text says what happened, why, and what to do. None quotes a header, a query or a body.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use domain::provider::Provider;
use serde_json::{Value, json};
use std::time::Duration;
use upstream::transport::{Fault, Phase};

/// Bears the code of an error that is the gateway's own and not the provider's.
pub(crate) const ERROR_HEADER: &str = "x-stillroom-error";
/// When to come again to a gateway that is too busy now, in seconds: answers take a few.
const AGAIN_AFTER: u32 = 2;

/// Why the gateway did not relay a request, or has no answer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// A short name for programs.
    pub(crate) code: &'static str,
    /// One text for people.
    pub(crate) message: String,
}

impl Refusal {
    /// A refusal of any kind.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// No provider is known to answer this path.
    pub(crate) fn unknown_path() -> Self {
        let message = "Stillroom knows no such path. It relays every path below /v1/ to the provider it belongs to, and \
            any other below /anthropic/ or /openai/; check the agent's base URL. In a browser on this machine, the dashboard is at /ui.";
        Self::new(StatusCode::NOT_FOUND, "unknown_path", message)
    }

    /// The client wants a WebSocket.
    pub(crate) fn websocket() -> Self {
        let message = "Stillroom does not relay WebSockets, because a conversation in frames cannot be followed. Send the \
            same request as a POST; agents fall back to that by themselves.";
        Self::new(StatusCode::UPGRADE_REQUIRED, "websocket_unsupported", message)
    }

    /// The credential is no text.
    pub(crate) fn unreadable_credential() -> Self {
        let message = "The request's key or token (authorization, x-api-key or x-goog-api-key) holds bytes that are not ASCII, \
            which no provider takes, so Stillroom did not send it on. Copy the key again; it may have picked up a stray \
            character.";
        Self::new(StatusCode::BAD_REQUEST, "credential_unreadable", message)
    }

    /// The body is longer than `limit` bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!(
            "The request is larger than the {limit} bytes that Stillroom takes (relay.max_body). Shorten the conversation, \
             or raise the limit."
        );
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    }

    /// As many requests as may be are being answered.
    pub(crate) fn overloaded() -> Self {
        let message = "Stillroom already has as many requests with the providers as it may (relay.max_requests), so it did not \
                       send this one on. Send it again in a moment, or raise the limit.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message)
    }

    /// The gateway comes to its end.
    pub(crate) fn closing() -> Self {
        let message = "Stillroom is shutting down and takes no new requests, so it did not send this one on. Send it again in a \
                       moment, once Stillroom runs again.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "closing", message)
    }

    /// The bodies of all requests together hold as much as they may.
    pub(crate) fn crowded() -> Self {
        let message = "Stillroom already holds as much of other requests as it may (eight times relay.max_body together), so it \
                       did not send this one on. Send it again in a moment, or raise the limit.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message)
    }

    /// The body stopped coming.
    pub(crate) fn upload_stalled(silence: Duration) -> Self {
        let message = format!(
            "No more of the request arrived for {} seconds, so Stillroom gave up before sending it on. Send it again.",
            silence.as_secs()
        );
        Self::new(StatusCode::REQUEST_TIMEOUT, "upload_stalled", message)
    }

    /// The body comes too slowly to wait for its end.
    pub(crate) fn upload_too_slow(received: usize, taken: Duration) -> Self {
        let message = format!(
            "Only {received} bytes of the request's body arrived within {} seconds, so Stillroom gave up before sending it on. \
             Check the connection between the agent and Stillroom, then send the request again.",
            taken.as_secs()
        );
        Self::new(StatusCode::REQUEST_TIMEOUT, "upload_too_slow", message)
    }

    /// The body cannot be read to its end.
    pub(crate) fn upload_broken() -> Self {
        let message =
            "The request ended before its body was complete, so Stillroom did not send it on. Send it again.";
        Self::new(StatusCode::BAD_REQUEST, "upload_broken", message)
    }

    /// `provider` at `origin` gave no answer.
    pub(crate) fn of_fault(fault: &Fault, provider: Provider, origin: &str) -> Self {
        let failed = |status, code, what: &str, hint: &str| {
            Self::new(status, code, format!("{what} {provider} at {origin}: {fault}. {hint}"))
        };
        let setting =
            format!("Check the network and the setting upstream.{provider}, then send the request again.");
        let proxy = "Check the setting upstream.proxy, which HTTPS_PROXY sets where nothing else does, then send the request again.";
        let again = "The provider may have begun to work on it; send the request again.";
        match fault {
            Fault::Unsendable(_) => failed(
                StatusCode::BAD_REQUEST,
                "unsendable",
                "Stillroom cannot send this on to",
                "Check the path of the request.",
            ),
            Fault::Unresolved | Fault::Refused(_) | Fault::Untrusted(_) => {
                failed(StatusCode::BAD_GATEWAY, "upstream_unreachable", "Stillroom cannot reach", &setting)
            }
            Fault::Untunnelled(_) => {
                failed(StatusCode::BAD_GATEWAY, "upstream_unreachable", "Stillroom cannot reach", proxy)
            }
            Fault::TimedOut { phase: Phase::Connect } => {
                failed(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", "Stillroom cannot reach", &setting)
            }
            Fault::TimedOut { .. } => failed(
                StatusCode::GATEWAY_TIMEOUT,
                "upstream_timeout",
                "Stillroom got no answer in time from",
                again,
            ),
            Fault::Cut => {
                failed(StatusCode::BAD_GATEWAY, "upstream_cut", "Stillroom got no answer from", again)
            }
            Fault::Protocol(_) | Fault::TooLarge { .. } => failed(
                StatusCode::BAD_GATEWAY,
                "upstream_unreadable",
                "Stillroom cannot understand",
                &setting,
            ),
        }
    }

    /// The refusal as an answer to the client of `provider`; in a shape of our own where no provider is meant.
    pub(crate) fn answer(&self, provider: Option<Provider>) -> HttpResponse {
        let body = match provider {
            Some(Provider::Anthropic) => self.anthropic(),
            Some(Provider::OpenAi) => self.openai(),
            None => json!({ "error": { "code": self.code, "message": self.message } }),
        };
        let mut answer = HttpResponse::build(self.status);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((RETRY_AFTER, AGAIN_AFTER));
        }
        answer.insert_header((ERROR_HEADER, self.code)).json(body)
    }

    fn anthropic(&self) -> Value {
        let kind = match self.status {
            StatusCode::FORBIDDEN => "permission_error",
            StatusCode::NOT_FOUND => "not_found_error",
            StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
            StatusCode::SERVICE_UNAVAILABLE => "overloaded_error",
            status if status.is_client_error() => "invalid_request_error",
            _ => "api_error",
        };
        json!({ "type": "error", "error": { "type": kind, "message": self.message } })
    }

    fn openai(&self) -> Value {
        let kind = if self.status.is_client_error() { "invalid_request_error" } else { "server_error" };
        json!({ "error": { "message": self.message, "type": kind, "param": null, "code": self.code } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;
    use std::io::ErrorKind;

    const ORIGIN: &str = "https://api.anthropic.com";

    async fn body(refusal: &Refusal, provider: Option<Provider>) -> Value {
        let answer = refusal.answer(provider);
        assert_eq!(answer.headers().get(ERROR_HEADER).unwrap(), refusal.code);
        assert_eq!(answer.status(), refusal.status);
        serde_json::from_slice(&to_bytes(answer.into_body()).await.unwrap()).unwrap()
    }

    #[actix_web::test]
    async fn each_client_is_answered_in_its_providers_shape() {
        let refusal = Refusal::too_large(10);
        let anthropic = body(&refusal, Some(Provider::Anthropic)).await;
        assert_eq!(
            anthropic,
            json!({ "type": "error", "error": { "type": "request_too_large", "message": refusal.message } })
        );
        let openai = body(&refusal, Some(Provider::OpenAi)).await;
        let error = json!({
            "message": refusal.message, "type": "invalid_request_error", "param": null, "code": "body_too_large",
        });
        assert_eq!(openai, json!({ "error": error }));
        let own = body(&refusal, None).await;
        assert_eq!(own, json!({ "error": { "code": "body_too_large", "message": refusal.message } }));
    }

    #[test]
    fn every_fault_has_its_status_and_its_code() {
        let timed_out = |phase| Fault::TimedOut { phase };
        for (fault, status, code) in [
            (Fault::Unsendable("odd"), 400, "unsendable"),
            (Fault::Unresolved, 502, "upstream_unreachable"),
            (Fault::Refused(ErrorKind::ConnectionRefused), 502, "upstream_unreachable"),
            (Fault::Untrusted("expired".into()), 502, "upstream_unreachable"),
            (Fault::Untunnelled("proxy.example:3128 wants a login".into()), 502, "upstream_unreachable"),
            (timed_out(Phase::Connect), 504, "upstream_timeout"),
            (timed_out(Phase::FirstByte), 504, "upstream_timeout"),
            (timed_out(Phase::BetweenBytes), 504, "upstream_timeout"),
            (timed_out(Phase::Whole), 504, "upstream_timeout"),
            (Fault::Cut, 502, "upstream_cut"),
            (Fault::Protocol("malformed head"), 502, "upstream_unreadable"),
        ] {
            let refusal = Refusal::of_fault(&fault, Provider::Anthropic, ORIGIN);
            assert_eq!((refusal.status.as_u16(), refusal.code), (status, code), "{fault}");
        }
    }

    #[test]
    fn a_text_says_what_happened_why_and_what_to_do() {
        let refused = Fault::Refused(ErrorKind::ConnectionRefused);
        assert_eq!(
            Refusal::of_fault(&refused, Provider::Anthropic, ORIGIN).message,
            "Stillroom cannot reach anthropic at https://api.anthropic.com: no connection to the provider: connection \
             refused. Check the network and the setting upstream.anthropic, then send the request again."
        );
        assert_eq!(
            Refusal::of_fault(&Fault::Cut, Provider::OpenAi, "http://h:1").message,
            "Stillroom got no answer from openai at http://h:1: the connection ended before the answer did. The provider \
             may have begun to work on it; send the request again."
        );
        assert_eq!(
            Refusal::too_large(1024).message,
            "The request is larger than the 1024 bytes that Stillroom takes (relay.max_body). Shorten the conversation, or \
             raise the limit."
        );
        assert_eq!(
            Refusal::overloaded().message,
            "Stillroom already has as many requests with the providers as it may (relay.max_requests), so it did not send \
             this one on. Send it again in a moment, or raise the limit."
        );
        assert_eq!(
            Refusal::crowded().message,
            "Stillroom already holds as much of other requests as it may (eight times relay.max_body together), so it did not \
             send this one on. Send it again in a moment, or raise the limit."
        );
        assert_eq!(
            Refusal::closing().message,
            "Stillroom is shutting down and takes no new requests, so it did not send this one on. Send it again in a moment, \
             once Stillroom runs again."
        );
        let too_long = Fault::TimedOut { phase: Phase::Whole };
        assert_eq!(
            Refusal::of_fault(&too_long, Provider::Anthropic, ORIGIN).message,
            "Stillroom got no answer in time from anthropic at https://api.anthropic.com: the provider took too long (from the \
             request to the end of its answer). The provider may have begun to work on it; send the request again."
        );
    }
}
