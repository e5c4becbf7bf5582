//! A provider that says exactly the bytes of its script and tells what it heard.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::client::{PATIENCE, resets};

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) line: String,
    /// Names as they stand on the wire.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Heard {
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// What the provider noticed.
pub(crate) enum Event {
    Heard(Heard),
    /// The gateway closed the connection.
    Left,
}

/// A listening provider.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    events: Receiver<Event>,
}

impl Provider {
    /// Runs `script` for each connection; it is closed when the script ends.
    pub(crate) fn playing(script: impl Fn(&mut Line) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (teller, events) = channel();
        let script = Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, teller) = (Arc::clone(&script), teller.clone());
                let mut line = Line { stream: stream.unwrap(), teller };
                thread::spawn(move || script(&mut line));
            }
        });
        Self { address, events }
    }

    /// Answers every request on every connection with `answer`.
    pub(crate) fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::playing(move |line| {
            while line.hear() {
                line.say(&answer);
            }
        })
    }

    /// Answers one request after the other with these answers, whatever connection it comes on.
    pub(crate) fn saying_in_turn<const N: usize>(answers: [String; N]) -> Self {
        let answers = Mutex::new(answers.into_iter());
        Self::playing(move |line| {
            while line.hear() {
                let answer = answers.lock().unwrap().next().expect("an answer is left");
                line.say(answer.as_bytes());
            }
        })
    }

    pub(crate) fn event(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("the provider notices something")
    }

    pub(crate) fn heard(&self) -> Heard {
        match self.event() {
            Event::Heard(heard) => heard,
            Event::Left => panic!("the gateway left instead of asking"),
        }
    }

    pub(crate) fn was_left(&self) -> bool {
        matches!(self.event(), Event::Left)
    }

    /// Has it heard nothing that nobody asked about?
    pub(crate) fn heard_no_more(&self) -> bool {
        !matches!(self.events.try_recv(), Ok(Event::Heard(_)))
    }
}

/// The provider's end of one connection.
pub(crate) struct Line {
    stream: TcpStream,
    teller: Sender<Event>,
}

impl Line {
    /// Reads a request whole and tells it; `false` when the gateway has closed the connection, told too.
    pub(crate) fn hear(&mut self) -> bool {
        self.hear_target().is_some()
    }

    /// The same, and gives what was asked for; none when the gateway has closed the connection.
    pub(crate) fn hear_target(&mut self) -> Option<String> {
        let Some(head) = self.head() else {
            self.tell(Event::Left);
            return None;
        };
        let mut lines = head.trim_end().split("\r\n");
        let line = lines.next().unwrap().to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        let mut heard = Heard { line, headers: lines.map(header).collect(), body: Vec::new() };
        let length = heard.values("content-length").first().map_or(0, |length| length.parse().unwrap());
        heard.body.resize(length, 0);
        self.stream.read_exact(&mut heard.body).unwrap();
        let target = heard.line.split(' ').nth(1).map(str::to_owned);
        self.tell(Event::Heard(heard));
        target
    }

    fn head(&mut self) -> Option<String> {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        Some(String::from_utf8(head).unwrap())
    }

    /// Says these bytes; nobody may be left to hear them.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).ok();
    }

    /// Says these bytes, and tells whether anybody was there to take them.
    pub(crate) fn is_heard(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Says `piece` again and again until nobody takes more of it for a second, at most until so many bytes were said, and
    /// gives how many were.
    pub(crate) fn say_until_stuck(&mut self, piece: &[u8], at_most: usize) -> usize {
        self.stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut said = 0;
        while said < at_most {
            match self.stream.write(&piece[said % piece.len()..]) {
                Ok(length) => said += length,
                Err(_) => break,
            }
        }
        self.stream.set_write_timeout(None).unwrap();
        said
    }

    /// Says nothing until the gateway closes the connection, and tells that.
    pub(crate) fn until_left(&mut self) {
        let mut sink = [0; 4096];
        while matches!(self.stream.read(&mut sink), Ok(1..)) {}
        self.tell(Event::Left);
    }

    /// Closes the connection in the middle of whatever is being said.
    pub(crate) fn hang_up(&mut self) {
        self.stream.shutdown(Shutdown::Both).ok();
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(&mut self) {
        // Closed with the script, which is over then.
        resets(&self.stream);
    }

    fn tell(&self, event: Event) {
        // A test that has seen enough is gone.
        self.teller.send(event).ok();
    }
}

/// A whole answer of known length.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// One chunk of a chunked body.
pub(crate) fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// A whole stream of events in Anthropic's shape, in which the model says `words`.
pub(crate) fn events(words: &str) -> String {
    events_of([words])
}

/// The same, in which the model says these words one after the other.
pub(crate) fn events_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let event = |name: &str, data: &str| chunk(&format!("event: {name}\ndata: {data}\n\n"));
    let start = r#"{"type":"message_start","message":{"id":"m","role":"assistant","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}"#;
    let open = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
    let delta = |words| {
        let delta = format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{words}"}}}}"#
        );
        event("content_block_delta", &delta)
    };
    let stop = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}"#;
    [
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
        event("message_start", start),
        event("content_block_start", open),
        words.into_iter().map(delta).collect(),
        event("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
        event("message_delta", stop),
        event("message_stop", r#"{"type":"message_stop"}"#),
        "0\r\n\r\n".to_owned(),
    ]
    .concat()
}
