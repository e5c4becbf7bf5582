//! The language of a question, and with it what its words have in common with their other forms.
//!
//! It is told by the letters, or by the little words, of which a question has some in any language; where those leave it open, by what
//! whoever asks has said lately. Texts are read as the question's: whoever asks in a language has mostly written in it, and words of
//! another one stay as they are or lose a letter or two. English words are known in any.

use super::lexicon::{self, plain};
use rust_stemmers::{Algorithm, Stemmer};
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization as _;

/// So many words are enough to tell a language by.
const ENOUGH_TO_TELL: usize = 100;
/// So much [`Evidence`] in what was said tells its language, if there is no more for another: three little words, or two with letters of its own.
const SURE: usize = 3;
/// So many texts that are surely in another language than English make it that of whoever wrote some in English, too.
const TEXTS_OF_ANOTHER: usize = 2;
/// So many letters at least begin the other forms of a word.
const SHORTEST_BEGINNING: usize = 3;
/// So many at least has a word of which longer words are held to be made.
const SHORTEST_WORD: usize = 4;

/// A language whose words have a stem that can be told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Language {
    algorithm: Algorithm,
    /// Letters that no other of the languages has, or hardly another: from the first of each pair to the second.
    letters: &'static [(char, char)],
    /// What nearly every text has, without accents.
    little_words: &'static str,
}

impl Language {
    /// Of what is asked. What else is `spoken` by whoever asks counts as one little word of its language; it is asked for only where that
    /// can decide. English if nothing tells.
    pub(super) fn of<E>(question: &str, spoken: impl FnOnce() -> Result<Option<Self>, E>) -> Result<Self, E> {
        let evidence = Evidence::of(question);
        let spoken = if evidence.is_clear() { None } else { spoken()? };
        Ok(evidence.best(spoken))
    }

    /// Of what was said, if its words tell. Where some is in English and some in another language, that one: read in it, English words
    /// lose little, while words of the other one that are read in English find none of their forms.
    pub(super) fn of_said(texts: &[String]) -> Option<Self> {
        let each = texts.iter().map(|text| Evidence::of(text));
        let (of_another, rest): (Vec<_>, Vec<_>) = each.partition(Evidence::is_surely_not_english);
        let are_enough = of_another.len() >= TEXTS_OF_ANOTHER;
        let counted = of_another.into_iter().chain(rest.into_iter().filter(|_| !are_enough));
        let together = counted.fold(Evidence::default(), Evidence::and);
        (together.most() >= SURE).then(|| together.best(None))
    }

    fn is(&self, other: Self) -> bool {
        self.algorithm == other.algorithm
    }

    /// How much a word speaks for it. Letters tell more than a little word, of which languages share many; one alone may be a symbol.
    fn told_by(&self, word: &Word) -> usize {
        let is_own =
            |letter: char| self.letters.iter().any(|(first, last)| (*first..=*last).contains(&letter));
        if word.written.contains(is_own) {
            return word.written.chars().take(2).count();
        }
        usize::from(self.little_words.contains(&word.among_others))
    }

    /// Whether nearly every text has this word, which is written in lower case.
    pub(super) fn is_little(&self, word: &str) -> bool {
        self.little_words.contains(&Word::of(word).among_others)
    }

    /// What is the same in all forms of a word, in lower case and without accents.
    pub(super) fn stem(&self, word: &str) -> String {
        if self.is_english() {
            return lexicon::english_stem(&plain(word));
        }
        plain(&self.written_stem(&composed(&word.to_lowercase())))
    }

    /// What is the same in all forms of an English word, where the language is another one: people speak of *commits* and *servers* in any. None
    /// of a word that cannot be one.
    pub(super) fn english_stem(&self, word: &str) -> Option<String> {
        (!self.is_english() && word.is_ascii()).then(|| lexicon::english_stem(&word.to_ascii_lowercase()))
    }

    /// What a word in lower case begins with in all its forms, and in longer words that are made of it: the index looks for all that
    /// begins so. The index itself knows the forms of English words.
    pub(super) fn beginning(&self, word: &str) -> Option<String> {
        if self.is_english() {
            return None;
        }
        let word = composed(word);
        let stem = self.written_stem(&word);
        let alike = word
            .chars()
            .zip(stem.chars())
            .take_while(|(one, other)| without_accent(*one) == without_accent(*other));
        let common: String = alike.map(|(letter, _)| letter).collect();
        let says_enough = if common.len() < word.len() { SHORTEST_BEGINNING } else { SHORTEST_WORD };
        (common.chars().count() >= says_enough).then_some(common)
    }

