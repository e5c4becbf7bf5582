//! Items that are handed in together, from then until each has ended.

use super::message::{Batch, BatchEffect, Found, Item, Offer, Trace};
use super::order::Order;
use crate::job::{Brief, Ending, FailureCause, Work};
use domain::access::WaitReason;
use domain::credential::Lease;
use domain::evidence::Class;
use domain::ids::{BatchId, BatchMark, SessionId};
use domain::time::Moment;
use std::time::Duration;

/// So long a batch that was cancelled may take to end. OpenAI's are "cancelling" for up to 10 minutes, and Anthropic finishes
/// what it cannot interrupt (their references of the cancel endpoints).
pub const SETTLED_WITHIN: Duration = Duration::from_secs(600);

/// So many looks in a row may be answered with what is no news of the batch (not there, not now, a page of some proxy) before it
/// is given up: what it did is paid for.
const ODD_LOOKS: u8 = 3;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum State {
    /// To be handed in.
    Leaving(Order),
    /// Handed in, perhaps.
    Missing {
        trace: Trace,
        /// To be handed in again if it was not taken; the calls of before a restart are gone.
        order: Option<Order>,
        /// Then it is not looked for any more.
        until: Moment,
    },
    /// In a provider's batch.
    Lying(Stay),
    /// Nowhere: it was not handed in, and its calls are gone.
    Back,
    /// The items are gone, and the provider is to hear of it.
    TakenBack(BatchId),
}

/// What is known of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Stay {
    mark: BatchMark,
    id: BatchId,
    /// Then it is cancelled, or, if it was, not waited for any more.
    until: Moment,
    recall: Recall,
    /// How its items ended; none before the batch has.
    endings: Vec<Ending>,
    /// How many looks in a row were answered with what is no news.
    odd: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Recall {
    No,
    /// The provider is to cancel it.
    Due,
    /// The provider was told so.
    Told,
}

/// Whether a look at a batch was answered, and not with how far it is.
fn is_no_news(work: &Work) -> bool {
    match work {
        Work::Failed { evidence: Some(evidence), .. } => evidence.class == Class::RequestRefused,
        Work::Unusable { .. } => true,
        _ => false,
    }
}

impl State {
    pub(super) const fn lying(mark: BatchMark, id: BatchId, until: Moment) -> Self {
        Self::Lying(Stay { mark, id, until, recall: Recall::No, endings: Vec::new(), odd: 0 })
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
        Some(Self { leader, items, state: State::Leaving(Order::new(token, calls)) })
    }

    pub(super) fn holds(&self, session: &SessionId) -> bool {
        self.known().any(|item| item.brief.session == *session)
    }

    pub(super) fn sessions(&self) -> Vec<SessionId> {
        self.known().map(|item| item.brief.session.clone()).collect()
    }

