//! Where a request goes: the paths that a provider has, and whose they are.

use super::{batches::BatchStep, exchange::Exchange, refusal::Refusal};
use domain::provider::{Dialect, Provider};

/// Before a batch's name at Anthropic, at OpenAI, and before a file's name there.
const BELOW: [&str; 3] = ["/v1/messages/batches/", "/v1/batches/", "/v1/files/"];

/// One of the paths that a provider answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The next message of a conversation.
    Turn(Dialect),
    /// How many tokens a prompt is.
    CountTokens,
    /// Which models there are.
    Models,
    /// Whatever is done with batches and their files.
    Batch(BatchStep),
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
            path => return Self::of_batches(path, &exchange.method),
        };
        if exchange.method == method { Ok(endpoint) } else { Err(Refusal::WrongMethod) }
    }

    fn of_batches(path: &str, method: &str) -> Result<Self, Refusal> {
        let (step, its_method) = match (path, rest(path)) {
            ("/v1/messages/batches" | "/v1/batches", _) if method == "GET" => (BatchStep::List, "GET"),
            ("/v1/messages/batches", _) => (BatchStep::Submit, "POST"),
            ("/v1/files", _) => (BatchStep::Upload, "POST"),
            ("/v1/batches", _) => (BatchStep::Begin, "POST"),
            (path, Some("")) if path.starts_with("/v1/files/") => (BatchStep::Delete, "DELETE"),
            (_, Some("")) => (BatchStep::Look, "GET"),
            (_, Some("results" | "content")) => (BatchStep::Fetch, "GET"),
            (_, Some("cancel")) => (BatchStep::Cancel, "POST"),
            _ => return Err(Refusal::NotFound),
        };
        if method == its_method { Ok(Self::Batch(step)) } else { Err(Refusal::WrongMethod) }
    }
}

/// The name of the batch or file that a path is about.
pub(super) fn name(path: &str) -> Option<&str> {
    let below = BELOW.iter().find_map(|before| path.strip_prefix(before))?;
    below.split('/').next()
}

/// What stands behind that name.
fn rest(path: &str) -> Option<&str> {
    let behind = path.split_once(name(path)?).map_or("", |(_, behind)| behind);
    Some(behind.trim_start_matches('/'))
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
