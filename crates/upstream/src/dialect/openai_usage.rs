//! Tokens as OpenAI counts them, under the names of both of its dialects.

use super::json::{Raw, read};
use super::lenient::{lenient, whole_number};
use domain::conversation::Usage;
use serde::Deserialize;

#[derive(Deserialize)]
struct Counted {
    #[serde(default, deserialize_with = "whole_number")]
    prompt_tokens: Option<u64>,
    #[serde(default, deserialize_with = "whole_number")]
    input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "whole_number")]
    completion_tokens: Option<u64>,
    #[serde(default, deserialize_with = "whole_number")]
    output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    prompt_tokens_details: Option<Details>,
    #[serde(default, deserialize_with = "lenient")]
    input_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default, deserialize_with = "whole_number")]
    cached_tokens: Option<u64>,
}

/// The count in a `usage` object. OpenAI's input includes what came from its cache; ours does not.
pub(super) fn usage(raw: Raw<'_>) -> Option<Usage> {
    let counted: Counted = read(raw.get())?;
    let input = counted.prompt_tokens.or(counted.input_tokens).unwrap_or_default();
    let details = counted.prompt_tokens_details.or(counted.input_tokens_details);
    let cache_read = details.and_then(|details| details.cached_tokens).unwrap_or_default().min(input);
    let output = counted.completion_tokens.or(counted.output_tokens).unwrap_or_default();
    Some(Usage { input: input - cache_read, cache_read, output, ..Usage::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Option<Usage> {
        usage(Raw(json))
    }

    #[test]
    fn cached_input_is_taken_out_of_the_input_under_both_names() {
        let expected = Usage { input: 20, cache_read: 80, output: 7, ..Usage::default() };
        let chat =
            r#"{"prompt_tokens":100,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":80}}"#;
        let responses =
            r#"{"input_tokens":100,"output_tokens":7,"input_tokens_details":{"cached_tokens":80}}"#;
        assert_eq!(of(chat), Some(expected));
        assert_eq!(of(responses), Some(expected));
    }

    #[test]
    fn a_count_that_makes_no_sense_never_underflows() {
        let odd = of(r#"{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":80}}"#).unwrap();
        assert_eq!((odd.input, odd.cache_read), (0, 1));
        assert_eq!(of("null"), None);
        assert_eq!(of(r#"{"prompt_tokens":5,"prompt_tokens_details":null}"#).unwrap().prompt(), 5);
    }
}
