//! The steps of the jobs: handing in, each look, and cancelling ask, work with the lease, and report.

use super::{BatchEffect, BatchMachine};
use crate::job::{Brief, Ending, JobEffect, JobMessage, Work};
use domain::credential::{CredentialKind, Lease};
use domain::ids::SessionId;
use domain::time::Moment;

impl BatchMachine {
    pub(super) fn want(&mut self, leader: Brief, now: Moment, effects: &mut Vec<BatchEffect>) {
        let mut steps = Vec::new();
        self.bench.wanted(leader, &mut steps);
        self.take(steps, now, effects);
    }

    pub(super) fn performed(
        &mut self,
        session: SessionId,
        lease: Lease,
        work: Work,
        now: Moment,
        effects: &mut Vec<BatchEffect>,
    ) {
        self.job(JobMessage::Performed { session, lease, work }, now, effects);
        self.arm_look(effects);
    }

    pub(super) fn job(&mut self, message: JobMessage, now: Moment, effects: &mut Vec<BatchEffect>) {
        let mut steps = Vec::new();
        self.bench.on(message, &mut steps);
        self.take(steps, now, effects);
    }

    fn take(&mut self, steps: Vec<JobEffect>, now: Moment, effects: &mut Vec<BatchEffect>) {
        for step in steps {
            match step {
                JobEffect::Ask(brief) => effects.push(BatchEffect::Ask(brief)),
                JobEffect::Perform { brief, lease } => self.perform(brief.session, lease, now, effects),
                JobEffect::Report { brief, lease, work } => {
                    effects.push(BatchEffect::Report { brief, lease, work });
                }
                JobEffect::Ended { brief, ending } => {
                    self.ended(&brief.session, ending, now, effects);
                    self.let_go();
                }
            }
        }
    }

    /// A lease that is not for this is given back unused.
    fn perform(&mut self, leader: SessionId, lease: Lease, now: Moment, effects: &mut Vec<BatchEffect>) {
        let is_key = lease.credential.kind == CredentialKind::ApiKey;
        let lot = self.lots.get_mut(&leader).filter(|_| is_key);
        match lot.and_then(|lot| lot.next_step(&lease)) {
            Some(effect) => effects.push(effect),
            None => {
                let work = Work::Nothing;
                self.job(JobMessage::Performed { session: leader, lease, work }, now, effects);
            }
        }
    }

    /// The agent of the first session may never return, while those of others have long been back.
    fn ask_in_another_name(&mut self, leader: &SessionId) {
        let Some(mut lot) = self.lots.remove(leader) else { return };
        if lot.is_looked_after() {
            lot.change_leader(|session| self.lots.contains_key(session));
        }
        self.lots.insert(lot.leader.session.clone(), lot);
    }

    /// What a job did not settle is followed by another: a look by a look, and what may pass by itself by another try.
    fn ended(&mut self, leader: &SessionId, ending: Ending, now: Moment, effects: &mut Vec<BatchEffect>) {
        let has_no_credential = matches!(ending, Ending::Waiting { .. });
        let Some(endings) = self.lots.get_mut(leader).map(|lot| lot.settled_by(ending, now)) else { return };
        let Some(endings) = endings else {
            if has_no_credential {
                self.ask_in_another_name(leader);
            }
            return self.arm_hand_in(now, effects);
        };
        let Some(mut lot) = self.lots.remove(leader) else { return };
        let lay = lot.lies_in().cloned();
        let was_tried = lot.order().is_some_and(|order| order.was_tried());
        let known = lot.items.into_iter().zip(endings).filter(|(item, _)| !item.is_forgotten());
        for (item, ending) in known {
            if was_tried || (lay.is_some() && matches!(ending, Ending::Failed { .. })) {
                self.lay_for_nothing(item, ending, now, effects);
            } else {
                effects.push(BatchEffect::Over { brief: item.brief, ending });
            }
        }
        effects.extend(lay.map(BatchEffect::Forget));
    }
}
