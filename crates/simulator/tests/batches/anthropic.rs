//! At Anthropic, whose batches hold the calls themselves.

use super::*;
use simulator::provider::{BatchStep, Fault, Refusal};

#[test]
fn work_in_a_batch_is_charged_at_half_the_price_of_the_same_work_done_directly() {
    let price = |enabled, purpose| {
        let settings = Settings { batch: BatchSettings { enabled }, ..settings() };
        let story = async |world: World| {
            world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
            agent_with(&world, KEY).await;
            world.pass(30 * MINUTE).await;
            spent(&world, purpose).await
        };
        world::run(13, settings, story).expect("a world")
    };
    let (batch, direct) = (price(true, Purpose::Batch), price(false, Purpose::Distill));
    assert!(direct > 0.0 && (2.0 * batch - direct).abs() < 1e-9, "{batch} and {direct}");
}

#[test]
fn what_an_idle_session_with_an_api_key_said_is_distilled_by_batch() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        agent_with(&world, KEY).await;
        world.pass(13 * MINUTE).await;
        assert_eq!((submissions(&world), kept(&world).await), (1, 0));
        assert!(pending(&world).await > 0, "pending until the result is kept");
        world.pass(10 * MINUTE).await;
        assert_eq!((submissions(&world), sent(&world, Purpose::Distill)), (1, vec![]));
        assert!(kept(&world).await > 0 && pending(&world).await == 0);
        let looks = sent(&world, Purpose::Batch).len();
        world.pass(60 * MINUTE).await;
        assert_eq!(sent(&world, Purpose::Batch).len(), looks, "nothing is looked at any more");
        all_were_leased(&world);
    });
}

#[test]
fn an_oauth_token_never_goes_to_the_batch_endpoint() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        agent_with(&world, OAUTH).await;
        world.pass(30 * MINUTE).await;
        assert_eq!(sent(&world, Purpose::Batch), []);
        assert!(kept(&world).await > 0 && pending(&world).await == 0);
    });
}

#[test]
fn work_that_somebody_may_wait_for_and_all_work_when_batches_are_off_goes_directly() {
    let mut soon = settings();
    soon.idle.after = MINUTE;
    let off = Settings { batch: BatchSettings { enabled: false }, ..settings() };
    for settings in [soon, off] {
        let story = async |world: World| {
            world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
            agent_with(&world, KEY).await;
            world.pass(30 * MINUTE).await;
            assert_eq!(sent(&world, Purpose::Batch), []);
            assert!(kept(&world).await > 0);
        };
        world::run(13, settings, story).expect("a world");
    }
}

#[test]
fn an_upstream_without_batches_is_asked_once_and_the_work_is_done_directly() {
    play(async |world| {
        let mut agent = agent_with(&world, KEY).await;
        world.pass(12 * MINUTE).await;
        assert_eq!(sent(&world, Purpose::Batch), [("POST".to_owned(), 404)]);
        world.pass(3 * MINUTE).await;
        assert_eq!(sent(&world, Purpose::Distill), [("POST".to_owned(), 200)]);
        turns(&world, &mut agent, "and the rye").await;
        let mut another = Agent::new(Kind::ClaudeCode, ANOTHER, KEY);
        turns(&world, &mut another, "who knows no sourdough").await;
        world.pass(30 * MINUTE).await;
        assert_eq!((submissions(&world), pending(&world).await), (1, 0), "in no session of the upstream");
        all_were_leased(&world);
    });
}

#[test]
fn a_session_whose_key_is_refused_there_does_its_work_directly_with_the_next_key() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        let mut agent = agent_with(&world, KEY).await;
        world.provider.expire_at(KEY, world.now());
        world.pass(20 * MINUTE).await;
        assert_eq!(sent(&world, Purpose::Batch), [("POST".to_owned(), 401)]);
        assert_eq!(kept(&world).await, 0);
        world.provider.accept(NEXT_KEY);
        agent.refresh(NEXT_KEY);
        turns(&world, &mut agent, "and the rye").await;
        world.pass(40 * MINUTE).await;
        assert_eq!(submissions(&world), 1, "not soon again for this session");
        assert!(kept(&world).await > 0 && pending(&world).await == 0);
        world.pass(20 * MINUTE).await;
        turns(&world, &mut agent, "and the spelt").await;
        world.pass(30 * MINUTE).await;
        assert_eq!((submissions(&world), pending(&world).await), (2, 0), "but with another key some day");
        all_were_leased(&world);
    });
}

