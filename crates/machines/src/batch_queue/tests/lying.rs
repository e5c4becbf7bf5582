//! What lies at a provider, until it is done or has taken too long.

use super::*;

#[test]
fn a_batch_is_looked_at_every_minute_until_each_of_its_items_has_ended() {
    let mut story = Story::lying(&["a", "b"]);
    story.look(queued(), vec![]);
    assert_eq!(story.effects, []);
    let work = Work::Accepted { evidence: evidence(Class::Ok, 200), kept: 3 };
    story.look(work, vec![Ending::Done { kept: 3 }, fails()]);
    let ends = [over("a", Ending::Done { kept: 3 }), over("b", fails()), BatchEffect::Forget(mark())];
    assert_eq!(story.effects, ends);
    assert!(story.takes("a") && !story.takes("b"), "what came to nothing is nothing for batches");
    story.at(story.now + MINUTE, BatchMessage::LookDue);
    assert_eq!(story.effects, [], "nothing lies there any more");
}

#[test]
fn an_item_whose_end_is_not_told_fails_with_its_batch() {
    let mut story = Story::lying(&["a", "b"]);
    let work = Work::Accepted { evidence: evidence(Class::Ok, 200), kept: 3 };
    story.look(work, vec![Ending::Done { kept: 3 }]);
    assert_eq!(let_down(&story.effects), ["b"]);
}

#[test]
fn what_the_provider_will_never_answer_goes_and_its_sessions_do_without_batches() {
    let errored = Work::Unusable { evidence: evidence(Class::Ok, 200), why: "errored".into() };
    for work in [failed(Class::RequestRefused, 404), errored] {
        let mut story = Story::lying(&["a", "b"]);
        story.look(work, vec![]);
        assert_eq!(let_down(&story.effects), ["a", "b"]);
        assert_eq!(story.effects.last(), Some(&BatchEffect::Forget(mark())));
        assert!(!story.takes("a") && !story.takes("b") && story.takes("c"));
    }
}

#[test]
fn what_may_pass_by_itself_leaves_the_batch_where_it_is() {
    let busy = Class::Throttled { retry_after: None };
    let broke_off = Work::Failed { evidence: None, why: "x".into() };
    for work in [failed(busy, 429), failed(Class::UpstreamFault, 500), broke_off, Work::Nothing] {
        let mut story = Story::lying(&["a"]);
        story.look(work.clone(), vec![]);
        assert_eq!((&story.effects[..], story.lies("a")), (&[][..], true), "{work:?}");
    }
}

#[test]
fn a_refused_token_ends_batches_for_the_sessions_but_not_what_lies_there() {
    for (class, status) in [(Class::CredentialRejected, 401), (Class::Forbidden, 403)] {
        let mut story = Story::lying(&["a", "b"]);
        story.look(Work::Refused { evidence: evidence(class, status) }, vec![]);
        assert_eq!((&story.effects[..], story.lies("a")), (&[][..], true));
        story.machine.lots.clear();
        assert!(!story.takes("a") && !story.takes("b") && story.takes("c"));
    }
}

/// A batch that was cancelled after an hour.
fn cancelled(sessions: &[&str]) -> Story {
    let mut story = Story::lying(sessions);
    story.at(30 + HOUR - 1, BatchMessage::LookDue);
    story.answered(Access::Go(lease()));
    assert!(matches!(story.effects[..], [BatchEffect::Look { .. }]), "not before the hour is over");
    story.say(BatchMessage::Looked { leader: "a".into(), lease: lease(), work: queued(), endings: vec![] });
    story.settled();
    story.at(30 + HOUR, BatchMessage::LookDue);
    assert_eq!(story.effects, [BatchEffect::Ask(brief("a")), BatchEffect::ArmLook(EVERY)]);
    story.answered(Access::Go(lease()));
    assert_eq!(story.effects, [BatchEffect::Cancel { leader: brief("a"), batch: id(), lease: lease() }]);
    story.performed(queued());
    assert!(story.effects.is_empty() && story.lies("a"), "{:?}", story.effects);
    story
}

#[test]
fn work_is_taken_back_after_an_hour_and_what_was_done_by_then_is_kept() {
    let mut story = cancelled(&["a", "b"]);
    story.look(queued(), vec![]);
    assert_eq!((&story.effects[..], story.lies("b")), (&[][..], true), "it is still cancelling");
    let work = Work::Accepted { evidence: evidence(Class::Ok, 200), kept: 3 };
    story.look(work, vec![Ending::Done { kept: 3 }, fails()]);
    let ends = [over("a", Ending::Done { kept: 3 }), over("b", fails()), BatchEffect::Forget(mark())];
    assert_eq!(story.effects, ends);
    assert!(story.takes("a") && !story.takes("b"));
}

