//! What keeps knowledge small and true: doubles, graves, contradictions, use and consolidation.

use crate::fixture::{id, say, store_with, turn, user};
use domain::fading::CONSOLIDATION_REST;
use domain::ids::KnowledgeId;
use domain::knowledge::{Category, KnowledgeEntry, Operation};
use domain::time::UnixMillis;
use store::{Applied, Draft, SqliteStore, Store};

const LIMIT: &str = "The retry limit of the uploader is 5 for all hosts";
const REWORDED: &str = "the retry limit of the uploader is 5, for all hosts!";

fn create(title: &str, content: &str) -> Operation {
    let (title, content) = (title.to_owned(), content.to_owned());
    Operation::Create { category: Category::Decision, title, content, confidence: 0.75 }
}

fn delete(id: &str) -> Operation {
    Operation::Delete { id: id.into(), reason: "no longer so".into() }
}

fn apply(store: &mut SqliteStore, at: i64, operations: &[Operation]) -> Applied {
    store.apply_operations(&id("s"), operations, UnixMillis(at)).unwrap()
}

fn entry(store: &mut SqliteStore, id: &str) -> Option<KnowledgeEntry> {
    store.knowledge(None).unwrap().into_iter().find(|entry| entry.id.as_str() == id)
}

fn against(store: &mut SqliteStore, id: &str) -> Vec<String> {
    let entry = entry(store, id).unwrap();
    entry.contradicts.into_iter().map(|other| other.id.to_string()).collect()
}

#[test]
fn what_says_the_same_in_nearly_the_same_words_becomes_a_new_version_of_it() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, 1, &[create("Uploader", LIMIT), create("Oven", "It is hot")]);
    let applied = apply(&mut store, 2, &[create("The uploader", REWORDED)]);
    assert_eq!(applied, Applied { updated: 1, ..Applied::default() });
    let merged = entry(&mut store, "k1").unwrap();
    assert_eq!((merged.title.as_str(), merged.content.as_str(), merged.version), ("Uploader", REWORDED, 2));
    let other =
        apply(&mut store, 3, &[create("Uploader hosts", "The uploader speaks to three hosts in Europe")]);
    assert_eq!(other.created, 1, "about the same thing, but it says something else");
}

#[test]
fn what_says_the_same_without_blanks_between_its_words_becomes_a_new_version_too() {
    let mut store = store_with("s", &["x"]);
    let said = "存储的测试需要一个会同步的磁盘，否则会失败";
    apply(&mut store, 1, &[create("one", said)]);
    apply(&mut store, 2, &[create("other", "存储的测试需要一个会同步的磁盘，否则就会失败！")]);
    apply(&mut store, 3, &[create("third", "缓存每小时预热一次")]);
    assert_eq!(entry(&mut store, "k1").map(|entry| entry.version), Some(2));
    assert_eq!(store.knowledge(None).unwrap().len(), 2);
}

#[test]
fn what_was_deleted_does_not_come_back_in_other_words() {
    for by_hand in [false, true] {
        let mut store = store_with("s", &["a"]);
        apply(&mut store, 1, &[create("Uploader", LIMIT)]);
        if by_hand {
            store.delete_entry(&KnowledgeId::from("k1"), UnixMillis(2)).unwrap();
        } else {
            apply(&mut store, 2, &[delete("k1")]);
        }
        assert_eq!(apply(&mut store, 3, &[create("The uploader", REWORDED)]), Applied::default());
        assert!(store.knowledge(None).unwrap().is_empty());
        let other = LIMIT.replace('5', "8");
        assert_eq!(apply(&mut store, 4, &[create("Uploader", &other)]).created, 1, "it says something else");
    }
}

#[test]
fn what_one_list_deletes_and_writes_again_is_there() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, 1, &[create("Uploader", LIMIT)]);
    let applied = apply(&mut store, 2, &[delete("k1"), create("Uploader", REWORDED)]);
    assert_eq!((applied.deleted, applied.created), (1, 1));
}

#[test]
fn a_deletion_in_one_project_does_not_hold_in_another() {
    let mut store = store_with("s", &["a"]);
    let mut elsewhere = turn("elsewhere", &[user("a")], None);
    elsewhere.directory = Some("/home/ann/garden".into());
    elsewhere.project = Some("/home/ann/garden".into());
    store.record_turn(&elsewhere).unwrap();
    apply(&mut store, 1, &[create("Uploader", LIMIT)]);
    apply(&mut store, 2, &[delete("k1")]);
    let there =
        store.apply_operations(&id("elsewhere"), &[create("Uploader", LIMIT)], UnixMillis(3)).unwrap();
    assert_eq!(there.created, 1);
}

#[test]
fn a_person_may_write_again_what_was_deleted() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, 1, &[create("Uploader", LIMIT)]);
    apply(&mut store, 2, &[delete("k1")]);
    let draft = Draft {
        category: Category::Decision,
        title: "Uploader".into(),
        content: LIMIT.into(),
        confidence: 1.0,
    };
    store.put_entry(&domain::ids::Principal::local(), &"mine".into(), &draft, UnixMillis(3)).unwrap();
    assert_eq!(store.knowledge(None).unwrap().len(), 1);
}

