//! Words in scripts that set no blanks between them.
//!
//! Without a dictionary two neighbouring signs are what stands for a word best: they find about as much as words do
//! (J.-Y. Nie, J. Gao, J. Zhang, M. Zhou, *On the use of words and n-grams for Chinese information retrieval*, 2000), and they need
//! no decision where a word ends, about which a question and a text might differ. Hangul has blanks, but what they part are words with
//! their endings; two signs find the word before any of them. In Thai, Lao, Burmese and Khmer a sign is a letter with the vowels and tones that
//! are marks at it.

use std::borrow::Cow;

/// A mark that shows nowhere and is part of no word: a zero width space.
const APART: char = '\u{200b}';
/// Below this first byte no text in UTF-8 has a sign of these scripts.
const FIRST_BYTE: u8 = 0xe0;

/// A script that sets no blanks between words, or other ones than those.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Han,
    Hiragana,
    /// Katakana or hangul.
    Another,
    /// Thai, Lao, Burmese or Khmer: letters with marks.
    Abugida,
}

impl Script {
    const fn of(letter: char) -> Option<Self> {
        match letter {
            ..='\u{e00}' => None,
            'ぁ'..='ゖ' | 'ゝ'..='ゟ' => Some(Self::Hiragana),
            '々' | '〇' => Some(Self::Han),
            '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' => Some(Self::Han),
            '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}' => Some(Self::Han),
            'ァ'..='ヺ' | 'ー'..='ヿ' | '\u{31f0}'..='\u{31ff}' | 'ｦ'..='ﾝ' => Some(Self::Another),
            '\u{3131}'..='\u{318e}' | '\u{ac00}'..='\u{d7a3}' => Some(Self::Another),
            'ก'..='ะ' | 'า' | 'ำ' | 'เ'..='ๆ' => Some(Self::Abugida),
            'ກ'..='ະ' | 'າ' | 'ຳ' | 'ຽ' | 'ເ'..='ໆ' | 'ໜ'..='ໟ' => Some(Self::Abugida),
            'က'..='ဪ' | 'ဿ' | 'ၐ'..='ၕ' | 'ၚ'..='ၝ' | 'ၡ' | 'ၥ' | 'ၦ' => {
                Some(Self::Abugida)
            }
            'ၮ'..='ၰ' | 'ၵ'..='ႁ' | 'ႎ' | '\u{a9e0}'..='\u{a9e4}' | '\u{aa60}'..='\u{aa76}' => {
                Some(Self::Abugida)
            }
            'ក'..='ឳ' | 'ៗ' | 'ៜ' => Some(Self::Abugida),
            _ => None,
        }
    }
}

/// Whether it is a vowel or a tone of an abugida that belongs to the letter before it.
const fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}')
        || matches!(letter, '\u{eb1}' | '\u{eb4}'..='\u{ebc}' | '\u{ec8}'..='\u{ece}')
        || matches!(letter, '\u{102b}'..='\u{103e}' | '\u{1056}'..='\u{1059}' | '\u{105e}'..='\u{1060}')
        || matches!(letter, '\u{1062}'..='\u{1064}' | '\u{1067}'..='\u{106d}' | '\u{1071}'..='\u{1074}')
        || matches!(letter, '\u{1082}'..='\u{108d}' | '\u{108f}' | '\u{109a}'..='\u{109d}')
        || matches!(letter, '\u{17b4}'..='\u{17d3}' | '\u{17dd}')
}

/// Whether it is a sign of a script that sets no blanks between words: Han, kana, hangul, and the letters of Thai, Lao, Burmese and Khmer.
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

/// Whether the text has a sign of a script that sets no blanks between words.
#[must_use]
pub fn has_unspaced(text: &str) -> bool {
    may_have_unspaced(text) && text.contains(is_unspaced)
}

/// What is told at once, and true of few texts that have none.
fn may_have_unspaced(text: &str) -> bool {
    text.bytes().any(|byte| byte >= FIRST_BYTE)
}

