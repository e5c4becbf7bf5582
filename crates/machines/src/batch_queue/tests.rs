//! The life of an item, each as a story.

use super::*;
use crate::samples::{brief, upstream};
use domain::access::{Access, WaitReason};
use domain::companions::Companions;
use domain::credential::{Credential, CredentialKind, Lease};
use domain::evidence::Evidence;
use domain::fingerprint::Fingerprint;
use domain::ids::{BatchId, Generation, LeaseId, Principal};
use domain::secret::Secret;
use std::sync::Arc;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 3600;

fn lease() -> Lease {
    let (value, kind) = (Secret::new("sk-ant-api03-x"), CredentialKind::ApiKey);
    let (header, fingerprint) = ("x-api-key", Fingerprint::of_number(1));
    let credential =
        Credential { header, value, kind, fingerprint, companions: Companions::default(), ends: None };
    let owner = (Principal::local(), upstream());
    #[expect(clippy::disallowed_methods, reason = "a test's own lease")]
    Lease::grant(LeaseId(1), owner, Arc::new(credential), Generation(1), false)
}

fn evidence(class: Class, status: u16) -> Evidence {
    let fingerprint = Fingerprint::of_number(1);
    Evidence { fingerprint, upstream: upstream(), start: Moment(1), end: Moment(2), class, status }
}

fn item(session: &str) -> Item {
    let batch = BatchId::read("msgbatch_1").unwrap();
    Item { brief: brief(session), batch, stretch: Stretch { sources: vec![1, 2], size: 9 } }
}

fn say(machine: &mut BatchMachine, seconds: u64, message: BatchMessage) -> Vec<BatchEffect> {
    let mut effects = Vec::new();
    machine.on(message, Moment::from_secs(seconds), &mut effects);
    effects
}

fn may(machine: &mut BatchMachine, session: &str) -> bool {
    let asked = BatchMessage::MayQueue { session: session.into(), upstream: upstream() };
    machine.on(asked, Moment(0), &mut Vec::new()) == BatchReply::Queue
}

/// A queue with one item, and the effects of a look at it that went like `work`.
fn looked(work: Work) -> (BatchMachine, Vec<BatchEffect>) {
    let mut machine = BatchMachine::new(true);
    say(&mut machine, 0, BatchMessage::Queued(item("a")));
    assert!(say(&mut machine, MINUTE, BatchMessage::LookDue).contains(&BatchEffect::Ask(brief("a"))));
    let access = Access::Go(lease());
    let answered = JobMessage::Answered { session: "a".into(), access };
    let look = say(&mut machine, MINUTE, BatchMessage::Job(answered));
    assert_eq!(look, [BatchEffect::Look { item: item("a"), lease: lease() }]);
    let performed = JobMessage::Performed { session: "a".into(), lease: lease(), work };
    let report = say(&mut machine, MINUTE, BatchMessage::Job(performed));
    assert!(matches!(report[..], [BatchEffect::Report { .. }]), "{report:?}");
    let settled = JobMessage::Settled { session: "a".into(), access: None };
    let effects = say(&mut machine, MINUTE, BatchMessage::Job(settled));
    (machine, effects)
}

fn is_kept(machine: &BatchMachine) -> bool {
    machine.entries.contains_key(&"a".into())
}

#[test]
fn an_item_is_looked_at_every_minute_until_its_result_is_kept() {
    let (mut machine, effects) = looked(Work::Queued { evidence: evidence(Class::Ok, 200) });
    assert_eq!((effects, is_kept(&machine)), (vec![], true));
    let again = say(&mut machine, 2 * MINUTE, BatchMessage::LookDue);
    assert_eq!(again, [BatchEffect::Ask(brief("a")), BatchEffect::ArmLook(EVERY)]);
    let (machine, effects) = looked(Work::Accepted { evidence: evidence(Class::Ok, 200), kept: 3 });
    let ending = Ending::Done { kept: 3 };
    assert_eq!(effects, [BatchEffect::Over { brief: brief("a"), ending }]);
    assert!(!is_kept(&machine));
}

