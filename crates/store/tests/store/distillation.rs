//! Distilling: what comes next, and that no message is distilled twice.

use crate::fixture::{id, model, say, store_with, tool_call, tool_result, turn, user};
use domain::segment::GIVEN_UP;
use domain::time::{DAY, UnixMillis};
use store::{SqliteStore, Store, Vain};

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
fn what_no_answer_is_of_use_for_is_passed_over_in_the_end_and_still_found() {
    let mut store = store_with("s", &["peculiar", "b", "c"]);
    say(&mut store, "another", &["x", "y"]);
    let all = ids(&mut store, 100);
    for refusals in 1..GIVEN_UP {
        assert!(!store.refuse(&id("s"), &Vain::Messages(all[..1].to_vec()), UnixMillis(5)).unwrap());
        assert_eq!(store.refusals(&id("s")).unwrap(), refusals);
    }
    let others = store.pending(&id("another"), 100, NOW).unwrap()[0].id;
    store.store_observations(&id("another"), &[others], &lines(&["they said x"]), UnixMillis(6)).unwrap();
    assert!(store.refuse(&id("s"), &Vain::Messages(all[..1].to_vec()), UnixMillis(7)).unwrap());
    assert_eq!(ids(&mut store, 100), all[1..], "those behind it are next");
    assert_eq!(store.refusals(&id("s")).unwrap(), 0, "and begin anew");
    assert_eq!(store.observations(&id("s")).unwrap(), []);
    let found = store.recall(None, "peculiar", 5).unwrap();
    assert_eq!(found[0].text, "peculiar", "{found:?}");
}

#[test]
fn while_no_answer_is_of_use_at_all_nothing_is_passed_over_for_a_day() {
    let mut store = store_with("s", &["a", "b"]);
    let all = ids(&mut store, 100);
    store.store_observations(&id("s"), &all[..1], &lines(&["they said a"]), UnixMillis(4)).unwrap();
    let mut refuse = |at| store.refuse(&id("s"), &Vain::Messages(all[1..].to_vec()), UnixMillis(at)).unwrap();
    for at in 5..5 + i64::from(2 * GIVEN_UP) {
        assert!(!refuse(at), "at {at}");
    }
    assert!(!refuse(5 + DAY - 1));
    assert!(refuse(5 + DAY));
}

#[test]
fn answers_of_no_use_count_in_a_row_about_the_same_beginning_only() {
    let mut store = store_with("s", &["a", "b", "c"]);
    let all = ids(&mut store, 100);
    for _ in 0..3 {
        store.refuse(&id("s"), &Vain::Messages(all.clone()), UnixMillis(5)).unwrap();
    }
    assert_eq!(store.refusals(&id("s")).unwrap(), 3);
    store.store_observations(&id("s"), &all[..1], &lines(&["they said a"]), UnixMillis(5)).unwrap();
    assert_eq!(store.refusals(&id("s")).unwrap(), 0, "something was kept");
    store.refuse(&id("s"), &Vain::Messages(all[1..].to_vec()), UnixMillis(5)).unwrap();
    assert_eq!(store.refusals(&id("s")).unwrap(), 1);
    for nothing in [&all[..], &[]] {
        assert!(!store.refuse(&id("s"), &Vain::Messages(nothing.to_vec()), UnixMillis(5)).unwrap());
    }
    assert_eq!(store.refusals(&id("s")).unwrap(), 1, "what is covered by now does not count");
    assert_eq!(store.refusals(&id("never heard of")).unwrap(), 0);
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
