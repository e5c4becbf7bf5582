//! What an answer turns out to be once it has passed: evidence about the token, a turn to record, a conversation that went on.

use crate::capture::Capture;
use actix_web::http::header::{CONTENT_ENCODING, HeaderName, HeaderValue};
use bytes::{Bytes, BytesMut};
use domain::conversation::{Answered, Message};
use domain::evidence::Class;
use std::borrow::Cow;
use std::sync::LazyLock;
use upstream::events::Splitter;
use upstream::transport::{HeaderMap, StatusCode};
use upstream::{classify, dialect, encoding};
use workers::Meter as _;

/// The longest answer to a turn that is kept until its end, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;
/// As much of an error as is kept, in bytes: enough for every provider's words.
const LONGEST_ERROR: usize = 64 * 1024;
/// An answer longer than this, in bytes, is examined beside the thread that relays.
const QUICKLY_EXAMINED: usize = 256 * 1024;

/// An answer of no more bytes than this is copied for the record: its pieces hold the buffers of connections, which are larger.
const SMALL: usize = 4 * 1024;

/// Pieces of fewer bytes are put together, until they have so many: to keep one takes as much as it may have itself.
const CRUMB: usize = 256;
const GATHERED: usize = 64 * 1024;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The provider said all of it.
    Whole,
    /// It was cut, or the client left.
    Broken,
}

impl Ending {
    /// The same, in view of what was said: a client may leave with the provider's last word, before the connection's, and
    /// an answer that came to its own end is whole however the connection ended.
    fn after(self, answered: Option<&Answered>) -> Self {
        if answered.is_some_and(|answered| answered.stop.is_some()) { Self::Whole } else { self }
    }
}

/// The pieces of an answer, shared with those that were sent, up to a limit.
#[derive(Debug)]
pub(crate) struct Tape {
    pieces: Vec<Bytes>,
    /// What came last, in pieces too small to be kept one by one.
    crumbs: BytesMut,
    length: usize,
    limit: usize,
}

impl Tape {
    /// A tape as long as an answer with this status is worth keeping.
    pub(crate) fn for_answer(status: StatusCode, to_a_turn: bool) -> Self {
        let limit = match (status.is_success(), to_a_turn) {
            (true, true) => LONGEST_ANSWER,
            (true, false) => 0,
            (false, _) => LONGEST_ERROR,
        };
        Self { pieces: Vec::new(), crumbs: BytesMut::new(), length: 0, limit }
    }

    /// One piece more. The piece that passes the limit is dropped, and all after it.
    pub(crate) fn take(&mut self, piece: &Bytes) {
        let fits = self.is_whole() && piece.len() <= self.limit - self.length;
        self.length = self.length.saturating_add(piece.len());
        if fits {
            self.keep(piece);
        }
    }

    /// A provider may send each byte by itself: such pieces are put together, or what they are kept in would be many times as large.
    fn keep(&mut self, piece: &Bytes) {
        if piece.len() < CRUMB {
            self.crumbs.extend_from_slice(piece);
            if self.crumbs.len() >= GATHERED {
                self.gather();
            }
        } else {
            self.gather();
            self.pieces.push(piece.clone());
        }
    }

    fn gather(&mut self) {
        if !self.crumbs.is_empty() {
            self.pieces.push(self.crumbs.split().freeze());
        }
    }

    /// All that was kept, in order.
    fn pieces(&mut self) -> &mut Vec<Bytes> {
        self.gather();
        &mut self.pieces
    }

    fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.crumbs.is_empty()
    }

    fn is_whole(&self) -> bool {
        self.length <= self.limit
    }
}

/// An answer that has passed.
pub(crate) struct Examination {
    pub(crate) capture: Capture,
    pub(crate) status: StatusCode,
    pub(crate) headers: Telling,
    pub(crate) tape: Tape,
    /// Whether the answer has yet to show, as a stream does with its first event, that the token was accepted.
    pub(crate) awaits_proof: bool,
    /// What was heard of the first event meanwhile.
    pub(crate) events: Splitter,
}

impl Examination {
    /// A piece of it passed.
    pub(crate) fn hear(&mut self, piece: &Bytes) {
        self.tape.take(piece);
        // A compressed one can be read only when it is over.
        if self.awaits_proof && self.tape.length <= QUICKLY_EXAMINED && self.headers.encoding().is_none() {
            self.weigh(piece);
        }
    }

