//! The whole story in under a minute: turns, distilling, a token that expires, one alert, a fresh token, work resumed.
//!
//! Everything but the provider and the clock is the real thing. Nothing is opened to the network.

mod teller;

use crate::agent::{Agent, Kind};
use crate::provider::Received;
use crate::world::{self, World};
use domain::purpose::Purpose;
use domain::settings::Settings;
use machines::credential::TokenState;
use std::io::{self, Write};
use std::time::Duration;
use teller::Teller;

const SESSION: &str = "0b7f3a52-demo-4c1e-9d27-1f6f0e1c2a33";
const FIRST_TOKEN: &str = "sk-ant-oat01-demo-first-token";
const FRESH_TOKEN: &str = "sk-ant-oat01-demo-fresh-token";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// What the person says before the token expires, and after.
const MORNING: [&str; 3] = [
    "We decided to use PostgreSQL 16 instead of MySQL for the ledger service, because of its partial indexes.",
    "The build fails with error E0502 in src/ledger.rs line 214. Please find out why.",
    "I prefer small commits, and the deadline is the 14th of March.",
];
const LATER: [&str; 3] = [
    "The nightly job took 47 minutes; it must stay under 40.",
    "We rejected Redis for the queue: the operations team does not want another server.",
    "Never touch the table customer_archive, it is under legal hold.",
];

/// Tells the story to `out`.
///
/// # Errors
/// When `out` cannot be written to, or the story does not go as it should: then it says where it went wrong.
pub fn demo(out: &mut dyn Write) -> io::Result<()> {
    let story = world::run(1, Settings::with_data_dir("unused".into()), tell)?;
    let told = story.map_err(io::Error::other)?;
    out.write_all(told.as_bytes())
}

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

async fn tell(world: World) -> Outcome<String> {
    let mut teller = Teller::default();
    let mut agent = Agent::new(Kind::ClaudeCode, SESSION, FIRST_TOKEN).in_directory("/home/ada/ledger");
    world.provider.accept(FIRST_TOKEN);
    world.provider.expire_at(FIRST_TOKEN, HOUR);
    opening(&mut teller);
    work(&world, &mut teller, &mut agent).await?;
    distilled(&world, &mut teller).await?;
    expired(&world, &mut teller, &mut agent).await?;
    stubborn(&world, &mut teller, &mut agent).await?;
    refreshed(&world, &mut teller, &mut agent).await?;
    closing(&world, &mut teller).await?;
    Ok(teller.told())
}

fn opening(teller: &mut Teller) {
    teller.prose(
        "This is Stillroom, a gateway between coding agents and LLM providers. What follows takes a few virtual hours. The \
         gateway, its actors and its database are the real ones; the provider and the clock are simulated, no network is \
         touched and no account is needed.",
    );
}

async fn work(world: &World, teller: &mut Teller, agent: &mut Agent) -> Outcome<()> {
    teller.scene(world, "An agent works through the gateway");
    for line in MORNING {
        expect(world.say(agent, line).await.status == 200, "the agent's request is answered")?;
        world.pass(Duration::from_secs(20)).await;
    }
    let slot = world.slots().await.into_iter().next().ok_or("no credential was seen")?;
    teller.fact(&format!(
        "3 turns relayed byte for byte. The requests carried an OAuth token; the gateway keeps it in memory only and calls it {}.",
        slot.fingerprint
    ));
    expect(slot.state == TokenState::Proven, "the token is proven by the client's own success")
}

async fn distilled(world: &World, teller: &mut Teller) -> Outcome<()> {
    world.pass(4 * MINUTE).await;
    teller.scene(world, "The agent is quiet, so the house goes to work");
    let observations = world.observations(SESSION).await?;
    expect(!observations.is_empty(), "the Distiller kept observations")?;
    teller
        .fact("The Distiller asked CredentialActor for a lease and condensed the session into observations:");
    observations.iter().for_each(|it| teller.item(&it.text));
    let knowledge = world.knowledge().await?;
    expect(!knowledge.is_empty(), "the Curator kept knowledge")?;
    teller.fact("The Curator turned them into lasting knowledge:");
    knowledge.iter().for_each(|it| teller.item(&format!("[{}] {}", it.category.as_str(), it.title)));
    let hits = world.recall("which database did we choose?").await?;
    expect(!hits.is_empty(), "recall finds it again")?;
    teller.fact(&format!("`stillroom recall which database did we choose?` finds it: {}", hits[0].text));
    Ok(())
}