    /// Whether a longer word, of which this is the stem, is made of a word with that one: put together with another, or with an ending that
    /// the stemmer does not know.
    pub(super) fn is_made_of(&self, stem: &str, other: &str) -> bool {
        !self.is_english() && stem.starts_with(other) && other.chars().count() >= SHORTEST_WORD
    }

    /// Forms of a word in lower case that neither the index nor [`Self::beginning`] finds by themselves.
    pub(super) fn other_forms(&self, word: &str) -> Vec<String> {
        if !self.is_english() {
            return Vec::new();
        }
        let irregular = lexicon::irregular_forms(&lexicon::english_stem(word)).iter();
        let others = irregular.filter(|form| **form != word).map(|form| (*form).to_owned());
        others.chain(lexicon::other_spelling(word)).collect()
    }

    pub(super) fn is_english(&self) -> bool {
        matches!(self.algorithm, Algorithm::English)
    }

    fn written_stem<'w>(&self, word: &'w str) -> Cow<'w, str> {
        Stemmer::create(self.algorithm).stem(word)
    }
}

/// A word as languages look at it.
struct Word {
    /// In lower case, with its accents.
    written: String,
    /// Without them, and with a blank on both sides.
    among_others: String,
}

impl Word {
    fn of(word: &str) -> Self {
        let written = composed(&word.to_lowercase()).into_owned();
        Self { among_others: format!(" {} ", plain(&written)), written }
    }
}

/// How much speaks for each language.
#[derive(Default)]
struct Evidence([usize; LANGUAGES.len()]);

impl Evidence {
    fn of(text: &str) -> Self {
        let words = lexicon::words_as_written(text).take(ENOUGH_TO_TELL).map(Word::of);
        words.fold(Self::default(), |evidence, word| {
            evidence.and(Self(LANGUAGES.each_ref().map(|language| language.told_by(&word))))
        })
    }

    fn and(mut self, more: Self) -> Self {
        self.0.iter_mut().zip(more.0).for_each(|(count, more)| *count += more);
        self
    }

    fn most(&self) -> usize {
        self.0.iter().copied().max().unwrap_or_default()
    }

    /// With one more for the language that is `spoken`. Of two with as much that one, else the first.
    fn best(&self, spoken: Option<Language>) -> Language {
        let rank = |at: &usize| {
            let is_spoken = spoken.is_some_and(|spoken| spoken.is(LANGUAGES[*at]));
            (self.0[*at] + usize::from(is_spoken), is_spoken)
        };
        LANGUAGES[(0..LANGUAGES.len()).rev().max_by_key(rank).unwrap_or_default()]
    }

    fn is_surely_not_english(&self) -> bool {
        self.most() >= SURE && self.0[0] + 1 < self.most()
    }

    /// Whether the best language stays the best whatever is spoken.
    fn is_clear(&self) -> bool {
        self.0.iter().filter(|count| **count + 1 >= self.most()).count() == 1
    }
}

/// Accents that are signs of their own, behind their letters, become parts of them: stemmers know no others.
fn composed(word: &str) -> Cow<'_, str> {
    if word.is_ascii() { Cow::Borrowed(word) } else { Cow::Owned(word.nfc().collect()) }
}

/// Some stemmers take accents off.
fn without_accent(letter: char) -> String {
    plain(letter.encode_utf8(&mut [0; 4]))
}

