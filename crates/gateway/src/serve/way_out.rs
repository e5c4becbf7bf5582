//! The way to the real providers, made anew on each thread that needs one.

use domain::settings::RelaySettings;
use futures_core::future::LocalBoxFuture;
use std::rc::Rc;
use std::sync::Arc;
use upstream::transport::{Answer, Fault, HttpTransport, Limits, Request, Roots, Transport, UnusableRoots};
use workers::TransportFactory;

/// Makes ways out with these limits.
///
/// # Errors
/// When no provider could be trusted; better told at the start than by every request.
pub(super) fn way_out(relay: &RelaySettings) -> Result<TransportFactory, UnusableRoots> {
    let limits = Limits {
        connect: relay.connect_timeout,
        first_byte: relay.first_byte_timeout,
        between_bytes: relay.idle_timeout,
    };
    drop(HttpTransport::new(limits, Roots::System)?);
    Ok(Arc::new(move || match HttpTransport::new(limits, Roots::System) {
        Ok(transport) => Rc::new(transport),
        Err(error) => Rc::new(NoWay(error.to_string())),
    }))
}

/// Stands in on a thread that came up when the system's roots had become unusable.
struct NoWay(String);

impl Transport for NoWay {
    fn send(&self, _: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        let fault = Fault::Untrusted(self.0.clone());
        Box::pin(async { Err(fault) })
    }
}
