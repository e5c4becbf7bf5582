//! The whole story in under a minute: turns, distilling, a token that expires, one alert, a fresh token, work resumed.
//!
//! Everything but the provider and the clock is the real thing. Nothing is opened to the network.

mod teller;

use crate::agent::{Agent, Kind};
use crate::world::{self, World};
use domain::purpose::Purpose;
use domain::settings::Settings;
use machines::credential::TokenState;
use std::io::{self, Write};
use std::time::Duration;
use teller::Teller;

const SESSION: &str = "0b7f3a52-4c1e-4d27-9f6f-0e1c2a33d3b0";
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
    let agent = Agent::new(Kind::ClaudeCode, SESSION, FIRST_TOKEN).in_directory("/home/ada/ledger");
    let mut story = Story { world, agent, session: SESSION.to_owned(), teller: Teller::default() };
    story.world.provider.accept(FIRST_TOKEN);
    story.world.provider.expire_at(FIRST_TOKEN, HOUR);
    story.opening();
    story.work().await?;
    story.distilled().await?;
    story.expired().await?;
    story.stubborn().await?;
    story.refreshed().await?;
    story.closing().await?;
    Ok(story.teller.told())
}

/// One agent, one session, and what happens to them.
struct Story {
    world: World,
    agent: Agent,
    session: String,
    teller: Teller,
}

impl Story {
    fn opening(&mut self) {
        self.teller.prose(
        "This is Stillroom, a gateway between coding agents and LLM providers. What follows takes a few virtual hours. The \
         gateway, its actors and its database are the real ones; the provider and the clock are simulated, no network is \
         touched and no account is needed.",
    );
    }

    async fn work(&mut self) -> Outcome<()> {
        self.scene("An agent works through the gateway");
        for line in MORNING {
            self.turn(line).await?;
        }
        let slot = self.world.slots().await.into_iter().next().ok_or("no credential was seen")?;
        self.teller.fact(&format!(
        "3 turns relayed byte for byte. The requests carried an OAuth token; the gateway keeps it in memory only and calls it {}.",
        slot.fingerprint
    ));
        expect(slot.state == TokenState::Proven, "the token is proven by the client's own success")
    }

    async fn distilled(&mut self) -> Outcome<()> {
        self.world.pass(4 * MINUTE).await;
        self.scene("The agent is quiet, so the house goes to work");
        let observations = self.world.observations(&self.session).await?;
        expect(!observations.is_empty(), "the Distiller kept observations")?;
        self.teller.fact(
            "The Distiller asked CredentialActor for a lease and condensed the session into observations:",
        );
        observations.iter().for_each(|it| self.teller.item(&it.text));
        let knowledge = self.world.knowledge().await?;
        expect(!knowledge.is_empty(), "the Curator kept knowledge")?;
        self.teller.fact("The Curator turned them into lasting knowledge:");
        knowledge.iter().for_each(|it| self.teller.item(&format!("[{}] {}", it.category.as_str(), it.title)));
        let hits = self.world.recall("why PostgreSQL and not MySQL?").await?;
        expect(!hits.is_empty(), "recall finds it again")?;
        self.teller.fact(&format!("`stillroom recall why PostgreSQL` finds it: {}", hits[0].text));
        Ok(())
    }

    async fn expired(&mut self) -> Outcome<()> {
        self.world.pass((HOUR - Duration::from_secs(70)).saturating_sub(self.world.now())).await;
        for line in LATER {
            self.turn(line).await?;
        }
        self.scene("The agent says a little more and falls silent; then its token expires");
        self.world.pass(HOUR).await;
        let dead = background_refusals(&self.world, FIRST_TOKEN);
        let alerts = self.world.alerts.all();
        self.scene("An hour later");
        self.teller.fact(&format!(
        "The provider refused the token. In an hour of sweeps, one every 30 seconds, it was sent {dead} more times: once by the \
         worker that found out, then only by probes that come later and later.",
    ));
        self.teller.fact(&format!(
            "Alerts raised: {}. (The gateway that taught us this raised 2,349 for 19 users.)",
            alerts.len()
        ));
        expect(alerts.len() == 1, "one alert an episode")?;
        expect(dead <= 7, "no storm of refused calls")?;
        let pending = self.world.standing(&self.session).await?.pending_messages;
        self.teller.fact(&format!(
            "{pending} messages wait in the store. Nothing is lost, nothing is tried in vain."
        ));
        expect(pending >= 6, "the work is still pending")
    }

    async fn stubborn(&mut self) -> Outcome<()> {
        let reply = self.world.say(&mut self.agent, "Are you still there?").await;
        self.world.pass(MINUTE).await;
        self.scene("The agent comes back with the same dead token");
        self.teller.fact(&format!(
        "It hears the provider's own answer, status {}, untouched: agents refresh on it. Nothing else wakes, since sending a \
         token again proves nothing.",
        reply.status
    ));
        expect(reply.status == 401, "the client's own error reaches the client")?;
        expect(self.world.alerts.all().len() == 1, "no second alert")
    }

    async fn refreshed(&mut self) -> Outcome<()> {
        let before = self.world.observations(&self.session).await?.len();
        self.world.provider.accept(FRESH_TOKEN);
        self.agent.refresh(FRESH_TOKEN);
        let asked = self.world.now();
        expect(self.world.try_again(&mut self.agent).await.status == 200, "the fresh token is accepted")?;
        self.world.pass(5 * MINUTE).await;
        let resumed =
            resumed(&self.world).ok_or("no background call with the fresh token")?.saturating_sub(asked);
        self.scene("The agent has refreshed; its request with the new token is accepted");
        let after = self.world.observations(&self.session).await?.len();
        expect(after > before, "the waiting work was done")?;
        self.teller.fact(&format!(
        "The provider's answer to the agent proves the token, and CredentialActor tells the workers: {} ms after the agent asked, \
         not at the next tick, the Distiller calls the provider. {} new observations are kept. Work went on by itself.",
        resumed.as_millis(),
        after - before
    ));
        expect(resumed <= Duration::from_secs(1), "work resumes within a second of proof")
    }

    async fn closing(&mut self) -> Outcome<()> {
        let counts = self.world.tally.counts();
        self.scene("What it cost");
        self.teller.fact(&format!(
            "{} turns recorded, {} background calls, {} of them refused, {} alert, {} entries of knowledge.",
            counts.turns,
            counts.background_calls,
            counts.refused,
            self.world.alerts.all().len(),
            self.world.knowledge().await?.len()
        ));
        self.teller.prose("Start it for real with `stillroom`, and point an agent at the address it prints.");
        Ok(())
    }

    /// The person says something, and the agent's request is answered.
    async fn turn(&mut self, line: &str) -> Outcome<()> {
        let reply = self.world.say(&mut self.agent, line).await;
        expect(reply.status == 200, &format!("\"{line}\" is answered with 200, not with {}", reply.status))?;
        self.world.pass(Duration::from_secs(20)).await;
        Ok(())
    }

    /// The time of day in the world, and what happens.
    fn scene(&mut self, title: &str) {
        self.teller.scene(self.world.now(), title);
    }
}

/// When the first background call with the fresh token reached the provider.
fn resumed(world: &World) -> Option<Duration> {
    let calls = world.provider.calls_with(FRESH_TOKEN);
    calls.iter().find(|call| call.purpose != Purpose::Client).map(|call| call.at)
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
