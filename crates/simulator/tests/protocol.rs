//! The credential protocol, played by the real gateway and actors in virtual time.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use bytes::Bytes;
use domain::purpose::Purpose;
use domain::settings::Settings;
use machines::credential::TokenState;
use simulator::agent::{Agent, Kind};
use simulator::provider::{Exchange, Fault, Received};
use simulator::world::{self, World};
use std::future::Future;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const T1: &str = "sk-ant-oat01-protocol-token-one";
const T2: &str = "sk-ant-oat01-protocol-token-two";
const SESSION: &str = "11111111-aaaa-4bbb-8ccc-000000000001";

fn play<F: Future<Output = ()>>(scenario: impl FnOnce(World) -> F) {
    world::run(42, Settings::with_data_dir("unused".into()), scenario).expect("a world");
}

fn claude(session: &str, token: &str) -> Agent {
    Agent::new(Kind::ClaudeCode, session, token)
}

/// Three turns, half a minute apart: enough to be distilled and curated.
async fn three_turns(world: &World, agent: &mut Agent) {
    for turn in 1..=3 {
        let line =
            format!("Decision {turn} of {}: the limit is {turn}00 requests a second.", agent.session());
        let reply = world.say(agent, &line).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        world.pass(30 * SECOND).await;
    }
}

fn background(world: &World, token: &str) -> Vec<Received> {
    let calls = world.provider.calls_with(token);
    calls.into_iter().filter(|call| call.purpose != Purpose::Client).collect()
}

/// From now on, the first token is one that has expired.
fn expire(world: &World) {
    world.provider.expire_at(T1, world.now());
}

fn refused(world: &World, token: &str) -> usize {
    background(world, token).iter().filter(|call| call.status == 401).count()
}

async fn pending(world: &World, session: &str) -> u32 {
    world.standing(session).await.expect("the store answers").pending_messages
}

#[test]
fn an_idle_session_is_distilled_and_curated_with_the_captured_credential() {
    play(async |world| {
        world.provider.accept(T1);
        three_turns(&world, &mut claude(SESSION, T1)).await;
        world.pass(4 * MINUTE).await;
        assert!(!world.observations(SESSION).await.expect("store").is_empty());
        assert!(!world.knowledge().await.expect("store").is_empty());
        assert!(!world.recall("limit requests").await.expect("store").is_empty());
        assert!(background(&world, T1).len() >= 2);
        assert_eq!(world.slots().await[0].state, TokenState::Proven);
    });
}

#[test]
fn an_expired_token_costs_one_call_one_alert_and_then_only_probes() {
    play(async |world| {
        world.provider.accept(T1);
        let mut agent = claude(SESSION, T1);
        three_turns(&world, &mut agent).await;
        expire(&world);
        world.pass(MINUTE).await;
        assert_eq!(refused(&world, T1), 1, "one worker, one doomed call (S15)");
        world.pass(30 * SECOND).await;
        assert_eq!(refused(&world, T1), 1, "nothing more before the first probe is due");
        world.pass(24 * HOUR).await;
        let probes = refused(&world, T1) - 1;
        assert!((24..=70).contains(&probes), "{probes} probes in a day: one each half hour, later");
        assert_eq!(world.alerts.all().len(), 1);
        assert_eq!(pending(&world, SESSION).await, 6, "nothing lost (L4)");
    });
}

#[test]
fn the_same_dead_token_sent_again_wakes_nothing() {
    play(async |world| {
        world.provider.accept(T1);
        let mut agent = claude(SESSION, T1);
        three_turns(&world, &mut agent).await;
        expire(&world);
        world.pass(70 * SECOND).await;
        let before = background(&world, T1).len();
        assert_eq!(world.say(&mut agent, "again").await.status, 401);
        world.pass(20 * SECOND).await;
        assert_eq!(background(&world, T1).len(), before);
        assert_eq!(world.alerts.all().len(), 1);
    });
}

#[test]
fn a_fresh_token_that_a_client_proves_sets_work_going_within_a_second() {
    play(async |world| {
        world.provider.accept(T1);
        world.provider.accept(T2);
        let mut agent = claude(SESSION, T1);
        three_turns(&world, &mut agent).await;
        expire(&world);
        world.pass(10 * MINUTE).await;
        agent.refresh(T2);
        assert_eq!(world.say(&mut agent, "with a fresh token").await.status, 200);
        let proven = world.now();
        world.pass(SECOND).await;
        assert!(
            background(&world, T2).iter().any(|call| call.at <= proven + SECOND),
            "resumed by event, not by tick"
        );
        world.pass(5 * MINUTE).await;
        assert!(!world.observations(SESSION).await.expect("store").is_empty());
    });
}

#[test]
fn a_client_that_meets_the_refusal_first_saves_every_doomed_call() {
    play(async |world| {
        world.provider.accept(T1);
        let mut agent = claude(SESSION, T1);
        three_turns(&world, &mut agent).await;
        expire(&world);
        assert_eq!(world.say(&mut agent, "hello?").await.status, 401);
        world.pass(45 * SECOND).await;
        assert_eq!(refused(&world, T1), 0, "S15: none before the first probe is due");
        assert_eq!(world.say(&mut agent, "still there?").await.status, 401);
        world.pass(45 * SECOND).await;
        assert_eq!(refused(&world, T1), 0, "and a client that meets it again puts the probe off");
    });
}

