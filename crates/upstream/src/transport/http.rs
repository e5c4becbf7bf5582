//! The transport. Over HTTP/1.1: awc above the guard, with our own limits in place of its own. Over HTTP/2, when that is
//! wanted and the provider has it: [`Http2`], under the same limits.
//!
//! Left as awc does it: it writes header names in lower case and in no particular order, and keeps idle connections (15 s
//! at most) until the next request to the same provider looks at them.

use std::{rc::Rc, time::Duration};

use actix_http::{
    error::ParseError,
    header::{self, HeaderMap},
};
use awc::{Client, ClientResponse, Connector, FrozenClientRequest, error::SendRequestError};
use bytes::Bytes;
use domain::proxy::Proxy;
use futures_core::future::LocalBoxFuture;
use tokio_rustls::TlsConnector;

use super::{
    Answer, Fault, Method, Phase, Request, Roots, Transport, UnusableRoots,
    body::{self, Progress, Watched, upload},
    clocks::Clocks,
    date,
    detour::Detour,
    dial::Dialer,
    guard::Stale,
    http2::Http2,
    route::Route,
    tls,
};

/// How often the runtime has to go round, after [`send`](Transport::send) was first polled, until a request over HTTP/2 has left by a
/// kept connection, as far as the provider has room for it: to look at the sockets, to send the head, and to send the body, for which
/// there is room only once the head has left. Over HTTP/1.1 a request leaves at once.
pub const ROUNDS_BEFORE_HTTP2: usize = 3;

/// How long the transport waits, in each phase, before it gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a connection: name lookup, TCP and TLS together. Default 10 s.
    pub connect: Duration,
    /// For the head of the answer, counted from the last piece of the request that went out; connecting is in it.
    /// Default 600 s: a provider may think that long.
    pub first_byte: Duration,
    /// For each next piece of the body, counted from when somebody waits for it. Default 600 s.
    pub between_bytes: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let patience = Duration::from_secs(600);
        Self { connect: Duration::from_secs(10), first_byte: patience, between_bytes: patience }
    }
}

/// How providers behind `https` are reached. Others are reached straight and in HTTP/1.1.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// In HTTP/2, where they have it.
    pub http2: bool,
    /// Through this proxy, unless they are on this machine.
    pub proxy: Option<Proxy>,
    /// Whom not through it; see [`is_excepted`](domain::proxy::is_excepted).
    pub no_proxy: Vec<String>,
}

/// The real way out. Not `Send`: make one on each thread that speaks to providers; each pools its own connections.
/// A clone shares the pool. Over HTTP/2 it works on an arbiter or in a `LocalSet`, for each connection is a task of its own.
#[derive(Clone)]
pub struct HttpTransport(Rc<Lines>);

/// The roots, read and ready: for the transports of all threads.
#[derive(Clone)]
pub struct Trust(TlsConnector);

impl Trust {
    /// Reads `roots`.
    ///
    /// # Errors
    /// When they hold something that is no certificate.
    pub fn new(roots: &Roots) -> Result<Self, UnusableRoots> {
        tls::connector(roots).map(Self)
    }
}

/// The two kinds of line to the outside. awc pools by authority alone, so that each kind needs a pool of its own.
struct Lines {
    limits: Limits,
    tls: TlsConnector,
    plain: Client,
    secure: Client,
    /// For `https`, when it is to be tried at all.
    http2: Option<Http2>,
    detour: Option<Detour>,
    clocks: Clocks,
}

impl HttpTransport {
    /// A transport with empty pools.
    ///
    /// # Errors
    /// When `roots` hold something that is no certificate.
    pub fn new(limits: Limits, roots: Roots) -> Result<Self, UnusableRoots> {
        Ok(Self::trusting(limits, Trust::new(&roots)?))
    }

    /// The same with roots that were read before: reading a system's takes milliseconds and a megabyte.
    #[must_use]
    pub fn trusting(limits: Limits, trust: Trust) -> Self {
        Self::reaching(limits, trust, Way::default())
    }

    /// The same, which speaks HTTP/2 to every provider behind `https` that has it, and HTTP/1.1 to all others.
    #[must_use]
    pub fn offering_http2(limits: Limits, trust: Trust) -> Self {
        Self::reaching(limits, trust, Way { http2: true, ..Way::default() })
    }

    /// The same, by this `way`.
    #[must_use]
    pub fn reaching(limits: Limits, Trust(tls): Trust, way: Way) -> Self {
        let detour = way.proxy.map(|proxy| Detour::new(proxy, way.no_proxy));
        let to_http2 = || Dialer::secure(tls::offering_http2(&tls), detour.clone());
        let http2 = way.http2.then(|| Http2::new(limits, to_http2()));
        let plain = client(limits, Dialer::plain());
        let secure = client(limits, Dialer::secure(tls.clone(), detour.clone()));
        Self(Rc::new(Lines { limits, tls, plain, secure, http2, detour, clocks: Clocks::default() }))
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        // Boxed, and the exchange pinned where it is: both are too large to be moved from one future into the next.
        let (lines, request) = (Rc::clone(&self.0), Box::new(request));
        Box::pin(async move {
            let late = Fault::TimedOut { phase: Phase::FirstByte };
            let progress = Progress::begun();
            let exchange = lines.exchange(request, &progress);
            progress.within(lines.limits.first_byte, exchange).await.unwrap_or(Err(late))
        })
    }
}

