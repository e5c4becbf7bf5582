//! Calls to providers, and recorded actor messages, as OpenTelemetry spans for a collector (OTLP over HTTP).
//!
//! Loss rule: at most [`WAITING`] spans wait; one more is dropped, the newest. A batch that the collector has not taken within
//! [`SENT_WITHIN`] is lost, and that is logged once until one arrives again. All of it happens on a thread of its own: a
//! collector that is slow, hangs or is gone holds up nobody.

mod attributes;
mod collector;
#[cfg(test)]
mod tests;

use actor::Row;
use collector::Collector;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor as _,
};
use rand::Rng as _;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use workers::Called;

/// How many spans may wait to be sent.
const WAITING: usize = 2048;
/// How many leave together at most.
const BATCH: usize = 512;
/// How long one batch may take on its way.
const SENT_WITHIN: Duration = Duration::from_secs(5);
/// How long a span may wait for others to leave with.
const GATHERED_WITHIN: Duration = Duration::from_secs(2);

/// Where spans go. Clones share the way.
#[derive(Clone)]
pub struct Spans(Arc<Way>);

struct Way {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    /// The upper half of the trace ids of actor messages: their numbers begin anew with each process.
    process: u64,
}

/// The collector's address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("trace.otlp_endpoint cannot be used: {0}")]
pub struct UnusableCollector(String);

impl Spans {
    /// A way to the collector at `endpoint`, a base URL; spans go to `/v1/traces` below it. Headers that it asks for are taken from
    /// `OTEL_EXPORTER_OTLP_HEADERS`.
    ///
    /// # Errors
    /// [`UnusableCollector`].
    pub fn start(endpoint: &str) -> Result<Self, UnusableCollector> {
        Self::with(endpoint, SENT_WITHIN, GATHERED_WITHIN)
    }

    fn with(endpoint: &str, sent: Duration, gathered: Duration) -> Result<Self, UnusableCollector> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(sent))
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(sent)
            .build()
            .map_err(|cause| UnusableCollector(cause.to_string()))?;
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(gathered)
            .build();
        let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        processor.set_resource(
            &Resource::builder().with_service_name("stillroom").with_attribute(version).build(),
        );
        let scope = InstrumentationScope::builder("stillroom").build();
        Ok(Self(Arc::new(Way { processor, scope, process: rand::rng().random() })))
    }

    /// A call to a provider has ended.
    pub(crate) fn called(&self, call: &Called<'_>) {
        let (trace, span) = (rand::rng().random(), rand::rng().random());
        let end = time(call.ended.0.unsigned_abs() * 1_000);
        self.0.processor.on_end(SpanData {
            span_kind: SpanKind::Client,
            start_time: end.checked_sub(call.took).unwrap_or(end),
            end_time: end,
            attributes: attributes::of_call(call),
            status: attributes::status(call),
            ..self.blank(format!("chat {}", call.model).trim_end().to_owned(), (trace, span))
        });
    }

    /// Sends every recorded actor message as it comes, until nobody sends any more.
    pub async fn follow(self, mut rows: Receiver<Arc<Row>>) {
        loop {
            match rows.recv().await {
                Ok(row) => self.handled(&row),
                Err(RecvError::Lagged(missed)) => {
                    tracing::debug!(missed, "messages came too quickly to be sent as spans")
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// A message as a span: a conversation is a trace, and what caused a message is its parent.
    fn handled(&self, row: &Row) {
        let begin = time(row.at_unix_ms * 1_000);
        let trace = (u128::from(self.0.process) << 64) | u128::from(row.root);
        let crashed = row.outcome.starts_with("crashed at ");
        self.0.processor.on_end(SpanData {
            parent_span_id: row.cause.filter(|_| row.hops > 0).map_or(SpanId::INVALID, span_id),
            span_kind: SpanKind::Consumer,
            start_time: begin,
            end_time: begin + Duration::from_micros(row.handle_us),
            attributes: attributes::of_row(row),
            status: if crashed { Status::error("crashed") } else { Status::Unset },
            ..self.blank(format!("{} {}", row.actor, row.message), (trace, row.mail))
        });
    }

    fn blank(&self, name: String, (trace, span): (u128, u64)) -> SpanData {
        let (trace, span) = (TraceId::from_bytes(trace.to_be_bytes()), span_id(span));
        let state = TraceState::default();
        SpanData {
            span_context: SpanContext::new(trace, span, TraceFlags::SAMPLED, false, state),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.0.scope.clone(),
        }
    }

    /// Sends what waits, at most for so long; what comes after is dropped.
    pub fn close(&self, within: Duration) {
        if self.0.processor.shutdown_with_timeout(within).is_err() {
            tracing::warn!("not all spans could be sent before the end");
        }
    }
}

fn span_id(number: u64) -> SpanId {
    SpanId::from_bytes(number.to_be_bytes())
}

fn time(unix_micros: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(unix_micros)
}

impl fmt::Debug for Spans {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Spans").finish_non_exhaustive()
    }
}
