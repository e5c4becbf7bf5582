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
fn a_batch_that_three_looks_in_a_row_find_no_news_of_is_cancelled_and_its_sessions_do_without_batches() {
    let page = || Work::Unusable { evidence: evidence(Class::Ok, 200), why: "a page of some proxy".into() };
    for work in [failed(Class::RequestRefused, 404), failed(Class::RequestRefused, 408), page()] {
        let mut story = Story::lying(&["a", "b"]);
        for _ in 0..3 {
            story.look(work.clone(), vec![]);
            assert_eq!((&story.effects[..], story.lies("a")), (&[][..], true), "it is paid for");
        }
        story.at(story.now + MINUTE, BatchMessage::LookDue);
        story.answered(Access::Go(lease()));
        assert_eq!(story.effects, [BatchEffect::Cancel { leader: brief("a"), batch: id(), lease: lease() }]);
        story.performed(work.clone());
        story.at(story.now + SETTLED_WITHIN.as_secs(), BatchMessage::LookDue);
        assert_eq!(let_down(&story.effects), ["a", "b"]);
        assert_eq!(story.effects[2], BatchEffect::Forget(mark()));
        assert!(!story.takes("a") && !story.takes("b") && story.takes("c"));
    }
}

#[test]
fn a_look_that_is_answered_oddly_once_or_twice_costs_a_minute_and_no_work() {
    let mut story = Story::lying(&["a"]);
    for _ in 0..5 {
        story.look(failed(Class::RequestRefused, 409), vec![]);
        story.look(failed(Class::RequestRefused, 404), vec![]);
        story.look(queued(), vec![]);
    }
    let work = Work::Accepted { evidence: evidence(Class::Ok, 200), kept: 3 };
    story.look(work, vec![Ending::Done { kept: 3 }]);
    assert_eq!(story.effects[0], over("a", Ending::Done { kept: 3 }));
}

#[test]
fn a_batch_whose_first_session_has_no_credential_is_asked_for_in_the_name_of_the_next() {
    let mut story = Story::new();
    let lying = past(Whereabouts::Lying(mark(), id()), &["a", "b", "c"], Duration::ZERO);
    story.say(BatchMessage::Restored(vec![lying]));
    let says = |story: &mut Story, session: &str, access: Access| {
        let leads: BatchEffect = BatchEffect::Ask(brief(session));
        story.at(story.now + MINUTE, BatchMessage::LookDue);
        assert_eq!(story.effects[0], leads);
        story.say(BatchMessage::Job(JobMessage::Answered { session: session.into(), access }));
    };
    let none = || Access::Wait { reason: WaitReason::NoCredential, ask_again_at: None };
    for session in ["a", "b", "c", "a"] {
        says(&mut story, session, none());
    }
    says(&mut story, "b", Access::Go(lease()));
    assert!(matches!(&story.effects[..], [BatchEffect::Look { batch, .. }] if batch.leader == brief("b")));
    let work = Work::Accepted { evidence: evidence(Class::Ok, 200), kept: 3 };
    let endings = vec![Ending::Done { kept: 1 }, Ending::Done { kept: 2 }, Ending::Done { kept: 3 }];
    story.say(BatchMessage::Looked { leader: "b".into(), lease: lease(), work, endings });
    story.say(BatchMessage::Job(JobMessage::Settled { session: "b".into(), access: None }));
    let done = |(session, kept)| over(session, Ending::Done { kept });
    assert_eq!(story.effects[..3], [("a", 1), ("b", 2), ("c", 3)].map(done));
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
