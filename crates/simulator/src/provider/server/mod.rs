//! The provider on a real socket: HTTP/1.1 written small, so that it can also misbehave as no HTTP server would.
//!
//! Besides the provider's own paths it has two of its own, which are no part of what is simulated: `POST /_control` takes
//! orders (see [`control`](super::control)), `GET /_control/received` shows what was received.

mod request;

use super::{
    Provider,
    control::follow,
    exchange::{Exchange, Plan, Step},
};
use actor::Clock;
use bytes::Bytes;
use request::{Refused, read};
use serde_json::{Value, json};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
    time::sleep,
};

/// After `accept` failed, for want of descriptors as a rule, waiting is all that helps.
const BREATH: Duration = Duration::from_millis(50);

/// Serves `provider` on `listener` for ever, telling it the time by `clock`. Dropping the future closes all connections.
pub async fn serve(listener: TcpListener, provider: Provider, clock: Clock) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => drop(connections.spawn(converse(socket, provider.clone(), clock))),
                Err(error) => {
                    tracing::warn!(%error, "no connection accepted");
                    sleep(BREATH).await;
                }
            },
            // Whoever has left is forgotten.
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, until either side ends it. How it ended is of no interest to a provider.
async fn converse(socket: TcpStream, provider: Provider, clock: Clock) {
    let mut connection = match Connection::new(socket) {
        Ok(connection) => connection,
        Err(error) => return tracing::debug!(%error, "a connection was gone at once"),
    };
    loop {
        let plan = match connection.hear().await {
            Ok(exchange) => respond(&provider, &exchange, clock.now()),
            Err(Refused::Gone) => return,
            Err(Refused::Malformed(why)) => said(400, &json!({"error": {"message": why}})),
        };
        if !connection.play(plan).await.unwrap_or(false) {
            return;
        }
    }
}

fn respond(provider: &Provider, exchange: &Exchange, now: Duration) -> Plan {
    match (exchange.method.as_str(), exchange.path()) {
        ("POST", "/_control") => match follow(provider, &exchange.body, now) {
            Ok(()) => said(200, &json!({"ok": true})),
            Err(why) => said(400, &json!({"error": {"message": why}})),
        },
        ("GET", "/_control/received") => {
            let received = provider.received();
            said(200, &received.iter().map(super::Received::to_json).collect())
        }
        _ => provider.answer(exchange, now),
    }
}

fn said(status: u16, body: &Value) -> Plan {
    let body = Bytes::from(body.to_string());
    let headers =
        [("content-type", "application/json".to_owned()), ("content-length", body.len().to_string())];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Plan { status, headers, steps: vec![Step::Bytes(body)] }
}

struct Connection {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    /// Whether the client wants no other answer on this connection, or cannot be understood any further.
    last: bool,
    /// Whether the answer is to a HEAD.
    headless: bool,
}

impl Connection {
    fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let (reader, writer) = socket.into_split();
        Ok(Self { reader: BufReader::new(reader), writer, last: false, headless: false })
    }

    async fn hear(&mut self) -> Result<Exchange, Refused> {
        // Until a request has been read whole, nobody knows where the next would begin.
        self.last = true;
        self.headless = false;
        let exchange = read(&mut self.reader, &mut self.writer).await?;
        self.last = exchange.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        self.headless = exchange.method == "HEAD";
        Ok(exchange)
    }

    /// Sends the answer; says whether the connection goes on.
    async fn play(&mut self, plan: Plan) -> io::Result<bool> {
        let (status, has_length) = (plan.status, plan.header("content-length").is_some());
        let headers = plan.headers.clone();
        let (before, steps) = plan.begin();
        sleep(before).await;
        self.writer.write_all(head(status, &headers, !has_length).as_bytes()).await?;
        for step in steps {
            match step {
                Step::Wait(span) => sleep(span).await,
                Step::Bytes(bytes) if has_length => self.writer.write_all(&bytes).await?,
                Step::Bytes(bytes) => self.writer.write_all(&chunk(&bytes)).await?,
                Step::Cut => return Ok(false),
                Step::Stall => return stall(&mut self.reader).await,
            }
        }
        if !has_length && !self.headless {
            self.writer.write_all(b"0\r\n\r\n").await?;
        }
        Ok(!self.last)
    }
}

/// Says nothing more until the client leaves.
async fn stall(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<bool> {
    let mut ignored = [0; 1024];
    while reader.read(&mut ignored).await? > 0 {}
    Ok(false)
}

fn head(status: u16, headers: &[(String, String)], chunked: bool) -> String {
    let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason.unwrap_or("Unknown"));
    headers.iter().for_each(|(name, value)| head.extend([name, ": ", value, "\r\n"]));
    if chunked {
        head.push_str("transfer-encoding: chunked\r\n");
    }
    head.push_str("\r\n");
    head
}

/// One write a chunk, so that it leaves in one piece.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}
