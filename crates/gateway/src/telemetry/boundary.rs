//! The last boundary before Sentry: what may pass, and in what shape.
//!
//! Twice the same [`Rule`]: in the client, before it sends, and around the transport, for whatever came by another way. An
//! alert of ours is known by its fingerprint. Anything else that speaks of the same error is a copy (a log line that some
//! layer made an event of, an error that was reported a second time) and is dropped: it would be a second alert for one
//! episode. What passes loses every field that no alert of ours has, since any of them may quote a conversation, and the
//! rest is scrubbed.

use crate::telemetry::alarm::{EXTRAS, KIND, MESSAGE, TAGS};
use crate::telemetry::scrub::{names_secret, scrub_value};
use sentry::protocol::{EnvelopeItem, Event, Exception, ItemContainer, Log, Map};
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
        let event = bare(event);
        let passes = self.is_ours(&event) || !mentions(&event);
        passes.then(|| clean(&event)).flatten()
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

/// Whether any text in `item` speaks of the error that only an alert of ours may speak of. What cannot be read might.
fn mentions(item: &impl Serialize) -> bool {
    serde_json::to_string(item).map_or(true, |text| text.contains(MESSAGE))
}

/// Only what an event of ours may have, and an exception's name and text: no request, no answer, no variable, no source line,
/// no host name.
fn bare(event: Event<'static>) -> Event<'static> {
    Event {
        event_id: event.event_id,
        level: event.level,
        fingerprint: event.fingerprint,
        message: event.message,
        logentry: event.logentry,
        platform: event.platform,
        timestamp: event.timestamp,
        release: event.release,
        environment: event.environment,
        exception: event.exception.into_iter().map(bare_exception).collect::<Vec<_>>().into(),
        tags: only(&TAGS, event.tags),
        extra: only(&EXTRAS, event.extra),
        sdk: event.sdk,
        ..Event::default()
    }
}

fn bare_exception(exception: Exception) -> Exception {
    Exception { ty: exception.ty, value: exception.value, ..Exception::default() }
}

/// The fields of these names.
fn only<T>(names: &[&str], mut fields: Map<String, T>) -> Map<String, T> {
    fields.retain(|name, _| names.contains(&name.as_str()));
    fields
}

/// A log is never an alert of ours, so one that speaks of the error is always a copy.
fn log(mut log: Log) -> Option<Log> {
    if mentions(&log) {
        return None;
    }
    log.attributes.retain(|name, _| !names_secret(name));
    clean(&log)
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
