//! The second pass over observations, and that whatever fails nothing is lost or doubled.

use crate::fixture::{id, say, store_with};
use domain::knowledge::Observation;
use domain::time::UnixMillis;
use proptest::prelude::*;
use std::collections::BTreeSet;
use store::{SqliteStore, Store};

const AT: UnixMillis = UnixMillis(3_600_001);

/// A store in which so many messages of `s` were distilled into one line each; every `pin`th is pinned.
fn observed(lines: usize, pin: usize) -> SqliteStore {
    let words: Vec<String> = (0..lines).map(|number| format!("message {number}")).collect();
    let mut store = store_with("s", &words.iter().map(String::as_str).collect::<Vec<_>>());
    for number in 0..lines {
        let source = store.pending(&id("s"), 1, AT).unwrap()[0].id;
        let mark = if number % pin == pin - 1 { "PINNED: " } else { "" };
        let line = format!("{mark}observation {number}");
        store.store_observations(&id("s"), &[source], &[line], AT).unwrap();
    }
    store
}

fn texts(observations: &[Observation]) -> Vec<&str> {
    observations.iter().map(|one| one.text.as_str()).collect()
}

fn merge(store: &mut SqliteStore, lines: &[&str]) -> Vec<Observation> {
    let sources: Vec<i64> = store.mergeable(&id("s")).unwrap().iter().map(|one| one.id).collect();
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    store.merge_observations(&id("s"), &sources, &lines, AT).unwrap()
}

#[test]
fn up_to_twenty_observations_stay_and_of_more_all_but_the_newest_five_are_merged() {
    assert!(observed(20, 100).mergeable(&id("s")).unwrap().is_empty());
    let mut store = observed(21, 100);
    assert_eq!(store.standing(&id("s")).unwrap().unmerged, 21);
    let old = store.mergeable(&id("s")).unwrap();
    assert_eq!(
        (old.len(), old[0].text.as_str(), old[15].text.as_str()),
        (16, "observation 0", "observation 15")
    );
    assert_eq!(merge(&mut store, &["the first sixteen"]).len(), 1);
    let left = store.observations(&id("s")).unwrap();
    assert_eq!(
        texts(&left),
        [
            "the first sixteen",
            "observation 16",
            "observation 17",
            "observation 18",
            "observation 19",
            "observation 20"
        ]
    );
    assert_eq!((left[0].generation, left[1].generation), (1, 0));
    assert_eq!(store.standing(&id("s")).unwrap().unmerged, 5);
    assert_eq!(store.curation_material(&id("s")).unwrap().observations, left);
}

#[test]
fn what_was_merged_is_found_by_its_words_as_before() {
    let mut store = observed(21, 100);
    merge(&mut store, &["all of it"]);
    let hits = store.recall(None, "observation 3", 10).unwrap();
    assert!(hits.iter().any(|hit| hit.text == "observation 3"), "{hits:?}");
}

#[test]
fn what_was_merged_before_is_merged_again_with_what_came_after() {
    let mut store = observed(21, 100);
    merge(&mut store, &["the first"]);
    say(&mut store, "s", &(0..60).map(|_| "more").collect::<Vec<_>>());
    let sources: Vec<i64> = store.pending(&id("s"), 1000, AT).unwrap().iter().map(|it| it.id).collect();
    let lines: Vec<String> = (0..20).map(|number| format!("later {number}")).collect();
    store.store_observations(&id("s"), &sources, &lines, AT).unwrap();
    let old = store.mergeable(&id("s")).unwrap();
    assert_eq!((old.len(), old[0].text.as_str()), (1 + 5 + 15, "the first"));
}

