//! A client's body, gathered whole before it goes on: so that it can be sent again on a stale connection, and be read aside.
//!
//! Bodies are large and clients are near, so a body that only trickles is an attack or a broken connection. It may not hold
//! memory and a connection for ever: see [`Pace`].

use crate::error::Refusal;
use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_LENGTH;
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
/// How much room is made at once on a client's word.
const TRUSTED: usize = 1024 * 1024;

/// The body of `request`, of at most `limit` bytes.
///
/// # Errors
/// A refusal for the client, as soon as it is clear: by the announced length before the first byte.
pub(crate) async fn gathered<E>(
    request: &HttpRequest,
    mut payload: impl Stream<Item = Result<Bytes, E>> + Unpin,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let announced = announced(request);
    if announced > limit {
        return Err(Refusal::too_large(limit));
    }
    let mut body = BytesMut::with_capacity(announced.min(TRUSTED));
    let mut pace = Pace::from(Instant::now());
    while let Some(chunk) = next(&mut payload, &pace).await? {
        if chunk.len() > limit - body.len() {
            return Err(Refusal::too_large(limit));
        }
        body.extend_from_slice(&chunk);
        pace.came(chunk.len(), Instant::now());
    }
    Ok(body.freeze())
}

async fn next<E>(
    payload: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    pace: &Pace,
) -> Result<Option<Bytes>, Refusal> {
    let chunk = timeout_at(pace.deadline(), payload.next()).await.map_err(|_| pace.refusal())?;
    chunk.transpose().map_err(|_| Refusal::upload_broken())
}

fn announced(request: &HttpRequest) -> usize {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or_default()
}

/// How a body has come so far, and until when the next piece must be here.
struct Pace {
    begun: Instant,
    last: Instant,
    received: usize,
}

impl Pace {
    fn from(now: Instant) -> Self {
        Self { begun: now, last: now, received: 0 }
    }

    fn came(&mut self, bytes: usize, now: Instant) {
        self.received += bytes;
        self.last = now;
    }

    fn deadline(&self) -> Instant {
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
    fn refusal(&self) -> Refusal {
        if self.silent_until() <= self.slow_until() {
            return Refusal::upload_stalled(SILENCE);
        }
        Refusal::upload_too_slow(self.received, self.slow_until() - self.begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use futures_util::stream;

    type Chunk = Result<Bytes, ()>;

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
        gathered(&request, stream::iter(chunks), limit).await.map_err(|refusal| refusal.code)
    }

    fn ok(text: &'static str) -> Chunk {
        Ok(Bytes::from_static(text.as_bytes()))
    }

    #[actix_web::test]
    async fn a_body_up_to_the_limit_is_gathered_and_a_byte_more_is_not() {
        assert_eq!(gather(None, vec![ok("ab"), ok("cd")], 4).await.unwrap(), "abcd");
        assert_eq!(gather(None, vec![ok("ab"), ok("cd")], 3).await, Err("body_too_large"));
    }

    #[actix_web::test]
    async fn too_long_an_announcement_is_refused_before_a_byte_is_read() {
        let request = TestRequest::post().insert_header((CONTENT_LENGTH, 5)).to_http_request();
        let refused = gathered(&request, stream::pending::<Chunk>(), 4).await;
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
        let refused = gathered(&request, stream::iter([ok("a")]).chain(stream::pending()), 9).await;
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
        let body = gathered(&request, chunks, usize::MAX).await;
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
