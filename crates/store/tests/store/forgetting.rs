//! What is forgotten is gone for good, and nothing else is.

use crate::fixture::{id, model, say, texts, turn, user};
use domain::ids::{KnowledgeId, Principal, SessionId};
use domain::knowledge::{Category, Operation};
use domain::provider::{Dialect, Provider, UpstreamKey};
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use domain::warming::{WarmingMode, Whose};
use store::{
    Browse, CostsBy, Draft, Extent, KeptBatch, KeptHabits, KeptItem, LedgerEntry, SqliteStore, Store,
    StoreError, TurnRecord, Yours,
};

const NOW: UnixMillis = UnixMillis(9_000_000);

fn create(title: &str, content: &str) -> Operation {
    let category = Category::Decision;
    Operation::Create { category, title: title.into(), content: content.into(), confidence: 0.5 }
}

fn cost(session: &str, usd: f64) -> LedgerEntry {
    LedgerEntry {
        at: NOW,
        session: Some(id(session)),
        purpose: Purpose::Distill,
        provider: domain::provider::Provider::Anthropic,
        model: "claude-sonnet-4-5".into(),
        status: Some(200),
        usage: Default::default(),
        usd,
        attempts: 1,
    }
}

/// A session in a project, with one of everything that can be kept of it; every text of it holds `word`.
fn lived_in(store: &mut dyn Store, session: &str, project: &str, word: &str) {
    let record = TurnRecord {
        project: Some(project.into()),
        directory: Some(format!("/home/{word}")),
        injection: Some(format!("notes {word}").into()),
        ..turn(session, &[user(&format!("{word} asked"))], Some(model(&format!("{word} answered"))))
    };
    store.record_turn(&record).unwrap();
    let pending = store.pending(&id(session), 1_000, UnixMillis(0)).unwrap();
    let lines = [format!("{word} observed")];
    store.store_observations(&id(session), &[pending[0].id], &lines, NOW).unwrap();
    let merged = store.observations(&id(session)).unwrap()[0].id;
    store.merge_observations(&id(session), &[merged], &[format!("{word} merged")], NOW).unwrap();
    for content in ["first", "second"] {
        let operation = create(&format!("{word} title"), &format!("{word} {content}"));
        store.apply_operations(&id(session), &[operation], NOW).unwrap();
    }
    let gone = create(&format!("{word} gone"), &format!("{word} gone"));
    store.apply_operations(&id(session), &[gone], NOW).unwrap();
    let entries = store.knowledge(None).unwrap();
    let doomed = entries.iter().find(|entry| entry.title == format!("{word} gone")).unwrap().id.to_string();
    let delete = Operation::Delete { id: doomed, reason: format!("{word} reason") };
    store.apply_operations(&id(session), &[delete], NOW).unwrap();
    store
        .apply_operations(&id(session), &[create(&format!("{word} other"), &format!("un{word}"))], NOW)
        .unwrap();
    let place = project.into();
    let entries = store.project_knowledge(&Principal::local(), Some(&place)).unwrap();
    let (one, with) = (entries[0].id.to_string(), entries[1].id.to_string());
    let contradict = Operation::Contradict { id: one, with, reason: format!("{word} differs") };
    store.apply_operations(&id(session), &[contradict], NOW).unwrap();
    store.begin_consolidation(&id(session), 1, NOW).unwrap();
    store.charge(&cost(session, 1.0)).unwrap();
    store.set_warming_mode(&id(session), WarmingMode::Keep, NOW).unwrap();
    let habits = |whose| KeptHabits { whose, shape: 1, counts: "{}".into() };
    let of_project = Whose::Project(format!("local {project}").into());
    store.keep_habits(&[habits(Whose::Session(id(session))), habits(of_project)], &[], NOW).unwrap();
}

fn two() -> SqliteStore {
    let mut store = SqliteStore::in_memory().unwrap();
    lived_in(&mut store, "one", "oven", "quince");
    lived_in(&mut store, "other", "garden", "medlar");
    store
}

fn forget(store: &mut SqliteStore, what: &Extent) -> store::Forgotten {
    let counted = store.forgettable(&Principal::local(), what).unwrap();
    let forgotten = store.forget(&Principal::local(), what, NOW).unwrap();
    assert_eq!(
        counted,
        store::Forgotten { left: store::Erased::default(), ..forgotten.clone() },
        "as it was told before"
    );
    forgotten
}

