//! The ledger adds up.

use crate::fixture::id;
use domain::conversation::Usage;
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use store::{LedgerEntry, SqliteStore, Store};

pub(crate) fn call(purpose: Purpose, at: i64, usd: f64) -> LedgerEntry {
    LedgerEntry {
        at: UnixMillis(at),
        session: Some(id("s")),
        purpose,
        provider: Provider::OpenAi,
        model: "gpt-5-mini".into(),
        status: Some(200),
        usage: Usage { input: u64::MAX, ..Usage::default() },
        usd,
        attempts: 1,
    }
}

#[test]
fn what_was_spent_is_told_by_purpose_and_from_a_time_on() {
    let mut store = SqliteStore::in_memory().unwrap();
    assert_eq!(store.spent_since(Purpose::Warm, UnixMillis(0)).unwrap(), 0.0);
    for (purpose, at, usd) in [
        (Purpose::Warm, 10, 0.5),
        (Purpose::Warm, 20, 0.25),
        (Purpose::Distill, 20, 4.0),
        (Purpose::Warm, 30, 0.125),
    ] {
        store.charge(&call(purpose, at, usd)).unwrap();
    }
    store.charge(&LedgerEntry { session: None, status: None, ..call(Purpose::Batch, 5, 1.0) }).unwrap();
    assert_eq!(store.spent_since(Purpose::Warm, UnixMillis(20)).unwrap(), 0.375);
    assert_eq!(store.spent_since(Purpose::Distill, UnixMillis(0)).unwrap(), 4.0);
    assert_eq!(store.spent_since(Purpose::Batch, UnixMillis(6)).unwrap(), 0.0);
}
