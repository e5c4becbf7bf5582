//! Finding again: a word search over knowledge, observations and messages.

use crate::columns::{Word, word};
use domain::ids::{Principal, SessionId};
use domain::time::UnixMillis;
use rusqlite::{Row, Transaction, params};
use serde::Serialize;
use std::collections::HashSet;

/// The most hits of one search.
pub const MOST_HITS: usize = 100;

/// More words than this do not make a search better, only slower.
const MOST_WORDS: usize = 32;

/// Words that nearly every text has. A search for nothing else still looks for them.
const STOP_WORDS: &str = " a about an and any are as at be been but by can did do does for from had has have how i if in into is it \
    its me my no not of on or our should so that the their them then there these they this to us was we were what when where \
    which who why will with would you your ";

/// Where a hit was found, the best source first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A curated entry.
    Knowledge,
    /// What the distiller wrote.
    Observation,
    /// What was said.
    Message,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// Where.
    pub source: Source,
    /// The entry's id, or the number of the observation or message.
    pub id: String,
    /// The session it came from.
    pub session: Option<SessionId>,
    /// An entry's title.
    pub title: Option<String>,
    /// The text; of a message the part around the words.
    pub text: String,
    /// How well it fits (BM25); more is better. Only to be compared within one source.
    pub score: f64,
    /// When it was written.
    pub at: UnixMillis,
}

/// What fits `query`, the best first: what holds all words before what holds some, and in each of the two knowledge before
/// observations before messages, and in each of those the best score first.
pub(crate) fn recall(
    transaction: &Transaction<'_>,
    principal: Option<&Principal>,
    query: &str,
    limit: usize,
) -> rusqlite::Result<Vec<Hit>> {
    let words = words(query);
    let limit = limit.clamp(1, MOST_HITS);
    let mut hits: Vec<Hit> = Vec::new();
    let mut seen = HashSet::new();
    if words.is_empty() {
        return Ok(hits);
    }
    for expression in [words.join(" AND "), words.join(" OR ")] {
        for source in [Source::Knowledge, Source::Observation, Source::Message] {
            let found = search(transaction, source, principal, &expression, limit)?;
            hits.extend(found.into_iter().filter(|hit| seen.insert((hit.source, hit.id.clone()))));
        }
    }
    hits.truncate(limit);
    Ok(hits)
}

/// The words to look for, each as a string of the search language, so that nothing in them is an operator.
fn words(query: &str) -> Vec<String> {
    let all: Vec<String> =
        query.split(parts_words).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let telling: Vec<&String> =
        all.iter().filter(|word| !STOP_WORDS.contains(&format!(" {word} "))).collect();
    let chosen = if telling.is_empty() { all.iter().collect() } else { telling };
    let mut seen = HashSet::new();
    chosen
        .into_iter()
        .filter(|word| seen.insert(*word))
        .take(MOST_WORDS)
        .map(|word| format!("\"{word}\""))
        .collect()
}

/// Blanks, control characters and ASCII punctuation stand between words. About everything else the index decides, which
/// knows more of Unicode than we do.
fn parts_words(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control() || letter.is_ascii_punctuation()
}

fn search(
    transaction: &Transaction<'_>,
    source: Source,
    principal: Option<&Principal>,
    expression: &str,
    limit: usize,
) -> rusqlite::Result<Vec<Hit>> {
    let mut statement = transaction.prepare_cached(statement(source))?;
    let principal = principal.map(Principal::as_str);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    statement.query_map(params![expression, principal, limit], |row| hit(source, row))?.collect()
}

fn statement(source: Source) -> &'static str {
    match source {
        Source::Knowledge => {
            "SELECT id, session, knowledge.title, knowledge.content AS text, -bm25(knowledge_words, 6.0, 2.0) AS score, updated AS at
            FROM knowledge_words JOIN knowledge ON number = knowledge_words.rowid
            WHERE knowledge_words MATCH ?1 AND (?2 IS NULL OR principal = ?2)
            ORDER BY score DESC, number DESC LIMIT ?3"
        }
        Source::Observation => {
            "SELECT CAST(observation.id AS TEXT) AS id, session, NULL AS title, observation.text AS text,
                -bm25(observation_words) AS score, at
            FROM observation_words JOIN observation ON observation.id = observation_words.rowid
                JOIN session ON session.id = session
            WHERE observation_words MATCH ?1 AND (?2 IS NULL OR principal = ?2)
            ORDER BY score DESC, observation.id DESC LIMIT ?3"
        }
        Source::Message => {
            "SELECT CAST(message.id AS TEXT) AS id, session, NULL AS title,
                snippet(message_words, 0, '', '', '…', 64) AS text, -bm25(message_words) AS score, at
            FROM message_words JOIN message ON message.id = message_words.rowid JOIN session ON session.id = session
            WHERE message_words MATCH ?1 AND (?2 IS NULL OR principal = ?2)
            ORDER BY score DESC, message.id DESC LIMIT ?3"
        }
    }
}

fn hit(source: Source, row: &Row<'_>) -> rusqlite::Result<Hit> {
    let session: Option<Word<SessionId>> = row.get("session")?;
    Ok(Hit {
        source,
        id: word(row, "id")?,
        session: session.map(|session| session.0),
        title: row.get("title")?,
        text: row.get("text")?,
        score: row.get("score")?,
        at: UnixMillis(row.get("at")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_once_each_and_stop_words_dropped() {
        assert_eq!(words("How is the CACHE warmed? (cache)"), ["\"cache\"", "\"warmed\""]);
        assert_eq!(
            words("src/main.rs NEAR(a,b) \"x\"*"),
            ["\"src\"", "\"main\"", "\"rs\"", "\"near\"", "\"b\"", "\"x\""]
        );
        assert_eq!(
            words("to be\0or"),
            ["\"to\"", "\"be\"", "\"or\""],
            "with nothing else to look for, they count"
        );
        assert!(words(" \0 \"*' ").is_empty());
        assert_eq!(words(&"w1 w2 w3 ".repeat(100)).len(), 3);
        assert_eq!(words(&(0..100).map(|n| format!("w{n} ")).collect::<String>()).len(), MOST_WORDS);
    }
}
