//! The life of an item, each as a story.

mod again;
mod forgetting;
mod lying;

use super::*;
use crate::job::{FailureCause, JobMessage, Work};
use crate::samples::{brief, upstream};
use domain::access::{Access, WaitReason};
use domain::companions::Companions;
use domain::credential::{Credential, CredentialKind, Lease};
use domain::evidence::{Class, Evidence};
use domain::fingerprint::Fingerprint;
use domain::ids::{BatchId, BatchMark, Generation, LeaseId, Principal};
use domain::secret::Secret;
use domain::time::UnixMillis;
use std::sync::Arc;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

pub(super) fn lease_of(token: u8, kind: CredentialKind) -> Lease {
    let (header, value) = ("x-api-key", Secret::new("sk-ant-api03-x"));
    let fingerprint = Fingerprint::of_number(token);
    let credential =
        Credential { header, value, kind, fingerprint, companions: Companions::default(), ends: None };
    let owner = (Principal::local(), upstream());
    #[expect(clippy::disallowed_methods, reason = "a test's own lease")]
    Lease::grant(LeaseId(1), owner, Arc::new(credential), Generation(1), false)
}

fn lease() -> Lease {
    lease_of(1, CredentialKind::ApiKey)
}

pub(super) fn evidence(class: Class, status: u16) -> Evidence {
    let fingerprint = Fingerprint::of_number(1);
    Evidence { fingerprint, upstream: upstream(), start: Moment(1), end: Moment(2), class, status }
}

fn item(session: &str) -> Item {
    Item { brief: brief(session), stretch: Stretch { sources: vec![1, 2], size: 9 } }
}

pub(super) fn offer(session: &str) -> Offer {
    let call = Call(format!("what {session} said").into());
    Offer { item: item(session), token: Fingerprint::of_number(1), call }
}

fn id() -> BatchId {
    BatchId::read("msgbatch_1").unwrap()
}

fn mark() -> BatchMark {
    BatchMark::from("stillroom-1")
}

fn trace() -> Trace {
    Trace { mark: mark(), at: UnixMillis(1), file: None }
}

fn taken() -> HandedIn {
    HandedIn::Taken(mark(), id())
}

/// A queue, the time, and what it wanted last.
struct Story {
    machine: BatchMachine,
    now: u64,
    effects: Vec<BatchEffect>,
}

impl Story {
    fn new() -> Self {
        Self { machine: BatchMachine::new(true), now: 0, effects: Vec::new() }
    }

    fn say(&mut self, message: BatchMessage) -> BatchReply {
        self.effects.clear();
        self.machine.on(message, Moment::from_secs(self.now), &mut self.effects)
    }

    fn offer(&mut self, session: &str) -> BatchReply {
        self.say(BatchMessage::Offered(offer(session)))
    }

    fn takes(&self, session: &str) -> bool {
        self.takes_offer(offer(session))
    }

    fn takes_with(&self, session: &str, token: u8) -> bool {
        self.takes_offer(Offer { token: Fingerprint::of_number(token), ..offer(session) })
    }

    fn takes_offer(&self, offer: Offer) -> bool {
        let now = Moment::from_secs(self.now);
        self.machine.clone().on(BatchMessage::Offered(offer), now, &mut Vec::new()) == BatchReply::Queued
    }

    fn at(&mut self, seconds: u64, message: BatchMessage) {
        self.now = seconds;
        self.say(message);
    }

    fn answered(&mut self, access: Access) {
        self.say(BatchMessage::Job(JobMessage::Answered { session: "a".into(), access }));
    }

    /// The report of what was done last was taken in.
    fn settled(&mut self) {
        assert!(matches!(self.effects[..], [BatchEffect::Report { .. }, ..]), "{:?}", self.effects);
        self.say(BatchMessage::Job(JobMessage::Settled { session: "a".into(), access: None }));
    }

    /// What was done last went like this.
    fn performed(&mut self, work: Work) {
        let (session, lease) = ("a".into(), lease());
        self.say(BatchMessage::Job(JobMessage::Performed { session, lease, work }));
        self.settled();
    }

    /// Offers of these sessions, "a" first, about to be handed in half a minute later.
    fn leaving(sessions: &[&str]) -> Self {
        let mut story = Self::new();
        sessions.iter().for_each(|session| assert_eq!(story.offer(session), BatchReply::Queued));
        story.at(30, BatchMessage::HandInDue);
        assert_eq!(story.effects, [BatchEffect::Ask(brief("a"))]);
        story
    }

    fn handed_in(&mut self, outcome: HandedIn, work: Work) {
        self.answered(Access::Go(lease()));
        assert!(matches!(self.effects[..], [BatchEffect::HandIn { .. }]), "{:?}", self.effects);
        self.say(BatchMessage::HandedIn { leader: "a".into(), lease: lease(), outcome, work, chance: 0 });
        let looks = self.effects.pop_if(|effect| matches!(effect, BatchEffect::ArmLook(_)));
        self.settled();
        self.effects.extend(looks);
    }

