//! What is asked of a time is answered from that time.

use crate::fixture::{id, model, tool_call, tool_result, turn, user};
use domain::conversation::Message;
use domain::ids::Principal;
use domain::knowledge::{Category, Operation};
use domain::time::UnixMillis;
use domain::vector::{ModelName, QueryVector, Vector};
use store::{Hit, Period, Scope, SqliteStore, Store, TextKey, TurnRecord, Unembedded};

const DAY: i64 = 86_400_000;

fn on(day: i64) -> UnixMillis {
    UnixMillis(day * DAY)
}

/// From the first of these days to the last, which is in it.
fn days(first: i64, last: i64) -> Period {
    Period { since: Some(on(first)), until: Some(on(last + 1)) }
}

fn say(store: &mut SqliteStore, session: &str, day: i64, messages: &[Message]) {
    store.record_turn(&TurnRecord { at: on(day), ..turn(session, messages, None) }).unwrap();
}

/// A session that goes on for three days, a word of the oven on each; what was said on the first day was distilled on the third. And one of
/// the second day alone, in which a tool spoke, too.
fn bakery() -> SqliteStore {
    let mut store = SqliteStore::in_memory().unwrap();
    let said = [user("The oven is cold"), model("I see"), user("The oven is warm"), user("The oven is hot")];
    for (day, so_far) in [(1, 2), (2, 3), (3, 4)] {
        say(&mut store, "s", day, &said[..so_far]);
    }
    let read = [user("Read the oven's manual"), tool_call("1"), tool_result("1", "Never open the oven")];
    say(&mut store, "manual", 2, &read);
    let first = store.messages(&id("s")).unwrap()[0].id;
    store.store_observations(&id("s"), &[first], &["The oven was cold".into()], on(3)).unwrap();
    let (title, content) = ("Oven".to_owned(), "It takes two days".to_owned());
    let create = Operation::Create { category: Category::Gotcha, title, content, confidence: 0.9 };
    store.apply_operations(&id("s"), &[create], on(2)).unwrap();
    store
}

/// Texts, in their order.
fn texts(hits: Vec<Hit>) -> Vec<String> {
    hits.into_iter().map(|hit| hit.text).collect()
}

fn found(store: &mut SqliteStore, period: Period, query: &str) -> Vec<String> {
    texts(store.recall_within(Scope { period, ..Scope::default() }, query, 10).unwrap())
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

#[test]
fn words_find_what_was_said_and_written_in_the_time_and_nothing_next_to_it() {
    let mut store = bakery();
    let whole = found(&mut store, Period::default(), "oven");
    assert_eq!(whole.len(), 9, "with what stands around it: {whole:?}");
    let on_second = found(&mut store, days(2, 2), "oven");
    assert_eq!(on_second.len(), 5, "with the call of the tool: {on_second:?}");
    for of_another in ["The oven is cold", "I see", "The oven is hot", "The oven was cold"] {
        assert!(!on_second.iter().any(|text| text == of_another), "{on_second:?}");
    }
    assert_eq!(found(&mut store, days(3, 3), "oven"), ["The oven is hot"]);
    let since_third = Period { since: Some(on(3)), until: None };
    assert_eq!(found(&mut store, since_third, "oven"), ["The oven is hot"]);
    assert_eq!(found(&mut store, days(4, 9), "oven"), [""; 0]);
}

#[test]
fn what_is_of_the_time_is_found_however_much_of_another_time_fits_better() {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, "then", 1, &[user("Of all that was said of the mill this is what was said then")]);
    say(&mut store, "now", 5, &(0..500).map(|n| user(&format!("mill {n}"))).collect::<Vec<_>>());
    assert_eq!(found(&mut store, days(1, 1), "mill").len(), 1);
}

#[test]
fn an_observation_is_of_the_time_in_which_it_was_said_however_late_it_was_written() {
    let mut store = bakery();
    let until_first = Period { since: None, until: Some(on(2)) };
    for query in ["oven cold", ""] {
        let found = found(&mut store, until_first, query);
        assert_eq!(found[..2], ["The oven was cold", "The oven is cold"], "{query:?}");
    }
    for scope in [Scope::default(), Scope { period: until_first, ..Scope::default() }] {
        let hits = store.recall_within(scope, "oven cold", 10).unwrap();
        let observed = hits.iter().find(|hit| hit.text == "The oven was cold").unwrap();
        assert_eq!(observed.at, on(1), "and says so");
    }
}

#[test]
fn without_words_what_people_said_and_what_was_written_in_the_time_is_found_the_latest_of_each_first() {
    let mut store = bakery();
    let all = ["It takes two days", "The oven was cold", "The oven is hot", "Read the oven's manual"];
    assert_eq!(found(&mut store, days(1, 3), "")[..4], all, "neither what models nor what tools said");
    assert_eq!(found(&mut store, days(1, 3), "").len(), 6);
    for nothing in [" ?! ", "What did we do?", "Was war das, und wo?"] {
        assert_eq!(found(&mut store, days(1, 3), nothing).len(), 6, "{nothing}");
    }
    assert_eq!(found(&mut store, Period::default(), ""), [""; 0]);
    let scope = Scope { period: days(1, 3), ..Scope::default() };
    assert_eq!(store.recall_within(scope, "", 2).unwrap().len(), 2);
}

#[test]
fn a_time_is_asked_within_an_owner_and_a_project() {
    let (mut store, ann, bob) = (bakery(), Principal::local(), Principal::from("bob"));
    let mut count = |principal, project, query| {
        let scope = Scope { principal: Some(principal), project, period: days(2, 2) };
        store.recall_within(scope, query, 10).unwrap().len()
    };
    for (query, all) in [("", 3), ("oven", 5)] {
        assert_eq!(count(&ann, None, query), all);
        assert_eq!(count(&ann, Some("/home/ann/oven"), query), all);
        assert_eq!([count(&ann, Some("/home/ann/garden"), query), count(&bob, None, query)], [0, 0]);
    }
}

#[test]
fn what_means_alike_is_found_in_the_time_only() {
    const MODEL: ModelName = ModelName([1; 32]);
    let mut store = bakery();
    let alike = || Vector::of(&[1.0, 0.1]);
    let made = |text: Unembedded| -> (TextKey, Vec<Vector>) {
        let vectors = text.parts.iter().map(|_| alike()).collect();
        (text.key, vectors)
    };
    let texts_left = store.unembedded(&MODEL, 100).unwrap();
    store.keep_vectors(&MODEL, &texts_left.into_iter().map(made).collect::<Vec<_>>()).unwrap();
    let near = QueryVector { model: MODEL, vector: alike() };
    let mut meant = |period| {
        let scope = Scope { period, ..Scope::default() };
        sorted(texts(store.recall_near(scope, "bread", Some(&near), 20).unwrap()))
    };
    assert_eq!(meant(days(1, 1)), ["I see", "The oven is cold", "The oven was cold"]);
    assert_eq!(meant(days(3, 3)), ["The oven is hot"]);
    let on_second = meant(days(2, 2));
    assert!(on_second.contains(&"It takes two days".to_owned()), "{on_second:?}");
    assert!(!on_second.iter().any(|text| text.contains("cold") || text.contains("hot")), "{on_second:?}");
    assert_eq!(meant(days(4, 9)), [""; 0]);
}
