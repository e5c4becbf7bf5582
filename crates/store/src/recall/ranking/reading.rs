//! What is read in a passage.

use super::super::lexicon;
use super::super::meaning::{Meaning, Meanings};
use super::{LEFT_OUT, Passage};

/// A message asks its neighbour something only near its own end: from so many bytes before it.
const ASKED_WITHIN: usize = 200;
/// The longest name of a speaker, in bytes.
const LONGEST_LABEL: usize = 40;

/// What is read in each passage.
pub(crate) fn readings(passages: &[Passage], meanings: &mut Meanings<'_>) -> Vec<Reading> {
    let labelled = passages.iter().filter(|passage| label(&passage.text).0.is_some()).count();
    let are_labels = 2 * labelled > passages.len();
    passages.iter().map(|passage| Reading::of(passage, are_labels, meanings)).collect()
}

/// See the module.
pub(crate) struct Reading {
    /// How often each term of the question stands in the message.
    pub(super) counts: Vec<u16>,
    /// The message's, in words.
    pub(super) length: f64,
    /// The name of who speaks, where most texts begin with one, in lower case.
    pub(super) speaker: Option<String>,
    /// Whether it leaves a question open.
    pub(super) asks: bool,
    /// Whether a question is the last of it.
    pub(super) ends_asking: bool,
    /// Whether somebody speaks of themselves.
    pub(super) is_first_person: bool,
    /// Whether it says when something was.
    pub(super) tells_time: bool,
}

impl Reading {
    fn of(passage: &Passage, are_labels: bool, meanings: &mut Meanings<'_>) -> Self {
        let (speaker, said) = if are_labels { label(&passage.text) } else { (None, passage.text.as_str()) };
        let mut reading = Self {
            counts: vec![0; meanings.terms()],
            length: 0.0,
            speaker: speaker.map(str::to_lowercase),
            asks: asks(said),
            ends_asking: said.trim_end().ends_with(['?', '？']),
            is_first_person: false,
            tells_time: false,
        };
        for meaning in lexicon::words_as_written(said).map(|word| meanings.of(word)) {
            reading.take(meaning);
        }
        if let Some(whole) = &passage.whole {
            reading.count_anew(whole, meanings);
        }
        reading
    }

    fn take(&mut self, word: Meaning) {
        self.length += 1.0;
        self.is_first_person |= word.is_first_person;
        self.tells_time |= word.tells_time;
        count(&mut self.counts, word);
    }

    /// The words of the whole message: as often as its part has them at least, for the end of a very long one is not looked up.
    fn count_anew(&mut self, whole: &str, meanings: &mut Meanings<'_>) {
        let (mut counts, mut length) = (vec![0; self.counts.len()], 0_u32);
        for word in lexicon::words_as_written(whole) {
            count(&mut counts, meanings.of(word));
            length += 1;
        }
        self.counts.iter_mut().zip(counts).for_each(|(of_part, of_whole)| *of_part = of_whole.max(*of_part));
        self.length = self.length.max(f64::from(length));
    }

    pub(super) fn has(&self, term: usize) -> bool {
        self.counts[term] > 0
    }

    /// The share of the terms that it has; half a word for what was only said next to others.
    pub(super) fn share(&self) -> f64 {
        let had = (0..self.counts.len()).filter(|term| self.has(*term)).count();
        (had as f64).max(0.5) / (self.counts.len().max(1) as f64)
    }
}

fn count(counts: &mut [u16], word: Meaning) {
    if let Some(count) = word.term.and_then(|term| counts.get_mut(term)) {
        *count = count.saturating_add(1);
    }
}

/// Whether what is said leaves a question open: one that a long text asks early on it mostly answers itself.
pub(super) fn asks(said: &str) -> bool {
    let is_near = |(at, _): &(usize, &str)| said.len() - at <= ASKED_WITHIN;
    !said.ends_with(LEFT_OUT)
        && said
            .match_indices(['?', '？'])
            .filter(is_near)
            .any(|(at, mark)| mark == "？" || ends_a_sentence(said, at))
}

/// Code has question marks that do not.
fn ends_a_sentence(said: &str, at: usize) -> bool {
    let is_mark = |letter: char| "?!\"'”’".contains(letter);
    let before = said[..at].chars().next_back();
    let behind = said[at + 1..].chars().next();
    before.is_some_and(|letter| letter.is_alphanumeric() || is_mark(letter))
        && behind.is_none_or(|letter| letter.is_whitespace() || is_mark(letter) || letter == ')')
}

/// Who speaks, and what is said, of a text like "Ann Lee: It rains." Whether that is a name only the other messages tell: "Error: it
/// rains" looks the same.
pub(super) fn label(text: &str) -> (Option<&str>, &str) {
    let Some((name, said)) = text.split_once(": ") else { return (None, text) };
    let is_name = name.len() <= LONGEST_LABEL
        && name.split(' ').count() <= 3
        && name
            .split(' ')
            .all(|word| word.starts_with(char::is_uppercase) && word.chars().all(char::is_alphanumeric));
    if is_name { (Some(name), said) } else { (None, text) }
}
