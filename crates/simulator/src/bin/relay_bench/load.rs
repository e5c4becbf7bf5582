//! The load: connections that ask one question after the other and read the answers, on raw sockets.

use crate::asking::Request;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What came of a round.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// How long each answer took to its end.
    pub(crate) whole: Vec<Duration>,
    /// How long each took to its first byte behind the head.
    pub(crate) first: Vec<Duration>,
    /// Requests that got no whole answer, or one with another status than 200.
    pub(crate) failed: usize,
    /// How long the round took.
    pub(crate) took: Duration,
}

/// Asks on as many connections as there are requests, for `span`. Turns are numbered on from `first_turn`.
pub(crate) async fn drive(
    address: SocketAddr,
    requests: &[Request],
    first_turn: u64,
    span: Duration,
) -> Round {
    let begun = Instant::now();
    let asking = requests.iter().cloned().map(|request| ask(address, request, first_turn, begun + span));
    let mut round = Round::default();
    for one in futures_util::future::join_all(asking).await {
        round.whole.extend(one.whole);
        round.first.extend(one.first);
        round.failed += one.failed;
    }
    round.took = begun.elapsed();
    round
}

async fn ask(address: SocketAddr, mut request: Request, first_turn: u64, end: Instant) -> Round {
    let (mut round, mut turn, mut line) = (Round::default(), first_turn, None);
    while Instant::now() < end {
        turn += 1;
        let begun = Instant::now();
        match exchange(&mut line, address, request.numbered(turn)).await {
            Ok(first) => {
                round.first.push(first - begun);
                round.whole.push(begun.elapsed());
            }
            Err(_) => {
                round.failed += 1;
                line = None;
            }
        }
    }
    round
}

/// Asks once, on the line that is open or on a new one. Gives the moment of the first byte behind the head.
pub(crate) async fn exchange(
    line: &mut Option<Line>,
    address: SocketAddr,
    request: &[u8],
) -> io::Result<Instant> {
    let line = match line {
        Some(line) => line,
        none => none.insert(Line::open(address).await?),
    };
    line.socket.write_all(request).await?;
    line.answer().await
}

/// A connection and room to read into.
pub(crate) struct Line {
    socket: TcpStream,
    space: Vec<u8>,
}

impl Line {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, space: vec![0; 64 * 1024] })
    }

    async fn read(&mut self, from: usize) -> io::Result<usize> {
        match self.socket.read(&mut self.space[from..]).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }

    async fn answer(&mut self) -> io::Result<Instant> {
        let mut filled = 0;
        let (head, length) = loop {
            filled += self.read(filled).await?;
            if let Some(head) = head(&self.space[..filled])? {
                break head;
            }
        };
        let mut first = (filled > head).then(Instant::now);
        let (mut had, mut tail) = (filled - head, End::default());
        tail.take(&self.space[head..filled]);
        while length.map_or(!tail.is_end(), |length| had < length) {
            let read = self.read(0).await?;
            first.get_or_insert_with(Instant::now);
            tail.take(&self.space[..read]);
            had += read;
        }
        Ok(first.unwrap_or_else(Instant::now))
    }
}

/// The last bytes of a chunked answer.
#[derive(Default)]
struct End(Vec<u8>);

impl End {
    const MARK: &[u8] = b"\r\n0\r\n\r\n";

    fn take(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&bytes[bytes.len().saturating_sub(Self::MARK.len())..]);
        let surplus = self.0.len().saturating_sub(Self::MARK.len());
        drop(self.0.drain(..surplus));
    }

    fn is_end(&self) -> bool {
        self.0 == Self::MARK
    }
}

/// The length of a head, and of the body if it is told; none when the head is not whole yet.
fn head(bytes: &[u8]) -> io::Result<Option<(usize, Option<usize>)>> {
    let mut space = [httparse::EMPTY_HEADER; 64];
    let mut answer = httparse::Response::new(&mut space);
    let httparse::Status::Complete(head) = answer.parse(bytes).map_err(io::Error::other)? else {
        return Ok(None);
    };
    if answer.code != Some(200) {
        return Err(io::Error::other("not the answer that was asked for"));
    }
    let length = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    Ok(Some((head, length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_stream_is_seen_however_it_is_cut() {
        let stream = b"5\r\nhello\r\n0\r\n\r\n";
        for cut in 0..stream.len() {
            let mut end = End::default();
            end.take(&stream[..cut]);
            assert!(!end.is_end(), "{cut}");
            end.take(&stream[cut..]);
            assert!(end.is_end(), "{cut}");
        }
    }
}
