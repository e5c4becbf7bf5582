//! Everything can be taken along and brought in again, as often as one likes.

use crate::fixture::{id, model, say, texts, tool_call, tool_result, turn, user};
use domain::conversation::{Message, Usage};
use domain::ids::Principal;
use domain::knowledge::{Category, Operation};
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use proptest::prelude::*;
use store::record::{FORMAT, Record};
use store::{
    Bookmark, Draft, Extent, Imported, LedgerEntry, SqliteStore, Store, StoreError, TurnRecord, WarmReturn,
    Yours,
};

pub(crate) fn owner() -> Principal {
    Principal::local()
}

/// All records, page by page.
pub(crate) fn export(store: &mut SqliteStore) -> Vec<Record> {
    let (mut all, mut next) = (Vec::new(), Some(Bookmark::default()));
    while let Some(bookmark) = next {
        let (records, after) = store.export_some(&owner(), bookmark).unwrap();
        all.extend(records);
        next = after;
    }
    all
}

/// The lines of a file.
pub(crate) fn lines(records: &[Record]) -> String {
    records.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect()
}

/// Brings a file in, so many records at a time.
pub(crate) fn import(store: &mut SqliteStore, file: &str, at_a_time: usize) -> Imported {
    let records: Vec<Record> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut done = Imported::default();
    for some in records.chunks(at_a_time) {
        done += store.import_some(&owner(), some, false).unwrap();
    }
    done
}

#[derive(Debug, Clone)]
enum Happening {
    Said { session: usize, words: Vec<String>, at: i64, cut: bool },
    UsedATool { session: usize, at: i64 },
    Distilled { session: usize, lines: Vec<String>, at: i64 },
    Curated { session: usize, title: String, content: String, confidence: f64, at: i64 },
    Merged { session: usize, line: String, at: i64 },
    Contradicted { session: usize, at: i64 },
    Deleted { title: usize },
    ByHand { id: String, content: String, at: i64 },
    Promoted { title: usize },
    Charged { session: Option<usize>, usd: f64, at: i64 },
    Returned { session: usize, usd: f64, at: i64 },
    Dropped { before: i64 },
}

fn happening() -> impl Strategy<Value = Happening> {
    let (session, at) = (0..3_usize, 0..20_i64);
    let text = "[a-c \n\"\\\\é\u{1}]{1,12}".prop_filter("not blank", |text| !text.trim().is_empty());
    let texts = prop::collection::vec(text.clone(), 1..4);
    prop_oneof![
        4 => (session.clone(), texts.clone(), at.clone(), any::<bool>())
            .prop_map(|(session, words, at, cut)| Happening::Said { session, words, at, cut }),
        1 => (session.clone(), at.clone()).prop_map(|(session, at)| Happening::UsedATool { session, at }),
        3 => (session.clone(), prop::collection::vec(text.clone(), 0..3), at.clone())
            .prop_map(|(session, mut lines, at)| {
                // One in a few is pinned.
                lines.iter_mut().filter(|line| line.contains('a')).for_each(|line| line.insert_str(0, "PINNED: "));
                Happening::Distilled { session, lines, at }
            }),
        3 => (session.clone(), text.clone(), text.clone(), 0.0..=1.0_f64, at.clone())
            .prop_map(|(session, title, content, confidence, at)| {
                Happening::Curated { session, title, content, confidence, at }
            }),
        1 => (session.clone(), text.clone(), at.clone())
            .prop_map(|(session, line, at)| Happening::Merged { session, line, at }),
        1 => (session.clone(), at.clone()).prop_map(|(session, at)| Happening::Contradicted { session, at }),
        1 => (0..9_usize).prop_map(|title| Happening::Deleted { title }),
        1 => ("[a-c]{1,2}|k[1-9]", text, at.clone()).prop_map(|(id, content, at)| Happening::ByHand { id, content, at }),
        1 => (0..9_usize).prop_map(|title| Happening::Promoted { title }),
        2 => (prop::option::of(session.clone()), 0.0..0.3_f64, at.clone())
            .prop_map(|(session, usd, at)| Happening::Charged { session, usd: (usd * 4.0).round() / 40.0, at }),
        1 => (session, 0.0..0.3_f64, at.clone())
            .prop_map(|(session, usd, at)| Happening::Returned { session, usd: (usd * 4.0).round() / 40.0, at }),
        1 => at.prop_map(|before| Happening::Dropped { before }),
    ]
}

/// A store in which all that happened.
fn lived(happenings: &[Happening]) -> SqliteStore {
    let mut store = SqliteStore::in_memory().unwrap();
    let mut histories: [Vec<Message>; 3] = Default::default();
    for happening in happenings {
        live(&mut store, &mut histories, happening);
    }
    store
}

