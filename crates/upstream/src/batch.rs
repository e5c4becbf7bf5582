//! A provider's batch endpoint: work that nobody waits for, done within a day at half the price.
//!
//! Anthropic takes the calls in the request itself; OpenAI wants them in a file that is uploaded first, and has the results
//! in files, too. Each request to either is one [`Step`].
//!
//! Results are read from below our own base URL, never from the address that the provider names: a credential goes only to its
//! upstream.

mod anthropic;
mod openai;
#[cfg(test)]
mod tests;

pub use openai::file;

use crate::authorize::authorize;
use crate::call::{LONGEST_ANSWER, defaults, reason};
use crate::classify::classify;
use crate::encoding::decoded;
use crate::excerpt::masked;
use crate::transport::{Answer, HeaderMap, Method, Request, Transport, collect};
use actix_http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use bytes::Bytes;
use domain::conversation::Answered;
use domain::credential::Lease;
use domain::evidence::Class;
use domain::ids::{BatchId, BatchMark, FileId};
use domain::provider::{Dialect, Provider};
use domain::time::{Moment, UnixMillis};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout;

/// The share of the list price that work in a batch costs (Anthropic's and OpenAI's pricing pages: half, input and output
/// alike).
pub const PRICE: f64 = 0.5;

/// So many batches are asked for at once: one page of the list, and never a second.
const PAGE: usize = 100;

/// One request to the batch endpoint.
#[derive(Debug, Clone)]
pub enum Step {
    /// Hand these background calls in, under this mark. Anthropic only.
    Submit(BatchMark, Vec<Bytes>),
    /// Put these background calls into a file, under this mark. OpenAI only.
    Upload(Dialect, BatchMark, Vec<Bytes>),
    /// Have the calls in a file done, under this mark. OpenAI only.
    Begin(Dialect, BatchMark, FileId),
    /// See which batches there are, the newest first.
    List,
    /// See how far it is.
    Look(BatchId),
    /// Fetch what came of it. Anthropic only.
    Results(BatchId),
    /// Fetch what stands in a file. OpenAI only.
    Read(FileId),
    /// Have no more of it done.
    Cancel(BatchId),
    /// Let a file go. OpenAI only.
    Delete(FileId),
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
    /// Whether nothing more comes of it.
    pub ended: bool,
    /// The file that its calls were uploaded in; none at Anthropic.
    pub calls: Option<FileId>,
    /// The files that hold its results; none at Anthropic, which has them in one place of their own.
    pub results: Vec<FileId>,
    /// Why it came to nothing as a whole, safe to log.
    pub why: Option<String>,
}

/// Which batches an account has, as far as one page goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The newest first.
    pub batches: Vec<Listed>,
    /// Whether there are older ones.
    pub more: bool,
}

/// A batch in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The provider's name for it.
    pub id: BatchId,
    /// When it was made, by the provider's clock.
    pub made: UnixMillis,
    /// Under which mark; none at Anthropic, which keeps it with the calls only, and for those of others.
    pub mark: Option<BatchMark>,
    /// How many calls it has; none at OpenAI, which has not counted them yet, and where that cannot be read.
    pub calls: Option<u64>,
    /// Whether nothing more comes of it.
    pub ended: bool,
}

/// What became of the calls of a batch, by their places in it: the answer, or what there is instead, safe to log. In whatever
/// order the provider tells them, and not of every call.
pub type Results = BTreeMap<usize, Result<Answered, String>>;

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
        Ok(request) => timeout(within, exchange(transport, request, lease, now)).await,
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
    lease: &Lease,
    now: &dyn Fn() -> (Moment, UnixMillis),
) -> Heard {
    let answer = match transport.send(request).await {
        Ok(answer) => answer,
        Err(fault) => return Heard::nothing(masked(&fault.to_string())),
    };
    let Answer { status, headers, body } = answer;
    match collect(body, LONGEST_ANSWER).await {
        Err(fault) if status.is_success() => Heard::nothing(masked(&fault.to_string())),
        body => read(lease, status.as_u16(), &headers, &body.unwrap_or_default(), now().1),
    }
}

/// What an accepted answer holds is about the work, not about the token, so its status alone classifies it: the results of a
/// batch may well be errors.
fn read(lease: &Lease, status: u16, headers: &HeaderMap, body: &[u8], now: UnixMillis) -> Heard {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let body = decoded(header("content-encoding"), body, LONGEST_ANSWER).unwrap_or_default();
    let accepted = matches!(status, 200..=299);
    let telling: &[u8] = if accepted { &[] } else { &body };
    let class = classify(lease.upstream.provider(), status, header, telling, now);
    let why = if accepted { String::new() } else { reason(lease, status, &body) };
    Heard { class, status, body: body.into_owned().into(), why }
}

