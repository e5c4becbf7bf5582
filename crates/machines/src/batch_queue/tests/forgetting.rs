//! What a person forgets while the queue has it.

use super::*;
use crate::job::AT_ONCE;

fn forgotten(story: &mut Story, session: &str) {
    story.say(BatchMessage::Forgotten(vec![session.into()]));
    assert_eq!(story.effects, [over(session, Ending::Nothing)]);
    assert!(!story.lies(session));
}

/// A place of which nobody is named.
fn nobody() -> Item {
    let brief = crate::job::Brief { session: mark().as_str().into(), ..brief("a") };
    Item { brief, stretch: Stretch::default() }
}

fn look(story: &mut Story, session: &str) -> Batch {
    story.at(story.now + MINUTE, BatchMessage::LookDue);
    let asked = BatchEffect::Ask(crate::job::Brief { session: session.into(), ..brief("a") });
    assert_eq!(story.effects.first(), Some(&asked));
    story.say(BatchMessage::Job(JobMessage::Answered {
        session: session.into(),
        access: Access::Go(lease()),
    }));
    let Some(BatchEffect::Look { batch, .. }) = story.effects.pop() else { panic!("{:?}", story.effects) };
    batch
}

#[test]
fn a_batch_asks_in_the_name_of_a_session_that_is_not_forgotten_as_long_as_there_is_one() {
    let mut story = Story::lying(&["a", "b", "c"]);
    forgotten(&mut story, "a");
    let batch = look(&mut story, "b");
    assert_eq!(batch.items, [nobody(), item("b"), item("c")], "the places stay: results come by them");
    let (work, endings) = (queued(), vec![]);
    story.say(BatchMessage::Looked { leader: "b".into(), lease: lease(), work, endings });
    story.say(BatchMessage::Job(JobMessage::Settled { session: "b".into(), access: None }));
    forgotten(&mut story, "b");
    forgotten(&mut story, "c");
    assert_eq!(look(&mut story, mark().as_str()).items, [nobody(), nobody(), nobody()]);
}

#[test]
fn a_job_that_is_under_way_ends_in_the_name_in_which_it_began() {
    let mut story = Story::lying(&["a", "b"]);
    assert_eq!(look(&mut story, "a").items.len(), 2);
    forgotten(&mut story, "a");
    let work = Work::Accepted { evidence: evidence(Class::Ok, 200), kept: 1 };
    let endings = vec![Ending::Done { kept: 0 }, Ending::Done { kept: 1 }];
    story.say(BatchMessage::Looked { leader: "a".into(), lease: lease(), work, endings });
    story.settled();
    assert_eq!(story.effects, [over("b", Ending::Done { kept: 1 }), BatchEffect::Forget(mark())]);
}

#[test]
fn a_lease_that_was_asked_for_in_a_forgotten_name_hands_nothing_in_and_the_others_are_asked_for_at_once() {
    let mut story = Story::leaving(&["a", "b"]);
    forgotten(&mut story, "a");
    story.answered(Access::Go(lease()));
    story.settled();
    assert_eq!(story.effects, [BatchEffect::ArmHandIn(Duration::ZERO)]);
    story.say(BatchMessage::HandInDue);
    assert_eq!(story.effects, [BatchEffect::Ask(brief("b"))]);
    story.say(BatchMessage::Job(JobMessage::Answered { session: "b".into(), access: Access::Go(lease()) }));
    let (items, calls) = (vec![item("b")], vec![offer("b").call]);
    assert_eq!(story.effects, [BatchEffect::HandIn { items, calls, lease: lease() }]);
}

#[test]
fn of_what_is_collected_nothing_is_left_and_what_comes_next_is_collected_anew() {
    let mut story = Story::new();
    story.offer("a");
    forgotten(&mut story, "a");
    story.now = 20;
    story.offer("b");
    assert_eq!(story.effects.last(), Some(&BatchEffect::ArmHandIn(COLLECTED_FOR)));
}

#[test]
fn what_stands_in_line_in_a_forgotten_name_goes_on_in_another() {
    let mut story = Story::new();
    let of = |session: &str, token: u8| Offer { token: Fingerprint::of_number(token), ..offer(session) };
    let names: Vec<String> = (0..AT_ONCE).map(|number| format!("busy {number}")).collect();
    for (session, token) in names.iter().map(String::as_str).zip(2..).chain([("a", 1), ("b", 1)]) {
        story.say(BatchMessage::Offered(of(session, token)));
    }
    story.at(30, BatchMessage::HandInDue);
    assert_eq!(story.effects.len(), AT_ONCE, "the last one's turn has not come");
    forgotten(&mut story, "a");
    let access = Access::Wait { reason: WaitReason::Busy, ask_again_at: None };
    story.say(BatchMessage::Job(JobMessage::Answered { session: names[0].as_str().into(), access }));
    assert_eq!(story.effects.pop(), Some(BatchEffect::Ask(brief("b"))));
}
