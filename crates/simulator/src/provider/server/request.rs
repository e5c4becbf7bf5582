//! Reading a request from a connection: a head, then a body of known length or in chunks.

use crate::provider::exchange::Exchange;
use bytes::{Bytes, BytesMut};
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest head, in bytes.
const LONGEST_HEAD: usize = 128 * 1024;
/// The most headers.
const MOST_HEADERS: usize = 100;
/// The largest body, in bytes.
const LARGEST_BODY: u64 = 64 << 20;

/// Why there is no request.
#[derive(Debug)]
pub(super) enum Refused {
    /// The client has left.
    Gone,
    /// It is not HTTP, or too much of it.
    Malformed(&'static str),
}

impl From<io::Error> for Refused {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// The next request. The writer is for the one word that a client may want to hear before it sends its body.
pub(super) async fn read(
    reader: &mut (impl AsyncBufRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
) -> Result<Exchange, Refused> {
    let mut exchange = parse(&read_head(reader).await?)?;
    if exchange.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    exchange.body = read_body(reader, &exchange).await?;
    Ok(exchange)
}

async fn read_head(reader: &mut (impl AsyncBufRead + Unpin)) -> Result<Vec<u8>, Refused> {
    let mut head = Vec::new();
    loop {
        let room = (LONGEST_HEAD - head.len()) as u64;
        let length = (&mut *reader).take(room).read_until(b'\n', &mut head).await?;
        match head.get(head.len() - length..) {
            _ if head.len() == LONGEST_HEAD => return Err(Refused::Malformed("head too long")),
            Some([] | [.., 0..=9 | 11..]) | None => return Err(Refused::Gone),
            Some(b"\r\n" | b"\n") => return Ok(head),
            Some(_) => {}
        }
    }
}

fn parse(head: &[u8]) -> Result<Exchange, Refused> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        _ => return Err(Refused::Malformed("malformed head")),
    }
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let pair = |header: &httparse::Header<'_>| {
        (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned())
    };
    Ok(Exchange {
        method: owned(request.method),
        target: owned(request.path),
        headers: request.headers.iter().map(pair).collect(),
        body: Bytes::new(),
    })
}

async fn read_body(reader: &mut (impl AsyncBufRead + Unpin), exchange: &Exchange) -> Result<Bytes, Refused> {
    if exchange.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return read_chunks(reader).await;
    }
    let length = exchange.header("content-length").map_or(Ok(0), |value| value.trim().parse());
    let length = length.map_err(|_| Refused::Malformed("malformed content-length"))?;
    let mut body = BytesMut::new();
    read_exactly(reader, length, &mut body).await?;
    Ok(body.freeze())
}

async fn read_chunks(reader: &mut (impl AsyncBufRead + Unpin)) -> Result<Bytes, Refused> {
    let mut body = BytesMut::new();
    loop {
        let size = read_line(reader).await?;
        let digits = size.split(';').next().unwrap_or_default().trim();
        let length = u64::from_str_radix(digits, 16).map_err(|_| Refused::Malformed("malformed chunk"))?;
        if length == 0 {
            // What may follow the last chunk says nothing to a provider.
            while !read_line(reader).await?.is_empty() {}
            return Ok(body.freeze());
        }
        read_exactly(reader, length, &mut body).await?;
        if !read_line(reader).await?.is_empty() {
            return Err(Refused::Malformed("malformed chunk"));
        }
    }
}

async fn read_exactly(
    reader: &mut (impl AsyncBufRead + Unpin),
    length: u64,
    body: &mut BytesMut,
) -> Result<(), Refused> {
    if length > LARGEST_BODY - body.len() as u64 {
        return Err(Refused::Malformed("body too large"));
    }
    let mut part = reader.take(length);
    while part.limit() > 0 {
        if part.read_buf(body).await? == 0 {
            return Err(Refused::Gone);
        }
    }
    Ok(())
}

/// A short line without its end.
async fn read_line(reader: &mut (impl AsyncBufRead + Unpin)) -> Result<String, Refused> {
    let mut line = String::new();
    if reader.take(1024).read_line(&mut line).await? == 0 {
        return Err(Refused::Gone);
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
