//! Work that goes into a provider's batch: collected, handed in together, looked after every minute until the provider is
//! done with it, and taken back when that takes too long.
//!
//! What the queue knows against batches for a session or an upstream, it heard from providers. Handing in, each look and
//! cancelling are jobs like any other: they ask the one admission, work with the lease, and report. A batch asks in the name
//! of its first item's session.
//!
//! Nothing here is needed: the work is pending in the store until its result is kept. What is forgotten, or comes to
//! nothing, is done the direct way by the next sweep.

mod lot;
mod message;
mod pile;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod welcome;

pub use message::{Batch, BatchEffect, BatchMessage, BatchReply, Call, HandedIn, Item, Offer, Stretch};
pub use pile::{COLLECTED_FOR, MOST};

use crate::job::{Bench, Brief, Ending, FailureCause, JobEffect, JobMessage, Work};
use domain::credential::{CredentialKind, Lease};
use domain::ids::SessionId;
use domain::provider::Provider;
use domain::time::Moment;
use lot::{Lot, State};
use pile::Piles;
use std::collections::BTreeMap;
use std::time::Duration;
use welcome::Welcome;

/// Items at once. Beyond that, work goes the direct way.
pub const ROOM: usize = 256;
/// How often a batch is looked at.
pub const EVERY: Duration = Duration::from_secs(60);

