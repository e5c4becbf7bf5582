//! At OpenAI, whose batches are made of uploaded files.

use super::*;
use simulator::provider::{BatchStep, Fault, Refusal};

const PROJECT_KEY: &str = "sk-proj-batch-key-one";
const NEXT_PROJECT_KEY: &str = "sk-proj-batch-key-two";

async fn codex(world: &World) -> Agent {
    world.provider.accept(PROJECT_KEY);
    let mut agent = Agent::new(Kind::Codex, SESSION, PROJECT_KEY);
    turns(world, &mut agent, "remember the sourdough").await;
    agent
}

/// What was asked of the batch endpoint, by the end of each path's name, with its status.
fn steps(world: &World) -> Vec<String> {
    let received = world.provider.received().into_iter().filter(|call| call.purpose == Purpose::Batch);
    let parts = |path: &str| -> Vec<String> {
        path.trim_start_matches("/v1/").split('/').map(String::from).collect()
    };
    let step = |call: simulator::provider::Received| {
        let path = parts(call.exchange.path());
        let about = if path.len() > 2 { format!("{}/{}", path[0], path[2]) } else { path[0].clone() };
        format!("{} {about} {}", call.exchange.method, call.status)
    };
    received.map(step).collect()
}

fn count(world: &World, wanted: &str) -> usize {
    steps(world).iter().filter(|step| step.starts_with(wanted)).count()
}

/// Everything was distilled, by direct calls or by none.
async fn assert_done(world: &World, direct: usize) {
    let done = kept(world).await > 0 && pending(world).await == 0;
    assert!(done, "{} kept, {} pending: {:?}", kept(world).await, pending(world).await, steps(world));
    assert_eq!(sent(world, Purpose::Distill).len(), direct, "{:?}", steps(world));
    all_were_leased(world);
}

#[test]
fn what_an_idle_session_said_is_distilled_by_batch_and_no_file_is_left() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        codex(&world).await;
        world.pass(30 * MINUTE).await;
        assert_done(&world, 0).await;
        let begun = ["POST files 200", "POST batches 200", "GET batches 200"];
        assert_eq!(steps(&world)[..3], begun);
        let ended = ["GET batches 200", "GET files/content 200", "DELETE files 200", "DELETE files 200"];
        assert_eq!(steps(&world)[steps(&world).len() - 4..], ended);
        assert_eq!(world.provider.files(), 0);
    });
}

#[test]
fn chat_completions_go_by_batch_as_well_as_responses() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        world.provider.accept(PROJECT_KEY);
        let mut agent = Agent::new(Kind::OpenAiSdk, "", PROJECT_KEY);
        turns(&world, &mut agent, "remember the sourdough").await;
        world.pass(30 * MINUTE).await;
        assert_eq!((count(&world, "POST batches 200"), sent(&world, Purpose::Distill)), (1, vec![]));
        let sessions = world.sessions().await.expect("sessions");
        let observed = world.observations(sessions[0].id.as_str()).await.expect("observations");
        assert!(!observed.is_empty());
    });
}

#[test]
fn openai_s_batches_are_charged_at_half_the_price_too() {
    let price = |enabled, purpose| {
        let settings = Settings { batch: BatchSettings { enabled }, ..settings() };
        let story = async |world: World| {
            // A cache would make the direct call cheaper, or not, by what was asked before.
            world.provider.keep_cache(false);
            world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
            codex(&world).await;
            world.pass(30 * MINUTE).await;
            spent(&world, purpose).await
        };
        world::run(13, settings, story).expect("a world")
    };
    let (batch, direct) = (price(true, Purpose::Batch), price(false, Purpose::Distill));
    assert!(direct > 0.0 && (2.0 * batch - direct).abs() < 1e-9, "{batch} and {direct}");
}

#[test]
fn a_token_that_is_no_api_key_uploads_nothing() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
        world.provider.accept(token);
        let mut agent = Agent::new(Kind::Codex, SESSION, token);
        turns(&world, &mut agent, "remember the sourdough").await;
        world.pass(30 * MINUTE).await;
        assert_eq!(steps(&world), Vec::<String>::new());
        assert_done(&world, 1).await;
    });
}

