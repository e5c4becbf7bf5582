//! What background work cost, and what warm caches saved.

use super::{Bookmark, PAGE};
use crate::columns::{Word, count, usage, word};
use crate::yours::record::{ChargeRecord, Exact, Record, WarmReturnRecord};
use domain::ids::Principal;
use domain::time::UnixMillis;
use rusqlite::{Transaction, params};

/// What belongs to no session, or to one that is gone, is nobody else's.
pub(super) fn charges(
    transaction: &Transaction<'_>,
    whose: &Principal,
    (at, id): (i64, i64),
) -> rusqlite::Result<(Vec<Record>, Option<Bookmark>)> {
    let sql = "SELECT *, iif(session IN (SELECT session FROM doomed), NULL, session) AS named,
            (SELECT count(*) FROM ledger AS same WHERE same.purpose = ledger.purpose AND same.at = ledger.at
            AND same.usd = ledger.usd AND same.id < ledger.id AND same.session IS ledger.session AND same.provider = ledger.provider
            AND same.model = ledger.model AND same.status IS ledger.status AND same.attempts = ledger.attempts
            AND same.input = ledger.input AND same.cache_read = ledger.cache_read AND same.cache_write_5m = ledger.cache_write_5m
            AND same.cache_write_1h = ledger.cache_write_1h AND same.output = ledger.output) AS nth
        FROM ledger WHERE (at, id) > (?2, ?3)
            AND NOT EXISTS (SELECT 1 FROM session WHERE session.id = ledger.session AND principal <> ?1)
        ORDER BY at, id LIMIT ?4";
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query(params![whose.as_str(), at, id, PAGE as i64])?;
    let (mut records, mut next) = (Vec::new(), Bookmark::WarmReturns(i64::MIN, 0));
    while let Some(row) = rows.next()? {
        next = Bookmark::Charges(row.get("at")?, row.get("id")?);
        records.push(Record::Charge(ChargeRecord {
            at: UnixMillis(row.get("at")?),
            session: row.get::<_, Option<Word<_>>>("named")?.map(|session| session.0),
            purpose: word(row, "purpose")?,
            provider: word(row, "provider")?,
            model: row.get("model")?,
            status: row.get("status")?,
            attempts: row.get("attempts")?,
            usage: usage(row)?,
            usd: Exact(row.get("usd")?),
            nth: count(row, "nth")?,
        }));
    }
    Ok((records, Some(next)))
}

pub(super) fn warm_returns(
    transaction: &Transaction<'_>,
    whose: &Principal,
    (at, id): (i64, i64),
) -> rusqlite::Result<(Vec<Record>, Option<Bookmark>)> {
    let sql = "SELECT *, iif(session IN (SELECT session FROM doomed), '', session) AS named,
            (SELECT count(*) FROM warm_return AS same WHERE same.at = warm_return.at AND same.id < warm_return.id
            AND same.session = warm_return.session AND same.provider = warm_return.provider AND same.model = warm_return.model
            AND same.ttl = warm_return.ttl AND same.tokens = warm_return.tokens AND same.usd = warm_return.usd) AS nth
        FROM warm_return WHERE (at, id) > (?2, ?3)
            AND NOT EXISTS (SELECT 1 FROM session WHERE session.id = warm_return.session AND principal <> ?1)
        ORDER BY at, id LIMIT ?4";
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query(params![whose.as_str(), at, id, PAGE as i64])?;
    let (mut records, mut next) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        next = Some(Bookmark::WarmReturns(row.get("at")?, row.get("id")?));
        records.push(Record::WarmReturn(WarmReturnRecord {
            at: UnixMillis(row.get("at")?),
            session: row.get("named")?,
            provider: word(row, "provider")?,
            model: row.get("model")?,
            ttl: word(row, "ttl")?,
            tokens: count(row, "tokens")?,
            usd: Exact(row.get("usd")?),
            nth: count(row, "nth")?,
        }));
    }
    Ok((records, next))
}
