//! A way through a JSON text, value by value: each is passed over at the speed of a search for its end, or gone into, and no byte is
//! looked at twice. What is found is JSON only if the whole is.

use memchr::memchr_iter;
use std::ops::Range;

/// See the module. It stands before a value, or behind the last.
pub(super) struct Walk<'b> {
    json: &'b [u8],
    at: usize,
}

impl<'b> Walk<'b> {
    /// Through all of `json`.
    pub(super) fn through(json: &'b [u8]) -> Self {
        Self { json, at: blank(json, 0) }
    }

    /// Whether the next value begins with this byte.
    pub(super) fn is_before(&self, byte: u8) -> bool {
        self.json.get(self.at) == Some(&byte)
    }

    /// Whether nothing is left.
    pub(super) fn is_over(&self) -> bool {
        self.at == self.json.len()
    }

    /// Passes over a value, and tells what it was.
    pub(super) fn value(&mut self) -> Option<&'b [u8]> {
        let place = self.place()?;
        self.json.get(place)
    }

    /// Passes over a value, and tells where it is.
    pub(super) fn place(&mut self) -> Option<Range<usize>> {
        let (start, end) = (self.at, past_value(self.json, self.at)?);
        self.at = blank(self.json, end);
        Some(start..end)
    }

    /// Goes into an object. `member` hears each name without its quotes, and walks over the value. None when it is no object, or a name is
    /// spelled with escapes, so that two readers could disagree.
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, &'b [u8]) -> Option<()>) -> Option<()> {
        self.nest([b'{', b'}'], |walk| {
            let name = walk.value()?.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
            if name.contains(&b'\\') || !walk.is_past(b':') {
                return None;
            }
            member(walk, name)
        })
    }

    /// Goes into a list. `item` walks over each item. None when it is no list.
    pub(super) fn list(&mut self, item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.nest([b'[', b']'], item)
    }

    fn nest(&mut self, [open, close]: [u8; 2], mut part: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if !self.is_past(open) {
            return None;
        }
        if self.is_past(close) {
            return Some(());
        }
        loop {
            part(self)?;
            if self.is_past(close) {
                return Some(());
            }
            if !self.is_past(b',') {
                return None;
            }
        }
    }

    /// Passes over this byte and the blanks behind it, if it is the next.
    fn is_past(&mut self, byte: u8) -> bool {
        let is_next = self.is_before(byte);
        if is_next {
            self.at = blank(self.json, self.at + 1);
        }
        is_next
    }
}

/// The place behind the byte at `at` and the blanks that follow it, if it is this one.
pub(super) fn behind(json: &[u8], at: usize, byte: u8) -> Option<usize> {
    (json.get(at) == Some(&byte)).then(|| blank(json, at + 1))
}

/// The first place from `at` on that holds no blank.
pub(super) fn blank(json: &[u8], at: usize) -> usize {
    let rest = json.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count()
}

pub(super) fn past_value(json: &[u8], at: usize) -> Option<usize> {
    match json.get(at)? {
        b'"' => past_text(json, at),
        b'{' | b'[' => past_nest(json, at),
        _ => past_word(json, at),
    }
}

/// Behind the text that begins at `at`. Only its quotes are looked at: of what a backslash may escape nothing else ends a text,
/// and prose has an escape in every line.
pub(super) fn past_text(json: &[u8], at: usize) -> Option<usize> {
    let start = behind_quote(json, at)?;
    let mut quotes = memchr_iter(b'"', json.get(start..)?).map(|quote| start + quote);
    quotes.find(|quote| !is_escaped(json, *quote)).map(|quote| quote + 1)
}

/// Whether an odd number of backslashes stands before `at`: of two, the first escapes the second.
pub(super) fn is_escaped(json: &[u8], at: usize) -> bool {
    let before = json.get(..at).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

fn behind_quote(json: &[u8], at: usize) -> Option<usize> {
    (json.get(at) == Some(&b'"')).then_some(at + 1)
}

/// Behind the object or list that begins at `at`.
fn past_nest(json: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match json.get(at)? {
            b'"' => {
                at = past_text(json, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return Some(at + 1),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

/// Behind the number or the word that begins at `at`.
fn past_word(json: &[u8], at: usize) -> Option<usize> {
    let word = json.get(at..)?.iter().take_while(|byte| !b",]} \t\r\n".contains(byte)).count();
    (word > 0).then_some(at + word)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    /// Any value; the names of members are of this form.
    pub(in crate::dialect) fn value(names: &'static str) -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[\"\\\\{}\\[\\]:, a-cä\n]{0,9}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(names, inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// The same value, put together on a way through all of it.
    fn walked(walk: &mut Walk<'_>) -> Option<Value> {
        if walk.is_before(b'{') {
            let mut members = serde_json::Map::new();
            walk.object(|walk, name| {
                members.insert(String::from_utf8(name.to_vec()).ok()?, walked(walk)?);
                Some(())
            })?;
            return Some(members.into());
        }
        if walk.is_before(b'[') {
            let mut items = Vec::new();
            walk.list(|walk| walked(walk).map(|item| items.push(item)))?;
            return Some(items.into());
        }
        serde_json::from_slice(walk.value()?).ok()
    }

    proptest! {
        #[test]
        fn who_goes_into_everything_sees_everything(value in value("[{}a-c]{0,2}"), pretty: bool) {
            let json = if pretty { format!(" {value:#}\n") } else { value.to_string() };
            let mut walk = Walk::through(json.as_bytes());
            prop_assert_eq!(walked(&mut walk), Some(value));
            prop_assert!(walk.is_over());
            let mut walk = Walk::through(json.as_bytes());
            prop_assert_eq!(walk.value(), Some(json.trim().as_bytes()), "and so does who passes over it");
            prop_assert!(walk.is_over());
        }

        #[test]
        fn no_way_leads_out_of_what_is_no_json(bytes in prop::collection::vec(prop::sample::select(&b"[]{}\",:\\a1 "[..]), 0..24)) {
            let mut walk = Walk::through(&bytes);
            if walked(&mut walk).is_some() && walk.is_over() {
                prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
            }
        }
    }

    #[test]
    fn a_name_that_is_spelled_with_escapes_leads_nowhere() {
        let names = |json: &str| Walk::through(json.as_bytes()).object(|walk, _| walk.value().map(drop));
        assert_eq!(names(r#"{"a":1,"a":2}"#), Some(()), "whether one stands twice is for whoever hears it");
        for nowhere in
            [r#"{"\u0061":1}"#, "[]", r#"{"a" 1}"#, r#"{"a":1"#, r#"{"a":1 "b":2}"#, "{1:1}", r#"{"a":1,}"#]
        {
            assert_eq!(names(nowhere), None, "{nowhere}");
        }
    }
}
