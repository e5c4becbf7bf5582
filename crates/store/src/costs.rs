//! What background work cost and what warming saved, added up.

use crate::columns::{Count, Word, count};
use domain::conversation::CacheTtl;
use domain::ids::SessionId;
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use rusqlite::{Row, Transaction, named_params, params};
use serde::Serialize;

/// A return to a cache that would have been cold: what warming is credited with.
#[derive(Debug, Clone, PartialEq)]
pub struct WarmReturn {
    /// When it was seen.
    pub at: UnixMillis,
    /// The session.
    pub session: SessionId,
    /// Whose cache.
    pub provider: Provider,
    /// The model.
    pub model: String,
    /// To which cache the tokens would have been written.
    pub ttl: CacheTtl,
    /// Tokens that were read instead of written.
    pub tokens: u64,
    /// What that saved, in dollars.
    pub usd: f64,
}

/// By what costs are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostsBy {
    /// Everything together, under an empty key.
    Nothing,
    /// The day, in UTC, as `2026-12-25`.
    Day,
    /// The model.
    Model,
    /// What the call was for; what warming saved belongs to warm-ups.
    Purpose,
    /// The session; what belongs to none has an empty key.
    Session,
}

/// What came together under one key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Costs {
    /// The key.
    pub key: String,
    /// What background work other than warm-ups cost, in dollars.
    pub other_usd: f64,
    /// What warm-ups cost, in dollars.
    pub warm_cost_usd: f64,
    /// What returns to warm caches saved, in dollars.
    pub warm_saved_usd: f64,
    /// Saved less cost, in dollars; below zero where warming lost money.
    pub warm_net_usd: f64,
    /// Warm-ups that a provider accepted.
    pub refreshes: u32,
    /// Returns that are credited.
    pub returns: u32,
    /// Tokens that are credited.
    pub tokens: u64,
}

/// Notes it; a session that was forgotten meanwhile is not named.
pub(crate) fn credit(transaction: &Transaction<'_>, back: &WarmReturn) -> rusqlite::Result<()> {
    let sql = "INSERT INTO warm_return (at, session, provider, model, ttl, tokens, usd)
        VALUES (:at, iif(:session IN (SELECT session FROM forgotten), '', :session), :provider, :model, :ttl, :tokens, :usd)";
    transaction.prepare_cached(sql)?.execute(named_params! {
        ":at": back.at.0,
        ":session": back.session.as_str(),
        ":provider": Word(back.provider),
        ":model": back.model,
        ":ttl": Word(back.ttl),
        ":tokens": Count(back.tokens),
        ":usd": back.usd,
    })?;
    Ok(())
}

/// Costs at `since` and later, in all or of one session, added up by key; by day the newest first, else what cost and saved most.
pub(crate) fn costs(
    transaction: &Transaction<'_>,
    since: UnixMillis,
    by: CostsBy,
    session: Option<&SessionId>,
) -> rusqlite::Result<Vec<Costs>> {
    let asked = params![since.0, Word(Purpose::Warm), session.map(SessionId::as_str)];
    transaction.prepare_cached(&added_up(by, session.is_some()))?.query_map(asked, row)?.collect()
}

fn added_up(by: CostsBy, of_a_session: bool) -> String {
    let key = key(by);
    let returned = if by == CostsBy::Purpose { "?2" } else { key };
    let order = if by == CostsBy::Day { "key DESC" } else { "sum(other + cost + saved) DESC, key" };
    // Two conditions in one would be looked for in all that was ever spent.
    let whose = if of_a_session { "session = ?3" } else { "?3 IS NULL" };
    format!(
        "SELECT key, sum(other) AS other, sum(cost) AS cost, sum(saved) AS saved, sum(refresh) AS refreshes,
            sum(came_back) AS returns, sum(tokens) AS tokens
        FROM (
            SELECT {key} AS key, iif(purpose = ?2, 0.0, usd) AS other, iif(purpose = ?2, usd, 0.0) AS cost, 0.0 AS saved,
                purpose = ?2 AND coalesce(status BETWEEN 200 AND 299, 0) AS refresh, 0 AS came_back, 0 AS tokens
            FROM ledger WHERE at >= ?1 AND {whose}
            UNION ALL
            SELECT {returned}, 0.0, 0.0, usd, 0, 1, tokens FROM warm_return
                WHERE at >= ?1 AND {whose}
        ) GROUP BY key ORDER BY {order}"
    )
}

const fn key(by: CostsBy) -> &'static str {
    match by {
        CostsBy::Nothing => "''",
        CostsBy::Day => "strftime('%Y-%m-%d', at / 1000, 'unixepoch')",
        CostsBy::Model => "model",
        CostsBy::Purpose => "purpose",
        CostsBy::Session => "iif(session IN (SELECT session FROM doomed), '', coalesce(session, ''))",
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<Costs> {
    let (cost, saved): (f64, f64) = (row.get("cost")?, row.get("saved")?);
    Ok(Costs {
        key: row.get("key")?,
        other_usd: row.get("other")?,
        warm_cost_usd: cost,
        warm_saved_usd: saved,
        warm_net_usd: saved - cost,
        refreshes: row.get("refreshes")?,
        returns: row.get("returns")?,
        tokens: count(row, "tokens")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::tests::plan;

    #[test]
    fn what_a_session_cost_is_found_without_looking_through_what_others_cost() {
        let plan = plan(&added_up(CostsBy::Purpose, true));
        for index in ["ledger_of_session", "warm_return_of_session"] {
            assert!(plan.iter().any(|step| step.contains(index)), "{index}: {plan:?}");
        }
    }
}
