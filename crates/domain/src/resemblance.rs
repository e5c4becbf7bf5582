//! Whether two entries say the same, told from their words alone.
//!
//! The measure is the resemblance of two texts: the words they share out of all words they have (P. Jaccard, *New Phytologist* 11,
//! 1912; A. Broder, *On the resemblance and containment of documents*, 1997). Numbers and negations stand apart: two texts that
//! share nearly all other words and differ in those do not say the same but the contrary.

use crate::script;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

/// From this resemblance on, two entries are about the same: ours, where a rewording of a sentence still lies above and another
/// sentence about the same thing below.
pub const ALIKE: f64 = 0.7;
/// Words that turn a sentence around.
const NEGATIONS: [&str; 12] =
    ["no", "not", "never", "none", "cannot", "without", "isn", "don", "doesn", "won", "instead", "neither"];
/// Signs of Chinese and Japanese that do.
const NEGATING: [char; 7] = ['不', '没', '沒', '无', '無', '未', '勿'];

/// How two entries stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They are about different things.
    Different,
    /// They say the same.
    Same,
    /// They are about the same thing, and differ in a number or a negation.
    Contrary,
}

/// The words of an entry by 16 bits of a hash each: enough to compare two, and too little to tell the words, since several words
/// of any language share each value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Print {
    words: BTreeSet<u16>,
    /// Numbers and negations.
    telling: BTreeSet<u16>,
}

impl Print {
    /// The print of an entry. A word of the title is another than the same word of the content: what an entry is about is not what
    /// it mentions.
    #[must_use]
    pub fn of(title: &str, content: &str) -> Self {
        let mut print = Self::default();
        let titled = words(title).map(|word| (hash(&format!("title {word}")), word));
        for (number, word) in titled.chain(words(content).map(|word| (hash(&word), word))) {
            let set = if is_telling(&word) { &mut print.telling } else { &mut print.words };
            set.insert(number);
        }
        print
    }

    /// The share of words that two prints have in common, numbers and negations left out: 0 to 1.
    #[must_use]
    pub fn resemblance(&self, other: &Self) -> f64 {
        let shared = self.words.intersection(&other.words).count();
        let all = self.words.union(&other.words).count();
        if all == 0 { 0.0 } else { shared as f64 / all as f64 }
    }

    /// How two entries with these prints stand to each other.
    #[must_use]
    pub fn relation(&self, other: &Self) -> Relation {
        match self.resemblance(other) >= ALIKE {
            false => Relation::Different,
            true if self.telling == other.telling => Relation::Same,
            true => Relation::Contrary,
        }
    }

    /// The print as it is kept: how many words are telling, those, and then the others, two bytes each.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let telling = u16::try_from(self.telling.len()).unwrap_or(u16::MAX);
        let all = std::iter::once(&telling).chain(&self.telling).chain(&self.words);
        all.flat_map(|word| word.to_be_bytes()).collect()
    }

    /// The print that was kept so; one of nothing for bytes that are none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut all = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        let count = usize::from(all.next().unwrap_or_default());
        let telling = all.by_ref().take(count).collect();
        Self { telling, words: all.collect() }
    }
}

/// The words of a text by which entries are alike: each once, in lower case, numbers and negations left out.
#[must_use]
pub fn compared(text: &str) -> BTreeSet<String> {
    words(text).filter(|word| !is_telling(word)).collect()
}

/// How many of the words of an entry, whichever, are enough to find all entries that are alike: whatever has none of these has too few
/// of the others.
#[must_use]
pub fn enough_to_find(words: usize) -> usize {
    let shared = (words as f64 * ALIKE).floor() as usize;
    (words - shared + 1).min(words)
}

/// Whether it is a number or a negation.
fn is_telling(word: &str) -> bool {
    NEGATIONS.contains(&word) || word.contains(NEGATING) || word.contains(char::is_numeric)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    script::words(text, |_| false).map(str::to_lowercase)
}

