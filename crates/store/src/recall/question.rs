//! What is asked for.

use super::Hit;
use super::dates::NamedDate;
use super::language::Language;
use super::lexicon;
use super::meaning::Meanings;
use super::phrase::Phrase;
use domain::script::{has_unspaced, is_hiragana, lone, set_apart};
use std::collections::HashSet;
use std::iter;

/// More words than this do not make a search better, only slower: of a log that is pasted the rarest count.
const MOST_WORDS: usize = 32;
/// So many are looked at for that.
const MOST_READ: usize = 200;
/// What is in so many texts is not rare.
const COMMON: u32 = 500;
/// What no keyboard of ASCII has, and would be taken for a part of the word at which it stands.
const PUNCTUATION: &str = "¿¡«»‹›“”„‘’‚…–—؟،";

/// A query that was read.
#[derive(Debug)]
pub(super) struct Question {
    /// All of its words, in lower case and without accents.
    pub(super) words: Vec<String>,
    /// The stems of its telling words, each once.
    pub(super) terms: Vec<String>,
    /// What it is asked in.
    pub(super) language: Language,
    /// The telling words as the index is to look for them.
    telling: Vec<String>,
    /// Those of them that no text has, of which what begins so is looked for.
    unfinished: Vec<String>,
    /// The names in it that have several words.
    pub(super) phrases: Vec<Phrase>,
    /// Whether it asks when something was.
    pub(super) asks_when: bool,
    /// The date it names.
    pub(super) date: Option<NamedDate>,
}

impl Question {
    /// Reads any text, asked by somebody who otherwise has `spoken` that language.
    pub(super) fn read<E>(
        query: &str,
        spoken: impl FnOnce() -> Result<Option<Language>, E>,
    ) -> Result<Self, E> {
        let language = Language::of(query, spoken)?;
        let telling = telling_words(query, &language);
        let words: Vec<String> = lexicon::words(query).collect();
        let terms = terms(&telling, language);
        let (asks_when, date) = (asks_when(&words), NamedDate::among(&words));
        let phrases = Phrase::all_in(query);
        Ok(Self { words, terms, language, telling, unfinished: Vec::new(), phrases, asks_when, date })
    }

    /// The same, of which the words that no text has are looked for in parts: a name in camel case as its words, any other as the beginning of a
    /// longer one, as of a commit of which a few digits were noted.
    ///
    /// `count` tells in how many texts one of some words is, up to so many.
    pub(super) fn completed<E>(
        mut self,
        query: &str,
        mut count: impl FnMut(&[String], u32) -> Result<u32, E>,
    ) -> Result<Self, E> {
        let mut telling: Vec<String> = Vec::new();
        let words = std::mem::take(&mut self.telling);
        let up_to = if words.len() > MOST_WORDS { COMMON } else { 1 };
        let forms = words.iter().map(|word| forms_of(word, &self.language));
        let texts = forms.map(|forms| count(&forms, up_to)).collect::<Result<Vec<_>, _>>()?;
        for (word, texts) in rarest(words, &texts) {
            let mut humps = if texts > 0 { Vec::new() } else { humps_of(query, &word) };
            humps.retain(|hump| is_telling(hump, &self.language));
            if humps.is_empty() {
                if texts == 0 && self.language.is_english() && may_begin(&word) {
                    self.unfinished.push(word.clone());
                }
                humps.push(word);
            }
            telling.extend(humps);
        }
        let mut seen = HashSet::new();
        telling.retain(|word| seen.insert(word.clone()));
        self.terms = terms(&telling, self.language);
        Ok(Self { telling, ..self })
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.telling.is_empty()
    }

    /// Whether it has no word that tells what it is about, as "What did we do?" has none.
    pub(super) fn tells_nothing(&self) -> bool {
        self.telling.iter().all(|word| !is_telling(word, &self.language))
    }

    /// What an index is asked for each telling word.
    pub(super) fn sought(&self) -> impl ExactSizeIterator<Item = Sought> {
        self.telling.iter().map(|word| {
            if self.unfinished.contains(word) {
                return Sought::Beginning { beginning: word.clone(), word: word.clone() };
            }
            Sought::of(word, &self.language)
        })
    }

    /// What words mean to it.
    pub(super) fn meanings(&self) -> Meanings<'_> {
        Meanings::to(&self.terms, self.language, self.asks_when).with_beginnings(&self.unfinished)
    }

    /// The share of its telling words that a hit has, from 0 to 1.
    pub(super) fn share_in(&self, hit: &Hit) -> f64 {
        let mut meanings = self.meanings();
        let texts = hit.title.iter().chain([&hit.text]);
        let words = texts.flat_map(|text| lexicon::words_as_written(text));
        let had: HashSet<usize> = words.filter_map(|word| meanings.of(word).term).collect();
        had.len() as f64 / self.terms.len().max(1) as f64
    }
}

/// What an index is asked for a word: itself or one of its other forms.
#[derive(Debug)]
pub(super) enum Sought {
    /// One of these.
    Words(Vec<String>),
    /// All that begins so. The word is one of them.
    Beginning { beginning: String, word: String },
}

