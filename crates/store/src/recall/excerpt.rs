//! The part of a message around the words that are looked for.

use super::lexicon::words_as_written;
use super::meaning::Meanings;
use super::ranking::LEFT_OUT;

/// How many words it has.
const WORDS: usize = 64;
/// How long it is at most, in bytes: a word of what no person wrote may be thousands of letters long.
const LONGEST: usize = 2_000;
/// So much of that stands before the first of what is looked for, where all of it is too long.
const BEFORE: usize = 200;
/// What counts for a part, from most to least: each different word, that a sentence begins with it, each word again.
const WORD: usize = 1_000;
const SENTENCE: usize = 100;
const AGAIN: usize = 1;

/// A word of a text, from and up to which byte.
struct Place {
    from: usize,
    to: usize,
    term: Option<usize>,
}

/// Of a text with more words than that, or a longer one, the part with the most of what is looked for, of two alike the first; of any other text none.
pub(super) fn excerpt(text: &str, meanings: &mut Meanings<'_>) -> Option<String> {
    let places = places(text, meanings);
    if places.len() <= WORDS && text.len() <= LONGEST {
        return None;
    }
    let begin = if places.len() <= WORDS { 0 } else { best(text, &places, meanings.terms()) };
    let end = (begin + WORDS).min(places.len());
    let from = if begin == 0 { 0 } else { places[begin].from };
    let to = if end == places.len() { text.len() } else { places[end - 1].to };
    let first = places[begin..end].iter().find(|place| place.term.is_some()).map_or(from, |place| place.from);
    let (from, to) = bounded(text, (from, to), first);
    let left_out = |is_cut: bool| if is_cut { String::from(LEFT_OUT) } else { String::new() };
    Some(format!("{}{}{}", left_out(from > 0), &text[from..to], left_out(to < text.len())))
}

/// As much of a part as may be shown, with the first of what is looked for in it.
fn bounded(text: &str, (from, to): (usize, usize), first: usize) -> (usize, usize) {
    if to - from <= LONGEST {
        return (from, to);
    }
    let from = text.floor_char_boundary(first.saturating_sub(BEFORE).max(from));
    (from, text.floor_char_boundary((from + LONGEST).min(to)))
}

fn places(text: &str, meanings: &mut Meanings<'_>) -> Vec<Place> {
    let place = |word: &str| {
        let from = word.as_ptr().addr() - text.as_ptr().addr();
        Place { from, to: from + word.len(), term: meanings.of(word).term }
    };
    words_as_written(text).map(place).collect()
}

/// With which word the best part begins: with the sentence in which the first of what is looked for stands, or else so that it stands in
/// the middle.
fn best(text: &str, places: &[Place], terms: usize) -> usize {
    let begin = fullest(text, places, terms);
    let has = |place: &Place| place.term.is_some();
    let part = &places[begin..begin + WORDS];
    let (first, last) = (part.iter().position(has).unwrap_or(0), part.iter().rposition(has).unwrap_or(0));
    let sentence = (begin..=begin + first).rev().find(|at| begins_a_sentence(text, places, *at));
    let centred = (begin + first).saturating_sub((WORDS - 1 - (last - first)) / 2);
    sentence.unwrap_or(centred.min(places.len() - WORDS))
}

/// With which word the first part begins that has the most.
fn fullest(text: &str, places: &[Place], terms: usize) -> usize {
    let mut window = Window::of(terms);
    places[..WORDS].iter().for_each(|place| window.take(place));
    let (mut best, mut most) = (0, window.score() + SENTENCE);
    for begin in 1..=places.len() - WORDS {
        window.leave(&places[begin - 1]);
        window.take(&places[begin + WORDS - 1]);
        let score = window.score() + if begins_a_sentence(text, places, begin) { SENTENCE } else { 0 };
        if score > most {
            (best, most) = (begin, score);
        }
    }
    best
}

fn begins_a_sentence(text: &str, places: &[Place], at: usize) -> bool {
    // Where no blanks part words, they overlap.
    at == 0 || text.get(places[at - 1].to..places[at].from).is_some_and(ends_a_sentence)
}

/// Whether a sentence ends in what stands between two words.
fn ends_a_sentence(between: &str) -> bool {
    let before = between.trim_end();
    before.len() < between.len() && before.ends_with(['.', ':', '?', '!'])
        || between.contains(['\n', '。', '？', '！'])
}

/// What a part has of the words.
struct Window {
    counts: Vec<usize>,
    different: usize,
    all: usize,
}

impl Window {
    fn of(terms: usize) -> Self {
        Self { counts: vec![0; terms], different: 0, all: 0 }
    }

    fn take(&mut self, place: &Place) {
        if let Some(count) = place.term.and_then(|term| self.counts.get_mut(term)) {
            *count += 1;
            self.all += 1;
            self.different += usize::from(*count == 1);
        }
    }

