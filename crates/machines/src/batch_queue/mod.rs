//! Work that goes into a provider's batch: collected, handed in together, looked after every minute until the provider is
//! done with it, and taken back when that takes too long.
//!
//! What the queue knows against batches for a session or an upstream, it heard from providers. Handing in, each look and
//! cancelling are jobs like any other: they ask the one admission, work with the lease, and report. A batch asks in the name
//! of its first item's session, and when that is forgotten in another's.
//!
//! What cannot be handed in now is tried again for a while. When no answer says whether it was taken in, it is looked for in the
//! provider's list before that, so that it is not paid for twice; each batch carries a mark for that.
//!
//! Nothing here is needed: the work is pending in the store until its result is kept. What is forgotten, or comes to
//! nothing, is done the direct way by the next sweep.

mod forgetting;
mod handing_in;
mod looking;
mod lot;
mod message;
mod order;
mod pile;
#[cfg(test)]
mod properties;
mod steps;
#[cfg(test)]
mod tests;
mod welcome;

pub use lot::SETTLED_WITHIN;
pub use message::{
    Batch, BatchEffect, BatchMessage, BatchReply, Call, Found, HandedIn, Item, Offer, Past, Stretch, Trace,
    Whereabouts,
};
pub use order::HANDED_IN_WITHIN;
pub use pile::{COLLECTED_FOR, MOST};
pub use welcome::{LONG_REST, REST};

use crate::job::{Bench, Ending};
use domain::ids::SessionId;
use domain::provider::Provider;
use domain::time::Moment;
use lot::Lot;
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
            BatchMessage::HandedIn { leader, lease, outcome, work, chance } => {
                self.handed_in(&leader, outcome, &work, chance, now);
                self.performed(leader, lease, work, now, effects);
            }
            BatchMessage::LookDue => self.look_due(now, effects),
            BatchMessage::Sought { leader, lease, found, work } => {
                self.sought(&leader, found, &work, now, effects);
                self.performed(leader, lease, work, now, effects);
            }
            BatchMessage::Looked { leader, lease, work, endings } => {
                self.looked(&leader, &work, endings, now);
                self.performed(leader, lease, work, now, effects);
            }
            BatchMessage::Restored(past) => {
                past.into_iter().for_each(|past| self.restored(past, now, effects));
                self.arm_look(effects);
            }
            BatchMessage::Forgotten(sessions) => self.forgotten(&sessions, effects),
            BatchMessage::Job(message) => self.job(message, now, effects),
        }
        BatchReply::Noted
    }

    fn offered(&mut self, offer: Offer, now: Moment, effects: &mut Vec<BatchEffect>) -> BatchReply {
        let brief = offer.item.brief.clone();
        let lies = self.holds(&brief.session);
        if !lies && !self.has_room_for(&offer, now) {
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

    fn has_room_for(&self, offer: &Offer, now: Moment) -> bool {
        let lying: usize = self.lots.values().map(|lot| lot.items.len()).sum();
        // A job may still be under way in the name of a session that was forgotten and is there again.
        let is_free = !self.lots.contains_key(&offer.item.brief.session);
        self.enabled && is_free && self.welcome.extends_to(offer, now) && self.piles.len() + lying < ROOM
    }
}