    /// The first whole event that is no error is proof, and it is told at once: an answer may take long.
    fn weigh(&mut self, piece: &[u8]) {
        if completes_an_event(&mut self.events, piece) {
            self.awaits_proof = false;
            let heard = self.tape.pieces().concat();
            if self.class(&heard) == Class::Ok {
                self.capture.tell(Class::Ok, self.status.as_u16());
            }
        }
    }

    /// Examines, at once or beside this thread, and tells.
    pub(crate) fn hold(self, ending: Ending) {
        if !self.takes_long() {
            return self.conclude(ending);
        }
        let due = Due(Some((self, ending)));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn_blocking(move || drop(due)));
        }
    }

    fn takes_long(&self) -> bool {
        self.tape.length > QUICKLY_EXAMINED && !self.tape.is_empty()
    }

    fn conclude(mut self, ending: Ending) {
        let pieces = std::mem::take(self.tape.pieces());
        let whole = joined(&pieces);
        let encoding = self.headers.encoding().map(str::to_owned);
        let plain = encoding::decoded_so_far(encoding.as_deref(), &whole, 2 * LONGEST_ANSWER)
            .unwrap_or(Cow::Borrowed(b""));
        self.judge(&plain);
        self.tell_of_call(&plain);
        let answered = self.answered(&plain, ending);
        let ending = ending.after(answered.as_ref());
        self.settle(answered, ending);
        if self.status.is_success() && ending == Ending::Whole {
            let small = copied_if_small(&whole);
            self.record(small.unwrap_or(pieces), encoding);
        }
    }

    /// An error says what it says of the token; so does an error within an accepted answer.
    fn judge(&self, plain: &[u8]) {
        let class = self.class(plain);
        let proves = self.awaits_proof && completes_an_event(&mut Splitter::default(), plain);
        if class != Class::Ok || proves {
            self.capture.tell(class, self.status.as_u16());
        }
    }

    /// What an answer cost is read here only for those who hear of each call; the record reads it again, in its own time.
    fn tell_of_call(&self, plain: &[u8]) {
        if !self.capture.edge.metrics.tells_of_calls() {
            return;
        }
        let reads = self.status.is_success() && self.tape.is_whole() && !plain.is_empty();
        let dialect = self.capture.sent.route.dialect.filter(|_| reads);
        let usage = dialect.map(|dialect| dialect::answered(dialect, plain).usage);
        self.capture.called(self.class(plain), self.status.as_u16(), usage);
    }

    fn class(&self, plain: &[u8]) -> Class {
        let header = |name: &str| self.headers.get(name);
        let (provider, status) = (self.capture.sent.route.provider, self.status.as_u16());
        classify::classify(provider, status, header, plain, self.capture.edge.today())
    }

    /// Tells the conversation whether it went on.
    fn settle(&mut self, answered: Option<Answered>, ending: Ending) {
        let Some(claim) = self.capture.who.claim.take() else { return };
        match answered {
            _ if !self.status.is_success() || self.tape.length == 0 => claim.failed(),
            Some(answered)
                if ending == Ending::Whole && (answered.stop.is_some() || answered.is_to_come()) =>
            {
                claim.answered(answered.message.as_ref().map(Message::digest), answered.names());
            }
            Some(Answered { message: None, .. }) => claim.failed(),
            Some(Answered { error: Some(_), .. }) => claim.withdrawn(),
            _ => claim.lost(),
        }
    }

    /// What the answer says; none when nobody here can tell, or asks.
    fn answered(&self, plain: &[u8], ending: Ending) -> Option<Answered> {
        let dialect = self.capture.sent.route.dialect?;
        let asked_for = self.capture.who.claim.is_some() || ending == Ending::Broken;
        (asked_for && self.tape.is_whole() && !plain.is_empty()).then(|| dialect::answered(dialect, plain))
    }

    fn record(self, pieces: Vec<Bytes>, encoding: Option<String>) {
        if self.tape.is_whole() {
            self.capture.record(pieces, encoding);
        } else if self.capture.sent.route.dialect.is_some() {
            self.capture.edge.metrics.turn_shed();
        }
    }
}

/// An examination that is held when this is dropped: a runtime that ends drops what it has not begun.
struct Due(Option<(Examination, Ending)>);

impl Drop for Due {
    fn drop(&mut self) {
        if let Some((examination, ending)) = self.0.take() {
            examination.conclude(ending);
        }
    }
}

