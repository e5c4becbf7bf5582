//! The day's budget for background work: it slows from half of it, it stops at it, and clients are never touched.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use domain::budget::{Allowance, day_of};
use domain::purpose::Purpose;
use domain::settings::Settings;
use domain::time::UnixMillis;
use simulator::agent::{Agent, Kind};
use simulator::provider::BatchEnd;
use simulator::world::{self, World};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const TOKEN: &str = "sk-ant-oat01-thrifty";
const SESSION: &str = "77777777-aaaa-4bbb-8ccc-000000000007";
const KEY: &str = "sk-ant-api03-thrifty";
const BATCHED: &str = "88888888-aaaa-4bbb-8ccc-000000000008";

/// Settings under which background work distils, and may spend so much a day.
fn settings(daily_budget: Option<f64>) -> Settings {
    let mut settings = Settings::with_data_dir("unused".into());
    settings.worker.daily_budget = daily_budget;
    settings.curator.enabled = false;
    settings.cache_warmer.enabled = false;
    settings
}

fn distillations(world: &World) -> usize {
    world.provider.received().iter().filter(|call| call.purpose == Purpose::Distill).count()
}

fn now(world: &World) -> UnixMillis {
    UnixMillis::from(world.house.environment.clock.unix())
}

/// Three turns, and a pause in which they are distilled, if they may be.
async fn talk_and_pause(world: &World, agent: &mut Agent) {
    for turn in 0..3 {
        let reply = world.say(agent, &format!("{turn}: what of the sourdough?")).await;
        assert_eq!(reply.status, 200, "clients are never touched: {}", reply.text());
        world.pass(MINUTE / 12).await;
    }
    world.pass(10 * MINUTE).await;
}

async fn allowance(world: &World) -> Allowance {
    let balance = world.house.purse.balance(now(world)).await.expect("a ledger");
    balance.expect("a budget").allowance
}

fn agent(world: &World) -> Agent {
    world.provider.accept(TOKEN);
    Agent::new(Kind::ClaudeCode, SESSION, TOKEN)
}

/// What one such pause costs.
fn price() -> f64 {
    let story = async |world: World| {
        talk_and_pause(&world, &mut agent(&world)).await;
        assert_eq!(distillations(&world), 1);
        let spent = |store: &mut dyn store::Store| store.spent_since(Purpose::Distill, UnixMillis(0));
        world.house.desk.read(spent).await.expect("a ledger")
    };
    world::run(13, settings(None), story).expect("a world")
}

#[test]
fn background_work_stops_at_the_budget_and_goes_on_by_itself_the_next_day() {
    let story = async |world: World| {
        let mut agent = agent(&world);
        talk_and_pause(&world, &mut agent).await;
        assert_eq!(distillations(&world), 1, "the first call was within the budget");
        let tomorrow = UnixMillis(day_of(now(&world)).0 + 86_400_000);
        assert_eq!(allowance(&world).await, Allowance::Spent { until: tomorrow });
        talk_and_pause(&world, &mut agent).await;
        assert_eq!(distillations(&world), 1, "the second was not");
        assert!(world.standing(SESSION).await.expect("standing").pending_messages > 0, "and nothing is lost");
        let left = Duration::from_millis(tomorrow.0.abs_diff(now(&world).0));
        world.pass(left + 5 * MINUTE).await;
        assert_eq!(distillations(&world), 2);
        assert_eq!(world.standing(SESSION).await.expect("standing").pending_messages, 0);
        assert_eq!(world.unleased_calls(), Vec::<String>::new());
    };
    world::run(13, settings(Some(price() / 2.0)), story).expect("a world");
}

#[test]
fn from_half_of_the_budget_on_background_work_waits_for_the_day_to_catch_up() {
    let budget = price() / 0.75;
    let story = async |world: World| {
        let mut agent = agent(&world);
        // An hour into a day, so that three quarters of it lie far ahead.
        let begun = now(&world);
        let into = Duration::from_millis(begun.0.abs_diff(day_of(begun).0));
        world.pass(DAY - into + HOUR).await;
        talk_and_pause(&world, &mut agent).await;
        assert_eq!(distillations(&world), 1);
        let until = UnixMillis(day_of(now(&world)).0 + 3 * 86_400_000 / 4);
        let Allowance::Slowed { until: slowed } = allowance(&world).await else { panic!("not slowed") };
        assert!(slowed.0.abs_diff(until.0) < 1000, "{slowed:?}");
        talk_and_pause(&world, &mut agent).await;
        world.pass(15 * HOUR).await;
        assert_eq!(distillations(&world), 1);
        world.pass(3 * HOUR).await;
        assert_eq!(distillations(&world), 2);
    };
    world::run(13, settings(Some(budget)), story).expect("a world");
}

#[test]
fn what_lies_in_a_batch_is_fetched_although_the_budget_is_spent_meanwhile() {
    let settings = || {
        let mut settings = settings(Some(price() / 2.0));
        settings.idle.after = 11 * MINUTE;
        settings
    };
    let story = async |world: World| {
        world.provider.accept(KEY);
        world.provider.take_batches(40 * MINUTE, BatchEnd::Answered);
        talk_and_pause(&world, &mut Agent::new(Kind::ClaudeCode, BATCHED, KEY)).await;
        world.pass(2 * MINUTE).await;
        let received = world.provider.received();
        assert!(received.iter().any(|call| call.purpose == Purpose::Batch && call.exchange.method == "POST"));
        talk_and_pause(&world, &mut agent(&world)).await;
        world.pass(2 * MINUTE).await;
        assert_eq!(distillations(&world), 1);
        assert!(matches!(allowance(&world).await, Allowance::Spent { .. }));
        assert!(world.observations(BATCHED).await.expect("observations").is_empty(), "not yet");
        world.pass(40 * MINUTE).await;
        assert!(!world.observations(BATCHED).await.expect("observations").is_empty());
    };
    world::run(13, settings(), story).expect("a world");
}
