//! Which words of a question draw texts out of an index, so that a question costs no more in a large store than in a small one.
//!
//! An index scores every text that has a word it is asked for, and walks all of them once more to learn how rare the word is. Words
//! that are in very many texts tell little apart: they draw only together with all the others, unscored, and the ranking, which reads
//! what was drawn, counts them again. In a store in which no word is in so many texts nothing is left out.

use super::question::Question;
use super::vocabulary::Vocabulary;
use rusqlite::{Row, Transaction, params};

/// So many texts are scored for one question at most.
const SCORED: u32 = 4_000;
/// So many in an index of more than a million texts: how long each is stands on a page of its own there, which has to be read.
const SCORED_OF_VERY_MANY: u32 = 2_000;
const VERY_MANY: i64 = 1_000_000;
/// Where no word is rare, all of them together are looked for as far back as some [`SCORED`] times so many texts have the rarest.
const SPANS: u32 = 25;
/// How many texts that have all words stand before those that are scored, the newest first, where some words are too frequent for that.
pub(super) const NEWEST: usize = 100;
/// At least so many of the newest texts are searched.
pub(super) const RECENT: i64 = 1_000_000;

/// See the module.
pub(super) struct Draw {
    /// What draws by score; none when each word is in too many texts.
    pub(super) scored: Option<Expression>,
    /// What draws the newest: all words together, and any of those that are left out of the score; none when none is.
    pub(super) newest: Option<Expression>,
    /// Among how many of the newest texts all words together are looked for, where none is rare; by their numbers.
    pub(super) reach: i64,
    /// Whether so few of them are held to have all words that all are walked through to find [`NEWEST`].
    pub(super) are_sparse: bool,
}

/// A word, and how often an index has it.
struct Count {
    /// As the index is asked for it.
    word: String,
    /// In so many texts, at most one more than are scored.
    texts: u32,
    /// From the first of those to the last, by their numbers.
    span: i64,
}

/// Words as an index is asked for them.
pub(super) struct Expression {
    /// For texts that have all of them.
    pub(super) all: String,
    /// For texts that have one of them.
    pub(super) any: String,
}

impl Draw {
    /// How `question` is to be asked of the index of this name.
    pub(super) fn of(
        transaction: &Transaction<'_>,
        index: &str,
        question: &Question,
    ) -> rusqlite::Result<Self> {
        let sql = format!(
            "SELECT count(*), ifnull(max(rowid) - min(rowid), 0)
            FROM (SELECT rowid FROM {index} WHERE {index} MATCH ?1 LIMIT ?2)"
        );
        let mut statement = transaction.prepare_cached(&sql)?;
        let texts = newest(transaction, index)?;
        let most = if texts > VERY_MANY { SCORED_OF_VERY_MANY } else { SCORED };
        let mut vocabulary = Vocabulary::of(transaction, index, texts, question.sought().len())?;
        let mut count = |word: String| -> rusqlite::Result<Count> {
            let of = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let (texts, span) = statement.query_row(params![word, most + 1], of)?;
            Ok(Count { word, texts, span })
        };
        let mut words = Vec::new();
        for sought in question.sought() {
            words.push(count(vocabulary.expression(&sought)?)?);
        }
        // A name is rarer than its words, and so what has it is drawn before what has these.
        for phrase in &question.phrases {
            words.push(count(phrase.expression())?);
        }
        Ok(Self::among(words, most))
    }

    /// The rarest words draw by score, as many as together are in no more texts than `most`. A word that no text has is as if it had not been
    /// asked for.
    fn among(mut words: Vec<Count>, most: u32) -> Self {
        words.retain(|count| count.texts > 0);
        words.sort_by_key(|count| count.texts);
        let mut sum = 0;
        let fit = words.iter().take_while(|count| {
            sum += count.texts;
            sum <= most
        });
        let (scored, left_out) = words.split_at(fit.count());
        let together = joined(&words, " AND ");
        let rarest = words.iter().map(|count| count.span).max().unwrap_or_default();
        let reach = rarest.saturating_mul(i64::from(SPANS * SCORED / most)).max(RECENT);
        Self {
            scored: Expression::of(joined(scored, " AND "), scored),
            newest: Expression::of(together, left_out),
            are_sparse: expected(&words, reach) < NEWEST as f64,
            reach,
        }
    }
}

/// The number of the newest text of an index, which is about how many it has.
fn newest(transaction: &Transaction<'_>, index: &str) -> rusqlite::Result<i64> {
    let sql = format!("SELECT ifnull(max(rowid), 0) FROM {index}_docsize");
    transaction.prepare_cached(&sql)?.query_row([], |row| row.get(0))
}

/// How many of so many texts would have all words if none had to do with the others.
fn expected(words: &[Count], texts: i64) -> f64 {
    let share = |count: &Count| f64::from(count.texts) / count.span.max(1) as f64;
    words.iter().map(share).product::<f64>() * texts as f64
}

impl Expression {
    fn of(all: String, any: &[Count]) -> Option<Self> {
        (!any.is_empty()).then(|| Self { all, any: joined(any, " OR ") })
    }
}

