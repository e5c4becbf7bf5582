//! Where the values of a JSON text begin and end, found without reading them: texts are passed over at the speed of a search
//! for their end. What is found is JSON only if the whole is; whoever wants to know must read it.

use super::json::Raw;
use memchr::{memchr_iter, memmem};
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Range;

/// As many members as a request usually has.
const USUAL: usize = 16;

/// The value of the first member of the object `json` that is called `name`, and what surrounds it. None when there is none,
/// or none can be found: a name that is spelled with escapes is not.
pub(super) fn member<'b>(json: &'b [u8], name: &str) -> Option<(&'b [u8], [&'b [u8]; 2])> {
    let mut at = behind(json, blank(json, 0), b'{')?;
    loop {
        let key = at..past_text(json, at)?;
        let start = blank(json, behind(json, blank(json, key.end), b':')?);
        let end = past_value(json, start)?;
        if json.get(key)?.strip_prefix(b"\"")?.strip_suffix(b"\"")? == name.as_bytes() {
            return Some((json.get(start..end)?, [json.get(..start)?, json.get(end..)?]));
        }
        at = blank(json, behind(json, blank(json, end), b',')?);
    }
}

/// The object `json` with its list `name` up to the first item that is an answer and those that follow it at once; of what lies
/// behind, only the items that hold the word `needed` are left. Unchanged when there is no such list.
pub(super) fn opening<'b>(
    json: &'b [u8],
    name: &str,
    needed: Option<&str>,
    is_answer: impl Fn(&[u8]) -> bool,
) -> Cow<'b, [u8]> {
    let Some((list, [before, behind])) = member(json, name).filter(|(list, _)| list.starts_with(b"[")) else {
        return Cow::Borrowed(json);
    };
    let needed = needed.map(memmem::Finder::new);
    let is_needed = |item: &[u8]| needed.as_ref().is_some_and(|word| word.find(item).is_some());
    let (mut kept, mut answered, mut over) = (Vec::new(), false, false);
    for item in elements(list) {
        let answers = !over && is_answer(item);
        over |= answered && !answers;
        answered |= answers;
        if !over || is_needed(item) {
            kept.push(item);
        }
    }
    Cow::Owned([before, b"[", &kept.join(&b","[..]), b"]", behind].concat())
}

/// The items of the list `json`, as far as they can be told apart; none when it is no list.
pub(super) fn elements(json: &[u8]) -> impl Iterator<Item = &[u8]> {
    places(json).filter_map(|place| json.get(place))
}

/// As [`elements`], each with its members if it is an object that has some.
pub(super) fn objects(json: &[u8]) -> impl Iterator<Item = (&[u8], Option<Members<'_>>)> {
    items(json, |start| {
        let (members, end) = match Members::at(json, start) {
            Some((members, end)) => (Some(members), end),
            None => (None, past_value(json, start)?),
        };
        Some(((json.get(start..end)?, members), end))
    })
}

/// Where in the list `json` its items stand.
pub(super) fn places(json: &[u8]) -> impl Iterator<Item = Range<usize>> {
    items(json, |start| past_value(json, start).map(|end| (start..end, end)))
}

/// What `read` makes of each item of the list `json`: it is told where the item begins, and tells where it ends.
fn items<T>(json: &[u8], read: impl Fn(usize) -> Option<(T, usize)>) -> impl Iterator<Item = T> {
    let mut next = behind(json, 0, b'[');
    std::iter::from_fn(move || {
        let (item, end) = read(blank(json, next.take()?))?;
        next = behind(json, blank(json, end), b',');
        Some(item)
    })
}

/// The members of an object as they stand.
pub(super) struct Members<'b> {
    json: &'b [u8],
    /// The name without its quotes, and where its value is.
    places: Vec<(&'b [u8], Range<usize>)>,
}

impl<'b> Members<'b> {
    /// Those of the object `json`. None when it is no object, goes on behind its end, or a name stands twice or is spelled with
    /// escapes, so that two readers could disagree.
    pub(super) fn of(json: &'b [u8]) -> Option<Self> {
        let (members, end) = Self::at(json, blank(json, 0))?;
        (blank(json, end) == json.len()).then_some(members)
    }

    /// Those of the object that begins at `start`, and where that ends.
    fn at(json: &'b [u8], start: usize) -> Option<(Self, usize)> {
        let mut members = Self { json, places: Vec::with_capacity(USUAL) };
        let mut at = behind(json, start, b'{')?;
        loop {
            let key = at..past_text(json, at)?;
            let start = blank(json, behind(json, blank(json, key.end), b':')?);
            let value = start..past_value(json, start)?;
            let name = json.get(key)?.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
            if name.contains(&b'\\') || members.places.iter().any(|(known, _)| *known == name) {
                return None;
            }
            let end = blank(json, value.end);
            members.places.push((name, value));
            match json.get(end)? {
                b',' => at = blank(json, end + 1),
                b'}' => return Some((members, end + 1)),
                _ => return None,
            }
        }
    }

