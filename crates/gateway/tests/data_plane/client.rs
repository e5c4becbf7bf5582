//! Clients that say exactly the bytes a test wants said.

use std::io::ErrorKind::WouldBlock;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tokio::net::TcpSocket;

/// So that a broken promise fails a test instead of hanging it. Far longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An answer as it arrived.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names as they stand on the wire.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection to the gateway.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) fn of(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    /// Says as much as the gateway is willing to hear.
    pub(crate) fn try_say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).ok();
    }

    /// Reads until `text` has come, and gives all that came.
    pub(crate) fn hear_up_to(&mut self, text: &str) -> String {
        let (mut heard, mut byte) = (Vec::new(), [0]);
        while !heard.ends_with(text.as_bytes()) {
            let read = self.0.read(&mut byte).unwrap();
            assert_eq!(read, 1, "the gateway closed after {:?}", String::from_utf8_lossy(&heard));
            heard.push(byte[0]);
        }
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// Reads until the gateway closes the connection, cleanly or not.
    pub(crate) fn hear_all(&mut self) -> String {
        let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            match self.0.read(&mut piece) {
                Ok(length @ 1..) => heard.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == WouldBlock => panic!("the gateway stays, and says no more"),
                _ => break,
            }
        }
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// Whether it is told that the gateway comes to its end, which refused this for another reason before. Whoever comes in the very
    /// moment of the change may be hung up on.
    pub(crate) fn hears_of_the_end(mut self) -> bool {
        self.try_say(post("/v1/messages", "upgrade: websocket\r\nconnection: close\r\n", "{}").as_bytes());
        self.hear_all().contains("x-stillroom-error: closing")
    }

    /// Reads the head of an answer: its status and its headers.
    pub(crate) fn head(&mut self) -> Answer {
        let head = self.hear_up_to("\r\n\r\n");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        Answer { status, headers: lines.map(header).collect(), body: Vec::new() }
    }

    /// Reads a whole answer, by its length or its chunks.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        if let Some(length) = answer.values("content-length").first() {
            answer.body.resize(length.parse().unwrap(), 0);
            self.0.read_exact(&mut answer.body).unwrap();
        } else if answer.values("transfer-encoding") == ["chunked"] {
            while let piece @ [_, ..] = &self.chunk()[..] {
                answer.body.extend_from_slice(piece);
            }
        }
        answer
    }

    /// Leaves with a reset instead of a farewell.
    pub(crate) fn reset(self) {
        resets(&self.0);
    }

    /// Reads one chunk; the last one is empty.
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let size = self.hear_up_to("\r\n");
        let mut chunk = vec![0; usize::from_str_radix(size.trim_end(), 16).unwrap() + 2];
        self.0.read_exact(&mut chunk).unwrap();
        chunk.truncate(chunk.len() - 2);
        chunk
    }
}

/// From now on the connection ends with a reset, whoever closes it.
pub(crate) fn resets(stream: &TcpStream) {
    TcpSocket::from_std_stream(stream.try_clone().unwrap()).set_zero_linger().unwrap();
}

/// A request without a body.
pub(crate) fn request(method: &str, target: &str, headers: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}\r\n")
}

/// A posted request.
pub(crate) fn post(target: &str, headers: &str, body: &str) -> String {
    let length = format!("content-length: {}\r\n{headers}", body.len());
    request("POST", target, &length) + body
}
