//! Recall finds, ranks, keeps owners apart, and takes any query.

use crate::fixture::{id, model, say, store_with, tool_call, tool_result, turn, user};
use domain::ids::Principal;
use domain::knowledge::{Category, Operation};
use domain::time::UnixMillis;
use proptest::prelude::*;
use store::{Hit, MOST_HITS, Scope, Source, SqliteStore, Store, TurnRecord};

/// A session of which message, observation and entry all speak of sourdough.
fn bakery() -> SqliteStore {
    let mut store = store_with("s", &["The sourdough starter died", "Feed the starter daily"]);
    let first = store.messages(&id("s")).unwrap()[0].id;
    store
        .store_observations(&id("s"), &[first], &["The sourdough starter was lost".into()], UnixMillis(2))
        .unwrap();
    let create = Operation::Create {
        category: Category::Gotcha,
        title: "Sourdough".into(),
        content: "It wants feeding every day".into(),
        confidence: 0.9,
    };
    store.apply_operations(&id("s"), &[create], UnixMillis(3)).unwrap();
    store
}

fn create(title: &str, content: &str) -> Operation {
    Operation::Create {
        category: Category::Pattern,
        title: title.into(),
        content: content.into(),
        confidence: 1.0,
    }
}

fn found(store: &mut SqliteStore, query: &str) -> Vec<(Source, String)> {
    let hits = store.recall(None, query, 10).unwrap();
    hits.into_iter().map(|Hit { source, text, .. }| (source, text)).collect()
}

#[test]
fn knowledge_comes_before_observations_before_messages() {
    let mut store = bakery();
    let hits = store.recall(None, "sourdough", 10).unwrap();
    let sources: Vec<Source> = hits.iter().map(|hit| hit.source).collect();
    assert_eq!(sources[..3], [Source::Knowledge, Source::Observation, Source::Message]);
    assert_eq!((hits[0].id.as_str(), hits[0].title.as_deref()), ("k1", Some("Sourdough")));
    assert_eq!(
        (hits[2].text.as_str(), hits[2].session.clone()),
        ("The sourdough starter died", Some(id("s")))
    );
    assert_eq!(hits[3].text, "Feed the starter daily", "what was said next to it comes along, last");
    assert!(hits.is_sorted_by(|one, next| one.score >= next.score && next.score > 0.0 && one.score <= 1.0));
    assert_eq!((hits[0].at, hits[1].at), (UnixMillis(3), hits[2].at), "what it tells was said then");
}

#[test]
fn who_spells_a_word_in_one_way_finds_it_in_the_other() {
    let said = ["The colour is serialised", "Analyzing the neighbor's behavior", "A licence for two centres"];
    let mut store = store_with("s", &said);
    for (asked, wanted) in [
        ("Which color?", 0),
        ("serialization of colors", 0),
        ("How do neighbours behave, what was analysed?", 1),
        ("behaviour", 1),
        ("analyse", 1),
        ("licenses", 2),
        ("the center", 2),
    ] {
        assert_eq!(found(&mut store, asked)[0].1, said[wanted], "{asked}");
    }
}

#[test]
fn what_has_all_words_comes_before_what_has_some() {
    let mut store = bakery();
    let hits = found(&mut store, "sourdough died");
    assert_eq!(hits[0], (Source::Message, "The sourdough starter died".into()));
    assert_eq!(hits[1].0, Source::Knowledge);
    assert_eq!(hits.len(), 4, "each once");
}

#[test]
fn other_forms_and_accents_of_a_word_are_found_and_common_words_are_not_looked_for() {
    let mut store = store_with("s", &["Füchse mögen Brot"]);
    say(&mut store, "s2", &["the the the"]);
    assert_eq!(found(&mut store, "what is the FUCHSE?").len(), 1);
    assert_eq!(found(&mut store, "the").len(), 1, "unless there is nothing else");
    let mut store = bakery();
    assert_eq!(found(&mut store, "starters").len(), 3);
    assert!(found(&mut store, "bicycle").is_empty());
}

#[test]
fn irregular_forms_of_a_word_are_found() {
    let mut store = store_with("s", &["We bought a mill", "Fine", "They think so", "Yes"]);
    assert_eq!(found(&mut store, "what did they buy?")[0].1, "We bought a mill");
    assert_eq!(found(&mut store, "who thought?")[0].1, "They think so");
}

