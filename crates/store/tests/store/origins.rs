//! Each entry and each run of the distiller is known for what it is, whatever it is called here and there.

use crate::exchange::take;
use crate::fixture::{id, model, say, texts, turn, user};
use crate::transfer::{export, import, lines, owner};
use domain::ids::KnowledgeId;
use domain::knowledge::{Category, Operation};
use domain::knowledge_file::{Section, parse, render};
use domain::origin::Origin;
use domain::time::UnixMillis;
use store::{Browse, Draft, Extent, Imported, SqliteStore, Store, TakingOver, Yours};

const PROJECT: &str = "/home/ann/oven";

/// A machine that has learnt this.
fn knowing(title: &str, at: i64) -> SqliteStore {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, title, &["hello"]);
    let create = Operation::Create {
        category: Category::Gotcha,
        title: title.into(),
        content: format!("{title} bites"),
        confidence: 0.5,
    };
    store.apply_operations(&id(title), &[create], UnixMillis(at)).unwrap();
    store
}

fn file(store: &mut SqliteStore) -> String {
    render(&store.sections(&owner(), None).unwrap())
}

fn named(store: &mut SqliteStore) -> Vec<(String, String)> {
    let entries = store.knowledge(None).unwrap().into_iter();
    let mut named: Vec<_> = entries.map(|entry| (entry.id.to_string(), entry.title)).collect();
    named.sort();
    named
}

fn ids(ids: &[&str]) -> Vec<KnowledgeId> {
    ids.iter().map(KnowledgeId::from).collect()
}

#[test]
fn a_file_of_another_machine_overwrites_nothing_that_only_has_the_same_id() {
    let (mut here, mut there) = (knowing("rye", 1), knowing("yeast", 2));
    let theirs = file(&mut there);
    assert_eq!(take(&mut here, &theirs, 9).created, ids(&["k2"]));
    assert_eq!(named(&mut here), [("k1".into(), "rye".into()), ("k2".into(), "yeast".into())]);
    let edited = theirs.replace("yeast bites", "yeast grows");
    assert_eq!(take(&mut here, &edited, 10).updated, ids(&["k2"]));
    let section = theirs.split("# Project").nth(1).unwrap().split("## yeast").nth(1).unwrap().to_owned();
    assert!(
        file(&mut here).contains(&section.replace("yeast bites", "yeast grows")),
        "under the same origin"
    );
    assert!(here.delete_entry(&"k2".into(), UnixMillis(11)).unwrap());
    assert_eq!(take(&mut here, &edited, 12).left_out, ids(&["k2"]));
}

#[test]
fn a_file_of_before_origins_overwrites_only_what_is_surely_meant() {
    let without_origins = |file: &str| file.replace("`k1@1`", "`k1`").replace("`k1@2`", "`k1`");
    let (mut here, mut there) = (knowing("rye", 1), knowing("yeast", 2));
    let (ours, theirs) = (without_origins(&file(&mut here)), without_origins(&file(&mut there)));
    assert!(ours.contains("`k1` gotcha"));
    assert_eq!(take(&mut here, &theirs, 9).created, ids(&["k2"]));
    assert_eq!(take(&mut here, &theirs, 9).unchanged, 1, "and only once");
    for edited in [ours.replace("rye bites", "rye does not bite"), ours.replace("## rye", "## Rye flour")] {
        assert_eq!(take(&mut knowing("rye", 1), &edited, 10).updated, ids(&["k1"]), "{edited}");
    }
    here.delete_entry(&"k1".into(), UnixMillis(11)).unwrap();
    assert_eq!(take(&mut here, &ours.replace("## rye", "## Rye flour"), 12).left_out, ids(&["k1"]));
    assert_eq!(
        take(&mut here, &ours.replace("rye bites", "salt melts").replace("## rye", "## salt"), 12).left_out,
        []
    );
    here.forget(&owner(), &Extent::Everything, UnixMillis(13)).unwrap();
    assert_eq!(take(&mut here, &ours, 14).left_out, ids(&["k1"]));
}

