//! What the word indexes find.

use super::draw::Draw;
use super::nearest::{Near, Nearest};
use super::pool::{self, IN_CONTEXT, passage};
use super::question::Question;
use super::ranking::{LEFT_OUT, Passage, Talk};
use super::scope::{OBSERVED, OF_ENTRIES, OF_SESSIONS, Scope, in_period};
use super::{EVENNESS, Hit, Source};
use crate::columns::{Word, word};
use crate::vectors::parts;
use domain::ids::SessionId;
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use std::collections::HashSet;

/// How many messages are looked at because they mean something alike, whatever their words.
const ALIKE: usize = 100;
/// How many messages before and after count as context.
const CONTEXT: usize = 2;
/// So much of a message that has none of the words is read, in characters.
const EXCERPT: usize = 400;

/// These messages, which have a word of the question, and those that mean something alike, with what was said next to the best of them.
pub(super) fn talk(
    transaction: &Transaction<'_>,
    passages: Vec<Passage>,
    nearest: &Nearest<'_>,
) -> rusqlite::Result<Talk> {
    let mut known: HashSet<i64> = passages.iter().map(|passage| passage.id).collect();
    let mut talk = Talk { passages, ..Talk::default() };
    let mut chosen: Vec<Passage> = talk.passages.iter().take(IN_CONTEXT).cloned().collect();
    for near in nearest.best(Source::Message, ALIKE) {
        if known.insert(near.id)
            && let Some(found) = alike(transaction, *near)?
        {
            talk.passages.push(found.clone());
            chosen.push(found);
        }
    }
    for found in chosen {
        let before = neighbours(transaction, &found, Side::Before)?;
        let behind = neighbours(transaction, &found, Side::Behind)?;
        let row: Vec<i64> =
            before.iter().rev().chain([&found]).chain(&behind).map(|passage| passage.id).collect();
        talk.looked_up.insert(found.id);
        talk.before.extend(row.windows(2).map(|pair| (pair[1], pair[0])));
        talk.passages.extend(before.into_iter().chain(behind).filter(|passage| known.insert(passage.id)));
    }
    Ok(talk)
}

/// A message that means something alike: its part that does. None, when it was said since the question was asked.
fn alike(transaction: &Transaction<'_>, near: Near) -> rusqlite::Result<Option<Passage>> {
    let Some(whole) = pool::message(transaction, near.id).optional()? else { return Ok(None) };
    let text = parts(&whole.text).nth(near.part).unwrap_or_default().to_owned();
    Ok(Some(Passage { text, ..whole }))
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Before,
    Behind,
}

/// What was said next to a message in its session, the nearest first.
fn neighbours(transaction: &Transaction<'_>, to: &Passage, side: Side) -> rusqlite::Result<Vec<Passage>> {
    let on_that_side = match side {
        Side::Before => "id < ?2 ORDER BY id DESC",
        Side::Behind => "id > ?2 ORDER BY id",
    };
    let sql = format!(
        "SELECT id, session, at, substr(text, 1, ?3) || iif(length(text) > ?3, '{LEFT_OUT}', '') AS text FROM message
        WHERE session = ?1 AND {on_that_side} LIMIT ?4"
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    let values = params![to.session.as_str(), to.id, EXCERPT as i64, CONTEXT as i64];
    statement.query_map(values, passage)?.collect()
}

/// What is written of sessions, with how its index is asked, and how one by its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) source: Source,
    index: &'static str,
    /// What the index's score is.
    score: &'static str,
    sql: &'static str,
    /// Of which scope it is.
    within: &'static str,
    /// When, for its period.
    at: &'static str,
    by_number: &'static str,
}

/// Entries, then observations.
pub(super) const WRITTEN: [Written; 2] = [
    Written {
        source: Source::Knowledge,
        index: "knowledge_words",
        score: "bm25(knowledge_words, 6.0, 2.0)",
        sql: "SELECT id, session, knowledge.title, knowledge.content AS text, updated AS at
            FROM knowledge_words JOIN knowledge ON number = knowledge_words.rowid",
        within: OF_ENTRIES,
        at: "updated",
        by_number: "SELECT id, session, title, content AS text, updated AS at FROM knowledge WHERE number = ?1",
    },
    Written {
        source: Source::Observation,
        index: "observation_words",
        score: "bm25(observation_words)",
        sql: "SELECT CAST(observation.id AS TEXT) AS id, session, NULL AS title, observation.text AS text, at
            FROM observation_words JOIN observation ON observation.id = observation_words.rowid
                JOIN session ON session.id = session",
        within: OF_SESSIONS,
        at: OBSERVED,
        by_number: "SELECT CAST(id AS TEXT) AS id, session, NULL AS title, text, at FROM observation WHERE id = ?1",
    },
];