#[test]
fn context_never_comes_from_another_session() {
    let mut store = store_with("s", &["The mill stands still"]);
    say(&mut store, "s2", &["Something else"]);
    say(&mut store, "s", &["The mill stands still", "Since when?"]);
    let texts: Vec<String> = found(&mut store, "mill").into_iter().map(|hit| hit.1).collect();
    assert_eq!(texts, ["The mill stands still", "Since when?"]);
}

#[test]
fn a_title_weighs_more_than_content() {
    let mut store = store_with("s", &["a"]);
    let both =
        [create("Kneading", "the oven is not in the title"), create("Oven", "kneading is not in the title")];
    store.apply_operations(&id("s"), &both, UnixMillis(1)).unwrap();
    assert_eq!(store.recall(None, "oven", 1).unwrap()[0].id, "k2");
    assert_eq!(store.recall(None, "kneading", 1).unwrap()[0].id, "k1");
}

#[test]
fn owners_are_kept_apart() {
    let mut store = bakery();
    let mut foreign = turn("foreign", &[user("sourdough of mine")], None);
    foreign.principal = Principal::from("bob");
    store.record_turn(&foreign).unwrap();
    let of =
        |store: &mut SqliteStore, who: &Principal| store.recall(Some(who), "sourdough", 10).unwrap().len();
    assert_eq!(of(&mut store, &Principal::from("bob")), 1);
    assert_eq!(of(&mut store, &Principal::local()), 4);
    assert_eq!(of(&mut store, &Principal::from("eve")), 0);
}

#[test]
fn a_revised_entry_is_found_by_its_new_words_only() {
    let mut store = bakery();
    let content = Some("Bicycles are better".to_owned());
    let update =
        Operation::Update { id: "k1".into(), category: None, title: None, content, confidence: None };
    store.apply_operations(&id("s"), &[update], UnixMillis(4)).unwrap();
    assert_eq!(found(&mut store, "bicycle").len(), 1);
    assert!(!found(&mut store, "feeding").iter().any(|(source, _)| *source == Source::Knowledge));
}

