//! What is old goes; what is not distilled stays, whatever the limits.

use crate::fixture::{id, model, texts, turn, user};
use domain::conversation::Message;
use domain::ids::SessionId;
use domain::time::UnixMillis;
use proptest::prelude::*;
use rusqlite::Connection;
use store::{Browse, Dropped, Limits, SqliteStore, Store, TurnRecord, Yours};

const DAY: i64 = 86_400_000;

fn at(day: i64) -> UnixMillis {
    UnixMillis(day * DAY)
}

/// A session's history so far, a word a message.
fn history(session: &str, length: usize) -> Vec<Message> {
    let word = |number| format!("{session} loaf{number}");
    (0..length)
        .map(|number| if number % 2 == 0 { user(&word(number)) } else { model(&word(number)) })
        .collect()
}

/// The session's agent sends its history of so many messages on that day.
fn say(store: &mut SqliteStore, session: &str, length: usize, day: i64) -> u32 {
    let record = TurnRecord { at: at(day), ..turn(session, &history(session, length), None) };
    store.record_turn(&record).unwrap().new_messages
}

/// Distils the `count` oldest pending messages of a session.
fn distil(store: &mut SqliteStore, session: &str, count: usize, day: i64) {
    let pending = store.pending(&id(session), u64::MAX, UnixMillis(0)).unwrap();
    let sources: Vec<i64> = pending.iter().take(count).map(|message| message.id).collect();
    store.store_observations(&id(session), &sources, &[format!("{session} day {day}")], at(day)).unwrap();
}

fn curate(store: &mut SqliteStore, session: &str, day: i64) {
    store.apply_operations(&id(session), &[], at(day)).unwrap();
}

/// Drops until there is no more.
fn retain(store: &mut SqliteStore, limits: Limits) -> Dropped {
    let mut sum = Dropped::default();
    loop {
        let step = store.retain(limits).unwrap();
        sum.messages += step.messages;
        sum.observations += step.observations;
        sum.sessions += step.sessions;
        sum.bytes = step.bytes;
        if !step.more {
            return sum;
        }
    }
}

fn since(day: i64) -> Limits {
    Limits { oldest: Some(at(day)), largest: None }
}

fn sessions(store: &mut SqliteStore) -> Vec<SessionId> {
    let mut all: Vec<_> = store.sessions(None).unwrap().into_iter().map(|session| session.id).collect();
    all.sort();
    all
}

#[test]
fn without_limits_nothing_goes() {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, "s", 4, 1);
    distil(&mut store, "s", 4, 1);
    curate(&mut store, "s", 1);
    assert!(retain(&mut store, Limits::default()).is_nothing());
}

#[test]
fn what_is_older_than_the_limit_goes_once_it_is_distilled_and_what_came_of_it_once_that_is_curated() {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, "s", 4, 1);
    assert!(retain(&mut store, since(9)).is_nothing(), "nothing is distilled");
    distil(&mut store, "s", 3, 1);
    assert_eq!(retain(&mut store, since(9)).messages, 3);
    assert_eq!(texts(&mut store, "s"), ["s loaf3"]);
    assert_eq!(store.observations(&id("s")).unwrap().len(), 1, "nothing is curated");
    curate(&mut store, "s", 2);
    assert_eq!(retain(&mut store, since(9)).observations, 1);
    assert_eq!(sessions(&mut store), [id("s")], "it has a message yet");
    distil(&mut store, "s", 1, 2);
    let dropped = retain(&mut store, since(9));
    assert_eq!((dropped.messages, dropped.observations, dropped.sessions), (1, 1, 1));
    assert!(store.recall(None, "loaf", 9).unwrap().is_empty() && sessions(&mut store).is_empty());
}

#[test]
fn what_an_agent_sends_again_of_a_history_whose_beginning_was_dropped_is_known() {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, "s", 6, 1);
    say(&mut store, "s", 8, 8);
    distil(&mut store, "s", 8, 8);
    assert_eq!(retain(&mut store, since(5)).messages, 6);
    assert_eq!(say(&mut store, "s", 10, 9), 2, "from a message that is there");
    distil(&mut store, "s", 2, 9);
    assert_eq!(retain(&mut store, Limits { largest: Some(0), ..Limits::default() }).messages, 4);
    assert_eq!(say(&mut store, "s", 11, 10), 1, "from the end of a turn, of which no message is left");
    let again = [history("s", 10), vec![model("s loaf9"), user("s loaf0")]].concat();
    let record = TurnRecord { at: at(11), ..turn("s", &again, None) };
    assert_eq!(store.record_turn(&record).unwrap().new_messages, 2, "said again, it is another message");
}

#[test]
fn a_session_that_an_entry_names_stays_and_the_entry_too() {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, "s", 2, 1);
    distil(&mut store, "s", 2, 1);
    let create = domain::knowledge::Operation::Create {
        category: domain::knowledge::Category::Gotcha,
        title: "Rye".into(),
        content: "rye".into(),
        confidence: 1.0,
    };
    store.apply_operations(&id("s"), &[create], at(1)).unwrap();
    assert_eq!(retain(&mut store, since(9)).messages, 2);
    assert_eq!(store.entries_of(&id("s"), 9).unwrap().total, 1);
}

