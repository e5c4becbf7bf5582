//! Two machines that exchange what they know, by both kinds of files: nothing is lost, nothing doubled, and nothing comes back that is gone.

use crate::fixture::{id, say};
use crate::transfer::{export, import, lines, owner};
use domain::ids::{KnowledgeId, SessionId};
use domain::knowledge::{Category, KnowledgeEntry, Operation};
use domain::knowledge_file::{parse, render};
use domain::time::UnixMillis;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use store::record::Record;
use store::{Browse, Draft, Extent, SqliteStore, Store, TakenOver, TakingOver, Yours};

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

pub(crate) fn take(store: &mut SqliteStore, file: &str, at: i64) -> TakenOver {
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
