//! Knowledge: whole lists or nothing, versions, tombstones, and no looking over the fence.

use crate::fixture::{id, say, store_with, turn, user};
use domain::ids::{KnowledgeId, Principal};
use domain::knowledge::{Category, KnowledgeEntry, Operation};
use domain::time::UnixMillis;
use store::{Applied, Draft, SqliteStore, Store, StoreError};

fn create(title: &str, content: &str) -> Operation {
    let (title, content) = (title.to_owned(), content.to_owned());
    Operation::Create { category: Category::Decision, title, content, confidence: 0.75 }
}

fn update(id: &str, content: &str) -> Operation {
    let content = Some(content.to_owned());
    Operation::Update { id: id.into(), category: None, title: None, content, confidence: None }
}

fn delete(id: &str) -> Operation {
    Operation::Delete { id: id.into(), reason: "no longer so".into() }
}

fn draft(title: &str, content: &str) -> Draft {
    Draft { category: Category::Gotcha, title: title.into(), content: content.into(), confidence: 1.0 }
}

fn apply(store: &mut SqliteStore, operations: &[Operation]) -> Applied {
    store.apply_operations(&id("s"), operations, UnixMillis(50)).unwrap()
}

fn entries(store: &mut SqliteStore) -> Vec<KnowledgeEntry> {
    let mut entries = store.knowledge(None).unwrap();
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    entries
}

#[test]
fn operations_create_update_and_delete() {
    let mut store = store_with("s", &["a"]);
    let made = apply(&mut store, &[create("Flour", "rye"), create("Oven", "hot")]);
    assert_eq!(made, Applied { created: 2, ..Applied::default() });
    let changed = apply(&mut store, &[update("k1", "wheat"), delete("k2")]);
    assert_eq!(changed, Applied { updated: 1, deleted: 1, ..Applied::default() });
    let left = entries(&mut store);
    assert_eq!(left.len(), 1);
    let entry = &left[0];
    assert_eq!((entry.title.as_str(), entry.content.as_str(), entry.version), ("Flour", "wheat", 2));
    assert_eq!((entry.confidence, entry.session.clone()), (0.75, Some(id("s"))), "what is not stated stays");
}

#[test]
fn one_bad_operation_undoes_the_whole_list() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, &[create("Flour", "rye")]);
    let before = entries(&mut store);
    for bad in [create("", "x"), update("k9", "x"), delete("k9"), update("k1", "  ")] {
        let list = [create("Yeast", "wild"), update("k1", "spelt"), bad];
        assert!(matches!(
            store.apply_operations(&id("s"), &list, UnixMillis(9)),
            Err(StoreError::Refused(_))
        ));
    }
    for after in [update("k1", "back from the dead"), delete("k1")] {
        let list = [delete("k1"), after];
        assert!(matches!(
            store.apply_operations(&id("s"), &list, UnixMillis(9)),
            Err(StoreError::Refused(_))
        ));
    }
    assert_eq!(entries(&mut store), before);
    assert!(store.recall(None, "yeast", 5).unwrap().is_empty());
}

#[test]
fn creating_the_same_again_updates_instead_of_doubling() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, &[create("GRÖSSE of the Loaf", "900 g")]);
    assert_eq!(apply(&mut store, &[create(" grösse of the loaf ", "1 kg")]).updated, 1);
    let again = apply(&mut store, &[create("Grösse of the loaf", "1 kg")]);
    assert_eq!(again, Applied::default(), "and saying just the same changes nothing");
    let entry = &entries(&mut store)[0];
    assert_eq!((entry.id.as_str(), entry.version, entry.content.as_str()), ("k1", 2, "1 kg"));
}

