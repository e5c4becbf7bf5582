//! What clients meet is evidence: requests that real agents sent when their token was refused, and the ones they sent after
//! they had refreshed it (recorded, long texts shortened), in virtual time. A refused token is known before any worker
//! spends a call on it, and a good one the moment it is accepted.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use domain::purpose::Purpose;
use domain::settings::Settings;
use machines::credential::{SlotView, TokenState};
use serde_json::Value;
use simulator::agent::{Agent, Kind};
use simulator::provider::{Exchange, Pace, Received, Refusal};
use simulator::world::{self, Reply, World};
use std::future::Future;
use std::path::Path;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// An agent's request that was refused, and what it sent next.
struct Recording {
    kind: Kind,
    refused: Exchange,
    refreshed: Exchange,
    /// How long the agent took to get its new token.
    refreshes_in: Duration,
}

impl Recording {
    fn new(kind: Kind, refused: &str, refreshed: &str, refreshes_in: u64) -> Self {
        let refreshes_in = Duration::from_millis(refreshes_in);
        Self { kind, refused: recorded(refused), refreshed: recorded(refreshed), refreshes_in }
    }

    fn all() -> [Self; 3] {
        [
            // A login: Claude Code gets a token from its platform and sends the same body again.
            Self::new(
                Kind::ClaudeCode,
                "claude-code/18-login-401-first",
                "claude-code/19-login-401-after-refresh",
                1690,
            ),
            // A command that gives the token: Codex runs it again.
            Self::new(Kind::Codex, "codex/21-cmdauth-401", "codex/22-cmdauth-after", 10),
            // A ChatGPT login: Codex learns from a side request that its token is dead.
            Self::new(Kind::Codex, "codex/17-side-models", "codex/19-chatgpt-after-refresh", 242),
        ]
    }

    fn old_token(&self) -> &str {
        self.refused.token().expect("it carries one")
    }

    fn new_token(&self) -> &str {
        self.refreshed.token().expect("it carries one")
    }

    /// The session that the refreshed request names; a side request may name none.
    fn session(&self) -> &str {
        let names = ["x-claude-code-session-id", "thread-id"];
        names.iter().find_map(|name| self.refreshed.header(name)).expect("it names one")
    }

    /// The session before the token was refused: three turns of an agent of the same kind.
    async fn three_turns(&self, world: &World) {
        let mut agent = Agent::new(self.kind, self.session(), self.old_token());
        for turn in 1..=3 {
            let reply = world.say(&mut agent, &format!("The limit of pool {turn} is {turn}00.")).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            world.pass(5 * SECOND).await;
        }
    }
}

fn recorded(file: &str) -> Exchange {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/tests/fixtures");
    let text = std::fs::read_to_string(fixtures.join(file).with_extension("json")).expect(file);
    let recorded: Value = serde_json::from_str(&text).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let headers = recorded["headers"].as_array().expect("headers");
    let body = Some(&recorded["body"]).filter(|body| !body.is_null()).map(Value::to_string);
    Exchange {
        method: text(&recorded["method"]),
        target: text(&recorded["target"]),
        headers: headers.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect(),
        body: body.unwrap_or_default().into(),
    }
}

/// A world in which both tokens of the recording are good, and which distils as soon as `segment` tokens are pending.
fn in_world<T, F: Future<Output = T>>(
    recording: &Recording,
    segment: u64,
    scenario: impl FnOnce(World) -> F,
) -> T {
    let mut settings = Settings::with_data_dir("unused".into());
    settings.distiller.pending_tokens = segment;
    world::run(18, settings, |world| {
        world.provider.speak(Pace::IMMEDIATE);
        world.provider.accept(recording.old_token());
        world.provider.accept(recording.new_token());
        scenario(world)
    })
    .expect("a world")
}

/// A world after three turns that are all but a segment: the next turn makes it full, so that its work need not wait for the
/// session to be idle.
fn after_three_turns<F: Future<Output = ()>>(recording: &Recording, scenario: impl FnOnce(World) -> F) {
    let pending = in_world(recording, u64::MAX, async |world| {
        recording.three_turns(&world).await;
        world.standing(recording.session()).await.expect("store").pending_tokens
    });
    in_world(recording, pending + 1, async |world| {
        recording.three_turns(&world).await;
        assert_eq!(background(&world).len(), 0, "its work is still to do");
        scenario(world).await;
    });
}

