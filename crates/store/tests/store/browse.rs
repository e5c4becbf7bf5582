//! What pages ask: bounded stretches, in the order in which a page shows them.

use crate::fixture::{id, model, say, store_with, turn, user};
use domain::conversation::Usage;
use domain::ids::{KnowledgeId, Principal};
use domain::knowledge::{Category, Operation};
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use store::{Browse as _, Draft, LONGEST_EXCERPT, LedgerEntry, SqliteStore, Store as _};

#[test]
fn a_page_of_sessions_begins_where_it_is_asked_to_and_tells_how_many_there_are() {
    let mut store = store_with("a", &["hello"]);
    for (name, at) in [("b", 4_000_000), ("c", 5_000_000)] {
        let mut later = turn(name, &[user("hello")], None);
        later.at = UnixMillis(at);
        store.record_turn(&later).unwrap();
    }
    let page = store.recent_sessions(1, 1).unwrap();
    let names: Vec<_> = page.items.iter().map(|session| session.id.as_str()).collect();
    assert_eq!((names, page.total), (vec!["b"], 3));
}

#[test]
fn messages_are_read_backwards_a_page_at_a_time_and_each_page_is_in_order() {
    let mut store = store_with("s", &["one", "two", "three", "four", "five"]);
    say(&mut store, "other", &["not this"]);
    let last = store.said(&id("s"), None, 2).unwrap();
    let texts = |items: &[store::Excerpt]| items.iter().map(|it| it.text.clone()).collect::<Vec<_>>();
    assert_eq!((texts(&last.items), last.total), (vec!["four".to_owned(), "five".to_owned()], 5));
    let before = store.said(&id("s"), Some(last.items[0].id), 9).unwrap();
    assert_eq!(texts(&before.items), ["one", "two", "three"]);
}

#[test]
fn an_excerpt_says_how_much_it_leaves_out_and_never_splits_a_character() {
    let long = "\u{e4}\0".repeat(1_500);
    let mut store = store_with("s", &[&long]);
    let page = store.said(&id("s"), None, 1).unwrap();
    let excerpt = &page.items[0];
    assert!(long.starts_with(&excerpt.text), "the beginning, whatever is in it");
    assert_eq!(excerpt.text.len() + excerpt.left_out, long.len());
    assert!(excerpt.text.len() > LONGEST_EXCERPT - 4, "{}", excerpt.text.len());
    let whole = store.message(&id("s"), excerpt.id).unwrap().unwrap();
    assert_eq!(whole.text, long);
    assert_eq!(store.message(&id("another"), excerpt.id).unwrap(), None, "only within its session");
}

#[test]
fn the_last_turns_come_in_order_with_what_the_provider_counted() {
    let mut store = SqliteStore::in_memory().unwrap();
    for (at, words) in [(10, "a"), (20, "b"), (30, "c")] {
        let mut told = turn("s", &[user(words)], Some(model("yes")));
        told.at = UnixMillis(at);
        told.usage.cache_read = at.unsigned_abs();
        store.record_turn(&told).unwrap();
    }
    let turns = store.counted_turns(&id("s"), 2).unwrap();
    let counted: Vec<_> = turns.iter().map(|turn| (turn.at.0, turn.usage.cache_read)).collect();
    assert_eq!(counted, [(20, 20), (30, 30)]);
}

#[test]
fn only_accepted_calls_of_one_purpose_and_session_count_as_paid() {
    let mut store = store_with("s", &["hello"]);
    let call = |at, session: &str, purpose, status| LedgerEntry {
        at: UnixMillis(at),
        session: Some(id(session)),
        purpose,
        provider: Provider::Anthropic,
        model: "m".into(),
        status,
        usage: Usage::default(),
        usd: 0.5,
        attempts: 1,
    };
    for entry in [
        call(1, "s", Purpose::Warm, Some(200)),
        call(2, "s", Purpose::Warm, Some(401)),
        call(3, "s", Purpose::Warm, None),
        call(4, "s", Purpose::Distill, Some(200)),
        call(5, "other", Purpose::Warm, Some(200)),
        call(6, "s", Purpose::Warm, Some(200)),
    ] {
        store.charge(&entry).unwrap();
    }
    let paid = |since, store: &mut SqliteStore| {
        let calls = store.paid_calls(&id("s"), Purpose::Warm, UnixMillis(since), 10).unwrap();
        calls.iter().map(|call| call.at.0).collect::<Vec<_>>()
    };
    assert_eq!(paid(0, &mut store), [1, 6]);
    assert_eq!(paid(2, &mut store), [6]);
    let costs = store.costs_of(&id("s")).unwrap();
    let sums: Vec<_> =
        costs.iter().map(|cost| (cost.key.as_str(), cost.warm_cost_usd, cost.other_usd)).collect();
    assert_eq!(sums, [("warm", 2.0, 0.0), ("distill", 0.0, 0.5)]);
}

#[test]
fn an_entry_remembers_what_it_said_before() {
    let mut store = SqliteStore::in_memory().unwrap();
    let name = KnowledgeId::from("k1");
    for (at, content) in [(1, "rye"), (2, "wheat"), (3, "spelt")] {
        let draft = Draft {
            category: Category::Gotcha,
            title: "Flour".into(),
            content: content.into(),
            confidence: 1.0,
        };
        store.put_entry(&Principal::local(), &name, &draft, UnixMillis(at)).unwrap();
    }
    let versions = store.versions(&name, 1).unwrap();
    assert_eq!((versions.items[0].version, versions.items[0].draft.content.as_str()), (2, "wheat"));
    assert_eq!((versions.items.len(), versions.total, versions.items[0].written.0), (1, 2, 2));
    assert_eq!(store.entry(&name).unwrap().unwrap().content, "spelt");
    assert_eq!(store.recent_entries(0, 9).unwrap().total, 1);
    assert_eq!(store.recent_entries(1, 9).unwrap().items, []);
    assert_eq!(store.entries_of(&id("s"), 9).unwrap().total, 0, "written by hand, so of no session");
}

#[test]
fn the_page_of_a_session_shows_what_came_of_it_and_of_no_other_the_newest_first() {
    let mut store = store_with("s", &["hello"]);
    say(&mut store, "other", &["hello"]);
    for (at, session) in [(1, "s"), (2, "other"), (3, "s")] {
        let known = Operation::Create {
            category: Category::Gotcha,
            title: format!("Oven {at}"),
            content: format!("number {at} needs {} hours", 100 * at),
            confidence: 0.75,
        };
        store.apply_operations(&id(session), &[known], UnixMillis(at)).unwrap();
        let pending = store.pending(&id(session), 9, UnixMillis(0)).unwrap();
        let sources: Vec<i64> = pending.iter().map(|message| message.id).collect();
        store.store_observations(&id(session), &sources, &[format!("line {at}")], UnixMillis(at)).unwrap();
        say(&mut store, session, &["hello", "and more", &format!("until {at}")]);
    }
    let titles = |page: store::Page<domain::knowledge::KnowledgeEntry>| {
        (page.items.into_iter().map(|entry| entry.title).collect::<Vec<_>>().join(", "), page.total)
    };
    assert_eq!(titles(store.entries_of(&id("s"), 9).unwrap()), ("Oven 3, Oven 1".to_owned(), 2));
    assert_eq!(titles(store.recent_entries(0, 9).unwrap()), ("Oven 3, Oven 2, Oven 1".to_owned(), 3));
    let observed = store.recent_observations(&id("s"), 1).unwrap();
    assert_eq!((observed.items[0].text.as_str(), observed.items.len(), observed.total), ("line 3", 1, 2));
}
