//! What lies in a batch when the process is killed.

use super::*;
use domain::provider::Provider as Vendor;
use domain::secret::Secret;
use simulator::provider::Provider;
use simulator::world::run_in;
use std::path::Path;
use store::{SqliteStore, Store as _};
use tempfile::TempDir;

/// With a key of the workers' own, so that nobody has to come back for the work to go on.
pub(super) fn with_own_key(vendor: Vendor, key: &str) -> Settings {
    let mut settings = settings();
    (settings.worker.api_key, settings.worker.provider) = (Some(Secret::new(key)), Some(vendor));
    settings
}

/// Lets a house live so long after its agent's last word, and kills it. Who is left is its provider.
fn before(
    home: &Path,
    settings: Settings,
    kind: Kind,
    key: &str,
    ready: Duration,
    life: Duration,
) -> Provider {
    run_in(home, Duration::ZERO, 13, settings, async |world| {
        world.provider.take_batches(ready, BatchEnd::Answered);
        world.provider.accept(key);
        let mut agent = Agent::new(kind, SESSION, key);
        turns(&world, &mut agent, "remember the sourdough").await;
        world.pass(life).await;
        assert_eq!(kept(&world).await, 0);
        world.provider.clone()
    })
    .expect("a world")
}

/// What is so in the house that has `home` then.
pub(super) fn after<T>(
    home: &Path,
    settings: Settings,
    since: Duration,
    past: &Provider,
    scenario: impl AsyncFnOnce(&World) -> T,
) -> T {
    run_in(home, since, 13, settings, async |world| {
        world.provider.go_on_as(past);
        world.house.resume().await.expect("the projects");
        scenario(&world).await
    })
    .expect("another world")
}

/// The ways in which batches are begun, one for each vendor.
pub(super) fn begun(world: &World) -> usize {
    let begin = |call: &simulator::provider::Received| {
        call.exchange.method == "POST"
            && matches!(call.exchange.path(), "/v1/messages/batches" | "/v1/batches")
    };
    world.provider.received().iter().filter(|call| begin(call)).count()
}

pub(super) const PARTIES: [(Vendor, Kind, &str); 2] =
    [(Vendor::Anthropic, Kind::ClaudeCode, KEY), (Vendor::OpenAi, Kind::Codex, "sk-proj-batch-key-one")];

#[test]
fn what_lies_in_a_batch_is_fetched_after_a_restart_and_done_once() {
    for (vendor, kind, key) in PARTIES {
        let home = TempDir::new().expect("a folder");
        let settings = with_own_key(vendor, key);
        let past = before(home.path(), settings.clone(), kind, key, 20 * MINUTE, 13 * MINUTE);
        after(home.path(), settings, 14 * MINUTE, &past, async |world| {
            assert_eq!((begun(world), kept(world).await), (1, 0));
            world.pass(50 * MINUTE).await;
            assert!(kept(world).await > 0 && pending(world).await == 0, "{vendor}");
            assert_eq!((begun(world), sent(world, Purpose::Distill)), (1, vec![]), "{vendor}");
            assert_eq!(world.provider.files(), 0, "{vendor}");
        });
        let left = SqliteStore::open(home.path()).expect("a store").batches().expect("batches");
        assert_eq!(left, [], "{vendor}");
    }
}

#[test]
fn the_hour_after_which_work_is_taken_back_goes_on_over_a_restart() {
    let home = TempDir::new().expect("a folder");
    let settings = with_own_key(Vendor::Anthropic, KEY);
    let past = before(home.path(), settings.clone(), Kind::ClaudeCode, KEY, 1000 * 60 * MINUTE, 13 * MINUTE);
    after(home.path(), settings, 60 * MINUTE, &past, async |world| {
        world.pass(9 * MINUTE).await;
        assert_eq!(sent(world, Purpose::Distill), []);
        world.pass(10 * MINUTE).await;
        assert_eq!((begun(world), sent(world, Purpose::Distill).len()), (1, 1));
        assert!(kept(world).await > 0 && pending(world).await == 0);
    });
}

#[test]
fn what_was_only_collected_is_offered_again() {
    let home = TempDir::new().expect("a folder");
    let settings = with_own_key(Vendor::Anthropic, KEY);
    let life = 11 * MINUTE + 25 * SECOND;
    let past = before(home.path(), settings.clone(), Kind::ClaudeCode, KEY, 5 * MINUTE, life);
    after(home.path(), settings, 12 * MINUTE, &past, async |world| {
        assert_eq!(begun(world), 0);
        world.pass(40 * MINUTE).await;
        assert_eq!((begun(world), sent(world, Purpose::Distill)), (1, vec![]));
        assert!(kept(world).await > 0 && pending(world).await == 0);
    });
}

#[test]
fn no_file_holds_a_key_while_work_lies_in_a_batch() {
    for (vendor, kind, key) in PARTIES {
        let home = TempDir::new().expect("a folder");
        let settings = with_own_key(vendor, key);
        before(home.path(), settings, kind, key, 20 * MINUTE, 13 * MINUTE);
        let kept = SqliteStore::open(home.path()).expect("a store").batches().expect("batches");
        assert_eq!((kept.len(), format!("{kept:?}").contains(key)), (1, false));
        for entry in std::fs::read_dir(home.path()).expect("a folder") {
            let file = entry.expect("an entry").path();
            let bytes = std::fs::read(&file).expect("a file");
            let holds = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!holds(key) && !holds("batch-key-one"), "{}", file.display());
        }
    }
}
