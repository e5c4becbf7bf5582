//! One session, as the warmer sees it.

use super::message::{Cold, Warmth};
use super::rule::{lifetime, margin};
use crate::job::Brief;
use domain::conversation::{CacheTtl, Usage};
use domain::time::Moment;
use domain::warming::Bucket;

/// What is known of a session since its last turn.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Seat {
    /// Its last request cannot be replayed.
    Cold(Cold),
    /// It can.
    Prefix(Prefix),
}

/// A prefix in the provider's cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Prefix {
    pub(super) brief: Brief,
    pub(super) ttl: CacheTtl,
    /// All input of the last turn: what a replay reads, and what a return to a cold cache would write.
    pub(super) tokens: u64,
    /// When the last turn's request left.
    pub(super) began: Moment,
    /// When the cache expires now.
    pub(super) expiry: Moment,
    /// What the last warm-up read.
    pub(super) refreshed: u64,
    /// Warm-ups since the last turn that were paid for.
    pub(super) refreshes: u32,
    /// Spent and allowed today, in cents, when that kept a warm-up from being made.
    pub(super) limit: Option<(u64, u64)>,
}

impl Prefix {
    pub(super) fn left_by(brief: Brief, warmth: &Warmth, began: Moment) -> Self {
        Self {
            brief,
            ttl: warmth.ttl,
            tokens: warmth.usage.prompt(),
            began,
            expiry: began.after(lifetime(warmth.ttl)),
            refreshed: 0,
            refreshes: 0,
            limit: None,
        }
    }

    /// When a warm-up must leave at the latest.
    pub(super) fn due(&self) -> Moment {
        let margin = u64::try_from(margin(self.ttl).as_micros()).unwrap_or(u64::MAX);
        Moment(self.expiry.0.saturating_sub(margin))
    }

    pub(super) fn bucket(&self) -> Bucket {
        bucket(&self.brief)
    }

    /// A warm-up that left at `start` was paid for. What the provider neither read nor wrote is not in its cache.
    pub(super) fn refresh(&mut self, start: Moment, usage: &Usage) {
        self.refreshes += 1;
        self.refreshed = usage.cache_read;
        let is_there = usage.prompt() > usage.input;
        if is_there {
            self.expiry = self.expiry.max(start.after(lifetime(self.ttl)));
        }
    }
}

/// Whose cache a warm-up of this brief is for.
pub(super) fn bucket(brief: &Brief) -> Bucket {
    Bucket {
        session: brief.session.clone(),
        model: brief.model.clone(),
        origin: brief.upstream.origin().to_owned(),
    }
}
