//! A process that is killed when its provider has taken a batch in, and it has not yet heard so.

use super::restart::{PARTIES, after, begun, with_own_key};
use super::*;
use domain::ids::Principal;
use domain::provider::Provider as Vendor;
use simulator::provider::{BatchStep, Fault, Provider};
use simulator::world::run_in;
use std::path::Path;
use store::{Extent, SqliteStore, Store as _};
use tempfile::TempDir;

fn step_of(vendor: Vendor) -> BatchStep {
    match vendor {
        Vendor::Anthropic => BatchStep::Submit,
        Vendor::OpenAi => BatchStep::Begin,
    }
}

/// Lets a house live until its calls are handed in, and kills it before the answer comes. Who is left is its provider.
fn killed_meanwhile(home: &Path, settings: Settings, kind: Kind, key: &str, vendor: Vendor) -> Provider {
    killed_at(home, settings, kind, key, (vendor, Fault::StallAfter(0)))
}

/// The same, where this becomes of the answer.
fn killed_at(
    home: &Path,
    settings: Settings,
    kind: Kind,
    key: &str,
    (vendor, fault): (Vendor, Fault),
) -> Provider {
    run_in(home, Duration::ZERO, 13, settings, async |world| {
        world.provider.take_batches(20 * MINUTE, BatchEnd::Answered);
        world.provider.next_batch_step(step_of(vendor), fault);
        world.provider.accept(key);
        let mut agent = Agent::new(kind, SESSION, key);
        turns(&world, &mut agent, "remember the sourdough").await;
        world.pass(11 * MINUTE).await;
        for _ in 0..90 {
            if begun(&world) == 0 {
                world.pass(SECOND).await;
            }
        }
        world.pass(5 * SECOND).await;
        assert_eq!((begun(&world), kept(&world).await), (1, 0));
        world.provider.clone()
    })
    .expect("a world")
}

fn left(home: &Path) -> Vec<store::KeptBatch> {
    SqliteStore::open(home).expect("a store").batches().expect("batches")
}

#[test]
fn what_was_taken_in_when_the_process_was_killed_is_found_and_paid_for_once() {
    // Before the answer came, and behind one that was cut: nobody has looked for the batch yet.
    for (fault, (vendor, kind, key)) in [Fault::StallAfter(0), Fault::CutAfter(3)]
        .into_iter()
        .flat_map(|fault| PARTIES.map(|party| (fault.clone(), party)))
    {
        let home = TempDir::new().expect("a folder");
        let settings = with_own_key(vendor, key);
        let past = killed_at(home.path(), settings.clone(), kind, key, (vendor, fault));
        let before = left(home.path());
        assert!(matches!(&before[..], [batch] if batch.id.is_none()), "{vendor}: {before:?}");
        after(home.path(), settings, 14 * MINUTE, &past, async |world| {
            world.pass(55 * MINUTE).await;
            assert!(kept(world).await > 0 && pending(world).await == 0, "{vendor}");
            assert_eq!((begun(world), sent(world, Purpose::Distill)), (1, vec![]), "{vendor}");
            assert!(spent(world, Purpose::Batch).await > 0.0, "{vendor}");
            assert_eq!(world.provider.files(), 0, "{vendor}");
            all_were_leased(world);
        });
        assert_eq!(left(home.path()), [], "{vendor}");
    }
}

#[test]
fn what_was_not_taken_in_when_the_process_was_killed_is_offered_again() {
    for (vendor, kind, key) in PARTIES {
        let home = TempDir::new().expect("a folder");
        let settings = with_own_key(vendor, key);
        killed_meanwhile(home.path(), settings.clone(), kind, key, vendor);
        // Another provider, which knows nothing of it.
        let fresh = Provider::new(1);
        fresh.accept(key);
        fresh.take_batches(5 * MINUTE, BatchEnd::Answered);
        after(home.path(), settings, 14 * MINUTE, &fresh, async |world| {
            world.pass(55 * MINUTE).await;
            assert!(kept(world).await > 0 && pending(world).await == 0, "{vendor}");
            assert_eq!((begun(world), sent(world, Purpose::Distill)), (1, vec![]), "{vendor}");
        });
        assert_eq!(left(home.path()), [], "{vendor}");
    }
}

#[test]
fn batches_of_others_are_not_taken_for_ours() {
    for (vendor, kind, key) in PARTIES {
        let home = TempDir::new().expect("a folder");
        let elsewhere = TempDir::new().expect("another folder");
        let settings = with_own_key(vendor, key);
        killed_meanwhile(home.path(), settings.clone(), kind, key, vendor);
        let other = Settings { data_dir: elsewhere.path().into(), ..settings.clone() };
        let others = run_in(elsewhere.path(), Duration::ZERO, 14, other, async |world| {
            world.provider.take_batches(MINUTE, BatchEnd::Answered);
            world.provider.accept(key);
            let mut agent = Agent::new(kind, ANOTHER, key);
            turns(&world, &mut agent, "of somebody else").await;
            world.pass(13 * MINUTE).await;
            assert_eq!(begun(&world), 1);
            world.provider.clone()
        });
        after(home.path(), settings, 14 * MINUTE, &others.expect("a world"), async |world| {
            world.pass(55 * MINUTE).await;
            assert_eq!((begun(world), sent(world, Purpose::Distill)), (2, vec![]), "{vendor}");
            let observed = world.observations(SESSION).await.expect("observations");
            assert!(observed.iter().any(|it| it.text.contains("sourdough")), "{vendor}: {observed:#?}");
            assert!(!observed.iter().any(|it| it.text.contains("somebody")), "{vendor}: {observed:#?}");
        });
    }
}

#[test]
fn what_is_forgotten_before_a_kill_is_named_nowhere_and_paid_for_and_the_others_are_kept() {
    let (vendor, kind, key) = PARTIES[0];
    let home = TempDir::new().expect("a folder");
    let settings = with_own_key(vendor, key);
    let past = run_in(home.path(), Duration::ZERO, 13, settings.clone(), async |world| {
        world.provider.take_batches(20 * MINUTE, BatchEnd::Answered);
        world.provider.accept(key);
        for session in [SESSION, ANOTHER] {
            let mut agent = Agent::new(kind, session, key);
            for turn in 0..3 {
                world.say(&mut agent, &format!("{turn}: remember the sourdough")).await;
            }
        }
        world.pass(14 * MINUTE).await;
        assert_eq!(begun(&world), 1);
        let what = Extent::Session(SESSION.into());
        world.house.forget(&Principal::local(), what).await.expect("forgotten");
        world.provider.clone()
    })
    .expect("a world");
    let items = left(home.path()).remove(0).items;
    let named: Vec<_> = items.iter().map(|item| (item.session.is_some(), item.sources.is_empty())).collect();
    assert!(
        named.len() == 2 && named.contains(&(false, true)) && named.contains(&(true, false)),
        "{items:?}"
    );
    after(home.path(), settings, 15 * MINUTE, &past, async |world| {
        world.pass(50 * MINUTE).await;
        assert!(!world.observations(ANOTHER).await.expect("observations").is_empty());
        assert_eq!(world.observations(SESSION).await.expect("observations"), []);
        let costs = world.house.desk.read(|store| store.costs(UnixMillis(0), store::CostsBy::Session)).await;
        let told = format!("{:?}", costs.expect("costs"));
        assert!(!told.contains(SESSION) && told.contains(ANOTHER), "{told}");
        assert_eq!((begun(world), sent(world, Purpose::Distill)), (1, vec![]));
    });
}
