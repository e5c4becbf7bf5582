//! Whatever happens, in whatever order: what the queue took, it gives back once.

use super::tests::{evidence, lease_of};
use super::*;
use crate::job::{JobMessage, Work};
use crate::samples::{brief, many};
use domain::access::{Access, WaitReason};
use domain::credential::{CredentialKind, Lease};
use domain::evidence::Class;
use domain::fingerprint::Fingerprint;
use domain::ids::{BatchId, BatchMark};
use domain::time::UnixMillis;
use proptest::prelude::*;
use std::collections::BTreeSet;

const SESSIONS: u8 = 5;
/// More than the longest stay, in minutes.
const LONG: u64 = 300;

/// One thing that happens; numbers choose of what there is.
#[derive(Debug, Clone)]
enum Event {
    Offer {
        session: u8,
        token: u8,
    },
    /// A person forgets a session.
    Forget(u8),
    /// So many seconds pass, and whatever timer was armed rings.
    Pass(u16),
    /// What the queue wanted, and waits for, is done.
    Answer {
        which: u8,
        how: u8,
    },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (0..SESSIONS, 1..3_u8).prop_map(|(session, token)| Event::Offer { session, token }),
        1 => (0..SESSIONS).prop_map(Event::Forget),
        2 => (0..1000_u16).prop_map(Event::Pass),
        6 => (any::<u8>(), any::<u8>()).prop_map(|(which, how)| Event::Answer { which, how }),
    ]
}

fn lease(token: u8) -> Lease {
    lease_of(token, CredentialKind::ApiKey)
}

fn work(how: u8) -> Work {
    let why = "x".to_owned();
    match how % 5 {
        0 => Work::Failed { evidence: Some(evidence(Class::RequestRefused, 400)), why },
        1 => Work::Failed { evidence: Some(evidence(Class::UpstreamFault, 500)), why },
        2 => Work::Refused { evidence: evidence(Class::CredentialRejected, 401) },
        3 => Work::Unusable { evidence: evidence(Class::Ok, 200), why },
        _ => Work::Failed { evidence: None, why },
    }
}

struct Run {
    machine: BatchMachine,
    now: u64,
    /// What the queue wants and has not heard of yet.
    open: Vec<BatchEffect>,
    /// The sessions whose work it has.
    has: BTreeSet<SessionId>,
    /// Those that were forgotten and have offered nothing since.
    forgotten: BTreeSet<SessionId>,
    /// The marks under which something was taken in, or may have been, and that were not forgotten.
    marks: BTreeSet<BatchMark>,
    taken: u32,
    /// When the timers ring that were armed.
    hand_in: Option<Moment>,
    look: Option<Moment>,
}

impl Run {
    fn say(&mut self, message: BatchMessage) -> BatchReply {
        let mut effects = Vec::new();
        let reply = self.machine.on(message, self.moment(), &mut effects);
        effects.into_iter().for_each(|effect| self.note(effect));
        reply
    }

