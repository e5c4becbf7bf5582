//! A client's connection, and how long it may be kept while nothing is under way on it.
//!
//! actix-web limits the time of a connection's first head only: the head of a later request could come a byte an hour. So both
//! limits of a connection on which nothing is under way are kept here, below actix-web: one for the rest of a head that has begun, and
//! one for the next head to begin. While a request is with the app or its answer is being sent neither counts; what limits those is
//! elsewhere.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// What a client hears that takes too long for a head (RFC 9110, 15.5.9).
const TOO_LATE: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How long a connection is kept on which nothing is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For a head, from its first byte to its last.
    pub(super) head: Duration,
    /// For the next head to begin, from the end of the last answer or from the beginning of the connection.
    pub(super) idle: Duration,
}

/// What is going on on a connection. Shared by the connection, which sees the bytes, and the app, which knows what they mean.
pub(super) struct Progress {
    stage: Cell<Stage>,
    limits: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A head has begun, and has until then.
    Head(Instant),
    /// A request is with the app, or its answer is being sent.
    UnderWay,
    /// The next head may begin until then.
    Idle(Instant),
}

impl Progress {
    fn opened(limits: Limits) -> Rc<Self> {
        Rc::new(Self { stage: Cell::new(Stage::Idle(Instant::now() + limits.idle)), limits })
    }

    /// A request is whole, or its head is: it is under way until what this returns is dropped.
    pub(super) fn begun(self: &Rc<Self>) -> UnderWay {
        self.stage.set(Stage::UnderWay);
        UnderWay(Rc::clone(self))
    }

    /// Something came from the client. Was it in time?
    fn heard(&self) -> bool {
        match self.stage.get() {
            Stage::UnderWay => true,
            Stage::Head(until) => Instant::now() <= until,
            Stage::Idle(_) => {
                self.stage.set(Stage::Head(Instant::now() + self.limits.head));
                true
            }
        }
    }

    /// When the patience with the client ends, if it is the client who is waited for.
    fn due(&self) -> Option<Instant> {
        match self.stage.get() {
            Stage::UnderWay => None,
            Stage::Head(until) | Stage::Idle(until) => Some(until),
        }
    }
}

/// A request that is with the app, or whose answer is being sent.
pub(super) struct UnderWay(Rc<Progress>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.stage.set(Stage::Idle(Instant::now() + self.0.limits.idle));
    }
}

/// See the module.
pub(super) struct Connection<S> {
    stream: S,
    progress: Rc<Progress>,
    /// Neither set for each head nor stopped when one is whole: it goes off once in a while, and the connection is looked at.
    /// It is never off, because nobody asks for bytes when an answer ends, and the time of the next request counts from there.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Is anything of what the app said still to be written?
    saying: bool,
}

impl<S: AsyncWrite + Unpin> Connection<S> {
    /// One that was just opened.
    pub(super) fn opened(stream: S, limits: Limits) -> Self {
        Self { stream, progress: Progress::opened(limits), alarm: None, saying: false }
    }

    /// What is going on on it.
    pub(super) fn progress(&self) -> &Rc<Progress> {
        &self.progress
    }

