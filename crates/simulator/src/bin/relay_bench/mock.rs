//! A provider that is next to free: it reads no further than it must and says what was written beforehand. It has a thread
//! of its own, so that a contender is never waited for.

use crate::answers::{Answers, Kind};
use bytes::{Buf as _, BytesMut};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::thread;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep_until};

const BEFORE_THE_FIRST: Duration = Duration::from_millis(50);
const BETWEEN: Duration = Duration::from_millis(10);

/// Starts it; it serves as long as the process lives.
pub(crate) fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let serving = move || LocalSet::new().block_on(&runtime, serve(listener));
    drop(thread::Builder::new().name("mock".into()).spawn(serving)?);
    Ok(address)
}

async fn serve(listener: TcpListener) -> io::Result<()> {
    let (listener, answers) = (tokio::net::TcpListener::from_std(listener)?, Rc::new(Answers::new()));
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let answers = Rc::clone(&answers);
        // How a connection ends is of no interest here: the load generator sees it.
        drop(spawn_local(async move { converse(socket, &answers).await }));
    }
}

async fn converse(mut socket: TcpStream, answers: &Answers) -> io::Result<()> {
    let mut inbox = BytesMut::with_capacity(64 * 1024);
    loop {
        let Some(asked) = hear(&mut socket, &mut inbox).await? else { return Ok(()) };
        match asked {
            Kind::Json => socket.write_all(&answers.json).await?,
            Kind::LargeJson => socket.write_all(&answers.large_json).await?,
            Kind::Stream => socket.write_all(&answers.stream).await?,
            Kind::Paced => speak(&mut socket, answers).await?,
        }
    }
}

async fn speak(socket: &mut TcpStream, answers: &Answers) -> io::Result<()> {
    let mut due = Instant::now() + BEFORE_THE_FIRST;
    for piece in &answers.paced {
        sleep_until(due).await;
        socket.write_all(piece).await?;
        due += BETWEEN;
    }
    Ok(())
}

/// Reads a request and throws its body away. None when the connection is over.
async fn hear(socket: &mut TcpStream, inbox: &mut BytesMut) -> io::Result<Option<Kind>> {
    let request = loop {
        match read(inbox)? {
            Some(request) => break request,
            None if socket.read_buf(inbox).await? == 0 => return Ok(None),
            None => {}
        }
    };
    let mut left = request.head + request.body;
    loop {
        let here = left.min(inbox.len());
        inbox.advance(here);
        left -= here;
        if left == 0 {
            return Ok(Some(request.kind));
        }
        inbox.reserve(64 * 1024);
        if socket.read_buf(inbox).await? == 0 {
            return Ok(None);
        }
    }
}

struct Request {
    head: usize,
    body: usize,
    kind: Kind,
}

fn read(inbox: &[u8]) -> io::Result<Option<Request>> {
    let mut space = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut space);
    let httparse::Status::Complete(head) = request.parse(inbox).map_err(io::Error::other)? else {
        return Ok(None);
    };
    let length = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    let target = request.path.unwrap_or_default();
    // Background work asks for nothing special.
    let kind = target
        .rsplit_once("answer=")
        .and_then(|(_, name)| Kind::ALL.into_iter().find(|kind| kind.as_str() == name));
    Ok(Some(Request { head, body: length.unwrap_or(0), kind: kind.unwrap_or(Kind::Json) }))
}
