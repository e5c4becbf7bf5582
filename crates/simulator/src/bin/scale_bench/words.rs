//! Text with the shape that matters to an index: few words that nearly every message has, and many that hardly any has.

use rand::Rng;
use rand::seq::IndexedRandom as _;

/// Different words.
const VOCABULARY: usize = 60_000;
/// The frequent words of a language say nothing and are not looked for; ours begin behind them.
const FIRST_RANK: f64 = 30.0;

/// What words are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// Latin letters, with an end that no stemmer takes off: the index finds a word as it stands.
    Plain,
    /// Cyrillic letters and the endings of a Russian noun: the index is asked for all forms of a word.
    Inflected,
}

impl Language {
    fn syllables(self) -> [&'static str; 16] {
        match self {
            Self::Plain => [
                "ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu",
                "za",
            ],
            Self::Inflected => [
                "ба", "це", "ди", "фо", "гу", "ха", "ке", "ли", "мо", "ну", "па", "ре", "си", "то", "ву",
                "за",
            ],
        }
    }

    /// What a word ends in, each as often as the others.
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &["x"],
            Self::Inflected => &["к", "ка", "ку", "ком", "ки", "ков", "кам", "ками"],
        }
    }
}

/// A word whose rank follows Zipf's law (G. K. Zipf, *Human Behavior and the Principle of Least Effort*, 1949): the word of rank r
/// comes as often as 1/r.
pub(crate) fn word(chance: &mut impl Rng, language: Language) -> String {
    let (low, high) = (FIRST_RANK.ln(), (FIRST_RANK + VOCABULARY as f64).ln());
    let rank = (low + chance.random::<f64>() * (high - low)).exp() - FIRST_RANK;
    spelled(rank as usize, language) + language.endings().choose(chance).unwrap_or(&"")
}

/// The word of a rank without its ending: its digits to the base of 16, as syllables.
fn spelled(mut rank: usize, language: Language) -> String {
    let (syllables, mut word) = (language.syllables(), String::new());
    loop {
        word.push_str(syllables[rank % syllables.len()]);
        rank /= syllables.len();
        if rank == 0 {
            return word;
        }
    }
}

/// A message of so many words.
pub(crate) fn message(chance: &mut impl Rng, words: usize, language: Language) -> String {
    (0..words).map(|_| word(chance, language)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;
    use std::collections::{HashMap, HashSet};

    #[test]
    fn the_most_frequent_word_is_in_every_eighth_message_or_so_and_most_words_are_rare() {
        let mut chance = StdRng::seed_from_u64(1);
        let mut counts: HashMap<String, usize> = HashMap::new();
        (0..100_000).for_each(|_| *counts.entry(word(&mut chance, Language::Plain)).or_default() += 1);
        let most = counts.values().max().copied().unwrap_or_default();
        assert!((300..600).contains(&most), "{most}");
        assert!(counts.len() > 20_000, "{}", counts.len());
        assert!(counts.values().filter(|count| **count < 10).count() > 15_000);
    }

    #[test]
    fn each_rank_has_a_word_of_its_own() {
        for language in [Language::Plain, Language::Inflected] {
            let words: HashSet<String> = (0..VOCABULARY).map(|rank| spelled(rank, language)).collect();
            assert_eq!(words.len(), VOCABULARY);
        }
    }

    #[test]
    fn where_words_have_endings_one_word_has_all_of_them() {
        let mut chance = StdRng::seed_from_u64(1);
        let words: HashSet<String> = (0..10_000).map(|_| word(&mut chance, Language::Inflected)).collect();
        let of_the_most_frequent = words.iter().filter(|word| {
            word.strip_prefix("ба").is_some_and(|end| Language::Inflected.endings().contains(&end))
        });
        assert_eq!(of_the_most_frequent.count(), Language::Inflected.endings().len());
    }
}
