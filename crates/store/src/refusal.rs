//! Answers of a model that were of no use, and refusals of what it was to read: counted, and in the end a reason to pass over what they were about.

use crate::consolidation;
use crate::distillation::{FIRST, Run, is_all_pending};
use crate::merging;
use crate::session;
use crate::yours::forgetting::is_forgotten;
use domain::ids::SessionId;
use domain::segment::GIVEN_UP;
use domain::time::{DAY, UnixMillis};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

/// Where a session's answers of no use in a row are counted: those of its curator, and those that were to merge its observations.
pub(crate) const CURATIONS: &str = "vain_curations";
pub(crate) const MERGES: &str = "vain_merges";

/// What an answer of no use was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vain {
    /// Messages of the session that were to be distilled.
    Messages(Vec<i64>),
    /// Observations of the session that were to be merged.
    Observations(Vec<i64>),
    /// What the session left behind for the curator.
    Curation,
    /// The entries of its project, which were to become fewer.
    Consolidation,
}

/// How many answers in a row about what is distilled next were of no use.
pub(crate) fn count(transaction: &Transaction<'_>, session: &SessionId) -> rusqlite::Result<u32> {
    let sql = "SELECT refusals FROM session WHERE id = ?1
        AND refused = (SELECT min(id) FROM message WHERE session = ?1 AND distillation IS NULL)";
    let count =
        transaction.prepare_cached(sql)?.query_row([session.as_str()], |row| row.get(0)).optional()?;
    Ok(count.unwrap_or(0))
}

/// Counts one, and passes over what it was about if it was the last that is paid for; whether it was. Nothing is done about what
/// somebody else saw to by now. Entries are never passed over: the next time comes the later.
pub(crate) fn note(
    transaction: &Transaction<'_>,
    session: &SessionId,
    about: &Vain,
    at: UnixMillis,
) -> rusqlite::Result<bool> {
    if is_forgotten(transaction, session)? {
        return Ok(false);
    }
    match about {
        Vain::Messages(sources) => messages(transaction, session, sources, at),
        Vain::Observations(sources) => observations(transaction, session, sources, at),
        Vain::Curation => curation(transaction, session, at),
        Vain::Consolidation => consolidation::was_vain(transaction, session).map(|()| false),
    }
}

fn messages(
    transaction: &Transaction<'_>,
    session: &SessionId,
    sources: &[i64],
    at: UnixMillis,
) -> rusqlite::Result<bool> {
    let Some(first) = sources.first() else { return Ok(false) };
    if !is_all_pending(transaction, session, sources)? {
        return Ok(false);
    }
    let sql = "UPDATE every_session SET refusals = iif(refused IS ?2, refusals, 0) + 1, refused = ?2,
            refused_since = iif(refused IS ?2, refused_since, ?3)
        WHERE id = ?1 RETURNING refusals, refused_since";
    let row = params![session.as_str(), first, at.0];
    let counted = transaction.prepare_cached(sql)?.query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let is_over = is_to_be_passed_over(transaction, counted, at)?;
    if is_over {
        Run::begin(transaction, session, FIRST, at)?.pass_over(sources)?;
    }
    Ok(is_over)
}

fn observations(
    transaction: &Transaction<'_>,
    session: &SessionId,
    sources: &[i64],
    at: UnixMillis,
) -> rusqlite::Result<bool> {
    if sources.is_empty() || !merging::all_mergeable(transaction, session, sources)? {
        return Ok(false);
    }
    let is_over = is_over_in_session(transaction, MERGES, session, at)?;
    if is_over {
        merging::pass_over(transaction, sources)?;
    }
    Ok(is_over)
}

fn curation(transaction: &Transaction<'_>, session: &SessionId, at: UnixMillis) -> rusqlite::Result<bool> {
    let is_over = is_over_in_session(transaction, CURATIONS, session, at)?;
    if is_over {
        session::curated(transaction, session)?;
    }
    Ok(is_over)
}

/// The `count` goes on rising after that: as long as nothing is of use, what comes next is tried once.
fn is_over_in_session(
    transaction: &Transaction<'_>,
    count: &str,
    session: &SessionId,
    at: UnixMillis,
) -> rusqlite::Result<bool> {
    let sql = format!(
        "UPDATE every_session SET {count} = {count} + 1, {count}_since = ifnull({count}_since, ?2)
        WHERE id = ?1 RETURNING {count}, {count}_since"
    );
    let row = params![session.as_str(), at.0];
    let counted = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    match transaction.prepare_cached(&sql)?.query_row(row, counted).optional()? {
        Some(counted) => is_to_be_passed_over(transaction, counted, at),
        None => Ok(false),
    }
}

/// The last answer of those that the `count` is of was of use.
pub(crate) fn was_of_use(
    transaction: &Transaction<'_>,
    count: &str,
    session: &SessionId,
) -> rusqlite::Result<()> {
    let sql =
        format!("UPDATE every_session SET {count} = 0, {count}_since = NULL WHERE id = ?1 AND {count} > 0");
    transaction.prepare_cached(&sql)?.execute([session.as_str()]).map(drop)
}

/// After so many since then. An outage in which no answer is of use is not the fault of what is asked about, unless it lasts for a day.
fn is_to_be_passed_over(
    transaction: &Transaction<'_>,
    (refusals, since): (u32, i64),
    at: UnixMillis,
) -> rusqlite::Result<bool> {
    let is_old = at.0.saturating_sub(since) >= DAY;
    Ok(refusals >= GIVEN_UP && (is_old || was_any_of_use(transaction, since)?))
}

/// Whether an answer about anything else was of use since then. While none is, the trouble may be the model's or its provider's.
fn was_any_of_use(transaction: &Transaction<'_>, since: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM distillation WHERE at >= ?1 AND NOT passed_over)";
    transaction.prepare_cached(sql)?.query_row([since], |row| row.get(0))
}
