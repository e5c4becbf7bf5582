//! The Sentry client, set up so that only what we mean to send can leave.
//!
//! No integrations, so it adds nothing of its own: no request bodies, no host name, no panic texts (they may quote a
//! conversation), no breadcrumbs. None of the environment variables that the library would read are read.

use crate::telemetry::boundary::{Boundary, Rule};
use domain::settings::SentrySettings;
use sentry::transports::UreqHttpTransportOptions;
use sentry::types::Dsn;
use sentry::{Client, ClientOptions, MaxRequestBodySize, Transport, TransportFactory, TransportOptions};
use std::sync::Arc;
use std::time::Duration;

/// How long one alert may take on its way. The library sets no limit: an endpoint that took a request and never answered
/// would hold back every alert after it, for ever.
const SENT_WITHIN: Duration = Duration::from_secs(10);
/// How many alerts may wait to be sent. One more is dropped and stands in the log alone; the next one that goes out carries
/// the library's count of what was dropped.
pub(crate) const WAITING: usize = 30;

/// The DSN in the settings is none. It is a secret, so it is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sentry.dsn is not a DSN: copy it from the project's settings in Sentry (https://KEY@HOST/PROJECT)")]
pub struct InvalidDsn;

/// A client for these settings, or none without a DSN.
pub(crate) fn client(
    settings: &SentrySettings,
    transport: Arc<dyn TransportFactory>,
) -> Result<Option<Client>, InvalidDsn> {
    let Some(dsn) = &settings.dsn else { return Ok(None) };
    let dsn: Dsn = dsn.reveal().parse().map_err(|_fault| InvalidDsn)?;
    let rule = Rule::new(&settings.fingerprint_prefix);
    let mut options = options(settings, rule.clone()).transport(Guarded { transport, rule });
    options.dsn = Some(dsn);
    Ok(Some(Client::from(options)))
}

fn options(settings: &SentrySettings, rule: Rule) -> ClientOptions {
    ClientOptions::new()
        .release(concat!("stillroom@", env!("CARGO_PKG_VERSION")))
        .environment(settings.environment.clone())
        .default_integrations(false)
        .send_default_pii(false)
        .max_request_body_size(MaxRequestBodySize::None)
        .max_breadcrumbs(0)
        .transport_channel_capacity(WAITING)
        .before_breadcrumb(|_breadcrumb| None)
        .before_send(move |event| rule.event(event))
}

/// Over HTTP, on a thread of its own, and each alert for a limited time only.
pub(crate) struct Http {
    within: Duration,
}

impl Http {
    /// One whose alerts are given up after so long.
    pub(crate) fn within(within: Duration) -> Self {
        Self { within }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self::within(SENT_WITHIN)
    }
}

impl TransportFactory for Http {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        // No proxy: the environment's would be read here.
        let agent = ureq::Agent::config_builder().timeout_global(Some(self.within)).proxy(None).build();
        Arc::new(UreqHttpTransportOptions::from(options).with_agent(agent.new_agent()).build())
    }
}

/// Puts the boundary before whatever way out it is given.
struct Guarded {
    transport: Arc<dyn TransportFactory>,
    rule: Rule,
}

impl TransportFactory for Guarded {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        let outside = self.transport.create_transport_with_options(options);
        Arc::new(Boundary::new(outside, self.rule.clone()))
    }
}
