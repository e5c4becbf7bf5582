//! A client's body, gathered whole before it goes on: so that it can be sent again on a stale connection, and be read aside.
//!
//! Bodies are large and clients are near, so a body that only trickles is an attack or a broken connection. It may not hold
//! memory and a connection for ever: see [`Pace`]. Nor may it hold more memory than it has bytes, see [`Gathered`].

use crate::error::Refusal;
use crate::headers::length;
use crate::reserve::Share;
use actix_web::http::header::HeaderMap;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::StreamExt as _;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a client may be silent within a body. Agents send theirs in one go.
const SILENCE: Duration = Duration::from_secs(60);
/// How long a whole body may take: 64 MiB at a megabit a second.
const WHOLE_WITHIN: Duration = Duration::from_secs(600);
/// How long a body may take before its rate counts.
const GRACE: Duration = Duration::from_secs(60);
/// The fewest bytes a second, on average behind the grace; a modem is quicker.
const SLOWEST: u32 = 1024;
/// How much room is made at once on a client's word, in bytes, before some of it has come.
const TRUSTED: usize = 1024 * 1024;
/// How much room is made at once for a body whose length nobody announced, in bytes.
const MOST_ROOM: usize = 4 * 1024 * 1024;

/// The body of a request with these headers, of at most `limit` bytes, as long as its `share` of what all bodies may hold can grow with it.
///
/// # Errors
/// A refusal for the client, as soon as it is clear: by the announced length before the first byte.
pub(crate) async fn gathered<E>(
    headers: &HeaderMap,
    mut payload: impl Stream<Item = Result<Bytes, E>> + Unpin,
    limit: usize,
    share: &mut Share,
) -> Result<Bytes, Refusal> {
    let announced = length(headers).and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    if announced > limit {
        return Err(Refusal::too_large(limit));
    }
    let mut body = Gathered::announced(announced);
    let mut pace = Pace::from(Instant::now());
    while let Some(chunk) = next(&mut payload, &pace).await? {
        if chunk.len() > limit - body.length {
            return Err(Refusal::too_large(limit));
        }
        share.grow_to(body.length + chunk.len())?;
        body.take(&chunk);
        pace.came(chunk.len(), Instant::now());
    }
    Ok(body.whole())
}

/// A body so far. A body of unknown length is not moved into larger and larger room, for which both would have to be there at
/// once: what comes goes into room of its own, and only a body that has come to its end is put together.
struct Gathered {
    full: Vec<Bytes>,
    room: BytesMut,
    length: usize,
    announced: usize,
}

impl Gathered {
    fn announced(announced: usize) -> Self {
        Self { full: Vec::new(), room: BytesMut::with_capacity(announced.min(TRUSTED)), length: 0, announced }
    }

    fn take(&mut self, chunk: &[u8]) {
        let (fits, rest) = chunk.split_at(chunk.len().min(self.room.capacity() - self.room.len()));
        self.room.extend_from_slice(fits);
        self.length += fits.len();
        if !rest.is_empty() {
            self.more_room_for(rest.len());
            self.room.extend_from_slice(rest);
            self.length += rest.len();
        }
    }

    /// For all that was announced, now that some of it has come; else for as much again as there is.
    fn more_room_for(&mut self, bytes: usize) {
        let outstanding = self.announced.saturating_sub(self.length);
        if outstanding >= bytes {
            return self.room.reserve(outstanding);
        }
        let room = BytesMut::with_capacity(self.length.min(MOST_ROOM).max(bytes));
        let full = std::mem::replace(&mut self.room, room).freeze();
        self.full.extend((!full.is_empty()).then_some(full));
    }

    fn whole(mut self) -> Bytes {
        if self.full.is_empty() {
            return self.room.freeze();
        }
        self.full.push(self.room.freeze());
        self.full.concat().into()
    }
}

async fn next<E>(
    payload: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    pace: &Pace,
) -> Result<Option<Bytes>, Refusal> {
    let chunk = timeout_at(pace.deadline(), payload.next()).await.map_err(|_| pace.refusal())?;
    chunk.transpose().map_err(|_| Refusal::upload_broken())
}

/// How a body has come so far, and until when the next piece must be here.
pub(crate) struct Pace {
    begun: Instant,
    last: Instant,
    received: usize,
}

impl Pace {
    pub(crate) fn from(now: Instant) -> Self {
        Self { begun: now, last: now, received: 0 }
    }

    pub(crate) fn came(&mut self, bytes: usize, now: Instant) {
        self.received += bytes;
        self.last = now;
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.silent_until().min(self.slow_until())
    }

    fn silent_until(&self) -> Instant {
        self.last + SILENCE
    }

    /// When the whole is too late, or what came so far is too little for the time it took.
    fn slow_until(&self) -> Instant {
        let earned = Duration::from_secs_f64(self.received as f64 / f64::from(SLOWEST));
        self.begun + (GRACE + earned).min(WHOLE_WITHIN)
    }

