//! Sessions: what lists tell, what is left to do, and how one is recognised again.

use crate::fixture::{id, model, say, store_with, turn, user};
use domain::conversation::{Usage, chain};
use domain::ids::Principal;
use domain::time::UnixMillis;
use store::{Recorded, SqliteStore, Store};

#[test]
fn a_summary_follows_the_last_turn_and_adds_up_the_usage() {
    let mut store = store_with("s", &["a", "b"]);
    let mut later = turn("s", &[user("a"), model("b"), user("c")], Some(model("d")));
    later.model = "claude-opus-4-5".into();
    later.at = UnixMillis(7_200_000);
    later.directory = Some("/home/ann/oven/door".into());
    store.record_turn(&later).unwrap();
    let summary = store.session(&id("s")).unwrap().unwrap();
    assert_eq!((summary.turns, summary.model.as_str()), (2, "claude-opus-4-5"));
    assert_eq!((summary.created, summary.last_activity), (UnixMillis(3_600_000), UnixMillis(7_200_000)));
    assert_eq!(
        summary.directory.as_deref(),
        Some("/home/ann/oven"),
        "a session stays with its first project"
    );
    let twice = Usage { input: 20, cache_read: 200, cache_write_5m: 10, cache_write_1h: 2, output: 14 };
    assert_eq!(summary.usage, twice);
    assert_eq!(summary.upstream_origin, "https://api.anthropic.com");
}

#[test]
fn whatever_a_provider_claims_to_have_counted_the_session_can_still_be_listed() {
    let mut store = SqliteStore::in_memory().unwrap();
    for text in ["a", "b", "c"] {
        let mut absurd = turn("s", &[user(text)], None);
        absurd.usage = Usage { input: u64::MAX, output: u64::MAX, ..Usage::default() };
        store.record_turn(&absurd).unwrap();
    }
    assert!(store.sessions(None).unwrap()[0].usage.input > 1_000_000_000_000);
}

#[test]
fn sessions_are_listed_by_owner_and_the_last_used_first() {
    let mut store = store_with("old", &["a"]);
    let mut newer = turn("new", &[user("a")], None);
    newer.at = UnixMillis(9_000_000);
    newer.principal = Principal::from("bob");
    store.record_turn(&newer).unwrap();
    let names = |store: &mut SqliteStore, principal: Option<&Principal>| -> Vec<String> {
        store.sessions(principal).unwrap().iter().map(|it| it.id.to_string()).collect()
    };
    assert_eq!(names(&mut store, None), ["new", "old"]);
    assert_eq!(names(&mut store, Some(&Principal::from("bob"))), ["new"]);
    assert!(store.session(&id("never heard of")).unwrap().is_none());
}

#[test]
fn heads_tell_how_each_conversation_ended_and_a_late_turn_does_not_move_one_back() {
    let mut store = SqliteStore::in_memory().unwrap();
    let early = turn("s", &[user("a")], Some(model("b")));
    store.record_turn(&early).unwrap();
    store.record_turn(&turn("s", &[user("a"), model("b"), user("c")], Some(model("d")))).unwrap();
    store.record_turn(&early).unwrap();
    let head = store.heads().unwrap().remove(0);
    assert_eq!(head.head, chain(&[user("a"), model("b"), user("c"), model("d")])[3]);
    assert_eq!((head.session, head.principal), (id("s"), Principal::local()));
    assert_eq!(head.identity.as_deref(), Some("client's s"));
}

#[test]
fn the_backlog_lists_what_is_undistilled_or_uncurated_and_nothing_else() {
    let mut store = store_with("s", &["12345678", "1234"]);
    say(&mut store, "done", &["a"]);
    let sources: Vec<i64> = store.messages(&id("done")).unwrap().iter().map(|it| it.id).collect();
    store.store_observations(&id("done"), &sources, &[], UnixMillis(1)).unwrap();
    let backlog = store.backlog().unwrap();
    let figures: Vec<_> =
        backlog.iter().map(|it| (it.session.id.as_str(), it.pending_messages, it.pending_tokens)).collect();
    assert_eq!(figures, [("done", 0, 0), ("s", 2, 3)]);
    assert!(backlog.iter().all(|it| it.turns_since_curation == 1));
    store.apply_operations(&id("done"), &[], UnixMillis(2)).unwrap();
    assert_eq!(store.backlog().unwrap().len(), 1);
}

#[test]
fn a_session_stands_as_its_last_recording_told_until_something_is_distilled() {
    let mut store = SqliteStore::in_memory().unwrap();
    let recorded = store.record_turn(&turn("s", &[user("12345678")], Some(model("1234")))).unwrap();
    let standing = store.standing(&id("s")).unwrap();
    assert_eq!(standing, Recorded { new_messages: 0, ..recorded });
    let first = store.messages(&id("s")).unwrap()[0].id;
    store.store_observations(&id("s"), &[first], &[], UnixMillis(1)).unwrap();
    let left = store.standing(&id("s")).unwrap();
    assert_eq!(left, Recorded { pending_messages: 1, pending_tokens: 1, ..standing });
    assert_eq!(store.standing(&id("never heard of")).unwrap(), Recorded::default());
}
