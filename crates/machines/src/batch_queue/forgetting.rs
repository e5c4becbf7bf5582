//! What becomes of work whose session a person forgot. A call that was not handed in is not handed in any more. One that was is answered
//! and paid for all the same, so its place stays, under nobody's name; and what the batch asks for, it asks for in the name of another of
//! its sessions (R13: the token is leased anew each time, so it need not be the same session's).

use super::lot::{Lot, State};
use super::message::{Item, Stretch};
use super::{BatchEffect, BatchMachine};
use crate::job::{Brief, Ending};
use domain::ids::SessionId;

impl BatchMachine {
    pub(super) fn forgotten(&mut self, sessions: &[SessionId], effects: &mut Vec<BatchEffect>) {
        let mut gone = self.piles.forget(sessions);
        gone.extend(self.lots.values_mut().flat_map(|lot| lot.forget(sessions)));
        let over = |item: Item| BatchEffect::Over { brief: item.brief, ending: Ending::Nothing };
        effects.extend(gone.into_iter().map(over));
        self.let_go();
    }

    /// Between two jobs of a batch the names that were forgotten leave it; a job that is under way ends in the name in which it began.
    pub(super) fn let_go(&mut self) {
        let bench = &self.bench;
        let named = |leader: &SessionId, lot: &mut Lot| !bench.is_busy(leader) && lot.names_forgotten();
        let idle: Vec<(SessionId, Lot)> =
            self.lots.extract_if(.., |leader, lot| named(leader, lot)).collect();
        for (former, mut lot) in idle {
            let leader = lot.let_go();
            self.bench.renamed(&former, leader.as_ref());
            self.lots.extend(leader.map(|leader| (leader.session, lot)));
        }
    }
}

impl Lot {
    /// Forgets what the items of these sessions cover; what they were.
    fn forget(&mut self, sessions: &[SessionId]) -> Vec<Item> {
        let named = |item: &&mut Item| !item.is_forgotten() && sessions.contains(&item.brief.session);
        let forgotten = self.items.iter_mut().filter(named);
        forgotten
            .map(|item| std::mem::replace(item, Item { stretch: Stretch::default(), ..item.clone() }))
            .collect()
    }

    /// Whether a session that was forgotten is still named.
    fn names_forgotten(&self) -> bool {
        let nobody = self.nobody();
        self.items.iter().any(|item| item.is_forgotten() && Some(&item.brief.session) != nobody.as_ref())
    }

    /// Takes the names out, and calls that were not handed in; in whose name leases are asked for from now on, if there is anything left.
    fn let_go(&mut self) -> Option<Brief> {
        if let State::Leaving(order) = &mut self.state {
            let mut kept = self.items.iter().map(|item| !item.is_forgotten());
            order.calls.retain(|_| kept.next().unwrap_or_default());
            self.items.retain(|item| !item.is_forgotten());
        }
        if let Some(nobody) = self.nobody() {
            let forgotten = self.items.iter_mut().filter(|item| item.is_forgotten());
            forgotten.for_each(|item| item.brief.session = nobody.clone());
        }
        let known = self.items.iter().find(|item| !item.is_forgotten());
        self.leader = known.or(self.items.first())?.brief.clone();
        Some(self.leader.clone())
    }

    /// A name that no session has.
    fn nobody(&self) -> Option<SessionId> {
        self.mark().map(|mark| SessionId::from(mark.as_str()))
    }
}
