//! The guard between awc's HTTP/1.1 and the connection: it hides what awc would misread.
//!
//! It also takes out of a request what awc must not add ([`date`]).
//!
//! awc alone takes a cut body for a complete one, an interim head for the answer (so that the next caller on that
//! connection reads the real one), and loses an answer that comes while the request is still going out. The guard
//! sees every byte, so it can turn the first into an error, swallow the second, and deliver the third, behind which the request
//! goes on if the answer is a good one.

use std::{
    fmt,
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_rt::net::{ActixStream, Ready};
use bytes::{Buf as _, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{
    date,
    head::{self, Ending, Head},
    wire::Wire,
};

/// How much of an answer is read at once while its head is not whole, in bytes: enough for most answers that are no long
/// streams, so that one reading is all.
const ROOM: usize = 16 * 1024;

/// One connection to a provider, for one exchange after the other.
pub(super) struct Guard {
    wire: Wire,
    stage: Stage,
    /// Received, but not yet handed on: a head that is being read, and what came with it.
    inbox: BytesMut,
    /// Of a request that is [continued](Stage::Conversing), what awc has handed over and the connection has not taken yet.
    outbox: BytesMut,
    ending: Ending,
    exchanges: u32,
    /// Has any byte of the present request gone out?
    spoken: bool,
    /// May the mark of the present request still be to come? See [`date`].
    marked: bool,
}

/// Where the present exchange stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was asked yet.
    Fresh,
    /// A request is going out, or is out, and the answer's head is not here.
    Asked,
    /// The answer's head came while the request was still going out; what remains of the request is swallowed.
    Overtaken,
    /// The same, and the answer is a good one: what remains of the request goes out while it is read, for the provider may wait for that
    /// before it says more. awc reads nothing before it has handed over all, so that is held in a copy. Hardly any provider does so.
    Conversing,
    /// The client reads the answer, or has read it and keeps the connection for the next request.
    Answering,
    /// As `Answering`, but the connection cannot carry another request.
    Parting,
}

/// The connection was kept from an earlier exchange and turned out to be gone before a byte of the next request went out.
#[derive(Debug, thiserror::Error)]
#[error("a kept connection was already gone")]
pub(super) struct Stale;

impl Guard {
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            wire,
            stage: Stage::Fresh,
            inbox: BytesMut::new(),
            outbox: BytesMut::new(),
            ending: Ending::Framed,
            exchanges: 0,
            spoken: false,
            marked: false,
        }
    }

    /// A write begins the next exchange, unless one is going on. A kept connection is looked at once more before anything
    /// is entrusted to it.
    fn begin(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if matches!(self.stage, Stage::Asked | Stage::Overtaken | Stage::Conversing) {
            return Ok(());
        }
        if self.stage == Stage::Parting || !self.is_quiet(context) {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, Stale));
        }
        self.stage = Stage::Asked;
        self.exchanges += 1;
        (self.spoken, self.marked) = (false, true);
        Ok(())
    }

    /// Whether nothing waits to be read: neither an end, nor bytes that belong to no request of ours, after which nothing on
    /// the connection could be trusted.
    fn is_quiet(&mut self, context: &mut Context<'_>) -> bool {
        let kept = self.exchanges > 0;
        self.inbox.is_empty()
            && !(kept && (self.poll_more(context).is_ready() || waits_on(self.wire.socket())))
    }

    /// Sends as much of `data` as the connection takes, without the mark. Nothing is copied, and head and body stay one packet.
    /// awc hands over the head in one piece, first of all.
    fn poll_say(&mut self, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let wire = Pin::new(&mut self.wire);
        let Some((before, behind)) = self.marked.then(|| date::around_mark(data)).flatten() else {
            self.marked = false;
            return wire.poll_write(context, data);
        };
        let parts = [IoSlice::new(before), IoSlice::new(behind)];
        let said = ready!(wire.poll_write_vectored(context, &parts))?;
        self.marked = said < before.len();
        let left_out = data.len() - before.len() - behind.len();
        Poll::Ready(Ok(if self.marked { said } else { said + left_out }))
    }

    /// Reads until the final head stands at the start of the inbox.
    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ending = loop {
            match head::read(&self.inbox) {
                Head::Unfinished => ready!(self.poll_more(context)).map_err(|error| self.lost(error))?,
                Head::Interim(length) => self.inbox.advance(length),
                Head::Final(ending) => break ending,
                Head::Unreadable => break Ending::Framed,
            }
        };
        if self.ending == Ending::Close {
            head::downgrade(&mut self.inbox);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [const { MaybeUninit::uninit() }; ROOM];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.wire).poll_read(context, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        self.inbox.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }

    /// Marks the losses of a kept connection that took nothing of the request with them, so that the transport may ask on a
    /// fresh one. Once a byte is out the provider may have read all of it, and a second request would be a second bill.
    fn lost(&self, error: io::Error) -> io::Error {
        let unsent = self.exchanges > 1 && !self.spoken;
        if unsent && is_departure(error.kind()) { io::Error::new(error.kind(), Stale) } else { error }
    }

    /// The request cannot go on now. Perhaps because the provider has answered already: then the rest of it, which begins with
    /// `unsent`, counts as written, and the client comes to read the answer.
    fn poll_overtaken<T>(
        &mut self,
        context: &mut Context<'_>,
        stuck: Poll<io::Result<T>>,
        (unsent, swallowed): (&[u8], T),
    ) -> Poll<io::Result<T>> {
        let gone = match stuck {
            Poll::Ready(Err(error)) if !is_departure(error.kind()) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(done)) => return Poll::Ready(Ok(done)),
            stuck => stuck.is_ready(),
        };
        // After a failed write this waits at most for the runtime to see that the connection ended: that it is
        // readable, to its end or to an error, follows from the failure.
        ready!(self.poll_head(context))?;
        let goes_on = !gone && !self.marked && head::is_success(&self.inbox);
        self.stage = if goes_on { Stage::Conversing } else { Stage::Overtaken };
        head::announce_close(&mut self.inbox);
        self.hold(unsent);
        Poll::Ready(Ok(swallowed))
    }

    /// Keeps `unsent` for later, if anybody may still want it.
    fn hold(&mut self, unsent: &[u8]) {
        if self.stage == Stage::Conversing {
            self.outbox.extend_from_slice(unsent);
        }
    }

    /// Sends what the connection takes of the outbox. When the provider wants no more of it, its answer tells.
    fn go_on(&mut self, context: &mut Context<'_>) {
        while !self.outbox.is_empty() {
            match Pin::new(&mut self.wire).poll_write(context, &self.outbox) {
                Poll::Ready(Ok(said @ 1..)) => self.outbox.advance(said),
                Poll::Ready(_) => self.outbox.clear(),
                Poll::Pending => return,
            }
        }
        self.outbox = BytesMut::new();
        let flushed = Pin::new(&mut self.wire).poll_flush(context);
        if flushed.is_ready() {
            self.stage = Stage::Parting;
        }
    }

    /// Hands on the body, or what else comes; an end that is none is an error.
    fn poll_body(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.inbox.is_empty() {
            let length = self.inbox.len().min(buffer.remaining());
            buffer.put_slice(&self.inbox.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.wire).poll_read(context, buffer))?;
        let ended = buffer.filled().len() == before;
        if ended && self.ending == Ending::Framed {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        Poll::Ready(Ok(()))
    }
}

