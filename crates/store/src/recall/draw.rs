//! Which words of a question draw texts out of an index, so that a question costs no more in a large store than in a small one.
//!
//! An index scores every text that has a word it is asked for, and walks all of them once more to learn how rare the word is. Words
//! that are in very many texts tell little apart: they draw only together with all the others, unscored, and the ranking, which reads
//! what was drawn, counts them again. In a store in which no word is in so many texts nothing is left out.

use super::question::Question;
use rusqlite::{Transaction, params};

/// So many texts are scored for one question at most.
const SCORED: u32 = 4_000;

/// See the module.
pub(super) struct Draw {
    /// What draws by score; none when each word is in too many texts.
    pub(super) scored: Option<Expression>,
    /// What draws the newest: all words together, and any of those that are left out of the score; none when none is.
    pub(super) newest: Option<Expression>,
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
            "SELECT count(*) FROM (SELECT rowid FROM {index} WHERE {index} MATCH ?1 LIMIT {})",
            SCORED + 1
        );
        let mut statement = transaction.prepare_cached(&sql)?;
        let mut words = Vec::new();
        for word in question.sought() {
            let texts: u32 = statement.query_row(params![word], |row| row.get(0))?;
            words.push((texts, word));
        }
        Ok(Self::among(words))
    }

    /// The rarest words draw by score, as many as fit.
    fn among(mut words: Vec<(u32, String)>) -> Self {
        words.sort_by_key(|(texts, _)| *texts);
        let mut sum = 0;
        let fit = words.iter().take_while(|(texts, _)| {
            sum += texts;
            sum <= SCORED
        });
        let (scored, left_out) = words.split_at(fit.count());
        let together = joined(&words, " AND ");
        Self {
            scored: Expression::of(joined(scored, " AND "), scored),
            newest: Expression::of(together, left_out),
        }
    }
}

impl Expression {
    fn of(all: String, any: &[(u32, String)]) -> Option<Self> {
        (!any.is_empty()).then(|| Self { all, any: joined(any, " OR ") })
    }
}

fn joined(words: &[(u32, String)], operator: &str) -> String {
    words.iter().map(|(_, word)| word.as_str()).collect::<Vec<_>>().join(operator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among(words: &[(u32, &str)]) -> (Option<String>, Option<[String; 2]>) {
        let draw = Draw::among(words.iter().map(|(texts, word)| (*texts, (*word).to_owned())).collect());
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
    }
}