/// The languages that can be told. The first, English, is that of a question that could be any.
const LANGUAGES: [Language; 18] = [
    Language {
        algorithm: Algorithm::English,
        letters: &[],
        little_words: " a about an and any are as at be been but by can did do does for from had has have how i if in into is it its me my no \
        not of on or our should so that the their them then there these they this to us was we were what when where which who \
        why will with would you your ",
    },
    Language { algorithm: Algorithm::Greek, letters: &[('\u{370}', '\u{3ff}')], little_words: "" },
    Language {
        algorithm: Algorithm::Russian,
        letters: &[('\u{400}', '\u{4ff}')],
        little_words: " а без был была были было быть в во вы где для до его если есть же за и из или их к как какая какие какой когда кто ли \
        мы на не но о об он она они оно от по почему при с сколько со так такое то только у уже чем что чтобы это я ",
    },
    Language { algorithm: Algorithm::Arabic, letters: &[('\u{600}', '\u{6ff}')], little_words: "" },
    Language { algorithm: Algorithm::Tamil, letters: &[('\u{b80}', '\u{bff}')], little_words: "" },
    Language {
        algorithm: Algorithm::Spanish,
        letters: &[('ñ', 'ñ')],
        little_words: " al como con cual cuales cuando cuanto de del donde el en entre era es esta este estos fue ha han hay hemos la las le \
        les lo los mas no nos nuestra nuestro o para pero por porque que quien se si sin sobre son su sus tiene un una unas \
        unos y ya ",
    },
    Language {
        algorithm: Algorithm::Portuguese,
        letters: &[('ã', 'ã'), ('õ', 'õ')],
        little_words: " a ao aos as com como da das de do dos e ela ele em era essa esse esta este eu foi ha isso mais mas na nao nas no nos \
        nossa nosso o onde os ou para pela pelo por porque quais qual quando quanto que quem sao se sem ser seu sua tem temos \
        um uma ",
    },
    Language {
        algorithm: Algorithm::French,
        letters: &[],
        little_words: " a au aux avec ce ces cette comment dans de des du elle en est et etait il ils j je l la le les leur mais n ne nos \
        notre nous on ont ou par pas plus pour pourquoi qu quand que quel quelle quelles quels qui quoi sa se ses si son \
        sont sur un une vous y ",
    },
    Language {
        algorithm: Algorithm::German,
        letters: &[('ß', 'ß')],
        little_words: " als am an auch auf aus bei beim da damit das dass dem den der des die du durch ein eine einem einen einer eines er es \
        fur haben hat hatte ich ihr im in ist kann man mit nach nicht noch nur ob oder sich sie sind uber um und uns unser \
        unsere vom von vor wann war waren warum was welche welchem welchen welcher welches wenn wer werden wie wir wird wo \
        wurde wurden zu zum zur ",
    },
    Language {
        algorithm: Algorithm::Italian,
        letters: &[],
        little_words: " a abbiamo ai al alla anche che chi come con da dal dalla dei del della delle di dove e era fra gli ha hanno i il in io \
        la le lo ma ne nel nella noi non nostra nostro o per perche piu quale quali quando quanto questa questo se si sono su \
        sua suo tra un una uno ",
    },
    Language {
        algorithm: Algorithm::Dutch,
        letters: &[],
        little_words: " aan als bij dat de deze die dit door een en er had hebben heeft het hij hoe ik in is je kan maar met na naar niet nog \
        of om onder ons onze ook op over te tot uit van voor waar waarom wanneer waren was wat we welk welke werd wie wij \
        worden wordt ze zij zijn zo ",
    },
    Language {
        algorithm: Algorithm::Swedish,
        letters: &[],
        little_words: " alla ar att av de dem den det detta du efter eller en er ett finns for fran ha hade han har hon hur i inte jag kan med \
        men mot nar och ocksa om pa sa ska som till under ut vad var vara varfor vart vem vi vid vilka vilken vilket ",
    },
    Language {
        algorithm: Algorithm::Danish,
        letters: &[('æ', 'æ'), ('ø', 'ø')],
        little_words: " af at blev da de den der det dette du efter eller en er et for fra ha han har havde hun hvad hvem hvilke hvilken \
        hvilket hvor hvordan hvorfor hvornar i ikke jeg kan med men mod nar og ogsa om op pa sa skal som til ud under var ved \
        vi vil vores ",
    },
    Language {
        algorithm: Algorithm::Norwegian,
        letters: &[('æ', 'æ'), ('ø', 'ø')],
        little_words: " at av ble da de den der det dette du eller en er et etter for fra ha hadde han har hun hva hvem hvilke hvilken hvilket \
        hvor hvordan hvorfor i ikke jeg kan med men mot nar og ogsa om opp pa sa skal som til under ut var vart ved vi vil ",
    },
    Language {
        algorithm: Algorithm::Finnish,
        letters: &[],
        little_words: " ei eli en ennen etta ettei he ja jalkeen jo joka jos jotka kanssa koska kuin kuinka kuka kun me mihin mika miksi mille \
        milloin mina missa mista mita miten mitka mutta myos ne niin nyt oli olivat on ovat se sen sina sita sitten tai tama \
        te vai voi ",
    },
    Language {
        algorithm: Algorithm::Hungarian,
        letters: &[('ő', 'ő'), ('ű', 'ű')],
        little_words: " a az azt be csak de egy el en es ez ezt fel ha hanem hogy hogyan hol honnan is kell ki le lehet meg melyik mennyi mert \
        mi miert mikor milyen mint mit mive nem nincs o ott pedig szerint te ti vagy van vannak volt ",
    },
    Language {
        algorithm: Algorithm::Romanian,
        letters: &[('ă', 'ă'), ('ș', 'ș'), ('ț', 'ț'), ('ş', 'ş'), ('ţ', 'ţ')],
        little_words: " a ai al ale am ar are as au ca cand care cat ce cel cine cu cum da daca de din dintre dupa ea ei el este eu fi fost in \
        intre la le lui mai ne ni nici noi nu o pe pentru prin sa sau se si sunt un unde unei unui ",
    },
    Language {
        algorithm: Algorithm::Turkish,
        letters: &[('ğ', 'ğ'), ('ı', 'ı')],
        little_words: " ama bir biz bu cok da daha de degil en gibi hangi hangisi hem her icin ile ise kac kadar ki kim mi mu nasil ne neden \
        nerede nicin o olan olarak oldu sonra su var ve veya ya yok zaman ",
    },
];

