//! The Sentry client, set up so that only what we mean to send can leave.
//!
//! No integrations, so it adds nothing of its own: no request bodies, no host name, no panic texts (they may quote a
//! conversation), no breadcrumbs. None of the environment variables that the library would read are read.

use crate::telemetry::boundary::{Boundary, Rule};
use domain::settings::SentrySettings;
use sentry::types::Dsn;
use sentry::{Client, ClientOptions, MaxRequestBodySize, Transport, TransportFactory, TransportOptions};
use std::sync::Arc;

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
        .before_breadcrumb(|_breadcrumb| None)
        .before_send(move |event| rule.event(event))
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
