//! The request that keeps an Anthropic prompt cache warm: the session's last request, with its output turned down.
//!
//! The cache is found by the prompt's bytes as the provider renders them, so nothing may be read and written again: keys
//! would change their order and numbers their spelling. Two members of the outer object are replaced where they stand, and
//! every other byte stays what it was, a `tool_choice` that forces a tool as well: without it the conversation is cached anew
//! (Anthropic, *Prompt caching*, what invalidates the cache), and one token of a call is as good as any other.

use crate::dialect::json::{Text, read};
use crate::unreadable::Unreadable;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::ops::Range;

/// The body that warms the cache of the plain (decoded) request `body`.
///
/// `max_tokens` becomes 1; `stream` becomes false.
/// A request that [`has_a_thinking_budget`] is refused like that: its output cannot be turned down.
///
/// # Errors
/// [`Unreadable`] when the body is no JSON object, names a key twice, or has no `max_tokens` to turn down.
pub fn warmup(body: &[u8]) -> Result<Bytes, Unreadable> {
    let members = members(body)?;
    let find = |key: &str| members.iter().position(|member| member.key == key);
    let limit = find("max_tokens").ok_or(Unreadable::Missing("max_tokens"))?;
    let mut edits = vec![Edit { range: members[limit].value.clone(), with: "1".into() }];
    if let Some(at) = find("stream") {
        edits.push(Edit { range: members[at].value.clone(), with: "false".into() });
    }
    Ok(spliced(body, edits))
}

/// Whether the request lets the model think for a budget of tokens (`thinking.type` is `enabled`). The provider wants the output
/// limit to be larger than that, so a replay would be a whole answer, and paid for as one; and it has another prefix cached
/// without the budget, or with a smaller one.
#[must_use]
pub fn has_a_thinking_budget(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Request<'b> {
        #[serde(borrow)]
        thinking: Option<&'b RawValue>,
    }
    #[derive(Deserialize)]
    struct Thinking<'b> {
        #[serde(borrow, rename = "type")]
        kind: Text<'b>,
    }
    let thinking = serde_json::from_slice::<Request<'_>>(body).ok().and_then(|request| request.thinking);
    let thinking = thinking.and_then(|thinking| read::<Thinking<'_>>(thinking.get()));
    thinking.is_some_and(|thinking| &*thinking.kind == "enabled")
}

/// Bytes to put in the place of others.
struct Edit {
    range: Range<usize>,
    with: String,
}

fn spliced(body: &[u8], mut edits: Vec<Edit>) -> Bytes {
    edits.sort_by_key(|edit| edit.range.start);
    let mut whole = Vec::with_capacity(body.len());
    let mut done = 0;
    for edit in edits {
        whole.extend_from_slice(&body[done..edit.range.start]);
        whole.extend_from_slice(edit.with.as_bytes());
        done = edit.range.end;
    }
    whole.extend_from_slice(&body[done..]);
    whole.into()
}

/// One member of the outer object, and where its value stands in the body.
struct Member {
    key: String,
    value: Range<usize>,
}

/// The members of the outer object, in order.
fn members(body: &[u8]) -> Result<Vec<Member>, Unreadable> {
    // Once it is known to be JSON, and text, finding the members needs no more than strings and nesting.
    serde_json::from_slice::<&RawValue>(body)?;
    let mut scan = Scan { body, at: 0 };
    scan.blanks();
    if scan.take() != Some(b'{') {
        return Err(Unreadable::Malformed { line: 1, column: 1 });
    }
    let mut members = Vec::new();
    while let Some(member) = scan.member() {
        members.push(member);
    }
    let mut seen = HashSet::new();
    if members.iter().all(|member| seen.insert(&*member.key)) {
        Ok(members)
    } else {
        Err(Unreadable::DuplicateKey)
    }
}

/// A walk over bytes that are known to be JSON.
struct Scan<'b> {
    body: &'b [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b':')) {
            self.at += 1;
        }
    }

    /// The next member of the object; none at its end.
    fn member(&mut self) -> Option<Member> {
        self.blanks();
        let key = (self.peek() == Some(b'"')).then(|| self.value())?;
        let key = serde_json::from_slice::<Text<'_>>(&self.body[key]).ok()?.0.into_owned();
        self.blanks();
        Some(Member { key, value: self.value() })
    }

    /// Where the value that begins here stands: a text, a list or object with all it holds, or a bare word.
    fn value(&mut self) -> Range<usize> {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.text(),
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 0 => depth -= 1,
                b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => break,
                _ => {}
            }
            self.at += 1;
            if depth == 0 && matches!(byte, b'"' | b'}' | b']') {
                break;
            }
        }
        start..self.at
    }

    /// From a text's opening quote to its closing one.
    fn text(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek().filter(|byte| *byte != b'"') {
            self.at += if byte == b'\\' { 2 } else { 1 };
        }
    }
}

#[cfg(test)]
mod tests;
