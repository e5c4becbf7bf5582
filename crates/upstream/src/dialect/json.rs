//! Reading JSON that others wrote: borrowed, and item by item, so that one odd item costs only itself.

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

/// One value as it stands, unread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raw<'b>(pub(crate) &'b str);

impl<'b> Raw<'b> {
    /// Its JSON.
    pub(crate) fn get(self) -> &'b str {
        self.0
    }
}

impl<'de: 'b, 'b> Deserialize<'de> for Raw<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(raw.get()))
    }
}

/// Text as it stands in JSON, copied only where an escape forces it. Half a surrogate pair, which agents do send when they
/// cut text by length, becomes replacement characters instead of an error.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text<'b>(pub(crate) Cow<'b, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'b, 'b> Deserialize<'de> for Text<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As bytes, because only then half a surrogate pair is let through.
        deserializer.deserialize_bytes(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(lossy(bytes))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(Cow::Owned(lossy(bytes).into_owned()))
    }
}

/// The same as [`String::from_utf8_lossy`], which looks at each byte alone, for text that nearly always is sound.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// One value, if it has the wanted shape.
pub(crate) fn read<'b, T: Deserialize<'b>>(json: &'b str) -> Option<T> {
    serde_json::from_str(json).ok()
}

/// The value, if it is a text. Looked at first, because the error that says "a list is no text" costs more than the text.
pub(crate) fn text(value: Raw<'_>) -> Option<Cow<'_, str>> {
    let text = Some(value.get()).filter(|json| json.starts_with('"'))?;
    read::<Text<'_>>(text).map(|text| text.0)
}

/// The items of a list that have the wanted shape; none when it is no list.
pub(crate) fn items<'b, T: Deserialize<'b>>(list: Option<Raw<'b>>) -> Vec<T> {
    // Looked at first, because the error that says "a text is no list" would spell out the whole text.
    let Some(list) = list.filter(|list| list.get().starts_with('[')) else { return Vec::new() };
    // Nearly always all have it. Only where one has not is each looked at for itself, which takes twice as long.
    read(list.get()).unwrap_or_else(|| {
        let items: Vec<Raw<'_>> = read(list.get()).unwrap_or_default();
        items.into_iter().filter_map(|item| read(item.get())).collect()
    })
}

/// The words in a content: a text, or a list of parts that are texts or refusals, or have a text and no type.
pub(crate) fn texts<'b>(content: Option<Raw<'b>>) -> Vec<Cow<'b, str>> {
    #[derive(Deserialize)]
    struct Part<'b> {
        #[serde(borrow, rename = "type")]
        kind: Option<Text<'b>>,
        #[serde(borrow)]
        text: Option<Text<'b>>,
        #[serde(borrow)]
        refusal: Option<Text<'b>>,
    }
    let Some(content) = content else { return Vec::new() };
    if let Some(text) = text(content) {
        return vec![text];
    }
    let spoken = |part: Part<'b>| match part.kind.as_deref() {
        None | Some("text" | "input_text" | "output_text") => part.text,
        Some("refusal") => part.refusal,
        Some(_) => None,
    };
    items(Some(content)).into_iter().filter_map(spoken).map(|text| text.0).collect()
}

/// JSON without the blanks between its tokens; what is no JSON stays as it is.
pub(crate) fn compact(json: &str) -> String {
    if read::<Raw<'_>>(json).is_none() {
        return json.to_owned();
    }
    let (mut in_text, mut escaped) = (false, false);
    let wanted = |c: &char| {
        let blank = !in_text && c.is_ascii_whitespace();
        in_text ^= *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        !blank
    };
    json.chars().filter(wanted).collect()
}

/// Whether a body is JSON rather than a stream of events: so it is when it begins with an object or a list.
pub(crate) fn first_is_json(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'['))
}

/// Whether an output format, `{"type": …}`, asks for JSON.
pub(crate) fn asks_for_json(format: Option<Raw<'_>>) -> bool {
    #[derive(Deserialize)]
    struct Format<'b> {
        #[serde(borrow, rename = "type")]
        kind: Text<'b>,
    }
    format
        .and_then(|format| read::<Format<'_>>(format.get()))
        .is_some_and(|format| format.kind.starts_with("json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_borrowed_unless_an_escape_forces_a_copy() {
        assert!(matches!(read::<Text<'_>>(r#""häß""#), Some(Text(Cow::Borrowed("häß")))));
        assert!(matches!(read::<Text<'_>>(r#""a\nb""#), Some(Text(Cow::Owned(text))) if text == "a\nb"));
        assert!(read::<Text<'_>>("5").is_none() && read::<Text<'_>>("[1]").is_none());
    }

    #[test]
    fn half_a_surrogate_pair_is_replaced_and_the_rest_kept() {
        let text: Text<'_> = read(r#""a\ud83d b""#).unwrap();
        assert!(text.starts_with("a\u{fffd}") && text.ends_with(" b"), "{text:?}");
    }

    #[test]
    fn one_odd_item_costs_only_itself() {
        let list = Raw(r#"[1, "x", {"a": 1}, 2]"#);
        assert_eq!(items::<u32>(Some(list)), [1, 2]);
    }

    #[test]
    fn a_text_is_no_list() {
        for json in [r#""[1, 2]""#, "{}", "null"] {
            let raw = Raw(json);
            assert!(items::<u32>(Some(raw)).is_empty(), "{json}");
        }
    }

    #[test]
    fn words_are_found_in_a_text_and_in_parts_but_not_in_thoughts() {
        let of = |json: &str| {
            let raw = Raw(json);
            texts(Some(raw)).into_iter().map(Cow::into_owned).collect::<Vec<_>>()
        };
        assert_eq!(of(r#""a""#), ["a"]);
        assert_eq!(of(r#"[{"type":"input_text","text":"a"},{"text":"b"},{"type":"image"}]"#), ["a", "b"]);
        assert_eq!(of(r#"[{"type":"refusal","refusal":"no","text":"x"},{"refusal":"y"}]"#), ["no"]);
        assert!(
            of(r#"[{"type":"thinking","thinking":"hm"},{"type":"reasoning_text","text":"x"}]"#).is_empty()
        );
    }

    #[test]
    fn blanks_inside_texts_survive_compacting() {
        assert_eq!(
            compact("{ \"a b\" : \"c \\\" d\" ,\n \"e\\\\\" : 1.0 }"),
            r#"{"a b":"c \" d","e\\":1.0}"#
        );
        assert_eq!(compact("not json "), "not json ");
    }

    proptest! {
        #[test]
        fn compacting_keeps_the_value(key in ".{0,8}", text in ".{0,20}", number in any::<i64>()) {
            let value = serde_json::json!({ key: [text, number, null] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(&pretty), value.to_string());
        }
    }
}