#[test]
fn another_project_s_or_principal_s_knowledge_is_neither_seen_nor_changed() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, &[create("Flour", "rye")]);
    let mut elsewhere = turn("elsewhere", &[user("a")], None);
    elsewhere.directory = Some("/home/ann/garden".into());
    elsewhere.project = Some("/home/ann/garden".into());
    let mut foreign = turn("foreign", &[user("a")], None);
    foreign.principal = Principal::from("bob");
    for other in [elsewhere, foreign] {
        store.record_turn(&other).unwrap();
        assert!(store.curation_material(&other.session).unwrap().entries.is_empty());
        let touch = store.apply_operations(&other.session, &[update("k1", "mine now")], UnixMillis(1));
        assert!(matches!(touch, Err(StoreError::Refused(_))));
        let same_title =
            store.apply_operations(&other.session, &[create("Flour", "oat")], UnixMillis(1)).unwrap();
        assert_eq!(same_title.created, 1);
    }
    say(&mut store, "neighbour", &["a"]);
    assert_eq!(
        store.curation_material(&id("neighbour")).unwrap().entries.len(),
        1,
        "the same project shares it"
    );
    assert_eq!(store.knowledge(Some(&Principal::from("bob"))).unwrap().len(), 1);
    let here = store.project_knowledge(&Principal::local(), Some(&"/home/ann/garden".into())).unwrap();
    assert_eq!((here.len(), here[0].content.as_str()), (1, "oat"));
}

#[test]
fn curating_counts_from_nought_again_even_when_nothing_was_worth_keeping() {
    let mut store = store_with("s", &["a"]);
    assert_eq!(store.backlog().unwrap()[0].turns_since_curation, 1);
    apply(&mut store, &[]);
    assert_eq!(store.backlog().unwrap()[0].turns_since_curation, 0);
    let unknown = store.apply_operations(&id("never heard of"), &[], UnixMillis(1));
    assert!(unknown.unwrap_err().to_string().contains("there is no session never heard of"));
}

#[test]
fn an_entry_written_by_hand_replaces_the_curators_or_stands_outside_of_projects() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, &[create("Flour", "rye")]);
    let by_hand = |store: &mut SqliteStore, id: &str, draft: &Draft| {
        store.put_entry(&Principal::local(), &KnowledgeId::from(id), draft, UnixMillis(60))
    };
    let replaced = by_hand(&mut store, "k1", &draft("Flour!", "spelt")).unwrap();
    assert_eq!(
        (replaced.version, replaced.category, replaced.updated),
        (2, Category::Gotcha, UnixMillis(60))
    );
    assert_eq!(replaced.created, UnixMillis(50));
    let made = by_hand(&mut store, "k2", &draft("House rule", "wash hands")).unwrap();
    assert_eq!((made.version, made.session), (1, None));
    assert_eq!(store.project_knowledge(&Principal::local(), None).unwrap().len(), 1);
    assert!(matches!(by_hand(&mut store, "k1", &draft("", "x")), Err(StoreError::Refused(_))));
    apply(&mut store, &[create("Next", "gets a free id")]);
    let ids: Vec<String> = entries(&mut store).iter().map(|it| it.id.to_string()).collect();
    assert_eq!(ids, ["k1", "k2", "k3"]);
}

#[test]
fn a_deleted_entry_does_not_come_back_and_its_id_stays_taken() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, &[create("Flour", "rye"), create("Oven", "hot")]);
    assert!(store.delete_entry(&KnowledgeId::from("k1"), UnixMillis(70)).unwrap());
    assert!(!store.delete_entry(&KnowledgeId::from("k1"), UnixMillis(70)).unwrap());
    apply(&mut store, &[delete("k2"), create("Yeast", "wild")]);
    for gone in ["k1", "k2"] {
        let put = store.put_entry(&Principal::local(), &gone.into(), &draft("a", "b"), UnixMillis(80));
        assert!(matches!(put, Err(StoreError::Refused(_))));
    }
    let ids: Vec<String> = entries(&mut store).iter().map(|it| it.id.to_string()).collect();
    assert_eq!(ids, ["k3"]);
    assert!(store.recall(None, "rye hot", 5).unwrap().is_empty());
}

#[test]
fn an_id_of_another_principal_is_taken() {
    let mut store = store_with("s", &["a"]);
    apply(&mut store, &[create("Flour", "rye")]);
    let put = store.put_entry(&Principal::from("bob"), &"k1".into(), &draft("a", "b"), UnixMillis(80));
    assert!(matches!(put, Err(StoreError::Refused(_))));
    assert_eq!(entries(&mut store)[0].content, "rye");
}
