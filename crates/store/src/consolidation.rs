//! When a project's entries are consolidated. That it begins is written down before it does, in one step with the question
//! whether it may, so that one begins at a time, and none again within an hour, whatever comes of it; after answers of no use the
//! next one comes the later.

use crate::error::StoreError;
use crate::knowledge::{self, Applied, Place};
use domain::fading::{Consolidated, faded, is_consolidation_due};
use domain::ids::SessionId;
use domain::knowledge::{KnowledgeEntry, Operation};
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

/// So many entries are consolidated at a time: an answer that deletes each of them fits into what a call may say.
const CROWD: usize = 120;

/// The faintest entries of the session's project if they are to be consolidated now; else none.
pub(crate) fn begin(
    transaction: &Transaction<'_>,
    session: &SessionId,
    most: u32,
    now: UnixMillis,
) -> rusqlite::Result<Vec<KnowledgeEntry>> {
    let Some(place) = Place::of(transaction, session)? else { return Ok(Vec::new()) };
    let mut entries = knowledge::at_place(transaction, &place, u32::MAX)?;
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    if !is_consolidation_due(count, most, last(transaction, &place)?, now) {
        return Ok(Vec::new());
    }
    let sql = "INSERT INTO consolidation (principal, project, at) VALUES (?1, ?2, ?3)
        ON CONFLICT DO UPDATE SET at = excluded.at";
    let row = params![place.principal(), place.project().unwrap_or_default(), now.0];
    transaction.prepare_cached(sql)?.execute(row)?;
    let left = |entry: &KnowledgeEntry| faded(entry.confidence, entry.used, now);
    entries.sort_by(|one, other| left(one).total_cmp(&left(other)));
    entries.truncate(CROWD);
    Ok(entries)
}

fn last(transaction: &Transaction<'_>, place: &Place) -> rusqlite::Result<Option<Consolidated>> {
    let sql = "SELECT at, vain FROM consolidation WHERE principal = ?1 AND project = ?2";
    let key = params![place.principal(), place.project().unwrap_or_default()];
    let last = |row: &Row<'_>| Ok(Consolidated { at: UnixMillis(row.get("at")?), vain: row.get("vain")? });
    transaction.prepare_cached(sql)?.query_row(key, last).optional()
}

/// Applies `operations`, which a model stated for the crowd at the place of `session`.
pub(crate) fn apply(
    transaction: &Transaction<'_>,
    session: &SessionId,
    operations: &[Operation],
    at: UnixMillis,
) -> Result<Applied, StoreError> {
    let applied = knowledge::apply_at_place(transaction, session, operations, at)?;
    count(transaction, session, "0")?;
    Ok(applied)
}

/// The answer about the crowd at the place of `session` was of no use.
pub(crate) fn was_vain(transaction: &Transaction<'_>, session: &SessionId) -> rusqlite::Result<()> {
    count(transaction, session, "vain + 1")
}

fn count(transaction: &Transaction<'_>, session: &SessionId, vain: &str) -> rusqlite::Result<()> {
    let Some(place) = Place::of(transaction, session)? else { return Ok(()) };
    let sql = format!("UPDATE consolidation SET vain = {vain} WHERE principal = ?1 AND project = ?2");
    let key = [place.principal(), place.project().unwrap_or_default()];
    transaction.prepare_cached(&sql)?.execute(key).map(drop)
}

/// What was kept under `folder` is now kept under `project`, which rests for as long as either would have.
pub(crate) fn moved(
    transaction: &Transaction<'_>,
    [principal, folder, project]: [&str; 3],
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO consolidation (principal, project, at, vain)
        SELECT principal, ?3, at, vain FROM consolidation WHERE principal = ?1 AND project = ?2
        ON CONFLICT DO UPDATE SET at = max(at, excluded.at), vain = max(vain, excluded.vain)";
    transaction.prepare_cached(sql)?.execute([principal, folder, project])?;
    let sql = "DELETE FROM consolidation WHERE principal = ?1 AND project = ?2";
    transaction.prepare_cached(sql)?.execute([principal, folder]).map(drop)
}