#[test]
fn what_a_person_wrote_into_a_file_is_one_entry_on_all_machines_that_took_it_over() {
    let written = format!("# Project {PROJECT}\n\n## Salt\n\ngotcha, confidence 0.5\n\nTwo spoons of it.\n");
    let (mut here, mut there) = (knowing("rye", 1), knowing("yeast", 2));
    for (store, at) in [(&mut here, 5), (&mut there, 6)] {
        assert_eq!(take(store, &written, at).created, ids(&["k2"]));
        assert_eq!(take(store, &written, at).unchanged, 1);
    }
    let taken = take(&mut here, &file(&mut there), 7);
    assert_eq!((taken.created, taken.unchanged), (ids(&["k3"]), 1));
    assert_eq!(import(&mut here, &lines(&export(&mut there)), 50).entries, 0);
    let mut third = knowing("salt", 3);
    assert_eq!(take(&mut third, &file(&mut there), 7).created, ids(&["k2", "k3"]), "under short ids");
    here.delete_entry(&"k2".into(), UnixMillis(8)).unwrap();
    assert_eq!(take(&mut here, &written, 9).created, ids(&["k4"]), "a person writes it again");
    there.forget(&owner(), &Extent::Everything, UnixMillis(8)).unwrap();
    assert_eq!(take(&mut there, &written, 9).left_out, ids(&["k2"]), "but what was forgotten is");
    let again = TakingOver { again: true, ..TakingOver::default() };
    let taken = there.take_over(&owner(), &parse(&written).unwrap(), again, UnixMillis(10)).unwrap();
    assert_eq!(taken.created, ids(&["k2"]));
}

#[test]
fn that_an_agent_asked_to_keep_it_goes_along_with_either_file_and_no_file_takes_it_back() {
    let mut here = SqliteStore::in_memory().unwrap();
    let rye = Draft {
        category: Category::Gotcha,
        title: "Rye".into(),
        content: "It bites.".into(),
        confidence: 0.6,
    };
    here.remember((&owner(), &PROJECT.into()), &rye, UnixMillis(3)).unwrap();
    let (marked, exported) = (file(&mut here), lines(&export(&mut here)));
    assert!(marked.contains("gotcha, confidence 0.6, kept at an agent's request\n"), "{marked}");
    // An older program wrote it so, or somebody took it out.
    let unmarked = marked.replace(", kept at an agent's request", "");
    for all in [true, false] {
        let bring_in = |store: &mut SqliteStore| {
            if all {
                import(store, &exported, 9).entries
            } else {
                take(store, &marked, 4).created.len() as u64
            }
        };
        let mut there = SqliteStore::in_memory().unwrap();
        assert_eq!((bring_in(&mut there), file(&mut there)), (1, marked.clone()));
        assert_eq!(take(&mut there, &unmarked, 5).unchanged, 1);
        assert_eq!(file(&mut there), marked);

        let mut elsewhere = SqliteStore::in_memory().unwrap();
        take(&mut elsewhere, &unmarked, 6);
        assert_eq!(file(&mut elsewhere), unmarked);
        assert_eq!((bring_in(&mut elsewhere), file(&mut elsewhere)), (0, marked.clone()), "it says the same");
    }
}

#[test]
fn two_entries_that_say_the_same_are_two_elsewhere_too() {
    let mut here = knowing("rye", 1);
    let rye = here.entry(&"k1".into()).unwrap().unwrap();
    let section = Section {
        id: Some(Origin::read("k9@5")),
        project: rye.project.clone(),
        promoted: false,
        category: rye.category,
        title: rye.title.clone(),
        content: rye.content,
        confidence: 0.5,
        remembered: false,
    };
    take(&mut here, &render(&[section]), 5);
    let mut other = SqliteStore::in_memory().unwrap();
    assert_eq!(take(&mut other, &file(&mut here), 9).created, ids(&["k1", "k9"]));
    assert_eq!(file(&mut other), file(&mut here), "and the file is the same");
}

