//! Batches that lie at a provider over a restart.

use domain::ids::{BatchId, BatchMark, Principal};
use domain::provider::{Dialect, Provider, UpstreamKey};
use domain::time::UnixMillis;
use store::{KeptBatch, KeptItem, SqliteStore, Store};

fn item(session: &str) -> KeptItem {
    let (session, model) = (Some(session.into()), format!("model of {session}"));
    KeptItem { session, model, sources: vec![3, 1, 2], size: 9 }
}

fn batch(mark: &str, at: i64, sessions: &[&str]) -> KeptBatch {
    KeptBatch {
        mark: BatchMark::from(mark),
        id: BatchId::read(&format!("of_{mark}")),
        principal: Principal::from("somebody"),
        upstream: UpstreamKey::new(Provider::OpenAi, "https://h:8443"),
        dialect: Dialect::OpenAiResponses,
        at: UnixMillis(at),
        items: sessions.iter().map(|session| item(session)).collect(),
    }
}

#[test]
fn batches_come_back_as_they_were_kept_with_their_calls_in_order() {
    let home = tempfile::TempDir::new().unwrap();
    let (late, early) = (batch("batch_a", 2, &["z", "a", "m"]), batch("batch_b", 1, &["q"]));
    let mut store = SqliteStore::open(home.path()).unwrap();
    store.keep_batch(&late).unwrap();
    store.keep_batch(&early).unwrap();
    drop(store);
    let mut store = SqliteStore::open(home.path()).unwrap();
    assert_eq!(store.batches().unwrap(), [early, late]);
}

#[test]
fn a_batch_that_is_forgotten_takes_its_calls_along() {
    let mut store = SqliteStore::in_memory().unwrap();
    let (one, other) = (batch("batch_a", 1, &["a", "b"]), batch("batch_b", 2, &["c"]));
    store.keep_batch(&one).unwrap();
    store.keep_batch(&other).unwrap();
    store.forget_batch(&one.mark).unwrap();
    store.forget_batch(&one.mark).unwrap();
    assert_eq!(store.batches().unwrap(), std::slice::from_ref(&other));
    let fewer = batch("batch_a", 3, &["b"]);
    store.keep_batch(&fewer).unwrap();
    assert_eq!(store.batches().unwrap(), [other, fewer]);
}

#[test]
fn a_batch_is_kept_before_its_provider_has_a_name_for_it() {
    let mut store = SqliteStore::in_memory().unwrap();
    let nameless = KeptBatch { id: None, ..batch("mark_a", 1, &["a", "b"]) };
    store.keep_batch(&nameless).unwrap();
    assert_eq!(store.batches().unwrap(), [nameless]);
    let named = batch("mark_a", 1, &["a", "b"]);
    store.keep_batch(&named).unwrap();
    assert_eq!(store.batches().unwrap(), [named]);
}

#[test]
fn a_batch_is_kept_again_under_its_mark_in_place_of_the_first() {
    let mut store = SqliteStore::in_memory().unwrap();
    store.keep_batch(&batch("batch_a", 1, &["a", "b"])).unwrap();
    let again = batch("batch_a", 1, &["c"]);
    store.keep_batch(&again).unwrap();
    assert_eq!(store.batches().unwrap(), [again]);
}
