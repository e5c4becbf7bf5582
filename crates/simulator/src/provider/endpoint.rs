//! Where a request goes: the paths that a provider has, and whose they are.

use super::{exchange::Exchange, refusal::Refusal};
use domain::provider::{Dialect, Provider};

/// Before a batch's name.
pub(super) const BATCH: &str = "/v1/messages/batches/";

/// One of the paths that a provider answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The next message of a conversation.
    Turn(Dialect),
    /// How many tokens a prompt is.
    CountTokens,
    /// Which models there are.
    Models,
    /// Hand work in as a batch.
    Batches,
    /// How far a batch is.
    Batch,
    /// What came of a batch.
    BatchResults,
}

impl Endpoint {
    /// The endpoint of `exchange`, or why there is none. Paths are taken exactly as they are.
    pub(super) fn of(exchange: &Exchange) -> Result<Self, Refusal> {
        let (endpoint, method) = match exchange.path() {
            "/v1/messages" => (Self::Turn(Dialect::AnthropicMessages), "POST"),
            "/v1/chat/completions" => (Self::Turn(Dialect::OpenAiChat), "POST"),
            "/v1/responses" => (Self::Turn(Dialect::OpenAiResponses), "POST"),
            "/v1/messages/count_tokens" => (Self::CountTokens, "POST"),
            "/v1/models" => (Self::Models, "GET"),
            "/v1/messages/batches" => (Self::Batches, "POST"),
            path if path.starts_with(BATCH) && path.ends_with("/results") => (Self::BatchResults, "GET"),
            path if path.starts_with(BATCH) => (Self::Batch, "GET"),
            _ => return Err(Refusal::NotFound),
        };
        if exchange.method == method { Ok(endpoint) } else { Err(Refusal::WrongMethod) }
    }
}

/// Who is asked. Where the path does not say, Anthropic's own headers do.
pub(super) fn vendor(exchange: &Exchange) -> Provider {
    let path = exchange.path();
    let anthropics = || exchange.header("anthropic-version").or(exchange.header("x-api-key")).is_some();
    if path.starts_with("/v1/chat/") || path.starts_with("/v1/responses") {
        Provider::OpenAi
    } else if path.starts_with("/v1/messages") || anthropics() {
        Provider::Anthropic
    } else {
        Provider::OpenAi
    }
}
