//! Bodies: the upload cut into slices without copying, the download under a watchdog.

use std::{
    cell::Cell,
    convert::Infallible,
    iter,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_http::body::SizedStream;
use bytes::{Bytes, BytesMut};
use futures_core::{Stream, future::Future as _, stream::LocalBoxStream};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, Sleep, sleep, timeout_at};

use super::{Fault, Phase, StatusCode};

/// A body as it comes: chunks as received, `None` when it is complete, or one `Err` and then `None` for ever.
pub type Body = LocalBoxStream<'static, Result<Bytes, Fault>>;

/// The client copies what it is given into its write buffer: a slice at a time, not a whole prompt.
const SLICE: usize = 64 * 1024;

/// Reads a body whole.
///
/// # Errors
/// The body's own fault, or [`Fault::TooLarge`] as soon as more than `limit` bytes have come.
pub async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Fault> {
    let mut whole = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        if chunk.len() > limit - whole.len() {
            return Err(Fault::TooLarge { limit });
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

/// A request's body with its length known, so that it is not sent chunked. A slice is asked for once the one before has gone out.
pub(super) fn upload(
    body: Bytes,
    progress: Progress,
) -> SizedStream<impl Stream<Item = Result<Bytes, Infallible>>> {
    let length = body.len() as u64;
    SizedStream::new(length, stream::iter(slices(body).inspect(move |_| progress.is_made()).map(Ok)))
}

/// When a piece of a request last went out. What the system still holds back of it counts as gone.
#[derive(Clone, Debug)]
pub(super) struct Progress(Rc<Cell<Instant>>);

impl Progress {
    /// From now on.
    pub(super) fn begun() -> Self {
        Self(Rc::new(Cell::new(Instant::now())))
    }

    /// A piece went out.
    pub(super) fn is_made(&self) {
        self.0.set(Instant::now());
    }

    /// What comes of `exchange`; nothing if it takes longer than `limit` from the last piece on.
    pub(super) async fn within<T>(&self, limit: Duration, exchange: impl Future<Output = T>) -> Option<T> {
        let mut exchange = pin!(exchange);
        loop {
            let last = self.0.get();
            match timeout_at(last + limit, exchange.as_mut()).await {
                Ok(outcome) => return Some(outcome),
                Err(_) if self.0.get() == last => return None,
                Err(_) => {}
            }
        }
    }
}

fn slices(mut rest: Bytes) -> impl Iterator<Item = Bytes> {
    iter::from_fn(move || (!rest.is_empty()).then(|| rest.split_to(rest.len().min(SLICE))))
}

/// An answer that cannot have a body gets none, whatever length its head claims: awc would wait for it for ever.
pub(super) fn of<S, E>(status: StatusCode, watched: Watched<S>) -> Body
where
    S: Stream<Item = Result<Bytes, E>> + Unpin + 'static,
    E: 'static,
    for<'e> Fault: From<&'e E>,
{
    match status {
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => stream::empty().boxed_local(),
        _ => watched.boxed_local(),
    }
}

/// A download that gives up when nothing comes for `limit` while somebody waits for it.
pub(super) struct Watched<S> {
    /// `None` once it has ended, so that its connection is closed and no error is said twice.
    source: Option<S>,
    limit: Duration,
    /// Set when somebody first has to wait, which is never where an answer is there as a whole.
    alarm: Option<Pin<Box<Sleep>>>,
    /// The clock runs only while the reader waits: a reader who is slow himself is not the provider's fault.
    waiting: bool,
}

impl<S> Watched<S> {
    pub(super) fn new(source: S, limit: Duration) -> Self {
        Self { source: Some(source), limit, alarm: None, waiting: false }
    }

    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<Fault> {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(self.limit)));
        if !self.waiting {
            self.waiting = true;
            alarm.as_mut().reset(Instant::now() + self.limit);
        }
        alarm.as_mut().poll(context).map(|()| Fault::TimedOut { phase: Phase::BetweenBytes })
    }

    fn end(&mut self, fault: Option<Fault>) -> Poll<Option<Result<Bytes, Fault>>> {
        self.source = None;
        Poll::Ready(fault.map(Err))
    }
}