fn finds(store: &mut SqliteStore, word: &str) -> usize {
    store.recall(None, word, 100).unwrap().len()
}

fn sessions(store: &mut SqliteStore) -> Vec<SessionId> {
    store.sessions(None).unwrap().into_iter().map(|session| session.id).collect()
}

#[test]
fn a_session_a_project_and_everything_go_with_all_that_came_of_them_and_nothing_else_does() {
    for what in
        [Extent::Session(id("one")), Extent::Project("oven".into()), Extent::Project("/home/quince".into())]
    {
        let mut store = two();
        let (quince, medlar) = (finds(&mut store, "quince"), finds(&mut store, "medlar"));
        assert!(quince > 3 && quince == medlar, "{quince} {medlar}");
        let forgotten = forget(&mut store, &what);
        assert_eq!((forgotten.sessions, forgotten.messages, forgotten.observations), (vec![id("one")], 2, 2));
        assert_eq!(forgotten.entries.len(), 2);
        assert_eq!((finds(&mut store, "quince"), finds(&mut store, "medlar")), (0, medlar), "{what:?}");
        assert_eq!(sessions(&mut store), [id("other")]);
    }
    let mut store = two();
    assert_eq!(forget(&mut store, &Extent::Everything).sessions.len(), 2);
    assert_eq!((finds(&mut store, "quince"), finds(&mut store, "medlar")), (0, 0));
    assert!(sessions(&mut store).is_empty() && store.knowledge(None).unwrap().is_empty());
    assert!(store.habits().unwrap().is_empty());
}

#[test]
fn what_it_cost_stays_in_the_sums_under_no_session() {
    let mut store = two();
    forget(&mut store, &Extent::Session(id("one")));
    store.charge(&cost("one", 0.5)).unwrap();
    let by = |store: &mut SqliteStore, by| {
        let costs = store.costs(UnixMillis(0), by).unwrap();
        costs.into_iter().map(|costs| (costs.key, costs.other_usd)).collect::<Vec<_>>()
    };
    assert_eq!(by(&mut store, CostsBy::Nothing), [(String::new(), 2.5)]);
    assert_eq!(by(&mut store, CostsBy::Session), [(String::new(), 1.5), ("other".into(), 1.0)]);
}

#[test]
fn habits_of_a_session_and_of_a_project_go_with_it_and_do_not_come_back_by_a_late_write() {
    let whose = |store: &mut SqliteStore| {
        store.habits().unwrap().into_iter().map(|kept| kept.whose).collect::<Vec<_>>()
    };
    let mut store = two();
    forget(&mut store, &Extent::Session(id("one")));
    let late = KeptHabits { whose: Whose::Session(id("one")), shape: 1, counts: "{}".into() };
    store.keep_habits(&[late], &[], NOW).unwrap();
    assert!(!whose(&mut store).contains(&Whose::Session(id("one"))));
    assert!(whose(&mut store).contains(&Whose::Project("local oven".into())));
    forget(&mut store, &Extent::Project("oven".into()));
    assert_eq!(whose(&mut store), [Whose::Project("local garden".into()), Whose::Session(id("other"))]);
}

#[test]
fn what_an_agent_sends_again_of_a_forgotten_session_is_not_kept() {
    let mut store = two();
    forget(&mut store, &Extent::Session(id("one")));
    let again = turn("one", &[user("quince asked"), model("quince answered"), user("quince again")], None);
    let recorded = store.record_turn(&again).unwrap();
    assert!(recorded.forgotten && recorded.new_messages == 0);
    assert_eq!((sessions(&mut store), finds(&mut store, "quince")), (vec![id("other")], 0));
    say(&mut store, "new", &["quince anew"]);
    assert_eq!(texts(&mut store, "new"), ["quince anew"], "another session is another");
}

#[test]
fn a_forgotten_conversation_without_a_name_is_known_again_after_a_restart() {
    let mut store = SqliteStore::in_memory().unwrap();
    let unnamed = TurnRecord { identity: None, ..turn("s", &[user("quince")], None) };
    store.record_turn(&unnamed).unwrap();
    let heads = |store: &mut SqliteStore| {
        store.heads().unwrap().into_iter().map(|it| (it.session, it.head, it.identity)).collect::<Vec<_>>()
    };
    let before = heads(&mut store);
    forget(&mut store, &Extent::Everything);
    assert_eq!(heads(&mut store), before);
    say(&mut store, "named", &["medlar"]);
    forget(&mut store, &Extent::Everything);
    assert_eq!(heads(&mut store), before, "one that its client names needs no head");
}