#[test]
fn an_upstream_that_knows_no_files_or_no_batches_is_asked_once() {
    for step in [BatchStep::Upload, BatchStep::Begin] {
        for refusal in [Refusal::NotFound, Refusal::WrongMethod] {
            play(async |world| {
                world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
                world.provider.next_batch_step(step, Fault::Refused(refusal));
                let mut agent = codex(&world).await;
                world.pass(30 * MINUTE).await;
                assert_done(&world, 1).await;
                turns(&world, &mut agent, "and the rye").await;
                world.pass(30 * MINUTE).await;
                assert_done(&world, 2).await;
                assert_eq!(
                    (count(&world, "POST files"), world.provider.files()),
                    (1, 0),
                    "{step:?} {refusal:?}"
                );
            });
        }
    }
}

#[test]
fn a_key_that_is_refused_at_any_step_before_the_batch_ends_batches_for_its_session() {
    for step in [BatchStep::Upload, BatchStep::Begin] {
        for refusal in [Refusal::Unknown, Refusal::Forbidden] {
            play(async |world| {
                world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
                world.provider.next_batch_step(step, Fault::Refused(refusal));
                let mut agent = codex(&world).await;
                world.pass(15 * MINUTE).await;
                world.provider.accept(NEXT_PROJECT_KEY);
                agent.refresh(NEXT_PROJECT_KEY);
                turns(&world, &mut agent, "and the rye").await;
                world.pass(60 * MINUTE).await;
                let direct = sent(&world, Purpose::Distill).len();
                assert!(direct > 0, "{step:?} {refusal:?}");
                assert_done(&world, direct).await;
                assert_eq!(
                    (count(&world, "POST files"), count(&world, "GET")),
                    (1, 0),
                    "{step:?} {refusal:?}"
                );
            });
        }
    }
}

fn faults() -> [Fault; 5] {
    [Fault::Error(500), Fault::CutAfter(3), Fault::Overloaded, Fault::HtmlError(502), Fault::StallAfter(3)]
}

#[test]
fn what_is_refused_for_itself_while_it_is_handed_in_is_done_directly_and_leaves_no_file() {
    for step in [BatchStep::Upload, BatchStep::Begin] {
        play(async |world| {
            world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
            world.provider.next_batch_step(step, Fault::Refused(Refusal::Invalid));
            codex(&world).await;
            world.pass(60 * MINUTE).await;
            assert_done(&world, 1).await;
            assert_eq!((count(&world, "POST files"), world.provider.files()), (1, 0), "{step:?}");
        });
    }
}

#[test]
fn what_is_cut_or_broken_while_it_is_handed_in_is_begun_once_and_leaves_no_file() {
    for step in [BatchStep::Upload, BatchStep::Begin] {
        for fault in faults() {
            play(async |world| {
                world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
                world.provider.next_batch_step(step, fault.clone());
                codex(&world).await;
                world.pass(60 * MINUTE).await;
                assert_done(&world, 0).await;
                let is_cut = matches!(fault, Fault::CutAfter(_) | Fault::StallAfter(_));
                // An upload whose answer was cut has a name that nobody heard; a batch is found by its mark.
                let unheard = usize::from(step == BatchStep::Upload && is_cut);
                let uploads = if step == BatchStep::Begin && is_cut { 1 } else { 2 };
                assert_eq!(
                    (count(&world, "POST files"), world.provider.files()),
                    (uploads, unheard),
                    "{step:?} {fault:?}"
                );
                let taken = count(&world, "POST batches 200");
                assert_eq!(taken, 1, "{step:?} {fault:?}: {:?}", steps(&world));
            });
        }
    }
}

#[test]
fn what_may_have_been_begun_is_found_although_the_list_is_cut_or_broken_first() {
    for fault in faults() {
        play(async |world| {
            world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
            world.provider.next_batch_step(BatchStep::Begin, Fault::CutAfter(3));
            world.provider.next_batch_step(BatchStep::List, fault.clone());
            codex(&world).await;
            world.pass(60 * MINUTE).await;
            assert_done(&world, 0).await;
            assert_eq!((count(&world, "POST batches"), world.provider.files()), (1, 0), "{fault:?}");
        });
    }
}

