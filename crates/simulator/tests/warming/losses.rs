//! What is lost at most when something is wrong with the provider or the rule. Wrong prices have a program of their own.

use super::{MINUTE, keep, play, settings};
use domain::purpose::Purpose;
use machines::cache_warmer::WATCHED;
use simulator::agent::{Agent, Kind};
use simulator::provider::{Fault, Received};
use simulator::world::World;
use std::time::Duration;

/// Warm-ups that may be under way when a brake is pulled.
const UNDER_WAY: usize = machines::job::AT_ONCE;

fn session(number: usize) -> String {
    format!("33333333-aaaa-4bbb-8ccc-{number:012}")
}

/// Agents with keys, whose caches live for five minutes, and a token each. All are to be kept: as a rule would that hopes too much.
fn agents(world: &World, count: usize) -> Vec<Agent> {
    let agent = |number| {
        let token = format!("sk-ant-api03-key-{number}");
        world.provider.accept(&token);
        Agent::new(Kind::ClaudeCode, &session(number), &token)
    };
    let agents: Vec<Agent> = (0..count).map(agent).collect();
    let names: Vec<String> = (0..count).map(session).collect();
    keep(world, &names.iter().map(String::as_str).collect::<Vec<_>>());
    agents
}

/// All speak, and again after each `gap`.
async fn speak(world: &World, agents: &mut [Agent], times: u32, gap: Duration) {
    for _ in 0..times {
        for agent in &mut *agents {
            let text = if agent.conversation().is_empty() {
                "the quick brown fox. ".repeat(800)
            } else {
                "go on".into()
            };
            let reply = world.say(agent, &text).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        world.pass(gap).await;
    }
}

fn warm_ups(world: &World) -> Vec<Received> {
    world.provider.received().into_iter().filter(|call| call.purpose == Purpose::Warm).collect()
}

async fn spent(world: &World) -> f64 {
    let since = domain::time::UnixMillis(0);
    world.house.desk.read(move |store| store.spent_since(Purpose::Warm, since)).await.expect("a sum")
}

/// A prompt of these agents at the list price of plain input, with room: 8,000 tokens at $5 a million.
const PROMPT: f64 = 0.04;

#[test]
fn a_rule_that_holds_what_nobody_comes_back_to_loses_no_more_than_the_watched_warm_ups() {
    play(settings(), async |world| {
        let mut agents = agents(&world, 20);
        speak(&world, &mut agents, 10, 30 * MINUTE).await;
        let sent = warm_ups(&world).len();
        assert!((WATCHED..=WATCHED + UNDER_WAY).contains(&sent), "600 without a brake: {sent}");
        assert!(spent(&world).await <= (WATCHED + UNDER_WAY) as f64 * PROMPT * 0.1);
    });
}

#[test]
fn a_provider_that_keeps_no_cache_any_more_is_paid_for_one_warm_up_a_session() {
    play(settings(), async |world| {
        let mut agents = agents(&world, 20);
        speak(&world, &mut agents, 2, MINUTE).await;
        world.provider.keep_cache(false);
        world.pass(6 * MINUTE).await;
        speak(&world, &mut agents, 20, 6 * MINUTE).await;
        let calls = warm_ups(&world);
        for agent in &agents {
            let token = agent.again().token().map(str::to_owned);
            let own = |call: &&Received| call.exchange.token() == token.as_deref();
            assert!(calls.iter().filter(own).count() <= 1, "then it shows that nothing is there");
        }
        assert_eq!(calls.len(), 20);
        assert!(spent(&world).await <= 20.0 * PROMPT);
    });
}

#[test]
fn a_provider_that_answers_429_costs_nothing_and_is_asked_little() {
    play(settings(), async |world| {
        let mut agents = agents(&world, 20);
        speak(&world, &mut agents, 1, MINUTE).await;
        let now = world.now();
        world.provider.between(now, now + 60 * MINUTE, Fault::RateLimited { retry_after: None });
        world.pass(60 * MINUTE).await;
        let calls = warm_ups(&world);
        assert!(calls.iter().all(|call| call.status == 429));
        assert!((20..=20 * 3).contains(&calls.len()), "{}", calls.len());
        assert!(spent(&world).await.abs() < 1e-9);
    });
}
