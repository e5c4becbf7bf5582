//! A provider's batch endpoint: work that nobody waits for, done within a day at half the price.
//!
//! Anthropic's Message Batches only. OpenAI's batches are uploaded as files and want a second kind of endpoint for their
//! results; work for it goes the direct way.
//!
//! One batch holds one request. Results are read from below our own base URL, never from the address that the provider
//! names: a credential goes only to its upstream.

use crate::authorize::authorize;
use crate::call::{LONGEST_ANSWER, defaults, reason};
use crate::classify::classify;
use crate::dialect;
use crate::encoding::decoded;
use crate::excerpt::masked;
use crate::transport::{Answer, HeaderMap, Method, Request, Transport, collect};
use actix_http::header::{HeaderName, HeaderValue};
use bytes::Bytes;
use domain::conversation::Answered;
use domain::credential::Lease;
use domain::evidence::Class;
use domain::ids::BatchId;
use domain::provider::{Dialect, Provider};
use domain::time::{Moment, UnixMillis};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::time::timeout;

/// The share of the list price that work in a batch costs (Anthropic's pricing page: half, input and output alike).
pub const PRICE: f64 = 0.5;

const PATH: &str = "/v1/messages/batches";
/// Names the one request of a batch.
const REQUEST: &str = "work";

/// One request to the batch endpoint.
#[derive(Debug, Clone)]
pub enum Step {
    /// Hand this background call in.
    Submit(Bytes),
    /// See how far it is.
    Look(BatchId),
    /// Fetch what came of it.
    Fetch(BatchId),
}

/// What came of a step.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What the answer means.
    pub class: Class,
    /// Its HTTP status; 0 when there was none.
    pub status: u16,
    /// The plain body of an accepted answer.
    pub body: Bytes,
    /// Why it was not accepted, safe to log.
    pub why: String,
    /// When the request left.
    pub start: Moment,
    /// When its answer was understood.
    pub finish: Moment,
}

/// How far a batch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The provider's name for it.
    pub id: BatchId,
    /// Whether its results can be fetched.
    pub ended: bool,
}

/// Whether work in this dialect can be handed in at all.
#[must_use]
pub fn is_offered(dialect: Dialect) -> bool {
    dialect == Dialect::AnthropicMessages
}

/// Sends one step and waits for its answer, at most `within`. It is not tried again: work in a batch has time.
pub async fn send(
    transport: &dyn Transport,
    now: &dyn Fn() -> (Moment, UnixMillis),
    within: Duration,
    lease: &Lease,
    base_url: &str,
    step: &Step,
) -> Reply {
    let start = now().0;
    let heard = match prepared(base_url, step, lease) {
        Ok(request) => timeout(within, exchange(transport, request, now)).await,
        Err(why) => Ok(Heard { class: Class::RequestRefused, status: 0, body: Bytes::new(), why }),
    };
    let Heard { class, status, body, why } =
        heard.unwrap_or_else(|_| Heard::nothing("the provider took too long to answer".to_owned()));
    Reply { class, status, body, why, start, finish: now().0 }
}

/// An answer, understood.
struct Heard {
    class: Class,
    status: u16,
    body: Bytes,
    why: String,
}

impl Heard {
    const fn nothing(why: String) -> Self {
        Self { class: Class::UpstreamFault, status: 0, body: Bytes::new(), why }
    }
}

async fn exchange(
    transport: &dyn Transport,
    request: Request,
    now: &dyn Fn() -> (Moment, UnixMillis),
) -> Heard {
    let answer = match transport.send(request).await {
        Ok(answer) => answer,
        Err(fault) => return Heard::nothing(masked(&fault.to_string())),
    };
    let Answer { status, headers, body } = answer;
    match collect(body, LONGEST_ANSWER).await {
        Err(fault) if status.is_success() => Heard::nothing(masked(&fault.to_string())),
        body => read(status.as_u16(), &headers, &body.unwrap_or_default(), now().1),
    }
}

/// What an accepted answer holds is about the work, not about the token, so its status alone classifies it: the results of a
/// batch may well be errors.
fn read(status: u16, headers: &HeaderMap, body: &[u8], now: UnixMillis) -> Heard {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let body = decoded(header("content-encoding"), body, LONGEST_ANSWER).unwrap_or_default();
    let accepted = matches!(status, 200..=299);
    let telling: &[u8] = if accepted { &[] } else { &body };
    let class = classify(Provider::Anthropic, status, header, telling, now);
    let why = if accepted { String::new() } else { reason(status, &body) };
    Heard { class, status, body: body.into_owned().into(), why }
}

fn prepared(base_url: &str, step: &Step, lease: &Lease) -> Result<Request, String> {
    if lease.upstream.provider() != Provider::Anthropic {
        return Err("the batch speaks another provider's dialect than its credential".into());
    }
    let (method, target, body) = match step {
        Step::Submit(call) => (Method::POST, PATH.to_owned(), submission(call)?),
        Step::Look(id) => (Method::GET, format!("{PATH}/{}", id.as_str()), Bytes::new()),
        Step::Fetch(id) => (Method::GET, format!("{PATH}/{}/results", id.as_str()), Bytes::new()),
    };
    let uri = format!("{}{target}", base_url.trim_end_matches('/')).parse();
    let uri = uri.map_err(|_| "the upstream's address is not a URL".to_owned())?;
    let mut request = Request { method, uri, headers: HeaderMap::new(), body };
    authorize(&mut request, lease).map_err(|wrong| wrong.to_string())?;
    for (name, value) in defaults(Dialect::AnthropicMessages) {
        if !request.headers.contains_key(*name) {
            request.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
    Ok(request)
}

fn submission(call: &[u8]) -> Result<Bytes, String> {
    let params: &RawValue = serde_json::from_slice(call).map_err(|_| "the call is no JSON".to_owned())?;
    Ok(format!(r#"{{"requests":[{{"custom_id":"{REQUEST}","params":{params}}}]}}"#).into())
}

/// Reads how far a batch is; none when the answer is about no batch: a proxy or a local server may answer anything.
#[must_use]
pub fn batch(body: &[u8]) -> Option<Batch> {
    #[derive(Deserialize)]
    struct Told {
        id: String,
        processing_status: String,
    }
    let told: Told = serde_json::from_slice(body).ok()?;
    Some(Batch { id: BatchId::read(&told.id)?, ended: told.processing_status == "ended" })
}

/// Reads the answer to the one request of a batch that ended.
///
/// # Errors
/// What became of it instead, safe to log.
pub fn answered(body: &[u8]) -> Result<Answered, String> {
    #[derive(Deserialize)]
    struct Line<'b> {
        custom_id: String,
        #[serde(borrow)]
        result: Outcome<'b>,
    }
    #[derive(Deserialize)]
    struct Outcome<'b> {
        #[serde(rename = "type")]
        kind: String,
        #[serde(borrow)]
        message: Option<&'b RawValue>,
    }
    let lines = body.split(|byte| *byte == b'\n');
    let mut read = lines.filter_map(|line| serde_json::from_slice::<Line<'_>>(line).ok());
    let line = read.find(|line| line.custom_id == REQUEST).ok_or("the batch ended without a result")?;
    match (line.result.kind.as_str(), line.result.message) {
        ("succeeded", Some(message)) => {
            Ok(dialect::answered(Dialect::AnthropicMessages, message.get().as_bytes()))
        }
        ("errored" | "canceled" | "expired", _) => Err(format!("the batch {}", line.result.kind)),
        _ => Err("the result of the batch cannot be read".to_owned()),
    }
}

#[cfg(test)]
mod tests;
