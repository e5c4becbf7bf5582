//! What cannot be handed in now, and what nobody knows whether it was.

use super::*;

const BUSY: Class = Class::Throttled { retry_after: None };

/// Tries to hand in "a" and "b" at this time, which goes like this.
fn tried(story: &mut Story, outcome: HandedIn, work: Work) {
    story.handed_in(outcome, work);
}

/// The pause until the next try.
fn pause(effects: &[BatchEffect]) -> Option<Duration> {
    effects.iter().find_map(|effect| match effect {
        BatchEffect::ArmHandIn(pause) => Some(*pause),
        _ => None,
    })
}

/// The next try is made.
fn again(story: &mut Story, pause: Duration) {
    story.at(story.now + pause.as_secs_f64().ceil() as u64, BatchMessage::HandInDue);
    assert_eq!(story.effects, [BatchEffect::Ask(brief("a"))]);
}

#[test]
fn a_busy_provider_is_asked_again_after_growing_pauses_and_the_work_is_taken_then() {
    let mut story = Story::leaving(&["a", "b"]);
    let mut pauses = Vec::new();
    for _ in 0..3 {
        tried(&mut story, HandedIn::Later, failed(BUSY, 429));
        let next = pause(&story.effects).expect("another try");
        assert!(story.lies("a") && let_down(&story.effects).is_empty());
        pauses.push(next.as_secs_f64());
        again(&mut story, next);
    }
    // 30, 60 and 120 seconds, spread by a fifth.
    let around = [30.0, 60.0, 120.0];
    assert!(
        pauses.iter().zip(around).all(|(pause, middle)| (pause / middle - 1.0).abs() <= 0.2),
        "{pauses:?}"
    );
    tried(&mut story, taken(), queued());
    assert_eq!((&story.effects[..], story.lies("b")), (&[BatchEffect::ArmLook(EVERY)][..], true));
}

#[test]
fn the_pauses_are_spread_by_chance() {
    let after = |chance| {
        let mut story = Story::leaving(&["a"]);
        story.answered(Access::Go(lease()));
        let (outcome, work) = (HandedIn::Later, failed(BUSY, 429));
        story.say(BatchMessage::HandedIn { leader: "a".into(), lease: lease(), outcome, work, chance });
        story.settled();
        pause(&story.effects).unwrap()
    };
    assert_ne!(after(1), after(2));
}

#[test]
fn a_provider_that_says_when_to_come_back_is_not_asked_before() {
    for (wished, expected) in [(300, Some(300)), (1, None)] {
        let mut story = Story::leaving(&["a"]);
        let busy = Class::Throttled { retry_after: Some(Duration::from_secs(wished)) };
        tried(&mut story, HandedIn::Later, failed(busy, 429));
        let next = pause(&story.effects).unwrap();
        assert!(expected.is_none_or(|seconds| next == Duration::from_secs(seconds)), "{next:?}");
        assert!(next >= Duration::from_secs(wished));
    }
}

#[test]
fn what_is_not_taken_within_ten_minutes_is_done_directly_and_its_sessions_rest_for_an_hour() {
    let mut story = Story::leaving(&["a", "b"]);
    let begun = story.now;
    tried(&mut story, HandedIn::Later, failed(BUSY, 429));
    while let Some(next) = pause(&story.effects) {
        assert!(story.now + next.as_secs() < begun + HANDED_IN_WITHIN.as_secs());
        again(&mut story, next);
        tried(&mut story, HandedIn::Later, failed(BUSY, 429));
    }
    assert!(story.now > begun + 4 * MINUTE, "it was tried for a while");
    assert_eq!(let_down(&story.effects), ["a", "b"]);
    assert!(!story.lies("a") && !story.takes("a") && !story.takes("b") && story.takes("c"));
    story.now += HOUR;
    assert!(story.takes("a"));
}

#[test]
fn a_wish_that_goes_beyond_the_ten_minutes_is_not_waited_for() {
    let mut story = Story::leaving(&["a"]);
    let busy = Class::Throttled { retry_after: Some(HANDED_IN_WITHIN) };
    tried(&mut story, HandedIn::Later, failed(busy, 429));
    assert_eq!(let_down(&story.effects), ["a"]);
}

