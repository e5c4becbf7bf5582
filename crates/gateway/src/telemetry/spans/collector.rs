//! The way to a collector: one blocking request a batch, on the exporter's own thread.

use async_trait::async_trait;
use http_of_h2::{Request, Response};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The longest answer that is read, in bytes; a collector has little to say.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Speaks HTTP to a collector.
#[derive(Debug)]
pub(super) struct Collector {
    agent: ureq::Agent,
    /// Whether the last batch did not arrive, so that an outage is said once.
    lost: AtomicBool,
}

impl Collector {
    /// One whose batches are given up after so long.
    pub(super) fn new(within: Duration) -> Self {
        // No proxy: the environment's would be read here. No redirect: headers of the collector's must not go elsewhere.
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(within))
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .build();
        Self { agent: agent.new_agent(), lost: AtomicBool::new(false) }
    }

    fn post(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (parts, body) = request.into_parts();
        let mut answer = self.agent.run(Request::from_parts(parts, &body[..]))?;
        let status = answer.status();
        let said = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec()?;
        let mut response = Response::new(Bytes::from(said));
        *response.status_mut() = status;
        Ok(response)
    }

    fn note(&self, outcome: &Result<Response<Bytes>, ureq::Error>) {
        let why = match outcome {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answered {}", answer.status().as_u16())),
            Err(fault) => Some(fault.to_string()),
        };
        let was_lost = self.lost.swap(why.is_some(), Ordering::Relaxed);
        match why {
            Some(why) if !was_lost => {
                tracing::warn!(why, "the collector takes no spans; they are lost until it does")
            }
            None if was_lost => tracing::info!("the collector takes spans again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let outcome = self.post(request);
        self.note(&outcome);
        outcome.map_err(Into::into)
    }
}
