//! The way to the real providers, made anew on each thread that needs one.

use domain::settings::Settings;
use std::rc::Rc;
use std::sync::Arc;
use upstream::transport::{HttpTransport, Limits, Roots, Trust, UnusableRoots};
use workers::TransportFactory;

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
    let open = if settings.upstream.http2 { HttpTransport::offering_http2 } else { HttpTransport::trusting };
    Ok(Arc::new(move || Rc::new(open(limits, trust.clone()))))
}
