//! Distilling: what comes next, and that no message is distilled twice.

use crate::fixture::{id, model, say, store_with, tool_call, tool_result, turn, user};
use domain::time::UnixMillis;
use store::{SqliteStore, Store};

/// Just after the fixture's turns.
const NOW: UnixMillis = UnixMillis(3_600_001);

fn ids(store: &mut SqliteStore, at_most_tokens: u64) -> Vec<i64> {
    store.pending(&id("s"), at_most_tokens, NOW).unwrap().iter().map(|message| message.id).collect()
}

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn pending_messages_come_oldest_first_up_to_the_limit() {
    let mut store = store_with("s", &["12345678", "12345678", "12345678"]);
    say(&mut store, "another", &["12345678"]);
    let texts: Vec<_> =
        store.pending(&id("s"), 4, NOW).unwrap().into_iter().map(|it| (it.tokens, it.distilled)).collect();
    assert_eq!(texts, [(2, false), (2, false)]);
    assert_eq!(ids(&mut store, 100).len(), 3);
    assert!(store.pending(&id("never heard of"), 100, NOW).unwrap().is_empty());
}

#[test]
fn a_tool_s_result_comes_with_its_call() {
    let mut store = SqliteStore::in_memory().unwrap();
    let messages = [user("look"), tool_call("1"), tool_result("1", "found"), model("there it is")];
    store.record_turn(&turn("s", &messages, None)).unwrap();
    let tokens: Vec<u64> = store.messages(&id("s")).unwrap().iter().map(|it| it.tokens).collect();
    assert_eq!(ids(&mut store, tokens[0] + tokens[1]).len(), 1);
    assert_eq!(ids(&mut store, tokens[0] + tokens[1] + tokens[2]).len(), 3);
}

#[test]
fn observations_and_the_mark_on_what_they_cover_are_written_together() {
    let mut store = store_with("s", &["a", "b", "c"]);
    let first_two = &ids(&mut store, 100)[..2];
    let written = store
        .store_observations(&id("s"), first_two, &lines(&["they said a", " ", " and b "]), UnixMillis(5))
        .unwrap();
    let texts: Vec<&str> = written.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["they said a", "and b"]);
    assert_eq!(store.observations(&id("s")).unwrap(), written);
    assert_eq!((written[0].at, &written[0].session), (UnixMillis(5), &id("s")));
    let distilled: Vec<bool> = store.messages(&id("s")).unwrap().iter().map(|it| it.distilled).collect();
    assert_eq!(distilled, [true, true, false]);
    assert_eq!(ids(&mut store, 100).len(), 1);
}

#[test]
fn what_is_covered_already_is_not_covered_again_not_even_in_part() {
    let mut store = store_with("s", &["a", "b", "c"]);
    let all = ids(&mut store, 100);
    store.store_observations(&id("s"), &all[..1], &lines(&["first"]), UnixMillis(1)).unwrap();
    for sources in [&all[..1], &all[..]] {
        assert!(
            store
                .store_observations(&id("s"), sources, &lines(&["again"]), UnixMillis(2))
                .unwrap()
                .is_empty()
        );
    }
    assert_eq!(store.observations(&id("s")).unwrap().len(), 1);
    assert_eq!(ids(&mut store, 100), all[1..], "the others are still to be distilled");
}

#[test]
fn messages_of_another_session_cannot_be_covered() {
    let mut store = store_with("s", &["a"]);
    say(&mut store, "another", &["b"]);
    let foreign: Vec<i64> = store.messages(&id("another")).unwrap().iter().map(|it| it.id).collect();
    for sources in [&foreign[..], &[999], &[]] {
        assert!(
            store.store_observations(&id("s"), sources, &lines(&["x"]), UnixMillis(1)).unwrap().is_empty()
        );
    }
    assert!(store.observations(&id("s")).unwrap().is_empty());
    assert!(!store.messages(&id("another")).unwrap()[0].distilled);
}

#[test]
fn the_curator_sees_observations_and_what_is_not_distilled_yet() {
    let mut store = store_with("s", &["a", "b", "c"]);
    let sources = &ids(&mut store, 100)[..2];
    store.store_observations(&id("s"), sources, &lines(&["one", "two"]), UnixMillis(1)).unwrap();
    let material = store.curation_material(&id("s")).unwrap();
    let observed: Vec<&str> = material.observations.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(observed, ["one", "two"]);
    let said: Vec<&str> = material.messages.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(said, ["c"]);
    assert!(material.entries.is_empty());
    assert_eq!(store.curation_material(&id("never heard of")).unwrap(), store::CurationMaterial::default());
}
