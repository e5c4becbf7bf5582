//! What is collected, what goes together, and what comes back.

use super::*;
use domain::ids::Principal;
use simulator::provider::Pace;
use store::Extent;

/// So many agents with this token, each in a session of its own, that speak at the same time.
async fn agents(world: &World, number: usize, token: &str) {
    world.provider.accept(token);
    world.provider.speak(Pace::IMMEDIATE);
    let of_token = if token == KEY { 1 } else { 2 };
    let named = |number| format!("{number:08}-aaaa-4bbb-8ccc-{of_token:012}");
    for number in 0..number {
        let mut agent = Agent::new(Kind::ClaudeCode, &named(number), token);
        for turn in 0..3 {
            world.say(&mut agent, &format!("{turn}: remember the sourdough of {number}")).await;
        }
    }
}

/// How many calls were handed in with each batch.
fn sizes(world: &World) -> Vec<usize> {
    let calls = |batch: &serde_json::Value| batch["requests"].as_array().map_or(0, Vec::len);
    handed_in(world).iter().map(calls).collect()
}

async fn all_pending(world: &World) -> u32 {
    let mut pending = 0;
    for session in world.sessions().await.expect("sessions") {
        pending += world.standing(session.id.as_str()).await.expect("standing").pending_messages;
    }
    pending
}

#[test]
fn sessions_with_one_key_share_a_batch_and_each_gets_its_own_results() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        agents(&world, 3, KEY).await;
        agents(&world, 2, NEXT_KEY).await;
        world.pass(30 * MINUTE).await;
        let mut sizes = sizes(&world);
        sizes.sort_unstable();
        assert_eq!((sizes, sent(&world, Purpose::Distill)), (vec![2, 3], vec![]));
        assert_eq!(all_pending(&world).await, 0);
        for session in world.sessions().await.expect("sessions") {
            let kept = world.observations(session.id.as_str()).await.expect("observations");
            let number = session.id.as_str().trim_start_matches('0').split('-').next().expect("a number");
            let number = if number.is_empty() { "0" } else { number };
            let own = format!("remember the sourdough of {number}");
            assert!(!kept.is_empty() && kept.iter().any(|it| it.text.ends_with(&own)), "{kept:#?}");
        }
        all_were_leased(&world);
    });
}

#[test]
fn fifty_items_make_a_batch_and_the_rest_another() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        agents(&world, 53, KEY).await;
        world.pass(30 * MINUTE).await;
        assert_eq!((sizes(&world), sent(&world, Purpose::Distill)), (vec![50, 3], vec![]));
        assert_eq!(all_pending(&world).await, 0);
        all_were_leased(&world);
    });
}

#[test]
fn a_call_without_a_result_is_done_directly_and_the_others_are_kept() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::OneMissing);
        agents(&world, 3, KEY).await;
        world.pass(60 * MINUTE).await;
        assert_eq!((sizes(&world), sent(&world, Purpose::Distill).len()), (vec![3], 1));
        assert_eq!(all_pending(&world).await, 0);
        all_were_leased(&world);
    });
}

#[test]
fn what_is_due_within_half_a_minute_is_handed_in_at_its_end() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        agents(&world, 1, KEY).await;
        let mut waited = 0;
        while sizes(&world).is_empty() && waited < 3600 {
            world.pass(SECOND).await;
            waited += 1;
        }
        // Idle after 11 minutes, found by a sweep every 30 seconds, collected for 30.
        assert!((11 * 60 + 30..=12 * 60 + 1).contains(&waited), "{waited} seconds");
    });
}

#[test]
fn what_is_forgotten_while_it_lies_in_a_batch_is_paid_for_and_not_kept_whosever_it_is() {
    // One of the two is the session in whose name the batch asks for leases.
    for forgotten in [0, 1] {
        play(async |world| {
            world.provider.take_batches(20 * MINUTE, BatchEnd::Answered);
            agent_with(&world, KEY).await;
            agents(&world, 1, KEY).await;
            world.pass(14 * MINUTE).await;
            assert_eq!((sizes(&world), spent(&world, Purpose::Batch).await), (vec![2], 0.0));
            let what = Extent::Session(world.sessions().await.expect("sessions").remove(forgotten).id);
            world.house.forget(&Principal::local(), what).await.expect("forgotten");
            world.pass(60 * MINUTE).await;
            assert!(spent(&world, Purpose::Batch).await > 0.0);
            assert_eq!(all_pending(&world).await, 0);
            let others = world.sessions().await.expect("sessions");
            let others: Vec<_> = others.iter().map(|session| session.id.as_str()).collect();
            assert_eq!(others.len(), 1, "{others:?}");
            assert!(!world.observations(others[0]).await.expect("observations").is_empty());
            assert_eq!((sizes(&world), sent(&world, Purpose::Distill)), (vec![2], vec![]));
            all_were_leased(&world);
        });
    }
}

#[test]
fn what_is_forgotten_before_it_is_handed_in_is_not_handed_in() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        agent_with(&world, KEY).await;
        agents(&world, 1, KEY).await;
        // Idle after 11 minutes, found by a sweep within 30 seconds, collected for 30.
        world.pass(11 * MINUTE + 35 * SECOND).await;
        assert_eq!(sizes(&world), Vec::<usize>::new());
        world.house.forget(&Principal::local(), Extent::Session(SESSION.into())).await.expect("forgotten");
        world.pass(20 * MINUTE).await;
        assert_eq!((sizes(&world), all_pending(&world).await), (vec![1], 0));
        assert!(!format!("{:?}", handed_in(&world)).contains("0: remember the sourdough\""));
    });
}
