//! The messages that have a word of the question, as far as they are looked at.

use super::draw::{Draw, NEWEST, RECENT};
use super::excerpt::excerpt;
use super::meaning::Meanings;
use super::question::Question;
use super::ranking::Passage;
use super::scope::{OF_SESSIONS, Scope, in_period, latest_sessions};
use crate::columns::word;
use domain::time::UnixMillis;
use rusqlite::{Row, Transaction, params};
use std::collections::HashSet;

/// How many they are at most, those first that the index ranks first.
const POOL: usize = 400;
/// Of how many of them, the first ones, more is looked at: so many characters, and what was said before and after.
pub(super) const IN_CONTEXT: usize = 150;
const WHOLE: usize = 4_000;
/// Once messages of so many bytes were looked at no more are, but so many at least. None has more than 64 KiB.
const MOST_READ: usize = 1_500_000;
const FEWEST: usize = 50;
/// All that match.
const ALL: i64 = -1;

/// The part of each around the words, the most promising first: those that have all words, where that is asked for; then by score. The
/// first ones have more of a message than its part, too.
pub(super) fn passages(
    transaction: &Transaction<'_>,
    scope: Scope<'_>,
    question: &Question,
    meanings: &mut Meanings<'_>,
) -> rusqlite::Result<Vec<Passage>> {
    let draw = Draw::of(transaction, "message_words", question)?;
    let (mut passages, mut read) = (Vec::new(), 0);
    for number in drawn(transaction, scope, &draw)? {
        if read >= MOST_READ && passages.len() >= FEWEST {
            break;
        }
        let found = message(transaction, number)?;
        read += found.text.len();
        passages.push(around_the_words(found, meanings, passages.len() < IN_CONTEXT));
    }
    Ok(passages)
}

/// A message that was read, of which only the part counts; of one of the first the beginning as well.
fn around_the_words(mut message: Passage, meanings: &mut Meanings<'_>, is_first: bool) -> Passage {
    let Some(part) = excerpt(&message.text, meanings) else { return message };
    let mut whole = std::mem::replace(&mut message.text, part);
    if let Some((end, _)) = whole.char_indices().nth(WHOLE) {
        whole.truncate(end);
    }
    message.whole = is_first.then_some(whole);
    message
}

/// Their numbers, each once.
fn drawn(transaction: &Transaction<'_>, scope: Scope<'_>, draw: &Draw) -> rusqlite::Result<Vec<i64>> {
    let last = last(transaction, scope)?;
    let latest =
        |words, behind, order, limit| matching(transaction, scope, (words, behind, last), (order, limit));
    let mut numbers = Vec::new();
    if let Some(words) = &draw.newest {
        // Rare words make it cheap to look for all of them everywhere.
        let behind = if draw.scored.is_some() { 0 } else { last.saturating_sub(draw.reach) };
        numbers = if draw.scored.is_some() || draw.are_sparse {
            // All are walked through anyway, and from the newest on that takes the index twice as long.
            let all = latest(&words.all, behind, "rowid", ALL)?;
            all.into_iter().rev().take(NEWEST).collect()
        } else {
            latest(&words.all, behind, "rowid DESC", NEWEST as i64)?
        };
    }
    if let Some(words) = &draw.scored {
        let everywhere = (words.any.as_str(), 0, i64::MAX);
        numbers.extend(matching(transaction, scope, everywhere, ("rank", POOL as i64))?);
    }
    // Where no word is rare, or the rare ones are in next to nothing, the frequent ones are all there is.
    let room = if draw.scored.is_none() { POOL } else { NEWEST };
    if let Some(words) = draw.newest.as_ref().filter(|_| numbers.len() < room) {
        numbers.extend(latest(&words.any, last - RECENT, "rowid DESC", room as i64)?);
    }
    let mut known = HashSet::new();
    numbers.retain(|number| known.insert(*number));
    numbers.truncate(POOL);
    Ok(numbers)
}

/// The number of the newest message; of a period that has ended, of the newest that may be of it.
fn last(transaction: &Transaction<'_>, scope: Scope<'_>) -> rusqlite::Result<i64> {
    if scope.period.until.is_none() {
        return transaction.query_row("SELECT ifnull(max(id), 0) FROM message", [], |row| row.get(0));
    }
    let sql = format!(
        "SELECT ifnull(max((SELECT max(id) FROM message WHERE session = used)), 0) FROM {}",
        latest_sessions()
    );
    let (principal, project, since, until) = scope.values();
    let values = params![principal, project, since, until];
    transaction.prepare_cached(&sql)?.query_row(values, |row| row.get(0))
}