#[test]
fn a_cancelled_batch_that_does_not_end_is_not_waited_for_and_the_provider_hears_of_it() {
    let mut story = cancelled(&["a", "b"]);
    while story.now + MINUTE < 30 + HOUR + SETTLED_WITHIN.as_secs() {
        story.look(queued(), vec![]);
        assert_eq!((&story.effects[..], story.lies("a")), (&[][..], true));
    }
    story.at(30 + HOUR + SETTLED_WITHIN.as_secs(), BatchMessage::LookDue);
    assert_eq!(let_down(&story.effects), ["a", "b"]);
    assert_eq!(story.effects[2..], [BatchEffect::Forget(mark()), BatchEffect::Ask(brief("a"))]);
    assert!(!story.lies("a") && !story.takes("a") && !story.takes("b"));
    story.answered(Access::Go(lease()));
    assert_eq!(story.effects, [BatchEffect::Abandon { leader: brief("a"), batch: id(), lease: lease() }]);
    story.performed(queued());
    assert_eq!((&story.effects[..], story.machine.lots.len()), (&[][..], 0));
}

#[test]
fn work_that_can_never_be_looked_at_is_taken_back_all_the_same() {
    let mut story = Story::lying(&["a"]);
    let wait = || Access::Wait { reason: WaitReason::Rejected, ask_again_at: None };
    for minute in 1..=70 {
        story.at(minute * MINUTE, BatchMessage::LookDue);
        story.answered(wait());
        assert_eq!(story.effects, [], "{minute}");
    }
    story.at(71 * MINUTE, BatchMessage::LookDue);
    assert_eq!(let_down(&story.effects), ["a"]);
    story.answered(wait());
    assert_eq!((&story.effects[..], story.machine.lots.len()), (&[][..], 0));
}

#[test]
fn openai_is_given_four_hours() {
    assert_eq!(longest(Provider::Anthropic), Duration::from_secs(HOUR));
    assert_eq!(longest(Provider::OpenAi), Duration::from_secs(4 * HOUR));
}

#[test]
fn a_batch_is_looked_at_with_an_api_key_only() {
    let mut story = Story::lying(&["a"]);
    story.at(100, BatchMessage::LookDue);
    story.answered(Access::Go(lease_of(1, CredentialKind::Bearer)));
    assert!(matches!(&story.effects[..], [BatchEffect::Report { work: Work::Nothing, .. }]));
    story.settled();
    assert!(story.lies("a"));
}

#[test]
fn a_batch_of_before_is_looked_at_and_cancelled_as_if_nothing_had_happened() {
    let mut story = Story::new();
    let lying = Whereabouts::Lying(mark(), id());
    let past = past(lying, &["a", "b"], Duration::from_secs(59 * MINUTE));
    story.say(BatchMessage::Restored(vec![past]));
    let told = [over("a", Ending::Queued), over("b", Ending::Queued), BatchEffect::ArmLook(EVERY)];
    assert_eq!(story.effects, told);
    assert!(story.lies("b"));
    for (second, cancelled) in [(59, false), (60, true)] {
        story.at(second, BatchMessage::LookDue);
        assert_eq!(story.effects, [BatchEffect::Ask(brief("a")), BatchEffect::ArmLook(EVERY)]);
        story.answered(Access::Go(lease()));
        assert_eq!(matches!(story.effects[..], [BatchEffect::Cancel { .. }]), cancelled, "{second}");
        story.performed(queued());
    }
    assert!(story.lies("a") && story.lies("b"));
}

#[test]
fn one_timer_looks_after_all_batches() {
    let mut story = Story::lying(&["a"]);
    story.offer("b");
    story.at(MINUTE, BatchMessage::HandInDue);
    let access = Access::Go(lease());
    story.say(BatchMessage::Job(JobMessage::Answered { session: "b".into(), access }));
    let outcome = HandedIn::Taken(BatchMark::from("stillroom-2"), BatchId::read("msgbatch_2").unwrap());
    let (lease, work) = (lease(), queued());
    story.say(BatchMessage::HandedIn { leader: "b".into(), lease, outcome, work, chance: 0 });
    assert!(matches!(story.effects[..], [BatchEffect::Report { .. }]), "{:?}", story.effects);
    story.say(BatchMessage::LookDue);
    let arms = story.effects.iter().filter(|effect| matches!(effect, BatchEffect::ArmLook(_)));
    assert_eq!(arms.count(), 1, "{:?}", story.effects);
}
