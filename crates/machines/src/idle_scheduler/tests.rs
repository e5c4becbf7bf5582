//! The gates of the sweep, each as a story.

mod bounds;

use super::*;
use crate::samples::brief;
use domain::access::WaitReason;
use domain::settings::Settings;

fn machine() -> SchedulerMachine {
    let settings = Settings::with_data_dir("unused".into());
    SchedulerMachine::new(settings.idle, settings.distiller, settings.curator)
}

fn say(machine: &mut SchedulerMachine, seconds: u64, message: SchedulerMessage) -> Vec<SchedulerEffect> {
    let mut effects = Vec::new();
    machine.on(message, Moment::from_secs(seconds), &mut effects);
    effects
}

fn recorded(pending_messages: u32, pending_tokens: u64, stop: Stop) -> SchedulerMessage {
    let backlog = Backlog {
        pending_messages,
        pending_tokens,
        turns_since_curation: pending_messages / 2,
        ..Backlog::default()
    };
    let held_for = Duration::ZERO;
    SchedulerMessage::TurnRecorded { brief: brief("a"), backlog, stop: Some(stop), held_for }
}

fn due(machine: &mut SchedulerMachine, seconds: u64) -> Vec<Purpose> {
    let effects = say(machine, seconds, SchedulerMessage::IdleSweepDue);
    let purpose = |effect| match effect {
        SchedulerEffect::Dispatch(purpose, _) => Some(purpose),
        SchedulerEffect::Evict(_)
        | SchedulerEffect::ArmSweep(_)
        | SchedulerEffect::FindBacklog
        | SchedulerEffect::ArmBacklog(_)
        | SchedulerEffect::Retain
        | SchedulerEffect::ArmRetention(_)
        | SchedulerEffect::SayHealth { .. } => None,
    };
    effects.into_iter().filter_map(purpose).collect()
}

fn ended(purpose: Purpose, ending: Ending, backlog: Option<Backlog>) -> SchedulerMessage {
    SchedulerMessage::JobEnded { session: "a".into(), purpose, ending, backlog }
}

fn failed(cause: FailureCause) -> Ending {
    Ending::Failed { cause, why: "x".into() }
}

#[test]
fn a_session_is_due_when_it_is_idle_and_has_enough_pending() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(4, 10, Stop::End));
    assert_eq!(due(&mut machine, 90), [Purpose::Curate][..0], "two turns and four messages are not enough");
    say(&mut machine, 100, recorded(6, 10, Stop::End));
    say(&mut machine, 100, SchedulerMessage::TurnEnded("a".into()));
    assert_eq!(due(&mut machine, 130), [], "not idle yet");
    assert_eq!(due(&mut machine, 160), [Purpose::Distill]);
    assert_eq!(due(&mut machine, 190), [], "one job at a time");
    assert_eq!(due(&mut machine, 3759), []);
    assert_eq!(due(&mut machine, 3760), [Purpose::Distill], "whose end is not heard in an hour has none");
}

#[test]
fn curation_follows_distillation() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(6, 10, Stop::End));
    assert_eq!(due(&mut machine, 60), [Purpose::Distill]);
    let left = Backlog { turns_since_curation: 3, ..Backlog::default() };
    say(&mut machine, 70, ended(Purpose::Distill, Ending::Done { kept: 2 }, Some(left)));
    assert_eq!(due(&mut machine, 90), [Purpose::Curate]);
    say(&mut machine, 95, ended(Purpose::Curate, Ending::Done { kept: 1 }, Some(Backlog::default())));
    assert_eq!(due(&mut machine, 120), []);
}

#[test]
fn an_agent_that_runs_a_tool_or_a_request_in_progress_holds_the_session_back() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(6, 10, Stop::ToolUse));
    assert_eq!(due(&mut machine, 120), []);
    assert_eq!(due(&mut machine, 3600), [Purpose::Distill], "but not for ever");
    let mut machine = self::machine();
    say(&mut machine, 0, recorded(6, 10, Stop::End));
    say(&mut machine, 0, SchedulerMessage::TurnStarted("a".into()));
    assert_eq!(due(&mut machine, 3599), []);
    assert_eq!(due(&mut machine, 3600), [Purpose::Distill], "nor that");
}

#[test]
fn a_full_segment_does_not_wait_for_idleness() {
    let full = machine().distiller.pending_tokens;
    let goes = SchedulerEffect::Dispatch(Purpose::Distill, brief("a"));
    assert_eq!(say(&mut machine(), 0, recorded(6, full - 1, Stop::ToolUse)), []);
    assert_eq!(say(&mut machine(), 0, recorded(6, full, Stop::ToolUse)), [goes]);
    let mut off = machine();
    off.distiller.enabled = false;
    assert_eq!(say(&mut off, 0, recorded(6, full, Stop::ToolUse)), [], "it is turned off");
}

