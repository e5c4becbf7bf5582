//! The last boundary before Sentry: what may pass, and in what shape.
//!
//! Twice the same [`Rule`]: in the client, before it sends, and around the transport, for whatever came by another way. An
//! alert of ours is known by its fingerprint. Anything else that speaks of the same error is a copy (a log line that some
//! layer made an event of, an error that was reported a second time) and is dropped: it would be a second alert for one
//! episode. What passes is scrubbed.

use crate::telemetry::alarm::{KIND, MESSAGE};
use crate::telemetry::scrub::scrub_value;
use sentry::protocol::{EnvelopeItem, Event, ItemContainer, Log, Values};
use sentry::{Envelope, Transport};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// What may pass.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    prefix: Arc<str>,
}

impl Rule {
    /// The rule for a gateway whose fingerprints begin with `prefix`.
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: Arc::from(prefix) }
    }

    /// The event as it may leave, if it may.
    pub(crate) fn event(&self, event: Event<'static>) -> Option<Event<'static>> {
        let passes = self.is_ours(&event) || !mentions(&event);
        passes.then(|| clean(&bare(event))).flatten()
    }

    fn envelope(&self, envelope: Envelope) -> Option<Envelope> {
        let headers = envelope.headers().clone();
        let mut passed = Envelope::new().with_headers(headers);
        envelope.into_items().filter_map(|item| self.item(item)).for_each(|item| passed.add_item(item));
        passed.items().next().is_some().then_some(passed)
    }

    /// Events, logs and the library's own count of what was dropped. Nothing else has a business here: sessions,
    /// transactions, attachments and envelopes that cannot be looked into stay.
    fn item(&self, item: EnvelopeItem) -> Option<EnvelopeItem> {
        match item {
            EnvelopeItem::Event(event) => self.event(*event).map(EnvelopeItem::from),
            EnvelopeItem::ItemContainer(ItemContainer::Logs(logs)) => {
                let passed: Vec<Log> = logs.into_iter().filter_map(log).collect();
                (!passed.is_empty()).then(|| EnvelopeItem::from(passed))
            }
            EnvelopeItem::ClientReport(report) => Some(EnvelopeItem::ClientReport(report)),
            _ => None,
        }
    }

    fn is_ours(&self, event: &Event<'_>) -> bool {
        let [prefix, kind, _status] = &*event.fingerprint else { return false };
        **prefix == *self.prefix && kind == KIND
    }
}

/// Whether `event` speaks of the error that only an alert of ours may speak of.
fn mentions(event: &Event<'_>) -> bool {
    let message = event.message.iter();
    let entry = event.logentry.iter().map(|entry| &entry.message);
    let exceptions = event.exception.iter().filter_map(|exception| exception.value.as_ref());
    message.chain(entry).chain(exceptions).any(|text| text.contains(MESSAGE))
}

/// Without what an event of ours never has and which no scrubbing makes harmless.
fn bare(event: Event<'static>) -> Event<'static> {
    Event { request: None, user: None, server_name: None, breadcrumbs: Values::default(), ..event }
}

/// A log is never an alert of ours, so one that speaks of the error is always a copy.
fn log(log: Log) -> Option<Log> {
    let copy = log.body.contains(MESSAGE) || serde_json::to_string(&log.attributes).ok()?.contains(MESSAGE);
    if copy { None } else { clean(&log) }
}

/// `original`, scrubbed; nothing when that cannot be done.
fn clean<T: Serialize + DeserializeOwned>(original: &T) -> Option<T> {
    let mut value = serde_json::to_value(original).ok()?;
    scrub_value(&mut value);
    serde_json::from_value(value).ok()
}

/// A transport behind the rule.
pub(crate) struct Boundary {
    outside: Arc<dyn Transport>,
    rule: Rule,
}

impl Boundary {
    /// Lets through to `outside` what `rule` lets pass.
    pub(crate) fn new(outside: Arc<dyn Transport>, rule: Rule) -> Self {
        Self { outside, rule }
    }
}

impl Transport for Boundary {
    fn send_envelope(&self, envelope: Envelope) {
        if let Some(envelope) = self.rule.envelope(envelope) {
            self.outside.send_envelope(envelope);
        }
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.outside.flush(timeout)
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        self.outside.shutdown(timeout)
    }
}
