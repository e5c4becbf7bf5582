//! Work that lies in a provider's batch: looked after every minute until the provider is done with it, or a day is over.
//!
//! It is asked first, whether work of a session may go into a batch at all; what it knows against that, it heard from
//! providers. Each look is a job like any other: it asks the one admission, looks with the lease, and reports.
//!
//! Nothing here is needed: the work is pending in the store until its result is kept. What is forgotten, or comes to
//! nothing, is done the direct way by the next sweep.

mod message;
#[cfg(test)]
mod tests;

pub use message::{BatchEffect, BatchMessage, BatchReply, Item, Stretch};

use crate::job::{AT_ONCE, Bench, Brief, Ending, FailureCause, JobEffect, JobMessage, Work};
use domain::evidence::Class;
use domain::ids::SessionId;
use domain::provider::UpstreamKey;
use domain::time::Moment;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Items at once. Beyond that, work goes the direct way.
pub const ROOM: usize = 256;
/// How often an item is looked at.
pub const EVERY: Duration = Duration::from_secs(60);
/// Providers give a batch up after a day, and so does the queue.
pub const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Sessions of which is remembered that batches are nothing for them; the oldest are forgotten first.
const REMEMBERED: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Entry {
    item: Item,
    since: Moment,
    /// The provider will never answer it.
    lost: bool,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BatchMachine {
    enabled: bool,
    entries: BTreeMap<SessionId, Entry>,
    bench: Bench,
    /// Sessions whose work goes the direct way from now on.
    unwelcome: VecDeque<SessionId>,
    /// Upstreams without such an endpoint.
    lacking: BTreeSet<UpstreamKey>,
    armed: bool,
}

impl BatchMachine {
    /// An empty queue; `enabled` says whether anything may go into it.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled,
            entries: BTreeMap::new(),
            bench: Bench::with_room_in_line(ROOM),
            unwelcome: VecDeque::new(),
            lacking: BTreeSet::new(),
            armed: false,
        }
    }

    /// Takes one message in.
    pub fn on(&mut self, message: BatchMessage, now: Moment, effects: &mut Vec<BatchEffect>) -> BatchReply {
        match message {
            BatchMessage::MayQueue { session, upstream } => return self.may_queue(&session, &upstream),
            BatchMessage::Queued(item) => self.queued(item, now, effects),
            BatchMessage::Unwelcome(session) => self.leave_out(&session),
            BatchMessage::Lacking(upstream) => drop(self.lacking.insert(upstream)),
            BatchMessage::LookDue => self.look_due(now, effects),
            BatchMessage::Job(message) => self.job(message, effects),
        }
        BatchReply::Noted
    }

    /// So many submissions may be under way at once that have not been told yet.
    fn may_queue(&self, session: &SessionId, upstream: &UpstreamKey) -> BatchReply {
        let room = self.entries.len() + AT_ONCE <= ROOM && !self.entries.contains_key(session);
        let welcome = !self.unwelcome.contains(session) && !self.lacking.contains(upstream);
        if self.enabled && room && welcome { BatchReply::Queue } else { BatchReply::Direct }
    }

    fn queued(&mut self, item: Item, now: Moment, effects: &mut Vec<BatchEffect>) {
        self.entries.insert(item.brief.session.clone(), Entry { item, since: now, lost: false });
        self.arm(effects);
    }

    fn arm(&mut self, effects: &mut Vec<BatchEffect>) {
        if !self.armed && !self.entries.is_empty() {
            self.armed = true;
            effects.push(BatchEffect::ArmLook(EVERY));
        }
    }

    fn leave_out(&mut self, session: &SessionId) {
        if self.unwelcome.contains(session) {
            return;
        }
        self.unwelcome.push_back(session.clone());
        if self.unwelcome.len() > REMEMBERED {
            self.unwelcome.pop_front();
        }
    }

    fn look_due(&mut self, now: Moment, effects: &mut Vec<BatchEffect>) {
        self.armed = false;
        let idle = self.entries.values().filter(|entry| !self.bench.is_busy(&entry.item.brief.session));
        let due = idle.filter(|entry| now.since(entry.since) >= EVERY);
        let (old, young): (Vec<_>, Vec<_>) = due.partition(|entry| now.since(entry.since) >= LONGEST);
        let briefs = |entries: Vec<&Entry>| -> Vec<Brief> {
            entries.into_iter().map(|entry| entry.item.brief.clone()).collect()
        };
        let (old, young) = (briefs(old), briefs(young));
        for brief in old {
            let why = "the batch was not done within a day".to_owned();
            self.give_up(brief, Ending::Failed { cause: FailureCause::Provider, why }, effects);
        }
        let mut steps = Vec::new();
        young.into_iter().for_each(|brief| self.bench.wanted(brief, &mut steps));
        self.take(steps, effects);
        self.arm(effects);
    }

    fn job(&mut self, message: JobMessage, effects: &mut Vec<BatchEffect>) {
        if let JobMessage::Performed { session, work, .. } = &message {
            self.felt(session, work);
        }
        let mut steps = Vec::new();
        self.bench.on(message, &mut steps);
        self.take(steps, effects);
    }

    /// What a look says about the item, and about batches for its session.
    fn felt(&mut self, session: &SessionId, work: &Work) {
        match work {
            Work::Refused { evidence } if matches!(evidence.status, 401 | 403) => self.leave_out(session),
            Work::Failed { evidence: Some(evidence), .. } if evidence.class != Class::RequestRefused => {}
            Work::Failed { evidence: Some(_), .. } | Work::Unusable { .. } => {
                self.entries.entry(session.clone()).and_modify(|entry| entry.lost = true);
            }
            Work::Refused { .. }
            | Work::Failed { .. }
            | Work::Nothing
            | Work::Accepted { .. }
            | Work::Queued { .. } => {}
        }
    }

    fn take(&mut self, steps: Vec<JobEffect>, effects: &mut Vec<BatchEffect>) {
        for step in steps {
            match step {
                JobEffect::Ask(brief) => effects.push(BatchEffect::Ask(brief)),
                JobEffect::Perform { brief, lease } => {
                    // An item leaves only when no job of its session is under way.
                    let entry = self.entries.get(&brief.session);
                    effects.extend(entry.map(|it| BatchEffect::Look { item: it.item.clone(), lease }));
                }
                JobEffect::Report { brief, lease, work } => {
                    effects.push(BatchEffect::Report { brief, lease, work });
                }
                JobEffect::Ended { brief, ending } => self.ended(brief, ending, effects),
            }
        }
    }

    /// A look that settled nothing is followed by another.
    fn ended(&mut self, brief: Brief, ending: Ending, effects: &mut Vec<BatchEffect>) {
        let lost = self.entries.get(&brief.session).is_some_and(|entry| entry.lost);
        match ending {
            Ending::Done { .. } => {
                self.entries.remove(&brief.session);
                effects.push(BatchEffect::Over { brief, ending });
            }
            Ending::Failed { .. } if lost => self.give_up(brief, ending, effects),
            Ending::Nothing | Ending::Queued | Ending::Waiting { .. } | Ending::Failed { .. } => {}
        }
    }

    fn give_up(&mut self, brief: Brief, ending: Ending, effects: &mut Vec<BatchEffect>) {
        self.entries.remove(&brief.session);
        self.leave_out(&brief.session);
        effects.push(BatchEffect::Over { brief, ending });
    }
}
