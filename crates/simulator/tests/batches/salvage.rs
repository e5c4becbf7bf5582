//! What a provider has done of a batch that takes too long.

use super::*;
use simulator::provider::{BatchStep, Fault};

const NEVER: Duration = Duration::from_secs(1000 * 3600);
const PROJECT_KEY: &str = "sk-proj-batch-key-one";
const PARTIES: [(Kind, &str, Duration); 2] = [
    (Kind::ClaudeCode, KEY, Duration::from_secs(3600)),
    (Kind::Codex, PROJECT_KEY, Duration::from_secs(4 * 3600)),
];

fn session(number: usize) -> String {
    format!("{number:08}-aaaa-4bbb-8ccc-000000000009")
}

/// Three agents that speak at the same time.
async fn three(world: &World, kind: Kind, key: &str) {
    world.provider.accept(key);
    for number in 0..3 {
        let mut agent = Agent::new(kind, &session(number), key);
        for turn in 0..3 {
            world.say(&mut agent, &format!("{turn}: remember the sourdough of {number}")).await;
        }
    }
}

async fn assert_all_done(world: &World, direct: usize, about: &str) {
    for number in 0..3 {
        let standing = world.standing(&session(number)).await.expect("standing");
        let observed = world.observations(&session(number)).await.expect("observations");
        let own = format!("remember the sourdough of {number}");
        assert_eq!(standing.pending_messages, 0, "{about}, {number}");
        let first = observed.iter().filter(|it| it.text == format!("0: {own}")).count();
        assert_eq!(first, 1, "{about}, {number}: {observed:#?}");
    }
    assert_eq!(sent(world, Purpose::Distill).len(), direct, "{about}");
    assert_eq!(world.provider.files(), 0, "{about}");
    all_were_leased(world);
}

fn cancelled(world: &World) -> usize {
    let received = world.provider.received().into_iter();
    received.filter(|call| call.exchange.path().ends_with("/cancel")).count()
}

#[test]
fn what_a_cancelled_batch_has_done_is_kept_and_only_the_rest_is_done_directly() {
    for (kind, key, longest) in PARTIES {
        for settles in [Duration::ZERO, 5 * MINUTE] {
            play(async |world| {
                world.provider.take_batches(NEVER, BatchEnd::Answered);
                world.provider.cancel_batches(settles, 2);
                three(&world, kind, key).await;
                world.pass(longest + 5 * MINUTE).await;
                assert_eq!((sent(&world, Purpose::Distill).len(), cancelled(&world)), (0, 0));
                world.pass(20 * MINUTE).await;
                assert!(spent(&world, Purpose::Batch).await > 0.0, "{kind:?}");
                assert_eq!(cancelled(&world), 1, "{kind:?}");
                assert_all_done(&world, 1, &format!("{kind:?} {settles:?}")).await;
            });
        }
    }
}

#[test]
fn a_batch_that_does_not_stop_is_waited_for_no_longer_than_ten_minutes() {
    for (kind, key, longest) in PARTIES {
        play(async |world| {
            world.provider.take_batches(NEVER, BatchEnd::Answered);
            world.provider.cancel_batches(NEVER, 2);
            three(&world, kind, key).await;
            world.pass(longest + 35 * MINUTE).await;
            assert_all_done(&world, 3, &format!("{kind:?}")).await;
            assert_eq!(spent(&world, Purpose::Batch).await, 0.0);
            let asked = sent(&world, Purpose::Batch).len();
            world.pass(60 * MINUTE).await;
            assert_eq!(sent(&world, Purpose::Batch).len(), asked, "nobody looks at it any more");
        });
    }
}

#[test]
fn a_cancel_that_is_cut_broken_or_refused_keeps_nothing_from_being_done() {
    let faults = [
        Fault::Error(500),
        Fault::CutAfter(3),
        Fault::HtmlError(502),
        Fault::StallAfter(3),
        Fault::Overloaded,
        Fault::Refused(simulator::provider::Refusal::Invalid),
    ];
    for (kind, key, longest) in PARTIES {
        for fault in faults.clone() {
            play(async |world| {
                world.provider.take_batches(NEVER, BatchEnd::Answered);
                world.provider.next_batch_step(BatchStep::Cancel, fault.clone());
                three(&world, kind, key).await;
                world.pass(longest + 40 * MINUTE).await;
                assert_all_done(&world, 3, &format!("{kind:?} {fault:?}")).await;
            });
        }
    }
}
