//! What the words of a text mean to a question.

use super::language::Language;
use super::lexicon::{self, irregular_forms, plain_letter};
use domain::script;
use std::collections::{HashMap, HashSet};

/// Words with which people speak of themselves, and of how many letters they are at most.
const FIRST_PERSON: [&str; 8] = ["i", "me", "my", "mine", "we", "us", "our", "ours"];
const FIRST_PERSON_LENGTH: usize = 4;

/// What a word means to a question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    /// The term of the question that it is a form of.
    pub(super) term: Option<usize>,
    /// Whether it says when something was, where that is asked.
    pub(super) tells_time: bool,
    /// Whether people speak of themselves with it.
    pub(super) is_first_person: bool,
}

/// The meanings of words to one question. Most words mean nothing, which their first letters tell; of the others each is found out
/// once, since texts have few words that no other has.
#[derive(Debug)]
pub(super) struct Meanings<'q> {
    terms: &'q [String],
    /// Words of which longer ones that begin so are looked for.
    beginnings: &'q [String],
    /// The same as English ones, of a question in another language.
    in_english: Vec<Option<String>>,
    language: Language,
    asks_when: bool,
    /// What all words with a meaning begin with, where that can be told, but for those with which people speak of themselves.
    first_letters: Option<Letters>,
    known: HashMap<String, Meaning>,
}

impl<'q> Meanings<'q> {
    /// To a question with these stems of words of a language.
    pub(super) fn to(terms: &'q [String], language: Language, asks_when: bool) -> Self {
        let in_english: Vec<_> = terms.iter().map(|term| language.english_stem(term)).collect();
        let first_letters = first_letters(terms.iter().chain(in_english.iter().flatten()), asks_when);
        Self { terms, beginnings: &[], in_english, language, asks_when, first_letters, known: HashMap::new() }
    }

    /// The same, where longer words count as these with which they begin.
    pub(super) fn with_beginnings(self, beginnings: &'q [String]) -> Self {
        Self { beginnings, ..self }
    }

    /// How many terms the question has.
    pub(super) const fn terms(&self) -> usize {
        self.terms.len()
    }

    /// The meaning of a word, in whatever case.
    pub(super) fn of(&mut self, word: &str) -> Meaning {
        if !self.may_be_a_term(word) {
            return Meaning { is_first_person: is_first_person(word), ..Meaning::default() };
        }
        if let Some(known) = self.known.get(word) {
            return *known;
        }
        let meaning = self.found_out(word);
        self.known.insert(word.to_owned(), meaning);
        meaning
    }

    fn may_be_a_term(&self, word: &str) -> bool {
        let first = first_letter(word);
        first.zip(self.first_letters.as_ref()).is_none_or(|(first, letters)| letters.has(first))
    }

    fn found_out(&self, word: &str) -> Meaning {
        let stem = self.language.stem(word);
        Meaning {
            term: self.term(&stem, word),
            tells_time: self.asks_when && lexicon::tells_time(&stem),
            is_first_person: is_first_person(word),
        }
    }

    /// The one with this stem, or the same word in English, or else the longest of which a word with this stem is made.
    fn term(&self, stem: &str, word: &str) -> Option<usize> {
        let itself = self.terms.iter().position(|term| *term == stem || is_in(term, stem));
        let in_english = || {
            let stem = self.language.english_stem(word)?;
            self.in_english.iter().position(|term| term.as_ref() == Some(&stem))
        };
        let a_part = || {
            let parts =
                self.terms.iter().enumerate().filter(|(_, term)| self.language.is_made_of(stem, term));
            parts.max_by_key(|(_, term)| term.len()).map(|(at, _)| at)
        };
        itself.or_else(in_english).or_else(a_part).or_else(|| self.begun(word))
    }

    /// The one with whose word this one begins.
    fn begun(&self, word: &str) -> Option<usize> {
        let word = word.to_lowercase();
        let beginning = self.beginnings.iter().find(|beginning| word.starts_with(beginning.as_str()))?;
        let stem = self.language.stem(beginning);
        self.terms.iter().position(|term| *term == stem)
    }
}

/// Some letters. Each word of each text is asked for, and begins with one of ASCII nearly always.
#[derive(Debug, Default)]
struct Letters {
    /// A bit for each.
    ascii: u128,
    others: HashSet<char>,
}

impl Letters {
    fn has(&self, letter: char) -> bool {
        if letter.is_ascii() {
            self.ascii >> u32::from(letter) & 1 == 1
        } else {
            self.others.contains(&letter)
        }
    }
}

impl FromIterator<char> for Letters {
    fn from_iter<I: IntoIterator<Item = char>>(letters: I) -> Self {
        let mut all = Self::default();
        for letter in letters {
            if letter.is_ascii() {
                all.ascii |= 1 << u32::from(letter);
            } else {
                all.others.insert(letter);
            }
        }
        all
    }
}