impl Sought {
    fn of(word: &str, language: &Language) -> Self {
        if let Some(beginning) = language.beginning(word) {
            return Self::Beginning { beginning, word: word.to_owned() };
        }
        Self::Words(forms_of(word, language))
    }

    /// In the index's language.
    pub(super) fn expression(&self) -> String {
        match self {
            Self::Words(words) => any_of(words),
            Self::Beginning { beginning, .. } => format!("{}*", quoted(beginning)),
        }
    }
}

/// A word and its other forms that the index does not know for the same.
fn forms_of(word: &str, language: &Language) -> Vec<String> {
    iter::once(word.to_owned()).chain(language.other_forms(word)).collect()
}

/// One of these words, in the index's language. Each stands as a string, so that nothing in it is an operator.
pub(super) fn any_of(words: &[String]) -> String {
    match words {
        [word] => quoted(word),
        _ => format!("({})", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" OR ")),
    }
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", set_apart(word))
}

/// As many as are looked for, in their order: of those that are in some text those in the fewest.
fn rarest(words: Vec<String>, texts: &[u32]) -> Vec<(String, u32)> {
    let mut by_rarity: Vec<usize> = (0..words.len()).collect();
    by_rarity.sort_by_key(|at| if texts[*at] > 0 { texts[*at] } else { u32::MAX });
    by_rarity.truncate(MOST_WORDS);
    let kept: HashSet<usize> = by_rarity.into_iter().collect();
    let all = words.into_iter().zip(texts.iter().copied()).enumerate();
    all.filter(|(at, _)| kept.contains(at)).map(|(_, word)| word).collect()
}

fn terms(telling: &[String], language: Language) -> Vec<String> {
    let mut seen = HashSet::new();
    let stems =
        telling.iter().flat_map(|word| lexicon::words_as_written(word)).map(|word| language.stem(word));
    stems.filter(|stem| seen.insert(stem.clone())).collect()
}

/// Whether a word is long enough to tell something by how others begin.
fn may_begin(word: &str) -> bool {
    let shortest = if word.chars().all(|letter| letter.is_ascii_digit()) { 3 } else { 4 };
    word.is_ascii() && word.len() >= shortest
}

/// The words of a name in camel case that is written so in a query; none of any other word.
fn humps_of(query: &str, word: &str) -> Vec<String> {
    let mut parts = query.split(parts_words);
    let Some(name) = parts.find(|part| part.to_lowercase() == word) else { return Vec::new() };
    let mut humps = vec![String::new()];
    let mut before = 'A';
    for letter in name.chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            humps.push(String::new());
        }
        if let Some(hump) = humps.last_mut() {
            hump.extend(letter.to_lowercase());
        }
        before = letter;
    }
    if humps.len() < 2 { Vec::new() } else { humps }
}

fn telling_words(query: &str, language: &Language) -> Vec<String> {
    let parts = query.split(parts_words).filter(|part| !part.is_empty());
    let all: Vec<String> = parts.flat_map(words_in).map(str::to_lowercase).collect();
    let telling: Vec<&String> = all.iter().filter(|word| is_telling(word, language)).collect();
    let chosen = if telling.is_empty() { all.iter().collect() } else { telling };
    let mut seen = HashSet::new();
    chosen.into_iter().filter(|word| seen.insert(*word)).take(MOST_READ).cloned().collect()
}

/// Blanks, control characters and punctuation stand between words. About everything else the index decides, which knows more of Unicode
/// than we do.
fn parts_words(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_control()
        || letter.is_ascii_punctuation()
        || PUNCTUATION.contains(letter)
}

/// What is in hiragana is mostly a particle or an ending.
fn is_telling(word: &str, language: &Language) -> bool {
    !language.is_little(word) && !is_hiragana(word)
}

/// What of a query that stands between blanks: one word, or as many as scripts without blanks have in it.
fn words_in(part: &str) -> Vec<&str> {
    if has_unspaced(part) { lexicon::words_as_written(part).chain(lone(part)).collect() } else { vec![part] }
}

/// "When …", "What day …", "… in which year …".
fn asks_when(words: &[String]) -> bool {
    let asks_for_time = |pair: &[String]| {
        let (asks, what) = (pair[0].as_str(), pair[1].as_str());
        ["what", "which"].contains(&asks) && ["date", "day", "week", "month", "year", "time"].contains(&what)
    };
    words.first().is_some_and(|first| first == "when") || words.windows(2).any(asks_for_time)
}

#[cfg(test)]
impl Question {
    fn expressions(&self) -> Vec<String> {
        self.sought().map(|sought| sought.expression()).collect()
    }