    /// The same, in a batch since second 30.
    fn lying(sessions: &[&str]) -> Self {
        let mut story = Self::leaving(sessions);
        story.handed_in(taken(), queued());
        assert_eq!(story.effects, [BatchEffect::ArmLook(EVERY)]);
        story
    }

    /// A look went like this.
    fn look(&mut self, work: Work, endings: Vec<Ending>) {
        self.at(self.now + MINUTE, BatchMessage::LookDue);
        assert_eq!(self.effects, [BatchEffect::Ask(brief("a")), BatchEffect::ArmLook(EVERY)]);
        self.answered(Access::Go(lease()));
        assert!(matches!(self.effects[..], [BatchEffect::Look { .. }]), "{:?}", self.effects);
        self.say(BatchMessage::Looked { leader: "a".into(), lease: lease(), work, endings });
        self.settled();
    }

    fn lies(&self, session: &str) -> bool {
        self.machine.holds(&session.into())
    }
}

fn queued() -> Work {
    Work::Queued { evidence: Some(evidence(Class::Ok, 200)) }
}

fn over(session: &str, ending: Ending) -> BatchEffect {
    BatchEffect::Over { brief: brief(session), ending }
}

fn failed(class: Class, status: u16) -> Work {
    Work::Failed { evidence: Some(evidence(class, status)), why: "x".into() }
}

fn fails() -> Ending {
    Ending::Failed { cause: FailureCause::Answer, why: "the batch errored".into() }
}

/// The sessions that left the queue failing.
fn let_down(effects: &[BatchEffect]) -> Vec<&str> {
    let session = |effect| match effect {
        &BatchEffect::Over { ref brief, ending: Ending::Failed { .. } } => Some(brief.session.as_str()),
        _ => None,
    };
    effects.iter().filter_map(session).collect()
}

#[test]
fn what_is_offered_within_half_a_minute_is_handed_in_together() {
    let mut story = Story::new();
    assert_eq!(story.offer("a"), BatchReply::Queued);
    assert_eq!(story.effects, [over("a", Ending::Queued), BatchEffect::ArmHandIn(COLLECTED_FOR)]);
    story.now = 29;
    assert_eq!(story.offer("b"), BatchReply::Queued);
    let soon = BatchEffect::ArmHandIn(Duration::from_secs(1));
    assert_eq!(story.effects, [over("b", Ending::Queued), soon]);
    story.at(30, BatchMessage::HandInDue);
    assert_eq!(story.effects, [BatchEffect::Ask(brief("a"))]);
    story.answered(Access::Go(lease()));
    let items = vec![item("a"), item("b")];
    let calls = vec![offer("a").call, offer("b").call];
    assert_eq!(story.effects, [BatchEffect::HandIn { items, calls, lease: lease() }]);
}

#[test]
fn fifty_items_are_not_collected_any_longer() {
    let mut story = Story::new();
    for number in 1..MOST {
        story.offer(&number.to_string());
        assert!(matches!(story.effects[1], BatchEffect::ArmHandIn(_)), "{number}");
    }
    story.offer("the fiftieth");
    assert_eq!(story.effects, [over("the fiftieth", Ending::Queued), BatchEffect::Ask(brief("1"))]);
}

#[test]
fn what_cannot_be_handed_in_now_goes_back_and_may_be_offered_again() {
    let mut story = Story::leaving(&["a", "b"]);
    story.answered(Access::Wait { reason: WaitReason::Busy, ask_again_at: None });
    let waits = Ending::Waiting { reason: WaitReason::Busy, ask_again_at: None };
    assert_eq!(story.effects, [over("a", waits.clone()), over("b", waits)]);
    assert!(!story.lies("a") && story.takes("a") && story.takes("b"));
}

#[test]
fn a_lease_of_another_token_or_kind_hands_nothing_in() {
    for other in [lease_of(2, CredentialKind::ApiKey), lease_of(1, CredentialKind::Bearer)] {
        let mut story = Story::leaving(&["a"]);
        story.answered(Access::Go(other));
        assert!(matches!(&story.effects[..], [BatchEffect::Report { work: Work::Nothing, .. }]));
        story.settled();
        assert!(matches!(
            &story.effects[..],
            [BatchEffect::Over { ending: Ending::Failed { cause: FailureCause::Credential, .. }, .. }]
        ));
        assert!(story.takes("a"));
    }
}