#[test]
fn an_entry_that_got_another_id_here_goes_back_as_itself_and_takes_its_later_versions() {
    let (mut here, mut there) = (knowing("rye", 1), knowing("yeast", 2));
    import(&mut here, &lines(&export(&mut there)), 50);
    assert_eq!(named(&mut here)[1], ("k2".into(), "yeast".into()));
    import(&mut there, &lines(&export(&mut here)), 50);
    assert_eq!(named(&mut there), [("k1".into(), "yeast".into()), ("k2".into(), "rye".into())]);
    let draft = Draft {
        category: Category::Gotcha,
        title: "Dry yeast".into(),
        content: "yeast sleeps".into(),
        confidence: 0.5,
    };
    there.put_entry(&owner(), &"k1".into(), &draft, UnixMillis(5)).unwrap();
    assert_eq!(import(&mut here, &lines(&export(&mut there)), 50).entries, 1);
    let yeast = here.entry(&"k2".into()).unwrap().unwrap();
    assert_eq!((yeast.title.as_str(), yeast.version), ("Dry yeast", 2));
    here.delete_entry(&"k2".into(), UnixMillis(6)).unwrap();
    let done = import(&mut here, &lines(&export(&mut there)), 50);
    assert_eq!((done.entries, done.left_out), (0, 1));
    assert_eq!(named(&mut here).len(), 1);
}

#[test]
fn an_entry_arrives_though_another_one_of_its_id_was_deleted_here_and_so_does_what_was_deleted_there() {
    let (mut here, mut there) = (knowing("rye", 1), knowing("yeast", 2));
    here.delete_entry(&"k1".into(), UnixMillis(3)).unwrap();
    assert_eq!(import(&mut here, &lines(&export(&mut there)), 50).entries, 1);
    assert_eq!(named(&mut here), [("k2".into(), "yeast".into())]);
    let theirs = lines(&export(&mut there));
    there.delete_entry(&"k1".into(), UnixMillis(4)).unwrap();
    let mut third = knowing("salt", 5);
    import(&mut third, &lines(&export(&mut there)), 50);
    assert_eq!(import(&mut third, &theirs, 50).entries, 0, "that it was deleted came along");
    assert_eq!(named(&mut third), [("k1".into(), "salt".into())]);
}

#[test]
fn what_is_left_of_entries_that_were_deleted_before_origins_keeps_out_only_what_says_the_same() {
    let (mut here, mut there) = (knowing("rye", 1), knowing("yeast", 2));
    let (ours, theirs) = (lines(&export(&mut here)), lines(&export(&mut there)));
    here.delete_entry(&"k1".into(), UnixMillis(3)).unwrap();
    let mut old = SqliteStore::in_memory().unwrap();
    let before_origins = lines(&export(&mut here)).replace("\"origin\":\"k1@1\",", "");
    assert_ne!(before_origins, lines(&export(&mut here)));
    import(&mut old, &before_origins, 50);
    assert_eq!(import(&mut old, &ours, 50).entries, 0);
    assert_eq!(import(&mut old, &theirs, 50).entries, 1);
    assert_eq!(lines(&export(&mut old)).matches("\"tombstone\"").count(), 1);
}

#[test]
fn forgotten_entries_come_again_by_no_older_file_unless_that_is_asked_for() {
    for what in [Extent::Session(id("rye")), Extent::Project(PROJECT.into()), Extent::Everything] {
        let mut store = knowing("rye", 1);
        let (all, knowledge) = (lines(&export(&mut store)), file(&mut store));
        store.forget(&owner(), &what, UnixMillis(5)).unwrap();
        let taken = take(&mut store, &knowledge, 6);
        assert_eq!((taken.created, taken.left_out), (vec![], ids(&["k1"])), "{what:?}");
        assert_eq!(import(&mut store, &all, 50).entries, 0);
        let again = TakingOver { again: true, ..TakingOver::default() };
        let file_again = parse(&knowledge).unwrap();
        let taken = store.take_over(&owner(), &file_again, again, UnixMillis(7)).unwrap();
        assert_eq!(taken.created, ids(&["k1"]), "{what:?}");
        assert_eq!(file(&mut store), knowledge);
    }
}