#[test]
fn what_is_pinned_is_never_merged_and_loses_its_mark() {
    let mut store = observed(25, 5);
    let pinned: Vec<Observation> =
        store.observations(&id("s")).unwrap().into_iter().filter(|one| one.pinned).collect();
    assert_eq!(texts(&pinned)[0], "observation 4");
    assert!(store.mergeable(&id("s")).unwrap().is_empty(), "20 are not more than 20");
    let mut store = observed(30, 5);
    assert!(store.mergeable(&id("s")).unwrap().iter().all(|one| !one.pinned));
    merge(&mut store, &["the rest"]);
    let left = store.observations(&id("s")).unwrap();
    assert_eq!(left.iter().filter(|one| one.pinned).count(), 6, "{left:?}");
}

#[test]
fn observations_that_may_not_be_merged_are_not_even_in_part() {
    let mut store = observed(30, 5);
    say(&mut store, "another", &["a"]);
    let all = store.observations(&id("s")).unwrap();
    let pinned = all.iter().find(|one| one.pinned).unwrap().id;
    let free = all.iter().find(|one| !one.pinned).unwrap().id;
    let lines = ["x".to_owned()];
    for (session, sources) in
        [("s", vec![free, pinned]), ("another", vec![free]), ("s", vec![free, 9999]), ("s", vec![])]
    {
        assert!(store.merge_observations(&id(session), &sources, &lines, AT).unwrap().is_empty());
    }
    assert_eq!(store.merge_observations(&id("s"), &[free], &lines, AT).unwrap().len(), 1);
    assert!(store.merge_observations(&id("s"), &[free], &lines, AT).unwrap().is_empty(), "only once");
    assert_eq!(store.observations(&id("s")).unwrap().len(), all.len());
}

/// What may happen to a session while it is distilled.
#[derive(Debug, Clone)]
enum Happening {
    /// More is said.
    Said,
    /// A segment of this size is read; its answer is still to come.
    Read(u64),
    /// An answer to one of the segments that were read comes, however late or often.
    Answered(usize),
    /// An answer is refused, or the process dies before it is written.
    Lost(usize),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let happening = prop_oneof![
        Just(Happening::Said),
        (1_u64..20).prop_map(Happening::Read),
        (0_usize..8).prop_map(Happening::Answered),
        (0_usize..8).prop_map(Happening::Lost),
    ];
    prop::collection::vec(happening, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn whatever_fails_every_message_is_pending_or_distilled_exactly_once(happenings in happenings()) {
        let mut store = store_with("s", &["begin"]);
        let (mut said, mut out) = (vec!["begin".to_owned()], Vec::new());
        let mut covered: Vec<i64> = Vec::new();
        for happening in happenings {
            match happening {
                Happening::Said => {
                    let so_far = said.len();
                    said.extend((0..3).map(|more| format!("word {so_far} {more}")));
                    say(&mut store, "s", &said.iter().map(String::as_str).collect::<Vec<_>>());
                }
                Happening::Read(tokens) => {
                    let segment = store.pending(&id("s"), tokens, AT).unwrap();
                    out.push(segment.iter().map(|message| message.id).collect::<Vec<i64>>());
                }
                Happening::Answered(which) => {
                    let Some(sources) = out.get(which) else { continue };
                    let kept = store.store_observations(&id("s"), sources, &["x".to_owned()], AT).unwrap();
                    if !kept.is_empty() {
                        covered.extend(sources);
                    }
                }
                Happening::Lost(which) if which < out.len() => drop(out.remove(which)),
                Happening::Lost(_) => {}
            }
            let once: BTreeSet<i64> = covered.iter().copied().collect();
            prop_assert_eq!(once.len(), covered.len(), "a message was distilled twice");
            let messages = store.messages(&id("s")).unwrap();
            prop_assert_eq!(messages.len(), said.len());
            for message in messages {
                prop_assert_eq!(message.distilled, once.contains(&message.id));
            }
        }
        while store.standing(&id("s")).unwrap().pending_messages > 0 {
            let rest: Vec<i64> = store.pending(&id("s"), 16, AT).unwrap().iter().map(|it| it.id).collect();
            prop_assert!(!store.store_observations(&id("s"), &rest, &["x".to_owned()], AT).unwrap().is_empty());
        }
    }
}
