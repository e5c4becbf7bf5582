//! One session, as the warmer sees it.

use super::message::{Cold, Warmth};
use super::rule::{SMALLEST_PREFIX, lifetime};
use crate::job::Brief;
use crate::warming::{Advice, Awaited, Book, Place, Wait, lead};
use domain::conversation::{CacheTtl, Usage};
use domain::price::Price;
use domain::time::Moment;
use domain::warming::Bucket;
use std::time::Duration;

/// What is known of a session since its last turn.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::large_enum_variant, reason = "nearly every seat is a prefix")]
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
    /// How long the model took for its answer.
    answered_in: Duration,
    awaited: Awaited,
    turns: u32,
    pub(super) place: Place,
    /// What was advised for the next warm-up when it was last asked.
    pub(super) advice: Advice,
    /// When the cache expires now.
    pub(super) expiry: Moment,
    /// Whether the provider's last count shows that it has anything of it. What it neither read nor wrote is not in its cache.
    pub(super) is_cached: bool,
    /// What the last warm-up read.
    pub(super) refreshed: u64,
    /// Warm-ups since the last turn that were paid for.
    pub(super) refreshes: u32,
    /// Spent and allowed today, in cents, when that kept a warm-up from being made.
    pub(super) limit: Option<(u64, u64)>,
}

impl Prefix {
    pub(super) fn left_by(brief: Brief, warmth: &Warmth, began: Moment) -> Self {
        let place = Place { session: brief.session.clone(), project: warmth.project.clone() };
        Self {
            brief,
            place,
            answered_in: warmth.answered_in,
            awaited: warmth.awaited,
            turns: warmth.turns,
            advice: Advice::default(),
            ttl: warmth.ttl,
            tokens: warmth.usage.prompt(),
            began,
            expiry: began.after(lifetime(warmth.ttl)),
            is_cached: is_cached(&warmth.usage),
            refreshed: 0,
            refreshes: 0,
            limit: None,
        }
    }

    /// Whether a warm-up may ever be worth a call, so that its request is kept.
    pub(super) const fn is_worth_keeping(&self) -> bool {
        self.is_cached && self.tokens >= SMALLEST_PREFIX
    }

    /// When a warm-up must leave at the latest.
    pub(super) fn due(&self) -> Moment {
        Moment(self.expiry.0.saturating_sub(Moment::from(lead(self.tokens)).0))
    }

    /// What is waited for since the last turn.
    pub(super) fn wait(&self) -> Wait {
        Wait {
            awaited: self.awaited,
            answered_in: Some(self.answered_in),
            ttl: self.ttl,
            tokens: self.tokens,
            turns: self.turns,
            price: Price::listed(&self.brief.model),
        }
    }

    /// Asks what to do when the next warm-up is due, or now if it is due already.
    pub(super) fn consult(&mut self, book: &Book, now: Moment) {
        let waited = self.due().max(now).since(self.began);
        let expiry = self.expiry.since(self.began);
        self.advice = book.advise(&self.place, &self.wait(), waited, expiry);
    }

    pub(super) fn bucket(&self) -> Bucket {
        bucket(&self.brief)
    }

    /// A warm-up that left at `start` was paid for. One that found no cache made none: it is not tried again.
    pub(super) fn refresh(&mut self, start: Moment, usage: &Usage) {
        self.refreshes += 1;
        self.refreshed = usage.cache_read;
        self.is_cached = is_cached(usage);
        if self.is_cached {
            self.expiry = start.after(lifetime(self.ttl));
        }
    }
}

const fn is_cached(usage: &Usage) -> bool {
    usage.prompt() > usage.input
}

/// Whose cache a warm-up of this brief is for.
pub(super) fn bucket(brief: &Brief) -> Bucket {
    Bucket {
        session: brief.session.clone(),
        model: brief.model.clone(),
        origin: brief.upstream.origin().to_owned(),
    }
}
