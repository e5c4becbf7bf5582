//! Text with the shape that matters to an index: few words that nearly every message has, and many that hardly any has.

use rand::Rng;

/// Different words.
const VOCABULARY: usize = 60_000;
/// The frequent words of a language say nothing and are not looked for; ours begin behind them.
const FIRST_RANK: f64 = 30.0;
const SYLLABLES: [&str; 16] =
    ["ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu", "za"];

/// A word whose rank follows Zipf's law (G. K. Zipf, *Human Behavior and the Principle of Least Effort*, 1949): the word of rank r
/// comes as often as 1/r.
pub(crate) fn word(chance: &mut impl Rng) -> String {
    let (low, high) = (FIRST_RANK.ln(), (FIRST_RANK + VOCABULARY as f64).ln());
    let rank = (low + chance.random::<f64>() * (high - low)).exp() - FIRST_RANK;
    spelled(rank as usize)
}

/// The word of a rank: its digits to the base of 16, as syllables, with an end that no stemmer takes off.
fn spelled(mut rank: usize) -> String {
    let mut word = String::new();
    loop {
        word.push_str(SYLLABLES[rank % SYLLABLES.len()]);
        rank /= SYLLABLES.len();
        if rank == 0 {
            word.push('x');
            return word;
        }
    }
}

/// A message of so many words.
pub(crate) fn message(chance: &mut impl Rng, words: usize) -> String {
    (0..words).map(|_| word(chance)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;
    use std::collections::HashMap;

    #[test]
    fn the_most_frequent_word_is_in_every_eighth_message_or_so_and_most_words_are_rare() {
        let mut chance = StdRng::seed_from_u64(1);
        let mut counts: HashMap<String, usize> = HashMap::new();
        (0..100_000).for_each(|_| *counts.entry(word(&mut chance)).or_default() += 1);
        let most = counts.values().max().copied().unwrap_or_default();
        assert!((300..600).contains(&most), "{most}");
        assert!(counts.len() > 20_000, "{}", counts.len());
        assert!(counts.values().filter(|count| **count < 10).count() > 15_000);
    }

    #[test]
    fn each_rank_has_a_word_of_its_own() {
        let words: std::collections::HashSet<String> = (0..VOCABULARY).map(spelled).collect();
        assert_eq!(words.len(), VOCABULARY);
    }
}