/// What was written and has words of the question: what holds all of them before what holds some, and in each the best score
/// first; where a word is in too much to be scored, the newest of what holds all comes first, and the newest of what holds only such words last.
pub(super) fn written(
    transaction: &Transaction<'_>,
    written: Written,
    scope: Scope<'_>,
    question: &Question,
    limit: usize,
) -> rusqlite::Result<Vec<Hit>> {
    let Written { source, index, score, sql, within, at, .. } = written;
    let Draw { scored, newest, .. } = Draw::of(transaction, index, question)?;
    let (best_first, newest_first) = (format!("{score}, {index}.rowid DESC"), format!("{index}.rowid DESC"));
    let (scored, newest) = (scored.as_ref(), newest.as_ref());
    let steps = [
        newest.map(|words| (&words.all, &newest_first)),
        scored.map(|words| (&words.all, &best_first)),
        scored.map(|words| (&words.any, &best_first)),
        newest.map(|words| (&words.any, &newest_first)),
    ];
    let (principal, project, since, until) = scope.values();
    let in_period = in_period(at);
    let (mut hits, mut seen) = (Vec::new(), HashSet::new());
    for (words, order) in steps.into_iter().flatten() {
        if hits.len() >= limit {
            break;
        }
        let sql =
            format!("{sql} WHERE {index} MATCH ?5 AND {within} AND {in_period} ORDER BY {order} LIMIT ?6");
        let values = params![principal, project, since, until, words, limit as i64];
        let mut statement = transaction.prepare_cached(&sql)?;
        let found = statement.query_map(values, |row| hit(source, row))?.collect::<Result<Vec<_>, _>>()?;
        hits.extend(found.into_iter().filter(|hit| seen.insert(hit.id.clone())));
    }
    hits.truncate(limit);
    Ok(hits)
}

/// The hits by words and those that mean alike in one order, by reciprocal rank fusion (Cormack, Clarke and Buettcher, 2009); each
/// with how alike it is, as far as that is known.
pub(super) fn with_alike(
    transaction: &Transaction<'_>,
    Written { source, by_number, .. }: Written,
    by_words: Vec<Hit>,
    alike: &[Near],
) -> rusqlite::Result<Vec<(f64, Hit)>> {
    let points = |place: usize| 1.0 / (EVENNESS + place as f64);
    let mut fused: Vec<(f64, f64, Hit)> =
        by_words.into_iter().enumerate().map(|(place, hit)| (points(place), 0.0, hit)).collect();
    let mut statement = transaction.prepare_cached(by_number)?;
    for (place, near) in alike.iter().enumerate() {
        // One that was written since the question was asked is left for the next one.
        let found = statement.query_row([near.id], |row| hit(source, row)).optional()?;
        let Some(hit) = found else { continue };
        match fused.iter_mut().find(|(_, _, known)| known.id == hit.id) {
            Some(known) => (known.0, known.1) = (known.0 + points(place), near.likeness),
            None => fused.push((points(place), near.likeness, hit)),
        }
    }
    fused.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(fused.into_iter().map(|(_, likeness, hit)| (likeness, hit)).collect())
}

/// The same, an observation with when what it tells was said, however much later it was written.
pub(super) fn dated(transaction: &Transaction<'_>, mut hits: Vec<Hit>) -> rusqlite::Result<Vec<Hit>> {
    let mut said =
        transaction.prepare_cached(&format!("SELECT {OBSERVED} FROM observation WHERE id = ?1"))?;
    for hit in hits.iter_mut().filter(|hit| hit.source == Source::Observation) {
        hit.at = said.query_row([&hit.id], |row| row.get(0).map(UnixMillis))?;
    }
    Ok(hits)
}

/// A row of what was written.
pub(super) fn hit(source: Source, row: &Row<'_>) -> rusqlite::Result<Hit> {
    let session: Option<Word<SessionId>> = row.get("session")?;
    Ok(Hit {
        source,
        id: word(row, "id")?,
        session: session.map(|session| session.0),
        title: row.get("title")?,
        text: row.get("text")?,
        score: 0.0,
        at: UnixMillis(row.get("at")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recall::tests::in_a_session;

    /// The ids of what is found among so many observations that speak of the mill, of which these speak of the sluice as well, behind a first one
    /// that speaks of the sluice alone.
    fn found(mill: i64, both: &str, limit: usize) -> Vec<String> {
        let found = in_a_session(|transaction| {
            transaction.execute("INSERT INTO distillation (session, at) VALUES ('s', 1)", [])?;
            let sql = format!(
                "WITH RECURSIVE number (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM number WHERE at <= ?1)
                INSERT INTO observation (id, session, distillation, at, text)
                SELECT at, 's', 1, at, iif(at = 1, 'sluice', iif(at IN ({both}), 'mill, sluice', 'mill')) FROM number"
            );
            transaction.execute(&sql, [mill])?;
            written(transaction, WRITTEN[1], Scope::default(), &Question::by_itself("mill sluice"), limit)
        });
        found.into_iter().map(|hit| hit.id).collect()
    }

    #[test]
    fn where_a_word_is_in_too_much_what_has_only_that_one_is_found_last_and_the_newest_of_it() {
        assert_eq!(found(4_100, "7, 9", 5), ["9", "7", "1", "4101", "4100"]);
        assert_eq!(found(4_100, "7, 9", 2), ["9", "7"]);
    }

    #[test]
    fn where_both_words_are_in_too_much_the_newest_of_what_has_both_comes_first() {
        assert_eq!(found(9_000, "SELECT 2 * at FROM number", 2), ["9000", "8998"]);
    }

    #[test]
    fn where_no_word_is_in_too_much_the_best_score_decides() {
        assert_eq!(found(9, "2", 4), ["2", "1", "10", "9"]);
    }
}
