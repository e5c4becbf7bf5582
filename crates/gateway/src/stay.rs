//! How many requests may be with the providers at once, and how long each may stay.
//!
//! Each request that waits for a provider or for a client costs memory and two connections. Beyond a number that is set, the
//! next is told to come again rather than let in to make all of them slower; and none stays for ever, not even one whose
//! client has stopped reading without leaving.

use crate::error::Refusal;
use crate::headers::length;
use actix_rt::task::JoinHandle;
use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt as _;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};
use upstream::transport::{Answer, Body, Fault, Phase};

const TOO_LONG: Fault = Fault::TimedOut { phase: Phase::Whole };

/// Lets a number of requests in and no more.
pub(crate) struct Bulkhead(Arc<Semaphore>);

/// The place of one request. Free again when this is dropped.
pub(crate) struct Place(#[expect(dead_code, reason = "holding it is its use")] OwnedSemaphorePermit);

impl Bulkhead {
    /// One with so many places.
    pub(crate) fn of(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
    }

    /// A place, if one is free. Nobody queues here: the client knows better how long it wants to wait.
    pub(crate) fn enter(&self) -> Result<Place, Refusal> {
        Arc::clone(&self.0).try_acquire_owned().map(Place).map_err(|_| Refusal::overloaded())
    }
}

/// What comes of `exchange`, which keeps `place` until its answer has ended or nobody wants it any more, and gives both up
/// after `limit`.
pub(crate) async fn within(
    limit: Duration,
    place: Place,
    exchange: impl Future<Output = Result<Answer, Fault>>,
) -> Result<Answer, Fault> {
    let end = Instant::now() + limit;
    let mut answer = timeout_at(end, exchange).await.unwrap_or(Err(TOO_LONG))?;
    let length = length(&answer.headers);
    answer.body = Stay::until(end, answer.body, length, place).boxed_local();
    Ok(answer)
}

/// An answer's body for as long as it may stay.
///
/// The end is kept by a task of its own: nobody asks for a body while its client does not read, and just then its connection
/// to the provider must not stay for ever. An answer that is there as a whole when it is first asked for, as most that are no
/// streams are, needs none.
struct Stay {
    hold: Rc<RefCell<Hold>>,
    /// What is still to come, where the provider said how much that is.
    remaining: Option<u64>,
    end: Instant,
    keeper: Option<JoinHandle<()>>,
}

enum Hold {
    Open {
        body: Body,
        /// Who waits for more of it.
        reader: Option<Waker>,
        _place: Place,
    },
    /// It stayed too long, and nobody was told yet.
    Expired,
    Over,
}

impl Stay {
    fn until(end: Instant, body: Body, length: Option<u64>, place: Place) -> Self {
        let hold = Rc::new(RefCell::new(Hold::Open { body, reader: None, _place: place }));
        Self { hold, remaining: length, end, keeper: None }
    }

    fn is_over(&self) -> bool {
        self.remaining == Some(0) || matches!(*self.hold.borrow(), Hold::Over)
    }

    fn keeper(&self) -> JoinHandle<()> {
        // Not its owner: what nobody wants any more goes at once.
        let (held, end) = (Rc::downgrade(&self.hold), self.end);
        actix_rt::spawn(async move {
            sleep_until(end).await;
            // What is given up here may wake others when it is dropped: not while it is borrowed.
            let Some(held) = held.upgrade() else { return };
            let given_up = held.replace(Hold::Expired);
            if let Hold::Open { reader: Some(reader), .. } = given_up {
                reader.wake();
            }
        })
    }
}

impl Hold {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        let piece = match self {
            Self::Open { body, reader, .. } => {
                // Nearly always the same as before, which then costs nothing.
                reader.get_or_insert_with(|| context.waker().clone()).clone_from(context.waker());
                ready!(body.poll_next_unpin(context))
            }
            Self::Expired => Some(Err(TOO_LONG)),
            Self::Over => None,
        };
        if !matches!(piece, Some(Ok(_))) {
            *self = Self::Over;
        }
        Poll::Ready(piece)
    }
}

