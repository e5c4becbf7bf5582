//! Answers of the distiller's model that were of no use, and refusals of what it was to read: counted, and in the end a reason to pass over what they were about.

use crate::distillation::{FIRST, Run, is_all_pending};
use crate::yours::forgetting::is_forgotten;
use domain::ids::SessionId;
use domain::segment::GIVEN_UP;
use domain::time::{DAY, UnixMillis};
use rusqlite::{OptionalExtension as _, Transaction, params};

/// How many answers in a row about what is distilled next were of no use.
pub(crate) fn count(transaction: &Transaction<'_>, session: &SessionId) -> rusqlite::Result<u32> {
    let sql = "SELECT refusals FROM session WHERE id = ?1
        AND refused = (SELECT min(id) FROM message WHERE session = ?1 AND distillation IS NULL)";
    let count =
        transaction.prepare_cached(sql)?.query_row([session.as_str()], |row| row.get(0)).optional()?;
    Ok(count.unwrap_or(0))
}

/// Counts one about `sources`, and passes over them if it was the last that is paid for; whether it was. An outage in which no answer
/// is of use is not their fault, unless it lasts for a day. Nothing is done about messages that are covered by now.
pub(crate) fn note(
    transaction: &Transaction<'_>,
    session: &SessionId,
    sources: &[i64],
    at: UnixMillis,
) -> rusqlite::Result<bool> {
    let Some(first) = sources.first() else { return Ok(false) };
    if is_forgotten(transaction, session)? || !is_all_pending(transaction, session, sources)? {
        return Ok(false);
    }
    let sql = "UPDATE every_session SET refusals = iif(refused IS ?2, refusals, 0) + 1, refused = ?2,
            refused_since = iif(refused IS ?2, refused_since, ?3)
        WHERE id = ?1 RETURNING refusals, refused_since";
    let row = params![session.as_str(), first, at.0];
    let (refusals, since): (u32, i64) =
        transaction.prepare_cached(sql)?.query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))?;
    if refusals < GIVEN_UP {
        return Ok(false);
    }
    let lies_with_them = at.0.saturating_sub(since) >= DAY || was_any_of_use(transaction, since)?;
    if lies_with_them {
        Run::begin(transaction, session, FIRST, at)?.pass_over(sources)?;
    }
    Ok(lies_with_them)
}

/// Whether an answer about anything else was of use since then. While none is, the trouble may be the model's or its provider's.
fn was_any_of_use(transaction: &Transaction<'_>, since: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM distillation WHERE at >= ?1 AND NOT passed_over)";
    transaction.prepare_cached(sql)?.query_row([since], |row| row.get(0))
}
