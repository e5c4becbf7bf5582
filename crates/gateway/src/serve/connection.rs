//! A client's connection, and how long it may be kept while nothing is under way on it.
//!
//! actix-web limits the time of a connection's first head only: the head of a later request could come a byte an hour. So both
//! limits of a connection on which nothing is under way are kept here, below actix-web: one for the rest of a head that has begun, and
//! one for the next head to begin. While a request is with the app or its answer is being sent neither counts; what limits those is
//! elsewhere, but for a client that takes nothing of its answer: nobody else would notice, since nobody has more to say.

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

/// How long a client is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For a head, from its first byte to its last.
    pub(super) head: Duration,
    /// For the next head to begin, from the end of the last answer or from the beginning of the connection.
    pub(super) idle: Duration,
    /// For a client to take anything of what is there for it.
    pub(super) unread: Duration,
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
    /// Until when the client has to take something of it, if the connection can hold no more.
    unread: Option<Instant>,
}

impl<S: AsyncWrite + Unpin> Connection<S> {
    /// One that was just opened.
    pub(super) fn opened(stream: S, limits: Limits) -> Self {
        Self { stream, progress: Progress::opened(limits), alarm: None, saying: false, unread: None }
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
        let (due, longest) = (self.due(), self.progress.limits.idle);
        // Polled since it was set, so it will wake whoever polls again.
        if due.is_none() && self.alarm.as_ref().is_some_and(|alarm| !alarm.is_elapsed()) {
            return Poll::Pending;
        }
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

    fn due(&self) -> Option<Instant> {
        [self.progress.due(), self.unread].into_iter().flatten().min()
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
        let later = || Instant::now() + self.progress.limits.unread;
        self.unread = written.is_pending().then(|| self.unread.unwrap_or_else(later));
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
mod tests;