/// How long work may lie in a batch before it is taken back.
#[must_use]
pub const fn longest(provider: Provider) -> Duration {
    match provider {
        Provider::Anthropic => Duration::from_secs(3600),
        Provider::OpenAi => Duration::from_secs(4 * 3600),
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BatchMachine {
    enabled: bool,
    piles: Piles,
    /// By the session in whose name they ask.
    lots: BTreeMap<SessionId, Lot>,
    bench: Bench,
    welcome: Welcome,
    armed: bool,
}

impl BatchMachine {
    /// An empty queue; `enabled` says whether anything may go into it.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled,
            piles: Piles::default(),
            lots: BTreeMap::new(),
            bench: Bench::with_room_in_line(ROOM),
            welcome: Welcome::default(),
            armed: false,
        }
    }

    /// Takes one message in.
    pub fn on(&mut self, message: BatchMessage, now: Moment, effects: &mut Vec<BatchEffect>) -> BatchReply {
        match message {
            BatchMessage::Offered(offer) => return self.offered(offer, now, effects),
            BatchMessage::HandInDue => self.hand_in_due(now, effects),
            BatchMessage::HandedIn { leader, lease, outcome, work } => {
                self.handed_in(&leader, outcome, now);
                self.job(JobMessage::Performed { session: leader, lease, work }, effects);
                self.arm(effects);
            }
            BatchMessage::LookDue => self.look_due(now, effects),
            BatchMessage::Looked { leader, lease, work, endings } => {
                self.looked(&leader, &work, endings);
                self.job(JobMessage::Performed { session: leader, lease, work }, effects);
            }
            BatchMessage::Restored(batches) => {
                batches.into_iter().for_each(|(batch, age)| self.restored(batch, age, now, effects));
                self.arm(effects);
            }
            BatchMessage::Job(message) => self.job(message, effects),
        }
        BatchReply::Noted
    }

    fn offered(&mut self, offer: Offer, now: Moment, effects: &mut Vec<BatchEffect>) -> BatchReply {
        let brief = offer.item.brief.clone();
        let lies = self.holds(&brief.session);
        if !lies && !self.has_room_for(&brief) {
            return BatchReply::Direct;
        }
        effects.push(BatchEffect::Over { brief, ending: Ending::Queued });
        if !lies {
            self.piles.add(offer, now);
            self.hand_in_due(now, effects);
        }
        BatchReply::Queued
    }

    fn holds(&self, session: &SessionId) -> bool {
        self.piles.hold(session) || self.lots.values().any(|lot| lot.holds(session))
    }

    fn has_room_for(&self, brief: &Brief) -> bool {
        let lying: usize = self.lots.values().map(|lot| lot.items.len()).sum();
        self.enabled && self.welcome.extends_to(brief) && self.piles.len() + lying < ROOM
    }

    fn hand_in_due(&mut self, now: Moment, effects: &mut Vec<BatchEffect>) {
        for offers in self.piles.take_due(now) {
            if let Some(lot) = Lot::leaving(offers) {
                self.begin(lot, effects);
            }
        }
        effects.extend(self.piles.next_due(now).map(BatchEffect::ArmHandIn));
    }

    fn begin(&mut self, lot: Lot, effects: &mut Vec<BatchEffect>) {
        let leader = lot.leader.clone();
        self.lots.insert(leader.session.clone(), lot);
        self.want(leader, effects);
    }

    fn want(&mut self, leader: Brief, effects: &mut Vec<BatchEffect>) {
        let mut steps = Vec::new();
        self.bench.wanted(leader, &mut steps);
        self.take(steps, effects);
    }

    fn handed_in(&mut self, leader: &SessionId, outcome: HandedIn, now: Moment) {
        let Some(lot) = self.lots.get_mut(leader) else { return };
        match outcome {
            HandedIn::Taken(id) => {
                let until = now.after(longest(lot.leader.upstream.provider()));
                lot.state = State::lying(id, until);
            }
            HandedIn::Lacking => self.welcome.end_at(lot.leader.upstream.clone()),
            HandedIn::Refused => lot.sessions().iter().for_each(|session| self.welcome.end_for(session)),
        }
    }

    fn restored(&mut self, batch: Batch, age: Duration, now: Moment, effects: &mut Vec<BatchEffect>) {
        let Some(leader) = batch.items.first().map(|item| item.brief.clone()) else { return };
        if self.lots.contains_key(&leader.session) {
            return;
        }
        let queued = |item: &Item| BatchEffect::Over { brief: item.brief.clone(), ending: Ending::Queued };
        effects.extend(batch.items.iter().map(queued));
        let until = now.after(longest(leader.upstream.provider()).saturating_sub(age));
        let state = State::lying(batch.id, until);
        self.lots.insert(leader.session.clone(), Lot { leader, items: batch.items, state });
    }

    fn arm(&mut self, effects: &mut Vec<BatchEffect>) {
        if !self.armed && self.lots.values().any(Lot::is_lying) {
            self.armed = true;
            effects.push(BatchEffect::ArmLook(EVERY));
        }
    }

    fn look_due(&mut self, now: Moment, effects: &mut Vec<BatchEffect>) {
        self.armed = false;
        let idle = self.lots.iter().filter(|(leader, lot)| lot.is_lying() && !self.bench.is_busy(leader));
        let idle: Vec<_> = idle.map(|(leader, lot)| (leader.clone(), lot.leader.clone())).collect();
        for (session, leader) in idle {
            self.take_back_if_late(&session, now, effects);
            self.want(leader, effects);
        }
        self.arm(effects);
    }

    /// The items go at once, whether or not anybody can be told that the batch is not wanted any more.
    fn take_back_if_late(&mut self, leader: &SessionId, now: Moment, effects: &mut Vec<BatchEffect>) {
        let taken_back = self.lots.get_mut(leader).and_then(|lot| lot.take_back(now));
        if let Some((items, id)) = taken_back {
            let why = "the batch was not done in time".to_owned();
            let ending = Ending::Failed { cause: FailureCause::Provider, why };
            items.into_iter().for_each(|item| self.lay_for_nothing(item, ending.clone(), effects));
            effects.push(BatchEffect::Forget(id));
        }
    }

    fn lay_for_nothing(&mut self, item: Item, ending: Ending, effects: &mut Vec<BatchEffect>) {
        self.welcome.end_for(&item.brief.session);
        effects.push(BatchEffect::Over { brief: item.brief, ending });
    }

    fn looked(&mut self, leader: &SessionId, work: &Work, endings: Vec<Ending>) {
        let Some(lot) = self.lots.get_mut(leader) else { return };
        lot.saw(work, endings);
        if matches!(work, Work::Refused { evidence } if matches!(evidence.status, 401 | 403)) {
            lot.sessions().iter().for_each(|session| self.welcome.end_for(session));
        }
    }

    fn job(&mut self, message: JobMessage, effects: &mut Vec<BatchEffect>) {
        let mut steps = Vec::new();
        self.bench.on(message, &mut steps);
        self.take(steps, effects);
    }

    fn take(&mut self, steps: Vec<JobEffect>, effects: &mut Vec<BatchEffect>) {
        for step in steps {
            match step {
                JobEffect::Ask(brief) => effects.push(BatchEffect::Ask(brief)),
                JobEffect::Perform { brief, lease } => self.perform(brief.session, lease, effects),
                JobEffect::Report { brief, lease, work } => {
                    effects.push(BatchEffect::Report { brief, lease, work });
                }
                JobEffect::Ended { brief, ending } => self.ended(&brief.session, ending, effects),
            }
        }
    }

    /// A lease that is not for this is given back unused.
    fn perform(&mut self, leader: SessionId, lease: Lease, effects: &mut Vec<BatchEffect>) {
        let is_key = lease.credential.kind == CredentialKind::ApiKey;
        let lot = self.lots.get(&leader).filter(|_| is_key);
        match lot.and_then(|lot| lot.next_step(&lease)) {
            Some(effect) => effects.push(effect),
            None => {
                let work = Work::Nothing;
                self.job(JobMessage::Performed { session: leader, lease, work }, effects);
            }
        }
    }

    /// A look that settled nothing is followed by another. Nothing else is tried twice.
    fn ended(&mut self, leader: &SessionId, ending: Ending, effects: &mut Vec<BatchEffect>) {
        let Some(endings) = self.lots.get(leader).and_then(|lot| lot.settled_by(ending)) else { return };
        let Some(lot) = self.lots.remove(leader) else { return };
        let lay = lot.lies_in().cloned();
        for (item, ending) in lot.items.into_iter().zip(endings) {
            if lay.is_some() && matches!(ending, Ending::Failed { .. }) {
                self.lay_for_nothing(item, ending, effects);
            } else {
                effects.push(BatchEffect::Over { brief: item.brief, ending });
            }
        }
        effects.extend(lay.map(BatchEffect::Forget));
    }
}
