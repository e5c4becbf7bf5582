//! Raises the alarm: one log line, and one Sentry event where Sentry is set up.
//!
//! This is the only way to Sentry. The credential machine raises one alert an episode, so nothing here counts or limits.

use crate::telemetry::sentry::{self, Http, InvalidDsn};
use ::sentry::protocol::{Event, Map, Value};
use ::sentry::{Client, TransportFactory};
use domain::settings::SentrySettings;
use machines::credential::Alert;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use workers::Alarm;

/// What an alert says first, in Sentry and in the log.
pub(crate) const MESSAGE: &str = "Worker upstream auth error";
/// The part of every alert's fingerprint that names its kind.
pub(crate) const KIND: &str = "worker-auth-error";
/// The tags of an alert; no other leaves.
pub(crate) const TAGS: [&str; 2] = ["provider", "status"];
/// What an alert says besides; nothing else leaves.
pub(crate) const EXTRAS: [&str; 7] =
    ["status", "provider", "model", "purpose", "token", "session", "another_available"];

/// See the module. It has a client of its own and needs no hub: a hub is what binds a client to a thread and its tasks, so
/// that code which knows nothing of the client can capture through it. Here one caller holds the client itself, whatever
/// thread the actor lives on, and nobody else can send through it.
pub struct SentryAlarm {
    client: Option<Arc<Client>>,
    prefix: String,
}

impl SentryAlarm {
    /// The alarm that the settings ask for; without a DSN it only writes to the log.
    ///
    /// # Errors
    /// [`InvalidDsn`] when the DSN is none.
    pub fn start(settings: &SentrySettings) -> Result<Self, InvalidDsn> {
        Self::start_through(settings, Arc::new(Http::default()))
    }

    /// The same with another way out than HTTP. The boundary that filters and scrubs stands before this one too.
    ///
    /// # Errors
    /// [`InvalidDsn`] when the DSN is none.
    pub fn start_through(
        settings: &SentrySettings,
        transport: Arc<dyn TransportFactory>,
    ) -> Result<Self, InvalidDsn> {
        let client = sentry::client(settings, transport)?;
        Ok(Self { client: client.map(Arc::new), prefix: settings.fingerprint_prefix.clone() })
    }

    /// Sends what is not sent yet, for at most `within`. Blocks the thread; nothing is sent afterwards.
    pub fn close(&self, within: Duration) {
        let Some(client) = self.client.clone() else { return };
        let (closed, closing) = channel();
        // Beside this thread: the library waits for a sending under way, however long that takes.
        thread::spawn(move || closed.send(client.close(Some(within))));
        if closing.recv_timeout(within) != Ok(true) {
            tracing::warn!("some alerts did not reach Sentry in time; each of them stands in this log");
        }
    }

    /// For the tests of the boundary: what other code would send through the same client.
    #[cfg(test)]
    pub(crate) fn client(&self) -> &Client {
        self.client.as_ref().expect("started with a DSN")
    }
}

impl Alarm for SentryAlarm {
    fn raise(&self, alert: &Alert) {
        tracing::error!(
            status = alert.status,
            provider = %alert.provider,
            model = ?alert.model,
            purpose = %alert.purpose,
            token = %alert.token,
            session = alert.session.prefix(),
            another_available = alert.another_available,
            "{MESSAGE}: background work that needs this token waits for a fresh one"
        );
        if let Some(client) = &self.client {
            client.capture_event(event(alert, &self.prefix), None);
        }
    }
}

/// Text without a token in it, and none of the session's content.
fn event(alert: &Alert, prefix: &str) -> Event<'static> {
    let status = alert.status.to_string();
    let fingerprint = [prefix.to_owned(), KIND.to_owned(), status.clone()];
    let tags = [("provider".to_owned(), alert.provider.to_string()), ("status".to_owned(), status)];
    Event {
        message: Some(MESSAGE.to_owned()),
        fingerprint: Cow::Owned(fingerprint.into_iter().map(Cow::Owned).collect()),
        tags: Map::from(tags),
        extra: extras(alert),
        ..Event::default()
    }
}

fn extras(alert: &Alert) -> Map<String, Value> {
    let extras = [
        ("status", Value::from(alert.status)),
        ("provider", Value::from(alert.provider.as_str())),
        ("model", Value::from(alert.model.as_str())),
        ("purpose", Value::from(alert.purpose.as_str())),
        ("token", Value::from(alert.token.to_string())),
        ("session", Value::from(alert.session.prefix())),
        ("another_available", Value::from(alert.another_available)),
    ];
    extras.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