#[cfg(test)]
impl Language {
    pub(super) fn all() -> [Self; 18] {
        LANGUAGES
    }

    /// Of a question of somebody who has said nothing else.
    pub(super) fn by_itself(question: &str) -> Self {
        let Ok(language) = Self::of(question, || Ok::<_, std::convert::Infallible>(None));
        language
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_told_by_its_letters_or_its_little_words() {
        let told = [
            ("Почему мы перенесли базу PostgreSQL?", Algorithm::Russian),
            ("Πού είναι τα αρχεία;", Algorithm::Greek),
            ("أين الملفات؟", Algorithm::Arabic),
            ("கோப்புகள் எங்கே?", Algorithm::Tamil),
            ("¿Por qué movimos la base de datos?", Algorithm::Spanish),
            ("Por que não movemos o banco de dados?", Algorithm::Portuguese),
            ("Pourquoi avons-nous déplacé la base de données ?", Algorithm::French),
            ("Warum sind die Tests auf dem Server rot?", Algorithm::German),
            ("Perché abbiamo spostato il database?", Algorithm::Italian),
            ("Waarom hebben we de database verplaatst?", Algorithm::Dutch),
            ("Varför flyttade vi databasen?", Algorithm::Swedish),
            ("Hvornår flyttede vi databasen?", Algorithm::Danish),
            ("Hva er passordet til databasen?", Algorithm::Norwegian),
            ("Miksi tietokanta siirrettiin?", Algorithm::Finnish),
            ("Miért költöztettük át az adatbázist?", Algorithm::Hungarian),
            ("De ce am mutat baza de date?", Algorithm::Romanian),
            ("Veritabanı neden taşındı?", Algorithm::Turkish),
        ];
        for (question, algorithm) in told {
            assert_eq!(Language::by_itself(question).algorithm, algorithm, "{question}");
        }
        assert_eq!(told.len() + 1, LANGUAGES.len());
    }

    #[test]
    fn whatever_nothing_tells_to_be_another_is_english() {
        for question in [
            "Why did we move the database?",
            "postgres",
            "",
            "the λ",
            "What is the λ of a café in São Paulo?",
            "Who is on the die-cast de facto team?",
            "Is it Ann's C compiler's D-Bus?",
            "数据库在哪里",
        ] {
            assert!(Language::by_itself(question).is_english(), "{question}");
        }
    }

    #[test]
    fn where_the_words_of_a_question_leave_it_open_what_else_was_said_tells() {
        let finnish =
            Language::of_said(&["Tietokanta on palvelimella.".to_owned(), "Miksi se kaatui?".to_owned()]);
        assert_eq!(finnish.unwrap().algorithm, Algorithm::Finnish);
        let asked = |question| {
            let Ok(language) = Language::of(question, || Ok::<_, std::convert::Infallible>(finnish));
            language.algorithm
        };
        assert_eq!(asked("tietokannan siirto"), Algorithm::Finnish);
        assert_eq!(asked("siirto per tietokanta"), Algorithm::Finnish, "one little word of Italian");
        assert_eq!(asked("the tietokanta"), Algorithm::Finnish, "one of English");
        assert_eq!(asked("Where is the tietokanta?"), Algorithm::English);
        assert_eq!(asked("файлов"), Algorithm::Russian, "its letters");
        let never = |question| Language::of(question, || Err("asked for"));
        assert!(never("Where is it?").unwrap().is_english());
        assert_eq!(never("Wo ist die Datei?").unwrap().algorithm, Algorithm::German);
        assert_eq!(never("Datei").unwrap_err(), "asked for");
    }

    #[test]
    fn of_two_languages_that_somebody_speaks_it_is_the_one_that_is_not_english() {
        let (english, german) = ("Why is the disk so full?", "Wo ist die Platte, und warum ist sie voll?");
        let said = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            Language::of_said(&texts).unwrap().algorithm
        };
        let mostly_english = [english, german, english, english, german, english, english, english];
        assert_eq!(said(&mostly_english), Algorithm::German);
        assert_eq!(
            said(&[english, german, english, english, english]),
            Algorithm::English,
            "one may be quoted"
        );
        let finnish = "Missä se on ja miksi se on täynnä?";
        assert_eq!(said(&[german, finnish, german, finnish, german]), Algorithm::German, "more of it");
        let loose = "Is it in the die-cast de facto team, or was it an error on the D-Bus?";
        assert_eq!(said(&[loose, loose, loose, english]), Algorithm::English, "words of others");
        assert_eq!(said(&["wo ist", "wo ist", english]), Algorithm::English, "too few");
        assert_eq!(said(&["Die-cast was in", "Die-cast was in", english]), Algorithm::English, "hardly more");
    }

