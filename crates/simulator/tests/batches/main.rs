//! Rule R13: what may go into a provider's batch, and what becomes of it.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

mod anthropic;
mod killed;
mod openai;
mod queue;
mod restart;
mod salvage;

use domain::purpose::Purpose;
use domain::settings::{BatchSettings, Settings};
use domain::time::UnixMillis;
use simulator::agent::{Agent, Kind};
use simulator::provider::BatchEnd;
use simulator::world::{self, World};
use std::future::Future;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const KEY: &str = "sk-ant-api03-batch-key-one";
const NEXT_KEY: &str = "sk-ant-api03-batch-key-two";
const OAUTH: &str = "sk-ant-oat01-batch-token";
const ANOTHER: &str = "66666666-aaaa-4bbb-8ccc-000000000006";
const SESSION: &str = "55555555-aaaa-4bbb-8ccc-000000000005";

/// Settings under which work is handed out when nobody waits for it any more, and nothing but that goes out.
fn settings() -> Settings {
    let mut settings = Settings::with_data_dir("unused".into());
    settings.idle.after = 11 * MINUTE;
    settings.curator.enabled = false;
    settings.cache_warmer.enabled = false;
    settings
}

fn play<F: Future<Output = ()>>(scenario: impl FnOnce(World) -> F) {
    world::run(13, settings(), scenario).expect("a world");
}

async fn turns(world: &World, agent: &mut Agent, words: &str) {
    for turn in 0..3 {
        let reply = world.say(agent, &format!("{turn}: {words}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        world.pass(5 * SECOND).await;
    }
}

async fn agent_with(world: &World, token: &str) -> Agent {
    world.provider.accept(token);
    let mut agent = Agent::new(Kind::ClaudeCode, SESSION, token);
    turns(world, &mut agent, "remember the sourdough").await;
    agent
}

/// Requests of this purpose that the provider received, with their status.
fn sent(world: &World, purpose: Purpose) -> Vec<(String, u16)> {
    let received = world.provider.received().into_iter().filter(|call| call.purpose == purpose);
    received.map(|call| (call.exchange.method, call.status)).collect()
}

/// The bodies of what was handed in at Anthropic.
fn handed_in(world: &World) -> Vec<serde_json::Value> {
    let received = world.provider.received().into_iter();
    let batches = received
        .filter(|call| call.exchange.method == "POST" && call.exchange.path() == "/v1/messages/batches");
    batches.map(|call| serde_json::from_slice(&call.exchange.body).expect("JSON")).collect()
}

fn submissions(world: &World) -> usize {
    handed_in(world).len()
}

async fn pending(world: &World) -> u32 {
    world.standing(SESSION).await.expect("standing").pending_messages
}

async fn kept(world: &World) -> usize {
    world.observations(SESSION).await.expect("observations").len()
}

/// What the ledger has for this purpose, in dollars.
async fn spent(world: &World, purpose: Purpose) -> f64 {
    let spent = world.house.desk.read(move |store| store.spent_since(purpose, UnixMillis(0))).await;
    spent.expect("a ledger")
}

fn all_were_leased(world: &World) {
    assert_eq!(world.unleased_calls(), Vec::<String>::new());
}