#[test]
fn an_entry_that_was_deleted_and_then_forgotten_does_not_come_back_either() {
    let mut store = knowing("rye", 1);
    let (all, knowledge) = (lines(&export(&mut store)), file(&mut store));
    store.delete_entry(&"k1".into(), UnixMillis(5)).unwrap();
    store.forget(&owner(), &Extent::Everything, UnixMillis(6)).unwrap();
    assert_eq!(take(&mut store, &knowledge, 7).left_out, ids(&["k1"]));
    assert_eq!(import(&mut store, &all, 50), Imported { left_out: 4, ..Imported::default() });
}

/// Distils the first message that is pending.
fn distil(store: &mut SqliteStore, line: &str, at: i64) {
    let pending = store.pending(&id("s"), 1, UnixMillis(0)).unwrap();
    store.store_observations(&id("s"), &[pending[0].id], &[line.into()], UnixMillis(at)).unwrap();
}

fn observed(store: &mut SqliteStore) -> Vec<String> {
    let mut observed: Vec<_> =
        store.observations(&id("s")).unwrap().into_iter().map(|observation| observation.text).collect();
    observed.sort();
    observed
}

#[test]
fn a_session_that_was_distilled_on_two_machines_has_the_observations_of_both() {
    let words = ["one", "two", "three", "four"];
    let mut machines = [1, 2].map(|_| SqliteStore::in_memory().unwrap());
    for (store, at) in machines.iter_mut().zip([10, 20]) {
        say(store, "s", &words);
        distil(store, &format!("seen at {at}"), at);
    }
    let [mut here, mut there] = machines;
    distil(&mut there, "also seen", 30);
    let merged = there.observations(&id("s")).unwrap()[1].id;
    there.merge_observations(&id("s"), &[merged], &["merged".into()], UnixMillis(40)).unwrap();
    let done = import(&mut here, &lines(&export(&mut there)), 2);
    assert_eq!(done.observations, 3);
    assert_eq!(observed(&mut here), ["merged", "seen at 10", "seen at 20"]);
    assert_eq!(import(&mut here, &lines(&export(&mut there)), 50).observations, 0);
    assert_eq!(import(&mut there, &lines(&export(&mut here)), 50).observations, 1);
    assert_eq!(observed(&mut there), observed(&mut here));
    assert_eq!(
        here.pending(&id("s"), 99, UnixMillis(0)).unwrap().len(),
        2,
        "what nobody distilled is pending"
    );
    assert_eq!(texts(&mut here, "s"), words);
}

#[test]
fn runs_of_one_session_at_the_same_time_are_told_apart() {
    let mut store = SqliteStore::in_memory().unwrap();
    store.record_turn(&turn("s", &[user("one"), model("two"), user("three")], None)).unwrap();
    distil(&mut store, "first", 10);
    distil(&mut store, "second", 10);
    let mut other = SqliteStore::in_memory().unwrap();
    let all = lines(&export(&mut store));
    assert_eq!(import(&mut other, &all, 1).observations, 2);
    assert_eq!(lines(&export(&mut other)), all);
}

#[test]
fn a_file_of_before_runs_had_times_is_read_as_before() {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, "s", &["one", "two"]);
    distil(&mut store, "first", 10);
    let merged = store.observations(&id("s")).unwrap()[0].id;
    store.merge_observations(&id("s"), &[merged], &["merged".into()], UnixMillis(40)).unwrap();
    let all = lines(&export(&mut store));
    let before = all.replace(",\"distilled\":{\"at\":10}", "").replace(",\"of\":{\"at\":10}", "");
    assert!(before.len() + 30 < all.len(), "{all}");
    let mut other = SqliteStore::in_memory().unwrap();
    import(&mut other, &before, 1);
    assert_eq!(lines(&export(&mut other)), all);
}