/// The numbers of messages from behind the first of these to the second that match the words, in this order.
fn matching(
    transaction: &Transaction<'_>,
    scope: Scope<'_>,
    (words, behind, last): (&str, i64, i64),
    (order, limit): (&str, i64),
) -> rusqlite::Result<Vec<i64>> {
    let sql = format!(
        "SELECT message.id FROM message_words CROSS JOIN message ON message.id = message_words.rowid
            CROSS JOIN session ON session.id = message.session
        WHERE message_words MATCH ?5 AND message_words.rowid > ?6 AND message_words.rowid <= ?7 AND {OF_SESSIONS} AND {}
        ORDER BY message_words.{order} LIMIT ?8",
        in_period("message.at")
    );
    let (principal, project, since, until) = scope.values();
    let values = params![principal, project, since, until, words, behind, last, limit];
    transaction.prepare_cached(&sql)?.query_map(values, |row| row.get(0))?.collect()
}

/// A message, whole.
pub(super) fn message(transaction: &Transaction<'_>, number: i64) -> rusqlite::Result<Passage> {
    let sql = "SELECT id, session, at, text FROM message WHERE id = ?1";
    transaction.prepare_cached(sql)?.query_row([number], passage)
}

/// A message of a row, or what the row has of it.
pub(super) fn passage(row: &Row<'_>) -> rusqlite::Result<Passage> {
    Ok(Passage {
        id: row.get("id")?,
        session: word(row, "session")?,
        at: UnixMillis(row.get("at")?),
        text: row.get("text")?,
        whole: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recall::Period;
    use crate::recall::tests::in_a_session;

    /// The numbers that are drawn of so many messages. All speak of the mill, and one of so many of the sluice, too.
    fn drawn_of(messages: i64, one_of: i64) -> Vec<i64> {
        in_a_session(|transaction| {
            let sql =
                "WITH RECURSIVE number (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM number WHERE at < ?1)
                INSERT INTO message (session, digest, role, tokens, calls_tool, from_tool, at, text)
                SELECT 's', x'', 'user', 1, 0, 0, at, iif(at % ?2 = 0, 'mill, sluice', 'mill') FROM number";
            transaction.execute(sql, [messages, one_of])?;
            let question = Question::by_itself("mill sluice");
            drawn(transaction, Scope::default(), &Draw::of(transaction, "message_words", &question)?)
        })
    }

    #[test]
    fn beside_what_is_scored_the_newest_with_all_words_come_first_and_each_once() {
        let drawn = drawn_of(5_000, 10);
        let newest: Vec<i64> = (0..).map(|back| 5_000 - 10 * back).take(NEWEST).collect();
        assert_eq!(drawn[..NEWEST], newest);
        assert_eq!(drawn.len(), POOL);
        assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), POOL);
    }

    #[test]
    fn where_a_word_is_in_next_to_nothing_the_newest_with_the_others_follow_and_where_it_is_in_nothing_they_are_all()
     {
        let drawn = drawn_of(5_000, 2_000);
        assert_eq!(drawn[..4], [4_000, 2_000, 5_000, 4_999]);
        assert_eq!(drawn.len(), NEWEST + 2);
        let newest: Vec<i64> = (4_601..=5_000).rev().collect();
        assert_eq!(drawn_of(5_000, 9_000), newest);
    }

    #[test]
    fn where_all_words_are_frequent_the_newest_are_drawn_those_with_all_words_first() {
        let drawn = drawn_of(9_000, 2);
        let newest: Vec<i64> = (0..).map(|back| 9_000 - 2 * back).take(NEWEST).collect();
        assert_eq!(drawn[..NEWEST], newest);
        assert_eq!(drawn[NEWEST..NEWEST + 3], [8_999, 8_997, 8_995]);
        assert_eq!(drawn.len(), POOL);
    }
    #[test]
    fn of_a_time_that_has_ended_the_newest_is_looked_for_from_its_last_sessions_on() {
        let [last_of_all, last_of_time, last_of_no_time] = in_a_session(|transaction| {
            let session = "INSERT INTO every_session (id, principal, client, provider, dialect, model, upstream_origin, head, created, last_activity)
                SELECT 'later', principal, client, provider, dialect, model, upstream_origin, head, 50, 60 FROM session WHERE id = 's'";
            transaction.execute(session, [])?;
            for (session, at) in [("s", 1), ("s", 2), ("later", 50), ("later", 60)] {
                let sql =
                    "INSERT INTO message (session, digest, role, tokens, calls_tool, from_tool, at, text)
                    VALUES (?1, x'', 'user', 1, 0, 0, ?2, 'mill')";
                transaction.execute(sql, params![session, at])?;
            }
            let until = |until| Scope { period: Period { since: None, until }, ..Scope::default() };
            let lasts =
                [None, Some(UnixMillis(50)), Some(UnixMillis(0))].map(|it| last(transaction, until(it)));
            let [all, time, none] = lasts;
            Ok([all?, time?, none?])
        });
        assert_eq!([last_of_all, last_of_time, last_of_no_time], [4, 2, 0]);
    }
}
