//! The cache warmer against a provider that keeps and counts a prompt cache.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

mod brakes;
mod in_progress;
mod losses;
mod restart;
mod week;

use actor::Cause;
use domain::purpose::Purpose;
use domain::settings::Settings;
use domain::warming::WarmingMode;
use machines::cache_warmer::WarmerMessage;
use simulator::agent::{Agent, Kind};
use simulator::provider::Received;
use simulator::world::{self, World};
use std::future::Future;
use std::time::Duration;
use workers::Spoken;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const TOKEN: &str = "sk-ant-oat01-warming-token";
/// Whose caches live for five minutes.
const KEY: &str = "sk-ant-api03-warming-key";
const SESSION: &str = "33333333-aaaa-4bbb-8ccc-000000000003";

fn play<F: Future<Output = ()>>(settings: Settings, scenario: impl FnOnce(World) -> F) {
    world::run(7, settings, async |world| {
        world.provider.accept(TOKEN);
        world.provider.keep_cache(true);
        scenario(world).await;
    })
    .expect("a world");
}

fn settings() -> Settings {
    let mut settings = Settings::with_data_dir("unused".into());
    settings.distiller.enabled = false;
    settings.curator.enabled = false;
    settings
}

/// A person whose prompts are long, so that keeping them cached is worth a call.
async fn long_turn(world: &World, agent: &mut Agent) {
    let reply = world.say(agent, &"the quick brown fox jumps over the lazy dog. ".repeat(600)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// A person wants these kept, so that the scenario does not hang on what is advised.
fn keep(world: &World, sessions: &[&str]) {
    for session in sessions {
        let message = WarmerMessage::ModeSet((*session).into(), WarmingMode::Keep);
        world.house.warmer.tell(Spoken(message), Cause::origin("Test")).expect("taken");
    }
}

fn warm_ups(world: &World) -> Vec<Received> {
    let calls = world.provider.calls_with(TOKEN);
    calls.into_iter().filter(|call| call.purpose == Purpose::Warm).collect()
}

#[test]
fn a_cached_prefix_is_refreshed_shortly_before_it_expires_and_the_return_is_credited() {
    play(settings(), async |world| {
        keep(&world, &[SESSION]);
        let mut agent = Agent::new(Kind::ClaudeCode, SESSION, TOKEN);
        long_turn(&world, &mut agent).await;
        long_turn(&world, &mut agent).await;
        let hour = String::from_utf8_lossy(&agent.again().body).contains("\"1h\"");
        let lifetime = if hour { 60 * MINUTE } else { 5 * MINUTE };
        world.pass(lifetime + MINUTE).await;
        let calls = warm_ups(&world);
        assert!(!calls.is_empty(), "a warm-up left");
        long_turn(&world, &mut agent).await;
        world.pass(SECOND).await;
        let counts = world.tally.counts();
        assert!(counts.warm_saved > counts.warm_cost, "{counts:?}");
    });
}

#[test]
fn a_warm_up_is_the_last_request_byte_for_byte_but_for_limit_and_streaming() {
    play(settings(), async |world| {
        keep(&world, &[SESSION]);
        let mut agent = Agent::new(Kind::ClaudeCode, SESSION, TOKEN);
        long_turn(&world, &mut agent).await;
        let sent = String::from_utf8(world.provider.received()[0].exchange.body.to_vec()).expect("text");
        world.pass(70 * MINUTE).await;
        let replayed = &warm_ups(&world)[0].exchange;
        let replayed = String::from_utf8(replayed.body.to_vec()).expect("text");
        let expected = sent
            .replace("\"max_tokens\":128000", "\"max_tokens\":1")
            .replace("\"stream\":true", "\"stream\":false");
        assert!(expected != sent && replayed == expected, "{replayed}");
    });
}

#[test]
fn a_session_is_held_once_its_habits_are_known_and_let_go_when_nobody_returns_any_more() {
    play(settings(), async |world| {
        let mut agent = Agent::new(Kind::ClaudeCode, SESSION, KEY);
        world.provider.accept(KEY);
        long_turn(&world, &mut agent).await;
        for _ in 0..3 {
            world.pass(7 * MINUTE).await;
            long_turn(&world, &mut agent).await;
        }
        let warm_ups =
            || world.provider.calls_with(KEY).iter().filter(|it| it.purpose == Purpose::Warm).count();
        assert_eq!(warm_ups(), 0, "too young");
        for _ in 0..10 {
            world.pass(7 * MINUTE).await;
            long_turn(&world, &mut agent).await;
        }
        assert!(warm_ups() >= 9, "each pause but the first: {}", warm_ups());
        let before = warm_ups();
        world.pass(12 * 60 * MINUTE).await;
        assert!((1..=11).contains(&(warm_ups() - before)), "{}", warm_ups() - before);
    });
}

#[test]
fn nothing_is_warmed_with_a_dead_token() {
    play(settings(), async |world| {
        keep(&world, &[SESSION]);
        long_turn(&world, &mut Agent::new(Kind::ClaudeCode, SESSION, TOKEN)).await;
        world.provider.expire_at(TOKEN, world.now());
        world.pass(12 * 60 * MINUTE).await;
        let refused = warm_ups(&world).iter().filter(|call| call.status == 401).count();
        assert!(
            (1..=4).contains(&refused),
            "one doomed call, and probes only until the prefix expires: {refused}"
        );
        assert_eq!(world.alerts.all().len(), 1);
    });
}
