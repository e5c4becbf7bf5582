//! What a program printed, as results of tools say it that run one.

use super::json::{Raw, Text, items, read};
use super::lenient::lenient;
use serde::Deserialize;

#[derive(Deserialize)]
struct Printed<'b> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    stdout: Option<Text<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    stderr: Option<Text<'b>>,
}

/// The words that one program printed, `{"stdout", "stderr"}`, or several in a list.
pub(super) fn printed(result: Raw<'_>) -> Vec<String> {
    let programs = match read::<Printed<'_>>(result.get()).filter(|_| result.get().starts_with('{')) {
        Some(one) => vec![one],
        None => items(Some(result)),
    };
    let words = programs.into_iter().flat_map(|it: Printed<'_>| [it.stdout, it.stderr]).flatten();
    words.filter(|text| !text.trim().is_empty()).map(|text| text.0.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_of_each_program_are_read_and_nothing_else_is() {
        for (result, words) in [
            (r#"{"stdout":"a\n","stderr":"b","return_code":1}"#, &["a\n", "b"][..]),
            (r#"[{"stdout":"a","stderr":""},7,{"stdout":null,"stderr":"b","outcome":{}}]"#, &["a", "b"]),
            (r#"["a","b"]"#, &[]),
            (r#""stdout""#, &[]),
            (r#"[{"type":"text","text":"a"}]"#, &[]),
        ] {
            assert_eq!(printed(Raw(result)), words, "{result}");
        }
    }
}
