//! The provider as a network in memory: whoever sends through it reaches the provider, in whatever time tokio's clock keeps.

use super::{
    Provider,
    exchange::{Exchange, Plan, Step},
};
use actor::Clock;
use bytes::Bytes;
use futures_core::future::LocalBoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, future, stream};
use http::header::{HeaderName, HeaderValue};
use tokio::time::sleep;
use upstream::transport::{Answer, Body, Fault, HeaderMap, Method, Request, StatusCode, Transport, Uri};

/// A [`Transport`] that leads to one provider, whatever host is asked.
#[derive(Debug, Clone)]
pub struct Network {
    provider: Provider,
    clock: Clock,
}

impl Network {
    /// Leads to `provider`, and tells it the time by `clock`.
    #[must_use]
    pub fn new(provider: Provider, clock: Clock) -> Self {
        Self { provider, clock }
    }
}

impl Transport for Network {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        let (provider, clock) = (self.provider.clone(), self.clock);
        async move { play(provider.answer(&Exchange::from(&request), clock.now())).await }.boxed_local()
    }
}

async fn play(plan: Plan) -> Result<Answer, Fault> {
    let unreadable = || Fault::Protocol("malformed head");
    let status = StatusCode::from_u16(plan.status).map_err(|_| unreadable())?;
    let headers = headers(&plan.headers).ok_or_else(unreadable)?;
    let (before, steps) = plan.begin();
    sleep(before).await;
    Ok(Answer { status, headers, body: body(steps) })
}

/// One error, and then nothing more: as the real client has it.
fn body(steps: Vec<Step>) -> Body {
    let steps = stream::iter(steps).then(perform).filter_map(future::ready);
    let whole_until_fault = steps.scan(false, |failed, piece| {
        let ended = std::mem::replace(failed, piece.is_err());
        future::ready((!ended).then_some(piece))
    });
    whole_until_fault.boxed_local()
}

async fn perform(step: Step) -> Option<Result<Bytes, Fault>> {
    match step {
        Step::Wait(span) => {
            sleep(span).await;
            None
        }
        Step::Bytes(bytes) => Some(Ok(bytes)),
        Step::Cut => Some(Err(Fault::Cut)),
        Step::Stall => future::pending().await,
    }
}

fn headers(pairs: &[(String, String)]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    Some(headers)
}

impl From<&Request> for Exchange {
    /// The host stands among the headers, as on the wire. A header whose value is no text is left out: no provider reads one.
    fn from(request: &Request) -> Self {
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.to_string(), value.to_str().ok()?.to_owned()))
        };
        let host = request.uri.authority().map(|host| ("host".to_owned(), host.to_string()));
        Self {
            method: request.method.to_string(),
            target: request.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            headers: host.into_iter().chain(request.headers.iter().filter_map(text)).collect(),
            body: request.body.clone(),
        }
    }
}

impl Exchange {
    /// The request that it is at `base_url`; none when method, address or a header cannot be sent.
    #[must_use]
    pub fn at(&self, base_url: &str) -> Option<Request> {
        Some(Request {
            method: Method::from_bytes(self.method.as_bytes()).ok()?,
            uri: Uri::try_from(format!("{}{}", base_url.trim_end_matches('/'), self.target)).ok()?,
            headers: headers(&self.headers)?,
            body: self.body.clone(),
        })
    }
}