    /// Of somebody who has said nothing else.
    pub(super) fn by_itself(query: &str) -> Self {
        let Ok(question) = Self::read(query, || Ok::<_, std::convert::Infallible>(None));
        question
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling(query: &str) -> String {
        Question::by_itself(query).telling.join(" ")
    }

    #[test]
    fn telling_words_are_looked_for_once_each_and_stop_words_are_not() {
        assert_eq!(telling("How is the CACHE warmed? (cache)"), "cache warmed");
        assert_eq!(telling("src/main.rs NEAR(a,b) \"x\"*"), "src main rs near b x");
        assert_eq!(telling("to be\0or"), "to be or", "with nothing else to look for, they count");
        assert!(Question::by_itself(" \0 \"*' ").is_empty());
        assert_eq!(telling(&"w1 w2 w3 ".repeat(100)), "w1 w2 w3");
        let many: String = (0..100).map(|n| format!("w{n} ")).collect();
        let Ok(completed) = Question::by_itself(&many).completed(&many, |words, most| {
            let number: u32 = words[0][1..].parse().unwrap_or_default();
            Ok::<_, std::convert::Infallible>(if number.is_multiple_of(2) {
                0
            } else {
                (200 - number).min(most)
            })
        });
        let rarest: Vec<String> = (37..100).step_by(2).map(|number| format!("w{number}")).collect();
        assert_eq!(
            completed.telling, rarest,
            "of those that are in a text at all the rarest, in their order"
        );
    }

    #[test]
    fn a_word_that_no_text_has_is_looked_for_as_a_beginning_and_a_name_in_camel_case_as_its_words() {
        let completed = |query: &str, known: &[&str]| {
            let is_known = |word: &String| known.contains(&word.as_str());
            let count = |words: &[String], _| {
                Ok::<_, std::convert::Infallible>(u32::from(words.iter().any(is_known)))
            };
            let Ok(question) = Question::by_itself(query).completed(query, count);
            (question.expressions().join(" "), question.terms.join(" "))
        };
        let expect = |expressions: &str, terms: &str| (expressions.to_owned(), terms.to_owned());
        assert_eq!(
            completed("9f3c2ab auth 512 ab", &["auth"]),
            expect(r#""9f3c2ab"* "auth" "512"* "ab""#, "9f3c2ab auth 512 ab")
        );
        assert_eq!(completed("parseConfig parse", &["parse"]), expect(r#""parse" "config""#, "pars config"));
        assert_eq!(completed("parseConfig", &["parseconfig"]), expect(r#""parseconfig""#, "parseconfig"));
        assert_eq!(completed("HTTPServer", &[]), expect(r#""httpserver"*"#, "httpserver"));
        assert_eq!(
            completed("toString", &[]),
            expect(r#""string""#, "string"),
            "little words are none of a name's"
        );
        let bought = expect(r#"("bought" OR "buy")"#, "buy");
        assert_eq!(completed("bought", &["buy"]), bought, "another form of it is there");
    }

    #[test]
    fn words_of_other_languages_are_told_without_the_signs_that_stand_at_them() {
        assert_eq!(telling("¿Cuántas “migraciones” hay?"), "cuántas migraciones");
        assert_eq!(telling("Où est l’index — «файлы»…"), "index файлы");
        let sought: Vec<String> = Question::by_itself("Где «файлы»?").expressions();
        assert_eq!(sought, ["\"файл\"*"]);
    }

    #[test]
    fn nothing_in_a_word_is_an_operator_and_irregular_forms_are_looked_for_too() {
        let question = Question::by_itself("NOT bought bread");
        assert_eq!(question.expressions(), [r#"("bought" OR "buy")"#, r#""bread""#]);
        assert_eq!(question.terms, ["buy", "bread"]);
        assert_eq!(Question::by_itself("Wo ist der See?").expressions(), [r#""see""#], "in German a lake");
    }

    #[test]
    fn where_no_blanks_part_words_each_two_signs_are_looked_for() {
        assert_eq!(telling("用SQLite的数据，迁移"), "用 sqlite 的数 数据 迁移");
        assert_eq!(telling("猫はどこですか"), "猫は 猫", "particles and endings tell little");
        assert_eq!(telling("どこですか"), "どこ こで です すか", "with nothing else to look for, they count");
        let sought: Vec<String> = Question::by_itself("SQLite数据").expressions();
        assert_eq!(sought, ["\"sqlite\"", "\"数\u{200b}据\""]);
    }

    #[test]
    fn signs_are_looked_for_as_the_index_has_them_whatever_else_is_spoken() {
        let german = Language::of_said(&["Wo ist der Server, und warum steht er?".to_owned()]);
        let asked = |question| Question::read(question, || Ok::<_, std::convert::Infallible>(german));
        let Ok(question) = asked("ที่ฐานข้อมูล");
        assert!(
            question.expressions().iter().any(|word| word.ends_with('*')),
            "some with their marks are as long as a word"
        );
        let apart = |question: &Question| {
            question.expressions().iter().map(|word| word.replace('*', "")).collect::<Vec<_>>()
        };
        assert_eq!(apart(&question), apart(&Question::by_itself("ที่ฐานข้อมูล")));
    }

    #[test]
    fn questions_for_a_time_are_told_from_others() {
        for question in ["When did it break?", "What day was the release?", "In which year did we move?"] {
            assert!(Question::by_itself(question).asks_when, "{question}");
        }
        for question in ["What breaks when the disk is full?", "What is the year's budget?"] {
            assert!(!Question::by_itself(question).asks_when, "{question}");
        }
    }
}
