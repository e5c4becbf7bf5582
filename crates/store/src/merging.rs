//! The second pass: old observations of a session merged into fewer, together with the mark on what was merged.

use crate::distillation::{Run, newest};
use crate::refusal;
use crate::yours::forgetting::is_forgotten;
use domain::ids::SessionId;
use domain::knowledge::{MERGED_ABOVE, NEVER_MERGED, Observation};
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension as _, Transaction, params};
use std::collections::HashSet;

/// The generation of what was merged. It is merged again with what came after, so there is no higher one.
const MERGED: u32 = 1;

/// The observations of `session` that should become fewer, oldest first; none as long as there are not too many. The newest
/// ones, those that are pinned and those that were passed over stay as they are.
pub(crate) fn mergeable(
    transaction: &Transaction<'_>,
    session: &SessionId,
) -> rusqlite::Result<Vec<Observation>> {
    if unmerged(transaction, session)? <= MERGED_ABOVE {
        return Ok(Vec::new());
    }
    let mut all = newest(transaction, session, u32::MAX)?;
    all.truncate(all.len().saturating_sub(NEVER_MERGED as usize));
    let passed_over = passed_over(transaction, session)?;
    all.retain(|observation| !observation.pinned && !passed_over.contains(&observation.id));
    Ok(all)
}

/// How many observations of `session` may be merged and were not, the newest ones included.
fn unmerged(transaction: &Transaction<'_>, session: &SessionId) -> rusqlite::Result<u32> {
    let sql = "SELECT count(*) FROM observation
        WHERE session = ?1 AND merged IS NULL AND generation = 0 AND pinned = 0 AND passed_over = 0";
    transaction.prepare_cached(sql)?.query_row([session.as_str()], |row| row.get(0))
}

/// Those that no answer could merge.
fn passed_over(transaction: &Transaction<'_>, session: &SessionId) -> rusqlite::Result<HashSet<i64>> {
    let sql = "SELECT id FROM observation WHERE session = ?1 AND passed_over";
    transaction.prepare_cached(sql)?.query_map([session.as_str()], |row| row.get(0))?.collect()
}

/// Leaves the observations `sources` as they are, for good.
pub(crate) fn pass_over(transaction: &Transaction<'_>, sources: &[i64]) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached("UPDATE observation SET passed_over = 1 WHERE id = ?1")?;
    sources.iter().try_for_each(|source| statement.execute([source]).map(drop))
}

/// Writes `lines` in place of the observations `sources`, or does nothing at all when one of these was merged already, is
/// pinned, or is not of this session.
pub(crate) fn merge(
    transaction: &Transaction<'_>,
    session: &SessionId,
    sources: &[i64],
    lines: &[String],
    at: UnixMillis,
) -> rusqlite::Result<Vec<Observation>> {
    if sources.is_empty()
        || is_forgotten(transaction, session)?
        || !all_mergeable(transaction, session, sources)?
    {
        return Ok(Vec::new());
    }
    refusal::was_of_use(transaction, refusal::MERGES, session)?;
    let run = Run::begin(transaction, session, MERGED, at)?;
    run.mark("UPDATE observation SET merged = ?2 WHERE id = ?1", sources)?;
    run.write(lines)
}

/// Whether each of them is one of the session's that may still be merged.
pub(crate) fn all_mergeable(
    transaction: &Transaction<'_>,
    session: &SessionId,
    sources: &[i64],
) -> rusqlite::Result<bool> {
    let sql = "SELECT merged IS NULL AND NOT pinned AND NOT passed_over FROM observation WHERE id = ?1 AND session = ?2";
    let mut statement = transaction.prepare_cached(sql)?;
    for source in sources {
        let may = statement.query_row(params![source, session.as_str()], |row| row.get(0)).optional()?;
        if may != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}
