//! What holds for any bytes whatever. The fuzzer (`fuzz/`) looks for bytes for which it does not; the tests try some at random,
//! and all that lie in `fuzz/seeds`.

#![expect(clippy::expect_used, reason = "a broken promise is to be loud: this is no part of the program")]

mod splicing;
#[cfg(test)]
mod tests;

pub use splicing::splicing;

use crate::dialect::json::first_is_json;
use crate::dialect::{answered, asked};
use crate::events::{Event, Splitter, all};
use domain::provider::Dialect;

/// A stream of events, cut into pieces whose lengths its first four bytes say, is the same as whole, and as what a plain
/// reading of the standard makes of it.
pub fn events(input: &[u8]) {
    let (lengths, stream) = input.split_at(input.len().min(4));
    let whole = all(stream);
    assert_eq!(in_pieces(stream, lengths), whole, "pieces");
    assert_eq!(plainly(stream), whole, "plainly");
}

fn in_pieces(mut stream: &[u8], lengths: &[u8]) -> Vec<Event> {
    let mut splitter = Splitter::default();
    let mut events = Vec::new();
    for length in lengths.iter().cycle() {
        let (piece, rest) = stream.split_at(stream.len().min(usize::from(*length) + 1));
        events.extend(splitter.push(piece));
        stream = rest;
        if stream.is_empty() {
            break;
        }
    }
    events.extend(splitter.finish());
    events
}

/// The whole stream as one text: lines, blocks between blank lines, fields.
fn plainly(stream: &[u8]) -> Vec<Event> {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n");
    text.split("\n\n").filter_map(block).collect()
}

fn block(text: &str) -> Option<Event> {
    let fields: Vec<(&str, &str)> =
        text.split('\n').map(|line| line.split_once(':').unwrap_or((line, ""))).collect();
    let values = |wanted: &'static str| {
        let of = move |(name, value): &(&str, &'_ str)| {
            (*name == wanted).then(|| value.strip_prefix(' ').unwrap_or(value).to_owned())
        };
        fields.iter().filter_map(of).collect::<Vec<String>>()
    };
    let data = values("data");
    let name = values("event").pop().unwrap_or_default();
    (!data.is_empty()).then(|| Event { name, data: data.join("\n") })
}

/// A request and an answer of any shape, in the dialect that the first byte says, are read or not, and what the answer counts
/// can be added up. A stream says the same whatever ends its lines.
pub fn usage(input: &[u8]) {
    let Some((first, body)) = input.split_first() else { return };
    let dialect = dialect(*first);
    drop(asked(dialect, body));
    let said = answered(dialect, body);
    assert!(
        said.usage.prompt() >= said.usage.input.max(said.usage.cache_read),
        "the sum is no less than its parts"
    );
    if !first_is_json(body) {
        for end in ["\n", "\r", "\r\n"] {
            assert_eq!(answered(dialect, &with_lines_ended_by(end, body)), said, "{end:?}");
        }
    }
}

pub(crate) fn dialect(byte: u8) -> Dialect {
    [Dialect::AnthropicMessages, Dialect::OpenAiChat, Dialect::OpenAiResponses][usize::from(byte % 3)]
}

fn with_lines_ended_by(end: &str, stream: &[u8]) -> Vec<u8> {
    let mut rewritten = Vec::with_capacity(stream.len());
    let mut bytes = stream.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' | b'\n' => {
                rewritten.extend_from_slice(end.as_bytes());
                bytes.next_if(|next| *byte == b'\r' && **next == b'\n');
            }
            other => rewritten.push(*other),
        }
    }
    rewritten
}
