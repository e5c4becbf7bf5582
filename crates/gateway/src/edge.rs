//! What the request path has in hand: one for the whole gateway, shared by all of its threads.

use crate::error::Refusal;
use crate::guard::Guard;
use crate::reserve::Reserve;
use crate::route::Route;
use crate::session::Registry;
use crate::stay::Bulkhead;
use crate::telemetry::Metrics;
use bytes::Bytes;
use domain::fingerprint::Fingerprinter;
use domain::ids::Principal;
use domain::provider::{Provider, UpstreamKey};
use domain::settings::{RelaySettings, Settings};
use domain::time::{Moment, UnixMillis};
use futures_util::FutureExt as _;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use store::StoreError;
use tokio::sync::oneshot;
use upstream::transport::{Fault, HeaderMap, Method, ROUNDS_BEFORE_HTTP2, Request, Uri};
use workers::{House, TransportFactory, base_url, upstream_key};

/// The owner of everything that comes in with the access token.
const TOKEN_HOLDER: &str = "remote";

/// What an [`Edge`] is made of.
#[derive(Clone)]
pub struct EdgeParts {
    /// The settings; `listen` with the port that is really listened on does no harm, but is not needed.
    pub settings: Arc<Settings>,
    /// The actors.
    pub house: House,
    /// Who counts.
    pub metrics: Arc<Metrics>,
    /// The way to the providers; called once on each thread that relays.
    pub transport: TransportFactory,
    /// Names tokens; the house's own.
    pub fingerprinter: Fingerprinter,
    /// Of the names of new sessions.
    pub seed: u64,
}

/// All bodies together may hold as much as so many of the largest.
const BODIES: usize = 8;

/// The request path's view of the gateway.
pub struct Edge {
    pub(crate) guard: Arc<Guard>,
    pub(crate) principal: Principal,
    pub(crate) house: House,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) transport: TransportFactory,
    pub(crate) fingerprinter: Fingerprinter,
    pub(crate) sessions: Registry,
    pub(crate) relay: RelaySettings,
    /// How often the runtime goes round before a request has left, when a connection is there.
    pub(crate) rounds_before_it_left: usize,
    pub(crate) bulkhead: Bulkhead,
    pub(crate) reserve: Reserve,
    anthropic: Upstream,
    openai: Upstream,
    /// Gone with the edge, which is how others learn of that.
    _presence: Option<oneshot::Sender<Infallible>>,
}

/// A base URL is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "upstream.{provider} is \"{url}\", which is no base URL. Write scheme, host and, if need be, port and path, as in \
     https://api.example.com"
)]
pub struct InvalidUpstream {
    /// Whose.
    pub provider: Provider,
    /// What it says.
    pub url: String,
}

/// Where a provider is.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    base: String,
    key: UpstreamKey,
}

/// Who owns what a gateway records that listens there: whoever needs the access token may be somebody else.
#[must_use]
pub fn recorded_for(listen: SocketAddr) -> Principal {
    if listen.ip().to_canonical().is_loopback() { Principal::local() } else { Principal::from(TOKEN_HOLDER) }
}

impl Edge {
    /// Who owns what is recorded.
    pub(crate) fn owner(&self) -> Principal {
        self.principal.clone()
    }

    /// An edge that knows no session yet, see [`recall`](Self::recall).
    ///
    /// # Errors
    /// When a provider's base URL is none.
    pub fn new(parts: EdgeParts) -> Result<Self, InvalidUpstream> {
        let settings = &parts.settings;
        let guard = Guard::new(settings.listen, settings.access_token.as_ref());
        let principal = recorded_for(settings.listen);
        Ok(Self {
            guard: Arc::new(guard),
            principal,
            relay: settings.relay.clone(),
            rounds_before_it_left: if settings.upstream.http2 { ROUNDS_BEFORE_HTTP2 } else { 0 },
            bulkhead: Bulkhead::of(settings.relay.max_requests),
            reserve: Reserve::of(BODIES, settings.relay.max_body),
            anthropic: Upstream::of(settings, Provider::Anthropic)?,
            openai: Upstream::of(settings, Provider::OpenAi)?,
            sessions: Registry::from_seed(parts.seed),
            house: parts.house,
            metrics: parts.metrics,
            transport: parts.transport,
            fingerprinter: parts.fingerprinter,
            _presence: None,
        })
    }

