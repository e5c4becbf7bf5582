//! What is added to a session's requests: decided once, kept over a restart, and gone with the entry that it tells of.

use crate::fixture::{id, turn, user};
use domain::knowledge::{Category, Operation};
use domain::time::UnixMillis;
use store::{SqliteStore, Store, TurnRecord};

fn record(store: &mut SqliteStore, session: &str, said: &str, injection: Option<&str>) {
    let injection = injection.map(Into::into);
    let turn = TurnRecord { injection, ..turn(session, &[user(said)], None) };
    store.record_turn(&turn).unwrap();
}

fn injections(store: &mut SqliteStore) -> Vec<(String, Option<String>)> {
    let mut all = store.injections(10).unwrap();
    all.sort();
    all.into_iter().map(|(session, text)| (session.to_string(), text)).collect()
}

fn of(session: &str, text: Option<&str>) -> (String, Option<String>) {
    (session.to_owned(), text.map(str::to_owned))
}

#[test]
fn what_a_session_first_got_stays_until_a_person_decides_otherwise() {
    let mut store = SqliteStore::in_memory().unwrap();
    record(&mut store, "a", "one", Some("first"));
    record(&mut store, "a", "two", Some("second"));
    record(&mut store, "b", "one", None);
    assert_eq!(injections(&mut store), [of("a", Some("first")), of("b", None)]);
    store.decide_injection(&id("a"), false).unwrap();
    record(&mut store, "a", "three", Some("third"));
    assert_eq!(injections(&mut store), [of("a", None), of("b", None)]);
    store.decide_injection(&id("a"), true).unwrap();
    record(&mut store, "a", "four", Some("fourth"));
    assert_eq!(injections(&mut store), [of("a", Some("fourth")), of("b", None)]);
    assert!(store.decide_injection(&id("never heard of"), false).is_err());
}

#[test]
fn no_text_of_a_forgotten_entry_stays_with_any_session() {
    let mut store = SqliteStore::in_memory().unwrap();
    let notes = "fence\n- [k1 gotcha, curated] Oven\n- [k2 gotcha, curated] Door\nfence";
    record(&mut store, "a", "one", Some(notes));
    record(&mut store, "b", "one", Some("fence\n- [k12 gotcha, curated] Flour\nfence"));
    let create = |title: &str| Operation::Create {
        category: Category::Gotcha,
        title: title.into(),
        content: "x".into(),
        confidence: 0.5,
    };
    store.apply_operations(&id("a"), &[create("Oven"), create("Door")], UnixMillis(1)).unwrap();
    store.delete_entry(&"k1".into(), UnixMillis(2)).unwrap();
    assert_eq!(
        injections(&mut store),
        [of("a", None), of("b", Some("fence\n- [k12 gotcha, curated] Flour\nfence"))]
    );
}

#[test]
fn what_a_session_is_told_of_was_of_use_when_it_first_was() {
    let mut store = SqliteStore::in_memory().unwrap();
    record(&mut store, "a", "one", None);
    let create = |title: &str| Operation::Create {
        category: Category::Gotcha,
        title: title.into(),
        content: title.into(),
        confidence: 0.5,
    };
    store.apply_operations(&id("a"), &[create("Oven"), create("Door")], UnixMillis(1)).unwrap();
    let mut told = |session: &str, said: &str, at: i64| {
        let injection = Some("fence\n- [k1 gotcha, curated] Oven\nfence".into());
        let turn = TurnRecord { injection, at: UnixMillis(at), ..turn(session, &[user(said)], None) };
        store.record_turn(&turn).unwrap();
        let mut entries = store.knowledge(None).unwrap();
        entries.sort_by(|one, other| one.id.cmp(&other.id));
        [entries[0].used.0, entries[1].used.0]
    };
    assert_eq!(told("b", "one", 100), [100, 1]);
    assert_eq!(told("b", "two", 200), [100, 1], "the same notes, again");
    assert_eq!(told("c", "one", 300), [300, 1]);
}
