//! What was learnt of waits is there after a restart, and after a kill but for the last minute.

use super::{KEY, MINUTE, SECOND, settings};
use actor::Cause;
use domain::time::UnixMillis;
use domain::warming::Whose;
use machines::cache_warmer::{KEPT_WITHIN, WarmerMessage, WarmerReply};
use simulator::agent::{Agent, Kind};
use simulator::world::{World, run_in};
use std::path::Path;
use std::time::Duration;
use store::{KeptHabits, SqliteStore, Store as _};
use tempfile::TempDir;
use workers::Spoken;

/// Long after the first house has let its sessions go.
const LATER: Duration = Duration::from_secs(24 * 3600);
const TEACHER: &str = "33333333-aaaa-4bbb-8ccc-00000000000a";
const PUPIL: &str = "33333333-aaaa-4bbb-8ccc-00000000000b";

/// So many turns of a person who is back after seven minutes.
async fn speak(world: &World, session: &str, turns: u32) {
    world.provider.accept(KEY);
    let mut agent = Agent::new(Kind::ClaudeCode, session, KEY);
    for turn in 0..turns {
        if turn > 0 {
            world.pass(7 * MINUTE).await;
        }
        let reply = world.say(&mut agent, &"the quick brown fox jumps over the lazy dog. ".repeat(600)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    world.pass(SECOND).await;
}

/// Why the pupil, after its sixth turn, is kept warm or not: the sentence has the chance of a return.
async fn why(world: &World) -> String {
    speak(world, PUPIL, 6).await;
    let question = Spoken(WarmerMessage::Explain(vec![(PUPIL.into(), None)]));
    let explained = match world.house.warmer.ask(question, Cause::origin("Test"), SECOND).await {
        Ok(WarmerReply::Explained(all)) => all,
        _ => Vec::new(),
    };
    explained.into_iter().next().expect("one for each").why
}

async fn teach(world: &World) {
    speak(world, TEACHER, 12).await;
    world.pass(12 * 60 * MINUTE).await;
}

fn first<T, F: Future<Output = T>>(home: &Path, scenario: impl FnOnce(World) -> F) -> T {
    run_in(home, Duration::ZERO, 7, settings(), scenario).expect("a world")
}

/// What is said in the house that has `home` now.
fn said_later(home: &Path) -> String {
    run_in(home, LATER, 7, settings(), async |world| {
        world.pass(SECOND).await;
        why(&world).await
    })
    .expect("another world")
}

fn habits(home: &Path) -> Vec<KeptHabits> {
    let mut all = SqliteStore::open(home).expect("a store").habits().expect("rows");
    all.sort_by(|a, b| a.whose.cmp(&b.whose));
    all
}

#[test]
fn after_a_restart_the_decision_is_the_one_that_it_would_have_been_without() {
    let [whole, before, empty] = [(); 3].map(|()| TempDir::new().expect("a folder"));
    let without = first(whole.path(), async |world| {
        teach(&world).await;
        why(&world).await
    });
    first(before.path(), async |world| {
        teach(&world).await;
        world.house.drain(10 * SECOND).await;
    });
    assert_eq!(said_later(before.path()), without);
    assert_ne!(said_later(empty.path()), without, "which a house without memory says differently");
}

#[test]
fn a_kill_loses_what_was_learnt_within_the_last_minute_and_nothing_else() {
    let learnt = |after: Duration| {
        let home = TempDir::new().expect("a folder");
        first(home.path(), async |world| {
            teach(&world).await;
            speak(&world, PUPIL, 2).await;
            world.pass(after).await;
        });
        habits(home.path())
    };
    let taught = learnt(Duration::ZERO);
    let names: Vec<_> = taught.iter().map(|row| row.whose.clone()).collect();
    assert_eq!(names.len(), 3);
    assert!(
        names.contains(&Whose::Everybody) && names.contains(&Whose::Session(TEACHER.into())),
        "{names:?}"
    );
    let later = learnt(KEPT_WITHIN);
    assert_eq!(later.len(), 4, "the pupil's too");
    assert_ne!(later[0], taught[0]);
}

#[test]
fn an_orderly_end_keeps_what_was_learnt_until_its_last_second() {
    let home = TempDir::new().expect("a folder");
    first(home.path(), async |world| {
        teach(&world).await;
        speak(&world, PUPIL, 2).await;
        world.house.drain(10 * SECOND).await;
    });
    let names: Vec<_> = habits(home.path()).into_iter().map(|row| row.whose).collect();
    assert!(names.contains(&Whose::Session(PUPIL.into())), "{names:?}");
}

#[test]
fn rows_that_are_damaged_or_of_another_shape_are_ignored_and_do_not_stop_the_house() {
    let [home, empty] = [(); 2].map(|()| TempDir::new().expect("a folder"));
    let row = |whose, shape, counts: &str| KeptHabits { whose, shape, counts: counts.to_owned() };
    let rows = [
        row(Whose::Everybody, 1, "{\"human\":"),
        row(Whose::Project("p".into()), 99, "{}"),
        row(Whose::Session(PUPIL.into()), 1, "{\"human\":{\"returned\":[1],\"reached\":[]},\"tool\":null}"),
    ];
    let mut store = SqliteStore::open(home.path()).expect("a store");
    store.keep_habits(&rows, &[], UnixMillis(0)).expect("kept");
    drop(store);
    assert_eq!(said_later(home.path()), said_later(empty.path()));
}