    #[cfg(test)]
    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    /// There is nothing to do but to wait: an error once that was too long.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let (due, longest) = (self.progress.due(), self.progress.limits.idle);
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(longest)));
        if let Some(due) = due.filter(|due| *due < alarm.deadline()) {
            alarm.as_mut().reset(due);
        }
        while alarm.as_mut().poll(context).is_ready() {
            match due {
                Some(due) if due <= alarm.deadline() => return Poll::Ready(self.given_up(context)),
                Some(due) => alarm.as_mut().reset(due),
                None => alarm.as_mut().reset(Instant::now() + longest),
            }
        }
        Poll::Pending
    }

    /// The client is told, if it has begun to ask and has heard everything before.
    fn given_up(&mut self, context: &mut Context<'_>) -> io::Error {
        let asking = matches!(self.progress.stage.get(), Stage::Head(_));
        let told = asking && !self.saying && {
            let told = Pin::new(&mut self.stream).poll_write(context, TOO_LATE);
            matches!(told, Poll::Ready(Ok(_)))
        };
        tracing::debug!(asking, told, "a client was waited for too long");
        io::ErrorKind::TimedOut.into()
    }

    fn or_wait<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_pending() {
            return self.wait(context).map(Err);
        }
        outcome
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        // Also when there is always something to read: nobody would ever wait then.
        if buffer.filled().len() > before && !self.progress.heard() {
            return Poll::Ready(Err(self.given_up(context)));
        }
        self.or_wait(context, read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.saying = true;
        let written = Pin::new(&mut self.stream).poll_write(context, data);
        self.or_wait(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.saying &= !matches!(flushed, Poll::Ready(Ok(())));
        self.or_wait(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.stream).poll_shutdown(context);
        self.or_wait(context, closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::timeout;

    const LIMITS: Limits = Limits { head: Duration::from_secs(15), idle: Duration::from_secs(75) };
    /// What a connection of these tests takes before somebody has to read.
    const ROOM: usize = 256;

    fn pair() -> (Connection<DuplexStream>, DuplexStream) {
        let (ours, client) = duplex(ROOM);
        (Connection::opened(ours, LIMITS), client)
    }

    /// The same after a first answer.
    fn kept() -> (Connection<DuplexStream>, DuplexStream) {
        let (connection, client) = pair();
        drop(connection.progress().begun());
        (connection, client)
    }

    /// What comes of `future`, which is certainly over after a day.
    async fn bounded<T>(future: impl Future<Output = T>) -> T {
        timeout(Duration::from_secs(86_400), future).await.expect("it is over")
    }

    /// Says a byte each second, and gives what was answered.
    async fn dribble(mut client: DuplexStream) -> String {
        let (mut heard, mut byte) = (Vec::new(), [0]);
        loop {
            tokio::select! {
                read = client.read(&mut byte) => match read {
                    Ok(1) => heard.extend_from_slice(&byte),
                    _ => return String::from_utf8(heard).unwrap(),
                },
                () = sleep(Duration::from_secs(1)) => client.write_all(b"x").await.unwrap(),
            }
        }
    }

    /// Reads until the connection is given up, and gives how long that took.
    async fn given_up(mut connection: Connection<DuplexStream>) -> Duration {
        let begun = Instant::now();
        loop {
            match bounded(connection.read(&mut [0; 1])).await {
                Ok(length) => assert_eq!(length, 1, "the client stays"),
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                    return begun.elapsed();
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_head_that_only_dribbles_is_answered_with_408_in_time() {
        for opened in [pair, kept] {
            let (connection, client) = opened();
            sleep(LIMITS.head * 4).await;
            let (took, heard) = tokio::join!(given_up(connection), dribble(client));
            assert_eq!((took, heard.as_bytes()), (Duration::from_secs(1) + LIMITS.head, TOO_LATE));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_nothing_or_nothing_more_is_let_go_without_a_word() {
        for opened in [pair, kept] {
            let ((connection, mut client), mut heard) = (opened(), Vec::new());
            let (took, _) = tokio::join!(given_up(connection), client.read_to_end(&mut heard));
            assert_eq!((took, heard), (LIMITS.idle, Vec::new()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_head_is_its_own_whatever_came_before() {
        let (mut connection, mut client) = kept();
        for _ in 0..9 {
            sleep(LIMITS.idle - Duration::from_secs(1)).await;
            client.write_all(b"G").await.unwrap();
            connection.read_exact(&mut [0; 1]).await.unwrap();
            let more = timeout(LIMITS.head - Duration::from_secs(1), connection.read_u8());
            assert!(more.await.is_err(), "it is waited for");
            drop(connection.progress().begun());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_limited_while_a_request_is_under_way() {
        let (mut connection, mut client) = pair();
        let under_way = connection.progress().begun();
        for _ in 0..9 {
            let more = timeout(LIMITS.idle * 2, connection.read_u8());
            assert!(more.await.is_err(), "it is waited for");
            client.write_all(b"x").await.unwrap();
            connection.read_exact(&mut [0; 1]).await.unwrap();
        }
        let unread = connection.write_all(&[0; 2 * ROOM]);
        assert!(timeout(LIMITS.idle * 2, unread).await.is_err(), "so is a reader");
        drop(under_way);
    }

    #[tokio::test(start_paused = true)]
    async fn who_always_has_something_to_say_is_late_all_the_same() {
        let (mut connection, mut client) = pair();
        client.write_all(&[b'x'; ROOM]).await.unwrap();
        connection.read_exact(&mut [0; 1]).await.unwrap();
        tokio::time::advance(LIMITS.head + Duration::from_millis(1)).await;
        assert_eq!(connection.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_not_read_an_answer_to_its_end_is_given_up_without_a_word_within_it() {
        let (mut connection, mut client) = kept();
        let stuck = connection.write_all(&[b'a'; 2 * ROOM]);
        assert!(timeout(LIMITS.head, stuck).await.is_err());
        // Now there would be room for a word.
        client.read_exact(&mut [0; ROOM / 2]).await.unwrap();
        client.write_all(b"GET").await.unwrap();
        assert_eq!(given_up(connection).await, LIMITS.head);
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, [b'a'; ROOM / 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_has_ended_and_is_not_read_is_waited_for_no_longer_than_the_next_request() {
        let (mut connection, _client) = kept();
        let begun = Instant::now();
        let stuck = bounded(connection.write_all(&[b'a'; 2 * ROOM])).await.unwrap_err();
        assert_eq!((stuck.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, LIMITS.idle));
    }
}
