//! Words in scripts that set no blanks between them.
//!
//! Without a dictionary two neighbouring signs are what stands for a word best: they find about as much as words do
//! (J.-Y. Nie, J. Gao, J. Zhang, M. Zhou, *On the use of words and n-grams for Chinese information retrieval*, 2000), and they need
//! no decision where a word ends, about which a question and a text might differ. Hangul has blanks, but what they part are words with
//! their endings; two signs find the word before any of them.

use std::borrow::Cow;

/// A mark that shows nowhere and is part of no word: a zero width space.
const APART: char = '\u{200b}';
/// Below this first byte no text in UTF-8 has a sign of these scripts.
const FIRST_BYTE: u8 = 0xe3;

/// A script that sets no blanks between words, or other ones than those.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Han,
    Hiragana,
    /// Katakana or hangul.
    Another,
}

impl Script {
    const fn of(letter: char) -> Option<Self> {
        match letter {
            'ぁ'..='ゖ' | 'ゝ'..='ゟ' => Some(Self::Hiragana),
            '々' | '〇' => Some(Self::Han),
            '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' => Some(Self::Han),
            '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}' => Some(Self::Han),
            'ァ'..='ヺ' | 'ー'..='ヿ' | '\u{31f0}'..='\u{31ff}' | 'ｦ'..='ﾝ' => Some(Self::Another),
            '\u{3131}'..='\u{318e}' | '\u{ac00}'..='\u{d7a3}' => Some(Self::Another),
            _ => None,
        }
    }
}

/// Whether it is a sign of a script that sets no blanks between words: Han, kana and hangul.
#[must_use]
pub const fn is_unspaced(letter: char) -> bool {
    Script::of(letter).is_some()
}

/// Whether all of it is hiragana, as particles and endings are.
#[must_use]
pub fn is_hiragana(word: &str) -> bool {
    word.chars().all(|sign| Script::of(sign) == Some(Script::Hiragana))
}

/// The text with each such sign set apart from what stands next to it, so that an index takes it for a word; any other text as it is.
#[must_use]
pub fn set_apart(text: &str) -> Cow<'_, str> {
    if !has_unspaced(text) {
        return Cow::Borrowed(text);
    }
    let mut apart = String::with_capacity(text.len() * 2);
    let mut before = None;
    for letter in text.chars() {
        if before.is_some_and(|before| is_unspaced(before) || is_unspaced(letter)) {
            apart.push(APART);
        }
        apart.push(letter);
        before = Some(letter);
    }
    Cow::Owned(apart)
}

/// What [`set_apart`] made of a text, or a part of that, as it was.
#[must_use]
pub fn put_together(apart: String) -> String {
    if apart.contains(APART) { apart.replace(APART, "") } else { apart }
}

/// Whether the text has a sign of a script that sets no blanks between words.
#[must_use]
pub fn has_unspaced(text: &str) -> bool {
    text.bytes().any(|byte| byte >= FIRST_BYTE) && text.contains(is_unspaced)
}

/// The words of a text, as they are written: runs of letters as `is_letter` tells them; where no blanks part words, each two
/// signs that stand next to each other, and a sign that stands alone.
pub fn words(text: &str, is_letter: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    let parts_words = move |letter: char| !letter.is_alphanumeric() && !is_letter(letter);
    text.split(parts_words).filter(|run| !run.is_empty()).flat_map(Run)
}

/// The signs of Han that no other one stands next to, as the stem of a Japanese verb or a short noun does: words without what follows them.
pub fn lone(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter| Script::of(letter) != Some(Script::Han)).filter(|run| run.chars().count() == 1)
}

/// What is left of a run of letters.
struct Run<'t>(&'t str);

impl<'t> Iterator for Run<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let mut signs = self.0.chars();
        let first = signs.next()?;
        if !is_unspaced(first) {
            let end = self.0.find(is_unspaced).unwrap_or(self.0.len());
            return self.take(end, end);
        }
        let mut another = || signs.next().filter(|sign| is_unspaced(*sign)).map(char::len_utf8);
        let (second, third) = (another(), another());
        let end = first.len_utf8() + second.unwrap_or(0);
        self.take(end, if second.and(third).is_some() { first.len_utf8() } else { end })
    }
}

impl<'t> Run<'t> {
    /// The word up to `end`; the next one begins at `next`.
    fn take(&mut self, end: usize, next: usize) -> Option<&'t str> {
        let word = &self.0[..end];
        self.0 = &self.0[next..];
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words_of(text: &str) -> Vec<&str> {
        words(text, |_| false).collect()
    }

    #[test]
    fn where_no_blanks_part_words_each_two_signs_are_one() {
        assert_eq!(words_of("数据库迁移"), ["数据", "据库", "库迁", "迁移"]);
        assert_eq!(words_of("データを 消す"), ["デー", "ータ", "タを", "消す"]);
        assert_eq!(words_of("데이터를, 猫"), ["데이", "이터", "터를", "猫"]);
    }

    #[test]
    fn words_with_blanks_stay_whole_also_beside_signs() {
        assert_eq!(words_of("用SQLite的数据 v2, naïve"), ["用", "SQLite", "的数", "数据", "v2", "naïve"]);
        assert_eq!(words_of("It's src/main.rs"), ["It", "s", "src", "main", "rs"]);
        assert_eq!(words("e\u{301}a", |letter| letter == '\u{301}').collect::<Vec<_>>(), ["e\u{301}a"]);
        assert!(words_of(" ，。").is_empty());
    }

    #[test]
    fn stems_and_nouns_of_one_sign_are_known_without_what_follows_them() {
        assert_eq!(lone("餌はいつ遣るか、数据").collect::<Vec<_>>(), ["餌", "遣"]);
        assert!(is_hiragana("はい") && !is_hiragana("餌は") && !is_hiragana("la"));
    }

    #[test]
    fn signs_are_set_apart_and_nothing_else() {
        assert_eq!(set_apart("用SQLite的").replace(APART, "|"), "用|SQLite|的");
        assert_eq!(set_apart("数据。").replace(APART, "|"), "数|据|。");
        assert!(matches!(set_apart("“naïve” café → ok 🥐"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn what_was_set_apart_is_put_together_as_it_was(text in "[a-z數据ひー각。“ ]{0,20}") {
            prop_assert_eq!(put_together(set_apart(&text).into_owned()), text);
        }

        #[test]
        fn no_letter_of_a_text_is_in_none_of_its_words(text in "[ab數据ひ각 ,]{0,20}") {
            let letters = |text: &str| text.chars().filter(|letter| letter.is_alphanumeric()).collect::<std::collections::BTreeSet<_>>();
            let in_words: String = words_of(&text).concat();
            prop_assert_eq!(letters(&in_words), letters(&text));
            prop_assert!(words_of(&text).iter().all(|word| !word.is_empty()));
        }
    }
}
