//! Words as the ranking compares them: by their stems, and irregular forms as the word that they are forms of.

use super::spelling;
use domain::script;
use rust_stemmers::{Algorithm, Stemmer};
use std::collections::{HashMap, HashSet};
use std::iter::once;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// Words of everyday English whose forms no stemmer brings together, the base form first.
const IRREGULAR: &str = "go goes went gone|buy bought|see saw seen|take took taken|make made|give gave given|get got gotten|come came|\
    find found|think thought|tell told|become became|leave left|feel felt|keep kept|begin began begun|meet met|run ran|\
    write wrote written|speak spoke spoken|win won|teach taught|catch caught|eat ate eaten|drink drank drunk|\
    drive drove driven|ride rode ridden|fly flew flown|sing sang sung|swim swam swum|break broke broken|choose chose chosen|\
    draw drew drawn|grow grew grown|know knew known|lose lost|send sent|spend spent|build built|sell sold|sleep slept|\
    stand stood|understand understood|wear wore worn|bring brought|fight fought|hear heard|hold held|lead led|pay paid|\
    say said|sit sat|throw threw thrown|forget forgot forgotten|fall fell fallen|hide hid hidden|child children|man men|\
    woman women|person people|wife wives|life lives|foot feet|mouse mice|tooth teeth";

/// So many letters at least tell something.
const SHORTEST_STEM: usize = 3;

/// Words by which people say when something was.
pub(super) const TIME: &str = "yesterday today tomorrow tonight ago week weekend month year last next monday tuesday wednesday thursday friday \
    saturday sunday january february march april may june july august september october november december recently soon morning \
    evening night afternoon";

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

struct Lexicon {
    stemmer: Stemmer,
    /// By form.
    base: HashMap<&'static str, &'static str>,
    /// By stem of the base.
    forms: HashMap<String, Vec<&'static str>>,
    /// How Americans spell a word, by the stem of what the British write, and the other way round.
    american: HashMap<String, &'static str>,
    british: HashMap<String, &'static str>,
    time: HashSet<String>,
}

impl Lexicon {
    fn new() -> Self {
        let stemmer = Stemmer::create(Algorithm::English);
        let stem = |word: &str| stemmer.stem(word).into_owned();
        let (mut base, mut forms) = (HashMap::new(), HashMap::new());
        for group in IRREGULAR.split('|') {
            let words: Vec<&str> = group.split(' ').collect();
            base.extend(words.iter().map(|word| (*word, words[0])));
            forms.insert(stem(words[0]), words);
        }
        let (mut american, mut british) = (HashMap::new(), HashMap::new());
        for (one, other) in spelling::PAIRS.split('|').filter_map(|pair| pair.split_once(' ')) {
            american.insert(stem(one), other);
            british.insert(stem(other), one);
        }
        let time = TIME.split(' ').map(stem).collect();
        Self { stemmer, base, forms, american, british, time }
    }
}

/// The words of a text, in lower case and without accents: the index finds them alike.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    words_as_written(text).map(plain)
}

/// The words of a text. An accent may be a sign of its own, behind its letter.
pub(super) fn words_as_written(text: &str) -> impl Iterator<Item = &str> {
    script::words(text, is_combining_mark)
}

/// What is the same in all forms of an English word in lower case, however it is spelled.
pub(super) fn english_stem(word: &str) -> String {
    let base = LEXICON.base.get(word).copied().unwrap_or(word);
    let american = spelling::with_ize(base);
    let stem = LEXICON.stemmer.stem(&american);
    LEXICON.american.get(&*stem).map_or(stem, |other| LEXICON.stemmer.stem(other)).into_owned()
}

/// An English word in lower case as it is spelled elsewhere, if it is; in any form, since the index knows forms.
pub(super) fn other_spelling(word: &str) -> Option<String> {
    let stem = LEXICON.stemmer.stem(word);
    let other = LEXICON.american.get(&*stem).or_else(|| LEXICON.british.get(&*stem));
    other.map(|other| (*other).to_owned()).or_else(|| spelling::other_ending(word))
}

/// How the words begin that an index has for those with this beginning, which is in lower case: it takes accents off Latin letters, and
/// the ending of an English word. What is too short without it keeps it.
pub(super) fn as_indexed(beginning: &str) -> String {
    let folded: String = beginning.nfc().map(without_accent_if_latin).collect();
    let stem = LEXICON.stemmer.stem(&folded);
    if stem.len() < SHORTEST_STEM { folded } else { stem.into_owned() }
}

fn without_accent_if_latin(letter: char) -> char {
    once(letter).nfd().next().filter(char::is_ascii).unwrap_or(letter)
}

