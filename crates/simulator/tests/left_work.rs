//! Work that nobody in memory knows of any more, or yet, is found in the store.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use domain::ids::Principal;
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::secret::Secret;
use domain::settings::{GlobalFallback, Settings};
use simulator::agent::{Agent, Kind};
use simulator::provider::Fault;
use simulator::world::{self, World};
use std::time::Duration;
use store::Bookmark;
use store::record::Record;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const TOKEN: &str = "sk-ant-oat01-left-work";
const KEY: &str = "sk-ant-api03-left-work-of-its-own";
const SESSION: &str = "77777777-aaaa-4bbb-8ccc-000000000007";

/// Settings under which background work has a key of its own.
fn settings() -> Settings {
    let mut settings = Settings::with_data_dir("unused".into());
    (settings.worker.api_key, settings.worker.provider) = (Some(Secret::new(KEY)), Some(Provider::Anthropic));
    settings.batch.enabled = false;
    settings
}

async fn speak(world: &World) {
    world.provider.accept(TOKEN);
    world.provider.accept(KEY);
    let mut agent = Agent::new(Kind::ClaudeCode, SESSION, TOKEN);
    for turn in 1..=3 {
        assert_eq!(world.say(&mut agent, &format!("the limit is {turn}00 a second")).await.status, 200);
    }
}

async fn pending(world: &World) -> u32 {
    world.standing(SESSION).await.map_or(0, |standing| standing.pending_messages)
}

fn calls(world: &World) -> usize {
    world.provider.received().iter().filter(|call| call.purpose == Purpose::Distill).count()
}

#[test]
fn work_of_a_session_that_left_memory_in_a_long_outage_is_done_behind_it() {
    world::run(17, settings(), async |world: World| {
        speak(&world).await;
        world.provider.between(world.now(), world.now() + 3 * DAY, Fault::Error(500));
        world.pass(3 * DAY).await;
        assert_eq!(pending(&world).await, 6);
        world.pass(4 * HOUR).await;
        assert_eq!(pending(&world).await, 0);
    })
    .expect("a world");
}

/// All that a house keeps in which a session was recorded and nothing of it may be distilled.
fn kept_elsewhere() -> (Principal, Vec<Record>) {
    let mut settings = settings();
    settings.distiller.enabled = false;
    settings.curator.enabled = false;
    world::run(17, settings, async |world: World| {
        speak(&world).await;
        let whose = world.sessions().await.expect("a store").pop().expect("a session").principal;
        let (owner, mut all, mut from) = (whose.clone(), Vec::new(), Some(Bookmark::default()));
        while let Some(bookmark) = from {
            let owner = owner.clone();
            let export = world.house.desk.read(move |store| store.export_some(&owner, bookmark));
            let (records, next) = export.await.expect("an export");
            all.extend(records);
            from = next;
        }
        (whose, all)
    })
    .expect("a world")
}

#[test]
fn what_is_brought_in_beside_a_running_gateway_is_distilled_within_two_hours() {
    let (whose, records) = kept_elsewhere();
    world::run(18, settings(), async |world: World| {
        world.provider.accept(KEY);
        world.pass(HOUR).await;
        let import = world.house.desk.write(move |store| store.import_some(&whose, &records, false));
        import.await.expect("an import");
        assert_eq!(pending(&world).await, 6);
        world.pass(2 * HOUR).await;
        assert_eq!((pending(&world).await, calls(&world)), (0, 1));
    })
    .expect("a world");
}

#[test]
fn what_was_left_undone_is_done_with_another_sessions_key_where_the_settings_let_it() {
    let (whose, records) = kept_elsewhere();
    for (fallback, left) in [(GlobalFallback::Any, 0), (GlobalFallback::Lineage, 6)] {
        let (whose, records) = (whose.clone(), records.clone());
        let mut settings = Settings::with_data_dir("unused".into());
        settings.worker.global_fallback = fallback;
        world::run(19, settings, async |world: World| {
            world.provider.accept(KEY);
            let import = world.house.desk.write(move |store| store.import_some(&whose, &records, false));
            import.await.expect("an import");
            let mut other = Agent::new(Kind::ClaudeCode, "88888888-aaaa-4bbb-8ccc-000000000008", KEY);
            assert_eq!(world.say(&mut other, "good morning").await.status, 200);
            world.pass(2 * HOUR).await;
            assert_eq!(pending(&world).await, left, "{fallback:?}");
        })
        .expect("a world");
    }
}