/// Whether it is one such sign alone, with its marks.
#[must_use]
pub fn is_sign(word: &str) -> bool {
    Signs { run: word, at: 0 }.next() == Some(word.len())
}

/// The words of a text, as they are written: runs of letters, of which something that is not ASCII is also one if `is_letter` says so;
/// where no blanks part words, each two signs that stand next to each other, and a sign that stands alone.
pub fn words(text: &str, is_letter: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    let is_part = move |letter: char| {
        letter.is_ascii_alphanumeric()
            || !letter.is_ascii() && (is_alphanumeric(letter) || is_mark(letter) || is_letter(letter))
    };
    let parts_words = move |letter: char| !is_part(letter);
    text.split(parts_words).filter(|run| !run.is_empty()).flat_map(Run)
}

/// As [`char::is_alphanumeric`], which has to search for all that is not ASCII.
fn is_alphanumeric(letter: char) -> bool {
    matches!(letter, 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ˁ' | 'Ѐ'..='ҁ' | 'Ҋ'..='ԯ' | '一'..='鿿' | '가'..='힣')
        || letter.is_alphanumeric()
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
        let first = self.0.chars().next()?;
        if !is_unspaced(first) {
            let end = if may_have_unspaced(self.0) { self.0.find(is_unspaced) } else { None };
            let end = end.unwrap_or(self.0.len());
            return self.take(end, end);
        }
        let mut signs = Signs { run: self.0, at: 0 };
        let (one, two, three) = (signs.next()?, signs.next(), signs.next());
        let end = two.unwrap_or(one);
        self.take(end, if three.is_some() { one } else { end })
    }
}

/// Where the signs of a run end, each with its marks, up to one that is none.
struct Signs<'t> {
    run: &'t str,
    at: usize,
}

impl Iterator for Signs<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let rest = &self.run[self.at..];
        let letter = rest.chars().next().filter(|letter| is_unspaced(*letter))?;
        let marks = &rest[letter.len_utf8()..];
        self.at += rest.len() - marks.trim_start_matches(is_mark).len();
        Some(self.at)
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
    fn letters_are_those_of_unicode() {
        for letter in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            assert_eq!(is_alphanumeric(letter), letter.is_alphanumeric(), "{letter:?}");
        }
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
    fn vowels_and_tones_that_are_marks_stay_with_their_letter() {
        assert_eq!(words_of("ข้อมูล ย้าย"), ["ข้อ", "อมู", "มูล", "ย้า", "าย"]);
        assert_eq!(words_of("ទិន្នន័យ"), ["ទិន្", "ន្ន", "នន័", "ន័យ"]);
        assert_eq!(words_of("ຂໍ້ມູນ, ဒေတာ"), ["ຂໍ້ມູ", "ມູນ", "ဒေတာ"]);
        assert_eq!(words_of("ใช้SQLiteกับ 2๓"), ["ใช้", "SQLite", "กับ", "2๓"]);
        assert!(["มู", "库"].into_iter().all(is_sign));
        assert!(!["มูล", "", "v", "มู?"].into_iter().any(is_sign));
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
        assert_eq!(set_apart("ข้อมูล").replace(APART, "|"), "ข|้|อ|ม|ู|ล");
        assert!(matches!(set_apart("“naïve” café → ok 🥐"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn setting_apart_changes_nothing_else(text in "[a-z數据ひー각。“ กู้ក្]{0,20}") {
            prop_assert_eq!(set_apart(&text).replace(APART, ""), text);
        }

        #[test]
        fn no_letter_of_a_text_is_in_none_of_its_words(text in "[ab數据ひ각 ,กู้อក្]{0,20}") {
            let letters = |text: &str| text.chars().filter(|letter| letter.is_alphanumeric()).collect::<std::collections::BTreeSet<_>>();
            let in_words: String = words_of(&text).concat();
            prop_assert_eq!(letters(&in_words), letters(&text));
            prop_assert!(words_of(&text).iter().all(|word| !word.is_empty()));
        }
    }
}