    fn leave(&mut self, place: &Place) {
        if let Some(count) = place.term.and_then(|term| self.counts.get_mut(term)) {
            *count -= 1;
            self.all -= 1;
            self.different -= usize::from(*count == 0);
        }
    }

    const fn score(&self) -> usize {
        self.different * WORD + self.all * AGAIN
    }
}

#[cfg(test)]
mod tests {
    use super::super::question::Question;
    use super::*;
    use proptest::prelude::*;

    fn of(question: &str, text: &str) -> String {
        excerpt(text, &mut Question::by_itself(question).meanings()).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn of_few_words_that_are_very_long_no_more_is_shown_than_of_others() {
        let long = format!("{} the key: otter {}", "f".repeat(5_000), "é".repeat(5_000));
        let shown = of("otter", &long);
        assert!(shown.len() <= LONGEST + 8 && shown.contains("the key: otter é"), "{shown}");
        assert!(shown.starts_with("…f") && shown.ends_with("é…"), "{shown}");
        let shown = of("otter", &"é".repeat(5_000));
        assert!(shown.starts_with('é') && shown.len() <= LONGEST + 8, "{shown}");
    }

    /// So many words that nobody looks for.
    fn others(count: usize) -> String {
        vec!["on"; count].join(" ")
    }

    #[test]
    fn a_text_that_is_no_longer_than_an_excerpt_stays_whole() {
        let text = format!(" mill, {}!\n", others(WORDS - 1));
        assert_eq!(excerpt(&text, &mut Question::by_itself("mill").meanings()), None);
    }

    #[test]
    fn more_different_words_stand_before_more_of_one() {
        let text = format!("mill mill mill {} mill {} sluice {}", others(100), others(40), others(100));
        let found = of("mill sluice", &text);
        assert!(found.contains("sluice") && found.contains("mill"), "{found}");
        assert!(found.starts_with(LEFT_OUT) && found.ends_with(LEFT_OUT), "{found}");
    }

    #[test]
    fn what_is_found_stands_in_the_middle_unless_a_sentence_begins_near_enough() {
        let middle = of("mill", &format!("{} mill {}", others(100), others(100)));
        assert_eq!(middle, format!("…{} mill {}…", others(31), others(32)));
        let sentence = of("mill", &format!("{0}. Yes. The mill {0}", others(100)));
        assert!(sentence.starts_with("…The mill"), "{sentence}");
        let near_the_end = of("mill", &format!("{}. The mill.", others(100)));
        assert_eq!(near_the_end, "…The mill.");
        let at_the_end = of("mill", &format!("{} mill!", others(100)));
        assert_eq!(at_the_end, format!("…{} mill!", others(63)));
    }

    #[test]
    fn of_two_parts_alike_the_first_is_taken_and_of_a_text_without_the_words_its_beginning() {
        let text = format!("{} first mill {} other mill {}", others(80), others(80), others(80));
        assert!(of("mill", &text).contains("first"));
        assert_eq!(of("sluice", &others(65)), format!("{}…", others(64)));
    }

    #[test]
    fn of_parts_with_as_many_different_words_a_sentence_stands_before_more_of_one() {
        let more = format!("{0} a mill {0} mill, my mill {0}", others(80));
        assert!(of("mill", &more).contains("my mill"));
        let sentence = format!("{0}. The mill {0} mill, my mill {0}", others(80));
        assert!(of("mill", &sentence).starts_with("…The mill"));
    }

    #[test]
    fn a_sentence_ends_with_a_blank_behind_its_mark_or_with_a_line() {
        for between in [". ", ": ", "?\n", "!  ", "\n", " (\n", "。", "？"] {
            assert!(ends_a_sentence(between), "{between:?}");
        }
        for between in [".", " ", "::", ", ", ".) (", ""] {
            assert!(!ends_a_sentence(between), "{between:?}");
        }
    }

    proptest! {
        #[test]
        fn an_excerpt_is_a_part_of_the_text_that_has_a_word_if_any_is_there(
            words in proptest::collection::vec("[a-c]{1,2}|mill|數{0,5}據|ข้อ|é?|[.!?\n ]{1,2}", 0..300),
            question in "mill|數據|ab",
        ) {
            let text = words.join(" ");
            let found = of(&question, &text);
            let part = found.trim_matches(LEFT_OUT);
            prop_assert!(text.contains(part));
            prop_assert!(words_as_written(part).count() <= WORDS || part == text);
            let question = Question::by_itself(&question);
            let mut meanings = question.meanings();
            let mut has = |text: &str| words_as_written(text).any(|word| meanings.of(word).term.is_some());
            prop_assert_eq!(has(&text), has(part));
        }
    }
}
