//! What texts mean, as vectors of the model that the settings name: which texts have none yet, and keeping those that were made.
//!
//! Messages and observations are taken in the order in which they came, and it is kept how far the model has got: together with
//! the vectors, so a killed process goes on where it was. Entries are few and change, so each is looked at.

use crate::columns::Word;
use crate::recall::Source;
use crate::sketches::{self, Span};
use domain::vector::{ModelName, Vector};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use std::collections::BTreeSet;

/// A part of a text gets a vector of its own, so that it is not lost among the others. Models read a few hundred tokens at once.
const LONGEST_PART: usize = 800;
/// How many parts of a text get one. What stands far down in a very long one, mostly a tool's output, is found by its words.
const MOST_PARTS: usize = 8;

/// A text without vectors of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unembedded {
    /// Which.
    pub key: TextKey,
    /// What is to get a vector each, in this order; perhaps nothing.
    pub parts: Vec<String>,
}

/// A text that can have vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextKey {
    source: Source,
    session: String,
    id: i64,
    /// An entry's version: what was made of another one is not kept.
    version: i64,
}

impl TextKey {
    /// Of which texts its sketch is kept together with theirs, if it has one.
    fn span(&self, vectors: &[Vector]) -> Option<Span> {
        let source = match self.source {
            Source::Knowledge => return None,
            Source::Observation => "observation",
            Source::Message => "message",
        };
        (!vectors.is_empty()).then(|| Span::of(&self.session, source, self.id))
    }
}

/// The parts of a text that get a vector each: cut at blanks where there are some, and nothing of what stands too far down.
pub(crate) fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim();
    std::iter::from_fn(move || {
        let (part, behind) = rest.split_at(end_of_part(rest));
        rest = behind.trim_start();
        Some(part.trim_end()).filter(|part| !part.is_empty())
    })
    .take(MOST_PARTS)
}

/// Where a part that begins here ends.
fn end_of_part(text: &str) -> usize {
    let Some((longest, _)) = text.char_indices().nth(LONGEST_PART) else { return text.len() };
    let blank = text[..longest].rfind(char::is_whitespace).filter(|blank| *blank > longest / 2);
    blank.unwrap_or(longest)
}