#[test]
fn entries_that_differ_in_a_number_contradict_each_other_until_one_changes_or_goes() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, 1, &[create("Uploader", LIMIT), create("Uploads", &LIMIT.replace('5', "8"))]);
    assert_eq!(
        (against(&mut store, "k1"), against(&mut store, "k2")),
        (vec!["k2".to_owned()], vec!["k1".to_owned()])
    );
    let content = Some("The uploader tries again until somebody stops it".to_owned());
    let update =
        Operation::Update { id: "k2".into(), category: None, title: None, content, confidence: None };
    apply(&mut store, 2, &[update]);
    assert!(against(&mut store, "k1").is_empty());
    apply(&mut store, 3, &[create("Uploading", &LIMIT.replace('5', "9"))]);
    assert_eq!(against(&mut store, "k1"), ["k3"]);
    store.delete_entry(&KnowledgeId::from("k3"), UnixMillis(4)).unwrap();
    assert!(against(&mut store, "k1").is_empty());
}

#[test]
fn what_a_person_writes_into_an_entry_is_held_against_the_others_of_its_project() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, 1, &[create("Uploader", LIMIT), create("Oven", "It is hot")]);
    let (category, title, content) = (Category::Decision, "Uploads".to_owned(), LIMIT.replace('5', "8"));
    let draft = Draft { category, title, content, confidence: 1.0 };
    store.put_entry(&domain::ids::Principal::local(), &"k2".into(), &draft, UnixMillis(2)).unwrap();
    assert_eq!(against(&mut store, "k1"), ["k2"]);
}

#[test]
fn a_model_may_say_that_two_entries_contradict_each_other_and_why() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, 1, &[create("Flour", "rye"), create("Bread", "only wheat is ever used")]);
    let (k2, k1, reason) = ("k2".to_owned(), "k1".to_owned(), "rye and only wheat".to_owned());
    apply(&mut store, 2, &[Operation::Contradict { id: k2, with: k1, reason }]);
    let found = entry(&mut store, "k1").unwrap().contradicts;
    assert_eq!(
        (found[0].id.as_str(), found[0].reason.as_str(), found.len()),
        ("k2", "rye and only wheat", 1)
    );
}

#[test]
fn use_is_noted_at_its_latest_and_writing_is_use() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, 10, &[create("Flour", "rye")]);
    let ids = [KnowledgeId::from("k1"), KnowledgeId::from("gone")];
    let used = |store: &mut SqliteStore| entry(store, "k1").unwrap().used;
    assert_eq!(used(&mut store), UnixMillis(10));
    store.note_use(&ids, UnixMillis(30)).unwrap();
    store.note_use(&ids, UnixMillis(20)).unwrap();
    assert_eq!(
        (used(&mut store), entry(&mut store, "k1").unwrap().updated),
        (UnixMillis(30), UnixMillis(10))
    );
}

#[test]
fn consolidation_begins_once_an_hour_for_a_project_whichever_session_asks() {
    let mut store = store_with("s", &["a"]);
    say(&mut store, "neighbour", &["a"]);
    apply(&mut store, 1, &[create("Flour", "rye"), create("Oven", "hot"), create("Salt", "coarse")]);
    let mut begin = |session: &str, most, at| {
        store.begin_consolidation(&id(session), most, UnixMillis(at)).unwrap().len()
    };
    assert_eq!(begin("s", 3, 100), 0, "there are not too many");
    assert_eq!(begin("s", 2, 100), 3);
    assert_eq!(begin("neighbour", 2, 101), 0, "it is armed before anything came of it");
    assert_eq!(begin("neighbour", 2, 100 + CONSOLIDATION_REST), 3);
    assert_eq!(begin("s", 2, 101 + CONSOLIDATION_REST), 0, "and armed anew each time");
    assert_eq!(begin("never heard of", 0, 100), 0);
}

#[test]
fn of_very_many_entries_the_faintest_are_consolidated() {
    let mut store = store_with("s", &["a"]);
    // Words that are not alike, or the entries would be one.
    let words = |number: usize| format!("a{number} b{number} c{number} d{number} e{number}");
    for number in 0..150_usize {
        apply(
            &mut store,
            1_000_000_000 * (150 - number as i64),
            &[create(&format!("n{number}"), &words(number))],
        );
    }
    let now = UnixMillis(1_000_000_000 * 200);
    let crowd = store.begin_consolidation(&id("s"), 40, now).unwrap();
    assert_eq!((crowd.len(), crowd[0].title.as_str(), crowd[119].title.as_str()), (120, "n149", "n30"));
}

#[test]
fn consolidating_leaves_the_session_s_turns_to_be_curated() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, 1, &[create("Flour", "rye"), create("Oven", "hot")]);
    say(&mut store, "s", &["a", "b", "c"]);
    let applied = store.consolidate(&id("s"), &[delete("k2")], UnixMillis(2)).unwrap();
    assert_eq!(applied.deleted, 1);
    let standing = store.standing(&id("s")).unwrap();
    assert_eq!((standing.turns_since_curation, standing.entries), (1, 1));
}