#[test]
fn a_waiting_job_is_asked_for_again_at_every_sweep() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(6, 10, Stop::End));
    for sweep in 2..20 {
        assert_eq!(due(&mut machine, sweep * 30), [Purpose::Distill]);
        let waiting = Ending::Waiting { reason: WaitReason::Rejected, ask_again_at: None };
        say(&mut machine, sweep * 30, ended(Purpose::Distill, waiting, None));
    }
}

#[test]
fn a_distiller_that_is_forbidden_its_work_lets_the_curator_by_until_it_may_be_tried_again() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(6, 10, Stop::End));
    let waits = |reason, at| Ending::Waiting { reason, ask_again_at: Some(Moment::from_secs(at)) };
    assert_eq!(due(&mut machine, 60), [Purpose::Distill]);
    say(&mut machine, 61, ended(Purpose::Distill, waits(WaitReason::Forbidden, 361), None));
    assert_eq!(due(&mut machine, 90), [Purpose::Curate]);
    say(&mut machine, 91, ended(Purpose::Curate, waits(WaitReason::Forbidden, 391), None));
    assert_eq!(due(&mut machine, 120), [Purpose::Curate], "asked at every sweep, like all that waits");
    say(&mut machine, 121, ended(Purpose::Curate, waits(WaitReason::Forbidden, 391), None));
    assert_eq!(due(&mut machine, 361), [Purpose::Distill]);
    say(&mut machine, 361, ended(Purpose::Distill, waits(WaitReason::Rejected, 391), None));
    assert_eq!(due(&mut machine, 390), [Purpose::Distill], "a refused token is refused to both");
}

#[test]
fn a_failed_job_rests_longer_each_time_and_lets_the_curator_by() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(6, 10, Stop::End));
    assert_eq!(due(&mut machine, 60), [Purpose::Distill]);
    say(&mut machine, 60, ended(Purpose::Distill, failed(FailureCause::Provider), None));
    assert_eq!(due(&mut machine, 90), [Purpose::Curate]);
    say(
        &mut machine,
        91,
        ended(
            Purpose::Curate,
            Ending::Done { kept: 0 },
            Some(Backlog { pending_messages: 6, ..Backlog::default() }),
        ),
    );
    assert_eq!(due(&mut machine, 110), [], "it rests for a minute");
    assert_eq!(due(&mut machine, 120), [Purpose::Distill]);
    say(&mut machine, 120, ended(Purpose::Distill, failed(FailureCause::Provider), None));
    assert_eq!(due(&mut machine, 210), [], "now for two");
    assert_eq!(due(&mut machine, 240), [Purpose::Distill]);
}

#[test]
fn however_often_a_job_has_failed_it_is_tried_again_within_two_hours() {
    let (mut machine, mut now) = (machine(), 60);
    machine.curator.enabled = false;
    say(&mut machine, 0, recorded(6, 10, Stop::End));
    assert_eq!(due(&mut machine, now), [Purpose::Distill]);
    for minutes in [1, 2, 4, 8, 16, 32, 64, 120, 120, 120] {
        say(&mut machine, now, ended(Purpose::Distill, failed(FailureCause::Provider), None));
        now += 60 * minutes;
        assert_eq!(due(&mut machine, now - 1), [], "{minutes}");
        assert_eq!(due(&mut machine, now), [Purpose::Distill], "{minutes}");
    }
}

#[test]
fn a_curator_that_fails_too_does_not_keep_the_distiller_from_its_next_try() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(6, 10, Stop::End));
    for (second, purpose) in [(60, Purpose::Distill), (90, Purpose::Curate), (120, Purpose::Distill)] {
        assert_eq!(due(&mut machine, second), [purpose]);
        say(&mut machine, second, ended(purpose, failed(FailureCause::Provider), None));
    }
}

#[test]
fn an_idle_session_leaves_memory_unless_work_is_left() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(1, 10, Stop::End));
    let evicted = say(&mut machine, 1800, SchedulerMessage::IdleSweepDue);
    assert!(evicted.contains(&SchedulerEffect::Evict("a".into())));
    say(&mut machine, 2000, recorded(6, 10, Stop::End));
    let day = 2000 + 24 * 3600;
    let kept = say(&mut machine, day - 1, SchedulerMessage::IdleSweepDue);
    assert!(!kept.contains(&SchedulerEffect::Evict("a".into())));
    let evicted = say(&mut machine, day, SchedulerMessage::IdleSweepDue);
    assert!(evicted.contains(&SchedulerEffect::Evict("a".into())), "the store knows of its work");
}

