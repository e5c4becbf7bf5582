//! What was forgotten is out of sight at once, and erased in small steps, whatever happens between them.

use crate::fixture::{id, model, say, texts, turn, user};
use domain::conversation::{CacheTtl, Message};
use domain::ids::Principal;
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use domain::vector::ModelName;
use rusqlite::Connection;
use store::record::Record;
use store::{
    Browse, CostsBy, Extent, Forgotten, LedgerEntry, Scribe, SqliteStore, Store, StoreError, TurnRecord,
    WarmReturn, Yours,
};
use tempfile::TempDir;

const NOW: UnixMillis = UnixMillis(9_000_000);
/// No step erases more rows than so many.
const ROWS: i64 = 500;

fn history(words: &[&str], count: usize) -> Vec<Message> {
    let said = |number: usize| format!("quince {number} {}", words.join(" "));
    let message = |number| if number % 2 == 0 { user(&said(number)) } else { model(&said(number)) };
    (0..count).map(message).collect()
}

/// A session of so many messages, some of them distilled, with a call that cost something.
fn long(store: &mut SqliteStore, session: &str, messages: usize) -> TurnRecord {
    let record = turn(session, &history(&["marmalade"], messages), None);
    store.record_turn(&record).unwrap();
    let pending = store.pending(&id(session), 1_000, UnixMillis(0)).unwrap();
    let sources: Vec<i64> = pending.iter().map(|message| message.id).collect();
    store.store_observations(&id(session), &sources, &["quince observed".into()], NOW).unwrap();
    let cost = LedgerEntry {
        at: NOW,
        session: Some(id(session)),
        purpose: Purpose::Distill,
        provider: Provider::Anthropic,
        model: "claude-sonnet-4-5".into(),
        status: Some(200),
        usage: Default::default(),
        usd: 1.0,
        attempts: 1,
    };
    store.charge(&cost).unwrap();
    record
}

fn forget(store: &mut SqliteStore, session: &str) -> Forgotten {
    store.forget(&Principal::local(), &Extent::Session(id(session)), NOW).unwrap()
}

/// A long session and a short one, in a folder.
fn two() -> (TempDir, SqliteStore) {
    let home = TempDir::new().unwrap();
    let mut store = SqliteStore::open(home.path()).unwrap();
    long(&mut store, "long", 1_300);
    say(&mut store, "short", &["medlar"]);
    (home, store)
}

fn exported(store: &mut SqliteStore) -> String {
    let mut scribe = Scribe::of(Principal::local());
    std::iter::from_fn(|| scribe.write(store).unwrap()).collect()
}

/// How many rows say anything of a session, whoever may see them.
fn rows(home: &TempDir, session: &str) -> i64 {
    let database = Connection::open(home.path().join("stillroom.db")).unwrap();
    let named = ["link", "message", "observation", "distillation", "turn", "injection", "ledger", "doomed"];
    let count = |table: &str, column: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table} WHERE {column} = ?1");
        database.query_row(&sql, [session], |row| row.get(0)).unwrap()
    };
    named.iter().map(|table| count(table, "session")).sum::<i64>() + count("every_session", "id")
}

/// The same, when only a first step was made of forgetting the long one.
fn half() -> (TempDir, SqliteStore) {
    let (home, mut store) = two();
    let forgotten = forget(&mut store, "long");
    assert!(!forgotten.left.erased && !forgotten.left.log_emptied, "or the test tells nothing");
    assert_eq!((forgotten.messages, forgotten.observations), (1_300, 1));
    (home, store)
}

#[test]
fn from_the_first_step_on_no_list_has_it_and_no_search_finds_it() {
    let (_home, mut store) = half();
    assert_eq!(store.sessions(None).unwrap().len(), 1);
    assert_eq!(store.recent_sessions(0, 9).unwrap().total, 1);
    assert_eq!((store.injections(9).unwrap().len(), store.folders().unwrap().len()), (1, 1));
    assert!(store.recall(None, "quince marmalade observed", 100).unwrap().is_empty());
    assert_eq!(store.recall(None, "medlar", 100).unwrap().len(), 1);
    let backlog = store.backlog().unwrap();
    assert!(backlog.iter().all(|backlog| backlog.session.id == id("short")));
    let unembedded = store.unembedded(&ModelName([7; 32]), 10_000).unwrap();
    assert!(unembedded.iter().all(|text| !text.parts.concat().contains("quince")));
    let file = exported(&mut store);
    assert!(!file.contains("quince") && !file.contains("\"long\""), "{file}");
    assert_eq!(store.forgettable(&Principal::local(), &Extent::Everything).unwrap().messages, 1);
}

