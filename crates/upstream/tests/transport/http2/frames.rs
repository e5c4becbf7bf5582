//! A provider's side of HTTP/2, frame by frame, so that it can also say what no library would (RFC 9113, 4 and 6).

use std::io::{Read as _, Write as _};

use super::super::{
    certified::Session,
    support::{Event, Line},
};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RESET: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const FAREWELL: u8 = 7;
pub(super) const WINDOW: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// The last frame of its stream; on settings and pings: an acknowledgement.
pub(super) const LAST: u8 = 1;
/// A head that is complete.
pub(super) const WHOLE: u8 = 4;

pub(super) const NO_ERROR: u32 = 0;
pub(super) const INTERNAL_ERROR: u32 = 2;
pub(super) const REFUSED: u32 = 7;
pub(super) const CANCEL: u32 = 8;

/// `:status: 200`, an entry of the static table (RFC 7541, appendix A).
pub(super) const OK: &[u8] = &[0x88];

/// One frame.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

/// A field with a literal name, outside any table.
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    [&[0], &text(name)[..], &text(value)].concat()
}

/// A text behind its length: seven bits, and as many more as it takes (RFC 7541, 5.1 and 5.2).
fn text(text: &str) -> Vec<u8> {
    let mut said = vec![text.len().min(127) as u8];
    if let Some(mut rest) = text.len().checked_sub(127) {
        while rest > 127 {
            said.push(rest as u8 | 128);
            rest >>= 7;
        }
        said.push(rest as u8);
    }
    [&said, text.as_bytes()].concat()
}

/// `:status` with any value.
pub(super) fn status(code: u16) -> Vec<u8> {
    field(":status", &code.to_string())
}

impl Line<Session> {
    /// Reads the client's preface and says our own settings: pairs of a number and its value.
    pub(super) fn greet(&mut self, settings: &[(u16, u32)]) {
        let mut preface = [0; 24];
        self.stream.read_exact(&mut preface).unwrap();
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let pairs = settings
            .iter()
            .flat_map(|(number, value)| number.to_be_bytes().into_iter().chain(value.to_be_bytes()));
        let pairs: Vec<u8> = pairs.collect();
        self.frame(SETTINGS, 0, 0, &pairs);
    }

    /// Says a frame. A client that is gone does not hear it.
    pub(super) fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.frame_is_said(kind, flags, stream, payload);
    }

    /// The same, and tells whether the client was still there.
    pub(super) fn frame_is_said(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        let said = self.stream.write_all(&[&head, payload].concat());
        said.and_then(|()| self.stream.flush()).is_ok()
    }

    /// Says a whole answer.
    pub(super) fn answer(&mut self, stream: u32, body: &str) {
        self.frame(HEADERS, WHOLE, stream, OK);
        self.frame(DATA, LAST, stream, body.as_bytes());
    }

    pub(super) fn reset(&mut self, stream: u32, reason: u32) {
        self.frame(RESET, 0, stream, &reason.to_be_bytes());
    }

    /// No more streams; of those there were, the ones up to `last` are done.
    pub(super) fn farewell(&mut self, last: u32, reason: u32) {
        self.frame(FAREWELL, 0, 0, &[last.to_be_bytes(), reason.to_be_bytes()].concat());
    }

    /// The next frame that is no matter of course: settings are acknowledged. None when the client is gone.
    pub(super) fn next(&mut self) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let mut payload = vec![0; length as usize];
            self.stream.read_exact(&mut payload).ok()?;
            let frame = Frame { kind: head[3], flags: head[4], stream, payload };
            match (frame.kind, frame.flags & LAST) {
                (SETTINGS, 0) => self.frame(SETTINGS, LAST, 0, &[]),
                (SETTINGS, _) => {}
                _ => return Some(frame),
            }
        }
    }

    /// Reads until one of the requests under way is whole, and reports it. It lets the client send on, answers pings, and
    /// reports resets; none, and a report, when the client is gone.
    pub(super) fn request(&mut self) -> Option<u32> {
        let mut bodies = std::collections::HashMap::<u32, Vec<u8>>::new();
        while let Some(frame) = self.next() {
            match frame.kind {
                HEADERS => drop(bodies.insert(frame.stream, Vec::new())),
                DATA => {
                    bodies.entry(frame.stream).or_default().extend(&frame.payload);
                    self.allow(frame.stream, frame.payload.len());
                }
                RESET => self.tell_reset(&frame),
                PING if frame.flags & LAST == 0 => self.frame(PING, LAST, 0, &frame.payload),
                _ => {}
            }
            if matches!(frame.kind, HEADERS | DATA) && frame.flags & LAST != 0 {
                let body = bodies.remove(&frame.stream).unwrap_or_default();
                self.tell(Event::HeardOn(self.number, frame.stream, body));
                return Some(frame.stream);
            }
        }
        self.tell(Event::Left(self.number));
        None
    }

    /// The client may send so many bytes more.
    pub(super) fn allow(&mut self, stream: u32, bytes: usize) {
        if bytes > 0 {
            let more = u32::try_from(bytes).unwrap().to_be_bytes();
            self.frame(WINDOW, 0, 0, &more);
            self.frame(WINDOW, 0, stream, &more);
        }
    }

    pub(super) fn tell_reset(&self, frame: &Frame) {
        let reason = u32::from_be_bytes(frame.payload[..].try_into().unwrap());
        self.tell(Event::Reset(self.number, frame.stream, reason));
    }

    /// Reads and reports resets until the client is gone, and reports that.
    pub(super) fn until_gone(&mut self) {
        while let Some(frame) = self.next() {
            match frame.kind {
                RESET => self.tell_reset(&frame),
                PING if frame.flags & LAST == 0 => self.frame(PING, LAST, 0, &frame.payload),
                _ => {}
            }
        }
        self.tell(Event::Left(self.number));
    }
}