#[test]
fn a_session_that_was_only_named_is_evicted_like_any_other() {
    let mut machine = machine();
    say(&mut machine, 0, SchedulerMessage::SessionSeen("a".into()));
    let evicted = SchedulerEffect::Evict("a".into());
    assert!(!say(&mut machine, 1799, SchedulerMessage::IdleSweepDue).contains(&evicted));
    assert!(say(&mut machine, 1800, SchedulerMessage::IdleSweepDue).contains(&evicted));
}

#[test]
fn a_session_whose_cache_may_be_held_stays_as_long() {
    let mut machine = machine();
    let (backlog, held_for) = (Backlog::default(), Duration::from_secs(7200));
    let turn = SchedulerMessage::TurnRecorded { brief: brief("a"), backlog, stop: None, held_for };
    say(&mut machine, 0, turn);
    let evicted = SchedulerEffect::Evict("a".into());
    assert!(!say(&mut machine, 7199, SchedulerMessage::IdleSweepDue).contains(&evicted));
    assert!(say(&mut machine, 7200, SchedulerMessage::IdleSweepDue).contains(&evicted));
}

#[test]
fn the_jobs_of_a_worker_that_was_rebuilt_are_handed_out_again() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(6, 10, Stop::End));
    assert_eq!(due(&mut machine, 60), [Purpose::Distill]);
    say(&mut machine, 61, SchedulerMessage::WorkerRestarted(Purpose::Distill));
    assert_eq!(due(&mut machine, 90), [Purpose::Distill]);
}

#[test]
fn a_job_whose_token_failed_it_is_asked_for_at_the_next_sweep() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(6, 10, Stop::End));
    for sweep in 2..20 {
        assert_eq!(
            due(&mut machine, sweep * 30),
            [Purpose::Distill],
            "the credential machine says how long to wait"
        );
        say(&mut machine, sweep * 30, ended(Purpose::Distill, failed(FailureCause::Credential), None));
    }
}

fn unwell(machine: &mut SchedulerMachine) -> Vec<(Purpose, Level)> {
    match machine.on(SchedulerMessage::ListHealth, Moment::default(), &mut Vec::new()) {
        SchedulerReply::Health(unwell) => unwell.into_iter().map(|it| (it.purpose, it.level)).collect(),
        SchedulerReply::Noted => panic!("no answer"),
    }
}

/// Three failures of this worker, a minute apart; what was said of its health.
fn fail(machine: &mut SchedulerMachine, purpose: Purpose) -> Vec<SchedulerEffect> {
    let failure = || ended(purpose, failed(FailureCause::Provider), None);
    (1..=3).flat_map(|minute| say(machine, 60 * minute, failure())).collect()
}

#[test]
fn a_worker_that_keeps_failing_is_listed_and_said_once_the_warmer_too() {
    for purpose in [Purpose::Distill, Purpose::Curate, Purpose::Warm] {
        let mut machine = machine();
        say(&mut machine, 0, recorded(1, 10, Stop::End));
        assert_eq!(unwell(&mut machine), []);
        let said = fail(&mut machine, purpose);
        let health = WorkerHealth { session: "a".into(), purpose, level: Level::Degraded };
        let ending = failed(FailureCause::Provider);
        assert_eq!(said, [SchedulerEffect::SayHealth { health, ending }]);
        assert_eq!(unwell(&mut machine), [(purpose, Level::Degraded)]);
        let recovered = say(&mut machine, 200, ended(purpose, Ending::Done { kept: 1 }, None));
        assert!(
            matches!(&recovered[..], [SchedulerEffect::SayHealth { health, .. }] if health.level == Level::Healthy)
        );
        assert_eq!(unwell(&mut machine), []);
    }
}

#[test]
fn one_workers_health_is_not_anothers_and_it_is_forgotten_with_the_session() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(1, 10, Stop::End));
    fail(&mut machine, Purpose::Distill);
    say(&mut machine, 200, ended(Purpose::Curate, Ending::Done { kept: 1 }, None));
    assert_eq!(unwell(&mut machine), [(Purpose::Distill, Level::Degraded)]);
    say(&mut machine, 1800, SchedulerMessage::IdleSweepDue);
    assert_eq!(unwell(&mut machine), [], "it was evicted");
    let nobodys = fail(&mut machine, Purpose::Distill);
    assert_eq!((nobodys.len(), unwell(&mut machine)), (0, vec![]), "an ending takes no seat");
}