    fn note(&mut self, effect: BatchEffect) {
        match effect {
            BatchEffect::Over { brief, ending: Ending::Queued } => drop(self.has.insert(brief.session)),
            BatchEffect::Over { brief, .. } => {
                assert!(self.has.remove(&brief.session), "{brief:?} left twice, or never came");
            }
            BatchEffect::Forget(mark) => assert!(self.marks.remove(&mark), "{mark:?} is forgotten twice"),
            BatchEffect::ArmHandIn(delay) => self.hand_in = Some(self.moment().after(delay)),
            BatchEffect::ArmLook(delay) => self.look = Some(self.moment().after(delay)),
            BatchEffect::Ask(brief) => {
                assert!(!self.forgotten.contains(&brief.session), "{brief:?} is asked for and forgotten");
                self.open.push(BatchEffect::Ask(brief));
            }
            BatchEffect::HandIn { items, calls, lease } => {
                let named = |(item, call): (&Item, &Call)| call.0 == item.brief.session.to_string();
                assert!(items.iter().zip(&calls).all(named), "each call is its item's");
                assert!(!items.iter().any(|item| self.forgotten.contains(&item.brief.session)));
                assert!(items.len() == calls.len() && (1..=MOST).contains(&items.len()));
                self.open.push(BatchEffect::HandIn { items, calls, lease });
            }
            waiting => self.open.push(waiting),
        }
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Offer { session, token } => self.offer(*session, *token),
            Event::Forget(session) => {
                let session = SessionId::from(session.to_string().as_str());
                self.forgotten.insert(session.clone());
                self.say(BatchMessage::Forgotten(vec![session]));
            }
            Event::Pass(seconds) => self.pass(u64::from(*seconds)),
            Event::Answer { which, how } => {
                if let Some(which) = usize::from(*which).checked_rem(self.open.len()) {
                    let wanted = self.open.remove(which);
                    self.answer(wanted, *how);
                }
            }
        }
        let held = |session: u8| self.machine.holds(&session.to_string().as_str().into());
        for session in 0..SESSIONS {
            let has = self.has.contains(&session.to_string().as_str().into());
            assert_eq!(has, held(session), "session {session}");
        }
    }

    fn offer(&mut self, session: u8, token: u8) {
        let session = session.to_string();
        self.forgotten.remove(&session.as_str().into());
        let item = Item { brief: brief(&session), stretch: Stretch { sources: vec![1], size: 1 } };
        let call = Call(session.clone().into());
        let offer = Offer { item, token: Fingerprint::of_number(token), call };
        let reply = self.say(BatchMessage::Offered(offer));
        assert_eq!(reply == BatchReply::Queued, self.has.contains(&session.as_str().into()));
    }

    const fn moment(&self) -> Moment {
        Moment::from_secs(self.now)
    }

    fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        let now = self.moment();
        if self.hand_in.take_if(|due| *due <= now).is_some() {
            self.say(BatchMessage::HandInDue);
        }
        if self.look.take_if(|due| *due <= now).is_some() {
            self.say(BatchMessage::LookDue);
        }
    }

    fn answer(&mut self, wanted: BatchEffect, how: u8) {
        let message = match wanted {
            BatchEffect::Ask(brief) => {
                let waits = Access::Wait { reason: WaitReason::Busy, ask_again_at: None };
                let access = if how.is_multiple_of(4) { waits } else { Access::Go(lease(how % 2 + 1)) };
                BatchMessage::Job(JobMessage::Answered { session: brief.session, access })
            }
            BatchEffect::HandIn { items, lease, .. } => {
                let leader = items[0].brief.session.clone();
                let (outcome, work) = self.handed_in(how);
                BatchMessage::HandedIn { leader, lease, outcome, work, chance: u64::from(how) }
            }
            BatchEffect::Seek { leader, trace, lease, .. } => {
                assert!(self.marks.contains(&trace.mark), "{trace:?} is looked for and was not handed in");
                let (found, work) = self.found(how);
                BatchMessage::Sought { leader: leader.session, lease, found, work }
            }
            BatchEffect::Look { batch, lease } => {
                let leader = batch.leader.session;
                let (work, endings) = seen(how, batch.items.len());
                BatchMessage::Looked { leader, lease, work, endings }
            }
            BatchEffect::Cancel { leader, lease, .. } | BatchEffect::Abandon { leader, lease, .. } => {
                BatchMessage::Job(JobMessage::Performed { session: leader.session, lease, work: work(how) })
            }
            BatchEffect::Report { brief, .. } if how.is_multiple_of(7) => {
                BatchMessage::Job(JobMessage::Unanswered { session: brief.session })
            }
            BatchEffect::Report { brief, work, .. } => {
                let refused = matches!(work, Work::Refused { .. });
                let access = refused.then(|| Access::Go(lease(how % 2 + 1)));
                BatchMessage::Job(JobMessage::Settled { session: brief.session, access })
            }
            other => panic!("{other:?} waits for nothing"),
        };
        self.say(message);
    }

    fn handed_in(&mut self, how: u8) -> (HandedIn, Work) {
        let taken = || Work::Queued { evidence: Some(evidence(Class::Ok, 200)) };
        match how % 6 {
            0 => (HandedIn::Refused, work(how / 6)),
            1 => (HandedIn::Later, work(how / 6)),
            2 => {
                (HandedIn::Unknown(Trace { mark: self.mark(), at: UnixMillis(0), file: None }), work(how / 6))
            }
            _ => (HandedIn::Taken(self.mark(), self.id()), taken()),
        }
    }

    fn found(&self, how: u8) -> (Found, Work) {
        match how % 3 {
            0 => (Found::Unclear, work(how / 3)),
            1 => (Found::NotThere, Work::Queued { evidence: Some(evidence(Class::Ok, 200)) }),
            _ => (Found::There(self.id()), Work::Queued { evidence: Some(evidence(Class::Ok, 200)) }),
        }
    }

    fn mark(&mut self) -> BatchMark {
        self.taken += 1;
        let mark = BatchMark::from(format!("stillroom-{}", self.taken));
        self.marks.insert(mark.clone());
        mark
    }

    fn id(&self) -> BatchId {
        BatchId::read(&format!("batch_{}", self.taken)).unwrap()
    }
}

/// A batch that is open, has ended for some or all of its items, or could not be seen.
fn seen(how: u8, items: usize) -> (Work, Vec<Ending>) {
    let done = Work::Accepted { evidence: evidence(Class::Ok, 200), kept: 1 };
    match how % 3 {
        0 => (Work::Queued { evidence: Some(evidence(Class::Ok, 200)) }, Vec::new()),
        1 => (done, vec![Ending::Done { kept: 1 }; usize::from(how) % items + 1]),
        _ => (work(how / 3), Vec::new()),
    }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn what_was_taken_is_given_back_once_and_nothing_lies_for_ever(events in prop::collection::vec(event(), 1..80)) {
        let mut run = Run {
            machine: BatchMachine::new(true),
            now: 0,
            open: Vec::new(),
            has: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            marks: BTreeSet::new(),
            taken: 0,
            hand_in: None,
            look: None,
        };
        events.iter().for_each(|event| run.happen(event));
        // Whatever was begun ends, and nobody has a lease any more: what lies somewhere is taken back.
        for _ in 0..LONG {
            while let Some(wanted) = run.open.pop() {
                run.answer(wanted, 0);
            }
            run.pass(60);
        }
        prop_assert_eq!((run.has, run.marks, run.machine.lots.len()), (BTreeSet::new(), BTreeSet::new(), 0));
    }
}
