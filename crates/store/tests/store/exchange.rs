//! Two machines that exchange what they know, by both kinds of files: nothing is lost, nothing doubled, and nothing comes back that is gone.

use crate::fixture::{id, model, say, texts, turn, user};
use crate::transfer::{export, import, lines, owner};
use domain::ids::{KnowledgeId, SessionId};
use domain::knowledge::{Category, KnowledgeEntry, Operation};
use domain::knowledge_file::{Section, parse, render};
use domain::origin::Origin;
use domain::time::UnixMillis;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use store::record::Record;
use store::{Browse, Draft, Extent, Imported, SqliteStore, Store, TakenOver, TakingOver, Yours};

const PROJECT: &str = "/home/ann/oven";

#[derive(Debug, Clone)]
enum Step {
    Curated(usize),
    ByHand(usize, usize),
    Edited(usize, usize),
    Retitled(usize, usize),
    Deleted(usize, usize),
    ForgotSession(usize, usize),
    ForgotProject(usize),
    ForgotAll(usize),
    ExportedAll(usize),
    ExportedKnowledge(usize),
    TookIn(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (machine, nth) = (0..2_usize, 0..50_usize);
    let of = move |make: fn(usize, usize) -> Step| {
        (machine.clone(), nth.clone()).prop_map(move |(machine, nth)| make(machine, nth))
    };
    prop_oneof![
        6 => of(|machine, _| Step::Curated(machine)),
        3 => of(Step::ByHand),
        3 => of(Step::Edited),
        2 => of(Step::Retitled),
        2 => of(Step::Deleted),
        1 => of(Step::ForgotSession),
        1 => of(|machine, nth| if nth % 2 == 0 { Step::ForgotProject(machine) } else { Step::ForgotAll(machine) }),
        4 => of(|machine, _| Step::ExportedAll(machine)),
        4 => of(|machine, _| Step::ExportedKnowledge(machine)),
        8 => of(Step::TookIn),
    ]
}

/// The word by which an entry is known wherever it goes, in letters: numbers are compared otherwise.
fn word(number: i64) -> String {
    format!("{number:09}").bytes().map(|digit| char::from(b'a' + digit - b'0')).collect()
}

struct Machine {
    store: SqliteStore,
    /// Words of entries that were deleted or forgotten here.
    gone: BTreeSet<String>,
    /// Sessions that were forgotten here: nothing of them is taken in.
    forgotten: BTreeSet<SessionId>,
}

impl Machine {
    fn new() -> Self {
        let store = SqliteStore::in_memory().unwrap();
        Self { store, gone: BTreeSet::new(), forgotten: BTreeSet::new() }
    }

    fn entries(&mut self) -> Vec<KnowledgeEntry> {
        self.store.knowledge(None).unwrap()
    }

    /// The words of all entries, each as often as it is there.
    fn words(&mut self) -> Vec<String> {
        let mut words: Vec<String> = self.entries().iter().map(word_of).collect();
        words.sort();
        words
    }

    fn nth(&mut self, nth: usize) -> Option<KnowledgeEntry> {
        let mut entries = self.entries();
        entries.sort_by(|one, other| one.id.cmp(&other.id));
        (!entries.is_empty()).then(|| entries.swap_remove(nth % entries.len()))
    }

    fn put(&mut self, id: &KnowledgeId, title: &str, content: &str, at: i64) {
        let (category, title, content) = (Category::Gotcha, title.to_owned(), content.to_owned());
        let draft = Draft { category, title, content, confidence: 0.5 };
        // An id that an entry had here is taken.
        drop(self.store.put_entry(&owner(), id, &draft, UnixMillis(at)));
    }

