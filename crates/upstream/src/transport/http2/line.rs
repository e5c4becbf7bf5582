//! One connection, and who is on it.

use std::{
    cell::Cell,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    rc::Rc,
    task::Poll,
    time::Duration,
};

use actix_http::Uri;
use awc::error::ConnectError;
use bytes::Bytes;
use futures_util::future::select;
use h2::{
    Ping, PingPong,
    client::{Builder, Connection, SendRequest},
};
use tokio::time::{sleep, timeout};

use super::super::{Fault, dial::Dialer, head::LONGEST, wire::Wire};

/// More requests than this share no connection, whatever the provider allows; the next one opens another.
pub(super) const MOST_STREAMS: usize = 100;
/// What a provider may send of one answer that nobody reads, in bytes.
const STREAM_WINDOW: u32 = 512 * 1024;
/// What it may send of all: enough that readers who are slow stop nobody else.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * MOST_STREAMS as u32;
/// Streams that we left are remembered, so that what was under way is ignored and not taken for a provider's fault: a
/// provider has so long to hear of it.
const FAREWELL: Duration = Duration::from_secs(30);
const MOST_FAREWELLS: usize = 1000;
/// How often a provider is asked whether it is still there. A connection that nobody used for so long is closed.
const PAUSE: Duration = Duration::from_secs(20);
/// How long it may take to say so. The question may stand behind a part of an upload that the network takes slowly.
const PATIENCE: Duration = Duration::from_secs(40);

/// An open connection. It is closed when it is dropped and the last seat is free.
pub(super) struct Line {
    requests: SendRequest<Bytes>,
    traffic: Rc<Traffic>,
}

/// What both ends of a line know of it: those who use it, and the task that moves its bytes.
#[derive(Default)]
struct Traffic {
    seated: Cell<usize>,
    /// How many were ever seated.
    served: Cell<u64>,
    over: Cell<bool>,
}

/// The place of one exchange on a line, until its answer has ended.
pub(super) struct Seat {
    line: Rc<Line>,
    /// Did the line stand before this exchange wanted it?
    pub(super) kept: bool,
}

impl Line {
    /// How many more requests it takes now.
    pub(super) fn room(&self) -> usize {
        let most = self.requests.current_max_send_streams().min(MOST_STREAMS);
        if self.lives() { most.saturating_sub(self.traffic.seated.get()) } else { 0 }
    }

    /// Does it take requests at all?
    pub(super) fn lives(&self) -> bool {
        !self.traffic.over.get()
    }
}

impl Seat {
    /// Takes a place; the caller has seen that there is one.
    pub(super) fn on(line: &Rc<Line>, kept: bool) -> Self {
        let traffic = &line.traffic;
        traffic.seated.set(traffic.seated.get() + 1);
        traffic.served.set(traffic.served.get() + 1);
        Self { line: Rc::clone(line), kept }
    }

    /// What requests go out by.
    pub(super) fn requests(&self) -> SendRequest<Bytes> {
        self.line.requests.clone()
    }

    /// The line takes no more requests. Those that are on it go on.
    pub(super) fn retire_line(&self) {
        self.line.traffic.over.set(true);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let traffic = &self.line.traffic;
        traffic.seated.set(traffic.seated.get() - 1);
    }
}

/// Opens a connection to the host of `uri`; none when the provider chose HTTP/1.1.
///
/// It waits for the provider's settings: who asks before them may be refused for want of room.
///
/// # Errors
/// When no connection comes about. No request was sent then.
pub(super) async fn open(dialer: &Dialer, uri: Uri) -> Result<Option<Line>, Fault> {
    let (_, wire) = dialer.dial(uri).await.map_err(|error| Fault::from(&ConnectError::from(error)))?;
    if !wire.speaks_http2() {
        return Ok(None);
    }
    let (requests, mut connection) = terms().handshake(wire).await.map_err(unopened)?;
    settled(&requests, &mut connection).await?;
    let traffic = Rc::new(Traffic::default());
    actix_rt::spawn(drive(connection, Rc::clone(&traffic)));
    Ok(Some(Line { requests, traffic }))
}

/// What a provider may do to us. The defaults of h2 bound the rest: small and empty frames, continued heads, and settings and
/// pings, of which it answers one before it reads the next.
fn terms() -> Builder {
    let mut terms = Builder::new();
    terms
        .enable_push(false)
        .initial_max_send_streams(0)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(LONGEST as u32)
        .max_concurrent_reset_streams(MOST_FAREWELLS)
        .reset_stream_duration(FAREWELL);
    terms
}

/// Resolves when the provider's settings are here: until then it takes no streams, for we begin with none.
async fn settled(
    requests: &SendRequest<Bytes>,
    connection: &mut Connection<Wire, Bytes>,
) -> Result<(), Fault> {
    poll_fn(|context| match Future::poll(Pin::new(&mut *connection), context) {
        Poll::Ready(Err(error)) => Poll::Ready(Err(unopened(error))),
        Poll::Ready(Ok(())) => Poll::Ready(Err(Fault::Refused(io::ErrorKind::UnexpectedEof))),
        Poll::Pending if requests.current_max_send_streams() > 0 => Poll::Ready(Ok(())),
        Poll::Pending => Poll::Pending,
    })
    .await
}

fn unopened(error: h2::Error) -> Fault {
    Fault::Refused(error.get_io().map_or(io::ErrorKind::InvalidData, io::Error::kind))
}

/// Moves the bytes of a connection until it ends, or nobody needs it, or nobody is at its other end.
async fn drive(mut connection: Connection<Wire, Bytes>, traffic: Rc<Traffic>) {
    let pings = connection.ping_pong();
    {
        let watch = pin!(watch(pings, &traffic));
        select(&mut connection, watch).await;
    }
    traffic.over.set(true);
    // Whoever is still on it learns here that it is cut.
    drop(connection);
}

/// Ends when nobody used the connection for a while, or the provider does not answer.
async fn watch(mut pings: Option<PingPong>, traffic: &Traffic) {
    let mut served = 0;
    loop {
        sleep(PAUSE).await;
        let unused = traffic.seated.get() == 0 && traffic.served.get() == served;
        served = traffic.served.get();
        if unused || !is_there(pings.as_mut()).await {
            return;
        }
    }
}

async fn is_there(pings: Option<&mut PingPong>) -> bool {
    let Some(pings) = pings else { return false };
    matches!(timeout(PATIENCE, pings.ping(Ping::opaque())).await, Ok(Ok(_)))
}