    /// Items whose sessions were not forgotten.
    fn known(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.is_forgotten())
    }

    /// Whether the provider is asked about it every minute.
    pub(super) const fn is_looked_after(&self) -> bool {
        matches!(self.state, State::Lying(_) | State::Missing { .. })
    }

    /// Whether nothing is left to do about it, for anybody.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, State::Back) && self.items.is_empty()
    }

    /// The batch it lies in, by our name.
    pub(super) const fn lies_in(&self) -> Option<&BatchMark> {
        match &self.state {
            State::Lying(stay) => Some(&stay.mark),
            _ => None,
        }
    }

    /// Our name for what was handed in.
    pub(super) const fn mark(&self) -> Option<&BatchMark> {
        match &self.state {
            State::Lying(Stay { mark, .. }) | State::Missing { trace: Trace { mark, .. }, .. } => Some(mark),
            State::Leaving(_) | State::Back | State::TakenBack(_) => None,
        }
    }

    /// What is still to be handed in.
    pub(super) const fn order(&mut self) -> Option<&mut Order> {
        match &mut self.state {
            State::Leaving(order) => Some(order),
            _ => None,
        }
    }

    /// When handing in is tried again.
    pub(super) const fn due(&self) -> Option<Moment> {
        match &self.state {
            State::Leaving(order) => order.due(),
            _ => None,
        }
    }

    /// No answer said whether it was taken in.
    pub(super) fn miss(&mut self, trace: Trace, until: Moment) {
        if let State::Leaving(order) = &mut self.state {
            let order = Some(order.clone());
            self.state = State::Missing { trace, order, until };
        }
    }

    /// What the provider's list says about it; the mark that nothing came of, if that is so.
    pub(super) fn sought(&mut self, found: Found, now: Moment) -> Option<BatchMark> {
        let State::Missing { trace, order, until } = &mut self.state else { return None };
        let (mark, until) = (trace.mark.clone(), *until);
        match found {
            Found::Unclear => None,
            Found::There(id) => {
                self.state = State::lying(mark, id, until);
                None
            }
            Found::NotThere => {
                self.state = order.take().map_or(State::Back, |mut order| {
                    order.resume(now);
                    State::Leaving(order)
                });
                Some(mark)
            }
        }
    }

    /// What has taken too long: a batch is cancelled first, and later given up. The items that are given up, and the mark.
    pub(super) fn run_late(&mut self, now: Moment) -> Option<(Vec<Item>, BatchMark)> {
        let (mark, next) = match &mut self.state {
            State::Lying(stay) if now >= stay.until && stay.recall == Recall::No => {
                (stay.recall, stay.until) = (Recall::Due, now.after(SETTLED_WITHIN));
                return None;
            }
            State::Lying(stay) if now >= stay.until => (stay.mark.clone(), State::TakenBack(stay.id.clone())),
            State::Missing { trace, until, .. } if now >= *until => (trace.mark.clone(), State::Back),
            _ => return None,
        };
        self.state = next;
        Some((std::mem::take(&mut self.items), mark))
    }

    /// What a look says about the batch.
    pub(super) fn saw(&mut self, work: &Work, seen: Vec<Ending>, now: Moment) {
        let State::Lying(stay) = &mut self.state else { return };
        stay.endings = seen;
        if !stay.endings.is_empty() {
            // Whatever was forgotten is not to lie here for ever.
            let why = "the batch ended without a result".to_owned();
            stay.endings.resize(self.items.len(), Ending::Failed { cause: FailureCause::Answer, why });
        }
        stay.odd = if is_no_news(work) { stay.odd.saturating_add(1) } else { 0 };
        if stay.odd == ODD_LOOKS && stay.recall == Recall::No {
            stay.until = stay.until.min(now);
        }
    }

    /// The next of its sessions asks from now on, since nobody has a credential for this one; not one of those that `ask` already.
    pub(super) fn change_leader(&mut self, asks: impl Fn(&SessionId) -> bool) {
        let place = self.items.iter().position(|item| item.brief.session == self.leader.session);
        let after = place.map_or(0, |place| place + 1);
        let mut next = self.items.iter().cycle().skip(after).take(self.items.len());
        if let Some(item) = next.find(|item| !item.is_forgotten() && !asks(&item.brief.session)) {
            self.leader = item.brief.clone();
        }
    }

    /// What is to be done with a lease; none when it is of no use.
    pub(super) fn next_step(&mut self, lease: &Lease) -> Option<BatchEffect> {
        let (leader, items, lease) = (self.leader.clone(), self.items.clone(), lease.clone());
        match &mut self.state {
            // It was asked for before they were forgotten; without them, in another name, it is asked for at once.
            State::Leaving(order) if items.iter().any(Item::is_forgotten) => {
                order.resume_at(Moment::default());
                None
            }
            State::Leaving(order) => {
                order.begin();
                let calls = order.calls.clone();
                (lease.fingerprint() == order.token).then_some(BatchEffect::HandIn { items, calls, lease })
            }
            State::Missing { trace, .. } => {
                Some(BatchEffect::Seek { leader, trace: trace.clone(), items, lease })
            }
            State::Lying(stay) if stay.recall == Recall::Due => {
                stay.recall = Recall::Told;
                Some(BatchEffect::Cancel { leader, batch: stay.id.clone(), lease })
            }
            State::Lying(Stay { mark, id, .. }) => {
                let batch = Batch { mark: mark.clone(), id: id.clone(), leader, items };
                Some(BatchEffect::Look { batch, lease })
            }
            State::Back => None,
            State::TakenBack(id) => Some(BatchEffect::Abandon { leader, batch: id.clone(), lease }),
        }
    }

    /// How each item ends, if a job that ended so settles that; else there will be another job.
    pub(super) fn settled_by(&mut self, ending: Ending, now: Moment) -> Option<Vec<Ending>> {
        let each = |ending: Ending| Some(vec![ending; self.items.len()]);
        match &mut self.state {
            State::Leaving(order) => {
                if let Ending::Waiting { ask_again_at, .. } = &ending
                    && order.due().is_none()
                {
                    order.postpone(now, ask_again_at.unwrap_or(now));
                }
                if order.due().is_some() { None } else { each(order.given_up(ending)) }
            }
            State::Missing { .. } => None,
            State::Lying(Stay { endings, .. }) => (!endings.is_empty()).then(|| endings.clone()),
            State::Back => each(Ending::Waiting { reason: WaitReason::Busy, ask_again_at: None }),
            State::TakenBack(_) => Some(Vec::new()),
        }
    }
}
