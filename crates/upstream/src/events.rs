//! Server-sent events out of a byte stream, however it was cut into pieces.
//!
//! Line ends may be LF, CR or CR LF, and a piece may end in the middle of any of them, or of a character: bytes are only read
//! as text once an event is whole.

use std::mem;

/// The most that one event may hold, its current line included: 8 MiB. Beyond it the event is skipped, not the stream.
pub const EVENT_LIMIT: usize = 8 << 20;

/// The byte-order mark that may stand once before everything.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// One event as it was dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its `event` field; empty when it has none.
    pub name: String,
    /// Its `data` lines, joined by line feeds. Bytes that are no text are replaced.
    pub data: String,
}

/// Cuts a stream into events. Feed it with [`push`](Self::push) as bytes come, then [`finish`](Self::finish) it.
#[derive(Debug)]
pub struct Splitter {
    /// The most that one event may hold.
    limit: usize,
    line: Vec<u8>,
    name: String,
    data: Option<Vec<u8>>,
    begun: bool,
    after_return: bool,
    oversized: bool,
    skipped: usize,
}

impl Default for Splitter {
    fn default() -> Self {
        Self::with_limit(EVENT_LIMIT)
    }
}

impl Splitter {
    const fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            name: String::new(),
            data: None,
            begun: false,
            after_return: false,
            oversized: false,
            skipped: 0,
        }
    }

    /// Takes the next piece of the stream and returns the events that it completes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let second_half = mem::take(&mut self.after_return) && piece == b"\n";
            match piece.split_last() {
                _ if second_half => {}
                Some((&end @ (b'\n' | b'\r'), rest)) => {
                    self.extend_line(rest);
                    self.after_return = end == b'\r';
                    events.extend(self.end_line());
                }
                _ => self.extend_line(piece),
            }
        }
        events
    }

    /// Ends the stream. An event whose last blank line is missing is returned as well, as the SDKs do: whether its data is
    /// whole shows when it is read.
    #[must_use]
    pub fn finish(mut self) -> Option<Event> {
        self.push(b"\n\n").pop()
    }

    /// How many events were given up because they were larger than [`EVENT_LIMIT`].
    #[must_use]
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    fn extend_line(&mut self, bytes: &[u8]) {
        let held = self.line.len() + self.data.as_ref().map_or(0, Vec::len);
        self.oversized |= held + bytes.len() > self.limit;
        if !self.oversized {
            self.line.extend_from_slice(bytes);
        } else {
            // Nothing of the event is wanted any more; only whether this line is blank still matters.
            self.data = None;
            let blank = self.line.is_empty() && bytes.is_empty();
            self.line = if blank { Vec::new() } else { vec![b':'] };
        }
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = mem::take(&mut self.line);
        let first = !mem::replace(&mut self.begun, true);
        let line = if first { line.strip_prefix(MARK).unwrap_or(&line) } else { &line };
        if line.is_empty() {
            return self.dispatch();
        }
        self.field(line);
        None
    }

    fn field(&mut self, line: &[u8]) {
        let colon = line.iter().position(|&byte| byte == b':');
        let (name, value) = colon.map_or((line, &b""[..]), |at| (&line[..at], &line[at + 1..]));
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match (name, &mut self.data) {
            (b"event", _) => self.name = lossy(value.to_vec()),
            (b"data", Some(data)) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            (b"data", none) => *none = Some(value.to_vec()),
            _ => {} // A comment (its name is empty), or a field that no provider uses.
        }
    }

    fn dispatch(&mut self) -> Option<Event> {
        let (name, data) = (mem::take(&mut self.name), mem::take(&mut self.data));
        if mem::take(&mut self.oversized) {
            self.skipped += 1;
            return None;
        }
        data.map(|data| Event { name, data: lossy(data) })
    }
}

/// The events of a whole stream, however large one is: an image may be in it, and the stream is bounded already.
pub(crate) fn all(stream: &[u8]) -> Vec<Event> {
    let mut splitter = Splitter::with_limit(stream.len());
    let mut events = splitter.push(stream);
    events.extend(splitter.finish());
    events
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.into(), data: data.into() }
    }

    #[test]
    fn every_line_end_ends_a_line() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = "event: ping\ndata: {}\n\ndata: 2\n\n".replace('\n', end);
            assert_eq!(all(stream.as_bytes()), [event("ping", "{}"), event("", "2")], "{end:?}");
        }
    }

    #[test]
    fn a_mark_comments_unknown_fields_and_missing_blanks_do_no_harm() {
        let stream = b"\xEF\xBB\xBF: hello\n\nid: 1\nretry: 5\ndata:a\ndata:  b\ndata\n:keep-alive\n\n";
        assert_eq!(all(stream), [event("", "a\n b\n")]);
    }

    #[test]
    fn a_name_without_data_is_no_event_and_does_not_name_the_next() {
        assert_eq!(all(b"event: a\n\ndata: b\n\n"), [event("", "b")]);
    }

    #[test]
    fn an_event_is_there_as_soon_as_its_blank_line_is() {
        let mut splitter = Splitter::default();
        assert!(splitter.push(b"data: a\r\n").is_empty());
        assert_eq!(splitter.push(b"\r"), [event("", "a")]);
        assert!(splitter.push(b"\n").is_empty(), "the other half of the line end is no second blank line");
        assert_eq!(splitter.finish(), None);
    }

    #[test]
    fn the_last_event_needs_no_blank_line() {
        assert_eq!(all(b"data: a"), [event("", "a")]);
        assert_eq!(all(b"data: a\r"), [event("", "a")]);
    }

    #[test]
    fn an_oversized_event_is_skipped_and_counted_and_the_next_one_is_not() {
        let mut splitter = Splitter::default();
        assert!(splitter.push(b"event: big\ndata: ").is_empty());
        for _ in 0..9 {
            assert!(splitter.push(&vec![b'x'; 1 << 20]).is_empty());
            assert!(splitter.line.len() <= EVENT_LIMIT, "memory is bounded");
        }
        assert_eq!(splitter.push(b"\ndata: more\n\ndata: next\n\n"), [event("", "next")]);
        assert_eq!(splitter.skipped(), 1);
    }

    #[test]
    fn of_a_whole_stream_no_event_is_too_large() {
        let image = "x".repeat(EVENT_LIMIT + 1);
        let events = all(format!("data: {image}\n\ndata: next\n\n").as_bytes());
        assert_eq!(events.iter().map(|event| event.data.len()).collect::<Vec<_>>(), [image.len(), 4]);
    }

    #[test]
    fn many_lines_of_one_event_are_bounded_together() {
        let mut splitter = Splitter::default();
        let line = [b"data: ".as_slice(), &vec![b'x'; 3 << 20], b"\n"].concat();
        let events = [&line, &line, &line, &b"\n".to_vec()].map(|piece| splitter.push(piece));
        assert!(events.iter().all(Vec::is_empty));
        assert_eq!(splitter.skipped(), 1);
    }
}