fn joined(words: &[Count], operator: &str) -> String {
    words.iter().map(|count| count.word.as_str()).collect::<Vec<_>>().join(operator)
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::LARGE;
    use super::*;
    use crate::SqliteStore;

    fn draw(words: &[(u32, i64, &str)]) -> Draw {
        let count = |(texts, span, word): &(u32, i64, &str)| Count {
            word: (*word).to_owned(),
            texts: *texts,
            span: *span,
        };
        Draw::among(words.iter().map(count).collect(), SCORED)
    }

    fn among(words: &[(u32, &str)]) -> (Option<String>, Option<[String; 2]>) {
        let draw = draw(&words.iter().map(|(texts, word)| (*texts, 0, *word)).collect::<Vec<_>>());
        (draw.scored.map(|it| it.any), draw.newest.map(|it| [it.all, it.any]))
    }

    #[test]
    fn words_that_few_texts_have_draw_by_score_and_the_others_only_together_with_all() {
        let some = |text: &str| Some(text.to_owned());
        let both = |all: &str, any: &str| Some([all.to_owned(), any.to_owned()]);
        assert_eq!(among(&[(5, "a"), (3, "b")]), (some("b OR a"), None));
        assert_eq!(among(&[(SCORED + 1, "a"), (3, "b")]), (some("b"), both("b AND a", "a")));
        let most = (SCORED, "a");
        assert_eq!(among(&[most, (1, "b"), (SCORED, "c")]), (some("b"), both("b AND a AND c", "a OR c")));
        assert_eq!(among(&[(SCORED + 1, "a")]), (None, both("a", "a")));
        assert_eq!(among(&[(SCORED, "a")]), (some("a"), None));
        assert_eq!(among(&[(0, "b"), (SCORED + 1, "a")]), (None, both("a", "a")), "nobody has it");
        assert_eq!(among(&[(0, "b")]), (None, None));
    }

    /// Of an index whose newest text has this number and is one of so many with the word.
    fn draw_of(texts: u32, newest: i64) -> Draw {
        let mut store = SqliteStore::in_memory().unwrap();
        let drawn = store.write(|transaction| {
            let sql =
                "WITH RECURSIVE number (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM number WHERE at < ?1)
                INSERT INTO observation_words (rowid, text) SELECT ?2 + at - ?1, 'mill' FROM number";
            transaction.execute(sql, params![texts, newest])?;
            Draw::of(transaction, "observation_words", &Question::by_itself("mill"))
        });
        drawn.unwrap()
    }

    #[test]
    fn of_very_many_texts_fewer_are_scored_and_all_words_are_looked_for_as_far_back() {
        let (many, very_many) = (VERY_MANY, VERY_MANY + 1);
        assert!(draw_of(SCORED, many).scored.is_some());
        assert!(draw_of(SCORED + 1, many).scored.is_none());
        assert!(draw_of(SCORED_OF_VERY_MANY, very_many).scored.is_some());
        assert!(draw_of(SCORED_OF_VERY_MANY + 1, very_many).scored.is_none());
        let reach = |most| {
            Draw::among(
                vec![Count { word: "a".to_owned(), texts: most, span: i64::from(most) * 1_000 }],
                most,
            )
            .reach
        };
        assert_eq!([SCORED, SCORED_OF_VERY_MANY].map(reach), [100_000_000; 2]);
    }

    #[test]
    fn every_index_is_asked_for_a_beginning_as_long_as_its_newest_text_is_one_of_few() {
        let drawing = |index: &str, column: &str, newest: i64| {
            let mut store = SqliteStore::in_memory().unwrap();
            let drawn = store.write(|transaction| {
                let sql =
                    format!("INSERT INTO {index} (rowid, {column}) VALUES (1, 'Файлами'), (?1, 'файлы')");
                transaction.execute(&sql, [newest])?;
                Draw::of(transaction, index, &Question::by_itself("Где файлы?"))
            });
            drawn.unwrap().scored.unwrap().any
        };
        for (index, column) in
            [("message_words", "text"), ("observation_words", "text"), ("knowledge_words", "content")]
        {
            assert_eq!(drawing(index, column, LARGE - 1), r#""файл"*"#);
            assert_eq!(drawing(index, column, LARGE), r#"("файлы" OR "файл" OR "файлами")"#);
        }
    }

    #[test]
    fn all_words_are_held_to_be_in_few_texts_where_each_is_in_few_or_there_are_many() {
        // One text in a hundred has each, so of the newest million a hundred have three.
        let often = (SCORED, i64::from(SCORED) * 100, "a");
        assert!(!draw(&[often; 2]).are_sparse && draw(&[often; 4]).are_sparse);
        assert!(draw(&[often, (10, 1_000_000, "b")]).are_sparse);
        assert!(!draw(&[(SCORED + 1, 4_001, "a"); 9]).are_sparse);
    }

    #[test]
    fn all_words_are_looked_for_the_further_back_the_rarer_the_rarest_of_them_is_but_in_the_newest_million_at_least()
     {
        let frequent = |span| (SCORED + 1, span, "a");
        assert_eq!(draw(&[frequent(4_001)]).reach, RECENT);
        assert_eq!(draw(&[frequent(40_000), frequent(400_000)]).reach, 10_000_000);
        assert_eq!(draw(&[frequent(i64::MAX)]).reach, i64::MAX);
        assert_eq!(draw(&[]).reach, RECENT);
    }
}