#[test]
fn work_that_was_under_way_writes_nothing_back() {
    let mut store = two();
    let pending = store.pending(&id("one"), 1_000, UnixMillis(0)).unwrap();
    let sources: Vec<i64> = pending.iter().map(|message| message.id).collect();
    assert!(!sources.is_empty());
    let known: Vec<KnowledgeId> =
        store.entries_of(&id("one"), 9).unwrap().items.into_iter().map(|it| it.id).collect();
    forget(&mut store, &Extent::Session(id("one")));
    assert!(store.store_observations(&id("one"), &sources, &["quince".into()], NOW).unwrap().is_empty());
    let refused = |outcome| matches!(outcome, Err(StoreError::Refused(_)));
    assert!(refused(store.apply_operations(&id("one"), &[create("quince", "quince")], NOW)));
    let update = Operation::Update {
        id: known[0].to_string(),
        category: None,
        title: None,
        content: Some("quince".into()),
        confidence: None,
    };
    assert!(
        refused(store.apply_operations(&id("other"), &[update], NOW)),
        "another session's curator saw it"
    );
    assert_eq!(finds(&mut store, "quince"), 0);
}

#[test]
fn nobody_forgets_what_is_anothers() {
    let mut store = SqliteStore::in_memory().unwrap();
    let theirs = TurnRecord { principal: "ann".into(), ..turn("hers", &[user("quince")], None) };
    store.record_turn(&theirs).unwrap();
    for what in [Extent::Session(id("hers")), Extent::Project("/home/ann/oven".into()), Extent::Everything] {
        assert!(forget(&mut store, &what).sessions.is_empty());
    }
    assert_eq!(texts(&mut store, "hers"), ["quince"]);
}

#[test]
fn an_entry_by_hand_goes_with_everything_and_stays_with_less() {
    let mut store = two();
    let draft = Draft {
        category: Category::Gotcha,
        title: "By hand".into(),
        content: "loquat".into(),
        confidence: 1.0,
    };
    for content in ["loquat", "loquat again"] {
        let draft = Draft { content: content.into(), ..draft.clone() };
        store.put_entry(&Principal::local(), &"mine".into(), &draft, NOW).unwrap();
    }
    forget(&mut store, &Extent::Project("oven".into()));
    assert_eq!((finds(&mut store, "loquat"), store.versions(&"mine".into(), 9).unwrap().total), (1, 1));
    forget(&mut store, &Extent::Everything);
    assert_eq!((finds(&mut store, "loquat"), store.versions(&"mine".into(), 9).unwrap().total), (0, 0));
}

#[tokio::test]
async fn while_the_store_is_open_no_file_of_its_folder_holds_a_word_of_what_was_forgotten() {
    for what in [Extent::Session(id("one")), Extent::Project("oven".into()), Extent::Everything] {
        let home = tempfile::TempDir::new().unwrap();
        let desk = store::Desk::threads(home.path()).unwrap();
        let live = |store: &mut dyn Store| {
            lived_in(store, "one", "oven", "quincemarmalade");
            lived_in(store, "other", "garden", "medlarcheese");
            Ok(())
        };
        desk.write(live).await.unwrap();
        assert!(files_with(home.path(), b"quincemarm") > 0, "or the test would tell nothing");
        let doomed = what.clone();
        let forgotten =
            desk.write(move |store| store.forget(&Principal::local(), &doomed, NOW)).await.unwrap();
        assert!(forgotten.left.log_emptied && forgotten.messages > 0);
        // The index folds and stems words, so the trace to look for is the stem.
        assert_eq!(files_with(home.path(), b"quincemarm"), 0, "{what:?}");
        let left = files_with(home.path(), b"medlarchees");
        assert_eq!(left > 0, what != Extent::Everything);
        desk.close().await;
        assert_eq!(files_with(home.path(), b"quincemarm"), 0, "{what:?}");
    }
}

/// How many files of a folder hold these bytes, in whatever case.
fn files_with(folder: &std::path::Path, wanted: &[u8]) -> usize {
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files
        .filter(|bytes| bytes.to_ascii_lowercase().windows(wanted.len()).any(|window| window == wanted))
        .count()
}

