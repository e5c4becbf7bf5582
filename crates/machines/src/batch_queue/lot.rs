//! Items that are handed in together, from then until each has ended.

use super::message::{Batch, BatchEffect, Call, Item, Offer};
use crate::job::{Brief, Ending, FailureCause, Work};
use domain::credential::Lease;
use domain::evidence::Class;
use domain::fingerprint::Fingerprint;
use domain::ids::{BatchId, SessionId};
use domain::time::Moment;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum State {
    /// To be handed in with this token, once.
    Leaving { token: Fingerprint, calls: Vec<Call> },
    /// In a provider's batch.
    Lying {
        id: BatchId,
        /// Then it is taken back.
        until: Moment,
        /// How its items ended; none before the batch has.
        endings: Vec<Ending>,
        /// The provider will never answer it.
        lost: bool,
    },
    /// The items are gone, and the provider is to hear of it.
    TakenBack(BatchId),
}

impl State {
    pub(super) const fn lying(id: BatchId, until: Moment) -> Self {
        Self::Lying { id, until, endings: Vec::new(), lost: false }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Lot {
    /// In whose name leases are asked for: the first item's.
    pub(super) leader: Brief,
    pub(super) items: Vec<Item>,
    pub(super) state: State,
}

impl Lot {
    /// Of offers of one group; none when there are none.
    pub(super) fn leaving(offers: Vec<Offer>) -> Option<Self> {
        let (leader, token) = offers.first().map(|offer| (offer.item.brief.clone(), offer.token))?;
        let (items, calls) = offers.into_iter().map(|offer| (offer.item, offer.call)).unzip();
        Some(Self { leader, items, state: State::Leaving { token, calls } })
    }

    pub(super) fn holds(&self, session: &SessionId) -> bool {
        self.items.iter().any(|item| item.brief.session == *session)
    }

    pub(super) fn sessions(&self) -> Vec<SessionId> {
        self.items.iter().map(|item| item.brief.session.clone()).collect()
    }

    pub(super) const fn is_lying(&self) -> bool {
        matches!(self.state, State::Lying { .. })
    }

    /// The batch it lies in.
    pub(super) fn lies_in(&self) -> Option<&BatchId> {
        match &self.state {
            State::Lying { id, .. } => Some(id),
            State::Leaving { .. } | State::TakenBack(_) => None,
        }
    }

    /// Takes the items back if the batch has taken too long; also the batch's name, then.
    pub(super) fn take_back(&mut self, now: Moment) -> Option<(Vec<Item>, BatchId)> {
        let id = match &self.state {
            State::Lying { id, until, .. } if now >= *until => id.clone(),
            _ => return None,
        };
        self.state = State::TakenBack(id.clone());
        Some((std::mem::take(&mut self.items), id))
    }

    /// What a look says about the batch.
    pub(super) fn saw(&mut self, work: &Work, seen: Vec<Ending>) {
        let State::Lying { endings, lost, .. } = &mut self.state else { return };
        *endings = seen;
        if !endings.is_empty() {
            // Whatever was forgotten is not to lie here for ever.
            let why = "the batch ended without a result".to_owned();
            endings.resize(self.items.len(), Ending::Failed { cause: FailureCause::Answer, why });
        }
        *lost = match work {
            Work::Failed { evidence: Some(evidence), .. } => evidence.class == Class::RequestRefused,
            Work::Unusable { .. } => true,
            _ => false,
        };
    }

    /// What is to be done with a lease; none when it is of no use.
    pub(super) fn next_step(&self, lease: &Lease) -> Option<BatchEffect> {
        let (items, lease) = (self.items.clone(), lease.clone());
        match &self.state {
            State::Leaving { token, calls } => {
                let calls = calls.clone();
                (lease.fingerprint() == *token).then_some(BatchEffect::HandIn { items, calls, lease })
            }
            State::Lying { id, .. } => {
                Some(BatchEffect::Look { batch: Batch { id: id.clone(), items }, lease })
            }
            State::TakenBack(id) => {
                Some(BatchEffect::Cancel { leader: self.leader.clone(), batch: id.clone(), lease })
            }
        }
    }

    /// How each item ends, if a job that ended so settles that; else the batch is looked at again.
    pub(super) fn settled_by(&self, ending: Ending) -> Option<Vec<Ending>> {
        match &self.state {
            State::Leaving { .. } => Some(vec![not_handed_in(ending); self.items.len()]),
            State::Lying { lost: true, .. } => Some(vec![ending; self.items.len()]),
            State::Lying { endings, .. } => (!endings.is_empty()).then(|| endings.clone()),
            State::TakenBack(_) => Some(Vec::new()),
        }
    }
}

/// A lease of another token than the work was offered with is given back, and the next sweep offers it anew.
fn not_handed_in(ending: Ending) -> Ending {
    match ending {
        Ending::Waiting { .. } | Ending::Failed { .. } => ending,
        Ending::Nothing | Ending::Queued | Ending::Done { .. } => {
            let why = "the token changed before the work was handed in".to_owned();
            Ending::Failed { cause: FailureCause::Credential, why }
        }
    }
}