#[test]
fn a_lease_that_is_not_given_at_the_second_try_is_asked_for_again() {
    let mut story = Story::leaving(&["a"]);
    tried(&mut story, HandedIn::Later, failed(BUSY, 429));
    let next = pause(&story.effects).unwrap();
    again(&mut story, next);
    let soon = Some(Moment::from_secs(story.now + 200));
    story.answered(Access::Wait { reason: WaitReason::Throttled, ask_again_at: soon });
    assert_eq!((pause(&story.effects), story.lies("a")), (Some(Duration::from_secs(200)), true));
    again(&mut story, Duration::from_secs(200));
    let late = Some(Moment::from_secs(story.now + 900));
    story.answered(Access::Wait { reason: WaitReason::Throttled, ask_again_at: late });
    assert!(matches!(&story.effects[..], [BatchEffect::Over { ending: Ending::Waiting { .. }, .. }]));
    assert!(!story.lies("a") && !story.takes("a"), "the work goes the direct way now");
}

/// Work of which nobody knows whether it was taken in, sought for the first time.
fn missing(sessions: &[&str]) -> Story {
    let mut story = Story::leaving(sessions);
    tried(&mut story, HandedIn::Unknown(trace()), failed(Class::UpstreamFault, 0));
    assert_eq!((&story.effects[..], story.lies("a")), (&[BatchEffect::ArmLook(EVERY)][..], true));
    story
}

fn sought(story: &mut Story, found: Found, work: Work) {
    story.at(story.now + MINUTE, BatchMessage::LookDue);
    assert_eq!(story.effects, [BatchEffect::Ask(brief("a")), BatchEffect::ArmLook(EVERY)]);
    story.answered(Access::Go(lease()));
    assert!(matches!(&story.effects[..], [BatchEffect::Seek { trace: it, .. }] if *it == trace()));
    story.say(BatchMessage::Sought { leader: "a".into(), lease: lease(), found, work });
    let forgets = matches!(story.effects[0], BatchEffect::Forget(_)).then(|| story.effects.remove(0));
    story.settled();
    story.effects.extend(forgets);
}

#[test]
fn what_may_have_been_taken_in_is_looked_for_and_then_looked_after_without_being_handed_in_again() {
    let mut story = missing(&["a", "b"]);
    sought(&mut story, Found::Unclear, queued());
    assert_eq!((&story.effects[..], story.lies("a")), (&[][..], true));
    sought(&mut story, Found::There(id()), queued());
    assert_eq!(story.effects, []);
    let work = Work::Accepted { evidence: evidence(Class::Ok, 200), kept: 3 };
    story.look(work, vec![Ending::Done { kept: 3 }; 2]);
    let done = |session| over(session, Ending::Done { kept: 3 });
    assert_eq!(story.effects, [done("a"), done("b"), BatchEffect::Forget(mark())]);
}

#[test]
fn what_was_not_taken_in_is_handed_in_again_at_once_under_another_mark() {
    let mut story = missing(&["a", "b"]);
    sought(&mut story, Found::NotThere, queued());
    assert_eq!(story.effects, [BatchEffect::ArmHandIn(Duration::ZERO), BatchEffect::Forget(mark())]);
    again(&mut story, Duration::ZERO);
    let (items, calls) = (vec![item("a"), item("b")], vec![offer("a").call, offer("b").call]);
    story.answered(Access::Go(lease()));
    assert_eq!(story.effects, [BatchEffect::HandIn { items, calls, lease: lease() }]);
}

#[test]
fn what_was_not_taken_in_and_has_no_time_left_is_done_directly() {
    let mut story = missing(&["a"]);
    for _ in 0..10 {
        sought(&mut story, Found::Unclear, failed(Class::UpstreamFault, 500));
    }
    sought(&mut story, Found::NotThere, queued());
    assert_eq!(let_down(&story.effects), ["a"]);
    assert!(story.effects.contains(&BatchEffect::Forget(mark())) && !story.takes("a"));
}

