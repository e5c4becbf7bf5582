//! Entries, what they said before, and what is left of those that are gone.

use super::{Bookmark, PAGE};
use crate::columns::{Word, word};
use crate::yours::record::{ContradictionRecord, EntryRecord, Exact, Record, TombstoneRecord, VersionRecord};
use domain::ids::{KnowledgeId, Principal};
use domain::origin::Origin;
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
        let (id, created) = (word::<KnowledgeId>(row, "id")?, UnixMillis(row.get("created")?));
        let born = Origin::born(id.clone(), created);
        records.push(Record::Entry(EntryRecord {
            versions: versions(transaction, id.as_str())?,
            id,
            origin: Some(word(row, "origin")?).filter(|origin| *origin != born),
            version: row.get("version")?,
            project: row.get::<_, Option<Word<_>>>("project")?.map(|project| project.0),
            session: row.get::<_, Option<Word<_>>>("session")?.map(|session| session.0),
            category: word(row, "category")?,
            title: row.get("title")?,
            content: row.get("content")?,
            confidence: Exact(row.get("confidence")?),
            promoted: row.get("promoted")?,
            remembered: row.get("remembered")?,
            created,
            updated: UnixMillis(row.get("updated")?),
            used: UnixMillis(row.get("used")?),
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
        "SELECT contradiction.*, mine.origin AS one_origin, theirs.origin AS other_origin FROM contradiction
            JOIN knowledge AS mine ON mine.id = one AND mine.principal = ?1
            JOIN knowledge AS theirs ON theirs.id = other AND theirs.principal = ?1
        WHERE (one, other) > (?2, ?3) ORDER BY one, other LIMIT ?4";
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query(params![whose.as_str(), one, other, PAGE as i64])?;
    let (mut records, mut next) = (Vec::new(), Bookmark::Tombstones(String::new()));
    while let Some(row) = rows.next()? {
        next = Bookmark::Contradictions(row.get("one")?, row.get("other")?);
        records.push(Record::Contradiction(ContradictionRecord {
            one: parts(&word(row, "one_origin")?),
            other: parts(&word(row, "other_origin")?),
            reason: row.get("reason")?,
            at: UnixMillis(row.get("at")?),
        }));
    }
    Ok((records, Some(next)))
}

fn parts(origin: &Origin) -> (KnowledgeId, UnixMillis) {
    (origin.id().clone(), origin.at().unwrap_or_default())
}

pub(super) fn tombstones(
    transaction: &Transaction<'_>,
    whose: &Principal,
    after: &str,
) -> rusqlite::Result<(Vec<Record>, Option<Bookmark>)> {
    let sql = "SELECT *, lower(hex(print)) AS digits FROM tombstone
        WHERE principal = ?1 AND id > ?2 AND NOT forgotten ORDER BY id LIMIT ?3";
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query(params![whose.as_str(), after, PAGE as i64])?;
    let (mut records, mut next) = (Vec::new(), Bookmark::Charges(i64::MIN, 0));
    while let Some(row) = rows.next()? {
        let id: KnowledgeId = word(row, "id")?;
        next = Bookmark::Tombstones(id.to_string());
        records.push(Record::Tombstone(TombstoneRecord {
            // One that stands for another entry's is told from that by its origin.
            id: Origin::read(id.as_str()).id().clone(),
            origin: Some(word::<Origin>(row, "origin")?).filter(|origin| origin.at().is_some()),
            project: row.get::<_, Option<Word<_>>>("project")?.map(|project| project.0),
            promoted: row.get("promoted")?,
            print: row.get("digits")?,
            reason: row.get("reason")?,
            at: UnixMillis(row.get("at")?),
        }));
    }
    Ok((records, Some(next)))
}