#[test]
fn the_limit_holds_and_is_held_within_bounds() {
    let words: Vec<String> = (0..=MOST_HITS).map(|number| format!("loaf {number}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut store = store_with("s", &words);
    let mut count = |limit| store.recall(None, "loaf", limit).unwrap().len();
    assert_eq!((count(0), count(3), count(usize::MAX)), (1, 3, MOST_HITS));
}

#[test]
fn a_long_message_is_shown_around_the_words() {
    let long = format!("{} needle {}", "hay ".repeat(2000), "hay ".repeat(2000));
    let mut store = store_with("s", &[&long]);
    let text = found(&mut store, "needle").remove(0).1;
    assert!(text.contains("needle") && text.len() < 1000, "{text}");
}

#[test]
fn words_are_found_in_texts_that_set_no_blanks_between_them() {
    let mut store =
        store_with("s", &["我们决定把数据库迁移到PostgreSQL，因为并发写入太慢。", "好的，明天开始。"]);
    say(&mut store, "s2", &["パン種は毎日餌をやる必要がある", "데이터베이스를 옮겼다", "猫在睡觉"]);
    let mut first = |query: &str| found(&mut store, query).into_iter().next().map(|hit| hit.1);
    let moved = Some("我们决定把数据库迁移到PostgreSQL，因为并发写入太慢。".to_owned());
    for query in ["数据库", "为什么迁移数据库？", "postgresql", "并发", "迁移 写入"] {
        assert_eq!(first(query), moved, "{query}");
    }
    assert_eq!(first("餌はいつやる？").as_deref(), Some("パン種は毎日餌をやる必要がある"));
    assert_eq!(first("데이터베이스").as_deref(), Some("데이터베이스를 옮겼다"), "without its ending");
    assert_eq!(first("猫").as_deref(), Some("猫在睡觉"), "one sign is a word, too");
    assert_eq!(first("据数"), None, "signs in another order are not");
}

#[test]
fn words_are_found_in_texts_whose_vowels_are_marks_and_that_set_no_blanks() {
    let thai = "เราย้ายฐานข้อมูลไปยังPostgreSQLเพราะการเขียนพร้อมกันช้าเกินไป";
    let khmer = "យើងបានផ្លាស់ប្តូរមូលដ្ឋានទិន្នន័យ";
    let mut store = store_with("s", &[thai, "ตกลง เริ่มพรุ่งนี้"]);
    say(&mut store, "s2", &[khmer, "ไม้", "ສະບາຍດີ", "မင်္ဂလာပါ"]);
    let mut first = |query: &str| found(&mut store, query).into_iter().next().map(|hit| hit.1);
    for query in ["ข้อมูล", "ทำไมย้ายฐานข้อมูล", "postgresql", "เขียนช้า"]
    {
        assert_eq!(first(query).as_deref(), Some(thai), "{query}");
    }
    assert_eq!(first("ទិន្នន័យ").as_deref(), Some(khmer));
    assert_eq!(first("ສະບາຍ").as_deref(), Some("ສະບາຍດີ"), "a part of a run");
    assert_eq!(first("မင်္ဂလာ").as_deref(), Some("မင်္ဂလာပါ"), "a part of a run");
    assert_eq!(first("ลขม"), None, "signs in another order are not");
}

#[test]
fn words_are_found_in_other_forms_than_those_of_the_question() {
    let said = ["Мы перенесли все файлы на новый сервер.", "Die Schlüssel liegen im Tresor.", "Hicbiri"];
    let mut store = store_with("s", &said);
    say(&mut store, "s2", &["Las migraciones duran una hora.", "Cache und Server: nichts davon."]);
    let mut first = |query: &str| found(&mut store, query).into_iter().next().map(|hit| hit.1);
    assert_eq!(first("Где находятся файл сервера?").as_deref(), Some(said[0]));
    assert_eq!(first("Wo ist der Ort des Schlüssels?").as_deref(), Some(said[1]));
    assert_eq!(first("¿Cuánto dura la migración?").as_deref(), Some("Las migraciones duran una hora."));
    say(&mut store, "s3", &["Raumplan: siehe Flur."]);
    assert_eq!(
        found(&mut store, "Wo ist der Raum?")[0].1,
        "Raumplan: siehe Flur.",
        "a word that is its own stem"
    );
}

/// A turn of a user who says this sixteen times, an answer and a tool's output after each.
fn chatting(session: &str, [said, answered, put_out]: [&str; 3]) -> TurnRecord {
    let round = |n: usize| {
        let call = format!("{session}{n}");
        let answer = model(&format!("{answered} {n}"));
        [
            user(&format!("{said} {n}")),
            answer,
            tool_call(&call),
            tool_result(&call, &format!("{put_out} {n}")),
        ]
    };
    turn(session, &(0..16).flat_map(round).collect::<Vec<_>>(), None)
}

#[test]
fn a_question_of_nouns_alone_is_read_in_the_language_that_whoever_asks_speaks() {
    let finnish = "Missä on tietokanta, ja miten se siirretään?";
    let english = "Where is the disk and why is it so full?";
    let (ann, bob) = (Principal::local(), Principal::from("bob"));
    let mut store = SqliteStore::in_memory().unwrap();
    let finds = |store: &mut SqliteStore, principal, project| {
        let hits =
            store.recall_within(Scope { principal, project, ..Scope::default() }, "tietokannan", 10).unwrap();
        hits.iter().any(|hit| hit.text.starts_with(finnish))
    };
    store.record_turn(&chatting("s", [finnish, english, english])).unwrap();
    assert!(finds(&mut store, None, None), "what models and tools say does not count");
    let (directory, project) = (Some("/home/ann/garden".into()), Some("/home/ann/garden".into()));
    let elsewhere = TurnRecord { directory, project, ..chatting("g", [english, finnish, finnish]) };
    store.record_turn(&elsewhere).unwrap();
    assert!(!finds(&mut store, Some(&ann), None), "what was said last counts");
    assert!(finds(&mut store, Some(&ann), Some("/home/ann/oven")), "of this project");
    let by_bob = TurnRecord { principal: bob, ..chatting("b", [english, english, english]) };
    store.record_turn(&by_bob).unwrap();
    assert!(finds(&mut store, Some(&ann), Some("/home/ann/oven")), "of this user");
}

#[test]
fn a_long_text_without_blanks_is_shown_around_the_words_as_it_was_written() {
    let long = format!("{}。针在这里！{}", "干草很多".repeat(500), "干草很多".repeat(500));
    let mut store = store_with("s", &[&long]);
    let text = found(&mut store, "针在").remove(0).1;
    assert!(text.contains("针在这里！干草") && text.chars().count() < 200, "{text}");
}

#[test]
fn entries_are_found_by_words_without_blanks() {
    let mut store = store_with("s", &["a"]);
    let both = [create("数据库", "测试需要磁盘"), create("缓存", "每小时预热一次")];
    store.apply_operations(&id("s"), &both, UnixMillis(1)).unwrap();
    let hits = store.recall(None, "缓存怎么预热", 5).unwrap();
    assert_eq!((hits.len(), hits[0].id.as_str(), hits[0].text.as_str()), (1, "k2", "每小时预热一次"));
    assert_eq!(hits[0].score, 0.4, "two of five");
}

/// More messages than are scored for one question have each of two words, none both but the first.
fn crowded() -> SqliteStore {
    let said = |word: &'static str| (0..4_100).map(move |number| format!("{word} {number}"));
    let texts: Vec<String> = ["The orchard's deploy was a harvest".to_owned()]
        .into_iter()
        .chain(said("deploy"))
        .chain(said("harvest"))
        .collect();
    store_with("s", &texts.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn words_that_very_many_messages_have_hide_nothing_and_find_something() {
    let mut store = crowded();
    let first = (Source::Message, "The orchard's deploy was a harvest".to_owned());
    assert_eq!(found(&mut store, "deploy orchard")[0], first, "the rare word draws");
    assert_eq!(found(&mut store, "orchard deploy blossom")[0], first);
    let both = found(&mut store, "harvest deploy");
    assert!(both.contains(&first), "all frequent words together draw");
    assert_eq!(both.len(), 10, "and so do the newest that have one");
    let frequent = found(&mut store, "deploy");
    assert!(frequent.len() == 10 && frequent.iter().all(|(_, text)| text.contains("deploy")), "{frequent:?}");
    let numbered = found(&mut store, "deploy 4099");
    assert_eq!(numbered[0].1, "deploy 4099");
}

#[test]
fn no_query_is_wrong() {
    let mut store = bakery();
    say(&mut store, "s2", &["\"quoted\" NEAR(x) col:umn"]);
    let long = "sourdough ".repeat(1024);
    let solid = "x".repeat(10_240);
    let hostile = [
        "",
        " ",
        "\"",
        "\"\"",
        "'",
        "*",
        "a*",
        "^a",
        "NEAR",
        "NEAR(a b, 2)",
        "a AND",
        "OR",
        "NOT",
        "a NOT b",
        "-a",
        "+",
        "col:a",
        "{a b}:c",
        "(",
        ")))",
        "a\0b",
        "\0",
        "🍞",
        "🍞 sourdough",
        "e\u{301}",
        "\u{301}",
        "\u{feff}",
        "a;DROP TABLE message",
        "%_",
        "\\",
        "ﬁ",
        "سلام",
        "日本語",
        "\u{202e}abc",
        &long,
        &solid,
    ];
    for query in hostile {
        store.recall(None, query, 10).unwrap_or_else(|error| panic!("{query:?}: {error}"));
    }
    assert_eq!(found(&mut store, "🍞 \"sourdough\" NEAR(\0").len(), 4 + 1, "the fifth has the word near");
    assert_eq!(found(&mut store, &long).len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_query_at_all_is_wrong(query in "\\PC{0,40}|[\"'*()^:+{}\\-\0 a-zA-Z]{0,40}") {
        prop_assert!(bakery_once(|store| store.recall(None, &query, 10).is_ok()));
    }
}

/// One store for all cases: making one takes longer than asking it.
fn bakery_once<T>(ask: impl FnOnce(&mut SqliteStore) -> T) -> T {
    thread_local!(static STORE: std::cell::RefCell<SqliteStore> = std::cell::RefCell::new(bakery()));
    STORE.with_borrow_mut(ask)
}

#[test]
fn a_name_from_code_is_found_where_it_stands_before_its_words_apart() {
    let apart = "I will flush the cursor, and flush, and the cursor is a cursor again";
    let mut store = store_with(
        "s",
        &[
            apart,
            "ok",
            "cursor: flush it, then flush that cursor",
            "ok",
            "it hangs in flush_cursor() there",
            "ok",
        ],
    );
    let hits = store.recall(None, "where is `flush_cursor` called", 10).unwrap();
    assert_eq!(hits[0].text, "it hangs in flush_cursor() there");
}

#[test]
fn the_beginning_of_a_word_is_enough_where_no_text_has_it_whole() {
    let mut store = store_with(
        "s",
        &["fixed in 9f3c2ab71d", "ok", "authentication goes by cookie", "ok", "call parse_config first"],
    );
    for (query, text) in [
        ("9f3c2ab", "fixed in 9f3c2ab71d"),
        ("auth", "authentication goes by cookie"),
        ("parseConfig", "call parse_config first"),
    ] {
        let hits = store.recall(None, query, 10).unwrap();
        assert_eq!(hits.first().map(|hit| (hit.text.as_str(), hit.score)), Some((text, 1.0)), "{query}");
    }
    assert_eq!(store.recall(None, "zzzz", 10).unwrap(), []);
}
