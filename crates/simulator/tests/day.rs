//! A day of nineteen users: tokens that live one to eight hours, agents that refresh only when they next speak, and one hour in
//! which the provider refuses everybody by mistake. The size of the seed's own trouble.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use domain::purpose::Purpose;
use domain::settings::Settings;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use simulator::agent::{Agent, Kind};
use simulator::world::{self, World};
use std::collections::BTreeSet;
use std::time::Duration;

const USERS: usize = 19;
const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);

/// One person, their agent, and the tokens they have had.
struct User {
    agent: Agent,
    session: String,
    tokens: Vec<String>,
    speaks: Duration,
}

impl User {
    fn new(number: usize, world: &World, chance: &mut StdRng) -> Self {
        let session = format!("{number:08}-0000-4000-8000-000000000000");
        // Knowledge is shared within a project, so each user works in one of their own.
        let agent = Agent::new(Kind::ClaudeCode, &session, "").in_directory(&format!("/home/user{number}"));
        let speaks = chance.random_range(Duration::ZERO..HOUR);
        let mut user = Self { agent, session, tokens: Vec::new(), speaks };
        user.refresh(world, chance.random_range(HOUR..8 * HOUR));
        user
    }

    /// A new token, accepted for so long.
    fn refresh(&mut self, world: &World, lives: Duration) {
        let token = format!("sk-ant-oat01-{}-{}", self.session, self.tokens.len());
        world.provider.accept(&token);
        world.provider.expire_at(&token, world.now() + lives);
        self.agent.refresh(&token);
        self.tokens.push(token);
    }

    /// The agent refreshes only when it speaks and finds its token dead, as real ones do.
    async fn speak(&mut self, world: &World, chance: &mut StdRng) {
        let line = format!(
            "note {} of {}: the value is {}",
            world.now().as_secs(),
            self.session,
            chance.random::<u16>()
        );
        let mut reply = world.say(&mut self.agent, &line).await;
        if reply.status == 401 {
            self.refresh(world, chance.random_range(HOUR..8 * HOUR));
            reply = world.try_again(&mut self.agent).await;
        }
        assert!(reply.status == 200 || reply.status == 401, "{}", reply.text());
        let pause = if chance.random_bool(0.8) { 20..180_u64 } else { 1800..3 * 3600 };
        self.speaks = world.now() + Duration::from_secs(chance.random_range(pause));
    }
}

async fn live(world: &World, users: &mut [User], chance: &mut StdRng) {
    loop {
        let next = users.iter_mut().min_by_key(|user| user.speaks).expect("users");
        if next.speaks >= DAY - HOUR {
            return;
        }
        world.pass(next.speaks.saturating_sub(world.now())).await;
        next.speak(world, chance).await;
    }
}

/// Everybody speaks once more at the end, with a token that lasts, and falls silent.
async fn evening(world: &World, users: &mut [User], chance: &mut StdRng) {
    for user in users.iter_mut() {
        user.refresh(world, DAY);
        user.speak(world, chance).await;
    }
    world.pass(2 * HOUR).await;
}

fn background_calls_refused(world: &World, token: &str) -> usize {
    let calls = world.provider.calls_with(token);
    calls.iter().filter(|call| call.purpose != Purpose::Client && call.status == 401).count()
}

#[test]
fn in_a_day_of_nineteen_users_nothing_is_lost_crossed_or_stormed() {
    let settings = Settings::with_data_dir("unused".into());
    world::run(2026, settings, async |world| {
        let mut chance = StdRng::seed_from_u64(2026);
        let mut users: Vec<User> = (0..USERS).map(|number| User::new(number, &world, &mut chance)).collect();
        world.provider.wrongly_refuse_everyone(12 * HOUR, 13 * HOUR);
        live(&world, &mut users, &mut chance).await;
        evening(&world, &mut users, &mut chance).await;

        let tokens: usize = users.iter().map(|user| user.tokens.len()).sum();
        let mut refused = 0;
        for user in &users {
            for token in &user.tokens {
                refused += background_calls_refused(&world, token);
                own_words_only(&world, user, token);
            }
            let left = world.standing(&user.session).await.expect("store").pending_messages;
            assert!(left < 5, "{}: {left} messages were never distilled", user.session);
        }
        let alerts = world.alerts.all();
        let episodes: BTreeSet<_> = alerts.iter().map(|alert| alert.token).collect();
        println!("{} tokens, {refused} refused background calls, {} alerts", tokens, alerts.len());
        assert!(alerts.len() <= tokens + USERS, "an episode is a token's death, or the wrong hour");
        assert!(episodes.len() <= tokens);
        assert!(
            refused <= 2 * tokens + 8 * USERS,
            "a doomed call and a few probes each: {refused} for {tokens} tokens"
        );
    })
    .expect("a world");
}

/// No call with this user's token carried the words of another's session.
fn own_words_only(world: &World, user: &User, token: &str) {
    for call in world.provider.calls_with(token) {
        let body = String::from_utf8_lossy(&call.exchange.body);
        let strangers = (0..USERS).map(|number| format!("{number:08}-0000-4000-8000-000000000000"));
        for stranger in strangers.filter(|session| *session != user.session) {
            assert!(!body.contains(&format!("of {stranger}")), "{token} carried the words of {stranger}");
        }
    }
}
