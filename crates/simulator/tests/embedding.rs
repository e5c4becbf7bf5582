//! A model that says what texts mean, in a house where time is virtual.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use domain::settings::Settings;
use simulator::agent::{Agent, Kind};
use simulator::world::{self, World};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

const TOKEN: &str = "sk-ant-api03-embedding-key";

fn bakery() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../embedding/testdata/bakery")
}

fn play<F: Future<Output = ()>>(model: Option<PathBuf>, scenario: impl FnOnce(World) -> F) {
    let mut settings = Settings::with_data_dir("unused".into());
    settings.distiller.enabled = false;
    settings.curator.enabled = false;
    settings.recall.embeddings = model;
    world::run(5, settings, async |world| {
        world.provider.accept(TOKEN);
        scenario(world).await;
    })
    .expect("a world");
}

async fn say(world: &World, session: &str, text: &str) {
    let mut agent = Agent::new(Kind::ClaudeCode, session, TOKEN);
    assert_eq!(world.say(&mut agent, text).await.status, 200);
}

async fn found(world: &World, query: &str) -> Vec<String> {
    let hits = world
        .house
        .recall((None, None), store::Period::default(), query.to_owned(), 10)
        .await
        .expect("store");
    hits.into_iter().map(|hit| hit.text).collect()
}

#[test]
fn what_was_said_is_found_by_what_it_means_a_few_seconds_later() {
    play(Some(bakery()), async |world| {
        assert!(world.house.actors().contains(&"Embedder"));
        say(&world, "55555555-aaaa-4bbb-8ccc-000000000001", "We baked rye today").await;
        say(&world, "55555555-aaaa-4bbb-8ccc-000000000002", "The engine was repaired").await;
        world.pass(Duration::from_secs(20)).await;
        assert!(found(&world, "loaf").await[0].contains("rye"));
        assert!(found(&world, "car").await[0].contains("engine"));
        say(&world, "55555555-aaaa-4bbb-8ccc-000000000003", "It will snow").await;
        world.pass(Duration::from_secs(20)).await;
        assert!(found(&world, "weather").await[0].contains("snow"), "and what is said later too");
    });
}

#[test]
fn without_a_model_nobody_works_for_it_and_recall_goes_by_words() {
    play(None, async |world| {
        assert!(!world.house.actors().contains(&"Embedder"));
        say(&world, "55555555-aaaa-4bbb-8ccc-000000000004", "We baked rye today").await;
        world.pass(Duration::from_secs(20)).await;
        assert!(found(&world, "loaf").await.is_empty());
        assert!(found(&world, "rye").await[0].contains("rye"));
    });
}
