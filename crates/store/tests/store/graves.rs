//! What was deleted stays so, wherever it held and wherever its project went.

use crate::fixture::{id, turn, user};
use domain::fading::CONSOLIDATION_REST;
use domain::ids::{KnowledgeId, Principal, ProjectId};
use domain::knowledge::{Category, Operation};
use domain::time::UnixMillis;
use store::{Applied, Draft, SqliteStore, Store, StoreError, TurnRecord};

const FOLDER: &str = "/home/ann/oven";
const LIMIT: &str = "The retry limit of the uploader is 5 for all hosts";
const REWORDED: &str = "the retry limit of the uploader is 5, for all hosts!";

fn turn_in(session: &str, directory: &str, project: &str) -> TurnRecord {
    let (directory, project) = (Some(directory.into()), Some(project.into()));
    TurnRecord { directory, project, ..turn(session, &[user("a")], None) }
}

/// Ann works in two projects, Bob in one of his own; Ann's oven has an entry, k1.
fn workshop() -> SqliteStore {
    let mut store = SqliteStore::in_memory().unwrap();
    let bob = TurnRecord { principal: "bob".into(), ..turn_in("bob's", FOLDER, "oven") };
    for turn in [turn_in("oven's", FOLDER, "oven"), turn_in("garden's", "/home/ann/garden", "garden"), bob] {
        store.record_turn(&turn).unwrap();
    }
    assert_eq!(written(&mut store, "oven's", 1, LIMIT).created, 1);
    store
}

fn written(store: &mut SqliteStore, session: &str, at: i64, content: &str) -> Applied {
    let (category, title, content) = (Category::Decision, "Uploader".to_owned(), content.to_owned());
    let create = Operation::Create { category, title, content, confidence: 0.75 };
    store.apply_operations(&id(session), &[create], UnixMillis(at)).unwrap()
}

fn delete(store: &mut SqliteStore) {
    assert!(store.delete_entry(&"k1".into(), UnixMillis(2)).unwrap());
}

fn remembered(store: &mut SqliteStore, project: &str) -> Result<KnowledgeId, StoreError> {
    let (category, title, content) = (Category::Decision, "The uploader".to_owned(), REWORDED.to_owned());
    let draft = Draft { category, title, content, confidence: 0.6 };
    let place = (&Principal::local(), &ProjectId::from(project));
    store.remember(place, &draft, UnixMillis(5)).map(|entry| entry.id)
}

#[test]
fn what_held_everywhere_when_it_was_deleted_comes_back_in_no_project_of_its_owner() {
    let mut store = workshop();
    store.promote_entry(&"k1".into(), true).unwrap();
    delete(&mut store);
    assert_eq!(written(&mut store, "garden's", 3, REWORDED), Applied::default());
    assert_eq!(written(&mut store, "bob's", 3, REWORDED).created, 1);
}

#[test]
fn what_held_in_one_project_when_it_was_deleted_may_be_learnt_in_another() {
    let mut store = workshop();
    store.promote_entry(&"k1".into(), true).unwrap();
    store.promote_entry(&"k1".into(), false).unwrap();
    delete(&mut store);
    assert_eq!(written(&mut store, "garden's", 3, REWORDED).created, 1);
    assert_eq!(written(&mut store, "oven's", 3, REWORDED), Applied::default());
}

#[test]
fn what_was_deleted_under_a_folder_stays_so_in_the_project_that_the_folder_is_a_part_of() {
    let mut store = SqliteStore::in_memory().unwrap();
    store.record_turn(&turn_in("early", FOLDER, FOLDER)).unwrap();
    written(&mut store, "early", 1, LIMIT);
    delete(&mut store);
    store.record_turn(&turn_in("late", FOLDER, "git.example/ann/oven")).unwrap();
    assert_eq!(written(&mut store, "late", 3, REWORDED), Applied::default());
}

#[test]
fn an_agent_cannot_bring_back_what_was_deleted_and_is_told_so_and_a_person_can() {
    let mut store = workshop();
    delete(&mut store);
    let refused = remembered(&mut store, "oven").unwrap_err();
    let told = "refused, and nothing was changed: an entry that says the same as \"The uploader\" was deleted, and stays so until a \
        person writes it again (PUT /api/v1/knowledge/ID)";
    assert_eq!(refused.to_string(), told);
    let (category, title, content) = (Category::Decision, "Uploader".to_owned(), LIMIT.to_owned());
    let draft = Draft { category, title, content, confidence: 1.0 };
    store.put_entry(&Principal::local(), &"mine".into(), &draft, UnixMillis(6)).unwrap();
    assert_eq!(remembered(&mut store, "garden").unwrap().as_str(), "k3", "elsewhere it was never deleted");
}

#[test]
fn what_was_promoted_elsewhere_is_not_written_a_second_time() {
    let mut store = workshop();
    store.promote_entry(&"k1".into(), true).unwrap();
    assert_eq!(written(&mut store, "garden's", 3, REWORDED), Applied::default());
    assert_eq!(remembered(&mut store, "garden").unwrap().as_str(), "k1");
    let entries = store.knowledge(None).unwrap();
    assert_eq!((entries.len(), entries[0].version, entries[0].remembered), (1, 1, false));
    assert_eq!(written(&mut store, "bob's", 3, REWORDED).created, 1, "another owner never heard of it");
}

#[test]
fn a_project_rests_from_consolidation_as_long_as_the_folder_would_have_that_became_a_part_of_it() {
    let mut store = SqliteStore::in_memory().unwrap();
    store.record_turn(&turn_in("early", FOLDER, FOLDER)).unwrap();
    store.record_turn(&turn_in("clone", "/home/ann/clone", "git.example/ann/oven")).unwrap();
    written(&mut store, "early", 1, LIMIT);
    written(&mut store, "clone", 1, "Ovens are hot");
    let mut begin =
        |session: &str, at| store.begin_consolidation(&id(session), 0, UnixMillis(at)).unwrap().len();
    assert_eq!((begin("clone", 100), begin("early", 200)), (1, 1));
    store.record_turn(&turn_in("late", FOLDER, "git.example/ann/oven")).unwrap();
    let mut begin = |at| store.begin_consolidation(&id("clone"), 0, UnixMillis(at)).unwrap().len();
    assert_eq!(begin(100 + CONSOLIDATION_REST), 0);
    assert_eq!(begin(200 + CONSOLIDATION_REST), 2);
}
