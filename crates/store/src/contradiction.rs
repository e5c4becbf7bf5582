//! Entries that cannot both be true. A contradiction lasts until either entry is changed or deleted.

use domain::time::UnixMillis;
use rusqlite::{Transaction, params};

/// Why two entries contradict each other that share nearly all their words.
pub(crate) const NEARLY_ALIKE: &str = "they say nearly the same, and differ in a number or a negation";

/// Notes that `id` and `other` contradict each other; what is noted already stays.
pub(crate) fn note(
    transaction: &Transaction<'_>,
    id: &str,
    other: &str,
    reason: &str,
    at: UnixMillis,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO contradiction (one, other, reason, at) VALUES (?1, ?2, ?3, ?4)";
    let row = params![id.min(other), id.max(other), reason, at.0];
    transaction.prepare_cached(sql)?.execute(row).map(drop)
}

/// The entry was changed or is gone: what contradicted it is to be looked at anew.
pub(crate) fn settle(transaction: &Transaction<'_>, id: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM contradiction WHERE one = ?1 OR other = ?1";
    transaction.prepare_cached(sql)?.execute([id]).map(drop)
}
