//! A provider that says exactly the bytes of its script, and the clients that talk to it.
//!
//! It runs on threads of its own and blocking sockets, so that a paused clock does not touch it.

use std::{
    future::Future,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use awc::Client;
use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use upstream::transport::{
    Answer, Fault, HeaderMap, HttpTransport, Limits, Method, Request, Roots, Transport as _, collect,
};

/// What the provider noticed, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It read a whole request on its connection of this number.
    Heard(usize, Heard),
    /// The client closed this connection.
    Left(usize),
    /// It read a whole request as this stream of its connection.
    HeardOn(usize, u32, Vec<u8>),
    /// The client reset this stream of this connection, for this reason.
    Reset(usize, u32, u32),
    /// Something else happened that its script tells of.
    Noticed(&'static str),
}

/// A request as it arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Heard {
    pub(crate) fn values<'a>(&'a self, name: &str) -> Vec<&'a str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
    }

    fn length(&self) -> usize {
        self.values("content-length").first().map_or(0, |length| length.parse().unwrap())
    }
}

/// A listening provider.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    events: UnboundedReceiver<Event>,
}

impl Provider {
    /// Runs `script` once for each connection, which it numbers from 0, and listens no more after so many
    /// `connections`.
    pub(crate) fn new<S: Read + Write>(
        connections: usize,
        accept: impl Fn(TcpStream) -> S + Send + Sync + 'static,
        script: impl Fn(usize, &mut Line<S>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (teller, events) = unbounded_channel();
        let play = Arc::new(move |number, socket, teller| {
            script(number, &mut Line { stream: accept(socket), number, teller });
        });
        thread::spawn(move || {
            for (number, socket) in listener.incoming().take(connections).enumerate() {
                let (play, teller, socket) = (Arc::clone(&play), teller.clone(), socket.unwrap());
                thread::spawn(move || play(number, socket, teller));
            }
        });
        Self { address, events }
    }

    /// A provider without TLS.
    pub(crate) fn plain(script: impl Fn(usize, &mut Line<TcpStream>) + Send + Sync + 'static) -> Self {
        Self::new(usize::MAX, |socket| socket, script)
    }

    /// A plain provider that says the same for each request on each connection, then closes the connection.
    pub(crate) fn saying(answer: &'static [u8]) -> Self {
        Self::plain(move |_, line| {
            line.hear();
            line.say(answer);
        })
    }

    pub(crate) async fn event(&mut self) -> Event {
        self.events.recv().await.unwrap()
    }

    /// The next event, waited for by the whole thread: meanwhile our side does nothing.
    pub(crate) fn event_without_us(&mut self) -> Event {
        for _ in 0..12_000 {
            if let Some(event) = self.events.recv().now_or_never() {
                return event.unwrap();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("two minutes are enough");
    }

    pub(crate) async fn heard(&mut self) -> (usize, Heard) {
        match self.event().await {
            Event::Heard(number, heard) => (number, heard),
            other => panic!("{other:?} instead of a request"),
        }
    }

    /// Has it noticed anything that nobody asked about yet?
    pub(crate) fn noticed_more(&mut self) -> bool {
        self.events.recv().now_or_never().is_some()
    }

    pub(crate) fn uri(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Request {
        request(Method::GET, &self.uri(path), Bytes::new())
    }

    pub(crate) fn post(&self, path: &str, body: impl Into<Bytes>) -> Request {
        request(Method::POST, &self.uri(path), body.into())
    }
}

/// The provider's end of one connection. Closed when the script ends.
pub(crate) struct Line<S> {
    pub(crate) stream: S,
    pub(crate) number: usize,
    teller: UnboundedSender<Event>,
}

impl<S: Read + Write> Line<S> {
    /// Reads a request whole and reports it. `false` when the client has closed the connection, also reported.
    pub(crate) fn hear(&mut self) -> bool {
        let Some(mut heard) = self.hear_head() else {
            self.tell(Event::Left(self.number));
            return false;
        };
        heard.body.resize(heard.length(), 0);
        self.stream.read_exact(&mut heard.body).unwrap();
        self.tell(Event::Heard(self.number, heard));
        true
    }

    /// Reads a request's head, byte by byte so that nothing of the body is taken, and does not report it.
    pub(crate) fn hear_head(&mut self) -> Option<Heard> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        Some(Heard { head: String::from_utf8(head).unwrap(), body: Vec::new() })
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
        self.stream.flush().unwrap();
    }

    /// Stays silent until the client closes the connection, and reports that. What it still sends is discarded.
    pub(crate) fn until_left(&mut self) {
        let mut sink = [0; 4096];
        while matches!(self.stream.read(&mut sink), Ok(1..)) {}
        self.tell(Event::Left(self.number));
    }

    pub(crate) fn tell(&self, event: Event) {
        // A test that has seen enough is gone.
        drop(self.teller.send(event));
    }
}

pub(crate) fn request(method: Method, uri: &str, body: Bytes) -> Request {
    Request { method, uri: uri.parse().unwrap(), headers: HeaderMap::new(), body }
}

pub(crate) fn ours() -> HttpTransport {
    ours_within(Limits::default())
}

pub(crate) fn ours_within(limits: Limits) -> HttpTransport {
    HttpTransport::new(limits, Roots::Only(Vec::new())).unwrap()
}

pub(crate) fn stock() -> Client {
    Client::default()
}

/// Sends and reads all.
pub(crate) async fn whole(transport: &HttpTransport, request: Request) -> Result<Bytes, Fault> {
    let Answer { body, .. } = patiently(transport.send(request)).await?;
    patiently(collect(body, usize::MAX)).await
}

/// So that a broken promise fails the test instead of hanging it. Far longer than anything here takes,
/// and not in the way of a paused clock: nothing that jumps through time waits here.
pub(crate) async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("two minutes are enough")
}

/// Waits in real time until what was sent on this machine is surely here, where a clock stands still.
pub(crate) async fn arrived() {
    tokio::task::spawn_blocking(|| thread::sleep(Duration::from_millis(50))).await.unwrap();
}

/// A clock that stands still, also while the runtime has nothing to do, until the test moves it or ends.
pub(crate) struct Frozen {
    _end: mpsc::Sender<()>,
}

impl Frozen {
    pub(crate) fn clock() -> Self {
        tokio::time::pause();
        let (end, ended) = mpsc::channel::<()>();
        // The runtime does not jump to the next timer while a blocking task runs.
        drop(tokio::task::spawn_blocking(move || ended.recv()));
        Self { _end: end }
    }
}