/// All pieces in one; most answers that are no stream have only one.
fn joined(pieces: &[Bytes]) -> Cow<'_, [u8]> {
    match pieces {
        [piece] => Cow::Borrowed(piece),
        pieces => Cow::Owned(pieces.concat()),
    }
}

fn copied_if_small(answer: &[u8]) -> Option<Vec<Bytes>> {
    (answer.len() <= SMALL).then(|| vec![Bytes::copy_from_slice(answer)])
}

static TELLING: LazyLock<Vec<HeaderName>> = LazyLock::new(|| {
    classify::HEADERS.map(HeaderName::from_static).into_iter().chain([CONTENT_ENCODING]).collect()
});

/// What of an answer's headers an examination looks at.
pub(crate) struct Telling(Vec<(&'static str, HeaderValue)>);

impl Telling {
    /// Of these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let said = |name: &'static HeaderName| Some((name.as_str(), headers.get(name)?.clone()));
        Self(TELLING.iter().filter_map(said).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| *known == name)?;
        value.to_str().ok()
    }

    /// How the answer is encoded, if at all.
    fn encoding(&self) -> Option<&str> {
        self.get(CONTENT_ENCODING.as_str())
    }
}

/// Whether a piece of a stream completes an event; nothing is read behind the first.
fn completes_an_event(events: &mut Splitter, piece: &[u8]) -> bool {
    let mut lines = piece.split_inclusive(|byte| b"\r\n".contains(byte));
    lines.any(|line| !events.push(line).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_event_is_whole_with_the_same_byte_however_the_stream_is_cut(
            stream in "(:|data: x|event: y|\r|\n|\r\n){0,12}",
            cut in 1_usize..6,
        ) {
            let whole_at = |size: usize| {
                let mut events = Splitter::default();
                let at = stream.as_bytes().chunks(size).position(|piece| completes_an_event(&mut events, piece));
                at.map(|at| at * size)
            };
            let (byte, piece) = (whole_at(1), whole_at(cut));
            prop_assert_eq!(byte.map(|byte| byte / cut * cut), piece);
        }
    }

    #[test]
    fn an_answer_in_single_bytes_is_kept_in_few_pieces_and_in_order() {
        let mut tape = Tape::for_answer(StatusCode::OK, true);
        let said: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
        let (first, rest) = said.split_at(150_000);
        first.chunks(1).for_each(|byte| tape.take(&Bytes::copy_from_slice(byte)));
        tape.take(&Bytes::copy_from_slice(&rest[..5000]));
        rest[5000..].chunks(7).for_each(|few| tape.take(&Bytes::copy_from_slice(few)));
        assert_eq!(tape.pieces().concat(), said);
        assert_eq!(tape.pieces().len(), 5, "two of 64 KiB and a rest, the large one, and what followed it");
    }

    #[test]
    fn a_tape_keeps_all_or_says_that_it_does_not() {
        let mut tape = Tape { limit: 4, ..Tape::for_answer(StatusCode::OK, true) };
        tape.take(&Bytes::from_static(b"abc"));
        tape.take(&Bytes::from_static(b"d"));
        assert!(tape.is_whole());
        tape.take(&Bytes::from_static(b"e"));
        tape.take(&Bytes::new());
        assert!(!tape.is_whole());
        assert_eq!(tape.pieces().concat(), b"abcd");
    }

    #[test]
    fn a_small_answer_that_waits_for_the_record_holds_no_buffer_of_a_connection() {
        let buffer = Bytes::from(vec![b'a'; 8 * 1024]);
        let pieces = [buffer.slice(..100), buffer.slice(100..SMALL)];
        let kept = copied_if_small(&joined(&pieces)).expect("it is small");
        drop(pieces);
        assert!(buffer.is_unique() && kept.concat() == buffer[..SMALL]);
        assert_eq!(copied_if_small(&buffer[..=SMALL]), None, "copying more costs more than it gives");
    }

    #[test]
    fn only_what_can_be_used_is_kept() {
        let limit = |status, turn| Tape::for_answer(StatusCode::from_u16(status).unwrap(), turn).limit;
        assert_eq!(limit(200, true), LONGEST_ANSWER);
        assert_eq!(limit(200, false), 0);
        assert_eq!((limit(401, false), limit(529, true)), (LONGEST_ERROR, LONGEST_ERROR));
    }
}
