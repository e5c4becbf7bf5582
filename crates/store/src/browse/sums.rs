//! What the provider counted, turn by turn and call by call.

use crate::columns::{Word, usage};
use domain::conversation::Usage;
use domain::ids::SessionId;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use rusqlite::{Row, Transaction, params};

/// A turn, as the provider counted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedTurn {
    /// When it ended.
    pub at: UnixMillis,
    /// The model that answered.
    pub model: String,
    /// Whether its answer was cut.
    pub cut: bool,
    /// The provider's count.
    pub usage: Usage,
}

/// A background call that a provider accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct PaidCall {
    /// When it ended.
    pub at: UnixMillis,
    /// The provider's count.
    pub usage: Usage,
    /// What it cost, in dollars.
    pub usd: f64,
}

/// The last `most` turns of a session, oldest first.
pub(super) fn turns(
    transaction: &Transaction<'_>,
    session: &SessionId,
    most: u32,
) -> rusqlite::Result<Vec<CountedTurn>> {
    let sql = "SELECT at, model, cut, input, cache_read, cache_write_5m, cache_write_1h, output FROM turn
        WHERE session = ?1 ORDER BY at DESC LIMIT ?2";
    let mut statement = transaction.prepare_cached(sql)?;
    let found = statement.query_map(params![session.as_str(), most], turn)?;
    reversed(found)
}

fn turn(row: &Row<'_>) -> rusqlite::Result<CountedTurn> {
    Ok(CountedTurn {
        at: UnixMillis(row.get("at")?),
        model: row.get("model")?,
        cut: row.get("cut")?,
        usage: usage(row)?,
    })
}

/// The last `most` accepted calls of a session for one purpose, none from before `since`; oldest first.
pub(super) fn calls(
    transaction: &Transaction<'_>,
    session: &SessionId,
    purpose: Purpose,
    since: UnixMillis,
    most: u32,
) -> rusqlite::Result<Vec<PaidCall>> {
    let sql = "SELECT at, input, cache_read, cache_write_5m, cache_write_1h, output, usd FROM ledger
        WHERE purpose = ?1 AND at >= ?2 AND session = ?3 AND status BETWEEN 200 AND 299 ORDER BY at DESC LIMIT ?4";
    let mut statement = transaction.prepare_cached(sql)?;
    let found = statement.query_map(params![Word(purpose), since.0, session.as_str(), most], |row| {
        Ok(PaidCall { at: UnixMillis(row.get("at")?), usage: usage(row)?, usd: row.get("usd")? })
    })?;
    reversed(found)
}

fn reversed<T>(found: impl Iterator<Item = rusqlite::Result<T>>) -> rusqlite::Result<Vec<T>> {
    let mut found: Vec<T> = found.collect::<Result<_, _>>()?;
    found.reverse();
    Ok(found)
}