/// Whether anything waits on `socket`, be it the end, as the system says at this moment: the runtime hears of it only when it
/// next looks at all sockets, and in between the request would go out for nobody.
fn waits_on(socket: &TcpStream) -> bool {
    let peeked = SockRef::from(socket).peek(&mut [MaybeUninit::uninit()]);
    !peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

fn is_departure(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

impl AsyncRead for Guard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.stage {
            Stage::Asked => {
                ready!(self.poll_head(context))?;
                self.stage = Stage::Answering;
            }
            Stage::Overtaken => self.stage = Stage::Parting,
            Stage::Conversing => self.go_on(context),
            Stage::Fresh | Stage::Answering | Stage::Parting => {}
        }
        self.poll_body(context, buffer)
    }
}

impl AsyncWrite for Guard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.begin(context)?;
        if matches!(self.stage, Stage::Overtaken | Stage::Conversing) {
            self.hold(data);
            return Poll::Ready(Ok(data.len()));
        }
        let written = self.poll_say(context, data);
        self.spoken |= matches!(written, Poll::Ready(Ok(_)));
        self.poll_overtaken(context, written, (data, data.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stage {
            Stage::Overtaken | Stage::Conversing => Poll::Ready(Ok(())),
            Stage::Asked => {
                let flushed = Pin::new(&mut self.wire).poll_flush(context);
                self.poll_overtaken(context, flushed, (&[], ()))
            }
            _ => Pin::new(&mut self.wire).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}

impl ActixStream for Guard {
    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(self.wire.socket(), context)
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(self.wire.socket(), context)
    }
}

impl fmt::Debug for Guard {
    /// Never the inbox: it holds what the provider said.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Guard")
            .field("stage", &self.stage)
            .field("exchanges", &self.exchanges)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        time::timeout,
    };

    use super::*;

    const ASK: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
    const REFUSAL: &[u8] = b"HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\n";

    async fn pair() -> (Guard, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Guard::new(Wire::Plain(ours)), listener.accept().await.unwrap().0)
    }

    fn is_stale(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Stale>())
    }

    #[tokio::test]
    async fn a_connection_with_unasked_bytes_on_it_carries_no_other_request() {
        let (mut guard, mut provider) = pair().await;
        guard.write_all(ASK).await.unwrap();
        provider.write_all(&[HEAD, b"hiHTTP/1.1 200 OK\r\n"].concat()).await.unwrap();
        let mut answer = vec![0; HEAD.len() + 2];
        guard.read_exact(&mut answer).await.unwrap();
        assert!(answer.ends_with(b"\r\n\r\nhi"));
        let refused = guard.write(ASK).now_or_never().unwrap().unwrap_err();
        assert!(is_stale(&refused), "{refused}");
    }

    /// A guard that has had one exchange, and its provider.
    async fn kept() -> (Guard, TcpStream) {
        let (mut guard, mut provider) = pair().await;
        guard.write_all(ASK).await.unwrap();
        provider.write_all(&[HEAD, b"hi"].concat()).await.unwrap();
        guard.read_exact(&mut vec![0; HEAD.len() + 2]).await.unwrap();
        (guard, provider)
    }

    #[tokio::test]
    async fn a_kept_connection_that_has_ended_takes_nothing_of_the_next_request() {
        let (mut guard, mut provider) = kept().await;
        // Else it would be a reset, which no write survives.
        provider.read_exact(&mut vec![0; ASK.len()]).await.unwrap();
        drop(provider);
        // The runtime has had no occasion to hear of it.
        assert!(is_stale(&guard.write(ASK).now_or_never().unwrap().unwrap_err()));
    }

    #[tokio::test]
    async fn a_kept_connection_that_ends_after_the_request_went_out_is_a_loss_and_not_stale() {
        let (mut guard, mut provider) = kept().await;
        guard.write_all(ASK).await.unwrap();
        provider.read_exact(&mut vec![0; 2 * ASK.len()]).await.unwrap();
        drop(provider);
        assert!(!is_stale(&guard.read(&mut [0; 1]).await.unwrap_err()));
    }

    #[tokio::test]
    async fn a_head_that_goes_out_in_pieces_loses_its_mark_and_nothing_else() {
        let (mut guard, mut provider) = pair().await;
        // More than the connection takes at once.
        let long = [b"GET / HTTP/1.1\r\nx: ", &vec![b'x'; 16 << 20][..]].concat();
        let (request, behind) = ([&long[..], b"\r\ndate: none\r\n\r\nbody"].concat(), b"\r\n\r\nbody");
        let mut heard = vec![0; long.len() + behind.len()];
        let (said, _) = tokio::join!(guard.write_all(&request), provider.read_exact(&mut heard));
        said.unwrap();
        assert!(heard == [&long[..], behind].concat());
    }

    #[tokio::test]
    async fn an_overtaken_request_is_swallowed_to_its_end_and_no_other_follows() {
        let (mut guard, mut provider) = pair().await;
        provider.write_all(REFUSAL).await.unwrap();
        provider.write_all(b"no").await.unwrap();
        // The provider reads nothing, so this much can only have been swallowed.
        let swallowing = async { guard.write_all(&vec![7; 64 << 20]).await };
        timeout(Duration::from_secs(120), swallowing).await.unwrap().unwrap();
        guard.flush().await.unwrap();
        let mut answer = vec![0; REFUSAL.len() + b"connection: close\r\n".len() + 2];
        guard.read_exact(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 413 No\r\nconnection: close\r\n"));
        let refused = guard.write(ASK).now_or_never().unwrap().unwrap_err();
        assert!(is_stale(&refused), "{refused}");
    }

    #[tokio::test]
    async fn a_request_that_a_good_answer_overtakes_goes_on_while_it_is_read_and_no_other_follows() {
        let (mut guard, mut provider) = pair().await;
        let said = [ASK, &vec![7; 64 << 20]].concat();
        provider.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        // The provider reads nothing yet, so a part of this is only held.
        timeout(Duration::from_secs(120), guard.write_all(&said)).await.unwrap().unwrap();
        guard.flush().await.unwrap();
        let listening = async {
            let mut heard = vec![0; said.len()];
            provider.read_exact(&mut heard).await.unwrap();
            provider.write_all(b"0\r\n\r\n").await.unwrap();
            assert!(heard == said, "each byte once");
        };
        let reading = async {
            let (mut answer, mut piece) = (Vec::new(), [0; 64]);
            while !answer.ends_with(b"\r\n\r\n0\r\n\r\n") {
                let length = guard.read(&mut piece).await.unwrap();
                answer.extend_from_slice(&piece[..length]);
            }
        };
        timeout(Duration::from_secs(120), async { tokio::join!(listening, reading) }).await.unwrap();
        assert!(guard.outbox.is_empty());
        assert!(is_stale(&guard.write(ASK).now_or_never().unwrap().unwrap_err()));
    }

    #[tokio::test]
    async fn a_guard_prints_nothing_of_what_it_has_read() {
        let (mut guard, mut provider) = pair().await;
        guard.write_all(ASK).await.unwrap();
        provider.write_all(&[HEAD, b"hi"].concat()).await.unwrap();
        guard.read_exact(&mut [0; 1]).await.unwrap();
        assert_eq!(format!("{guard:?}"), "Guard { stage: Answering, exchanges: 1, .. }");
    }
}
