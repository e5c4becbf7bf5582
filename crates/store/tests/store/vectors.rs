//! Which texts have vectors, what becomes of these with their texts, and what is found by them.

use crate::fixture::{id, model, say, store_with, turn, user};
use domain::ids::Principal;
use domain::knowledge::{Category, Operation};
use domain::time::UnixMillis;
use domain::vector::{ModelName, QueryVector, Vector};
use proptest::prelude::*;
use store::{Draft, MOST_HITS, Scope, Source, SqliteStore, Store, TextKey, Unembedded};

const MODEL: ModelName = ModelName([1; 32]);
const OTHER: ModelName = ModelName([2; 32]);

/// A model of two meanings: bread, and everything else.
fn means(text: &str) -> Vector {
    let bread = ["bread", "loaf", "rye"].iter().any(|word| text.to_lowercase().contains(word));
    Vector::of(if bread { &[1.0, 0.1] } else { &[0.1, 1.0] })
}

fn made(texts: Vec<Unembedded>) -> Vec<(TextKey, Vec<Vector>)> {
    let of = |text: Unembedded| (text.key, text.parts.iter().map(|part| means(part)).collect());
    texts.into_iter().map(of).collect()
}

/// Embeds a few texts, and tells how many parts they had.
fn embed(store: &mut SqliteStore, name: &ModelName, limit: usize) -> usize {
    let texts = store.unembedded(name, limit).unwrap();
    let parts = texts.iter().map(|text| text.parts.len()).sum();
    store.keep_vectors(name, &made(texts)).unwrap();
    parts
}

fn embed_all(store: &mut SqliteStore, name: &ModelName) {
    while embed(store, name, 7) > 0 {}
}

fn found(store: &mut SqliteStore, scope: Scope<'_>, query: &str, name: ModelName) -> Vec<(Source, String)> {
    let near = QueryVector { model: name, vector: means(query) };
    let hits = store.recall_near(scope, query, Some(&near), 10).unwrap();
    hits.into_iter().map(|hit| (hit.source, hit.text)).collect()
}

fn first(store: &mut SqliteStore, query: &str) -> Option<String> {
    found(store, Scope::default(), query, MODEL).into_iter().next().map(|(_, text)| text)
}

/// A session of which message, observation and entry all speak of rye.
fn bakery() -> SqliteStore {
    let mut store = store_with("s", &["Rye it is", "Fine"]);
    let message = store.messages(&id("s")).unwrap()[0].id;
    store.store_observations(&id("s"), &[message], &["They chose rye".into()], UnixMillis(2)).unwrap();
    let (title, content) = ("Flour".to_owned(), "Only rye".to_owned());
    let create = Operation::Create { category: Category::Decision, title, content, confidence: 0.9 };
    store.apply_operations(&id("s"), &[create], UnixMillis(3)).unwrap();
    store
}

#[test]
fn what_means_alike_is_found_although_it_has_none_of_the_words() {
    let mut store = bakery();
    assert_eq!(first(&mut store, "bread"), None);
    embed_all(&mut store, &MODEL);
    let sources: Vec<Source> =
        found(&mut store, Scope::default(), "bread", MODEL).into_iter().map(|hit| hit.0).collect();
    assert_eq!(sources[..3], [Source::Knowledge, Source::Observation, Source::Message]);
    assert_eq!(store.recall(None, "bread", 10).unwrap(), [], "without what it means, by words alone");
}

#[test]
fn what_has_the_words_comes_before_what_only_means_alike() {
    let mut store = store_with("s", &["Rye it is", "Fine", "A car broke", "So", "My loaf burnt"]);
    embed_all(&mut store, &MODEL);
    assert_eq!(first(&mut store, "loaf"), Some("My loaf burnt".into()));
}

#[test]
fn each_text_is_given_once_and_those_that_came_later_too() {
    let mut store = bakery();
    assert_eq!(store.unembedded(&MODEL, 100).unwrap().len(), 4);
    assert_eq!(
        [embed(&mut store, &MODEL, 3), embed(&mut store, &MODEL, 3), embed(&mut store, &MODEL, 3)],
        [3, 1, 0]
    );
    say(&mut store, "s", &["Rye it is", "Fine", "Or wheat?"]);
    let late = store.unembedded(&MODEL, 100).unwrap();
    assert_eq!(late.iter().map(|text| text.parts.clone()).collect::<Vec<_>>(), [["Or wheat?"]]);
    assert_eq!(store.unembedded(&OTHER, 100).unwrap().len(), 5, "another model has seen nothing");
}

#[test]
fn a_text_without_words_is_not_given_for_ever() {
    let mut store = store_with("s", &[" ", "\n"]);
    assert_eq!(store.unembedded(&MODEL, 10).unwrap().len(), 2);
    assert_eq!(embed(&mut store, &MODEL, 10), 0, "there is nothing in them to embed");
    assert_eq!(store.unembedded(&MODEL, 10).unwrap(), []);
}

#[test]
fn another_model_takes_the_place_of_the_one_before_and_neither_sees_the_others_vectors() {
    let mut store = bakery();
    embed_all(&mut store, &MODEL);
    assert_eq!(found(&mut store, Scope::default(), "bread", OTHER), []);
    embed_all(&mut store, &OTHER);
    assert!(!found(&mut store, Scope::default(), "bread", OTHER).is_empty());
    assert_eq!(found(&mut store, Scope::default(), "bread", MODEL), []);
}