#[test]
fn what_is_never_found_is_done_directly_after_the_time_of_a_batch_and_nothing_is_cancelled() {
    let mut story = missing(&["a", "b"]);
    let begun = story.now;
    while story.now + MINUTE < begun + HOUR {
        sought(&mut story, Found::Unclear, queued());
        assert!(story.lies("a"));
    }
    story.at(begun + HOUR, BatchMessage::LookDue);
    assert_eq!(let_down(&story.effects), ["a", "b"]);
    assert_eq!(story.effects[2..], [BatchEffect::Forget(mark())]);
    assert_eq!((story.machine.lots.len(), story.takes("a")), (0, false));
}

#[test]
fn a_token_that_is_refused_while_work_is_looked_for_ends_batches_but_not_the_search() {
    let mut story = missing(&["a", "b"]);
    sought(&mut story, Found::Unclear, Work::Refused { evidence: evidence(Class::Forbidden, 403) });
    assert_eq!((&story.effects[..], story.lies("a")), (&[][..], true));
    story.machine.lots.clear();
    assert!(!story.takes("a") && !story.takes("b") && story.takes("c"));
}

#[test]
fn what_a_killed_process_handed_in_is_looked_for_and_goes_back_when_it_is_not_there() {
    let mut story = Story::new();
    let work = past(Whereabouts::Missing(trace()), &["a", "b"], Duration::from_secs(2));
    story.say(BatchMessage::Restored(vec![work]));
    let told = [over("a", Ending::Queued), over("b", Ending::Queued), BatchEffect::ArmLook(EVERY)];
    assert_eq!(story.effects, told);
    let mut found = Story { machine: story.machine.clone(), now: 0, effects: Vec::new() };
    sought(&mut found, Found::There(id()), queued());
    assert!(found.effects.is_empty() && found.lies("a") && found.lies("b"));
    sought(&mut story, Found::NotThere, queued());
    let waits = Ending::Waiting { reason: WaitReason::Busy, ask_again_at: None };
    assert_eq!(story.effects, [over("a", waits.clone()), over("b", waits), BatchEffect::Forget(mark())]);
    assert!(story.takes("a") && story.takes("b"), "it was never tried in this life");
}

#[test]
fn what_was_handed_in_long_before_a_restart_is_looked_for_before_it_is_given_up() {
    let mut story = Story::new();
    let work = past(Whereabouts::Missing(trace()), &["a"], Duration::from_secs(20 * HOUR));
    story.say(BatchMessage::Restored(vec![work]));
    sought(&mut story, Found::Unclear, queued());
    assert!(story.lies("a"));
    story.at(SETTLED_WITHIN.as_secs(), BatchMessage::LookDue);
    assert_eq!(let_down(&story.effects), ["a"]);
}

#[test]
fn a_rest_for_another_reason_does_not_shorten_that_of_a_refused_token() {
    let mut story = Story::leaving(&["a"]);
    story.handed_in(HandedIn::Refused, Work::Refused { evidence: evidence(Class::Forbidden, 403) });
    story.machine.do_without(&["a".into()], None, Moment::from_secs(story.now));
    story.now += 2 * HOUR;
    assert!(!story.takes("a") && story.takes_with("a", 2));
}

#[test]
fn an_account_that_cannot_pay_says_nothing_against_its_token() {
    let mut story = Story::leaving(&["a"]);
    story.handed_in(HandedIn::Refused, Work::Refused { evidence: evidence(Class::AccountBlocked, 402) });
    story.now += HOUR;
    assert!(story.takes("a"));
}

#[test]
fn what_is_restored_does_not_take_the_place_of_what_came_since() {
    let mut story = Story::leaving(&["a"]);
    let before = story.machine.clone();
    let past = past(Whereabouts::Lying(mark(), id()), &["a"], Duration::ZERO);
    story.say(BatchMessage::Restored(vec![past]));
    assert_eq!((&story.machine, &story.effects[..]), (&before, &[][..]));
}