fn live(store: &mut SqliteStore, histories: &mut [Vec<Message>; 3], happening: &Happening) {
    let name = |session: usize| format!("session-{session}");
    let nth_entry = |store: &mut SqliteStore, nth: usize| {
        let entries = store.knowledge(None).unwrap();
        entries.get(nth % entries.len().max(1)).map(|entry| entry.id.clone())
    };
    match happening.clone() {
        Happening::Said { session, words, at, cut } => {
            histories[session].extend(words.iter().map(|text| user(text)));
            let answer = model(&format!("answer {}", words.len()));
            let usage = Usage { input: words.len() as u64, ..Usage::default() };
            let record = TurnRecord {
                at: UnixMillis(at),
                cut,
                usage,
                identity: (session > 0).then(|| name(session)),
                ..turn(&name(session), &histories[session], Some(answer.clone()))
            };
            store.record_turn(&record).unwrap();
            histories[session].push(answer);
        }
        Happening::UsedATool { session, at } => {
            histories[session].extend([user("use it"), tool_call("t"), tool_result("t", "done")]);
            let record = TurnRecord { at: UnixMillis(at), ..turn(&name(session), &histories[session], None) };
            store.record_turn(&record).unwrap();
        }
        Happening::Distilled { session, lines, at } => {
            let pending = store.pending(&id(&name(session)), 8, UnixMillis(0)).unwrap();
            let sources: Vec<i64> = pending.iter().map(|message| message.id).collect();
            store.store_observations(&id(&name(session)), &sources, &lines, UnixMillis(at)).unwrap();
        }
        Happening::Curated { session, title, content, confidence, at } => {
            let create = Operation::Create { category: Category::Pattern, title, content, confidence };
            let applied = store.apply_operations(&id(&name(session)), &[create], UnixMillis(at));
            assert!(applied.is_ok() || store.session(&id(&name(session))).unwrap().is_none());
        }
        Happening::Merged { session, line, at } => {
            let observations = store.observations(&id(&name(session))).unwrap();
            let loose = observations.iter().filter(|observation| !observation.pinned);
            let sources: Vec<i64> = loose.map(|observation| observation.id).take(2).collect();
            store.merge_observations(&id(&name(session)), &sources, &[line], UnixMillis(at)).unwrap();
        }
        Happening::Contradicted { session, at } => {
            let project = "/home/ann/oven".into();
            let entries = store.project_knowledge(&owner(), Some(&project)).unwrap();
            let of_project: Vec<_> = entries.iter().filter(|entry| entry.project.is_some()).collect();
            if let [one, other, ..] = &of_project[..]
                && store.session(&id(&name(session))).unwrap().is_some()
            {
                let (one, with) = (one.id.to_string(), other.id.to_string());
                let contradict = Operation::Contradict { id: one, with, reason: "they do".into() };
                store.apply_operations(&id(&name(session)), &[contradict], UnixMillis(at)).unwrap();
            }
        }
        Happening::Deleted { title } => {
            if let Some(id) = nth_entry(store, title) {
                store.delete_entry(&id, UnixMillis(3)).unwrap();
            }
        }
        Happening::ByHand { id, content, at } => {
            let draft =
                Draft { category: Category::Gotcha, title: "By hand".into(), content, confidence: 0.1 + 0.2 };
            let put = store.put_entry(&owner(), &id.as_str().into(), &draft, UnixMillis(at));
            assert!(matches!(put, Ok(_) | Err(StoreError::Refused(_))));
        }
        Happening::Promoted { title } => {
            if let Some(id) = nth_entry(store, title) {
                store.promote_entry(&id, true).unwrap();
            }
        }
        Happening::Charged { session, usd, at } => {
            let entry = LedgerEntry {
                at: UnixMillis(at),
                session: session.map(|session| id(&name(session))),
                purpose: Purpose::Distill,
                provider: domain::provider::Provider::Anthropic,
                model: "m".into(),
                status: Some(200),
                usage: Usage::default(),
                usd,
                attempts: 1,
            };
            store.charge(&entry).unwrap();
        }
        Happening::Returned { session, usd, at } => {
            let back = WarmReturn {
                at: UnixMillis(at),
                session: id(&name(session)),
                provider: domain::provider::Provider::Anthropic,
                model: "m".into(),
                ttl: domain::conversation::CacheTtl::OneHour,
                tokens: 7,
                usd,
            };
            store.credit(&back).unwrap();
        }
        Happening::Dropped { before } => {
            let limits = store::Limits { oldest: Some(UnixMillis(before)), largest: None };
            while store.retain(limits).unwrap().more {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_exported_and_imported_is_exported_as_the_same_and_importing_it_twice_changes_nothing(
        happenings in prop::collection::vec(happening(), 0..40),
        at_a_time in 1..50_usize,
    ) {
        let file = lines(&export(&mut lived(&happenings)));
        let mut other = SqliteStore::in_memory().unwrap();
        import(&mut other, &file, at_a_time);
        prop_assert_eq!(&lines(&export(&mut other)), &file);
        let again = import(&mut other, &file, at_a_time);
        prop_assert_eq!(again, Imported { known: again.known, left_out: again.left_out, ..Imported::default() });
        prop_assert_eq!(&lines(&export(&mut other)), &file);
    }

    #[test]
    fn an_import_that_was_stopped_goes_on_where_it_was(
        happenings in prop::collection::vec(happening(), 1..30),
        stopped in 0..200_usize,
    ) {
        let records = export(&mut lived(&happenings));
        let mut other = SqliteStore::in_memory().unwrap();
        let some = &records[..stopped.min(records.len())];
        other.import_some(&owner(), some, false).unwrap();
        import(&mut other, &lines(&records), 7);
        prop_assert_eq!(lines(&export(&mut other)), lines(&records));
    }
}

#[test]
fn the_first_line_says_how_the_others_are_to_be_read() {
    let records = export(&mut SqliteStore::in_memory().unwrap());
    assert_eq!(lines(&records), format!("{{\"stillroom\":{{\"format\":{FORMAT}}}}}\n"));
}

#[test]
fn a_session_that_went_on_brings_only_what_is_new_and_what_is_here_stays() {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, "s", &["one", "two"]);
    let mut other = SqliteStore::in_memory().unwrap();
    import(&mut other, &lines(&export(&mut store)), 50);
    let pending = other.pending(&id("s"), 99, UnixMillis(0)).unwrap();
    other.store_observations(&id("s"), &[pending[0].id], &["seen".into()], UnixMillis(5)).unwrap();
    let later = TurnRecord {
        at: UnixMillis(9_000_000),
        ..turn("s", &[user("one"), model("two"), user("three")], Some(model("four")))
    };
    store.record_turn(&later).unwrap();
    let done = import(&mut other, &lines(&export(&mut store)), 50);
    assert_eq!((done.sessions, done.messages), (0, 2));
    assert_eq!(texts(&mut other, "s"), ["one", "two", "three", "four"]);
    assert_eq!(other.session(&id("s")).unwrap().unwrap().turns, 2);
    assert_eq!(other.observations(&id("s")).unwrap().len(), 1);
    let again = TurnRecord { at: UnixMillis(9_000_001), ..later };
    assert_eq!(other.record_turn(&again).unwrap().new_messages, 0, "its agent goes on here");
}

#[test]
fn what_was_forgotten_stays_forgotten_unless_it_is_to_come_again() {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, "s", &["quince"]);
    let create = |title: &str| Operation::Create {
        category: Category::Gotcha,
        title: title.into(),
        content: "quince".into(),
        confidence: 1.0,
    };
    store.apply_operations(&id("s"), &[create("quince"), create("medlar")], UnixMillis(1)).unwrap();
    let histories = &mut Default::default();
    for happening in [
        Happening::Charged { session: Some(0), usd: 0.5, at: 1 },
        Happening::Charged { session: Some(0), usd: 0.5, at: 1 },
        Happening::Returned { session: 0, usd: 0.25, at: 1 },
        Happening::Said { session: 0, words: vec!["quince".into()], at: 1, cut: false },
    ] {
        live(&mut store, histories, &happening);
    }
    let file = lines(&export(&mut store));
    store.forget(&owner(), &Extent::Everything, UnixMillis(1)).unwrap();
    let done = import(&mut store, &file, 50);
    assert_eq!((done.sessions, done.messages, done.entries), (0, 0, 0));
    assert!(done.left_out > 3 && store.recall(None, "quince", 9).unwrap().is_empty());
    let records: Vec<Record> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    store.import_some(&owner(), &records, true).unwrap();
    assert_eq!(lines(&export(&mut store)), file);
}

#[test]
fn an_entry_whose_id_means_another_one_here_gets_the_next_and_only_once() {
    let known = |title: &str, at: i64| {
        let mut store = SqliteStore::in_memory().unwrap();
        say(&mut store, title, &["hello"]);
        let create = Operation::Create {
            category: Category::Gotcha,
            title: title.into(),
            content: "so".into(),
            confidence: 1.0,
        };
        store.apply_operations(&id(title), &[create], UnixMillis(at)).unwrap();
        store
    };
    let (mut here, mut there) = (known("rye", 1), known("yeast", 2));
    let file = lines(&export(&mut there));
    assert_eq!(import(&mut here, &file, 50).entries, 1);
    assert_eq!(import(&mut here, &file, 50).entries, 0);
    let mut ids: Vec<_> =
        here.knowledge(None).unwrap().into_iter().map(|it| (it.id.to_string(), it.title)).collect();
    ids.sort();
    assert_eq!(ids, [("k1".into(), "rye".into()), ("k2".into(), "yeast".into())]);
}

#[test]
fn a_record_of_a_session_that_is_not_there_or_anothers_refuses_all_that_came_with_it() {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, "s", &["hello"]);
    let records = export(&mut store);
    let mut other = SqliteStore::in_memory().unwrap();
    let orphan: Vec<Record> =
        records.iter().filter(|record| !matches!(record, Record::Session(_))).cloned().collect();
    assert!(matches!(other.import_some(&owner(), &orphan, false), Err(StoreError::Refused(_))));
    let theirs = TurnRecord { principal: "ann".into(), ..turn("s", &[user("hers")], None) };
    other.record_turn(&theirs).unwrap();
    assert!(matches!(other.import_some(&owner(), &records, false), Err(StoreError::Refused(_))));
    assert_eq!(texts(&mut other, "s"), ["hers"]);
    assert_eq!(export(&mut other).len(), 1, "and nothing of hers is exported");
}