    fn forget(&mut self, what: &Extent, at: i64) {
        let before: BTreeMap<KnowledgeId, String> =
            self.entries().iter().map(|entry| (entry.id.clone(), word_of(entry))).collect();
        let forgotten = self.store.forget(&owner(), what, UnixMillis(at)).unwrap();
        self.gone.extend(forgotten.entries.iter().map(|id| before[id].clone()));
        self.forgotten.extend(forgotten.sessions);
    }
}

fn word_of(entry: &KnowledgeEntry) -> String {
    entry.content.split(' ').next().unwrap_or_default().to_owned()
}

#[derive(Debug, Clone)]
enum File {
    All(String),
    Knowledge(String),
}

/// Both machines, what was exported on either, and what time it is.
struct World {
    machines: [Machine; 2],
    files: Vec<File>,
    /// Of what was deleted anywhere: that it was, may have come along.
    deleted: BTreeSet<String>,
    clock: i64,
}

impl World {
    fn live(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.clock += 1;
        let at = self.clock;
        match *step {
            Step::Curated(machine) => {
                let (store, word) = (&mut self.machines[machine].store, word(at));
                say(store, &word, &["hello"]);
                let (title, content) = (format!("About {word}"), format!("{word} bites"));
                let create =
                    Operation::Create { category: Category::Gotcha, title, content, confidence: 0.5 };
                store.apply_operations(&id(&word), &[create], UnixMillis(at)).unwrap();
            }
            Step::ByHand(machine, nth) => {
                let (id, word) = (format!("mine{}", nth % 3), word(at));
                if self.machines[machine].store.entry(&id.as_str().into()).unwrap().is_none() {
                    let (title, content) = (format!("By hand {word}"), format!("{word} grows"));
                    self.machines[machine].put(&id.into(), &title, &content, at);
                }
            }
            Step::Edited(machine, nth) => {
                if let Some(entry) = self.machines[machine].nth(nth) {
                    let content = format!("{} {}", word_of(&entry), word(at));
                    self.machines[machine].put(&entry.id, &entry.title, &content, at);
                }
            }
            Step::Retitled(machine, nth) => {
                if let Some(entry) = self.machines[machine].nth(nth) {
                    self.machines[machine].put(&entry.id, &format!("On {}", word(at)), &entry.content, at);
                }
            }
            Step::Deleted(machine, nth) => {
                if let Some(entry) = self.machines[machine].nth(nth) {
                    self.machines[machine].store.delete_entry(&entry.id, UnixMillis(at)).unwrap();
                    self.machines[machine].gone.insert(word_of(&entry));
                    self.deleted.insert(word_of(&entry));
                }
            }
            Step::ForgotSession(machine, nth) => {
                if let Some(session) = self.machines[machine].nth(nth).and_then(|entry| entry.session) {
                    self.machines[machine].forget(&Extent::Session(session), at);
                }
            }
            Step::ForgotProject(machine) => {
                self.machines[machine].forget(&Extent::Project(PROJECT.into()), at)
            }
            Step::ForgotAll(machine) => self.machines[machine].forget(&Extent::Everything, at),
            Step::ExportedAll(machine) => {
                self.files.push(File::All(lines(&export(&mut self.machines[machine].store))));
            }
            Step::ExportedKnowledge(machine) => {
                let sections = self.machines[machine].store.sections(&owner(), None).unwrap();
                self.files.push(File::Knowledge(render(&sections)));
            }
            Step::TookIn(machine, nth) => {
                if let Some(file) = self.files.get(nth % self.files.len().max(1)).cloned() {
                    self.take_in(machine, &file)?;
                }
            }
        }
        Ok(())
    }

    fn take_in(&mut self, machine: usize, file: &File) -> Result<(), TestCaseError> {
        let machine = &mut self.machines[machine];
        let before = machine.words();
        let in_file = match file {
            File::All(file) => {
                import(&mut machine.store, file, 7);
                let again = import(&mut machine.store, file, 50);
                prop_assert_eq!(again.entries, 0, "twice changes nothing");
                entries_in(file)
            }
            File::Knowledge(file) => {
                take(&mut machine.store, file, self.clock);
                let again = take(&mut machine.store, file, self.clock);
                prop_assert_eq!((again.created, again.updated), (vec![], vec![]), "twice changes nothing");
                sections_in(file)
            }
        };
        let after = machine.words();
        let each: BTreeSet<&String> = after.iter().collect();
        prop_assert_eq!(each.len(), after.len(), "nothing is doubled: {:?}", after);
        prop_assert!(before.iter().all(|word| each.contains(word)), "what was here is here");
        prop_assert!(machine.gone.iter().all(|word| !each.contains(word)), "nothing comes back: {:?}", after);
        for (word, version) in in_file {
            let is_gone = machine.gone.contains(&word) || self.deleted.contains(&word);
            if is_gone || machine.forgotten.contains(&id(&word)) {
                continue;
            }
            let here = machine.entries().into_iter().find(|entry| word_of(entry) == word);
            prop_assert!(here.is_some_and(|here| here.version >= version), "{} is lost", word);
        }
        Ok(())
    }
}

fn entries_in(file: &str) -> Vec<(String, u32)> {
    let record = |line: &str| serde_json::from_str(line).unwrap();
    let entry = |record| if let Record::Entry(entry) = record { Some(entry) } else { None };
    let entries = file.lines().map(record).filter_map(entry);
    entries.map(|it| (it.content.split(' ').next().unwrap().to_owned(), it.version)).collect()
}

fn sections_in(file: &str) -> Vec<(String, u32)> {
    let sections = parse(file).unwrap().sections;
    sections.iter().map(|it| (it.content.split(' ').next().unwrap().to_owned(), 1)).collect()
}

fn take(store: &mut SqliteStore, file: &str, at: i64) -> TakenOver {
    store.take_over(&owner(), &parse(file).unwrap(), TakingOver::default(), UnixMillis(at)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_two_machines_exchange_nothing_is_lost_nothing_doubled_and_nothing_comes_back(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let machines = [Machine::new(), Machine::new()];
        let mut world = World { machines, files: Vec::new(), deleted: BTreeSet::new(), clock: 0 };
        steps.iter().try_for_each(|step| world.live(step))?;
    }
}

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