#[test]
fn from_the_first_step_on_no_cost_and_no_return_names_it() {
    let (_home, mut store) = two();
    long(&mut store, "longer", 1);
    let back = WarmReturn {
        at: NOW,
        session: id("longer"),
        provider: Provider::Anthropic,
        model: "claude-sonnet-4-5".into(),
        ttl: CacheTtl::FiveMinutes,
        tokens: 7,
        usd: 0.5,
    };
    store.credit(&back).unwrap();
    let forgotten = store.forget(&Principal::local(), &Extent::Everything, NOW).unwrap();
    assert!(!forgotten.left.erased, "the step ended in the first session");
    let by_session = store.costs(UnixMillis(0), CostsBy::Session).unwrap();
    let sums = by_session.iter().map(|it| (it.key.as_str(), it.other_usd, it.warm_saved_usd));
    assert_eq!(sums.collect::<Vec<_>>(), [("", 2.0, 0.5)]);
    let file = exported(&mut store);
    assert!(file.contains("warm_return") && !file.contains("long"), "{file}");
}

#[test]
fn from_the_first_step_on_whoever_knows_its_name_gets_nothing() {
    let (_home, mut whole) = two();
    let message = whole.said(&id("long"), None, 1).unwrap().items[0].id;
    let (_home, mut store) = half();
    let it = &id("long");
    assert!(store.session(it).unwrap().is_none() && store.message(it, message).unwrap().is_none());
    assert!(store.messages(it).unwrap().is_empty() && store.observations(it).unwrap().is_empty());
    assert!(store.pending(it, 9, UnixMillis(0)).unwrap().is_empty());
    let pages = (store.said(it, None, 9).unwrap().total, store.recent_observations(it, 9).unwrap().total);
    assert_eq!(pages, (0, 0));
    assert!(store.counted_turns(it, 9).unwrap().is_empty() && store.costs_of(it).unwrap().is_empty());
    assert!(store.paid_calls(it, Purpose::Distill, UnixMillis(0), 9).unwrap().is_empty());
}

#[test]
fn from_the_first_step_on_nothing_is_added_to_it() {
    let (_home, mut whole) = two();
    let pending = whole.pending(&id("long"), 9, UnixMillis(0)).unwrap();
    let sources: Vec<i64> = pending.iter().map(|message| message.id).collect();
    let observation = whole.observations(&id("long")).unwrap()[0].id;
    let (_home, mut store) = half();
    let it = &id("long");
    assert!(store.store_observations(it, &sources, &["quince".into()], NOW).unwrap().is_empty());
    assert!(store.merge_observations(it, &[observation], &["quince".into()], NOW).unwrap().is_empty());
    assert!(matches!(store.apply_operations(it, &[], NOW), Err(StoreError::Refused(_))));
    assert!(store.record_turn(&turn("long", &history(&["again"], 3), None)).unwrap().forgotten);
}

#[test]
fn no_step_is_large_and_what_others_say_is_recorded_between_them() {
    let (home, mut store) = two();
    let mut left = rows(&home, "long");
    forget(&mut store, "long");
    let mut steps = 0;
    loop {
        let now = rows(&home, "long");
        assert!((left - now) <= ROWS + 1, "{left} {now}");
        left = now;
        if store.erase().unwrap().erased {
            break;
        }
        steps += 1;
        say(&mut store, "short", &["medlar", &format!("cheese {steps}")]);
    }
    assert!(steps >= 4, "{steps}");
    assert_eq!((rows(&home, "long"), texts(&mut store, "short").len()), (0, 1 + steps));
    assert_eq!(store.costs(UnixMillis(0), CostsBy::Nothing).unwrap()[0].other_usd, 1.0);
}

#[test]
fn of_messages_that_are_long_fewer_go_in_a_step() {
    let home = TempDir::new().unwrap();
    let mut store = SqliteStore::open(home.path()).unwrap();
    let words = vec!["marmalade"; 4_000];
    store.record_turn(&turn("long", &history(&words, 40), None)).unwrap();
    let before = rows(&home, "long");
    let forgotten = forget(&mut store, "long");
    let gone = before + 1 - rows(&home, "long") - 40; // Its links went first; it has one row more, among the doomed.
    assert!(!forgotten.left.erased && (1..20).contains(&gone), "{gone}");
}

