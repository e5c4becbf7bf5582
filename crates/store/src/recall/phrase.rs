//! What stands in a question without a blank although it has several words: names in code, files, options, versions. Whoever asks for
//! `flush_cursor` means no cursor that somebody flushes.

use super::lexicon::words_as_written;
use domain::script::has_unspaced;

/// What stands between the words of such a name.
const JOINTS: [char; 7] = ['_', '.', '/', '-', ':', '\\', '@'];
/// How many of a question are looked for, how many words they have at most, and how many letters and digits at least.
const MOST: usize = 4;
const LONGEST: usize = 12;
const SHORTEST: usize = 4;

/// Words that stand next to each other, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase(Vec<String>);

impl Phrase {
    /// Those of a question, each once.
    pub(super) fn all_in(query: &str) -> Vec<Self> {
        let mut all = Vec::new();
        for phrase in query.split_whitespace().filter_map(Self::of) {
            if !all.contains(&phrase) && all.len() < MOST {
                all.push(phrase);
            }
        }
        all
    }

    fn of(part: &str) -> Option<Self> {
        let is_outside = |letter: char| !letter.is_alphanumeric();
        let name = part.trim_matches(is_outside);
        let is_joined = name.chars().all(|letter| letter.is_alphanumeric() || JOINTS.contains(&letter));
        let words: Vec<String> = words_as_written(name).map(str::to_lowercase).collect();
        let letters = name.chars().filter(|letter| letter.is_alphanumeric()).count();
        // People write *built-in*, too.
        let is_code = part.contains("--")
            || name.contains(|letter: char| letter.is_numeric() || letter != '-' && JOINTS.contains(&letter));
        let is_name = is_joined && is_code && letters >= SHORTEST && (2..=LONGEST).contains(&words.len());
        (is_name && !has_unspaced(name)).then_some(Self(words))
    }

    /// As an index is asked for it.
    pub(super) fn expression(&self) -> String {
        format!("\"{}\"", self.0.join(" "))
    }

    /// Whether a text has it, whatever stands between its words there.
    pub(super) fn stands_in(&self, text: &str) -> bool {
        let words: Vec<&str> = words_as_written(text).collect();
        words.windows(self.0.len()).any(|there| there.iter().zip(&self.0).all(|(one, own)| is_same(one, own)))
    }
}

fn is_same(one: &str, in_lower_case: &str) -> bool {
    if one.is_ascii() { one.eq_ignore_ascii_case(in_lower_case) } else { one.to_lowercase() == in_lower_case }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> Vec<String> {
        Phrase::all_in(query).iter().map(Phrase::expression).collect()
    }

    #[test]
    fn names_of_code_files_options_and_versions_are_phrases_and_words_are_not() {
        assert_eq!(of("why does `flush_cursor()` hang?"), ["\"flush cursor\""]);
        assert_eq!(of("src/auth/parse_config.rs:120"), ["\"src auth parse config rs 120\""]);
        assert_eq!(of("--no-cache in 12.7.4, --no-cache"), ["\"no cache\"", "\"12 7 4\""]);
        assert_eq!(of("store::lane and Ann@example.org"), ["\"store lane\"", "\"ann example org\""]);
        assert_eq!(of("don't say: rye, \"wheat\" (or e.g. oats)... yes"), [""; 0]);
        assert_eq!(of("数据/迁移"), [""; 0]);
        assert_eq!(of("a.b built-in follow-up"), [""; 0], "too short to be a name, or none");
        assert_eq!(of("aaa_b ccc_d eee_f ggg_h iii_j").len(), MOST);
    }

    #[test]
    fn a_phrase_stands_where_its_words_follow_each_other() {
        let stands = |text: &str| Phrase::all_in("flush_cursor")[0].stands_in(text);
        for text in ["call flush_cursor()", "FLUSH-CURSOR", "the flush cursor"] {
            assert!(stands(text), "{text}");
        }
        for text in ["flush the cursor", "flushes cursor", "cursor flush", "", "flush"] {
            assert!(!stands(text), "{text}");
        }
    }
}
