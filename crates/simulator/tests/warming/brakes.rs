//! What holds warming back, in a running house.

use super::{MINUTE, SECOND, SESSION, TOKEN, keep, long_turn, play, settings, warm_ups};
use actor::Cause;
use domain::conversation::Usage;
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use domain::warming::WarmingMode;
use machines::cache_warmer::{Explanation, WarmerMessage, WarmerReply};
use simulator::agent::{Agent, Kind};
use simulator::provider::Fault;
use simulator::world::World;
use std::time::Duration;
use store::LedgerEntry;
use workers::Spoken;

const CAUSE: Cause = Cause::origin("Test");
const HOUR: Duration = Duration::from_secs(3600);

fn agent() -> Agent {
    Agent::new(Kind::ClaudeCode, SESSION, TOKEN)
}

fn tell(world: &World, message: WarmerMessage) {
    world.house.warmer.tell(Spoken(message), CAUSE).expect("taken");
}

async fn why(world: &World) -> Explanation {
    let question = Spoken(WarmerMessage::Explain(vec![(SESSION.into(), None)]));
    let explained = match world.house.warmer.ask(question, CAUSE, SECOND).await {
        Ok(WarmerReply::Explained(all)) => all,
        _ => Vec::new(),
    };
    explained.into_iter().next().expect("one for each")
}

/// What a person has spent on warming so long before the world began.
async fn spent(world: &World, usd: f64, before: Duration) {
    let at = UnixMillis::from(world.house.environment.clock.unix().saturating_sub(before));
    let entry = LedgerEntry {
        at,
        session: None,
        purpose: Purpose::Warm,
        provider: Provider::Anthropic,
        model: "claude-opus-5-5".to_owned(),
        status: Some(200),
        usage: Usage::default(),
        usd,
        attempts: 1,
    };
    world.house.desk.write(move |store| store.charge(&entry)).await.expect("written");
}

#[test]
fn what_was_spent_before_a_restart_counts_towards_the_days_limit_and_the_session_says_so() {
    for (before, warmed) in [(20 * HOUR, false), (25 * HOUR, true)] {
        let mut settings = settings();
        settings.cache_warmer.max_cost_per_day = Some(1.0);
        play(settings, async |world| {
            keep(&world, &[SESSION]);
            spent(&world, 1.0, before).await;
            long_turn(&world, &mut agent()).await;
            world.pass(60 * MINUTE - 10 * SECOND).await;
            assert_eq!(!warm_ups(&world).is_empty(), warmed, "{before:?}");
            let why = why(&world).await;
            assert_eq!(why.is_warm, warmed);
            assert_eq!(why.why.contains("the limit is $1.00"), !warmed, "{}", why.why);
        });
    }
}

#[test]
fn a_switch_and_a_mode_are_heeded_by_the_running_house() {
    for message in [WarmerMessage::Switched(false), WarmerMessage::ModeSet(SESSION.into(), WarmingMode::Stop)]
    {
        play(settings(), async |world| {
            keep(&world, &[SESSION]);
            long_turn(&world, &mut agent()).await;
            tell(&world, message.clone());
            world.pass(5 * HOUR).await;
            assert_eq!(warm_ups(&world).len(), 0, "{message:?}");
        });
    }
}

#[test]
fn a_session_to_keep_is_held_for_hours_and_then_let_go() {
    play(settings(), async |world| {
        let keep = |store: &mut dyn store::Store| {
            store.set_warming_mode(&SESSION.into(), WarmingMode::Keep, UnixMillis(0))
        };
        world.house.desk.write(keep).await.expect("kept");
        tell(&world, WarmerMessage::ModeSet(SESSION.into(), WarmingMode::Keep));
        long_turn(&world, &mut agent()).await;
        world.pass(50 * HOUR).await;
        assert_eq!(
            warm_ups(&world).len(),
            39,
            "an hour's cache of a model whose reads are cheap, as long as one return would pay"
        );
    });
}

#[test]
fn a_refused_replay_is_the_last_one_of_its_session_and_says_why() {
    play(settings(), async |world| {
        keep(&world, &[SESSION]);
        let mut agent = agent();
        long_turn(&world, &mut agent).await;
        world.pass(54 * MINUTE).await;
        world.provider.next(Fault::Error(400));
        for _ in 0..3 {
            world.pass(61 * MINUTE).await;
            long_turn(&world, &mut agent).await;
        }
        assert_eq!(warm_ups(&world).len(), 1);
        let why = why(&world).await;
        assert!(why.why.contains("refused the replayed request"), "{}", why.why);
    });
}

#[test]
fn a_session_that_changed_its_model_is_not_replayed_with_the_older_one() {
    play(settings(), async |world| {
        keep(&world, &[SESSION]);
        let mut agent = agent();
        long_turn(&world, &mut agent).await;
        world.pass(30 * MINUTE).await;
        let mut other = agent.again();
        let body = String::from_utf8(other.body.to_vec()).expect("text");
        other.body = body.replace("claude-opus-5-5", "claude-sonnet-4-5").into();
        assert_eq!(world.send(&other).await.status, 200);
        world.pass(60 * MINUTE - 10 * SECOND).await;
        let replayed = warm_ups(&world);
        assert_eq!(replayed.len(), 1);
        assert!(String::from_utf8_lossy(&replayed[0].exchange.body).contains("claude-sonnet-4-5"));
    });
}
