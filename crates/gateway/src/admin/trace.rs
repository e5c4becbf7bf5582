//! Actor messages: the last ones as a list, and new ones as they come.
//!
//! The trace costs something on every message, so it is off until somebody looks: an open stream turns it on, and the last
//! one that closes turns it off again, unless the settings want it on anyway.

use crate::admin::Admin;
use crate::admin::refusal::Refusal;
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use actor::{Row, Trace};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

/// The most rows of one list: as many as the trace keeps.
const MOST_ROWS: usize = 4096;
/// So often a quiet stream says that it is alive, and looks whether the gateway is going down.
const BREATH: Duration = Duration::from_secs(1);

/// What is asked of the list.
#[derive(Deserialize)]
pub(crate) struct Last {
    #[serde(default = "two_hundred")]
    last: usize,
}

/// The answer of the list.
#[derive(Serialize)]
pub(crate) struct Rows {
    recording: bool,
    rows: Vec<Row>,
}

const fn two_hundred() -> usize {
    200
}

/// The last messages, oldest first.
pub(crate) async fn last(
    admin: web::Data<Admin>,
    asked: web::Query<Last>,
) -> Result<web::Json<Rows>, Refusal> {
    let Last { last } = asked.into_inner();
    if !(1..=MOST_ROWS).contains(&last) {
        return Err(Refusal::Invalid(format!("last must lie between 1 and {MOST_ROWS}, it is {last}")));
    }
    let trace = &admin.house.environment.trace;
    Ok(web::Json(Rows { recording: trace.is_on(), rows: trace.last(last) }))
}

/// Every message from now on, as server-sent events, until the gateway drains.
pub(crate) async fn stream(admin: web::Data<Admin>) -> HttpResponse {
    let watch = admin.watchers.watch();
    let rows = admin.house.environment.trace.subscribe();
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(events(admin, rows, watch))
}

/// Begins with a comment, so that the head leaves at once and not with the first message.
fn events(
    admin: web::Data<Admin>,
    rows: Receiver<Arc<Row>>,
    watch: Watch,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let hello = Some(Bytes::from_static(b": actor messages\n\n"));
    unfold((admin, rows, watch, hello), |(admin, mut rows, watch, hello)| async move {
        let event = match hello {
            Some(hello) => hello,
            None => next_event(&admin, &mut rows).await?,
        };
        Some((Ok(event), (admin, rows, watch, None)))
    })
}

async fn next_event(admin: &Admin, rows: &mut Receiver<Arc<Row>>) -> Option<Bytes> {
    match timeout(BREATH, rows.recv()).await {
        _ if !admin.is_ready() => None,
        Ok(Ok(row)) => Some(event("message", &*row)),
        Ok(Err(RecvError::Lagged(missed))) => Some(event("missed", &missed)),
        Ok(Err(RecvError::Closed)) => None,
        Err(_quiet) => Some(Bytes::from_static(b":\n\n")),
    }
}

fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// Counts the open streams.
pub(crate) struct Watchers(Arc<Watched>);

struct Watched {
    trace: Trace,
    always_on: bool,
    watching: Mutex<usize>,
}

impl Watchers {
    /// Nobody watches yet.
    pub(crate) fn new(trace: &Trace) -> Self {
        let watched = Watched { trace: trace.clone(), always_on: trace.is_on(), watching: Mutex::default() };
        Self(Arc::new(watched))
    }

    fn watch(&self) -> Watch {
        self.0.count(|watching| watching + 1);
        Watch(Arc::clone(&self.0))
    }
}

impl Watched {
    fn count(&self, change: impl FnOnce(usize) -> usize) {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        *watching = change(*watching);
        self.trace.switch(self.always_on || *watching > 0);
    }
}

/// One open stream; it ends when this is dropped.
struct Watch(Arc<Watched>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.count(|watching| watching.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_is_on_as_long_as_anybody_watches() {
        let trace = Trace::off();
        let watchers = Watchers::new(&trace);
        let (one, other) = (watchers.watch(), watchers.watch());
        assert!(trace.is_on());
        drop(one);
        assert!(trace.is_on());
        drop(other);
        assert!(!trace.is_on());
    }

    #[test]
    fn a_trace_that_is_wanted_anyway_stays_on() {
        let trace = Trace::on();
        drop(Watchers::new(&trace).watch());
        assert!(trace.is_on());
    }

    #[test]
    fn an_event_has_a_name_and_one_line_of_data() {
        let row = Row { outcome: "two\nlines".to_owned(), ..Row::default() };
        let event = event("message", &row);
        let event = std::str::from_utf8(&event).expect("text");
        assert!(event.starts_with("event: message\ndata: {") && event.ends_with("}\n\n"), "{event}");
        assert_eq!(event.lines().count(), 3);
    }
}