#[test]
fn what_an_agent_that_returns_has_distilled_meanwhile_is_not_doubled() {
    play(async |world| {
        world.provider.take_batches(30 * MINUTE, BatchEnd::Answered);
        let mut agent = agent_with(&world, KEY).await;
        world.pass(13 * MINUTE).await;
        assert_eq!(submissions(&world), 1);
        turns(&world, &mut agent, &"a segment that is full does not wait. ".repeat(1500)).await;
        world.pass(2 * MINUTE).await;
        let direct = kept(&world).await;
        assert!(direct > 0 && !sent(&world, Purpose::Distill).is_empty());
        world.pass(5 * 60 * MINUTE).await;
        assert!(spent(&world, Purpose::Batch).await > 0.0, "the batch was fetched after all");
        let after = world.observations(SESSION).await.expect("observations");
        let first = after.iter().filter(|it| it.text == "0: remember the sourdough").count();
        assert_eq!(first, 1, "{after:#?}");
        assert!(pending(&world).await < settings().distiller.min_messages, "all but what ripens is done");
        all_were_leased(&world);
    });
}

#[test]
fn a_batch_that_comes_to_nothing_is_done_directly_once_and_never_tried_again() {
    use BatchEnd::{Errored, Expired, Forgotten, OneMissing};
    for end in [Errored, Expired, OneMissing, Forgotten] {
        play(async |world| {
            world.provider.take_batches(5 * MINUTE, end);
            agent_with(&world, KEY).await;
            world.pass(60 * MINUTE).await;
            assert_eq!((submissions(&world), sent(&world, Purpose::Distill).len()), (1, 1), "{end:?}");
            assert!(kept(&world).await > 0 && pending(&world).await == 0, "{end:?}");
            all_were_leased(&world);
        });
    }
}

#[test]
fn a_batch_that_is_not_done_within_an_hour_is_cancelled_and_the_work_is_done() {
    play(async |world| {
        world.provider.take_batches(1000 * 60 * MINUTE, BatchEnd::Answered);
        agent_with(&world, KEY).await;
        world.pass(70 * MINUTE).await;
        assert_eq!((kept(&world).await, sent(&world, Purpose::Distill).len()), (0, 0));
        world.pass(10 * MINUTE).await;
        assert_eq!((submissions(&world), sent(&world, Purpose::Distill).len()), (1, 1));
        let cancelled =
            world.provider.received().into_iter().filter(|call| call.exchange.path().ends_with("/cancel"));
        assert_eq!(cancelled.map(|call| call.status).collect::<Vec<_>>(), [200]);
        assert!(kept(&world).await > 0 && pending(&world).await == 0);
        let asked = sent(&world, Purpose::Batch).len();
        world.pass(120 * MINUTE).await;
        assert_eq!(sent(&world, Purpose::Batch).len(), asked, "nobody looks at it any more");
        all_were_leased(&world);
    });
}

fn faults() -> [Fault; 5] {
    [Fault::Error(500), Fault::CutAfter(3), Fault::StallAfter(3), Fault::HtmlError(502), Fault::Overloaded]
}

#[test]
fn what_is_refused_for_itself_while_it_is_handed_in_is_done_directly() {
    for refusal in [Refusal::Invalid, Refusal::Forbidden] {
        play(async |world| {
            world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
            world.provider.next_batch_step(BatchStep::Submit, Fault::Refused(refusal));
            agent_with(&world, KEY).await;
            world.pass(60 * MINUTE).await;
            assert_eq!((submissions(&world), sent(&world, Purpose::Distill).len()), (1, 1), "{refusal:?}");
            assert!(kept(&world).await > 0 && pending(&world).await == 0, "{refusal:?}");
            all_were_leased(&world);
        });
    }
}

