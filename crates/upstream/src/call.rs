//! One background call to a provider, from a lease to an answer or a reason, with the retries that its policy allows.
//!
//! A refused token and a busy provider end the call at once: whether another lease may be tried, and when to go on, is the
//! credential machine's decision, and so is what the answer says about the token. The report of the last attempt becomes that
//! evidence.
//!
//! A request that is refused for one of our own parameters is sent once more at once, changed as the refusal asks.

use crate::amendment::Amendment;
use crate::authorize::authorize;
use crate::classify::classify;
use crate::dialect;
use crate::encoding::decoded;
use crate::excerpt::{excerpt_for, masked};
use crate::retry::{Failure, Policy};
use crate::transport::{Fault, HeaderMap, Method, Request, Transport, Uri, collect};
use actix_http::header::{HeaderName, HeaderValue};
use bytes::Bytes;
use domain::conversation::{Answered, Usage};
use domain::credential::Lease;
use domain::evidence::Class;
use domain::provider::Dialect;
use domain::purpose::Purpose;
use domain::time::{Moment, UnixMillis};
use std::fmt;
use tokio::time::{sleep, timeout};

/// The longest answer to a background call: 32 MiB, far beyond any output limit.
pub(crate) const LONGEST_ANSWER: usize = 32 << 20;

/// What to ask, and where.
#[derive(Clone)]
pub struct Call {
    /// What for.
    pub purpose: Purpose,
    /// The shape of body and answer.
    pub dialect: Dialect,
    /// The upstream's base URL: scheme, host, port, perhaps a path.
    pub base_url: String,
    /// Path and query below the base URL, beginning with `/`.
    pub target: String,
    /// Headers recorded from the session, such as `anthropic-beta`. Never a credential, never a user agent: a background call
    /// does not pose as the agent.
    pub headers: Vec<(String, String)>,
    /// The body, in the dialect's shape.
    pub body: Bytes,
}

impl fmt::Debug for Call {
    /// Without headers and body, which hold accounts and prompts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("purpose", &self.purpose)
            .field("dialect", &self.dialect)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEnd {
    /// The provider accepted the request and answered it to the end. Whether the answer is of any use is for whoever asked.
    Answered {
        /// What it said.
        answered: Answered,
        /// The HTTP status.
        status: u16,
    },
    /// It did not, even after all retries.
    Failed {
        /// What the last answer means. [`Class::UpstreamFault`] when there was none, or no whole one;
        /// [`Class::RequestRefused`] when the request was never sent because it or its lease does not fit.
        class: Class,
        /// The HTTP status of the last answer; 0 when there was none, or it was cut.
        status: u16,
        /// Why, safe to log.
        reason: String,
    },
}

/// A call that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallReport {
    /// What came of it.
    pub end: CallEnd,
    /// When its last attempt began.
    pub start: Moment,
    /// When its last attempt was understood.
    pub finish: Moment,
    /// How many requests were sent.
    pub attempts: u32,
    /// What all of them used together, as far as the provider counted: an answer that was cut, or held nothing, is paid for too.
    pub spent: Usage,
    /// What the model was found not to take, and was asked without.
    pub learned: Option<Amendment>,
    /// Whether it ended because its own time was over, and not by anything that the provider did.
    pub is_late: bool,
}

/// Makes the call and waits for its end, retries and the waits between them included; at most `policy.total` from now.
///
/// `now` reads both clocks, `jitter` gives chance from 0 to 1, and `on_attempt` hears the status of each attempt, 0 when it
/// brought no answer. Dropping the future abandons the call and closes its connection.
pub async fn call(
    transport: &dyn Transport,
    now: &dyn Fn() -> (Moment, UnixMillis),
    jitter: &mut dyn FnMut() -> f64,
    policy: &Policy,
    lease: &Lease,
    call: &Call,
    on_attempt: &mut dyn FnMut(u16),
) -> CallReport {
    let begin = now().0;
    let mut request = match prepared(call, lease) {
        Ok(request) => request,
        Err(reason) => return unsent(reason, begin),
    };
    let (mut attempts, mut retries, mut learned, mut spent) = (0, 0, None, Usage::default());
    loop {
        let start = now().0;
        let left = policy.total.saturating_sub(start.since(begin));
        let tried = timeout(left, attempt(transport, request.clone(), (call, lease), now)).await;
        let end = tried.unwrap_or(Err(Setback::OutOfTime));
        let finish = now().0;
        attempts += 1;
        spent = spent.plus(used(&end));
        on_attempt(end.as_ref().map_or_else(Setback::status, |accepted| accepted.status));
        if let Some(amendment) = asked_for(&end).filter(|_| learned.is_none()) {
            request.body = amendment.applied(&request.body);
            learned = Some(amendment.clone());
            continue;
        }
        let again =
            |setback: &Setback| policy.again(&setback.failure(), retries, finish.since(begin), jitter());
        match end.as_ref().err().and_then(again) {
            Some(wait) => sleep(wait).await,
            None => {
                let is_late = matches!(end, Err(Setback::OutOfTime));
                return CallReport { end: end.into(), start, finish, attempts, spent, learned, is_late };
            }
        }
        retries += 1;
    }
}

fn unsent(reason: String, now: Moment) -> CallReport {
    let end = CallEnd::Failed { class: Class::RequestRefused, status: 0, reason };
    let spent = Usage::default();
    CallReport { end, start: now, finish: now, attempts: 0, spent, learned: None, is_late: false }
}

fn used(end: &Result<Accepted, Setback>) -> Usage {
    match end {
        Ok(accepted) => accepted.answered.usage,
        Err(Setback::Answer { used, .. } | Setback::Empty(used)) => *used,
        Err(Setback::Fault(_) | Setback::OutOfTime) => Usage::default(),
    }
}

