//! Entries and what they said before.

use crate::columns::{count, word};
use crate::knowledge::{COLUMNS, Draft, entry};
use domain::ids::{KnowledgeId, SessionId};
use domain::knowledge::KnowledgeEntry;
use domain::time::UnixMillis;
use rusqlite::{Row, Transaction, params};

/// What an entry said before it was changed.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryVersion {
    /// Which version, counted from 1.
    pub version: u32,
    /// What it said.
    pub draft: Draft,
    /// When it was written.
    pub written: UnixMillis,
}

/// At most `most` entries after the first `skip`, of one session or of all; the last changed first.
pub(super) fn page(
    transaction: &Transaction<'_>,
    session: Option<&SessionId>,
    skip: u32,
    most: u32,
) -> rusqlite::Result<Vec<KnowledgeEntry>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM knowledge WHERE ?1 IS NULL OR session = ?1
        ORDER BY updated DESC, number DESC LIMIT ?3 OFFSET ?2"
    );
    let asked = params![session.map(SessionId::as_str), skip, most];
    transaction.prepare_cached(&sql)?.query_map(asked, entry)?.collect()
}

/// The last `most` versions of an entry before the one that holds, the newest first; and how many there are.
pub(super) fn versions(
    transaction: &Transaction<'_>,
    id: &KnowledgeId,
    most: u32,
) -> rusqlite::Result<(Vec<EntryVersion>, u64)> {
    let version = |row: &Row<'_>| {
        let draft = Draft {
            category: word(row, "category")?,
            title: row.get("title")?,
            content: row.get("content")?,
            confidence: row.get("confidence")?,
        };
        Ok(EntryVersion { version: row.get("version")?, draft, written: UnixMillis(row.get("written")?) })
    };
    let sql = "SELECT * FROM knowledge_version WHERE id = ?1 ORDER BY version DESC LIMIT ?2";
    let mut statement = transaction.prepare_cached(sql)?;
    let found = statement.query_map(params![id.as_str(), most], version)?.collect::<Result<_, _>>()?;
    let sql = "SELECT count(*) AS total FROM knowledge_version WHERE id = ?1";
    let total = transaction.prepare_cached(sql)?.query_row([id.as_str()], |row| count(row, "total"))?;
    Ok((found, total))
}
