//! Dropping what is old, a little at a time: so that recording never waits for long, and nothing that is not distilled ever goes.

use crate::columns::{Count, count};
use domain::time::UnixMillis;
use rusqlite::{Connection, Transaction, params};

/// How many messages, and how many observations, go in one step: a few milliseconds of work.
const STEP: u64 = 200;
/// The same of sessions, of which only counts are left.
const SESSIONS: u64 = 50;

/// What may have rows of a session of which nothing but counts is left, those first that others are referred to by.
const OF_SESSIONS: [&str; 6] = ["link", "distillation", "turn", "injection", "warming_mode", "warming_pause"];

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// What is from before this may go.
    pub oldest: Option<UnixMillis>,
    /// What is oldest may go while more bytes than this are in use.
    pub largest: Option<u64>,
}

/// What one step dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Messages, all of them distilled.
    pub messages: u64,
    /// Observations, all of them of sessions that are curated.
    pub observations: u64,
    /// Sessions of which nothing else was left.
    pub sessions: u64,
    /// How many bytes of the database are in use now.
    pub bytes: u64,
    /// Whether another step may find more.
    pub more: bool,
}

impl Dropped {
    /// Whether it is nothing.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.messages == 0 && self.observations == 0 && self.sessions == 0
    }
}

/// Drops the oldest of what may go: first what is too old, and when nothing is, what is too much.
pub(crate) fn step(transaction: &Transaction<'_>, limits: Limits) -> rusqlite::Result<Dropped> {
    let mut dropped = Dropped::default();
    if let Some(oldest) = limits.oldest {
        dropped = drop_before(transaction, oldest)?;
        if !dropped.more {
            dropped.sessions = empty_sessions(transaction, oldest)?;
            dropped.more = dropped.sessions == SESSIONS;
        }
    }
    let is_too_much = |bytes: u64| limits.largest.is_some_and(|largest| bytes > largest);
    if !dropped.more && is_too_much(bytes_in_use(transaction)?) {
        let too_much = drop_before(transaction, UnixMillis(i64::MAX))?;
        dropped.messages += too_much.messages;
        dropped.observations += too_much.observations;
        dropped.more = !too_much.is_nothing();
    }
    Ok(Dropped { bytes: bytes_in_use(transaction)?, ..dropped })
}

/// Messages first; observations once there are no more of those, since they are what is left of them.
fn drop_before(transaction: &Transaction<'_>, oldest: UnixMillis) -> rusqlite::Result<Dropped> {
    let messages = messages(transaction, oldest)?;
    let observations = if messages < STEP { observations(transaction, oldest)? } else { 0 };
    Ok(Dropped {
        messages,
        observations,
        more: messages == STEP || observations == STEP,
        ..Dropped::default()
    })
}

/// The turns that they belong to stay: their ends tell that what an agent sends again is known.
fn messages(transaction: &Transaction<'_>, oldest: UnixMillis) -> rusqlite::Result<u64> {
    let sql = "SELECT id FROM message WHERE distillation IS NOT NULL AND at < ?1 ORDER BY at, id LIMIT ?2";
    let found = ids(transaction, sql, oldest)?;
    let mut links = transaction.prepare_cached("DELETE FROM link WHERE message = ?1")?;
    let mut messages = transaction.prepare_cached("DELETE FROM message WHERE id = ?1")?;
    for id in &found {
        links.execute([id])?;
        messages.execute([id])?;
    }
    Ok(found.len() as u64)
}

/// What the curator has not seen stays.
fn observations(transaction: &Transaction<'_>, oldest: UnixMillis) -> rusqlite::Result<u64> {
    let sql = "SELECT observation.id FROM observation JOIN session ON session.id = observation.session
        WHERE observation.at < ?1 AND turns_since_curation = 0
            AND NOT EXISTS (SELECT 1 FROM message WHERE message.distillation = observation.distillation)
        ORDER BY observation.at, observation.id LIMIT ?2";
    let found = ids(transaction, sql, oldest)?;
    let mut statement = transaction.prepare_cached("DELETE FROM observation WHERE id = ?1")?;
    found.iter().try_for_each(|id| statement.execute([id]).map(drop))?;
    Ok(found.len() as u64)
}

fn ids(transaction: &Transaction<'_>, sql: &str, oldest: UnixMillis) -> rusqlite::Result<Vec<i64>> {
    transaction.prepare_cached(sql)?.query_map(params![oldest.0, Count(STEP)], |row| row.get(0))?.collect()
}

/// Sessions that were not used since and of which only counts are left; those that entries came from stay, since the entries name
/// them.
fn empty_sessions(transaction: &Transaction<'_>, oldest: UnixMillis) -> rusqlite::Result<u64> {
    let sql = "SELECT id FROM session WHERE last_activity < ?1
            AND NOT EXISTS (SELECT 1 FROM message WHERE message.session = session.id)
            AND NOT EXISTS (SELECT 1 FROM observation WHERE observation.session = session.id)
            AND NOT EXISTS (SELECT 1 FROM knowledge WHERE knowledge.session = session.id)
        ORDER BY last_activity, id LIMIT ?2";
    let found: Vec<String> = transaction
        .prepare_cached(sql)?
        .query_map(params![oldest.0, Count(SESSIONS)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in &found {
        for table in OF_SESSIONS {
            transaction.prepare_cached(&format!("DELETE FROM {table} WHERE session = ?1"))?.execute([id])?;
        }
        transaction.prepare_cached("DELETE FROM every_session WHERE id = ?1")?.execute([id])?;
    }
    Ok(found.len() as u64)
}

/// Bytes of the pages that hold anything.
fn bytes_in_use(database: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT (page_count - freelist_count) * page_size AS bytes
        FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    database.query_row(sql, [], |row| count(row, "bytes"))
}
