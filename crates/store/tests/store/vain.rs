//! Answers of no use about what is to be curated, merged or made fewer: counted in a row, and not paid for without end.

use crate::fixture::{id, say, store_with};
use domain::fading::CONSOLIDATION_REST;
use domain::ids::Principal;
use domain::knowledge::{Category, Operation};
use domain::segment::GIVEN_UP;
use domain::time::{DAY, UnixMillis};
use store::{Extent, SqliteStore, Store, Vain, Yours};

const AT: UnixMillis = UnixMillis(3_600_001);

/// Something that another session says is distilled then, so answers are of use.
fn an_answer_is_of_use(store: &mut SqliteStore, at: i64) {
    say(store, "another", &[&format!("said at {at}")]);
    let sources: Vec<i64> =
        store.pending(&id("another"), 1000, UnixMillis(at)).unwrap().iter().map(|it| it.id).collect();
    store.store_observations(&id("another"), &sources, &["it".into()], UnixMillis(at)).unwrap();
}

/// Session `s` has so many observations that some are to be merged.
fn observed() -> SqliteStore {
    let mut store = store_with("s", &["a"]);
    more_is_observed(&mut store, "a", 21);
    store
}

fn more_is_observed(store: &mut SqliteStore, said: &str, lines: usize) {
    say(store, "s", &[said]);
    let sources: Vec<i64> = store.pending(&id("s"), 1000, AT).unwrap().iter().map(|it| it.id).collect();
    let lines: Vec<String> = (0..lines).map(|number| format!("{said} {number}")).collect();
    store.store_observations(&id("s"), &sources, &lines, AT).unwrap();
}

fn mergeable(store: &mut SqliteStore) -> Vec<i64> {
    store.mergeable(&id("s")).unwrap().iter().map(|one| one.id).collect()
}

#[test]
fn what_no_answer_of_the_curator_is_of_use_for_is_passed_over_until_more_is_said() {
    let mut store = store_with("s", &["a"]);
    let refuse =
        |store: &mut SqliteStore, at| store.refuse(&id("s"), &Vain::Curation, UnixMillis(at)).unwrap();
    for at in 1..i64::from(GIVEN_UP) {
        assert!(!refuse(&mut store, at));
    }
    an_answer_is_of_use(&mut store, 5);
    assert_eq!(store.standing(&id("s")).unwrap().turns_since_curation, 1);
    assert!(refuse(&mut store, 20));
    assert_eq!(store.standing(&id("s")).unwrap().turns_since_curation, 0);
    say(&mut store, "s", &["a", "b"]);
    assert_eq!(store.standing(&id("s")).unwrap().turns_since_curation, 1);
    assert!(refuse(&mut store, 30), "what comes then is tried once");
    say(&mut store, "s", &["a", "b", "c"]);
    store.apply_operations(&id("s"), &[], UnixMillis(31)).unwrap();
    say(&mut store, "s", &["a", "b", "c", "d"]);
    assert!(!refuse(&mut store, 40), "until one was of use");
}

#[test]
fn after_an_answer_of_use_the_day_for_which_the_curator_gives_nothing_up_begins_anew() {
    let mut store = store_with("s", &["a"]);
    let refuse =
        |store: &mut SqliteStore, at| store.refuse(&id("s"), &Vain::Curation, UnixMillis(at)).unwrap();
    assert!(!refuse(&mut store, 1));
    store.apply_operations(&id("s"), &[], UnixMillis(2)).unwrap();
    an_answer_is_of_use(&mut store, 3);
    for at in DAY..DAY + i64::from(2 * GIVEN_UP) {
        assert!(!refuse(&mut store, at), "what was long ago or of use before tells nothing: at {at}");
    }
    assert!(refuse(&mut store, 2 * DAY));
}

