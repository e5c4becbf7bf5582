//! What people who run the gateway see of it: logs, metrics, actor messages, and the one alert that calls them.

mod alarm;
mod boundary;
mod drawing;
mod exposition;
mod logs;
mod metrics;
mod scrub;
mod sentry;
mod spans;

#[cfg(test)]
mod alarm_tests;

pub use self::sentry::InvalidDsn;
pub use alarm::SentryAlarm;
pub use drawing::{Drawing, line, span, write_lines};
pub use exposition::Format as MetricsFormat;
pub(crate) use exposition::exposition;
pub use logs::{LogFormat, LogsError, install};
pub use metrics::Metrics;
pub use spans::{Spans, UnusableCollector};