/// Of these stems, of the words whose stem begins with another letter than they do, and of words of time where these are asked for; none if
/// one of them cannot be told.
fn first_letters<'t>(stems: impl Iterator<Item = &'t String> + Clone, asks_when: bool) -> Option<Letters> {
    let forms = stems.clone().flat_map(|stem| irregular_forms(stem)).copied();
    let of_time = lexicon::TIME.split(' ').filter(|_| asks_when);
    stems.map(String::as_str).chain(forms).chain(of_time).map(first_letter).collect()
}

/// Without its accent, where the stem of a word begins with the same: in Latin, Greek and Cyrillic, but for *ß*, of which stemmers make *ss*,
/// and *ς*. In Arabic and Tamil they take off what stands before a word, too, and a sign that is a word alone is looked for in longer ones.
fn first_letter(word: &str) -> Option<char> {
    let is_kept = |letter: &char| {
        letter.is_ascii_alphanumeric()
            || !['ß', 'ς'].contains(letter) && matches!(letter, 'À'..='ʯ' | 'Ͱ'..='ԯ')
    };
    word.chars().next().filter(is_kept).map(plain_letter)
}

fn is_first_person(word: &str) -> bool {
    word.len() <= FIRST_PERSON_LENGTH && FIRST_PERSON.iter().any(|other| other.eq_ignore_ascii_case(word))
}

/// A sign that is a word alone stands for itself in each two that have it.
fn is_in(term: &str, word: &str) -> bool {
    script::is_sign(term) && word.contains(term)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lexicon::{words, words_as_written};
    use proptest::prelude::*;

    #[test]
    fn a_sign_that_is_asked_for_alone_is_found_in_words_of_two() {
        let terms = ["猫".to_owned(), "数据".to_owned()];
        let mut meanings = Meanings::to(&terms, Language::by_itself(""), false);
        let found: Vec<_> = words("猫在，大猫 数据库").map(|word| meanings.of(&word).term).collect();
        assert_eq!(found, [Some(0), Some(0), Some(1), None]);
    }

    #[test]
    fn a_text_is_read_in_the_language_of_the_question() {
        let language = Language::by_itself("Где файлы?");
        let terms = [language.stem("файл")];
        let mut meanings = Meanings::to(&terms, language, false);
        let found: Vec<_> =
            words_as_written("Файлами, файл data").map(|word| meanings.of(word).term).collect();
        assert_eq!(found, [Some(0), Some(0), None]);
    }

    #[test]
    fn a_longer_word_counts_as_the_one_it_is_made_of() {
        let terms = ["daten", "datenbank", "tor"].map(str::to_owned);
        let mut meanings = Meanings::to(&terms, Language::by_itself("Wo ist das?"), false);
        let found: Vec<_> = words_as_written("Datenbankserver Datenträger Datenbank Torte Bestdaten")
            .map(|word| meanings.of(word).term)
            .collect();
        assert_eq!(found, [Some(1), Some(0), Some(1), None, None]);
        let mut in_english = Meanings::to(&terms, Language::by_itself("Where is it?"), false);
        assert_eq!(in_english.of("datenbankserver").term, None);
    }

    #[test]
    fn an_english_word_counts_in_all_its_forms_in_any_language() {
        let language = Language::by_itself("Missä se on?");
        let terms = ["disks", "buy", "went"].map(|word| language.stem(word));
        let mut meanings = Meanings::to(&terms, language, false);
        let found: Vec<_> =
            words_as_written("disk Disks bought going disc").map(|word| meanings.of(word).term).collect();
        assert_eq!(found, [Some(0), Some(0), Some(1), Some(2), None]);
    }

    #[test]
    fn people_speak_of_themselves_with_these_words_in_any_case() {
        assert!(
            FIRST_PERSON.iter().all(|word| is_first_person(word) && is_first_person(&word.to_uppercase()))
        );
        assert!(!["minefield", "it", ""].into_iter().any(is_first_person));
    }

    #[test]
    fn the_first_letters_of_a_word_pass_wherever_its_stem_does() {
        for (word, other) in [
            ("dying", "died"),
            ("went", "go"),
            ("skies", "sky"),
            ("المسار", "مسار"),
            ("Öl", "ol"),
            ("ЁЛКА", "елка"),
            ("2026", "2026"),
        ] {
            for language in Language::all() {
                let terms = [language.stem(other)];
                let mut meanings = Meanings::to(&terms, language, false);
                assert_eq!(meanings.of(word), meanings.found_out(word), "{word} in {language:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_look_at_the_first_letters_changes_no_meaning(
            word in "[a-zA-Z0-9ßäöüéñçğışőα-ωάΆςа-яЁё\u{300}-\u{308}ال가が]{1,7}",
            other in "[a-zß-ÿα-ωа-яё]{1,5}",
            asks_when in any::<bool>(),
        ) {
            for language in Language::all() {
                for terms in [vec![language.stem(&word)], vec![language.stem(&other)], vec![language.stem(&word), other.clone()]] {
                    let mut meanings = Meanings::to(&terms, language, asks_when);
                    prop_assert_eq!(meanings.of(&word), meanings.found_out(&word), "{:?}", language);
                }
            }
        }
    }
}
