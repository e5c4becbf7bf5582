//! Halves of surrogate pairs in JSON: agents leave them where they cut a text by its length, and JSON's readers take no line that has one.

use serde::de::DeserializeOwned;

/// How long an escape like `\\u1f60` is.
const ESCAPE: usize = 6;
/// What a half becomes: a sign for each of its three bytes, as when it comes in a request, or an agent that goes on would not be recognised.
const REPLACED: &str = r"\ufffd\ufffd\ufffd";

/// What a line says; each half of a pair in it is three replacement characters.
pub(super) fn read<T: DeserializeOwned>(line: &str) -> Option<T> {
    serde_json::from_str(line).or_else(|_| serde_json::from_str(&replaced(line))).ok()
}

fn replaced(line: &str) -> String {
    let (mut whole, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        whole.push_str(before);
        let (length, is_half) = measured(escape);
        let (escape, behind) = escape.split_at_checked(length).unwrap_or((escape, ""));
        whole.push_str(if is_half { REPLACED } else { escape });
        rest = behind;
    }
    whole + rest
}

/// How long what begins with this escape is, and whether it is half of a pair.
fn measured(escape: &str) -> (usize, bool) {
    match unit(escape) {
        Some(0xD800..=0xDBFF) if matches!(unit(&escape[ESCAPE..]), Some(0xDC00..=0xDFFF)) => {
            (2 * ESCAPE, false)
        }
        Some(0xD800..=0xDFFF) => (ESCAPE, true),
        Some(_) => (ESCAPE, false),
        None => (escape.chars().take(2).map(char::len_utf8).sum(), false),
    }
}

fn unit(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_is_replaced_and_all_else_is_as_it_was() {
        let said = |json: &str| read::<String>(json);
        for (json, text) in [
            (r#""a\ud83d""#, "a���"),
            (r#""\ud83dx\ude00é\\n\n""#, "���x���é\\n\n"),
            (r#""\ud83d\ude00 \udE00\ud83d""#, "😀 ������"),
            (r#""\\ud83d \udc00""#, "\\ud83d ���"),
            (r#""\u00e4""#, "ä"),
        ] {
            assert_eq!(said(json).as_deref(), Some(text), "{json}");
        }
        for broken in [r#""\ud8""#, r#""\"#, r#""\u"#, "{", r#""\ué123""#] {
            assert_eq!(said(broken), None, "{broken}");
        }
    }
}
