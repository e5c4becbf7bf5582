//! A price list that is wrong by orders of magnitude: what is lost by obeying it is bounded all the same, since no brake looks at
//! a price. A process has one price list, so this has a program of its own.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use domain::price::{Price, PriceList};
use domain::purpose::Purpose;
use domain::settings::Settings;
use machines::cache_warmer::{REST, WATCHED};
use simulator::agent::{Agent, Kind};
use simulator::provider::Received;
use simulator::world;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const SESSIONS: usize = 40;

/// The right list, but that everything cached of the agents' model is said to be read for nearly nothing, and written for a fortune:
/// any chance of a return is worth a warm-up.
fn wrong() -> PriceList {
    let right = include_str!("../../domain/src/prices.json");
    let row = "\"claude-opus-5-5\": [4.0, 20.0, 0.2, 5.0, 8.0]";
    assert!(right.contains(row), "the row to falsify");
    PriceList::read(&right.replace(row, "\"claude-opus-5-5\": [4.0, 0.0, 0.000001, 5000.0, 8000.0]"))
        .expect("a list")
}

/// What the provider really charges.
fn charged(call: &Received) -> f64 {
    Price::from([4.0, 20.0, 0.2, 5.0, 8.0]).cost(&call.usage)
}

#[test]
fn with_wrong_prices_a_day_costs_no_more_than_the_watched_warm_ups_between_its_rests() {
    assert!(wrong().put_in_force(), "the first to say what things cost");
    let mut settings = Settings::with_data_dir("unused".into());
    (settings.distiller.enabled, settings.curator.enabled) = (false, false);
    let received = world::run(7, settings, async |world| {
        let agent = |number: usize| {
            let token = format!("sk-ant-api03-key-{number}");
            world.provider.accept(&token);
            Agent::new(Kind::ClaudeCode, &format!("33333333-aaaa-4bbb-8ccc-{number:012}"), &token)
        };
        let mut agents: Vec<Agent> = (0..SESSIONS).map(agent).collect();
        while world.now() < DAY {
            for agent in &mut agents {
                let text = if agent.conversation().is_empty() {
                    "the quick brown fox. ".repeat(800)
                } else {
                    "go on".into()
                };
                assert_eq!(world.say(agent, &text).await.status, 200);
            }
            // Nobody is ever back in time.
            world.pass(120 * MINUTE).await;
        }
        world.provider.received()
    });
    let received = received.expect("a world");
    let warm_ups: Vec<_> = received.iter().filter(|call| call.purpose == Purpose::Warm).collect();
    let largest = received.iter().map(|call| call.usage.prompt()).max().unwrap_or_default();
    let rests = DAY.as_secs().div_ceil(REST.as_secs()) as usize;
    let most = rests * (WATCHED + machines::job::AT_ONCE);
    assert!((WATCHED..=most).contains(&warm_ups.len()), "{} of at most {most}", warm_ups.len());
    let lost: f64 = warm_ups.iter().map(|call| charged(call)).sum();
    let bound = most as f64 * (0.2 * largest as f64 + 20.0) / 1e6;
    assert!(lost > 0.0 && lost <= bound, "{lost} of at most {bound}");
}