    #[test]
    fn too_little_that_was_said_tells_nothing() {
        let said = |text: &str| Language::of_said(&[text.to_owned()]).map(|language| language.algorithm);
        assert_eq!(said(""), None);
        assert_eq!(said("cargo test --workspace"), None);
        assert_eq!(said("Tietokanta on"), None);
        assert_eq!(said("Why is it so?"), Some(Algorithm::English));
    }

    #[test]
    fn forms_of_a_word_have_one_stem_however_their_accents_are_spelled() {
        let forms = [
            ("Где файлы?", &["файл", "Файлы", "файлов", "файлами"][..]),
            ("Wo ist das?", &["Schlüssel", "schlüssels", "Schlu\u{308}ssel"]),
            ("¿Dónde está la migración?", &["migración", "migraciones", "migracio\u{301}n"]),
            ("Onde está a migração?", &["migração", "migrac\u{327}a\u{303}o"]),
            ("Onde está o número?", &["número", "numeros"]),
            ("Where is it?", &["migrate", "migrated", "migrating"]),
        ];
        for (question, forms) in forms {
            let language = Language::by_itself(question);
            let stems: Vec<String> = forms.iter().map(|form| language.stem(form)).collect();
            assert!(stems.iter().all(|stem| *stem == stems[0]), "{stems:?}");
        }
    }

    #[test]
    fn other_forms_are_looked_for_by_what_they_all_begin_with() {
        let beginning = |question, word| Language::by_itself(question).beginning(word);
        assert_eq!(beginning("Где?", "файлов").as_deref(), Some("файл"));
        assert_eq!(beginning("Wo ist das?", "schlu\u{308}ssels").as_deref(), Some("schlüssel"));
        assert_eq!(beginning("Wo ist das?", "raum").as_deref(), Some("raum"), "as in Raumfahrt");
        assert_eq!(beginning("Wo ist das?", "tor"), None, "it is its own stem, and begins too many words");
        assert_eq!(beginning("Где?", "оно"), None, "two letters begin too many words");
        assert_eq!(beginning("Where?", "migrating"), None, "the index knows them");
    }
}