#[test]
fn calls_that_are_refused_are_done_directly_and_their_sessions_do_without_batches_for_an_hour() {
    for work in [failed(Class::RequestRefused, 400), failed(Class::RequestRefused, 413)] {
        let mut story = Story::leaving(&["a", "b"]);
        story.handed_in(HandedIn::Refused, work);
        assert_eq!(let_down(&story.effects), ["a", "b"]);
        assert!(!story.takes("a") && !story.takes("b") && story.takes("c"));
        story.now += HOUR - 1;
        assert!(!story.takes("a"));
        story.now += 1;
        assert!(story.takes("a") && story.takes("b"));
    }
}

#[test]
fn a_token_that_is_refused_ends_batches_for_a_day_and_for_another_token_of_the_session_for_an_hour() {
    for (class, status) in [(Class::CredentialRejected, 401), (Class::Forbidden, 403)] {
        let mut story = Story::leaving(&["a", "b"]);
        story.handed_in(HandedIn::Refused, Work::Refused { evidence: evidence(class, status) });
        assert_eq!(let_down(&story.effects), ["a", "b"]);
        assert!(!story.takes("a") && !story.takes_with("a", 2) && story.takes("c"));
        story.now += HOUR;
        assert!(!story.takes("a") && story.takes_with("a", 2) && story.takes_with("b", 2));
        story.now += 23 * HOUR - 1;
        assert!(!story.takes("a"), "the same token again proves nothing");
        story.now += 1;
        assert!(story.takes("a") && story.takes("b"));
    }
}

#[test]
fn an_upstream_without_batches_is_offered_nothing_for_a_day() {
    let mut story = Story::leaving(&["a"]);
    story.handed_in(HandedIn::Lacking, failed(Class::RequestRefused, 404));
    assert_eq!(let_down(&story.effects), ["a"]);
    assert!(!story.takes("a") && !story.takes("b"));
    story.now += 24 * HOUR - 1;
    assert!(!story.takes("b"));
    story.now += 1;
    assert!(story.takes("a") && story.takes("b"));
}

#[test]
fn work_goes_the_direct_way_where_batches_are_off_or_there_is_no_room() {
    let mut off = Story { machine: BatchMachine::new(false), ..Story::new() };
    assert_eq!(off.offer("a"), BatchReply::Direct);
    assert_eq!(off.effects, []);
    let mut story = Story::new();
    for number in 0..ROOM {
        assert_eq!(story.offer(&number.to_string()), BatchReply::Queued, "{number}");
    }
    assert_eq!(story.offer("one more"), BatchReply::Direct);
    assert_eq!(story.offer("0"), BatchReply::Queued, "that one is there already");
}

#[test]
fn a_session_has_one_item_at_a_time_and_hears_where_its_work_is() {
    let mut story = Story::new();
    story.offer("a");
    assert_eq!(
        (story.offer("a"), &story.effects[..]),
        (BatchReply::Queued, &[over("a", Ending::Queued)][..])
    );
    let mut story = Story::lying(&["a", "b"]);
    assert_eq!(
        (story.offer("a"), &story.effects[..]),
        (BatchReply::Queued, &[over("a", Ending::Queued)][..])
    );
}

pub(super) fn past(whereabouts: Whereabouts, sessions: &[&str], age: Duration) -> Past {
    let items: Vec<Item> = sessions.iter().map(|session| item(session)).collect();
    Past { whereabouts, leader: brief("a"), items, age }
}

#[test]
fn what_is_heard_of_nobody_changes_nothing() {
    let mut story = Story::new();
    let fresh = story.machine.clone();
    let (leader, work) = (|| "x".into(), queued);
    let all = [
        BatchMessage::HandedIn {
            leader: leader(),
            lease: lease(),
            outcome: taken(),
            work: work(),
            chance: 0,
        },
        BatchMessage::Sought { leader: leader(), lease: lease(), found: Found::There(id()), work: work() },
        BatchMessage::Looked { leader: leader(), lease: lease(), work: work(), endings: vec![fails()] },
        BatchMessage::LookDue,
        BatchMessage::HandInDue,
        BatchMessage::Restored(vec![past(Whereabouts::Lying(mark(), id()), &[], Duration::ZERO)]),
        BatchMessage::Restored(vec![past(Whereabouts::Missing(trace()), &[], Duration::ZERO)]),
    ];
    for message in all {
        story.say(message);
        assert_eq!((&story.machine, &story.effects[..]), (&fresh, &[][..]));
    }
}

#[test]
fn no_item_and_no_message_shows_a_secret_or_what_was_said() {
    let (items, calls) = (vec![item("a")], vec![offer("a").call]);
    let effect = BatchEffect::HandIn { items, calls, lease: lease() };
    let shown = format!("{:?} {:?} {effect:?}", item("a"), BatchMessage::Offered(offer("a")));
    assert!(!shown.contains("sk-ant-api03") && !shown.contains("what a said"), "{shown}");
}