#[test]
fn one_timer_runs_as_long_as_there_is_an_item() {
    let mut machine = BatchMachine::new(true);
    assert_eq!(say(&mut machine, 0, BatchMessage::Queued(item("a"))), [BatchEffect::ArmLook(EVERY)]);
    assert_eq!(say(&mut machine, 30, BatchMessage::Queued(item("b"))), []);
    let looks = say(&mut machine, MINUTE, BatchMessage::LookDue);
    assert_eq!(looks, [BatchEffect::Ask(brief("a")), BatchEffect::ArmLook(EVERY)], "b is too fresh");
    assert_eq!(say(&mut BatchMachine::new(true), 0, BatchMessage::LookDue), []);
}

#[test]
fn what_the_provider_will_never_answer_goes_and_its_session_does_without_batches() {
    let refused = Work::Failed { evidence: Some(evidence(Class::RequestRefused, 404)), why: "gone".into() };
    let errored = Work::Unusable { evidence: evidence(Class::Ok, 200), why: "errored".into() };
    for work in [refused, errored] {
        let (mut machine, effects) = looked(work);
        assert!(matches!(effects[..], [BatchEffect::Over { ending: Ending::Failed { .. }, .. }]));
        assert!(!is_kept(&machine) && !may(&mut machine, "a") && may(&mut machine, "b"));
    }
}

#[test]
fn what_may_pass_by_itself_leaves_the_item_where_it_is() {
    let busy = Class::Throttled { retry_after: None };
    let failed = |class, status| Work::Failed { evidence: Some(evidence(class, status)), why: "x".into() };
    let broke_off = Work::Failed { evidence: None, why: "x".into() };
    for work in [failed(busy, 429), failed(Class::UpstreamFault, 500), broke_off, Work::Nothing] {
        let (machine, effects) = looked(work.clone());
        assert_eq!((effects, is_kept(&machine)), (vec![], true), "{work:?}");
    }
}

#[test]
fn a_refused_token_ends_batches_for_its_session_but_not_the_item() {
    for (class, status) in [(Class::CredentialRejected, 401), (Class::Forbidden, 403)] {
        let (mut machine, effects) = looked(Work::Refused { evidence: evidence(class, status) });
        assert_eq!((effects, is_kept(&machine)), (vec![], true));
        machine.entries.clear();
        assert!(!may(&mut machine, "a"));
    }
}

#[test]
fn a_day_is_the_longest_even_for_an_item_that_can_never_be_looked_at() {
    let mut machine = BatchMachine::new(true);
    say(&mut machine, 0, BatchMessage::Queued(item("a")));
    for minute in 1..DAY / MINUTE {
        say(&mut machine, minute * MINUTE, BatchMessage::LookDue);
        let access = Access::Wait { reason: WaitReason::Rejected, ask_again_at: None };
        let answered = JobMessage::Answered { session: "a".into(), access };
        assert_eq!(say(&mut machine, minute * MINUTE, BatchMessage::Job(answered)), []);
    }
    assert!(is_kept(&machine));
    let over = say(&mut machine, DAY, BatchMessage::LookDue);
    assert!(matches!(over[..], [BatchEffect::Over { ending: Ending::Failed { .. }, .. }]), "{over:?}");
    assert!(!is_kept(&machine) && !may(&mut machine, "a"));
}

#[test]
fn work_goes_the_direct_way_where_batches_are_off_unknown_unwelcome_or_too_many() {
    assert!(!may(&mut BatchMachine::new(false), "a"));
    let mut machine = BatchMachine::new(true);
    assert!(may(&mut machine, "a"));
    say(&mut machine, 0, BatchMessage::Unwelcome("a".into()));
    assert!(!may(&mut machine, "a") && may(&mut machine, "b"));
    for number in 0..=ROOM - AT_ONCE {
        assert!(may(&mut machine, "b"), "{number}");
        say(&mut machine, 0, BatchMessage::Queued(item(&number.to_string())));
    }
    assert!(!may(&mut machine, "b"), "no room");
    let mut machine = BatchMachine::new(true);
    say(&mut machine, 0, BatchMessage::Lacking(upstream()));
    assert!(!may(&mut machine, "a"));
}

#[test]
fn a_session_has_one_item_at_a_time() {
    let mut machine = BatchMachine::new(true);
    say(&mut machine, 0, BatchMessage::Queued(item("a")));
    assert!(!may(&mut machine, "a"));
}

#[test]
fn no_item_and_no_message_shows_a_secret() {
    let shown = format!("{:?} {:?}", item("a"), BatchEffect::Look { item: item("a"), lease: lease() });
    assert!(!shown.contains("sk-ant-api03"), "{shown}");
}
