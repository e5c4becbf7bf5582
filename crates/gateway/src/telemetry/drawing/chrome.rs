//! Chrome's Trace Event Format, as an array of events that may lack its end, so that a stream can be written
//! (<https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>). Perfetto opens it.
//!
//! Each actor has a track, on which each message that it handled is a slice. An arrow (a pair of flow events) leads from the
//! slice in which a message was sent to the one in which it was handled.

use super::is_crash;
use actor::Row;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

pub(super) const BEGIN: &str =
    "[\n{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"stillroom\"}}";
pub(super) const END: &str = "\n]\n";

/// How many handled messages are remembered as places where arrows may begin: as many as the trace keeps.
const REMEMBERED: usize = 4096;

/// What was drawn, as far as what follows refers to it.
#[derive(Debug, Default)]
pub(super) struct Chrome {
    tracks: HashMap<String, usize>,
    handled: BTreeMap<u64, Slice>,
}

/// A handled message on its track; times in microseconds.
#[derive(Debug, Clone, Copy)]
struct Slice {
    track: usize,
    begin: u64,
    length: u64,
}

impl Chrome {
    pub(super) fn row<Name: AsRef<str> + Serialize>(&mut self, row: &Row<Name>) -> String {
        let mut events = Vec::new();
        let track = self.track(row.actor.as_ref(), &mut events);
        // What took less than a microsecond is drawn as one: nothing can lead to a slice without length.
        let slice = Slice { track, begin: row.begun_us, length: row.handle_us.max(1) };
        let origin = self.origin(row, &mut events);
        events.push(handled(row, slice));
        events.extend(origin.map(|origin| arrow(row, origin, slice)).into_iter().flatten());
        self.remember(row.mail, slice);
        events.iter().map(|event| format!(",\n{event}")).collect()
    }

    fn track(&mut self, name: &str, events: &mut Vec<Value>) -> usize {
        if let Some(track) = self.tracks.get(name) {
            return *track;
        }
        let track = self.tracks.len() + 1;
        self.tracks.insert(name.to_owned(), track);
        let about =
            |what: &str, args: Value| json!({"ph": "M", "pid": 1, "tid": track, "name": what, "args": args});
        events.push(about("thread_name", json!({"name": name})));
        events.push(about("thread_sort_index", json!({"sort_index": track})));
        track
    }

    /// Where the message was sent: within the handling of its cause, or outside of all actors, which is a slice of its own. None
    /// when the cause was not drawn.
    fn origin<Name: AsRef<str>>(&mut self, row: &Row<Name>, events: &mut Vec<Value>) -> Option<(usize, u64)> {
        let sent = row.begun_us.saturating_sub(row.queue_wait_us);
        if let Some(cause) = row.cause {
            let Slice { track, begin, length } = *self.handled.get(&cause)?;
            return Some((track, sent.clamp(begin, begin + length - 1).min(row.begun_us)));
        }
        let track = self.track(row.from.as_ref(), events);
        let name = format!("sends {}", row.message.as_ref());
        events.push(
            json!({"ph": "X", "pid": 1, "tid": track, "ts": sent, "dur": 1, "cat": "outside", "name": name}),
        );
        Some((track, sent))
    }

    fn remember(&mut self, mail: u64, slice: Slice) {
        self.handled.insert(mail, slice);
        if self.handled.len() > REMEMBERED {
            self.handled.pop_first();
        }
    }
}

fn handled<Name: AsRef<str> + Serialize>(row: &Row<Name>, slice: Slice) -> Value {
    let color = if is_crash(row) { json!("terrible") } else { Value::Null };
    json!({
        "ph": "X", "pid": 1, "tid": slice.track, "ts": slice.begin, "dur": slice.length,
        "cat": "mail", "name": row.message, "cname": color, "args": row,
    })
}

fn arrow<Name: AsRef<str> + Serialize>(
    row: &Row<Name>,
    (track, sent): (usize, u64),
    to: Slice,
) -> [Value; 2] {
    let event = |phase: &str, track: usize, at: u64| json!({"ph": phase, "pid": 1, "tid": track, "ts": at, "id": row.mail, "cat": "mail", "name": row.message});
    let mut finish = event("f", to.track, to.begin);
    // It ends at the slice around it, not at the next one.
    finish["bp"] = "e".into();
    [event("s", track, sent), finish]
}
