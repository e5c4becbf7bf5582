//! When a project's entries are consolidated. That it begins is written down before it does, in one step with the question
//! whether it may, so that one begins at a time, and none again within an hour, whatever comes of it.

use crate::knowledge::{self, Place};
use domain::fading::{faded, is_consolidation_due};
use domain::ids::SessionId;
use domain::knowledge::KnowledgeEntry;
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension as _, Transaction, params};

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

fn last(transaction: &Transaction<'_>, place: &Place) -> rusqlite::Result<Option<UnixMillis>> {
    let sql = "SELECT at FROM consolidation WHERE principal = ?1 AND project = ?2";
    let key = params![place.principal(), place.project().unwrap_or_default()];
    transaction.prepare_cached(sql)?.query_row(key, |row| row.get(0).map(UnixMillis)).optional()
}

/// What was kept under `folder` is now kept under `project`, which rests for as long as either would have.
pub(crate) fn moved(
    transaction: &Transaction<'_>,
    [principal, folder, project]: [&str; 3],
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO consolidation (principal, project, at)
        SELECT principal, ?3, at FROM consolidation WHERE principal = ?1 AND project = ?2
        ON CONFLICT DO UPDATE SET at = max(at, excluded.at)";
    transaction.prepare_cached(sql)?.execute([principal, folder, project])?;
    let sql = "DELETE FROM consolidation WHERE principal = ?1 AND project = ?2";
    transaction.prepare_cached(sql)?.execute([principal, folder]).map(drop)
}