async fn expired(world: &World, teller: &mut Teller, agent: &mut Agent) -> Outcome<()> {
    world.pass(50 * MINUTE - Duration::from_secs(20)).await;
    for line in LATER {
        expect(world.say(agent, line).await.status == 200, "the agent's request is answered")?;
        world.pass(Duration::from_secs(20)).await;
    }
    teller.scene(world, "The agent says a little more and falls silent; then its token expires");
    world.pass(HOUR).await;
    let dead = background_refusals(world, FIRST_TOKEN);
    let alerts = world.alerts.all();
    teller.scene(world, "An hour later");
    teller.fact(&format!(
        "The provider refused the token. In an hour of sweeps, one every 30 seconds, it was sent {dead} more times: once by the \
         worker that found out, then only by probes that come later and later.",
    ));
    teller.fact(&format!(
        "Alerts raised: {}. (The gateway that taught us this raised 2,349 for 19 users.)",
        alerts.len()
    ));
    expect(alerts.len() == 1, "one alert an episode")?;
    expect(dead <= 7, "no storm of refused calls")?;
    let pending = world.standing(SESSION).await?.pending_messages;
    teller.fact(&format!("{pending} messages wait in the store. Nothing is lost, nothing is tried in vain."));
    expect(pending >= 6, "the work is still pending")
}

async fn stubborn(world: &World, teller: &mut Teller, agent: &mut Agent) -> Outcome<()> {
    let reply = world.say(agent, "Are you still there?").await;
    world.pass(MINUTE).await;
    teller.scene(world, "The agent comes back with the same dead token");
    teller.fact(&format!(
        "It hears the provider's own answer, status {}, untouched: agents refresh on it. Nothing else wakes, since sending a \
         token again proves nothing.",
        reply.status
    ));
    expect(reply.status == 401, "the client's own error reaches the client")?;
    expect(world.alerts.all().len() == 1, "no second alert")
}

async fn refreshed(world: &World, teller: &mut Teller, agent: &mut Agent) -> Outcome<()> {
    let before = world.observations(SESSION).await?.len();
    world.provider.accept(FRESH_TOKEN);
    agent.refresh(FRESH_TOKEN);
    expect(world.try_again(agent).await.status == 200, "the fresh token is accepted")?;
    let proven = world.now();
    let work = |world: &World| called_back(world, proven);
    let mut waited = Duration::ZERO;
    while work(world).is_none() && waited < MINUTE {
        world.pass(Duration::from_millis(10)).await;
        waited += Duration::from_millis(10);
    }
    world.pass(5 * MINUTE).await;
    teller.scene(world, "The agent has refreshed; its request with the new token is accepted");
    let after = world.observations(SESSION).await?.len();
    expect(after > before, "the waiting work was done")?;
    teller.fact(&format!(
        "CredentialActor tells the workers. The Distiller calls the provider {} ms later, not at the next tick, and {} new \
         observations are kept. Work went on by itself.",
        waited.as_millis(),
        after - before
    ));
    expect(waited <= Duration::from_secs(1), "work resumes within a second of proof")
}

/// The first background call with the fresh token since `proven`.
fn called_back(world: &World, proven: Duration) -> Option<Received> {
    let since = |call: &Received| call.at >= proven && call.purpose != Purpose::Client;
    world.provider.calls_with(FRESH_TOKEN).into_iter().find(since)
}

async fn closing(world: &World, teller: &mut Teller) -> Outcome<()> {
    let counts = world.tally.counts();
    teller.scene(world, "What it cost");
    teller.fact(&format!(
        "{} turns recorded, {} background calls, {} of them refused, {} alert, {} entries of knowledge.",
        counts.turns,
        counts.background_calls,
        counts.refused,
        world.alerts.all().len(),
        world.knowledge().await?.len()
    ));
    teller.prose("Start it for real with `stillroom`, and point an agent at the address it prints.");
    Ok(())
}

/// Background calls that were refused with this token.
fn background_refusals(world: &World, token: &str) -> usize {
    let calls = world.provider.calls_with(token);
    calls.iter().filter(|call| call.purpose != Purpose::Client && call.is_refused()).count()
}

/// The story must be true: what it claims is checked while it is told.
fn expect(holds: bool, claim: &str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(format!("the demo went wrong: it should hold that {claim}").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_is_true_and_is_told_the_same_way_each_time() {
        let story = || {
            let mut told = Vec::new();
            demo(&mut told).expect("the story goes as it should");
            String::from_utf8(told).expect("text")
        };
        let told = story();
        assert_eq!(told, story());
        assert!(!told.contains(FIRST_TOKEN) && !told.contains(FRESH_TOKEN), "{told}");
    }
}
