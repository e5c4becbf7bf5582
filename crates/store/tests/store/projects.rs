//! Projects: what is kept of one is not another's, unless somebody promoted it.

use crate::fixture::{id, turn, user};
use domain::ids::{Principal, ProjectId};
use domain::knowledge::{Category, Operation};
use domain::time::UnixMillis;
use store::{Draft, Scope, SqliteStore, StatedFolder, Store, TurnRecord};

fn create(title: &str) -> Operation {
    let (title, content) = (title.to_owned(), "sourdough".to_owned());
    Operation::Create { category: Category::Decision, title, content, confidence: 0.75 }
}

/// A turn of `session`, whose agent states `directory`, in `project`.
fn turn_in(session: &str, directory: &str, project: &str) -> TurnRecord {
    TurnRecord {
        directory: Some(directory.into()),
        project: Some(project.into()),
        ..turn(session, &[user("about sourdough")], None)
    }
}

/// Ann bakes in two projects, each with an entry; Bob has one of his own in the first.
fn bakeries() -> SqliteStore {
    let mut store = SqliteStore::in_memory().unwrap();
    let bob = TurnRecord { principal: Principal::from("bob"), ..turn_in("b", "/home/ann/oven", "oven") };
    for turn in [turn_in("o", "/home/ann/oven", "oven"), turn_in("g", "/home/ann/garden", "garden"), bob] {
        store.record_turn(&turn).unwrap();
        let title = format!("Entry of {}", turn.session);
        store.apply_operations(&turn.session, &[create(&title)], UnixMillis(50)).unwrap();
        let sources: Vec<i64> =
            store.pending(&turn.session, 1000, UnixMillis(50)).unwrap().iter().map(|said| said.id).collect();
        store.store_observations(&turn.session, &sources, &["sourdough".into()], UnixMillis(50)).unwrap();
    }
    store
}

fn holding(store: &mut SqliteStore, principal: &Principal, project: Option<&str>) -> Vec<String> {
    let project = project.map(ProjectId::from);
    let entries = store.project_knowledge(principal, project.as_ref()).unwrap();
    entries.into_iter().map(|entry| entry.title).collect()
}

#[test]
fn a_promoted_entry_holds_in_all_projects_of_its_principal_and_nowhere_else() {
    let (mut store, ann, bob) = (bakeries(), Principal::local(), Principal::from("bob"));
    assert_eq!(holding(&mut store, &ann, Some("garden")), ["Entry of g"]);
    assert!(holding(&mut store, &ann, None).is_empty());
    let promoted = store.promote_entry(&"k1".into(), true).unwrap().unwrap();
    assert!(promoted.promoted && promoted.project == Some("oven".into()));
    assert_eq!(holding(&mut store, &ann, Some("garden")).len(), 2);
    assert_eq!(holding(&mut store, &ann, None), ["Entry of o"]);
    assert_eq!(holding(&mut store, &bob, Some("oven")), ["Entry of b"]);
    store.promote_entry(&"k1".into(), false).unwrap().unwrap();
    assert_eq!(holding(&mut store, &ann, Some("garden")), ["Entry of g"]);
    assert_eq!(store.promote_entry(&"k9".into(), true).unwrap(), None);
}

#[test]
fn the_curator_of_another_project_cannot_change_a_promoted_entry() {
    let mut store = bakeries();
    store.promote_entry(&"k1".into(), true).unwrap();
    assert_eq!(store.curation_material(&id("g")).unwrap().entries.len(), 1);
    let delete = Operation::Delete { id: "k1".into(), reason: "none of mine".into() };
    assert!(store.apply_operations(&id("g"), &[delete], UnixMillis(60)).is_err());
}

#[test]
fn recall_within_a_project_finds_it_by_its_name_or_its_folder_and_what_was_promoted() {
    let mut store = bakeries();
    let found = |store: &mut SqliteStore, project: Option<&str>| {
        let ann = Principal::local();
        let hits = store
            .recall_within(Scope { principal: Some(&ann), project, ..Scope::default() }, "sourdough", 10)
            .unwrap();
        let mut sessions: Vec<String> = hits.iter().map(|hit| format!("{:?}", hit.session)).collect();
        sessions.dedup();
        sessions.sort();
        sessions.dedup();
        (hits.len(), sessions.len())
    };
    assert_eq!(found(&mut store, None), (6, 2), "an entry, an observation and a message of each");
    for name in ["oven", "/home/ann/oven"] {
        assert_eq!(found(&mut store, Some(name)), (3, 1), "{name}");
    }
    assert_eq!(found(&mut store, Some("cellar")), (0, 0));
    store.promote_entry(&"k1".into(), true).unwrap();
    assert_eq!(found(&mut store, Some("garden")), (4, 2));
}

#[test]
fn what_was_kept_under_a_folder_moves_to_the_project_that_the_folder_is_a_part_of() {
    let mut store = SqliteStore::in_memory().unwrap();
    let folder = "/home/ann/oven";
    store.record_turn(&turn_in("early", folder, folder)).unwrap();
    store.apply_operations(&id("early"), &[create("Flour")], UnixMillis(50)).unwrap();
    let bob = TurnRecord { principal: Principal::from("bob"), ..turn_in("bob's", folder, folder) };
    store.record_turn(&bob).unwrap();
    store.record_turn(&turn_in("late", folder, "git.example/ann/oven")).unwrap();
    assert_eq!(holding(&mut store, &Principal::local(), Some("git.example/ann/oven")), ["Flour"]);
    assert_eq!(store.session(&id("early")).unwrap().unwrap().project, Some("git.example/ann/oven".into()));
    let bobs = store.session(&id("bob's")).unwrap().unwrap();
    assert_eq!(bobs.project, Some(folder.into()), "another's folder is another's");
}

#[test]
fn the_folders_that_were_stated_come_back_with_their_projects() {
    let folder = |principal: &str, directory: &str, project: &str| StatedFolder {
        principal: principal.into(),
        directory: directory.into(),
        project: project.into(),
    };
    let mut found = bakeries().folders().unwrap();
    found.sort_by(|a, b| (&a.directory, &a.principal).cmp(&(&b.directory, &b.principal)));
    let expected = [
        folder("local", "/home/ann/garden", "garden"),
        folder("bob", "/home/ann/oven", "oven"),
        folder("local", "/home/ann/oven", "oven"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_agent_keeps_and_lets_go_within_its_project_only() {
    let (mut store, ann) = (bakeries(), Principal::local());
    let (oven, garden) = (ProjectId::from("oven"), ProjectId::from("garden"));
    let draft = |content: &str| Draft {
        category: Category::Gotcha,
        title: " Flour ".into(),
        content: content.into(),
        confidence: 0.5,
    };
    let kept = store.remember((&ann, &oven), &draft("rye"), UnixMillis(60)).unwrap();
    assert!(kept.remembered && kept.session.is_none() && kept.project == Some(oven.clone()));
    let again = store.remember((&ann, &oven), &draft("wheat"), UnixMillis(61)).unwrap();
    assert_eq!((again.id.clone(), again.version, again.content.as_str()), (kept.id, 2, "wheat"));
    assert!(store.remember((&ann, &oven), &draft(" "), UnixMillis(62)).is_err());
    assert!(!store.let_go((&ann, &garden), &again.id, UnixMillis(63)).unwrap());
    assert!(!store.let_go((&"bob".into(), &oven), &again.id, UnixMillis(63)).unwrap());
    assert!(store.let_go((&ann, &oven), &again.id, UnixMillis(63)).unwrap());
    assert_eq!(holding(&mut store, &ann, Some("oven")), ["Entry of o"]);
}
