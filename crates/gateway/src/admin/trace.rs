//! Actor messages: the last ones as a list, and new ones as they come.
//!
//! The trace costs something on every message, so it is off until somebody looks: an open stream turns it on, and the last
//! one that closes turns it off again, unless the settings want it on anyway.

use crate::admin::Admin;
use crate::admin::parameter::{number, wrong};
use crate::admin::refusal::Refusal;
use crate::telemetry::span;
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use actor::{Row, Selection, Trace};
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
use workers::House;

/// The most rows of one list: as many as the trace keeps.
const MOST_ROWS: usize = 4096;
/// As many rows as a list has unless it is asked for another number.
const ROWS: usize = 200;
/// So often a quiet stream says that it is alive, and looks whether the gateway is going down.
const BREATH: Duration = Duration::from_secs(1);

/// What is asked for, as it was written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    last: Option<String>,
    session: Option<String>,
    actor: Option<String>,
    message: Option<String>,
    root: Option<String>,
    slower_than: Option<String>,
}

impl Asked {
    fn rows(&self) -> Result<usize, Refusal> {
        number("last", self.last.as_deref(), ROWS, MOST_ROWS)
    }

    fn selection(&self, house: &House) -> Result<Selection, Refusal> {
        let root = self.root.as_ref().map(|root| {
            root.parse().map_err(|_| wrong("root", "the number of a message, as r= shows it in a line", root))
        });
        let slower_than = self.slower_than.as_ref().map(|limit| {
            span(limit)
                .ok_or_else(|| wrong("slower_than", "a whole number and us, ms or s, such as 5ms", limit))
        });
        let selection = Selection {
            session: self.session.clone(),
            actor: self.actor.clone(),
            message: self.message.clone(),
            root: root.transpose()?,
            slower_than: slower_than.transpose()?,
        };
        check_actor(selection.actor.as_deref(), house)?;
        Ok(selection)
    }
}

/// Nothing would ever fit an actor that is not there. Those that only send are known once they have sent something.
fn check_actor(actor: Option<&str>, house: &House) -> Result<(), Refusal> {
    let Some(actor) = actor else { return Ok(()) };
    let actors = house.actors();
    let sends = || {
        let sent = Selection { actor: Some(actor.to_owned()), ..Selection::default() };
        !house.environment.trace.selected(1, &sent).is_empty()
    };
    if actors.iter().any(|known| known.eq_ignore_ascii_case(actor)) || sends() {
        return Ok(());
    }
    Err(Refusal::Invalid(format!("there is no actor {actor:?}; there are {}", actors.join(", "))))
}

/// The answer of the list.
#[derive(Serialize)]
pub(crate) struct Rows {
    recording: bool,
    rows: Vec<Arc<Row>>,
}

/// The last messages of those that are asked for, oldest first.
pub(crate) async fn last(
    admin: web::Data<Admin>,
    asked: web::Query<Asked>,
) -> Result<web::Json<Rows>, Refusal> {
    let (rows, selection) = (asked.rows()?, asked.selection(&admin.house)?);
    let trace = &admin.house.environment.trace;
    Ok(web::Json(Rows { recording: trace.is_on(), rows: trace.selected(rows, &selection) }))
}

/// Every message from now on of those that are asked for, as server-sent events, until the gateway drains.
pub(crate) async fn stream(
    request: HttpRequest,
    admin: web::Data<Admin>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Refusal> {
    if asked.last.is_some() {
        return Err(Refusal::Invalid("a stream has no last; GET /api/v1/trace has".to_owned()));
    }
    let selection = asked.selection(&admin.house)?;
    let mut answer = HttpResponse::Ok();
    answer.content_type("text/event-stream").insert_header((header::CACHE_CONTROL, "no-store"));
    if request.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    let watch = admin.watchers.watch();
    let rows = admin.house.environment.trace.subscribe();
    let events = events(admin, Feed { rows, selection }, watch);
    Ok(answer.streaming(events))
}

/// What one reader hears.
struct Feed {
    rows: Receiver<Arc<Row>>,
    selection: Selection,
}

impl Feed {
    /// The next row that is asked for.
    async fn next(&mut self) -> Result<Arc<Row>, RecvError> {
        loop {
            let row = self.rows.recv().await?;
            if self.selection.holds(&row) {
                return Ok(row);
            }
        }
    }
}

/// Begins with a comment, so that the head leaves at once and not with the first message.
fn events(
    admin: web::Data<Admin>,
    feed: Feed,
    watch: Watch,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let hello = Some(Bytes::from_static(b": actor messages\n\n"));
    unfold((admin, feed, watch, hello), |(admin, mut feed, watch, hello)| async move {
        let event = match hello {
            Some(hello) => hello,
            None => next_event(&admin, &mut feed).await?,
        };
        Some((Ok(event), (admin, feed, watch, None)))
    })
}

async fn next_event(admin: &Admin, feed: &mut Feed) -> Option<Bytes> {
    match timeout(BREATH, feed.next()).await {
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
        let row: Row = Row { outcome: "two\nlines".into(), ..Row::default() };
        let event = event("message", &row);
        let event = std::str::from_utf8(&event).expect("text");
        assert!(event.starts_with("event: message\ndata: {") && event.ends_with("}\n\n"), "{event}");
        assert_eq!(event.lines().count(), 3);
    }
}
