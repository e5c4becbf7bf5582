//! Rule R8: every background call, whatever path it came by, goes out with a lease that the CredentialActor's one admission
//! gave, and there is no second way to a provider.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use bytes::Bytes;
use domain::purpose::Purpose;
use domain::settings::Settings;
use simulator::agent::{Agent, Kind};
use simulator::provider::Exchange;
use simulator::world::{self, World};
use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const T1: &str = "sk-ant-oat01-admission-token-one";
const T2: &str = "sk-ant-oat01-admission-token-two";
const SESSION: &str = "44444444-aaaa-4bbb-8ccc-000000000004";

fn play<F: Future<Output = ()>>(scenario: impl FnOnce(World) -> F) {
    world::run(8, Settings::with_data_dir("unused".into()), scenario).expect("a world");
}

async fn turns(world: &World, agent: &mut Agent, words: &str) {
    for turn in 0..3 {
        let reply = world.say(agent, &format!("{turn}: {words}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        world.pass(5 * SECOND).await;
    }
}

/// An admin asks for work at once.
async fn command(world: &World, what: &str) {
    let request = Exchange {
        method: "POST".to_owned(),
        target: format!("/api/v1/sessions/{SESSION}/{what}"),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Bytes::from_static(b"{}"),
    };
    let reply = world.send(&request).await;
    assert!(reply.status < 500, "{what}: {}", reply.text());
}

fn purposes(world: &World) -> BTreeSet<Purpose> {
    let received = world.provider.received();
    received.iter().map(|call| call.purpose).filter(|purpose| *purpose != Purpose::Client).collect()
}

/// Every way that background work has of starting, with two tokens, one of which dies on the way.
async fn every_path(world: &World) {
    world.provider.accept(T1);
    world.provider.accept(T2);
    world.provider.keep_cache(true);
    let mut agent = Agent::new(Kind::ClaudeCode, SESSION, T1);
    turns(world, &mut agent, "a word for the sweep").await;
    world.pass(3 * MINUTE).await; // The sweep.
    turns(world, &mut agent, &"a segment that is full does not wait. ".repeat(1500)).await; // After a turn.
    command(world, "warm").await;
    world.provider.expire_at(T1, world.now());
    for what in ["distill", "curate", "warm"] {
        command(world, what).await;
    }
    world.pass(5 * MINUTE).await;
    agent.refresh(T2);
    turns(world, &mut agent, "and a fresh token").await; // The hint.
    world.pass(5 * MINUTE).await;
}

#[test]
fn whatever_path_a_background_call_came_by_it_has_a_lease_of_the_one_admission() {
    play(async |world| {
        every_path(&world).await;
        assert_eq!(purposes(&world), BTreeSet::from([Purpose::Distill, Purpose::Curate, Purpose::Warm]));
        assert_eq!(world.unleased_calls(), Vec::<String>::new());
        assert!(world.conformance.steps() > 50, "{} messages were replayed", world.conformance.steps());
    });
}

#[test]
fn a_call_that_reaches_a_provider_by_another_way_is_found() {
    play(async |world| {
        every_path(&world).await;
        let calls = world.provider.calls_with(T2);
        let copy = calls.iter().find(|call| call.purpose == Purpose::Distill).expect("a call of a worker's");
        world.pass(10 * MINUTE).await; // No lease is out any more.
        assert_eq!(world.provider.answer(&copy.exchange, world.now()).status, 200);
        assert_eq!(world.unleased_calls().len(), 1, "{:?}", world.unleased_calls());
    });
}
