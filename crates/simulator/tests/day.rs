//! A day of nineteen users: tokens that live one to eight hours, agents that refresh only when they next speak, and one hour in
//! which the provider refuses everybody by mistake. The size of the seed's own trouble.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use domain::purpose::Purpose;
use domain::settings::Settings;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use simulator::agent::{Agent, Kind};
use simulator::provider::Received;
use simulator::world::{self, World};
use std::time::Duration;

const USERS: usize = 19;
const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
/// The pause before the first probe, which doubles from probe to probe up to the longest; each may be a fifth shorter.
const PROBE_PAUSE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(30 * 60));

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

/// A token's passages from good to refused: the calls with it that were refused, until one was accepted again.
fn episodes(world: &World, token: &str) -> Vec<Vec<Received>> {
    let calls = world.provider.calls_with(token);
    let refused = calls.split(|call| call.status != 401).filter(|refused| !refused.is_empty());
    refused.map(<[Received]>::to_vec).collect()
}

/// S15: whoever met the refusal first, every refused background call after that was a probe, and its pause was over. When the
/// token was refused together with another's, the end of that incident allows one probe at once, and then the pauses begin
/// anew.
fn only_probes_follow(refused: &[Received], token: &str, mut in_incident: bool) {
    let (mut last, mut number) = (refused[0].at, 0_u32);
    for probe in refused[1..].iter().filter(|call| call.purpose != Purpose::Client) {
        let pause = PROBE_PAUSE.0.saturating_mul(1 << number.min(5)).min(PROBE_PAUSE.1).mul_f64(0.8);
        let waited = probe.at - last;
        let is_forgiven = waited < pause && std::mem::take(&mut in_incident);
        assert!(
            waited >= pause || is_forgiven,
            "{token}: a call after {waited:?}, where a probe is due after {pause:?}"
        );
        (last, number) = (probe.at, if is_forgiven { 0 } else { number + 1 });
    }
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

        let alerts = world.alerts.all();
        let mut told = 0;
        let tokens = || users.iter().flat_map(|user| &user.tokens);
        let refused_first: Vec<(&String, Duration)> = tokens()
            .flat_map(|token| episodes(&world, token).into_iter().map(move |it| (token, it[0].at)))
            .collect();
        let in_incident = |token: &String, at: Duration| {
            refused_first.iter().any(|(other, then)| *other != token && then.abs_diff(at) <= MINUTE)
        };
        for user in &users {
            let mut passages = 0;
            for token in &user.tokens {
                own_words_only(&world, user, token);
                let episodes = episodes(&world, token);
                for refused in &episodes {
                    only_probes_follow(refused, token, in_incident(token, refused[0].at));
                }
                passages += episodes.len();
            }
            let about = alerts.iter().filter(|alert| alert.session.as_str() == user.session).count();
            assert!(about <= passages, "{}: {about} alerts about {passages} episodes", user.session);
            told += about;
            let left = world.standing(&user.session).await.expect("store").pending_messages;
            assert!(left < 5, "{}: {left} messages were never distilled", user.session);
        }
        assert!(
            told > 0 && told == alerts.len(),
            "{told} of {} alerts are about somebody here",
            alerts.len()
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
