//! What the mock says: written once at the start, so that saying it costs next to nothing.

use crate::words::words;
use bytes::Bytes;
use serde_json::{Value, json};

/// The kinds of answer that a request can ask for with its query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 2 KiB of JSON.
    Json,
    /// 400 KiB of JSON.
    LargeJson,
    /// 66 events in one write.
    Stream,
    /// The first event after 50 ms, then one each 10 ms.
    Paced,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Json, Self::LargeJson, Self::Stream, Self::Paced];

    /// Its name, in queries and in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::LargeJson => "large-json",
            Self::Stream => "stream",
            Self::Paced => "paced",
        }
    }
}

/// All answers, as they go over the wire.
pub(crate) struct Answers {
    pub(crate) json: Bytes,
    pub(crate) large_json: Bytes,
    pub(crate) stream: Bytes,
    /// The pieces of a paced stream, the head with the first.
    pub(crate) paced: Vec<Bytes>,
}

impl Answers {
    pub(crate) fn new() -> Self {
        Self {
            json: whole(2 * 1024),
            large_json: whole(400 * 1024),
            stream: pieces(66).concat().into(),
            paced: paced(20),
        }
    }
}

fn whole(size: usize) -> Bytes {
    let body = |text: String| {
        json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-8",
        "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 500, "output_tokens": 400, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
    }).to_string()
    };
    let frame = body(String::new()).len();
    let body = body(words(1, size - frame));
    format!("{}content-length: {}\r\n\r\n{body}", head("application/json"), body.len()).into()
}

fn head(kind: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nrequest-id: req_011CS2\r\nanthropic-organization-id: 0f0f\r\n\
         anthropic-ratelimit-unified-status: allowed\r\ncf-ray: 8f1-FRA\r\ndate: Wed, 25 Nov 2026 10:00:00 GMT\r\n"
    )
}

/// A stream of so many events, each in a chunk of its own; the head first, the last chunk last.
fn pieces(events: usize) -> Vec<Vec<u8>> {
    let head =
        format!("{}cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n", head("text/event-stream"));
    let mut pieces = vec![head.into_bytes()];
    pieces.extend(said(events).iter().map(chunk));
    pieces.push(b"0\r\n\r\n".to_vec());
    pieces
}

fn paced(events: usize) -> Vec<Bytes> {
    let mut pieces = pieces(events).into_iter();
    let [head, first] = [pieces.next(), pieces.next()].map(Option::unwrap_or_default);
    let mut paced: Vec<Bytes> =
        [[head, first].concat().into()].into_iter().chain(pieces.map(Bytes::from)).collect();
    let end = paced.pop().unwrap_or_default();
    if let Some(last) = paced.last_mut() {
        *last = [&last[..], &end[..]].concat().into();
    }
    paced
}

/// The words of the stream of 66 events.
pub(crate) fn stream_text() -> String {
    spoken(66).collect()
}

fn spoken(events: usize) -> impl Iterator<Item = String> {
    (0..events.saturating_sub(5) as u64).map(|at| words(at, 20))
}

fn said(events: usize) -> Vec<Value> {
    let start = json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "claude-opus-4-8", "content": [], "stop_reason": null, "usage": {"input_tokens": 500, "output_tokens": 1}}});
    let begin =
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
    let word = |text| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    let stop = json!({"type": "content_block_stop", "index": 0});
    let delta = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 61}});
    let end = [stop, delta, json!({"type": "message_stop"})];
    [start, begin].into_iter().chain(spoken(events).map(word)).chain(end).collect()
}

fn chunk(event: &Value) -> Vec<u8> {
    let event = format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_sizes_and_the_events_that_the_figures_are_named_after() {
        let answers = Answers::new();
        let body =
            |answer: &Bytes| answer.len() - answer.windows(4).position(|end| end == b"\r\n\r\n").unwrap() - 4;
        assert_eq!((body(&answers.json), body(&answers.large_json)), (2 * 1024, 400 * 1024));
        let stream = String::from_utf8(answers.stream.to_vec()).unwrap();
        assert_eq!(stream.matches("event: ").count(), 66);
        assert_eq!(answers.paced.len(), 20);
        assert!(answers.paced[19].ends_with(b"0\r\n\r\n") && answers.paced[0].starts_with(b"HTTP/1.1 200"));
    }
}