/// At most `limit` texts that `model` has not seen: entries, then observations, then messages, the oldest first.
pub(crate) fn unembedded(
    transaction: &Transaction<'_>,
    model: &ModelName,
    limit: usize,
) -> rusqlite::Result<Vec<Unembedded>> {
    let seen = "SELECT number, observation, message FROM embedding_model WHERE name = ?1";
    let seen = transaction
        .prepare_cached(seen)?
        .query_row([model.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let (number, observation, message): (i64, i64, i64) = seen.optional()?.unwrap_or_default();
    let mut found = Vec::new();
    for (source, seen) in
        [(Source::Knowledge, number), (Source::Observation, observation), (Source::Message, message)]
    {
        let room = limit - found.len();
        let mut statement = transaction.prepare_cached(newer(source))?;
        let texts = statement.query_map(params![seen, room as i64], |row| text(source, row))?;
        found.extend(texts.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    Ok(found)
}

const fn newer(source: Source) -> &'static str {
    match source {
        Source::Knowledge => {
            "SELECT number AS id, '' AS session, version, title || ': ' || content AS text FROM knowledge WHERE NOT EXISTS
                (SELECT 1 FROM vector WHERE session = '' AND source = 'knowledge' AND id = number AND part = 0 AND model = ?1)
            ORDER BY number LIMIT ?2"
        }
        Source::Observation => {
            "SELECT id, session, 0 AS version, text FROM observation
            WHERE id > ?1 AND session NOT IN (SELECT session FROM doomed) ORDER BY id LIMIT ?2"
        }
        Source::Message => {
            "SELECT id, session, 0 AS version, text FROM message
            WHERE id > ?1 AND session NOT IN (SELECT session FROM doomed) ORDER BY id LIMIT ?2"
        }
    }
}

fn text(source: Source, row: &Row<'_>) -> rusqlite::Result<Unembedded> {
    let text: String = row.get("text")?;
    let (session, id, version) = (row.get("session")?, row.get("id")?, row.get("version")?);
    let key = TextKey { source, session, id, version };
    Ok(Unembedded { key, parts: parts(&text).map(str::to_owned).collect() })
}

/// Keeps what `model` made of texts, in the order of [`unembedded`]. What is gone or was rewritten meanwhile is left out.
pub(crate) fn keep(
    transaction: &Transaction<'_>,
    model: &ModelName,
    made: &[(TextKey, Vec<Vector>)],
) -> rusqlite::Result<()> {
    let number = number(transaction, model)?;
    let mut spans = BTreeSet::new();
    for (key, vectors) in made {
        for (part, vector) in vectors.iter().enumerate() {
            let values = params![
                key.session,
                Word(key.source),
                key.id,
                part as i64,
                number,
                vector.as_bytes(),
                key.version
            ];
            transaction.prepare_cached(still(key.source))?.execute(values)?;
        }
        spans.extend(key.span(vectors));
        if let Some(sql) = reached(key.source) {
            transaction.prepare_cached(sql)?.execute([number, key.id])?;
        }
    }
    sketches::renew(transaction, spans)
}

/// The number of a model. What others made takes no part in searches any more and is written over, so were they to come back, they would have
/// to begin anew: they are not known any more.
fn number(transaction: &Transaction<'_>, model: &ModelName) -> rusqlite::Result<i64> {
    let known = "INSERT OR IGNORE INTO embedding_model (name) VALUES (?1)";
    if transaction.prepare_cached(known)?.execute([model.0])? > 0 {
        transaction.prepare_cached("DELETE FROM embedding_model WHERE name <> ?1")?.execute([model.0])?;
    }
    let number = "SELECT number FROM embedding_model WHERE name = ?1";
    transaction.prepare_cached(number)?.query_row([model.0], |row| row.get(0))
}

const fn still(source: Source) -> &'static str {
    match source {
        Source::Knowledge => {
            "INSERT OR REPLACE INTO vector SELECT ?1, ?2, ?3, ?4, ?5, ?6 FROM knowledge WHERE number = ?3 AND version = ?7"
        }
        Source::Observation => {
            "INSERT OR REPLACE INTO vector SELECT ?1, ?2, ?3, ?4, ?5, ?6 FROM observation WHERE id = ?3 AND ?7 = 0"
        }
        Source::Message => {
            "INSERT OR REPLACE INTO vector SELECT ?1, ?2, ?3, ?4, ?5, ?6 FROM message WHERE id = ?3 AND ?7 = 0"
        }
    }
}

const fn reached(source: Source) -> Option<&'static str> {
    match source {
        Source::Knowledge => None,
        Source::Observation => {
            Some("UPDATE embedding_model SET observation = max(observation, ?2) WHERE number = ?1")
        }
        Source::Message => Some("UPDATE embedding_model SET message = max(message, ?2) WHERE number = ?1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::open_in_memory;
    use proptest::prelude::*;

    #[test]
    fn a_message_or_an_observation_that_is_deleted_takes_its_vectors_along() {
        let database = open_in_memory().unwrap();
        let kept = "INSERT INTO every_session (id, principal, client, provider, dialect, model, upstream_origin, head, created, last_activity)
                VALUES ('s', 'p', 'c', 'anthropic', 'd', 'm', 'o', x'', 1, 1);
            INSERT INTO message (id, session, digest, role, tokens, calls_tool, from_tool, at, text)
                VALUES (7, 's', x'', 'user', 1, 0, 0, 1, 'rye'), (8, 's', x'', 'user', 1, 0, 0, 1, 'rye');
            INSERT INTO distillation (id, session, at) VALUES (1, 's', 1);
            INSERT INTO observation (id, session, distillation, at, text) VALUES (7, 's', 1, 1, 'rye'), (8, 's', 1, 1, 'rye');
            INSERT INTO vector SELECT 's', source, id, part, 1, x'7f' FROM (SELECT 'message' AS source UNION SELECT 'observation'),
                (SELECT 7 AS id UNION SELECT 8), (SELECT 0 AS part UNION SELECT 1)";
        database.execute_batch(kept).unwrap();
        let left = |source: &str| {
            let sql = "SELECT group_concat(DISTINCT id), count(*) FROM vector WHERE source = ?1";
            database
                .query_row(sql, [source], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
                .unwrap()
        };
        database.execute("DELETE FROM message WHERE id = 7", []).unwrap();
        assert_eq!((left("message"), left("observation")), (("8".into(), 2), ("7,8".into(), 4)));
        database.execute("DELETE FROM observation WHERE id = 8", []).unwrap();
        assert_eq!((left("message"), left("observation")), (("8".into(), 2), ("7".into(), 2)));
    }

    #[test]
    fn a_sketch_says_nothing_any_more_of_what_is_deleted_and_goes_with_the_last_of_its_texts() {
        let mut database = open_in_memory().unwrap();
        let kept = "INSERT INTO vector SELECT 's', 'message', id, 0, 1, x'7f81' FROM (SELECT 7 AS id UNION SELECT 8 UNION SELECT 300)";
        database.execute_batch(kept).unwrap();
        let transaction = database.transaction().unwrap();
        sketches::renew(&transaction, [7, 300].map(|id| Span::of("s", "message", id)).into()).unwrap();
        let rows = || -> Vec<(i64, Vec<u8>)> {
            let mut rows = transaction.prepare("SELECT span, signs FROM sketch").unwrap();
            rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
        };
        assert_eq!(rows(), [(0, vec![7, 0, 1, 8, 0, 1]), (1, vec![44, 0, 1])]);
        transaction.execute("DELETE FROM vector WHERE id = 7", []).unwrap();
        assert_eq!(rows(), [(0, vec![]), (1, vec![44, 0, 1])]);
        sketches::renew(&transaction, BTreeSet::new()).unwrap();
        assert_eq!(rows(), [(0, vec![8, 0, 1]), (1, vec![44, 0, 1])]);
        transaction.execute("DELETE FROM vector WHERE id = 8", []).unwrap();
        assert_eq!(rows(), [(1, vec![44, 0, 1])]);
    }

    #[test]
    fn a_short_text_is_one_part_and_a_long_one_is_cut_at_blanks() {
        assert_eq!(parts(" rye bread \n").collect::<Vec<_>>(), ["rye bread"]);
        assert_eq!(parts(" \n").count(), 0);
        let long = "rye and wheat ".repeat(100);
        let cut: Vec<&str> = parts(&long).collect();
        assert_eq!(cut.join(" "), long.trim());
        assert!(
            cut.iter().all(|part| ["rye", "and", "wheat"].iter().any(|word| part.ends_with(word))),
            "{cut:?}"
        );
        assert_eq!(parts(&"x".repeat(100_000)).map(str::len).collect::<Vec<_>>(), [LONGEST_PART; MOST_PARTS]);
    }

    proptest! {
        #[test]
        fn parts_hold_every_word_of_a_text_that_is_not_too_long(text in "[a-zé日 \n]{0,3000}") {
            let cut: Vec<&str> = parts(&text).collect();
            let solid = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(solid(&cut.concat()), solid(&text));
            prop_assert!(cut.iter().all(|part| (1..=LONGEST_PART).contains(&part.chars().count())));
        }
    }
}
