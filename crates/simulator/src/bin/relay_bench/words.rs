//! Text that compresses and scans like people's and programs', of any length.

const WORDS: [&str; 16] = [
    "the",
    "function",
    "returns",
    "error",
    "when",
    "a",
    "file",
    "is",
    "missing",
    "\"quoted\"",
    "src/main.rs",
    "and",
    "then",
    "retry",
    "in\n",
    "42",
];

/// So many bytes of JSON text, once written as JSON: another text for each seed.
pub(crate) fn words(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let (mut text, mut written) = (String::with_capacity(length), 0);
    loop {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let word = WORDS[(state >> 60) as usize];
        let cost = 1 + word.len() + word.bytes().filter(|byte| b"\"\n".contains(byte)).count();
        if written + cost > length {
            text.extend(std::iter::repeat_n('.', length - written));
            return text;
        }
        text.push_str(word);
        text.push(' ');
        written += cost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_long_in_json_as_it_was_ordered() {
        for length in [0, 1, 7, 20, 1000] {
            assert_eq!(serde_json::to_string(&words(3, length)).unwrap().len(), length + 2);
        }
        assert_ne!(words(1, 100), words(2, 100));
    }
}
