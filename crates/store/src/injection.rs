//! What is added to the requests of a session: kept, so that it is the same after a restart.

use crate::columns::word;
use crate::knowledge;
use domain::ids::{KnowledgeId, SessionId};
use domain::notes::told;
use domain::time::UnixMillis;
use rusqlite::{Row, Transaction, params};
use std::collections::HashSet;

/// Keeps what the session's first turn got; once something is decided, it stays. What it tells of was of use then.
pub(crate) fn keep(
    transaction: &Transaction<'_>,
    session: &SessionId,
    text: &str,
    at: UnixMillis,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO injection (session, text) VALUES (?1, ?2)";
    if transaction.prepare_cached(sql)?.execute([session.as_str(), text])? == 0 {
        return Ok(());
    }
    knowledge::note_use(transaction, &told(text), at)
}

/// A person decides: nothing for this session, or what its next turn decides.
pub(crate) fn decide(transaction: &Transaction<'_>, session: &SessionId, on: bool) -> rusqlite::Result<()> {
    let sql = if on {
        "DELETE FROM injection WHERE session = ?1"
    } else {
        "INSERT OR REPLACE INTO injection (session, text) VALUES (?1, NULL)"
    };
    transaction.prepare_cached(sql)?.execute([session.as_str()]).map(drop)
}

/// A person forgets entries: no session is told of them any more, and no text of them stays. However many they are, the texts are
/// gone through once.
pub(crate) fn forget(transaction: &Transaction<'_>, entries: &[KnowledgeId]) -> rusqlite::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let forgotten: HashSet<&KnowledgeId> = entries.iter().collect();
    let mut texts =
        transaction.prepare_cached("SELECT session, text FROM injection WHERE text IS NOT NULL")?;
    let mut rows = texts.query([])?;
    let mut telling: Vec<String> = Vec::new();
    while let Some(row) = rows.next()? {
        if told(row.get_ref("text")?.as_str()?).iter().any(|entry| forgotten.contains(entry)) {
            telling.push(row.get("session")?);
        }
    }
    let sql = "UPDATE injection SET text = NULL WHERE session = ?1";
    let mut statement = transaction.prepare_cached(sql)?;
    telling.iter().try_for_each(|session| statement.execute([session]).map(drop))
}

/// What the `limit` sessions that were used last get, or nothing.
pub(crate) fn all(
    transaction: &Transaction<'_>,
    limit: usize,
) -> rusqlite::Result<Vec<(SessionId, Option<String>)>> {
    let sql = "SELECT id, text FROM session LEFT JOIN injection ON session = id ORDER BY last_activity DESC LIMIT ?1";
    let injection = |row: &Row<'_>| Ok((word(row, "id")?, row.get("text")?));
    transaction.prepare_cached(sql)?.query_map(params![limit as i64], injection)?.collect()
}