    /// Why a client whose next piece missed the deadline is given up.
    pub(crate) fn refusal(&self) -> Refusal {
        if self.silent_until() <= self.slow_until() {
            return Refusal::upload_stalled(SILENCE);
        }
        Refusal::upload_too_slow(self.received, self.slow_until() - self.begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reserve::Reserve;
    use actix_web::http::header::CONTENT_LENGTH;
    use actix_web::test::TestRequest;
    use futures_util::stream;

    type Chunk = Result<Bytes, ()>;

    fn unshared() -> Share {
        Reserve::of(1, usize::MAX).share()
    }

    async fn gather(
        announced: Option<usize>,
        chunks: Vec<Chunk>,
        limit: usize,
    ) -> Result<Bytes, &'static str> {
        let mut request = TestRequest::post();
        if let Some(length) = announced {
            request = request.insert_header((CONTENT_LENGTH, length));
        }
        let request = request.to_http_request();
        gathered(request.headers(), stream::iter(chunks), limit, &mut unshared())
            .await
            .map_err(|refusal| refusal.code)
    }

    fn ok(text: &'static str) -> Chunk {
        Ok(Bytes::from_static(text.as_bytes()))
    }

    #[actix_web::test]
    async fn a_body_up_to_the_limit_is_gathered_and_a_byte_more_is_not() {
        assert_eq!(gather(None, vec![ok("ab"), ok("cd")], 4).await.unwrap(), "abcd");
        assert_eq!(gather(None, vec![ok("ab"), ok("cd")], 3).await, Err("body_too_large"));
    }

    /// What lies in which room, when these chunks have come.
    fn rooms(announced: usize, chunks: &[usize]) -> (Vec<usize>, usize) {
        let text: Vec<u8> = (0..chunks.iter().sum()).map(|at: usize| (at % 251) as u8).collect();
        let (mut body, mut rest) = (Gathered::announced(announced), &text[..]);
        for length in chunks {
            let (chunk, later) = rest.split_at(*length);
            body.take(chunk);
            rest = later;
        }
        let (full, capacity) = (body.full.iter().map(Bytes::len).collect(), body.room.capacity());
        assert_eq!(body.whole(), text);
        (full, capacity)
    }

    #[test]
    fn a_body_of_known_length_lies_in_one_room_that_is_no_larger_once_some_of_it_has_come() {
        assert_eq!(rooms(5, &[2, 3]), (vec![], 5));
        assert_eq!(rooms(9 * TRUSTED, &[]), (vec![], TRUSTED));
        assert_eq!(rooms(9 * TRUSTED, &[TRUSTED - 1, 2, 4 * TRUSTED]), (vec![], 9 * TRUSTED));
    }

    #[test]
    fn a_body_of_unknown_length_never_needs_its_room_twice_before_its_end() {
        let chunk = 1024 * 1024;
        assert_eq!(rooms(0, &[chunk]), (vec![], chunk));
        assert_eq!(rooms(0, &[chunk; 9]), ([1, 1, 2, 4].map(|mib| mib * chunk).to_vec(), MOST_ROOM));
        assert_eq!(rooms(0, &[3, 1, 9]), (vec![3, 3], 7));
    }

    #[actix_web::test]
    async fn too_long_an_announcement_is_refused_before_a_byte_is_read() {
        let request = TestRequest::post().insert_header((CONTENT_LENGTH, 5)).to_http_request();
        let refused = gathered(request.headers(), stream::pending::<Chunk>(), 4, &mut unshared()).await;
        assert_eq!(refused, Err(Refusal::too_large(4)));
    }

    #[actix_web::test]
    async fn a_body_that_breaks_off_is_not_sent_on() {
        assert_eq!(gather(None, vec![ok("ab"), Err(())], 9).await, Err("upload_broken"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_falls_silent_within_its_body_is_given_up() {
        let request = TestRequest::post().to_http_request();
        let begun = tokio::time::Instant::now();
        let refused =
            gathered(request.headers(), stream::iter([ok("a")]).chain(stream::pending()), 9, &mut unshared())
                .await;
        assert_eq!(refused.map_err(|refusal| refusal.code), Err("upload_stalled"));
        assert_eq!(begun.elapsed(), SILENCE);
    }

    /// So many bytes each second, for longer than any body may take.
    fn dribbling(bytes: u32) -> impl Stream<Item = Chunk> + Unpin {
        Box::pin(stream::unfold((), move |()| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok(Bytes::from(vec![b'x'; bytes as usize])), ()))
        }))
        .take(2 * WHOLE_WITHIN.as_secs() as usize)
    }

    async fn gather_all(
        chunks: impl Stream<Item = Chunk> + Unpin,
    ) -> (Result<usize, &'static str>, Duration) {
        let request = TestRequest::post().to_http_request();
        let begun = Instant::now();
        let body = gathered(request.headers(), chunks, usize::MAX, &mut unshared()).await;
        (body.map(|body| body.len()).map_err(|refusal| refusal.code), begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_a_byte_a_second_is_given_up_soon_after_the_grace() {
        let (refused, taken) = gather_all(dribbling(1)).await;
        assert_eq!(refused, Err("upload_too_slow"));
        assert!((GRACE..GRACE + Duration::from_secs(1)).contains(&taken), "{taken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_just_quick_enough_is_heard_to_its_end() {
        let (body, taken) = gather_all(dribbling(SLOWEST).take(500)).await;
        assert_eq!((body, taken), (Ok(500 * SLOWEST as usize), Duration::from_secs(500)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_quick_enough_but_never_ends_is_given_up_at_the_deadline() {
        assert_eq!(gather_all(dribbling(2 * SLOWEST)).await, (Err("upload_too_slow"), WHOLE_WITHIN));
    }
}
