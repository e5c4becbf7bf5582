//! The ledger: what background work cost.

use crate::columns::{Count, Word};
use domain::conversation::Usage;
use domain::ids::SessionId;
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use rusqlite::{Transaction, named_params, params};

/// One background call, all its attempts together.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerEntry {
    /// When it ended.
    pub at: UnixMillis,
    /// The session it was for, if for one.
    pub session: Option<SessionId>,
    /// What it was for.
    pub purpose: Purpose,
    /// Who was asked.
    pub provider: Provider,
    /// The model asked.
    pub model: String,
    /// The HTTP status of the last attempt; none when no answer came.
    pub status: Option<u16>,
    /// The provider's count.
    pub usage: Usage,
    /// What it cost, in dollars.
    pub usd: f64,
    /// How often it was tried, at least once.
    pub attempts: u32,
}

/// Notes it, of a call with a name only once; a session that was forgotten meanwhile is not named.
pub(crate) fn charge(
    transaction: &Transaction<'_>,
    call: Option<&str>,
    entry: &LedgerEntry,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO ledger (call, at, session, purpose, provider, model, status, attempts,
            input, cache_read, cache_write_5m, cache_write_1h, output, usd)
        VALUES (:call, :at, (SELECT :session WHERE :session NOT IN (SELECT session FROM forgotten)), :purpose, :provider, :model, :status, :attempts,
            :input, :cache_read, :cache_write_5m, :cache_write_1h, :output, :usd)
        ON CONFLICT (call) WHERE call IS NOT NULL DO NOTHING";
    transaction.prepare_cached(sql)?.execute(named_params! {
        ":call": call,
        ":at": entry.at.0,
        ":session": entry.session.as_ref().map(SessionId::as_str),
        ":purpose": Word(entry.purpose),
        ":provider": Word(entry.provider),
        ":model": entry.model,
        ":status": entry.status,
        ":attempts": entry.attempts,
        ":input": Count(entry.usage.input),
        ":cache_read": Count(entry.usage.cache_read),
        ":cache_write_5m": Count(entry.usage.cache_write_5m),
        ":cache_write_1h": Count(entry.usage.cache_write_1h),
        ":output": Count(entry.usage.output),
        ":usd": entry.usd,
    })?;
    Ok(())
}

/// Dollars spent for `purpose` at `since` and later.
pub(crate) fn spent_since(
    transaction: &Transaction<'_>,
    purpose: Purpose,
    since: UnixMillis,
) -> rusqlite::Result<f64> {
    let sql = "SELECT total(usd) FROM ledger WHERE purpose = ?1 AND at >= ?2";
    transaction.prepare_cached(sql)?.query_row(params![Word(purpose), since.0], |row| row.get(0))
}
