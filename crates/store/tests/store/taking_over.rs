//! A file of knowledge that a person edited makes new versions, and nothing that it does not say.

use crate::fixture::say;
use domain::ids::{KnowledgeId, Principal, ProjectId};
use domain::knowledge::{Category, Operation};
use domain::knowledge_file::{Section, parse, render};
use domain::time::UnixMillis;
use store::{Browse, SqliteStore, Store, StoreError, TakenOver, TakingOver, Yours};

const PROJECT: &str = "/home/ann/oven";

/// A store with two entries of a project and one by hand.
fn known() -> SqliteStore {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, "s", &["hello"]);
    for (title, at) in [("Rye", 1), ("Yeast", 2)] {
        let create = Operation::Create {
            category: Category::Gotcha,
            title: title.into(),
            content: format!("{title}\r\nso it is"),
            confidence: 0.1 + 0.2,
        };
        store.apply_operations(&"s".into(), &[create], UnixMillis(at)).unwrap();
    }
    let draft = store::Draft {
        category: Category::Decision,
        title: "By  hand".into(),
        content: "yes".into(),
        confidence: 1.0,
    };
    store.put_entry(&Principal::local(), &"mine".into(), &draft, UnixMillis(3)).unwrap();
    store
}

fn sections(store: &mut SqliteStore, project: Option<&str>) -> Vec<Section> {
    store.sections(&Principal::local(), project.map(ProjectId::from).as_ref()).unwrap()
}

fn take(store: &mut SqliteStore, file: &str, how: TakingOver) -> Result<TakenOver, StoreError> {
    store.take_over(&Principal::local(), &parse(file).unwrap(), how, UnixMillis(9))
}

fn ids(ids: &[&str]) -> Vec<KnowledgeId> {
    ids.iter().map(KnowledgeId::from).collect()
}

#[test]
fn a_file_that_nobody_edited_changes_nothing() {
    let mut store = known();
    let file = render(&sections(&mut store, None));
    let before = store.knowledge(None).unwrap();
    let taken = take(&mut store, &file, TakingOver { delete: true, rehearse: false, again: false }).unwrap();
    assert_eq!(taken, TakenOver { unchanged: 3, ..TakenOver::default() });
    assert_eq!(store.knowledge(None).unwrap(), before);
    assert_eq!(sections(&mut store, Some(PROJECT)).len(), 2);
    assert!(sections(&mut store, Some("elsewhere")).is_empty());
}

#[test]
fn an_edit_is_a_new_version_a_new_section_a_new_entry_and_a_missing_one_nothing_unless_told() {
    let mut store = known();
    let mut edited = sections(&mut store, None);
    edited[0].content = "It bites.".into();
    edited[1].promoted = true;
    let new = Section { id: None, title: "Salt".into(), ..edited[0].clone() };
    let file = render(&[&edited[..2], &[new]].concat());
    let rehearsal =
        take(&mut store, &file, TakingOver { delete: true, rehearse: true, again: false }).unwrap();
    assert_eq!(store.knowledge(None).unwrap().len(), 3, "nothing was changed");
    let taken = take(&mut store, &file, TakingOver { delete: true, rehearse: false, again: false }).unwrap();
    assert_eq!(taken, rehearsal);
    assert_eq!((taken.created, taken.updated), (ids(&["k4"]), ids(&["k1", "k2"])));
    assert_eq!(taken.deleted, ids(&[]), "the file does not have the project of the third");
    let rye = store.entry(&"k1".into()).unwrap().unwrap();
    assert_eq!((rye.content.as_str(), rye.version), ("It bites.", 2));
    let before = store.versions(&"k1".into(), 9).unwrap();
    assert_eq!(before.items[0].draft.content, "Rye\r\nso it is");
    let salt = store.entry(&"k4".into()).unwrap().unwrap();
    assert_eq!((salt.project, salt.title.as_str()), (Some(PROJECT.into()), "Salt"));
    assert!(store.entry(&"k2".into()).unwrap().unwrap().promoted);
    let again = take(&mut store, &file, TakingOver::default()).unwrap();
    assert_eq!(
        again,
        TakenOver { unchanged: 3, ..TakenOver::default() },
        "a new section is known by its title"
    );
}

#[test]
fn a_missing_section_is_a_deletion_when_it_is_told_so_and_what_was_deleted_does_not_come_back() {
    let mut store = known();
    let all = sections(&mut store, Some(PROJECT));
    let kept = take(&mut store, &render(&all[1..]), TakingOver::default()).unwrap();
    assert_eq!((kept.unchanged, kept.deleted), (1, ids(&[])));
    let delete = TakingOver { delete: true, rehearse: false, again: false };
    assert_eq!(take(&mut store, &render(&all[1..]), delete).unwrap().deleted, ids(&["k1"]));
    let back = take(&mut store, &render(&all), TakingOver::default()).unwrap();
    assert_eq!((back.left_out, back.unchanged), (ids(&["k1"]), 1));
    assert!(store.entry(&"k1".into()).unwrap().is_none());
}

#[test]
fn a_project_of_which_only_the_heading_is_left_is_deleted_when_that_is_asked_for() {
    let mut store = known();
    let file = render(&sections(&mut store, None));
    let (before, after) = file.split_once("## Rye").unwrap();
    let (_, rest) = after.split_once("# Without a project").unwrap();
    let emptied = format!("{before}# Without a project{rest}");
    assert!(emptied.contains("# Project /home/ann/oven\n\n# Without a project"), "{emptied}");
    let delete = TakingOver { delete: true, ..TakingOver::default() };
    let taken = take(&mut store, &emptied, delete).unwrap();
    assert_eq!((taken.deleted, taken.unchanged), (ids(&["k2", "k1"]), 1));
}

#[test]
fn two_sections_that_mean_one_entry_refuse_the_file_whole() {
    let mut store = known();
    let section = |words: &str| format!("## Salt\n\ngotcha, confidence 0.5\n\n{words}\n\n");
    let twins = format!("# Project {PROJECT}\n\n{}{}", section("two percent"), section("none at all"));
    let refused = take(&mut store, &twins, TakingOver::default()).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Refused(why) if why.contains("\u{201c}Salt\u{201d}")),
        "{refused}"
    );
    assert!(sections(&mut store, None).iter().all(|section| section.title != "Salt"));
}

#[test]
fn an_entry_below_another_project_refuses_the_file_whole() {
    let mut store = known();
    let mut edited = sections(&mut store, Some(PROJECT));
    edited[0].content = "It bites.".into();
    edited[1].project = Some("elsewhere".into());
    let refused = take(&mut store, &render(&edited), TakingOver::default()).unwrap_err().to_string();
    assert!(refused.contains("entry k2 belongs to the project /home/ann/oven"), "{refused}");
    assert_eq!(store.entry(&"k1".into()).unwrap().unwrap().version, 1);
}