#[test]
fn a_model_that_comes_back_after_another_one_begins_anew() {
    let mut store = bakery();
    embed_all(&mut store, &MODEL);
    embed_all(&mut store, &OTHER);
    assert_eq!(store.unembedded(&MODEL, 100).unwrap().len(), 4, "its vectors were written over");
    embed_all(&mut store, &MODEL);
    assert!(!found(&mut store, Scope::default(), "bread", MODEL).is_empty());
}

#[test]
fn the_part_of_a_long_message_that_means_alike_is_shown() {
    let long = format!("{} the rye is at the end", "hay and straw ".repeat(150));
    let mut store = store_with("s", &[&long]);
    embed_all(&mut store, &MODEL);
    let text = first(&mut store, "bread").unwrap();
    assert!(text.ends_with("the rye is at the end") && text.len() < 900, "{text}");
}

#[test]
fn an_entry_that_changes_is_found_by_what_it_means_now() {
    let mut store = bakery();
    let stale = made(store.unembedded(&MODEL, 1).unwrap());
    embed_all(&mut store, &MODEL);
    let content = Some("Cars are better".to_owned());
    let update =
        Operation::Update { id: "k1".into(), category: None, title: None, content, confidence: None };
    store.apply_operations(&id("s"), &[update], UnixMillis(4)).unwrap();
    store.keep_vectors(&MODEL, &stale).unwrap();
    let hits = found(&mut store, Scope::default(), "bread", MODEL);
    let entries = hits.iter().filter(|(source, _)| *source == Source::Knowledge).count();
    assert_eq!(entries, 0, "what was made of its old words is gone");
    assert_eq!(store.unembedded(&MODEL, 10).unwrap().len(), 1);
    embed_all(&mut store, &MODEL);
    assert_eq!(store.unembedded(&MODEL, 10).unwrap(), []);
}

#[test]
fn an_entry_that_is_deleted_takes_its_vector_along_and_it_does_not_come_back() {
    let mut store = bakery();
    let late = made(store.unembedded(&MODEL, 10).unwrap());
    store.delete_entry(&"k1".into(), UnixMillis(5)).unwrap();
    store.keep_vectors(&MODEL, &late).unwrap();
    let sources: Vec<Source> =
        found(&mut store, Scope::default(), "bread", MODEL).into_iter().map(|hit| hit.0).collect();
    assert!(sources.contains(&Source::Message) && !sources.contains(&Source::Knowledge), "{sources:?}");
}

#[test]
fn owners_and_projects_are_kept_apart() {
    let mut store = bakery();
    let mut foreign = turn("foreign", &[user("Rye of mine"), model("I see")], None);
    foreign.principal = Principal::from("bob");
    (foreign.directory, foreign.project) = (Some("/mill".into()), Some("/mill".into()));
    store.record_turn(&foreign).unwrap();
    let place = (&Principal::from("bob"), &"/mill".into());
    let draft = Draft {
        category: Category::Decision,
        title: "Grain".into(),
        content: "Rye of mine too".into(),
        confidence: 0.5,
    };
    store.remember(place, &draft, UnixMillis(4)).unwrap();
    embed_all(&mut store, &MODEL);
    let mut texts = |principal: Option<&str>, project| {
        let principal = principal.map(Principal::from);
        let scope = Scope { principal: principal.as_ref(), project, ..Scope::default() };
        let hits = found(&mut store, scope, "bread", MODEL);
        hits.iter().filter(|(_, text)| text.to_lowercase().contains("rye")).count()
    };
    assert_eq!(texts(Some("bob"), None), 2);
    assert_eq!(texts(Some("eve"), None), 0);
    assert_eq!(texts(None, Some("/mill")), 2);
    assert_eq!(texts(None, Some("/home/ann/oven")), 3);
    assert_eq!(texts(Some("bob"), Some("/home/ann/oven")), 0);
    assert_eq!(texts(None, None), 5);
}

#[test]
fn a_killed_process_goes_on_where_it_was() {
    let home = tempfile::TempDir::new().unwrap();
    let mut store = SqliteStore::open(home.path()).unwrap();
    say(&mut store, "s", &["a", "b", "c"]);
    embed(&mut store, &MODEL, 2);
    let lost = store.unembedded(&MODEL, 2).unwrap();
    drop(store); // What was made of these is not kept.
    let mut store = SqliteStore::open(home.path()).unwrap();
    assert_eq!(store.unembedded(&MODEL, 2).unwrap(), lost);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However few texts are embedded at once, and whatever is said in between, each has its vectors in the end and is found.
    #[test]
    fn whatever_is_said_when_every_text_gets_its_vectors_once(steps in prop::collection::vec((1..4_usize, 1..5_usize), 1..8)) {
        let (mut store, mut words, mut given) = (SqliteStore::in_memory().unwrap(), Vec::new(), 0);
        for (said, limit) in steps {
            words.extend((0..said).map(|_| format!("loaf number {}", words.len())).collect::<Vec<_>>());
            let all: Vec<&str> = words.iter().map(String::as_str).collect();
            say(&mut store, "s", &all);
            given += embed(&mut store, &MODEL, limit);
        }
        loop {
            let parts = embed(&mut store, &MODEL, 3);
            given += parts;
            if parts == 0 { break }
        }
        prop_assert_eq!(given, words.len());
        let near = QueryVector { model: MODEL, vector: means("bread") };
        let hits = store.recall_near(Scope::default(), "bread", Some(&near), MOST_HITS).unwrap();
        prop_assert_eq!(hits.len(), words.len());
    }
}