#[test]
fn no_table_has_anything_of_an_owner_who_forgot_everything_but_what_it_cost_and_what_is_not_to_come_again() {
    let home = tempfile::TempDir::new().unwrap();
    let mut store = SqliteStore::open(home.path()).unwrap();
    lived_in(&mut store, "one", "oven", "quince");
    forget(&mut store, &Extent::Everything);
    drop(store);
    let database = rusqlite::Connection::open(home.path().join("stillroom.db")).unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%_words%' AND name NOT LIKE 'sqlite_%'";
    let mut statement = database.prepare(tables).unwrap();
    let names: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let count = |name: &String| -> i64 {
        database.query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get(0)).unwrap()
    };
    let mut left: Vec<_> = names.iter().filter(|name| count(name) > 0).map(String::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, ["forgotten", "ledger", "tombstone"]);
    let told = "SELECT count(*) FROM tombstone WHERE reason <> 'forgotten' OR project IS NOT NULL OR promoted OR print <> x''";
    let wordy: i64 = database.query_row(told, [], |row| row.get(0)).unwrap();
    assert_eq!(wordy, 0, "of entries only where they came from");
}

#[test]
fn the_word_indexes_agree_with_what_is_left() {
    let home = tempfile::TempDir::new().unwrap();
    let mut store = SqliteStore::open(home.path()).unwrap();
    lived_in(&mut store, "one", "oven", "quince");
    lived_in(&mut store, "other", "garden", "medlar");
    lived_in(&mut store, "third", "果园", "木梨");
    lived_in(&mut store, "fourth", "畑", "カリン");
    forget(&mut store, &Extent::Session(id("one")));
    forget(&mut store, &Extent::Session(id("third")));
    store.retain(store::Limits { oldest: Some(UnixMillis(i64::MAX)), largest: None }).unwrap();
    drop(store);
    let database = rusqlite::Connection::open(home.path().join("stillroom.db")).unwrap();
    let flags = rusqlite::functions::FunctionFlags::SQLITE_UTF8;
    let set_apart = |values: &rusqlite::functions::Context<'_>| {
        Ok(domain::script::set_apart(values.get_raw(0).as_str()?).into_owned())
    };
    database.create_scalar_function("set_apart", 1, flags, set_apart).unwrap();
    for words in ["message_words", "observation_words", "knowledge_words"] {
        let check = format!("INSERT INTO {words} ({words}, rank) VALUES ('integrity-check', 1)");
        database.execute(&check, []).unwrap_or_else(|error| panic!("{words}: {error}"));
    }
}

#[test]
fn a_note_of_a_forgotten_entry_that_another_session_got_goes_too() {
    let mut store = two();
    let entry = store.entries_of(&id("one"), 1).unwrap().items.remove(0);
    let note = |entry| Some(format!("fence\n{}", domain::notes::note(entry, NOW)).into());
    let told = TurnRecord { injection: note(&entry), ..turn("told", &[user("hello")], None) };
    store.record_turn(&told).unwrap();
    let got = |store: &mut SqliteStore| {
        let all = store.injections(9).unwrap();
        all.into_iter().find(|(session, _)| *session == id("told")).and_then(|(_, text)| text)
    };
    assert!(got(&mut store).is_some_and(|text| text.contains("quince")));
    forget(&mut store, &Extent::Session(id("one")));
    assert_eq!(got(&mut store), None);
}

#[test]
fn of_what_lies_in_a_batch_only_the_place_of_a_forgotten_session_s_call_is_left() {
    let mut store = two();
    let item =
        |session: &str| KeptItem { session: Some(id(session)), model: "m".into(), sources: vec![1], size: 9 };
    let batch = KeptBatch {
        mark: "stillroom-1".into(),
        id: None,
        principal: Principal::local(),
        upstream: UpstreamKey::new(Provider::Anthropic, "https://h"),
        dialect: Dialect::AnthropicMessages,
        at: NOW,
        items: vec![item("one"), item("other")],
    };
    store.keep_batch(&batch).unwrap();
    forget(&mut store, &Extent::Session(id("one")));
    let nobody = KeptItem { session: None, model: "m".into(), sources: vec![], size: 0 };
    let left = KeptBatch { items: vec![nobody, item("other")], ..batch.clone() };
    assert_eq!(store.batches().unwrap(), std::slice::from_ref(&left));
    store.keep_batch(&batch).unwrap();
    assert_eq!(store.batches().unwrap(), [left], "nor is it named when the batch is written down again");
}
