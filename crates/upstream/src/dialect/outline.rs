//! Where the values of a JSON text begin and end, found without reading them: texts are passed over at the speed of a search
//! for their end. What is found is JSON only if the whole is; whoever wants to know must read it.

use super::walk::{Walk, behind, blank, past_text, past_value};
use memchr::memmem;
use std::borrow::Cow;
use std::ops::Range;

/// As many members as a request usually has.
const USUAL: usize = 16;
/// More members than any request has. Each new name is held against all before it.
const MOST: usize = 256;

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
    /// The name without its quotes, and where its value is.
    places: Vec<(&'b [u8], Range<usize>)>,
}

impl<'b> Members<'b> {
    /// Those of the object `json`. None when it is no object, goes on behind its end, has more than [`MOST`], or a name stands
    /// twice or is spelled with escapes, so that two readers could disagree.
    pub(super) fn of(json: &'b [u8]) -> Option<Self> {
        let (mut places, mut walk) = (Vec::with_capacity(USUAL), Walk::through(json));
        walk.object(|walk, name| {
            let is_new = places.iter().all(|(known, _)| *known != name);
            places.push((name, walk.place()?));
            (is_new && places.len() <= MOST).then_some(())
        })?;
        walk.is_over().then_some(Self { places })
    }

    /// Where the value of `name` is.
    pub(super) fn place(&self, name: &str) -> Option<Range<usize>> {
        self.places.iter().find(|(known, _)| *known == name.as_bytes()).map(|(_, place)| place.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::walk;
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn value() -> impl Strategy<Value = Value> {
        walk::tests::value("[\"\\\\{}a-c]{0,2}")
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
    fn an_object_with_more_members_than_any_request_has_is_not_gone_through() {
        let object = |members: usize| {
            let each: Vec<_> = (0..members).map(|at| format!("\"{at}\":0")).collect();
            format!("{{{}}}", each.join(","))
        };
        assert!(Members::of(object(MOST).as_bytes()).is_some());
        assert!(Members::of(object(MOST + 1).as_bytes()).is_none());
    }

    #[test]
    fn of_two_members_of_one_name_the_first_is_found_and_the_other_surrounds_it() {
        let (found, surrounding) = member(br#"{"a":[1],"a":2}"#, "a").unwrap();
        assert_eq!((found, surrounding), (&b"[1]"[..], [&br#"{"a":"#[..], br#","a":2}"#]));
        assert_eq!(member(br#"{"\u0061":1}"#, "a"), None);
    }
}