fn patience(machine: &mut SchedulerMachine, seconds: u64) -> Vec<bool> {
    let effects = say(machine, seconds, SchedulerMessage::IdleSweepDue);
    let patient = |effect| match effect {
        SchedulerEffect::Dispatch(_, brief) => Some(brief.patient),
        SchedulerEffect::Evict(_)
        | SchedulerEffect::ArmSweep(_)
        | SchedulerEffect::FindBacklog
        | SchedulerEffect::ArmBacklog(_)
        | SchedulerEffect::Retain
        | SchedulerEffect::ArmRetention(_)
        | SchedulerEffect::SayHealth { .. } => None,
    };
    effects.into_iter().filter_map(patient).collect()
}

#[test]
fn nobody_waits_for_work_whose_agent_was_not_heard_for_ten_minutes_or_never() {
    let waiting = Ending::Waiting { reason: WaitReason::Rejected, ask_again_at: None };
    let mut heard = machine();
    say(&mut heard, 0, recorded(6, 10, Stop::End));
    assert_eq!(patience(&mut heard, 599), [false]);
    say(&mut heard, 599, ended(Purpose::Distill, waiting, None));
    assert_eq!(patience(&mut heard, 600), [true]);
    let mut found = machine();
    let backlog = Backlog { pending_messages: 6, ..Backlog::default() };
    say(&mut found, 0, SchedulerMessage::BacklogFound(vec![LeftWork { brief: brief("a"), backlog }]));
    assert_eq!(patience(&mut found, 60), [true]);
}

#[test]
fn a_session_whose_work_lies_in_a_batch_is_left_alone_until_the_end_is_heard() {
    for (purpose, ending, then) in [
        (Purpose::Batch, Ending::Done { kept: 1 }, 0),
        (Purpose::Batch, failed(FailureCause::Credential), 0),
        (Purpose::Batch, failed(FailureCause::Answer), 60),
    ] {
        let mut machine = machine();
        say(&mut machine, 0, recorded(5, 10, Stop::End));
        assert_eq!(due(&mut machine, 700), [Purpose::Distill]);
        say(&mut machine, 701, ended(Purpose::Batch, Ending::Queued, None));
        say(&mut machine, 702, ended(Purpose::Distill, Ending::Queued, None));
        assert_eq!(due(&mut machine, 5000), []);
        say(&mut machine, 6000, ended(purpose, ending, None));
        assert_eq!(due(&mut machine, 6000 + then), [Purpose::Distill]);
    }
}

#[test]
fn the_end_of_work_in_a_batch_is_not_undone_by_older_news_of_its_beginning() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(5, 10, Stop::End));
    assert_eq!(due(&mut machine, 700), [Purpose::Distill]);
    say(&mut machine, 701, ended(Purpose::Batch, Ending::Queued, None));
    say(&mut machine, 702, ended(Purpose::Batch, failed(FailureCause::Credential), None));
    say(&mut machine, 703, ended(Purpose::Distill, Ending::Queued, None));
    assert_eq!(due(&mut machine, 730), [Purpose::Distill]);
}

#[test]
fn a_full_segment_does_not_wait_for_a_batch_and_a_queue_that_forgot_holds_nobody() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(5, 10, Stop::End));
    assert_eq!(due(&mut machine, 700), [Purpose::Distill]);
    say(&mut machine, 701, ended(Purpose::Batch, Ending::Queued, None));
    say(&mut machine, 702, SchedulerMessage::WorkerRestarted(Purpose::Distill));
    assert_eq!(due(&mut machine, 800), []);
    let full = say(&mut machine, 900, recorded(5, 20_000, Stop::End));
    assert!(matches!(&full[..], [SchedulerEffect::Dispatch(Purpose::Distill, brief)] if !brief.patient));
    say(&mut machine, 901, ended(Purpose::Distill, failed(FailureCause::Credential), None));
    assert_eq!(due(&mut machine, 1000), []);
    say(&mut machine, 1001, SchedulerMessage::WorkerRestarted(Purpose::Batch));
    assert_eq!(due(&mut machine, 1030), [Purpose::Distill]);
}

#[test]
fn too_many_observations_are_merged_once_the_session_is_idle() {
    let mut machine = machine();
    let backlog = |unmerged| Backlog { unmerged, ..Backlog::default() };
    let left = |unmerged| ended(Purpose::Curate, Ending::Nothing, Some(backlog(unmerged)));
    say(&mut machine, 0, recorded(1, 10, Stop::End));
    say(&mut machine, 1, left(20));
    assert_eq!(due(&mut machine, 60), []);
    say(&mut machine, 61, left(21));
    assert_eq!(due(&mut machine, 90), [Purpose::Distill]);
}

