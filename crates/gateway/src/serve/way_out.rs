//! The way to the real providers, made anew on each thread that needs one.

use bytes::Bytes;
use domain::provider::Provider;
use domain::settings::Settings;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use upstream::transport::{
    HeaderMap, HttpTransport, Limits, Method, Request, Roots, Transport as _, Trust, UnusableRoots, Way,
};
use workers::{TransportFactory, base_url};

/// How long a provider may take for a sign of life.
const SIGN_WITHIN: Duration = Duration::from_secs(5);

/// Asks `provider` for a sign of life, without any credential, on the very way that requests take: the status that it answers
/// with, whatever that is.
///
/// # Errors
/// Why there was none, for people.
pub async fn reach(settings: &Settings, provider: Provider) -> Result<u16, String> {
    let transport = way_out(settings).map_err(|cause| cause.to_string())?();
    let uri = base_url(settings, provider).parse().map_err(|_| "the address is not a URL".to_owned())?;
    let request = Request { method: Method::HEAD, uri, headers: HeaderMap::new(), body: Bytes::new() };
    match tokio::time::timeout(SIGN_WITHIN, transport.send(request)).await {
        Ok(Ok(answer)) => Ok(answer.status.as_u16()),
        Ok(Err(fault)) => Err(fault.to_string()),
        Err(_elapsed) => Err(format!("nothing was answered within {} s", SIGN_WITHIN.as_secs())),
    }
}

/// Makes ways out as `settings` want them. The system's roots are read once, for all of them.
///
/// # Errors
/// When no provider could be trusted; better told at the start than by every request.
pub(super) fn way_out(settings: &Settings) -> Result<TransportFactory, UnusableRoots> {
    let relay = &settings.relay;
    let limits = Limits {
        connect: relay.connect_timeout,
        first_byte: relay.first_byte_timeout,
        between_bytes: relay.idle_timeout,
    };
    let trust = Trust::new(&Roots::System)?;
    let upstream = &settings.upstream;
    let way =
        Way { http2: upstream.http2, proxy: upstream.proxy.clone(), no_proxy: upstream.no_proxy.clone() };
    Ok(Arc::new(move || Rc::new(HttpTransport::reaching(limits, trust.clone(), way.clone()))))
}
