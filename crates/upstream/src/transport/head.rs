//! The head of an answer, read before the client may see it, and the two corrections that a head may need.
//!
//! It is read with the client's own parser (httparse, same settings and limits): two parsers that disagree on where
//! a head ends are how one caller's answer reaches another.

use bytes::BytesMut;
use httparse::{EMPTY_HEADER, Header, ParserConfig, Response, Status};

/// More fields than this the client refuses, so the guard need not understand them.
pub(super) const MOST_FIELDS: usize = 96;
/// A head that is not complete within this many bytes the client refuses too.
pub(super) const LONGEST: usize = 128 * 1024;

/// What the bytes received so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// More bytes are needed.
    Unfinished,
    /// A 1xx head of this many bytes: news, not an answer. 101 is final, for the connection is another's then.
    Interim(usize),
    /// The head of the answer.
    Final(Ending),
    /// No HTTP answer, or one past the limits: for the client to refuse in its own words.
    Unreadable,
}

/// How the reader knows that the body is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The body tells (content-length, chunks, or none at all): a connection that ends earlier has cut it.
    Framed,
    /// The end of the connection is the end of the body.
    Close,
}

/// Reads the head at the start of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Head {
    let mut fields = [EMPTY_HEADER; MOST_FIELDS];
    let mut answer = Response::new(&mut fields);
    match parser().parse_response(&mut answer, bytes) {
        Ok(Status::Complete(length)) => judge(&answer, length),
        Ok(Status::Partial) if bytes.len() < LONGEST => Head::Unfinished,
        _ => Head::Unreadable,
    }
}

fn parser() -> ParserConfig {
    let mut parser = ParserConfig::default();
    parser.allow_spaces_after_header_name_in_responses(true);
    parser
}

fn judge(answer: &Response<'_, '_>, length: usize) -> Head {
    match answer.code.unwrap_or_default() {
        101 => Head::Final(Ending::Close),
        100..=199 => Head::Interim(length),
        204 | 304 => Head::Final(Ending::Framed),
        _ if framed(answer) => Head::Final(Ending::Framed),
        _ => Head::Final(Ending::Close),
    }
}

fn framed(answer: &Response<'_, '_>) -> bool {
    let chunks_exist = answer.version == Some(1);
    answer
        .headers
        .iter()
        .any(|field| field.name.eq_ignore_ascii_case("content-length") || (chunks_exist && is_chunked(field)))
}

fn is_chunked(field: &Header<'_>) -> bool {
    field.name.eq_ignore_ascii_case("transfer-encoding")
        && !field.value.trim_ascii().eq_ignore_ascii_case(b"identity")
}

/// Makes the head at the start of `bytes` an HTTP/1.0 one.
///
/// awc drops the body of an HTTP/1.1 answer that only the end of the connection ends, although the version makes no
/// difference there; as HTTP/1.0 it reads it. The version reaches nobody else.
pub(super) fn downgrade(bytes: &mut BytesMut) {
    let minor = status_line(bytes) + "HTTP/1.".len();
    if let Some(digit) = bytes.get_mut(minor) {
        *digit = b'0';
    }
}

/// Adds `connection: close` to the head at the start of `bytes`, so that awc does not pool the connection.
pub(super) fn announce_close(bytes: &mut BytesMut) {
    let start = status_line(bytes);
    let fields =
        bytes[start..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |end| start + end + 1);
    let rest = bytes.split_off(fields);
    bytes.extend_from_slice(b"connection: close\r\n");
    bytes.unsplit(rest);
}

/// Whether the head at the start of `bytes` says that all is well.
pub(super) fn is_success(bytes: &[u8]) -> bool {
    bytes.get(status_line(bytes) + "HTTP/1.1 ".len()) == Some(&b'2')
}

/// Where the status line starts: the parser forgives empty lines before it.
fn status_line(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(head: &str) -> Ending {
        match read(head.as_bytes()) {
            Head::Final(ending) => ending,
            other => panic!("{head:?} is {other:?}"),
        }
    }

    #[test]
    fn a_head_is_unfinished_until_its_empty_line() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
        for cut in 0..head.len() {
            assert_eq!(read(&head[..cut]), Head::Unfinished, "{cut} bytes");
        }
        assert_eq!(read(head), Head::Final(Ending::Framed));
    }

    #[test]
    fn every_1xx_is_interim_but_101() {
        assert_eq!(read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), Head::Interim(25));
        assert_eq!(read(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"), Head::Interim(40));
        assert_eq!(ending("HTTP/1.1 101 Switching Protocols\r\n\r\n"), Ending::Close);
    }

    #[test]
    fn only_an_answer_without_length_and_chunks_ends_with_its_connection() {
        assert_eq!(ending("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), Ending::Framed);
        assert_eq!(ending("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Ending::Framed);
        assert_eq!(ending("HTTP/1.1 204 No Content\r\n\r\n"), Ending::Framed);
        assert_eq!(ending("HTTP/1.1 304 Not Modified\r\n\r\n"), Ending::Framed);
        assert_eq!(ending("HTTP/1.1 200 OK\r\n\r\n"), Ending::Close);
        assert_eq!(ending("HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\n"), Ending::Close);
        assert_eq!(ending("HTTP/1.0 200 OK\r\n\r\n"), Ending::Close);
        assert_eq!(ending("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Ending::Close);
    }

    #[test]
    fn what_is_no_answer_and_what_is_too_long_is_left_to_the_client() {
        assert_eq!(read(b"SSH-2.0-OpenSSH_9.6\r\n"), Head::Unreadable);
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(LONGEST));
        assert_eq!(read(endless.as_bytes()), Head::Unreadable);
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(MOST_FIELDS + 1));
        assert_eq!(read(many.as_bytes()), Head::Unreadable);
    }

    #[test]
    fn only_a_head_with_a_status_of_success_says_that_all_is_well() {
        assert!(is_success(b"HTTP/1.1 200 OK\r\n") && is_success(b"\r\nHTTP/1.0 204 \r\n"));
        for other in
            ["HTTP/1.1 101 Switching\r\n", "HTTP/1.1 302 Found\r\n", "HTTP/1.1 429 No\r\n", "HTTP/1.1", ""]
        {
            assert!(!is_success(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_downgraded_head_differs_in_one_digit() {
        let mut bytes = BytesMut::from(&b"\r\nHTTP/1.1 200 OK\r\n\r\nHTTP/1.1"[..]);
        downgrade(&mut bytes);
        assert_eq!(bytes, b"\r\nHTTP/1.0 200 OK\r\n\r\nHTTP/1.1"[..]);
    }

    #[test]
    fn an_announced_close_is_the_first_field_and_the_rest_is_untouched() {
        let mut bytes = BytesMut::from(&b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno"[..]);
        announce_close(&mut bytes);
        assert_eq!(bytes, b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno"[..]);
    }
}
