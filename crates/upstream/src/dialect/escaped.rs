//! Texts as they stand in JSON between their quotes, escapes and all: most need not be read.

use super::walk::is_escaped;
use memchr::memmem;
use std::ops::Range;

/// What stands between the quotes of `value`, if it is a text.
pub(super) fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value.strip_prefix(b"\"")?.strip_suffix(b"\"")?).ok()
}

/// `text` without the blanks around it, escaped ones too.
pub(super) fn trimmed(text: &str) -> &str {
    const BLANKS: [&str; 4] = [" ", "\\n", "\\t", "\\r"];
    let mut rest = text;
    while let Some(behind) = BLANKS.iter().find_map(|blank| rest.strip_prefix(blank)) {
        rest = behind;
    }
    let is_whole = |before: &&str| !is_escaped(before.as_bytes(), before.len());
    while let Some(before) = BLANKS.iter().find_map(|blank| rest.strip_suffix(blank)).filter(is_whole) {
        rest = before;
    }
    rest
}

/// Where the line of `text` is around the byte at `at`, which begins a character.
pub(super) fn line_around(text: &str, at: usize) -> Range<usize> {
    const END: &str = "\\n";
    let (before, behind) = text.split_at(at);
    let is_end = |end: &usize| !is_escaped(text.as_bytes(), *end);
    let start = memmem::rfind_iter(before.as_bytes(), END).find(is_end).map(|end| end + END.len());
    let mut ends = memmem::find_iter(behind.as_bytes(), END).map(|end| at + end);
    start.unwrap_or_default()..ends.find(is_end).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(text: &str) -> String {
        let json = serde_json::to_string(text).unwrap();
        super::text(json.as_bytes()).unwrap().to_owned()
    }

    fn plain(escaped: &str) -> String {
        serde_json::from_str(&format!("\"{escaped}\"")).unwrap()
    }

    proptest! {
        #[test]
        fn to_trim_what_is_escaped_is_to_trim_what_it_says(text in "[ \n\t\r\\\\nrt\"ä]{0,12}") {
            prop_assert_eq!(plain(trimmed(&escaped(&text))), text.trim());
        }

        #[test]
        fn the_line_around_a_place_is_the_one_that_is_read_there(text in "[\n\\\\n\"ä]{0,8}", rest in "[\n\\\\n\"ä]{0,8}") {
            let whole = escaped(&format!("{text}here{rest}"));
            let line = &whole[line_around(&whole, escaped(&text).len())];
            let lines = format!("{text}here{rest}");
            prop_assert_eq!(Some(&*plain(line)), lines.split('\n').find(|line| line.contains("here")));
        }
    }

    #[test]
    fn only_what_stands_in_quotes_is_a_text() {
        assert_eq!(super::text(br#""a\n""#), Some(r"a\n"));
        for none in [&b"1"[..], b"", b"\"", b"[\"a\"]", b"\"\xff\""] {
            assert_eq!(super::text(none), None);
        }
    }
}