impl Lines {
    /// One exchange, in the best version of the protocol that both sides want.
    async fn exchange(&self, request: Box<Request>, progress: &Progress) -> Result<Answer, Fault> {
        let route = Route::of(&request)?;
        if let Some(http2) = self.http2.as_ref().filter(|_| route.secure) {
            look_at_sockets().await;
            // Boxed, as the second attempt below: who needs neither should hold no room for them.
            if let Some(answer) = Box::pin(http2.exchange(&route, &request, progress)).await? {
                return Ok(answer);
            }
        }
        self.exchange_in_http1(&route, request, progress).await.map_err(|error| Fault::from(&error))
    }

    /// On a second connection if the first turns out to have been gone.
    ///
    /// Asking again is safe because the guard calls a loss [`Stale`] only when not a byte of the request had gone out. A
    /// provider that closes just after that gets no second request: it may have read the first, and would bill both. The
    /// second connection is new, so there is no third.
    async fn exchange_in_http1(
        &self,
        route: &Route,
        request: Box<Request>,
        progress: &Progress,
    ) -> Result<Answer, SendRequestError> {
        let Request { method, headers: given, body, .. } = *request;
        let first = outgoing(self.kept(route), &method, route, headers(route, given))?;
        match self.attempt(&first, &body, progress).await {
            Err(error) if is_stale(&error) => {
                let again = outgoing(&self.fresh(route), &method, route, first.headers().clone())?;
                Box::pin(self.attempt(&again, &body, progress)).await
            }
            outcome => outcome,
        }
    }

    fn kept(&self, route: &Route) -> &Client {
        if route.secure { &self.secure } else { &self.plain }
    }

    /// A client with a pool of its own: it can reuse nothing, and what it opened is closed with its answer.
    fn fresh(&self, route: &Route) -> Client {
        let secure = || Dialer::secure(self.tls.clone(), self.detour.clone());
        client(self.limits, if route.secure { secure() } else { Dialer::plain() })
    }

    async fn attempt(
        &self,
        outgoing: &FrozenClientRequest,
        body: &Bytes,
        progress: &Progress,
    ) -> Result<Answer, SendRequestError> {
        let answer = if body.is_empty() && outgoing.get_method().is_safe() {
            // No body at all: a `content-length: 0` on a GET is not what the caller said.
            self.clocks.stopped_in(outgoing.send_body(actix_http::body::None::new())).await?
        } else {
            self.clocks.stopped_in(outgoing.send_body(upload(body.clone(), progress.clone()))).await?
        };
        Ok(received(answer, self.limits.between_bytes))
    }
}

/// Lets the runtime look at its sockets: an end that has arrived on a kept connection is then seen before it is used.
async fn look_at_sockets() {
    tokio::task::yield_now().await;
}

/// A client's answer as ours, with its very headers: a map of them is worth not to be copied.
fn received(answer: ClientResponse, between_bytes: Duration) -> Answer {
    let (status, mut headers) = (answer.status(), HeaderMap::new());
    let answer = answer.map_body(|head, payload| {
        headers = std::mem::take(&mut head.headers);
        payload
    });
    Answer { status, headers, body: body::of(status, Watched::new(answer, between_bytes)) }
}

fn client(limits: Limits, dialer: Dialer) -> Client {
    // Zero is "no limit": awc would let the 101st stream wait without a word, and bulkheads are the caller's.
    let connector = Connector::new().connector(dialer).limit(0).timeout(limits.connect);
    Client::builder().connector(connector).disable_timeout().disable_redirects().finish()
}

/// A request that can be sent more than once, its headers copied for none of them.
fn outgoing(
    client: &Client,
    method: &Method,
    route: &Route,
    headers: HeaderMap,
) -> Result<FrozenClientRequest, SendRequestError> {
    let mut outgoing = client.request(method.clone(), route.uri.clone()).no_decompress();
    *outgoing.headers_mut() = headers;
    Ok(outgoing.freeze()?)
}

fn is_stale(error: &SendRequestError) -> bool {
    let (SendRequestError::Send(error) | SendRequestError::Response(ParseError::Io(error))) = error else {
        return false;
    };
    error.get_ref().is_some_and(|inner| inner.is::<Stale>())
}

/// The caller's headers, less the one that would make awc wait for a `100` that the guard swallows, with a mark that
/// keeps awc from adding a date, and with a `host`: awc's own guess goes by the port and not by the scheme.
fn headers(route: &Route, mut headers: HeaderMap) -> HeaderMap {
    headers.remove(header::EXPECT);
    let said = headers.insert(header::DATE, date::MARK);
    said.for_each(|said| headers.append(header::DATE, said));
    if !headers.contains_key(header::HOST) {
        headers.insert(header::HOST, route.host.clone());
    }
    headers
}

#[cfg(test)]
mod tests {
    use actix_http::{Uri, header::HeaderValue};

    use super::*;

    #[test]
    fn a_host_is_added_unless_one_is_given_and_an_expectation_is_dropped() {
        let request = Request {
            method: super::super::Method::GET,
            uri: Uri::from_static("https://provider.example/v1"),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        let route = Route::of(&request).unwrap();
        let mut given = HeaderMap::new();
        given.insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        let sent = headers(&route, given.clone());
        assert_eq!(sent.get(header::HOST).unwrap(), "provider.example");
        assert!(!sent.contains_key(header::EXPECT));
        given.insert(header::HOST, HeaderValue::from_static("other.example"));
        assert_eq!(headers(&route, given).get_all(header::HOST).collect::<Vec<_>>(), ["other.example"]);
    }
}