#[test]
fn while_the_database_is_too_large_the_oldest_goes_and_its_pages_are_given_back() {
    let home = tempfile::TempDir::new().unwrap();
    let mut store = SqliteStore::open(home.path()).unwrap();
    let long = |number: usize| user(&format!("loaf{number} ").repeat(500));
    for number in 0..600 {
        let record = TurnRecord { at: at(number as i64), ..turn("s", &[long(number)], None) };
        store.record_turn(&record).unwrap();
    }
    distil(&mut store, "s", 500, 600);
    let (file, limit) = (home.path().join("stillroom.db"), 2_000_000);
    let dropped = retain(&mut store, Limits { oldest: None, largest: Some(limit) });
    assert!(dropped.bytes <= limit && (200..500).contains(&dropped.messages), "{dropped:?}");
    let left = texts(&mut store, "s");
    assert!(left.first().unwrap().starts_with(&format!("loaf{} ", dropped.messages)), "the oldest went");
    let dropped = retain(&mut store, Limits { oldest: None, largest: Some(1) });
    assert_eq!(texts(&mut store, "s").len(), 100, "{dropped:?}: what is not distilled stays");
    drop(store);
    let size = std::fs::metadata(&file).unwrap().len();
    assert!(size < dropped.bytes + 2_100_000, "{size} bytes of which {} are in use", dropped.bytes);
}

#[test]
fn a_small_database_of_before_is_made_one_whose_pages_can_be_given_back() {
    let home = tempfile::TempDir::new().unwrap();
    drop(SqliteStore::open(home.path()).unwrap());
    let mode = || -> i64 {
        let database = Connection::open(home.path().join("stillroom.db")).unwrap();
        database.pragma_query_value(None, "auto_vacuum", |row| row.get(0)).unwrap()
    };
    assert_eq!(mode(), 2);
    let database = Connection::open(home.path().join("stillroom.db")).unwrap();
    database.execute_batch("PRAGMA journal_mode = delete; PRAGMA auto_vacuum = none; VACUUM").unwrap();
    drop(database);
    assert_eq!(mode(), 0);
    let mut store = SqliteStore::open(home.path()).unwrap();
    say(&mut store, "s", 2, 1);
    drop(store);
    assert_eq!(mode(), 2);
}

/// What can happen to one of three sessions.
#[derive(Debug, Clone)]
enum Happening {
    Said { session: usize, more: usize },
    Distilled { session: usize, count: usize },
    Curated { session: usize },
    Retained { days: i64 },
    ShrunkTo { bytes: u64 },
}

fn happening() -> impl Strategy<Value = Happening> {
    let session = 0..3_usize;
    prop_oneof![
        4 => (session.clone(), 1..4_usize).prop_map(|(session, more)| Happening::Said { session, more }),
        3 => (session.clone(), 1..5_usize).prop_map(|(session, count)| Happening::Distilled { session, count }),
        2 => session.prop_map(|session| Happening::Curated { session }),
        2 => (0..9_i64).prop_map(|days| Happening::Retained { days }),
        1 => (0..200_000_u64).prop_map(|bytes| Happening::ShrunkTo { bytes }),
    ]
}

/// What a session has not distilled, word by word, as it was said.
fn undistilled(store: &mut SqliteStore, session: &str) -> Vec<String> {
    let messages = store.messages(&id(session)).unwrap();
    messages.into_iter().filter(|message| !message.distilled).map(|message| message.text).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_undistilled_and_nothing_young_is_ever_dropped_and_nothing_comes_twice(
        happenings in prop::collection::vec(happening(), 1..40),
    ) {
        let mut store = SqliteStore::in_memory().unwrap();
        let mut lengths = [0; 3];
        for (day, happening) in happenings.into_iter().enumerate() {
            let today = day as i64;
            match happening {
                Happening::Said { session, more } => {
                    lengths[session] += more;
                    let name = format!("s{session}");
                    let was_there = store.session(&id(&name)).unwrap().is_some();
                    let new = say(&mut store, &name, lengths[session], today) as usize;
                    prop_assert!(new == more || !was_there, "{} of {}", new, more);
                }
                Happening::Distilled { session, count } => {
                    distil(&mut store, &format!("s{session}"), count, today);
                }
                Happening::Curated { session } => {
                    let name = format!("s{session}");
                    if store.session(&id(&name)).unwrap().is_some() {
                        curate(&mut store, &name, today);
                    }
                }
                Happening::Retained { days } => check(&mut store, since(today - days), today - days)?,
                Happening::ShrunkTo { bytes } => {
                    check(&mut store, Limits { oldest: None, largest: Some(bytes) }, i64::MAX / DAY)?;
                }
            }
        }
    }
}

/// Drops, and holds what is left against what was there.
fn check(store: &mut SqliteStore, limits: Limits, before: i64) -> Result<(), TestCaseError> {
    let names = ["s0", "s1", "s2"];
    let pending: Vec<_> = names.iter().map(|name| undistilled(store, name)).collect();
    let young: Vec<_> = names.iter().map(|name| young(store, name, before)).collect();
    retain(store, limits);
    for (place, name) in names.iter().enumerate() {
        prop_assert_eq!(&undistilled(store, name), &pending[place]);
        prop_assert_eq!(&self::young(store, name, before), &young[place]);
    }
    Ok(())
}

fn young(store: &mut SqliteStore, session: &str, before: i64) -> Vec<String> {
    let messages = store.messages(&id(session)).unwrap();
    messages.into_iter().filter(|message| message.at >= at(before)).map(|message| message.text).collect()
}
