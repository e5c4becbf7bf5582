//! Entries, what they said before, and what is left of those that are gone.

use super::{Bookmark, PAGE};
use crate::columns::{Word, word};
use crate::yours::record::{ContradictionRecord, EntryRecord, Exact, Record, TombstoneRecord, VersionRecord};
use domain::ids::Principal;
use domain::time::UnixMillis;
use rusqlite::{Row, Transaction, params};

pub(super) fn entries(
    transaction: &Transaction<'_>,
    whose: &Principal,
    after: i64,
) -> rusqlite::Result<(Vec<Record>, Option<Bookmark>)> {
    let sql = "SELECT * FROM knowledge WHERE principal = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query(params![whose.as_str(), after, PAGE as i64])?;
    let (mut records, mut next) = (Vec::new(), Bookmark::Contradictions(String::new(), String::new()));
    while let Some(row) = rows.next()? {
        next = Bookmark::Entries(row.get("number")?);
        records.push(Record::Entry(EntryRecord {
            id: word(row, "id")?,
            version: row.get("version")?,
            project: row.get::<_, Option<Word<_>>>("project")?.map(|project| project.0),
            session: row.get::<_, Option<Word<_>>>("session")?.map(|session| session.0),
            category: word(row, "category")?,
            title: row.get("title")?,
            content: row.get("content")?,
            confidence: Exact(row.get("confidence")?),
            promoted: row.get("promoted")?,
            remembered: row.get("remembered")?,
            created: UnixMillis(row.get("created")?),
            updated: UnixMillis(row.get("updated")?),
            used: UnixMillis(row.get("used")?),
            versions: versions(transaction, &row.get::<_, String>("id")?)?,
        }));
    }
    Ok((records, Some(next)))
}

fn versions(transaction: &Transaction<'_>, id: &str) -> rusqlite::Result<Vec<VersionRecord>> {
    let sql = "SELECT * FROM knowledge_version WHERE id = ?1 ORDER BY version";
    let version = |row: &Row<'_>| {
        Ok(VersionRecord {
            version: row.get("version")?,
            category: word(row, "category")?,
            title: row.get("title")?,
            content: row.get("content")?,
            confidence: Exact(row.get("confidence")?),
            written: UnixMillis(row.get("written")?),
        })
    };
    transaction.prepare_cached(sql)?.query_map([id], version)?.collect()
}

pub(super) fn contradictions(
    transaction: &Transaction<'_>,
    whose: &Principal,
    (one, other): (&str, &str),
) -> rusqlite::Result<(Vec<Record>, Option<Bookmark>)> {
    let sql =
        "SELECT contradiction.*, mine.created AS one_made, theirs.created AS other_made FROM contradiction
            JOIN knowledge AS mine ON mine.id = one AND mine.principal = ?1
            JOIN knowledge AS theirs ON theirs.id = other AND theirs.principal = ?1
        WHERE (one, other) > (?2, ?3) ORDER BY one, other LIMIT ?4";
    let mut statement = transaction.prepare_cached(sql)?;
    let contradiction = |row: &Row<'_>| {
        Ok(ContradictionRecord {
            one: (word(row, "one")?, UnixMillis(row.get("one_made")?)),
            other: (word(row, "other")?, UnixMillis(row.get("other_made")?)),
            reason: row.get("reason")?,
            at: UnixMillis(row.get("at")?),
        })
    };
    let found = statement.query_map(params![whose.as_str(), one, other, PAGE as i64], contradiction)?;
    let found: Vec<ContradictionRecord> = found.collect::<Result<_, _>>()?;
    let next =
        found.last().map(|last| Bookmark::Contradictions(last.one.0.to_string(), last.other.0.to_string()));
    let next = next.unwrap_or(Bookmark::Tombstones(String::new()));
    Ok((found.into_iter().map(Record::Contradiction).collect(), Some(next)))
}

pub(super) fn tombstones(
    transaction: &Transaction<'_>,
    whose: &Principal,
    after: &str,
) -> rusqlite::Result<(Vec<Record>, Option<Bookmark>)> {
    let sql = "SELECT *, lower(hex(print)) AS digits FROM tombstone WHERE principal = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    let mut statement = transaction.prepare_cached(sql)?;
    let tombstone = |row: &Row<'_>| {
        Ok(TombstoneRecord {
            id: word(row, "id")?,
            project: row.get::<_, Option<Word<_>>>("project")?.map(|project| project.0),
            promoted: row.get("promoted")?,
            print: row.get("digits")?,
            reason: row.get("reason")?,
            at: UnixMillis(row.get("at")?),
        })
    };
    let found = statement.query_map(params![whose.as_str(), after, PAGE as i64], tombstone)?;
    let found: Vec<TombstoneRecord> = found.collect::<Result<_, _>>()?;
    let next = found.last().map(|last| Bookmark::Tombstones(last.id.to_string()));
    let next = next.unwrap_or(Bookmark::Charges(i64::MIN, 0));
    Ok((found.into_iter().map(Record::Tombstone).collect(), Some(next)))
}