#[test]
fn while_no_answer_is_of_use_at_all_the_curator_gives_nothing_up_for_a_day() {
    let mut store = store_with("s", &["a"]);
    let mut refuse = |at| store.refuse(&id("s"), &Vain::Curation, UnixMillis(at)).unwrap();
    for at in 1..=i64::from(2 * GIVEN_UP) {
        assert!(!refuse(at), "at {at}");
    }
    assert!(!refuse(DAY));
    assert!(refuse(DAY + 1));
}

#[test]
fn observations_that_no_answer_can_merge_stay_as_they_are_and_later_ones_are_merged() {
    let mut store = observed();
    let first = mergeable(&mut store);
    let about = Vain::Observations(first.clone());
    for _ in 1..GIVEN_UP {
        assert!(!store.refuse(&id("s"), &about, AT).unwrap());
    }
    an_answer_is_of_use(&mut store, AT.0);
    assert_eq!(mergeable(&mut store), first);
    assert!(store.refuse(&id("s"), &about, AT).unwrap());
    assert_eq!((mergeable(&mut store), store.standing(&id("s")).unwrap().unmerged), (vec![], 5));
    assert!(!store.backlog().unwrap().iter().any(|it| it.session.id == id("s") && it.unmerged > 5));
    assert_eq!(store.observations(&id("s")).unwrap().len(), 21, "all of them are there");
    assert!(!store.refuse(&id("s"), &about, AT).unwrap(), "nobody works on them any more");
    assert!(store.merge_observations(&id("s"), &first, &["x".into()], AT).unwrap().is_empty());

    more_is_observed(&mut store, "b", 15);
    assert_eq!(mergeable(&mut store), [0; 0], "twenty are not too many, whatever was passed over");
    more_is_observed(&mut store, "d", 1);
    let later = mergeable(&mut store);
    assert_eq!(later.len(), 16, "the five that were new, and eleven of these");
    assert!(later.iter().all(|one| !first.contains(one)));
    store.merge_observations(&id("s"), &later, &["all of them".into()], AT).unwrap();
    more_is_observed(&mut store, "c", 20);
    let last = mergeable(&mut store);
    assert!(!store.refuse(&id("s"), &Vain::Observations(last), AT).unwrap(), "one was of use in between");
}

#[test]
fn after_answers_of_no_use_a_crowd_rests_for_longer_each_time_until_one_is() {
    let mut store = store_with("s", &["a"]);
    let create = |title: &str| Operation::Create {
        category: Category::Decision,
        title: title.into(),
        content: format!("{title} it is"),
        confidence: 0.75,
    };
    store.apply_operations(&id("s"), &["Rye", "Oven", "Salt"].map(create), UnixMillis(1)).unwrap();
    let begins_after = |store: &mut SqliteStore, hours: i64| {
        let (most, now) = (2, UnixMillis(hours * CONSOLIDATION_REST));
        !store.begin_consolidation(&id("s"), most, now).unwrap().is_empty()
    };
    assert!(begins_after(&mut store, 0));
    assert!(!store.refuse(&id("s"), &Vain::Consolidation, UnixMillis(1)).unwrap());
    assert_eq!([1, 2].map(|hours| begins_after(&mut store, hours)), [false, true]);
    store.refuse(&id("s"), &Vain::Consolidation, UnixMillis(1)).unwrap();
    assert_eq!([5, 6].map(|hours| begins_after(&mut store, hours)), [false, true]);
    store.consolidate(&id("s"), &[], UnixMillis(1)).unwrap();
    assert!(begins_after(&mut store, 7));
    assert_eq!(store.standing(&id("s")).unwrap().turns_since_curation, 0, "that is another count");
}

#[test]
fn a_session_that_is_not_there_or_was_forgotten_counts_nothing() {
    let mut store = observed();
    let all = [Vain::Curation, Vain::Consolidation, Vain::Observations(vec![1]), Vain::Observations(vec![])];
    for about in &all {
        assert!(!store.refuse(&id("never heard of"), about, AT).unwrap());
    }
    store.forget(&Principal::local(), &Extent::Session(id("s")), AT).unwrap();
    for about in &all {
        assert!(!store.refuse(&id("s"), about, AT).unwrap());
    }
}
