//! A week of fifty sessions with different habits: what the provider charges, what the ledger says, what the decision reckoned
//! with, and what warming is credited with agree to the cent.

use super::{MINUTE, play, settings};
use domain::conversation::{CacheTtl, Usage};
use domain::purpose::Purpose;
use machines::cache_warmer::cost;
use machines::job::Brief;
use simulator::agent::{Agent, Kind};
use simulator::provider::{Provider, Received};
use simulator::world::World;
use std::collections::BTreeMap;
use std::time::Duration;
use store::CostsBy;

const SESSIONS: u64 = 50;
const CENT: f64 = 0.01;
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Minutes between the turns of a session, again and again; and when its week begins.
fn habit(number: u64) -> (Vec<u64>, u64) {
    let gaps: &[u64] = match number % 5 {
        // Never leaves the keyboard; then a night.
        0 => &[1, 2, 3, 2, 1700],
        // A cup of tea.
        1 => &[7, 9, 8, 1500],
        // A meeting, in and out of reach of three warm-ups.
        2 => &[15, 40, 12, 2100],
        // One question a day.
        3 => &[1440, 1380],
        // An hour's cache, and breaks of hours.
        _ => &[75, 130, 400, 20, 2000],
    };
    (gaps.iter().map(|gap| gap + number % 7 * gap / 50).collect(), number * 37)
}

fn agent(world: &World, number: u64) -> Agent {
    let kind = if number % 5 == 4 { "oat01" } else { "api03" };
    let token = format!("sk-ant-{kind}-owner-{number}");
    // An owner each: nobody keeps a part of another one's prefix alive.
    world.provider.accept(&token);
    Agent::new(Kind::ClaudeCode, &format!("33333333-aaaa-4bbb-8ccc-{number:012}"), &token)
}

/// One session's week.
async fn live(world: &World, number: u64) {
    let mut agent = agent(world, number);
    let (gaps, begin) = habit(number);
    world.pass(Duration::from_secs(begin * 60 + number)).await;
    for gap in gaps.iter().cycle() {
        let text = if agent.conversation().is_empty() {
            "the quick brown fox. ".repeat(500)
        } else {
            "and then?".into()
        };
        let reply = world.say(&mut agent, &text).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        if world.now() + *gap as u32 * MINUTE > WEEK {
            return;
        }
        world.pass(*gap as u32 * MINUTE).await;
    }
}

/// What the provider charges for claude-opus-5-5, in dollars, by its price list.
fn charged(usage: &Usage) -> f64 {
    let input = 4.0 * usage.input as f64
        + 0.2 * usage.cache_read as f64
        + 5.0 * usage.cache_write_5m as f64
        + 8.0 * usage.cache_write_1h as f64;
    (input + 20.0 * usage.output as f64) / 1e6
}

fn total<'c>(calls: impl Iterator<Item = &'c Received>) -> f64 {
    calls.map(|call| charged(&call.usage)).sum()
}

/// What the agents would have paid had nobody warmed anything: their own requests, at the same times, to a provider that saw
/// nothing else.
fn alone(clients: &[&Received]) -> f64 {
    let provider = Provider::new(1);
    provider.accept_any(true);
    for call in clients {
        let _plan = provider.answer(&call.exchange, call.at);
    }
    total(provider.received().iter())
}

/// What the decision reckoned with for each warm-up: a read of all that the session's last turn had sent.
fn reckoned(received: &[Received], brief: &Brief) -> f64 {
    let mut prompts = BTreeMap::new();
    let mut sum = 0.0;
    for call in received {
        let owner = call.exchange.token().unwrap_or_default();
        match call.purpose {
            Purpose::Warm => sum += cost(brief, prompts.get(owner).copied().unwrap_or_default()),
            _ => drop(prompts.insert(owner, call.usage.prompt())),
        }
    }
    sum
}

fn brief() -> Brief {
    let upstream = domain::provider::UpstreamKey::new(domain::provider::Provider::Anthropic, "http://h");
    Brief {
        principal: domain::ids::Principal::local(),
        session: "s".into(),
        upstream,
        dialect: domain::provider::Dialect::AnthropicMessages,
        model: "claude-opus-5-5".to_owned(),
        patient: false,
        project: None,
    }
}

#[test]
fn a_week_of_fifty_sessions_adds_up_to_the_cent() {
    play(settings(), async |world| {
        futures_util::future::join_all((0..SESSIONS).map(|number| live(&world, number))).await;
        world.pass(24 * 60 * MINUTE).await;
        let since = domain::time::UnixMillis(0);
        let costs = world.house.desk.read(move |store| store.costs(since, CostsBy::Nothing)).await;
        let told = costs.expect("sums").pop().expect("some");
        let received = world.provider.received();
        let (warm, clients): (Vec<_>, Vec<_>) =
            received.iter().partition(|call| call.purpose == Purpose::Warm);
        assert!(told.refreshes > 100 && told.returns > 20, "a week in which something happens: {told:?}");
        assert_eq!(told.refreshes as usize, warm.len());
        let close = |what: &str, a: f64, b: f64| assert!((a - b).abs() < CENT, "{what}: {a} and {b}");
        close("what warm-ups cost", told.warm_cost_usd, total(warm.iter().copied()));
        close("what the decision reckoned with", told.warm_cost_usd, reckoned(&received, &brief()));
        let saved = alone(&clients) - total(clients.iter().copied());
        close("what warming saved", told.warm_saved_usd, saved);
        close("what is left", told.warm_net_usd, saved - total(warm.iter().copied()));
        let counts = world.tally.counts();
        close("what metrics say", counts.warm_saved - counts.warm_cost, told.warm_net_usd);
    });
}

#[test]
fn the_ledgers_price_of_a_write_is_that_of_its_time_to_live() {
    let tokens = 1_000_000;
    for (ttl, written) in [
        (CacheTtl::FiveMinutes, Usage { cache_write_5m: tokens, ..Usage::default() }),
        (CacheTtl::OneHour, Usage { cache_write_1h: tokens, ..Usage::default() }),
    ] {
        let saved = charged(&written) - charged(&Usage { cache_read: tokens, ..Usage::default() });
        assert!((machines::cache_warmer::saving(&brief(), tokens, ttl) - saved).abs() < 1e-9);
    }
}