/// A word in lower case and without accents.
pub(super) fn plain(word: &str) -> String {
    let lower = word.to_lowercase();
    if lower.is_ascii() {
        return lower;
    }
    // The accents of Latin, Greek and Cyrillic letters. Marks of other scripts may be vowels.
    lower.nfd().filter(|letter| !('\u{300}'..='\u{36f}').contains(letter)).collect()
}

/// Forms with this stem that a search for one of them does not find by itself.
pub(super) fn irregular_forms(stem: &str) -> &'static [&'static str] {
    LEXICON.forms.get(stem).map_or(&[], Vec::as_slice)
}

/// Whether people say with a word of this stem when something was.
pub(super) fn tells_time(stem: &str) -> bool {
    LEXICON.time.contains(stem)
}

/// The first letter of what [`plain`] makes of a word that begins with this one.
pub(super) fn plain_letter(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    let lower = letter.to_lowercase().next().unwrap_or(letter);
    let mut first = None;
    decompose_canonical(lower, |part| first = first.or(Some(part)));
    first.unwrap_or(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_a_word_have_one_stem() {
        for forms in
            [&["go", "goes", "going", "went", "gone"][..], &["buys", "bought"], &["painted", "painting"]]
        {
            let stems: HashSet<String> = forms.iter().map(|form| english_stem(form)).collect();
            assert_eq!(stems.len(), 1, "{stems:?}");
        }
        assert_ne!(english_stem("left"), english_stem("right"));
    }

    #[test]
    fn a_word_is_the_same_with_and_without_its_accents_however_they_are_spelled() {
        for forms in
            [["cr\u{e8}me", "cre\u{300}me", "creme"], ["\u{f1}and\u{fa}", "n\u{303}andu\u{301}", "nandu"]]
        {
            let stems: HashSet<String> =
                forms.iter().flat_map(|form| words(form)).map(|it| english_stem(&it)).collect();
            assert_eq!(stems.len(), 1, "{stems:?}");
        }
        assert_ne!(plain("\u{43a}\u{43e}\u{442}"), plain("\u{43a}\u{438}\u{442}"), "letters stay");
        assert_ne!(plain("\u{915}\u{940}"), plain("\u{915}\u{93e}"), "vowels, too");
    }

    #[test]
    fn a_word_has_one_stem_however_it_is_spelled_and_is_looked_for_in_the_other_spelling() {
        for pair in spelling::PAIRS.split('|') {
            let (one, other) = pair.split_once(' ').unwrap();
            assert_eq!(english_stem(one), english_stem(other));
            assert_ne!(
                LEXICON.stemmer.stem(one),
                LEXICON.stemmer.stem(other),
                "{pair} would need no mention"
            );
            assert_eq!(one[..1], other[..1], "by its first letter most of a text is passed over");
            assert_eq!([other_spelling(one).unwrap(), other_spelling(other).unwrap()], [other, one]);
        }
        for forms in [
            &["colours", "colored", "colourful"][..],
            &["analyses", "analyzed", "analysing"],
            &["optimised", "optimization", "optimise", "optimizes"],
            &["behavioural", "behaviors"],
        ] {
            let stems: HashSet<String> = forms.iter().map(|form| english_stem(form)).collect();
            assert_eq!(stems.len(), 1, "{stems:?}");
        }
        for forms in [["precise", "precisely"], ["revising", "revision"], ["promise", "promises"]] {
            assert_eq!(english_stem(forms[0]), english_stem(forms[1]));
        }
        assert_eq!(other_spelling("coloured").as_deref(), Some("color"));
        assert_eq!(other_spelling("organizing").as_deref(), Some("organising"));
        assert_eq!(other_spelling("server"), None);
    }

    #[test]
    fn no_form_belongs_to_two_words() {
        let forms: Vec<&str> = IRREGULAR.split(['|', ' ']).collect();
        assert_eq!(forms.iter().collect::<HashSet<_>>().len(), forms.len());
    }

    #[test]
    fn words_are_told_apart_whatever_stands_between() {
        assert_eq!(
            words("It's src/main.rs, no?").collect::<Vec<_>>(),
            ["it", "s", "src", "main", "rs", "no"]
        );
    }

    #[test]
    fn a_beginning_is_written_as_the_index_has_it() {
        for (beginning, indexed) in [
            ("größ", "groß"),
            ("cafe\u{301}", "cafe"),
            ("файл", "файл"),
            ("йод", "йод"),
            ("server", "server"),
            ("konfiguration", "konfigur"),
            ("party", "parti"),
            ("ies", "ies"),
        ] {
            assert_eq!(as_indexed(beginning), indexed);
        }
    }
}