#[test]
fn too_many_entries_are_the_curator_s_once_an_hour_unless_it_could_not_go() {
    let mut machine = machine();
    let crowded = Backlog { entries: 41, ..Backlog::default() };
    let over = |ending| ended(Purpose::Curate, ending, Some(crowded));
    say(&mut machine, 0, recorded(1, 10, Stop::End));
    say(&mut machine, 1, over(Ending::Done { kept: 41 }));
    assert_eq!(due(&mut machine, 60), [Purpose::Curate], "that it is so is new");
    let waits = Ending::Waiting { reason: WaitReason::Rejected, ask_again_at: None };
    say(&mut machine, 61, over(waits));
    assert_eq!(due(&mut machine, 90), [Purpose::Curate], "it was not even begun");
    say(&mut machine, 91, over(Ending::Done { kept: 0 }));
    assert_eq!(due(&mut machine, 120), []);
    say(&mut machine, 2000, SchedulerMessage::TurnStarted("a".into()));
    say(&mut machine, 2000, SchedulerMessage::TurnEnded("a".into()));
    assert_eq!(due(&mut machine, 91 + 3600 - 1), []);
    assert_eq!(due(&mut machine, 91 + 3600), [Purpose::Curate]);
}

#[test]
fn a_session_that_a_person_forgot_leaves_at_once_and_is_due_for_nothing() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(6, 10, Stop::End));
    let effects = say(&mut machine, 1, SchedulerMessage::Forgotten("a".into()));
    assert_eq!(effects, [SchedulerEffect::Evict("a".into())]);
    assert_eq!(due(&mut machine, 120), []);
}

#[test]
fn what_is_old_is_dropped_a_little_at_a_time_until_there_is_no_more_and_then_again_after_an_hour() {
    let mut machine = machine();
    let retain = [SchedulerEffect::Retain];
    assert_eq!(say(&mut machine, 30, SchedulerMessage::RetentionDue), retain);
    assert_eq!(say(&mut machine, 31, SchedulerMessage::Retained { more: true }), retain);
    let after_an_hour = [SchedulerEffect::ArmRetention(Duration::from_secs(3600))];
    assert_eq!(say(&mut machine, 32, SchedulerMessage::Retained { more: false }), after_an_hour);
}

fn found(sessions: impl Iterator<Item = u32>, pending_messages: u32) -> SchedulerMessage {
    let backlog = Backlog { pending_messages, ..Backlog::default() };
    let one = |number: u32| LeftWork { brief: brief(&number.to_string()), backlog };
    SchedulerMessage::BacklogFound(sessions.map(one).collect())
}

#[test]
fn work_that_nobody_in_memory_knows_of_is_looked_for_every_hour() {
    let mut machine = machine();
    assert_eq!(say(&mut machine, 0, SchedulerMessage::BacklogDue), [SchedulerEffect::FindBacklog]);
    let effects = say(&mut machine, 1, found(0..1, 5));
    assert_eq!(effects, [SchedulerEffect::ArmBacklog(Duration::from_secs(3600))]);
    assert_eq!(due(&mut machine, 61), [Purpose::Distill]);
    let nothing = say(&mut machine, 100, found(0..0, 5));
    assert_eq!(
        nothing,
        [SchedulerEffect::ArmBacklog(Duration::from_secs(3600))],
        "also after a look in vain"
    );
}

#[test]
fn of_very_many_sessions_with_work_left_a_thousand_take_a_seat_at_a_time() {
    let mut machine = machine();
    say(&mut machine, 0, found(0..2500, 5));
    assert_eq!(due(&mut machine, 60).len(), 1000);
    say(&mut machine, 100, found(0..2500, 5));
    assert_eq!(due(&mut machine, 160).len(), 1000, "the next: those that are out already are known");
}

#[test]
fn a_session_with_too_little_left_for_a_job_takes_no_seat() {
    let mut machine = machine();
    say(&mut machine, 0, found(0..1, 4));
    assert_eq!(machine.seats.len(), 0);
}

#[test]
fn whoever_is_in_memory_knows_better_than_the_store_did() {
    let mut machine = machine();
    say(&mut machine, 0, recorded(1, 10, Stop::End));
    let backlog = Backlog { pending_messages: 6, ..Backlog::default() };
    say(&mut machine, 1, SchedulerMessage::BacklogFound(vec![LeftWork { brief: brief("a"), backlog }]));
    assert_eq!(due(&mut machine, 61), []);
}