/// A step in its provider's shape.
struct Shape {
    method: Method,
    target: String,
    content_type: &'static str,
    body: Bytes,
}

impl Shape {
    fn bare(method: Method, target: String) -> Self {
        Self::json(method, target, Bytes::new())
    }

    fn json(method: Method, target: String, body: impl Into<Bytes>) -> Self {
        Self { method, target, content_type: "application/json", body: body.into() }
    }
}

fn prepared(base_url: &str, step: &Step, lease: &Lease) -> Result<Request, String> {
    let (shape, dialect) = match lease.upstream.provider() {
        Provider::Anthropic => (anthropic::shape(step), Dialect::AnthropicMessages),
        Provider::OpenAi => (openai::shape(step), Dialect::OpenAiChat),
    };
    let Shape { method, target, content_type, body } = shape?;
    let uri = format!("{}{target}", base_url.trim_end_matches('/')).parse();
    let uri = uri.map_err(|_| "the upstream's address is not a URL".to_owned())?;
    let mut request = Request { method, uri, headers: HeaderMap::new(), body };
    authorize(&mut request, lease).map_err(|wrong| wrong.to_string())?;
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in defaults(dialect) {
        if !request.headers.contains_key(*name) {
            request.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
    Ok(request)
}

/// Reads how far a batch is; none when the answer is about no batch: a proxy or a local server may answer anything.
#[must_use]
pub fn batch(provider: Provider, body: &[u8]) -> Option<Batch> {
    match provider {
        Provider::Anthropic => anthropic::batch(body),
        Provider::OpenAi => openai::batch(body),
    }
}

/// Reads which batches there are; none when the answer is no list. What has no plain name or no time is not listed, and keeps no
/// other from being listed.
#[must_use]
pub fn list(provider: Provider, body: &[u8]) -> Option<List> {
    match provider {
        Provider::Anthropic => anthropic::list(body),
        Provider::OpenAi => openai::list(body),
    }
}

/// A page of a list, each entry read by itself; none when not one of them is a batch.
fn page<One: DeserializeOwned>(body: &[u8], listed: impl Fn(One) -> Option<Listed>) -> Option<List> {
    #[derive(Deserialize)]
    struct Told {
        data: Vec<Value>,
        #[serde(default)]
        has_more: bool,
    }
    let Told { data, has_more } = serde_json::from_slice(body).ok()?;
    let some = !data.is_empty();
    let read: Vec<One> = data.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect();
    if some && read.is_empty() {
        return None;
    }
    Some(List { batches: read.into_iter().filter_map(listed).collect(), more: has_more })
}

/// Whether these results are of calls that were handed in under `mark`.
#[must_use]
pub fn is_marked(dialect: Dialect, body: &[u8], mark: &BatchMark) -> bool {
    let ours = |name: &str| name.strip_prefix(mark.as_str()).is_some_and(|rest| rest.starts_with('-'));
    named_results(dialect, body).any(|(name, _)| ours(&name))
}

/// Reads the answers in the results of the batch that was handed in under `mark`. Results with another name are nobody's, and of two
/// with one name the first counts.
#[must_use]
pub fn results(dialect: Dialect, body: &[u8], mark: &BatchMark) -> Results {
    let mut results = Results::new();
    for (name, result) in named_results(dialect, body) {
        if let Some(place) = place(&name, mark) {
            results.entry(place).or_insert(result);
        }
    }
    results
}

fn named_results(dialect: Dialect, body: &[u8]) -> impl Iterator<Item = (String, Result<Answered, String>)> {
    body.split(|byte| *byte == b'\n').filter_map(move |line| match dialect {
        Dialect::AnthropicMessages => anthropic::result(line),
        Dialect::OpenAiChat | Dialect::OpenAiResponses => openai::result(dialect, line),
    })
}

/// The name of a call: the mark of its batch, and its place in it. At most 64 letters, digits, dashes and underscores
/// (Anthropic's rule for a `custom_id`).
fn named(mark: &BatchMark, place: usize) -> String {
    format!("{mark}-{place}")
}

/// Where a call stands in the batch with this mark; none when it is not one of its calls.
fn place(name: &str, mark: &BatchMark) -> Option<usize> {
    let place = name.rsplit_once('-')?.1.parse().ok()?;
    (named(mark, place) == name).then_some(place)
}

fn no_json(_: serde_json::Error) -> String {
    "the call is no JSON".to_owned()
}

fn not_offered() -> String {
    "the batch speaks another provider's dialect than its credential".to_owned()
}