#[test]
fn a_batch_that_fails_errs_expires_or_says_nothing_is_done_directly_once() {
    use BatchEnd::{Errored, Expired, Failed, Forgotten, OneMissing};
    for end in [Failed, Errored, Expired, OneMissing, Forgotten] {
        play(async |world| {
            world.provider.take_batches(5 * MINUTE, end);
            codex(&world).await;
            world.pass(60 * MINUTE).await;
            assert_done(&world, 1).await;
            let left = usize::from(end == Forgotten);
            let told = 1 + 2 * left;
            assert_eq!(
                (count(&world, "POST batches"), world.provider.files()),
                (told, left),
                "{end:?}: begun, and cancelled twice"
            );
        });
    }
}

#[test]
fn a_look_that_is_cut_broken_or_refused_is_followed_by_another() {
    for step in [BatchStep::Look, BatchStep::Fetch] {
        for fault in faults() {
            play(async |world| {
                world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
                world.provider.next_batch_step(step, fault.clone());
                codex(&world).await;
                world.pass(60 * MINUTE).await;
                assert_done(&world, 0).await;
                assert_eq!(world.provider.files(), 0, "{step:?} {fault:?}");
            });
        }
    }
}

#[test]
fn a_key_that_is_refused_at_a_look_leaves_the_batch_for_the_next_key() {
    for step in [BatchStep::Look, BatchStep::Fetch] {
        for refusal in [Refusal::Unknown, Refusal::Forbidden] {
            play(async |world| {
                world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
                world.provider.next_batch_step(step, Fault::Refused(refusal));
                codex(&world).await;
                world.pass(90 * MINUTE).await;
                assert_done(&world, 0).await;
                assert_eq!(count(&world, "POST batches"), 1, "{step:?} {refusal:?}");
            });
        }
    }
}

#[test]
fn files_that_cannot_be_deleted_keep_nothing_from_being_kept() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        world.provider.next_batch_step(BatchStep::Delete, Fault::Error(500));
        world.provider.next_batch_step(BatchStep::Delete, Fault::Refused(Refusal::Forbidden));
        codex(&world).await;
        world.pass(60 * MINUTE).await;
        assert_done(&world, 0).await;
        assert_eq!((count(&world, "DELETE"), world.provider.files()), (2, 2));
    });
}

#[test]
fn a_batch_that_is_not_done_within_four_hours_is_cancelled_and_leaves_no_file() {
    play(async |world| {
        world.provider.take_batches(1000 * 60 * MINUTE, BatchEnd::Answered);
        codex(&world).await;
        world.pass(240 * MINUTE).await;
        assert_eq!((kept(&world).await, sent(&world, Purpose::Distill).len()), (0, 0));
        world.pass(30 * MINUTE).await;
        assert_done(&world, 1).await;
        assert_eq!((count(&world, "POST batches/cancel 200"), world.provider.files()), (1, 0));
        let asked = steps(&world).len();
        world.pass(60 * MINUTE).await;
        assert_eq!(steps(&world).len(), asked, "nobody looks at it any more");
    });
}

#[test]
fn responses_and_chat_completions_do_not_share_a_batch() {
    play(async |world| {
        world.provider.take_batches(5 * MINUTE, BatchEnd::Answered);
        world.provider.accept(PROJECT_KEY);
        for (kind, session) in [(Kind::Codex, SESSION), (Kind::Codex, ANOTHER), (Kind::OpenAiSdk, "")] {
            let mut agent = Agent::new(kind, session, PROJECT_KEY);
            for turn in 0..3 {
                world.say(&mut agent, &format!("{turn}: remember the sourdough")).await;
            }
        }
        world.pass(30 * MINUTE).await;
        assert_eq!((count(&world, "POST batches 200"), sent(&world, Purpose::Distill)), (2, vec![]));
        assert_done(&world, 0).await;
    });
}