fn background(world: &World) -> Vec<Received> {
    let received = world.provider.received();
    received.into_iter().filter(|call| call.purpose != Purpose::Client).collect()
}

/// The session's slot and the global one, all that there are.
async fn slots(world: &World) -> (SlotView, Option<SlotView>) {
    let (mut own, mut global): (Vec<_>, Vec<_>) =
        world.slots().await.into_iter().partition(|slot| slot.session.is_some());
    assert!(own.len() == 1 && global.len() <= 1, "{own:?} {global:?}");
    (own.remove(0), global.pop())
}

/// The refusal that the client heard is the provider's own, byte for byte.
fn is_the_providers_own(reply: &Reply, kind: Kind) -> bool {
    let heard: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let request_id = heard["request_id"].as_str().unwrap_or_default();
    let said = Refusal::Expired.body(kind.dialect().provider(), request_id).to_string();
    reply.status == 401 && !reply.cut && reply.body == said
}

/// All background work was accepted, with `token` and nothing else, and its result is there.
async fn assert_worked_with(world: &World, recording: &Recording, token: &str) {
    let calls = background(world);
    assert!(!calls.is_empty(), "resumed by the proof, not by the next sweep");
    for call in &calls {
        assert!(call.is_with(token) && call.status == 200, "{call:?}");
        for name in ["anthropic-version", "chatgpt-account-id"] {
            assert_eq!(
                call.exchange.header(name),
                recording.refreshed.header(name),
                "{name} goes with the token"
            );
        }
    }
    assert!(!world.observations(recording.session()).await.expect("store").is_empty());
    assert_eq!(world.tally.counts().refused, 0);
    assert_eq!(world.alerts.all(), []);
}

#[test]
fn an_agent_that_meets_a_401_and_refreshes_costs_no_doomed_call_and_no_alert() {
    for recording in Recording::all() {
        after_three_turns(&recording, async |world| {
            let (before, _) = slots(&world).await;
            assert_eq!(before.state, TokenState::Proven);

            world.provider.expire_at(recording.old_token(), world.now());
            let refusal = world.send(&recording.refused).await;
            assert!(is_the_providers_own(&refusal, recording.kind), "{}", refusal.text());
            let (marked, global) = slots(&world).await;
            assert_eq!((marked.fingerprint, marked.state), (before.fingerprint, TokenState::Rejected));
            assert_eq!((marked.status, global), (401, None), "a refused token stands in for no other");

            world.pass(recording.refreshes_in).await;
            assert_eq!(world.send(&recording.refreshed).await.status, 200);
            world.pass(SECOND).await;
            let (fresh, global) = slots(&world).await;
            assert_eq!((fresh.state, fresh.status), (TokenState::Proven, 200));
            assert!(fresh.fingerprint != before.fingerprint && fresh.generation > before.generation);
            assert_eq!(global.expect("proven").fingerprint, fresh.fingerprint);
            assert_worked_with(&world, &recording, recording.new_token()).await;
        });
    }
}

#[test]
fn a_false_alarm_that_a_client_met_ends_with_its_next_success_at_once() {
    for mut recording in Recording::all() {
        // The same request with the same token again, as agents do whose token is not theirs to refresh.
        let token = recording.refused.headers.iter().find(|(name, _)| name == "authorization").cloned();
        recording.refreshed.headers.retain(|(name, _)| name != "authorization");
        recording.refreshed.headers.extend(token);
        after_three_turns(&recording, async |world| {
            let wrong = Duration::from_millis(500);
            world.provider.wrongly_refuse_everyone(world.now(), world.now() + wrong);
            let refusal = world.send(&recording.refused).await;
            assert!(is_the_providers_own(&refusal, recording.kind), "{}", refusal.text());
            let (marked, _) = slots(&world).await;
            assert_eq!((marked.state, marked.status), (TokenState::Rejected, 401));

            world.pass(wrong).await;
            assert_eq!(world.send(&recording.refreshed).await.status, 200);
            let (healed, global) = slots(&world).await;
            assert_eq!((healed.fingerprint, healed.state), (marked.fingerprint, TokenState::Proven));
            assert_eq!(global.expect("proven again").fingerprint, healed.fingerprint);
            world.pass(SECOND).await;
            assert_worked_with(&world, &recording, recording.old_token()).await;
        });
    }
}