const fn asked_for(end: &Result<Accepted, Setback>) -> Option<&Amendment> {
    match end {
        Err(Setback::Answer { amendment, .. }) => amendment.as_ref(),
        _ => None,
    }
}

/// The request with its credential. What the session recorded goes before what the credential brings along, and that before
/// our defaults.
fn prepared(call: &Call, lease: &Lease) -> Result<Request, String> {
    if call.dialect.provider() != lease.upstream.provider() {
        return Err("the call speaks another provider's dialect than its credential".into());
    }
    let mut request = Request {
        method: Method::POST,
        uri: uri(call).ok_or("the upstream's address is not a URL")?,
        headers: headers(call).ok_or("a recorded header cannot be sent")?,
        body: call.body.clone(),
    };
    authorize(&mut request, lease).map_err(|wrong| wrong.to_string())?;
    for (name, value) in defaults(call.dialect) {
        if !request.headers.contains_key(*name) {
            request.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
    Ok(request)
}

fn uri(call: &Call) -> Option<Uri> {
    format!("{}{}", call.base_url.trim_end_matches('/'), call.target).parse().ok()
}

fn headers(call: &Call) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in &call.headers {
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
    }
    Some(headers)
}

pub(crate) const fn defaults(dialect: Dialect) -> &'static [(&'static str, &'static str)] {
    const JSON: (&str, &str) = ("content-type", "application/json");
    match dialect {
        Dialect::AnthropicMessages => &[JSON, ("anthropic-version", "2023-06-01")],
        Dialect::OpenAiChat | Dialect::OpenAiResponses => &[JSON],
    }
}

/// A whole answer to an accepted request.
struct Accepted {
    answered: Answered,
    status: u16,
}

/// Why an attempt brought none.
enum Setback {
    Answer {
        class: Class,
        status: u16,
        reason: String,
        amendment: Option<Amendment>,
        used: Usage,
    },
    Fault(Fault),
    /// A stream that ended before its last event, or no answer at all, though the provider may have counted.
    Empty(Usage),
    OutOfTime,
}

async fn attempt(
    transport: &dyn Transport,
    request: Request,
    (call, lease): (&Call, &Lease),
    now: &dyn Fn() -> (Moment, UnixMillis),
) -> Result<Accepted, Setback> {
    let answer = transport.send(request).await.map_err(Setback::Fault)?;
    let status = answer.status.as_u16();
    let body = match collect(answer.body, LONGEST_ANSWER).await {
        Ok(body) => body,
        Err(fault) if answer.status.is_success() => return Err(Setback::Fault(fault)),
        Err(_) => Bytes::new(), // The status of an error says enough without its words.
    };
    read((call, lease), status, &answer.headers, &body, now().1)
}

fn read(
    (call, lease): (&Call, &Lease),
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixMillis,
) -> Result<Accepted, Setback> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let plain = decoded(header("content-encoding"), body, LONGEST_ANSWER).unwrap_or_default();
    let class = classify(call.dialect.provider(), status, header, &plain, now);
    let is_success = matches!(status, 200..=299);
    let answered = if is_success { dialect::answered(call.dialect, &plain) } else { Answered::default() };
    let used = answered.usage;
    if class != Class::Ok {
        let refused = class == Class::RequestRefused && is_written_by_us(call.purpose);
        let amendment = refused.then(|| Amendment::asked_for(call.dialect, &call.body, &plain)).flatten();
        return Err(Setback::Answer {
            class,
            status,
            reason: reason(lease, status, &plain),
            amendment,
            used,
        });
    }
    if answered.stop.is_none() {
        return Err(Setback::Empty(used));
    }
    Ok(Accepted { answered, status })
}

/// A warm-up bears the client's bytes, which nobody changes: other bytes would warm another cache.
const fn is_written_by_us(purpose: Purpose) -> bool {
    !matches!(purpose, Purpose::Client | Purpose::Warm)
}

pub(crate) fn reason(lease: &Lease, status: u16, body: &[u8]) -> String {
    Some(excerpt_for(lease, body))
        .filter(|said| !said.is_empty())
        .unwrap_or_else(|| format!("status {status} without a word"))
}

impl Setback {
    const fn status(&self) -> u16 {
        match self {
            Self::Answer { status, .. } => *status,
            Self::Fault(_) | Self::Empty(_) | Self::OutOfTime => 0,
        }
    }

    const fn failure(&self) -> Failure<'_> {
        match self {
            Self::Answer { class, status, .. } => Failure::Answer { class: *class, status: *status },
            Self::Fault(fault) => Failure::Fault(fault),
            Self::Empty(_) => Failure::Fault(&Fault::Cut),
            Self::OutOfTime => Failure::OutOfTime,
        }
    }
}

impl From<Result<Accepted, Setback>> for CallEnd {
    fn from(end: Result<Accepted, Setback>) -> Self {
        let setback = match end {
            Ok(Accepted { answered, status }) => return Self::Answered { answered, status },
            Err(setback) => setback,
        };
        let status = setback.status();
        let (class, reason) = match setback {
            Setback::Answer { class, reason, .. } => (class, reason),
            Setback::Fault(fault) => (Class::UpstreamFault, masked(&fault.to_string())),
            Setback::Empty(_) => (Class::UpstreamFault, Fault::Cut.to_string()),
            Setback::OutOfTime => {
                (Class::UpstreamFault, "the call took too long, all attempts together".into())
            }
        };
        Self::Failed { class, status, reason }
    }
}
