//! A step that fails leaves nothing behind.

use super::*;
use rusqlite::ffi;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn charge(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let sql = "INSERT INTO tombstone (id, principal, reason, at) VALUES (hex(randomblob(2000)), 'p', 'r', 1)";
    transaction.execute(sql, []).map(drop)
}

fn rows(store: &mut SqliteStore) -> i64 {
    let sql = "SELECT count(*) FROM tombstone";
    store.read(|transaction| transaction.query_row(sql, [], |row| row.get(0))).unwrap()
}

#[test]
fn a_panic_in_the_middle_of_a_transaction_undoes_it() {
    let mut store = SqliteStore::in_memory().unwrap();
    let crash = AssertUnwindSafe(|| {
        store.write(|transaction| -> rusqlite::Result<()> {
            charge(transaction)?;
            panic!("a fault in the store")
        })
    });
    assert!(catch_unwind(crash).is_err());
    assert_eq!(rows(&mut store), 0);
    store.write(charge).unwrap();
    assert_eq!(rows(&mut store), 1);
}

#[test]
fn a_full_disk_refuses_a_step_whole_and_the_next_goes_once_there_is_room() {
    let mut store = SqliteStore::in_memory().unwrap();
    store.connection.pragma_update(None, "max_page_count", 1).unwrap();
    let fill = |transaction: &Transaction<'_>| (0..100).try_for_each(|_| charge(transaction));
    let full = store.write(fill).unwrap_err();
    assert!(matches!(&full, StoreError::Database(_)), "{full:?}");
    assert!(full.to_string().contains("full"), "{full}");
    assert_eq!(rows(&mut store), 0);
    store.connection.pragma_update(None, "max_page_count", 100_000).unwrap();
    store.write(fill).unwrap();
    assert_eq!(rows(&mut store), 100);
}

#[test]
fn once_damage_is_found_nothing_more_is_written() {
    let mut store = SqliteStore::in_memory().unwrap();
    let damage = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None);
    let found = store.write(|_| Err::<(), _>(damage));
    assert!(matches!(found, Err(StoreError::Corrupt { .. })));
    assert!(matches!(store.write(charge), Err(StoreError::Corrupt { .. })));
    assert_eq!(rows(&mut store), 0);
}