impl Stream for Stay {
    type Item = Result<Bytes, Fault>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let piece = this.hold.borrow_mut().poll(context);
        if let Poll::Ready(Some(Ok(bytes))) = &piece {
            this.remaining = this.remaining.map(|remaining| remaining.saturating_sub(bytes.len() as u64));
        }
        if this.keeper.is_none() && !this.is_over() {
            this.keeper = Some(this.keeper());
        }
        piece
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::StatusCode;
    use actix_web::http::header::CONTENT_LENGTH;
    use futures_util::stream;
    use upstream::transport::HeaderMap;

    const LIMIT: Duration = Duration::from_secs(100);
    const PIECE: Bytes = Bytes::from_static(b"piece");

    fn answer(body: impl Stream<Item = Result<Bytes, Fault>> + 'static) -> Answer {
        Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: body.boxed_local() }
    }

    async fn admitted(bulkhead: &Bulkhead, answer: Answer) -> Answer {
        within(LIMIT, bulkhead.enter().unwrap(), async { Ok(answer) }).await.unwrap()
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn a_provider_that_never_answers_is_given_up_with_its_place() {
        let bulkhead = Bulkhead::of(1);
        let begun = Instant::now();
        let outcome = within(LIMIT, bulkhead.enter().unwrap(), std::future::pending()).await;
        assert_eq!(outcome.err(), Some(TOO_LONG));
        assert_eq!(begun.elapsed(), LIMIT);
        assert!(bulkhead.enter().is_ok());
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn an_answer_that_never_ends_is_cut_at_the_limit() {
        let bulkhead = Bulkhead::of(1);
        let endless = stream::repeat_with(|| Ok(PIECE)).then(|piece| async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            piece
        });
        let begun = Instant::now();
        let body = admitted(&bulkhead, answer(endless)).await.body;
        let pieces: Vec<_> = body.collect().await;
        assert_eq!((pieces.len(), pieces.last()), (12, Some(&Err(TOO_LONG))));
        assert_eq!(begun.elapsed(), LIMIT);
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn a_body_that_nobody_reads_is_let_go_at_the_limit() {
        let bulkhead = Bulkhead::of(1);
        let let_go = Rc::new(());
        let kept = Rc::clone(&let_go);
        let endless = stream::repeat_with(move || Ok(PIECE).inspect(|_| drop(Rc::clone(&kept))));
        let mut body = admitted(&bulkhead, answer(endless)).await.body;
        assert_eq!(body.next().await, Some(Ok(PIECE)));
        assert!(bulkhead.enter().is_err());
        tokio::time::sleep(2 * LIMIT).await;
        assert_eq!(Rc::strong_count(&let_go), 1, "the connection is closed");
        assert!(bulkhead.enter().is_ok(), "the place is free");
        assert_eq!(body.next().await, Some(Err(TOO_LONG)), "the client hears of it when it reads again");
        assert_eq!(body.next().await, None);
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn a_place_is_free_when_the_answer_has_ended_broke_off_or_is_not_wanted() {
        let bulkhead = Bulkhead::of(1);
        let mut whole = admitted(&bulkhead, answer(stream::empty())).await.body;
        assert_eq!(whole.next().await, None);
        let mut cut = admitted(&bulkhead, answer(stream::iter([Err(Fault::Cut)]))).await.body;
        assert_eq!(cut.next().await, Some(Err(Fault::Cut)));
        drop(admitted(&bulkhead, answer(stream::pending())).await);
        let failed = within(LIMIT, bulkhead.enter().unwrap(), async { Err(Fault::Cut) }).await;
        assert_eq!(failed.err(), Some(Fault::Cut));
        assert!(bulkhead.enter().is_ok());
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn an_answer_that_is_there_as_a_whole_needs_nobody_to_keep_its_end() {
        let keepers = async |announced: usize| {
            let mut answer = answer(stream::iter([Ok(PIECE)]));
            answer.headers.insert(CONTENT_LENGTH, announced.into());
            let mut body = admitted(&Bulkhead::of(1), answer).await.body;
            assert_eq!(body.next().await, Some(Ok(PIECE)));
            tokio::runtime::Handle::current().metrics().num_alive_tasks()
        };
        assert_eq!(keepers(PIECE.len()).await, 0);
        assert_eq!(keepers(PIECE.len() + 1).await, 1);
    }
}