#[test]
fn an_agent_that_refreshes_by_itself_costs_no_alert() {
    play(async |world| {
        world.provider.accept(T1);
        world.provider.accept(T2);
        let mut agent = claude(SESSION, T1);
        three_turns(&world, &mut agent).await;
        expire(&world);
        assert_eq!(world.say(&mut agent, "and now?").await.status, 401);
        world.pass(2 * SECOND).await;
        agent.refresh(T2);
        assert_eq!(world.try_again(&mut agent).await.status, 200);
        world.pass(10 * MINUTE).await;
        assert_eq!(world.alerts.all(), []);
        assert_eq!(refused(&world, T1), 0);
        assert!(!world.observations(SESSION).await.expect("store").is_empty());
    });
}

#[test]
fn a_false_401_never_stops_work_for_ever() {
    play(async |world| {
        world.provider.accept(T1);
        three_turns(&world, &mut claude(SESSION, T1)).await;
        let now = world.now();
        world.provider.wrongly_refuse_everyone(now, now + HOUR);
        world.pass(2 * HOUR).await;
        assert!(!world.observations(SESSION).await.expect("store").is_empty(), "a probe found out (L2)");
        assert_eq!(world.alerts.all().len(), 1);
    });
}

#[test]
fn one_users_dead_token_is_not_replaced_by_a_strangers() {
    play(async |world| {
        world.provider.accept(T1);
        world.provider.accept(T2);
        let (mut ada, mut bob) = (claude(SESSION, T1), claude("22222222-aaaa-4bbb-8ccc-000000000002", T2));
        three_turns(&world, &mut ada).await;
        expire(&world);
        three_turns(&world, &mut bob).await;
        world.pass(30 * MINUTE).await;
        let ada_words = |call: &Received| String::from_utf8_lossy(&call.exchange.body).contains(SESSION);
        assert!(!background(&world, T2).iter().any(ada_words));
        assert_eq!(pending(&world, SESSION).await, 6, "ada's work waits for ada's token");
    });
}

#[test]
fn every_passing_fault_is_outlived_and_nothing_is_lost_or_doubled() {
    let faults = [
        Fault::RateLimited { retry_after: Some(20) },
        Fault::Overloaded,
        Fault::Error(500),
        Fault::CutAfter(10),
        Fault::EmptyAnswer,
    ];
    for fault in faults {
        play(async |world| {
            world.provider.accept(T1);
            three_turns(&world, &mut claude(SESSION, T1)).await;
            world.provider.next(fault.clone());
            world.pass(30 * MINUTE).await;
            assert_eq!(pending(&world, SESSION).await, 0, "{fault:?}");
            let observed = world.observations(SESSION).await.expect("store");
            let distinct: std::collections::BTreeSet<_> = observed.iter().map(|it| &it.text).collect();
            assert_eq!(distinct.len(), observed.len(), "{fault:?}: nothing twice");
            assert_eq!(world.alerts.all(), [], "{fault:?} says nothing about the token");
        });
    }
}

#[test]
fn a_credential_that_was_forgotten_comes_back_with_the_next_accepted_request() {
    // Whether it was forgotten by eviction, as here, or by a crash makes no difference to what it takes (L3).
    play(async |world| {
        world.provider.accept(T1);
        let mut agent = claude(SESSION, T1);
        three_turns(&world, &mut agent).await;
        let evicted = machines::credential::CredentialMessage::SessionEvicted { session: SESSION.into() };
        world
            .house
            .credentials
            .tell_surely(workers::Spoken(evicted), actor::Cause::origin("Test"))
            .expect("told");
        world.pass(5 * MINUTE).await;
        assert!(background(&world, T1).is_empty(), "nothing is known, nothing is called");
        assert_eq!(world.say(&mut agent, "back again").await.status, 200);
        world.pass(5 * MINUTE).await;
        assert!(!world.observations(SESSION).await.expect("store").is_empty());
    });
}

#[test]
fn sessions_without_a_credential_do_not_keep_others_from_their_work() {
    play(async |world| {
        world.provider.accept(T1);
        for number in 0..6 {
            let session = format!("0000000{number}-aaaa-4bbb-8ccc-00000000000a");
            three_turns(&world, &mut claude(&session, T1)).await;
            let session = session.as_str().into();
            let evicted = machines::credential::CredentialMessage::SessionEvicted { session };
            let told =
                world.house.credentials.tell_surely(workers::Spoken(evicted), actor::Cause::origin("Test"));
            told.expect("told");
        }
        three_turns(&world, &mut claude("ffffffff-aaaa-4bbb-8ccc-00000000000f", T1)).await;
        world.pass(5 * MINUTE).await;
        assert_eq!(pending(&world, "ffffffff-aaaa-4bbb-8ccc-00000000000f").await, 0);
    });
}

#[test]
fn an_agent_that_counts_tokens_and_lists_models_does_not_end_the_quiet_that_the_provider_asked_for() {
    play(async |world| {
        world.provider.accept(T1);
        let mut agent = claude(SESSION, T1);
        three_turns(&world, &mut agent).await;
        world.provider.next(Fault::RateLimited { retry_after: Some(300) });
        world.pass(MINUTE).await;
        assert_eq!(background(&world, T1).len(), 1);
        let turn = agent.next_turn("how long is this?");
        let count = Exchange { target: "/v1/messages/count_tokens".to_owned(), ..turn.clone() };
        let models = Exchange {
            method: "GET".to_owned(),
            target: "/v1/models".to_owned(),
            body: Bytes::new(),
            ..turn.clone()
        };
        for side in [count, models] {
            assert_eq!(world.send(&side).await.status, 200, "{side:?}");
            world.pass(MINUTE).await;
            assert_eq!(background(&world, T1).len(), 1, "{side:?}");
        }
        assert_eq!(world.send(&turn).await.status, 200);
        world.pass(2 * MINUTE).await;
        assert!(background(&world, T1).len() > 1, "a model answered");
    });
}
