//! What exactly ends a rest, and where exactly a bound lies.

use super::*;

fn seen() -> SchedulerMessage {
    SchedulerMessage::SessionSeen("a".into())
}

#[test]
fn a_request_that_begins_after_a_long_silence_holds_its_session_back() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(6, 10, Stop::End));
    say(&mut machine, 7200, SchedulerMessage::TurnStarted("a".into()));
    assert_eq!(due(&mut machine, 7300), [], "its agent is at work");
}

#[test]
fn who_is_known_by_name_alone_takes_what_the_store_says_is_left() {
    let mut machine = machine();
    say(&mut machine, 0, seen());
    let backlog = Backlog { pending_messages: 6, ..Backlog::default() };
    say(&mut machine, 1, SchedulerMessage::BacklogFound(vec![LeftWork { brief: brief("a"), backlog }]));
    assert_eq!(due(&mut machine, 61), [Purpose::Distill]);
}

#[test]
fn a_job_that_succeeds_rests_after_its_next_failure_as_if_it_had_never_failed() {
    let mut machine = machine();
    machine.curator.enabled = false;
    say(&mut machine, 0, recorded(6, 10, Stop::End));
    let failed = || ended(Purpose::Distill, failed(FailureCause::Provider), None);
    for second in [60, 120] {
        assert_eq!(due(&mut machine, second), [Purpose::Distill]);
        say(&mut machine, second, failed());
    }
    assert_eq!(due(&mut machine, 240), [Purpose::Distill]);
    say(&mut machine, 240, ended(Purpose::Distill, Ending::Done { kept: 1 }, None));
    assert_eq!(due(&mut machine, 270), [Purpose::Distill]);
    say(&mut machine, 270, failed());
    assert_eq!(due(&mut machine, 329), []);
    assert_eq!(due(&mut machine, 330), [Purpose::Distill]);
}

#[test]
fn as_many_entries_as_there_may_be_are_not_too_many_and_a_curator_that_is_off_is_told_of_none() {
    for (entries, enabled, expected) in
        [(40, true, &[][..]), (41, true, &[Purpose::Curate]), (41, false, &[])]
    {
        let mut machine = machine();
        machine.curator.enabled = enabled;
        let backlog = Backlog { entries, ..Backlog::default() };
        let turn = SchedulerMessage::TurnRecorded {
            brief: brief("a"),
            backlog,
            stop: Some(Stop::End),
            held_for: Duration::ZERO,
        };
        say(&mut machine, 0, turn);
        assert_eq!(due(&mut machine, 60), expected, "{entries} {enabled}");
    }
}