#[test]
fn a_store_that_was_closed_between_two_steps_goes_on_where_it_was_and_leaves_no_word() {
    let (home, mut store) = two();
    forget(&mut store, "long");
    drop(store);
    let mut store = SqliteStore::open(home.path()).unwrap();
    assert!(store.session(&id("long")).unwrap().is_none());
    assert!(store.recall(None, "quince", 9).unwrap().is_empty());
    while !store.erase().unwrap().erased {}
    assert!(store.erase().unwrap().log_emptied);
    assert_eq!((rows(&home, "long"), texts(&mut store, "short")), (0, vec!["medlar".to_owned()]));
    for file in std::fs::read_dir(home.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"marmalade" || window == b"marmalad "));
    }
}

#[test]
fn whoever_asks_again_is_told_how_much_is_not_erased_yet_whatever_it_is_called_by() {
    let (_home, mut store) = half();
    say(&mut store, "other", &["medlar"]);
    let left = |store: &mut SqliteStore, what: Extent| {
        let found = store.forgettable(&Principal::local(), &what).unwrap();
        (found.sessions.contains(&id("long")), found.unerased.sessions, found.unerased.messages)
    };
    let all = || [Extent::Session(id("long")), Extent::Project("/home/ann/oven".into()), Extent::Everything];
    for what in all() {
        assert_eq!(left(&mut store, what.clone()), (false, 1, 1_300), "{what:?}");
    }
    assert_eq!(left(&mut store, Extent::Session(id("short"))), (false, 0, 0));
    assert_eq!(store.owner(&id("long")).unwrap(), Some(Principal::local()));
    while !store.erase().unwrap().erased {}
    for what in all() {
        assert_eq!(left(&mut store, what), (false, 0, 0));
    }
    assert_eq!(store.owner(&id("long")).unwrap(), None);
}

#[test]
fn it_can_be_brought_in_again_once_it_is_erased_and_is_refused_and_not_left_out_before() {
    let (_home, mut store) = two();
    let records: Vec<Record> =
        exported(&mut store).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    forget(&mut store, "long");
    let early = store.import_some(&Principal::local(), &records, true).unwrap_err();
    assert_eq!(
        early.to_string(),
        "refused, and nothing was changed: session long was forgotten and is still being erased; it can come again when that is done"
    );
    let unasked = store.import_some(&Principal::local(), &records, false).unwrap();
    assert_eq!((unasked.sessions, unasked.left_out > 1_300), (0, true));
    assert!(store.session(&id("long")).unwrap().is_none());
    while !store.erase().unwrap().erased {}
    let late = store.import_some(&Principal::local(), &records, true).unwrap();
    assert_eq!((late.sessions, late.messages), (1, 1_300));
}

#[test]
fn an_export_that_was_under_way_writes_no_more_of_it() {
    let (_home, mut store) = two();
    let mut scribe = Scribe::of(Principal::local());
    let begun = (0..4).filter_map(|_| scribe.write(&mut store).unwrap()).collect::<String>();
    assert!(begun.contains("quince 1 marmalade"), "{begun}");
    forget(&mut store, "long");
    let rest: String = std::iter::from_fn(|| scribe.write(&mut store).unwrap()).collect();
    assert!(rest.contains("medlar") && !rest.contains("quince"), "{rest}");
}

#[test]
fn wherever_in_a_session_a_step_ends_the_session_stays_out_of_sight_until_nothing_is_left_of_it() {
    for messages in 245..253 {
        let home = TempDir::new().unwrap();
        let mut store = SqliteStore::open(home.path()).unwrap();
        store.record_turn(&turn("long", &history(&[], messages), None)).unwrap();
        let mut is_erased = forget(&mut store, "long").left.erased;
        while !is_erased {
            assert!(store.is_erasing().unwrap() && store.session(&id("long")).unwrap().is_none());
            is_erased = store.erase().unwrap().erased;
        }
        assert_eq!((rows(&home, "long"), store.is_erasing().unwrap()), (0, false), "{messages}");
    }
}