impl<S, E> Stream for Watched<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    for<'e> Fault: From<&'e E>,
{
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(source) = self.source.as_mut() else { return Poll::Ready(None) };
        match source.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(chunk))) => {
                self.waiting = false;
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(Some(Err(error))) => self.end(Some(Fault::from(&error))),
            Poll::Ready(None) => self.end(None),
            Poll::Pending => match self.poll_alarm(context) {
                Poll::Ready(fault) => self.end(Some(fault)),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use actix_http::{body::MessageBody as _, error::PayloadError};
    use futures_util::{future::poll_fn, stream::BoxStream};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(600);
    const CHUNK: Bytes = Bytes::from_static(b"chunk");

    /// A chunk after each of `pauses` (in seconds), then silence.
    fn pausing(pauses: &'static [u64]) -> Watched<BoxStream<'static, Result<Bytes, PayloadError>>> {
        let chunks = stream::iter(pauses).then(|&pause| async move {
            sleep(Duration::from_secs(pause)).await;
            Ok(CHUNK)
        });
        Watched::new(chunks.chain(stream::pending()).boxed(), LIMIT)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_awaited_from_the_last_piece_of_the_request_on() {
        let (begun, progress) = (Instant::now(), Progress::begun());
        let mut upload = Box::pin(upload(Bytes::from(vec![7; 4 * SLICE]), progress.clone()));
        let exchange = async {
            while poll_fn(|context| upload.as_mut().poll_next(context)).await.is_some() {
                sleep(LIMIT - Duration::from_secs(1)).await;
            }
            sleep(Duration::MAX).await;
        };
        assert_eq!(progress.within(LIMIT, exchange).await, None);
        assert_eq!(begun.elapsed().as_secs(), 3 * (LIMIT.as_secs() - 1) + LIMIT.as_secs());
        assert_eq!(Progress::begun().within(LIMIT, async { "at once" }).await, Some("at once"));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_one_error_at_the_limit_and_then_the_end() {
        let begun = Instant::now();
        let mut body = pausing(&[0, 0, 0]);
        for _ in 0..3 {
            assert_eq!(body.next().await, Some(Ok(CHUNK)));
        }
        assert_eq!(body.next().await, Some(Err(Fault::TimedOut { phase: Phase::BetweenBytes })));
        assert_eq!(begun.elapsed().as_secs(), LIMIT.as_secs());
        assert_eq!(body.next().await, None);
        assert_eq!(body.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn every_chunk_starts_the_clock_anew() {
        let mut body = pausing(&[599, 599, 599]);
        for _ in 0..3 {
            assert_eq!(body.next().await, Some(Ok(CHUNK)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_not_the_providers_fault() {
        let mut body = pausing(&[0, 1]);
        assert_eq!(body.next().await, Some(Ok(CHUNK)));
        sleep(2 * LIMIT).await;
        assert_eq!(body.next().await, Some(Ok(CHUNK)));
    }

    #[tokio::test]
    async fn an_error_is_said_once_even_if_its_source_repeats_it() {
        let failing = stream::repeat_with(|| Err(PayloadError::from(io::Error::other("gone"))));
        let mut body = Watched::new(failing.boxed(), LIMIT);
        assert_eq!(body.next().await, Some(Err(Fault::Cut)));
        assert_eq!(body.next().await, None);
    }

    #[tokio::test]
    async fn a_body_is_collected_up_to_the_limit_and_no_further() {
        let twice = || stream::iter([Ok(CHUNK), Ok(CHUNK)]).boxed_local();
        assert_eq!(collect(twice(), 10).await.unwrap(), "chunkchunk");
        assert_eq!(collect(twice(), 9).await, Err(Fault::TooLarge { limit: 9 }));
        let cut = stream::iter([Ok(CHUNK), Err(Fault::Cut)]).boxed_local();
        assert_eq!(collect(cut, 10).await, Err(Fault::Cut));
    }

    #[test]
    fn an_upload_is_cut_into_slices_of_the_same_memory() {
        let body = Bytes::from(vec![7; 2 * SLICE + 1]);
        let parts: Vec<Bytes> = slices(body.clone()).collect();
        assert_eq!(parts.iter().map(Bytes::len).collect::<Vec<_>>(), [SLICE, SLICE, 1]);
        assert_eq!(parts[1].as_ptr(), body[SLICE..].as_ptr());
    }
}
