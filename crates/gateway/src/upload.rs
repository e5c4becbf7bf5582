//! A client's body, gathered whole before it goes on: so that it can be sent again on a stale connection, and be read aside.

use crate::error::Refusal;
use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::StreamExt as _;
use std::time::Duration;
use tokio::time::timeout;

/// How long a client may be silent within a body. Agents send theirs in one go.
const SILENCE: Duration = Duration::from_secs(60);
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
    while let Some(chunk) = next(&mut payload).await? {
        if chunk.len() > limit - body.len() {
            return Err(Refusal::too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

async fn next<E>(
    payload: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
) -> Result<Option<Bytes>, Refusal> {
    let chunk = timeout(SILENCE, payload.next()).await.map_err(|_| Refusal::upload_stalled(SILENCE))?;
    chunk.transpose().map_err(|_| Refusal::upload_broken())
}

fn announced(request: &HttpRequest) -> usize {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or_default()
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
}