    /// The same edge, and what resolves once nobody holds it any more: no request, and none that still has to be examined.
    pub(crate) fn with_its_end(self) -> (Self, impl Future<Output = ()>) {
        let (presence, end) = oneshot::channel();
        (Self { _presence: Some(presence), ..self }, end.map(drop))
    }

    /// The same edge with another owner of all that comes in by it: where one house has several owners, each has an edge.
    #[must_use]
    pub fn owned_by(self, principal: Principal) -> Self {
        Self { principal, ..self }
    }

    /// Takes in what the store knows of sessions, so that conversations go on where they were before a restart.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn recall(&self) -> Result<(), StoreError> {
        let heads = self.house.desk.read(|store| store.heads()).await?;
        self.sessions.recall(&heads);
        Ok(())
    }

    /// Where `provider` is.
    pub(crate) fn upstream(&self, provider: Provider) -> &Upstream {
        match provider {
            Provider::Anthropic => &self.anthropic,
            Provider::OpenAi => &self.openai,
        }
    }

    /// Now, to measure and to order.
    pub(crate) fn now(&self) -> Moment {
        Moment::from(self.house.environment.clock.now())
    }

    /// When a calendar time will be on the clock that orders; now, for one that has passed. Somebody may set the calendar
    /// meanwhile, so it is an estimate.
    pub(crate) fn moment_of(&self, calendar: UnixMillis) -> Moment {
        let ahead = calendar.0.saturating_sub(self.today().0);
        self.now().after(Duration::from_millis(u64::try_from(ahead).unwrap_or_default()))
    }

    /// Now, to keep and to show.
    pub(crate) fn today(&self) -> UnixMillis {
        UnixMillis::from(self.house.environment.clock.unix())
    }
}

impl Upstream {
    fn of(settings: &Settings, provider: Provider) -> Result<Self, InvalidUpstream> {
        let base = base_url(settings, provider).to_owned();
        let key = upstream_key(settings, provider)
            .ok_or_else(|| InvalidUpstream { provider, url: base.clone() })?;
        Ok(Self { base, key })
    }

    /// Where credentials for it may go.
    pub(crate) fn key(&self) -> &UpstreamKey {
        &self.key
    }

    /// A client's request as it goes out.
    ///
    /// # Errors
    /// When the target cannot stand in a URL.
    pub(crate) fn request(
        &self,
        method: &Method,
        route: &Route,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Request, Refusal> {
        let uri = Uri::try_from([&*self.base, &*route.target].concat()).map_err(|_| {
            let fault = Fault::Unsendable("its path cannot stand in a URL");
            Refusal::of_fault(&fault, route.provider, self.key.origin())
        })?;
        Ok(Request { method: method.clone(), uri, headers, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_put_behind_the_base_url_with_its_path() {
        let mut settings = Settings::with_data_dir("unused".into());
        settings.upstream.anthropic = "http://h.example/prefix/".into();
        let upstream = Upstream::of(&settings, Provider::Anthropic).unwrap();
        let route =
            |target: &str| Route { provider: Provider::Anthropic, target: target.into(), dialect: None };
        let uri = |target| {
            let request = upstream.request(&Method::GET, &route(target), HeaderMap::new(), Bytes::new());
            request.map(|request| request.uri.to_string()).map_err(|refusal| refusal.code)
        };
        assert_eq!(uri("/v1/a%2Fb?x=%20").unwrap(), "http://h.example/prefix/v1/a%2Fb?x=%20");
        assert_eq!(uri("/v1/with blank"), Err("unsendable"));
    }
}
