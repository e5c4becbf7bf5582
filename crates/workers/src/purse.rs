//! The purse of all background work: whether the day's budget lets a call be made. What was spent is in the ledger alone, so that a
//! restart forgets nothing.

use domain::budget::{Allowance, day_of};
use domain::time::{DAY, UnixMillis};
use std::sync::{Arc, Mutex, PoisonError};
use store::{CostsBy, Desk, Store, StoreError};

/// See the module. Bottomless where no budget is set.
#[derive(Clone)]
pub struct Purse {
    limit: Option<f64>,
    desk: Desk,
    /// What was last said of it in the log.
    said: Arc<Mutex<Allowance>>,
}

/// How a day's budget stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Balance {
    /// What may be spent a day, in dollars.
    pub limit: f64,
    /// What is spent of it today, in UTC.
    pub spent: f64,
    /// What that allows.
    pub allowance: Allowance,
}

impl Purse {
    pub(crate) fn new(limit: Option<f64>, desk: Desk) -> Self {
        Self { limit, desk, said: Arc::new(Mutex::new(Allowance::Free)) }
    }

    /// How the budget stands; none when none is set.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn balance(&self, now: UnixMillis) -> Result<Option<Balance>, StoreError> {
        let Some(limit) = self.limit else { return Ok(None) };
        let spent = self.desk.read(move |store| spent_today(store, now)).await?;
        Ok(Some(Balance { limit, spent, allowance: Allowance::of(limit, spent, now) }))
    }

    /// Until when no call may be made; none when one may. Calls under way are not in the ledger yet, so the budget may be passed by
    /// what these cost. Where the ledger cannot be read, all counts as spent: a brake that does not answer holds.
    pub(crate) async fn held_until(&self, now: UnixMillis) -> Option<UnixMillis> {
        let limit = self.limit?;
        let balance = self.balance(now).await.ok().flatten();
        let allowance = balance.map_or(Allowance::of(limit, limit, now), |balance| balance.allowance);
        self.say(limit, allowance);
        allowance.held_until()
    }

    /// A line in the log when it is another than before, not for each call that waits.
    fn say(&self, limit: f64, allowance: Allowance) {
        let before =
            std::mem::replace(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner), allowance);
        if std::mem::discriminant(&before) == std::mem::discriminant(&allowance) {
            return;
        }
        match allowance {
            Allowance::Free => tracing::info!(limit, "the day's budget lets background work go on"),
            Allowance::Slowed { .. } => {
                tracing::info!(limit, "half of the day's budget is spent: background work slows down");
            }
            Allowance::Spent { .. } => tracing::warn!(
                limit,
                "the day's budget (worker.daily_budget_usd) is spent: background work goes on at midnight, UTC"
            ),
        }
    }
}

fn spent_today(store: &mut dyn Store, now: UnixMillis) -> Result<f64, StoreError> {
    let (today, tomorrow) = (day_of(now), UnixMillis(day_of(now).0 + DAY));
    // A clock that was ahead for a while has left what it cost on days that are yet to come.
    let [since_today, from_tomorrow] = [today, tomorrow].map(|since| spent_since(store, since));
    Ok((since_today? - from_tomorrow?).max(0.0))
}

fn spent_since(store: &mut dyn Store, since: UnixMillis) -> Result<f64, StoreError> {
    let sum = store.costs(since, CostsBy::Nothing)?.pop();
    Ok(sum.map_or(0.0, |sum| sum.other_usd + sum.warm_cost_usd))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::conversation::Usage;
    use domain::provider::Provider;
    use domain::purpose::Purpose;
    use store::{LedgerEntry, SqliteStore};

    const HOUR: i64 = 3_600_000;
    const TODAY: i64 = 20_000 * 24 * HOUR;

    fn at(hour: i64) -> UnixMillis {
        UnixMillis(TODAY + hour * HOUR)
    }

    fn charge(store: &mut SqliteStore, purpose: Purpose, usd: f64, at: UnixMillis) {
        let (model, usage) = ("m".to_owned(), Usage::default());
        let provider = Provider::Anthropic;
        let entry = LedgerEntry {
            at,
            session: None,
            purpose,
            provider,
            model,
            status: Some(200),
            usage,
            usd,
            attempts: 1,
        };
        store.charge(&entry).unwrap();
    }

    #[tokio::test]
    async fn all_that_background_work_cost_today_counts_and_nothing_of_other_days() {
        let mut store = SqliteStore::in_memory().unwrap();
        let charged =
            [Purpose::Distill, Purpose::Curate, Purpose::Consolidate, Purpose::Warm, Purpose::Batch];
        charged.into_iter().for_each(|purpose| charge(&mut store, purpose, 0.25, at(1)));
        charge(&mut store, Purpose::Distill, 9.0, at(-1));
        charge(&mut store, Purpose::Distill, 9.0, at(24));
        let purse = Purse::new(Some(2.5), Desk::inline(store));
        let balance = purse.balance(at(2)).await.unwrap().unwrap();
        assert_eq!((balance.limit, balance.spent), (2.5, 1.25));
        assert_eq!(balance.allowance, Allowance::Slowed { until: at(12) });
        assert_eq!(purse.held_until(at(2)).await, Some(at(12)));
        assert_eq!(purse.held_until(at(12)).await, None);
    }

    #[tokio::test]
    async fn without_a_budget_nothing_is_read_or_held() {
        let mut store = SqliteStore::in_memory().unwrap();
        charge(&mut store, Purpose::Distill, 1e6, at(1));
        let purse = Purse::new(None, Desk::inline(store));
        assert_eq!((purse.balance(at(2)).await.unwrap(), purse.held_until(at(2)).await), (None, None));
    }

    #[tokio::test]
    async fn a_ledger_that_cannot_be_read_holds_everything() {
        let desk = Desk::inline(SqliteStore::in_memory().unwrap());
        desk.close().await;
        assert_eq!(Purse::new(Some(1.0), desk).held_until(at(2)).await, Some(at(24)));
    }
}