    /// Where the value of `name` is.
    pub(super) fn place(&self, name: &str) -> Option<Range<usize>> {
        self.places.iter().find(|(known, _)| *known == name.as_bytes()).map(|(_, place)| place.clone())
    }

    /// The value of `name`, unread.
    pub(super) fn value(&self, name: &str) -> Option<&'b [u8]> {
        self.json.get(self.place(name)?)
    }

    /// The value of `name`, unread, as text.
    pub(super) fn raw(&self, name: &str) -> Option<Raw<'b>> {
        std::str::from_utf8(self.value(name)?).ok().map(Raw)
    }

    /// The value of `name`, read; what it is without one when there is none.
    pub(super) fn read<T: Deserialize<'b> + Default>(&self, name: &str) -> serde_json::Result<T> {
        self.value(name).map_or_else(|| Ok(T::default()), serde_json::from_slice)
    }
}

/// The place behind the byte at `at` and the blanks that follow it, if it is this one.
fn behind(json: &[u8], at: usize, byte: u8) -> Option<usize> {
    (json.get(at) == Some(&byte)).then(|| blank(json, at + 1))
}

/// The first place from `at` on that holds no blank.
fn blank(json: &[u8], at: usize) -> usize {
    let rest = json.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count()
}

fn past_value(json: &[u8], at: usize) -> Option<usize> {
    match json.get(at)? {
        b'"' => past_text(json, at),
        b'{' | b'[' => past_nest(json, at),
        _ => past_word(json, at),
    }
}

/// Behind the text that begins at `at`. Only its quotes are looked at: of what a backslash may escape nothing else ends a text,
/// and prose has an escape in every line.
fn past_text(json: &[u8], at: usize) -> Option<usize> {
    let start = behind_quote(json, at)?;
    let mut quotes = memchr_iter(b'"', json.get(start..)?).map(|quote| start + quote);
    quotes.find(|quote| !is_escaped(json, *quote)).map(|quote| quote + 1)
}

/// Whether an odd number of backslashes stands before `at`: of two, the first escapes the second.
fn is_escaped(json: &[u8], at: usize) -> bool {
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
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[\"\\\\{}\\[\\]:, a-cä\n]{0,9}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[\"\\\\{}a-c]{0,2}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn spelled(value: &Value, pretty: bool) -> String {
        if pretty { format!(" {value:#}\n") } else { value.to_string() }
    }

    proptest! {
        #[test]
        fn a_member_is_found_with_all_that_surrounds_it(value in value(), pretty: bool, name in "[a-c]{1,2}") {
            let json = spelled(&value, pretty);
            let found = member(json.as_bytes(), &name);
            prop_assert_eq!(found.is_some(), value.get(&name).is_some());
            if let Some((found, [before, after])) = found {
                let read: Value = serde_json::from_slice(found).unwrap();
                prop_assert_eq!(Some(&read), value.get(&name));
                prop_assert_eq!([before, found, after].concat(), json.as_bytes());
            }
        }

        #[test]
        fn all_items_of_a_list_are_found_and_of_nothing_else(value in value(), pretty: bool) {
            let json = spelled(&value, pretty);
            let found = elements(json.trim().as_bytes());
            let found: Vec<Value> = found.map(|item| serde_json::from_slice(item).unwrap()).collect();
            prop_assert_eq!(found, value.as_array().cloned().unwrap_or_default());
        }

        #[test]
        fn nothing_is_found_behind_the_end_of_what_is_no_json(bytes in prop::collection::vec(prop::sample::select(&b"[]{}\",:\\a1 "[..]), 0..24)) {
            let inside = |part: &[u8]| bytes.as_ptr_range().contains(&part.as_ptr()) && part.len() <= bytes.len();
            prop_assert!(member(&bytes, "a").is_none_or(|(found, _)| inside(found)));
            prop_assert!(elements(&bytes).all(inside));
        }
    }

    #[test]
    fn what_lies_behind_the_first_answer_is_left_out_but_what_is_needed() {
        let shortened = |json: &'static str| {
            let short = opening(json.as_bytes(), "l", Some("tools"), |item| item.starts_with(b"2"));
            String::from_utf8(short.into_owned()).unwrap()
        };
        assert_eq!(
            shortened(r#"{"a":0,"l":[1, 20,21,3,2,"tools",4],"b":[2,3]}"#),
            r#"{"a":0,"l":[1,20,21,"tools"],"b":[2,3]}"#
        );
        for whole in [r#"{"l":[1]}"#, r#"{"l":[]}"#, r#"{"l":"2, 3"}"#, r#"{"k":[2,3]}"#, "[2,3]"] {
            assert_eq!(shortened(whole), whole);
        }
    }

    #[test]
    fn of_two_members_of_one_name_the_first_is_found_and_the_other_surrounds_it() {
        let (found, surrounding) = member(br#"{"a":[1],"a":2}"#, "a").unwrap();
        assert_eq!((found, surrounding), (&b"[1]"[..], [&br#"{"a":"#[..], br#","a":2}"#]));
        assert_eq!(member(br#"{"\u0061":1}"#, "a"), None);
    }
}
