//! awc dates every request that has no date of its own. A client that said none is not made to: the transport sets a mark
//! where awc looks for a date, and the guard takes the line out again as the head passes by.

use actix_http::header::HeaderValue;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// What stands in the mark's place when awc has written it. No value of another header can look like it: none has a line end.
const LINE: &[u8] = b"\r\ndate: none\r\n";

static MARKED: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(LINE));

/// The value that awc takes for a date. It goes before those that the client said, if any, which stay.
pub(super) const MARK: HeaderValue = HeaderValue::from_static("none");

/// A request's first bytes, its head among them, before and behind the marked line; none when no line is marked.
pub(super) fn around_mark(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mark = MARKED.find(bytes)?;
    let (before, marked) = bytes.split_at(mark);
    Some((before, &marked[LINE.len() - b"\r\n".len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_marked_line_is_left_out_and_nothing_else() {
        let head = |lines: &str| format!("GET / HTTP/1.1\r\nhost: h\r\n{lines}\r\nbody");
        let unmarked = |lines: &str| {
            let bytes = head(lines).into_bytes();
            around_mark(&bytes).map(|(before, behind)| [before, behind].concat())
        };
        let left = |lines: &str| Some(head(lines).into_bytes());
        assert_eq!(unmarked("date: none\r\n"), left(""));
        assert_eq!(unmarked("a: b\r\ndate: none\r\nc: d\r\n"), left("a: b\r\nc: d\r\n"));
        assert_eq!(unmarked("date: none\r\ndate: none\r\n"), left("date: none\r\n"));
        for unmarkable in ["date: nonesuch\r\n", "up-date: none\r\n", "a: date: none\r\n"] {
            assert_eq!(unmarked(unmarkable), None, "{unmarkable}");
        }
    }
}
