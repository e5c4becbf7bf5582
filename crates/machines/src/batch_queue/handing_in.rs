//! Collected offers on their way to the provider, as often as it takes.

use super::looking::refused;
use super::lot::{Lot, State};
use super::order::Order;
use super::{BatchEffect, BatchMachine, HandedIn, longest};
use crate::job::{Brief, Work};
use domain::evidence::{Class, Evidence};
use domain::fingerprint::Fingerprint;
use domain::ids::SessionId;
use domain::time::Moment;
use std::time::Duration;

impl BatchMachine {
    pub(super) fn hand_in_due(&mut self, now: Moment, effects: &mut Vec<BatchEffect>) {
        for lot in self.piles.take_due(now).into_iter().filter_map(Lot::leaving) {
            let leader = lot.leader.clone();
            self.lots.insert(leader.session.clone(), lot);
            self.want(leader, now, effects);
        }
        self.try_again(now, effects);
        self.arm_hand_in(now, effects);
    }

    fn try_again(&mut self, now: Moment, effects: &mut Vec<BatchEffect>) {
        let due = self.postponed().filter(|(due, _)| *due <= now);
        let due: Vec<Brief> = due.map(|(_, lot)| lot.leader.clone()).collect();
        for leader in due {
            self.lots.get_mut(&leader.session).and_then(Lot::order).map(Order::begin).unwrap_or_default();
            self.want(leader, now, effects);
        }
    }

    /// What is to be handed in again, and when. What is being reported is not yet.
    fn postponed(&self) -> impl Iterator<Item = (Moment, &Lot)> {
        let idle = self.lots.iter().filter(|(leader, _)| !self.bench.is_busy(leader));
        idle.filter_map(|(_, lot)| Some((lot.due()?, lot)))
    }

    pub(super) fn arm_hand_in(&self, now: Moment, effects: &mut Vec<BatchEffect>) {
        let again = self.postponed().map(|(due, _)| due.since(now)).min();
        let next = self.piles.next_due(now).into_iter().chain(again).min();
        effects.extend(next.map(BatchEffect::ArmHandIn));
    }

    pub(super) fn handed_in(
        &mut self,
        leader: &SessionId,
        outcome: HandedIn,
        work: &Work,
        chance: u64,
        now: Moment,
    ) {
        let Some(lot) = self.lots.get_mut(leader) else { return };
        let upstream = lot.leader.upstream.clone();
        let until = now.after(longest(upstream.provider()));
        match outcome {
            HandedIn::Taken(mark, id) => lot.state = State::lying(mark, id, until),
            HandedIn::Lacking => self.welcome.end_at(upstream, now),
            HandedIn::Refused => {
                let sessions = lot.sessions();
                self.do_without(&sessions, refused(work), now);
            }
            HandedIn::Later => {
                if let Some(order) = lot.order() {
                    order.failed(now, chance);
                    order.postpone(now, now.after(wished(work)));
                }
            }
            HandedIn::Unknown(trace) => {
                lot.order().map(|order| order.failed(now, chance)).unwrap_or_default();
                lot.miss(trace, until);
            }
        }
    }

    pub(super) fn do_without(&mut self, sessions: &[SessionId], refused: Option<Fingerprint>, now: Moment) {
        sessions.iter().for_each(|session| self.welcome.end_for(session, refused, now));
    }
}

/// How long the provider asks to wait.
const fn wished(work: &Work) -> Duration {
    match work {
        Work::Failed {
            evidence: Some(Evidence { class: Class::Throttled { retry_after: Some(wait) }, .. }),
            ..
        } => *wait,
        _ => Duration::ZERO,
    }
}
