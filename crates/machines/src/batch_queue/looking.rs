//! What lies at a provider, or may: looked for, looked at every minute, and given up when it takes too long.

use super::lot::{Lot, SETTLED_WITHIN, State};
use super::{BatchEffect, BatchMachine, EVERY, Found, Item, Past, Whereabouts, longest};
use crate::job::{Brief, Ending, FailureCause, Work};
use domain::fingerprint::Fingerprint;
use domain::ids::SessionId;
use domain::time::Moment;

impl BatchMachine {
    /// What was long ago is cancelled, or given up, at the first look; what is missing is looked for before.
    pub(super) fn restored(&mut self, past: Past, now: Moment, effects: &mut Vec<BatchEffect>) {
        let Past { whereabouts, leader, items, age } = past;
        if self.lots.contains_key(&leader.session) || items.is_empty() {
            return;
        }
        let queued = |item: &Item| BatchEffect::Over { brief: item.brief.clone(), ending: Ending::Queued };
        effects.extend(items.iter().filter(|item| !item.is_forgotten()).map(queued));
        let left = longest(leader.upstream.provider()).saturating_sub(age);
        let state = match whereabouts {
            Whereabouts::Lying(mark, id) => State::lying(mark, id, now.after(left)),
            Whereabouts::Missing(trace) => {
                State::Missing { trace, order: None, until: now.after(left.max(SETTLED_WITHIN)) }
            }
        };
        self.lots.insert(leader.session.clone(), Lot { leader, items, state });
    }

    pub(super) fn arm_look(&mut self, effects: &mut Vec<BatchEffect>) {
        if !self.armed && self.lots.values().any(Lot::is_looked_after) {
            self.armed = true;
            effects.push(BatchEffect::ArmLook(EVERY));
        }
    }

    pub(super) fn look_due(&mut self, now: Moment, effects: &mut Vec<BatchEffect>) {
        self.armed = false;
        let idle = |(leader, lot): &(&SessionId, &Lot)| lot.is_looked_after() && !self.bench.is_busy(leader);
        let idle: Vec<Brief> = self.lots.iter().filter(idle).map(|(_, lot)| lot.leader.clone()).collect();
        for leader in idle {
            self.give_up_if_late(&leader.session, now, effects);
            if self.lots.contains_key(&leader.session) {
                self.want(leader, now, effects);
            }
        }
        self.arm_look(effects);
    }

    /// The items go at once, whether or not anybody can be told that the batch is not wanted any more.
    fn give_up_if_late(&mut self, leader: &SessionId, now: Moment, effects: &mut Vec<BatchEffect>) {
        let given_up = self.lots.get_mut(leader).and_then(|lot| lot.run_late(now));
        if let Some((items, mark)) = given_up {
            let why = "the batch was not done in time".to_owned();
            let ending = Ending::Failed { cause: FailureCause::Provider, why };
            items.into_iter().for_each(|item| self.lay_for_nothing(item, ending.clone(), now, effects));
            effects.push(BatchEffect::Forget(mark));
            self.lots.retain(|_, lot| !lot.is_over());
        }
    }

    pub(super) fn lay_for_nothing(
        &mut self,
        item: Item,
        ending: Ending,
        now: Moment,
        effects: &mut Vec<BatchEffect>,
    ) {
        if !item.is_forgotten() {
            self.welcome.end_for(&item.brief.session, None, now);
            effects.push(BatchEffect::Over { brief: item.brief, ending });
        }
    }

    pub(super) fn sought(
        &mut self,
        leader: &SessionId,
        found: Found,
        work: &Work,
        now: Moment,
        effects: &mut Vec<BatchEffect>,
    ) {
        let Some(lot) = self.lots.get_mut(leader) else { return };
        effects.extend(lot.sought(found, now).map(BatchEffect::Forget));
        let sessions = lot.sessions();
        self.note_refusal(&sessions, work, now);
    }

    pub(super) fn looked(&mut self, leader: &SessionId, work: &Work, endings: Vec<Ending>, now: Moment) {
        let Some(lot) = self.lots.get_mut(leader) else { return };
        lot.saw(work, endings, now);
        let sessions = lot.sessions();
        self.note_refusal(&sessions, work, now);
    }

    fn note_refusal(&mut self, sessions: &[SessionId], work: &Work, now: Moment) {
        if let Some(token) = refused(work) {
            self.do_without(sessions, Some(token), now);
        }
    }
}

/// The token that a provider would not have there (R13 goes by the status).
pub(super) fn refused(work: &Work) -> Option<Fingerprint> {
    match work {
        Work::Refused { evidence } if matches!(evidence.status, 401 | 403) => Some(evidence.fingerprint),
        _ => None,
    }
}