#[test]
fn what_is_cut_or_broken_while_it_is_handed_in_is_taken_in_once_and_done_by_batch() {
    for fault in faults() {
        play(async |world| {
            world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
            world.provider.next_batch_step(BatchStep::Submit, fault.clone());
            agent_with(&world, KEY).await;
            world.pass(60 * MINUTE).await;
            // Whose answer was cut, that was taken in, and is found.
            let times = if matches!(fault, Fault::CutAfter(_) | Fault::StallAfter(_)) { 1 } else { 2 };
            assert_eq!((submissions(&world), sent(&world, Purpose::Distill)), (times, vec![]), "{fault:?}");
            assert!(kept(&world).await > 0 && pending(&world).await == 0, "{fault:?}");
            all_were_leased(&world);
        });
    }
}

#[test]
fn what_may_have_been_taken_in_is_found_although_the_list_is_cut_broken_or_refused_first() {
    for fault in faults().into_iter().chain([Fault::Refused(Refusal::Unknown)]) {
        play(async |world| {
            world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
            world.provider.next_batch_step(BatchStep::Submit, Fault::StallAfter(0));
            world.provider.next_batch_step(BatchStep::List, fault.clone());
            let mut agent = agent_with(&world, KEY).await;
            world.pass(14 * MINUTE).await;
            if matches!(fault, Fault::Refused(_)) {
                world.provider.accept(NEXT_KEY);
                world.provider.accept_as(NEXT_KEY, KEY);
                agent.refresh(NEXT_KEY);
                world.say(&mut agent, "with another key").await;
            }
            world.pass(60 * MINUTE).await;
            assert_eq!(submissions(&world), 1, "{fault:?}");
            assert!(spent(&world, Purpose::Batch).await > 0.0, "{fault:?}");
            all_were_leased(&world);
        });
    }
}

#[test]
fn a_busy_provider_is_asked_again_when_it_says() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        let busy = Fault::RateLimited { retry_after: Some(100) };
        world.provider.next_batch_step(BatchStep::Submit, busy);
        agent_with(&world, KEY).await;
        world.pass(30 * MINUTE).await;
        let tries = world.provider.received().into_iter();
        let tries: Vec<_> =
            tries.filter(|call| call.exchange.path() == "/v1/messages/batches").map(|call| call.at).collect();
        assert!(tries.len() == 2 && tries[1] - tries[0] >= Duration::from_secs(100), "{tries:?}");
        assert_eq!(sent(&world, Purpose::Distill), []);
        assert!(kept(&world).await > 0 && pending(&world).await == 0);
        all_were_leased(&world);
    });
}

#[test]
fn a_provider_that_stays_busy_is_left_alone_and_the_work_is_done_directly() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        for _ in 0..20 {
            world.provider.next_batch_step(BatchStep::Submit, Fault::RateLimited { retry_after: None });
        }
        let mut agent = agent_with(&world, KEY).await;
        world.pass(40 * MINUTE).await;
        let tries = submissions(&world);
        assert!((3..=6).contains(&tries), "{tries}");
        assert_eq!(sent(&world, Purpose::Distill), [("POST".to_owned(), 200)]);
        turns(&world, &mut agent, "and the rye").await;
        world.pass(15 * MINUTE).await;
        assert_eq!((submissions(&world), pending(&world).await), (tries, 0), "within the hour");
        all_were_leased(&world);
    });
}

#[test]
fn a_look_that_is_cut_broken_or_refused_is_followed_by_another() {
    for step in [BatchStep::Look, BatchStep::Fetch] {
        for fault in faults() {
            play(async |world| {
                world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
                world.provider.next_batch_step(step, fault.clone());
                agent_with(&world, KEY).await;
                world.pass(60 * MINUTE).await;
                assert_eq!((submissions(&world), sent(&world, Purpose::Distill)), (1, vec![]), "{fault:?}");
                assert!(kept(&world).await > 0 && pending(&world).await == 0, "{step:?} {fault:?}");
                all_were_leased(&world);
            });
        }
    }
}