fn hash(word: &str) -> u16 {
    let digest = Sha256::digest(word.as_bytes());
    u16::from_be_bytes([digest[0], digest[1]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn relation(one: &str, other: &str) -> Relation {
        Print::of("", one).relation(&Print::of("", other))
    }

    #[test]
    fn a_rewording_says_the_same_and_another_sentence_about_the_thing_does_not() {
        let said = "The tests of the store need a disk that syncs, or they fail";
        assert_eq!(
            relation(said, "tests of the store need a disk that syncs, or else they fail!"),
            Relation::Same
        );
        assert_eq!(
            relation(said, "The store keeps its files in a folder that only the owner may read"),
            Relation::Different
        );
    }

    #[test]
    fn seven_words_of_ten_are_alike_and_fewer_are_not() {
        assert_eq!(relation("a b c d e f g", "a b c d e f g h i j"), Relation::Same);
        assert_eq!(relation("a b c d e f g", "a b c d e f g h i j k"), Relation::Different);
    }

    #[test]
    fn another_number_or_a_negation_makes_it_the_contrary() {
        assert_eq!(relation("The retry limit is 5", "The retry limit is 8"), Relation::Contrary);
        assert_eq!(relation("Use tabs in makefiles", "Never use tabs in makefiles"), Relation::Contrary);
        assert_eq!(relation("The retry limit is 5", "the RETRY limit is: 5."), Relation::Same);
    }

    #[test]
    fn where_no_blanks_part_words_entries_are_compared_all_the_same() {
        let said = "存储的测试需要一个会同步的磁盘，否则会失败";
        assert_eq!(relation(said, "存储的测试需要一个会同步的磁盘，否则就会失败！"), Relation::Same);
        assert_eq!(relation(said, "存储的测试不需要一个会同步的磁盘，否则会失败"), Relation::Contrary);
        assert_eq!(relation(said, "存储把文件放在只有所有者可以读取的文件夹里"), Relation::Different);
        assert_eq!(relation("再試行の上限は5回です", "再試行の上限は8回です"), Relation::Contrary);
    }

    #[test]
    fn what_an_entry_is_about_is_not_what_it_mentions() {
        let oven = Print::of("The oven", "the flour stands beside it");
        let flour = Print::of("The flour", "the oven stands beside it");
        assert_eq!(oven.relation(&flour), Relation::Different);
    }

    #[test]
    fn texts_without_words_are_alike_to_nothing() {
        assert_eq!(relation("", ""), Relation::Different);
        assert_eq!(relation("42", "42"), Relation::Different);
    }

    proptest! {
        #[test]
        fn a_print_is_kept_whole_and_says_the_same_as_itself(text in "[a-z]{1,6}( [a-z0-9]{1,6}){0,20}") {
            let print = Print::of("title", &text);
            prop_assert_eq!(&Print::from_bytes(&print.to_bytes()), &print);
            prop_assert_eq!(print.relation(&print), Relation::Same);
        }

        #[test]
        fn what_has_none_of_as_many_words_as_are_enough_is_not_alike(count in 1..200_usize, others in 0..3_usize) {
            let word = |number: usize| number.to_string().bytes().map(|digit| char::from(digit + 49)).collect::<String>();
            let text = |from: usize, to: usize| (from..to).map(word).collect::<Vec<_>>().join(" ");
            let one = text(0, count);
            prop_assume!(Print::of("", &text(0, count + others)).words.len() == count + others, "no two have one hash");
            let without = text(enough_to_find(count), count + others);
            prop_assert_eq!(relation(&one, &without), Relation::Different);
            prop_assert!(compared(&one).len() == count && enough_to_find(count) <= count);
        }

        #[test]
        fn no_bytes_are_wrong(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let print = Print::from_bytes(&bytes);
            prop_assert_eq!(Print::from_bytes(&print.to_bytes()), print);
        }
    }
}
