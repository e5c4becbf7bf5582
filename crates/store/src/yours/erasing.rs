//! Erasing what was forgotten, a little at a time: nobody sees it any more, so there is no hurry, and recording gets its turn.

use crate::columns::count;
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::Serialize;

/// How many rows go in one step, of whatever table: some milliseconds of work.
const ROWS: usize = 500;
/// How many estimated tokens the messages of a step may have, unless it is a single one: every word of them is taken out of the
/// index.
const TOKENS: u64 = 16_384;

/// How far erasing has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Erased {
    /// Whether nothing is left to be erased.
    pub erased: bool,
    /// Whether the database's log is empty, too, which holds what was erased; one that a reader held back empties itself later, at the
    /// latest when the store is closed.
    pub log_emptied: bool,
}

/// What was forgotten and is not erased yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Unerased {
    /// How many sessions.
    pub sessions: u64,
    /// How many of their messages are left.
    pub messages: u64,
}

/// The rows of a session, at most so many: what it cost stays under no session, all else goes; those first that refer to others, and
/// last what keeps the session out of sight.
const BEFORE_MESSAGES: [&str; 3] = [
    "UPDATE ledger SET session = NULL WHERE id IN (SELECT id FROM ledger WHERE session = ?1 LIMIT ?2)",
    "UPDATE warm_return SET session = '' WHERE id IN (SELECT id FROM warm_return WHERE session = ?1 LIMIT ?2)",
    "DELETE FROM link WHERE session = ?1 AND link IN (SELECT link FROM link WHERE session = ?1 LIMIT ?2)",
];
const AFTER_MESSAGES: [&str; 6] = [
    "DELETE FROM observation WHERE id IN (SELECT id FROM observation WHERE session = ?1 LIMIT ?2)",
    "DELETE FROM distillation WHERE id IN (SELECT id FROM distillation WHERE session = ?1 LIMIT ?2)",
    "DELETE FROM turn WHERE session = ?1 AND link IN (SELECT link FROM turn WHERE session = ?1 LIMIT ?2)",
    "DELETE FROM injection WHERE session = ?1 AND ?2 > 0",
    "DELETE FROM every_session WHERE id = ?1 AND ?2 > 0",
    "DELETE FROM doomed WHERE session = ?1 AND ?2 > 0",
];

/// Erases a little; tells whether nothing is left.
pub(crate) fn step(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    let mut room = ROWS;
    while let Some(session) = next(transaction)? {
        if room == 0 {
            return Ok(false);
        }
        room = erase(transaction, &session, room)?;
    }
    Ok(true)
}

/// Whether something that was forgotten has rows left.
pub(crate) fn is_left(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    next(transaction).map(|session| session.is_some())
}

/// What is left of an owner's sessions, of one of them or of those of a project: no view shows it.
pub(super) fn unerased(transaction: &Transaction<'_>, of: [Option<&str>; 3]) -> rusqlite::Result<Unerased> {
    let sql = "SELECT count(*) AS sessions,
            coalesce(sum((SELECT count(*) FROM message WHERE message.session = every_session.id)), 0) AS messages
        FROM every_session WHERE id IN (SELECT session FROM doomed)
            AND principal = ?1 AND (?2 IS NULL OR id = ?2) AND (?3 IS NULL OR project = ?3)";
    transaction.prepare_cached(sql)?.query_row(of, |row| {
        Ok(Unerased { sessions: count(row, "sessions")?, messages: count(row, "messages")? })
    })
}

fn next(transaction: &Transaction<'_>) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT session FROM doomed LIMIT 1";
    transaction.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()
}

/// Erases rows of a session until there is no room for more; tells how much room is left.
fn erase(transaction: &Transaction<'_>, session: &str, room: usize) -> rusqlite::Result<usize> {
    let rows = |room: usize, sql: &&str| -> rusqlite::Result<usize> {
        let gone = transaction.prepare_cached(sql)?.execute(params![session, room as i64])?;
        Ok(room.saturating_sub(gone))
    };
    let room = BEFORE_MESSAGES.iter().try_fold(room, rows)?;
    let room = messages(transaction, session, room)?;
    AFTER_MESSAGES.iter().try_fold(room, rows)
}

/// The oldest messages of a session; when they are long, as many as go in a step.
fn messages(transaction: &Transaction<'_>, session: &str, room: usize) -> rusqlite::Result<usize> {
    let sql = "SELECT id, tokens FROM message WHERE session = ?1 ORDER BY id LIMIT ?2";
    let mut statement = transaction.prepare_cached(sql)?;
    let found = statement
        .query_map(params![session, room as i64], |row| Ok((row.get("id")?, count(row, "tokens")?)))?;
    let found: Vec<(i64, u64)> = found.collect::<Result<_, _>>()?;
    let mut delete = transaction.prepare_cached("DELETE FROM message WHERE id = ?1")?;
    let mut tokens = 0;
    for (id, weight) in &found {
        delete.execute([id])?;
        tokens += weight;
        if tokens >= TOKENS {
            return Ok(0);
        }
    }
    Ok(room - found.len())
}
