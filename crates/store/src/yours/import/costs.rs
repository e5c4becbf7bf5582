//! What background work cost, and what warm caches saved.

use super::{Fate, Import};
use crate::columns::{Count, Word};
use crate::error::StoreError;
use crate::yours::record::{ChargeRecord, WarmReturnRecord};
use domain::ids::SessionId;
use rusqlite::named_params;

impl Import<'_> {
    /// Two calls may be alike to the last figure, so it counts how many are. What a forgotten session cost stayed in the sums: when the
    /// session comes again, that is given back to it.
    pub(super) fn charge(&self, it: &ChargeRecord) -> Result<Fate, StoreError> {
        let same = "purpose = :purpose AND at = :at AND usd = :usd AND provider = :provider AND model = :model AND status IS :status
            AND attempts = :attempts AND input = :input AND cache_read = :cache_read AND cache_write_5m = :cache_write_5m
            AND cache_write_1h = :cache_write_1h AND output = :output";
        let is_new = format!(":nth >= (SELECT count(*) FROM ledger WHERE session IS :session AND {same})");
        let give_back = format!(
            "UPDATE ledger SET session = :session WHERE {is_new} AND id = (SELECT min(id) FROM ledger WHERE session IS NULL AND {same})"
        );
        let write = format!(
            "INSERT INTO ledger (at, session, purpose, provider, model, status, attempts,
                input, cache_read, cache_write_5m, cache_write_1h, output, usd)
            SELECT :at, :session, :purpose, :provider, :model, :status, :attempts,
                :input, :cache_read, :cache_write_5m, :cache_write_1h, :output, :usd WHERE {is_new}"
        );
        let run = |sql: &str| {
            self.transaction.prepare_cached(sql)?.execute(named_params! {
                ":at": it.at.0,
                ":session": it.session.as_ref().map(SessionId::as_str),
                ":purpose": Word(it.purpose),
                ":provider": Word(it.provider),
                ":model": it.model,
                ":status": it.status,
                ":attempts": it.attempts,
                ":input": Count(it.usage.input),
                ":cache_read": Count(it.usage.cache_read),
                ":cache_write_5m": Count(it.usage.cache_write_5m),
                ":cache_write_1h": Count(it.usage.cache_write_1h),
                ":output": Count(it.usage.output),
                ":usd": it.usd.0,
                ":nth": Count(it.nth),
            })
        };
        let given_back = self.again && it.session.is_some() && run(&give_back)? == 1;
        Ok(if !given_back && run(&write)? == 1 { Fate::New } else { Fate::Known })
    }

    pub(super) fn warm_return(&self, it: &WarmReturnRecord) -> Result<Fate, StoreError> {
        let same = "at = :at AND provider = :provider AND model = :model AND ttl = :ttl AND tokens = :tokens AND usd = :usd";
        let is_new =
            format!(":nth >= (SELECT count(*) FROM warm_return WHERE session = :session AND {same})");
        let give_back = format!(
            "UPDATE warm_return SET session = :session
            WHERE {is_new} AND id = (SELECT min(id) FROM warm_return WHERE session = '' AND {same})"
        );
        let write = format!(
            "INSERT INTO warm_return (at, session, provider, model, ttl, tokens, usd)
            SELECT :at, :session, :provider, :model, :ttl, :tokens, :usd WHERE {is_new}"
        );
        let run = |sql: &str| {
            self.transaction.prepare_cached(sql)?.execute(named_params! {
                ":at": it.at.0,
                ":session": it.session,
                ":provider": Word(it.provider),
                ":model": it.model,
                ":ttl": Word(it.ttl),
                ":tokens": Count(it.tokens),
                ":usd": it.usd.0,
                ":nth": Count(it.nth),
            })
        };
        let given_back = self.again && !it.session.is_empty() && run(&give_back)? == 1;
        Ok(if !given_back && run(&write)? == 1 { Fate::New } else { Fate::Known })
    }
}
