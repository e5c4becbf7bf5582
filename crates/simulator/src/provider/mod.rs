//! A simulated provider: Anthropic's and OpenAI's endpoints, tokens that live and die, a prompt cache, and faults by script.
//!
//! Its core is pure: a request and a time go in, a plan comes out. The same provider stands behind a [`Network`] in memory,
//! where time is virtual, and behind a [`server`] on a real socket. It is as strict as the real ones where that matters
//! to whoever calls it: a missing `anthropic-version`, an OAuth token without its beta, or one cache mark too many is
//! refused.

mod answering;
mod batches;
mod cache;
mod curating;
mod distilling;
mod endpoint;
mod exchange;
mod fault;
mod ids;
mod prompt;
mod received;
mod refusal;
mod reply;
mod shape;
mod tokens;

pub mod control;
pub mod server;
mod transport;

#[cfg(test)]
mod tests;

pub use self::{
    cache::MINIMUM,
    exchange::{Exchange, Plan, Step},
    fault::Fault,
    received::Received,
    refusal::Refusal,
    transport::Network,
};

use answering::State;
pub use batches::{BatchEnd, BatchStep};
use domain::purpose::Purpose;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How fast a model speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Before the first byte.
    pub first: Duration,
    /// After each event of a stream.
    pub between: Duration,
}

impl Pace {
    /// Everything at once.
    pub const IMMEDIATE: Self = Self { first: Duration::ZERO, between: Duration::ZERO };
}

impl Default for Pace {
    /// A quick model: 400 ms to the first word, then 20 ms.
    fn default() -> Self {
        Self { first: Duration::from_millis(400), between: Duration::from_millis(20) }
    }
}

/// A simulated provider. Clones are the same provider. Times are spans on the clock of whoever asks, which must be one
/// clock for all that ask.
#[derive(Clone)]
pub struct Provider(Arc<Mutex<State>>);

impl Provider {
    /// A provider that accepts nobody yet. All its ids are drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State::new(seed))))
    }

    /// What it does with `exchange`, which arrives at `now`. Remembers it.
    #[must_use]
    pub fn answer(&self, exchange: &Exchange, now: Duration) -> Plan {
        self.state().answer(exchange, now)
    }

    /// Accepts `token` from now on, whatever it was before. It is its own owner.
    pub fn accept(&self, token: &str) {
        self.accept_as(token, token);
    }

    /// Accepts `token` as one of `owner`'s, who has one prompt cache for all his tokens.
    pub fn accept_as(&self, token: &str, owner: &str) {
        self.state().tokens.accept(token, owner);
    }

    /// Accepts every token that it knows nothing bad of, or no longer does.
    pub fn accept_any(&self, any: bool) {
        self.state().tokens.accept_any(any);
    }

    /// From `at` on, `token` is answered with 401: expired.
    pub fn expire_at(&self, token: &str, at: Duration) {
        self.state().tokens.expire_at(token, at);
    }

    /// `token` is taken back: 403 "revoked" at Anthropic, 401 at OpenAI.
    pub fn revoke(&self, token: &str) {
        self.state().tokens.refuse(token, Refusal::Revoked);
    }

    /// `token` is good, but may do nothing: 403.
    pub fn forbid(&self, token: &str) {
        self.state().tokens.refuse(token, Refusal::Forbidden);
    }

    /// The account behind `token` is switched off: 402.
    pub fn block(&self, token: &str) {
        self.state().tokens.refuse(token, Refusal::Blocked);
    }

    /// Answers everybody with 401 from `from` until just before `until`, as providers sometimes do by mistake.
    pub fn wrongly_refuse_everyone(&self, from: Duration, until: Duration) {
        self.state().tokens.wrongly_refuse(from..until);
    }

    /// The next request that no earlier fault is waiting for meets `fault`.
    pub fn next(&self, fault: Fault) {
        self.state().script.next(fault);
    }

    /// Every request from `from` until just before `until` meets `fault`.
    pub fn between(&self, from: Duration, until: Duration, fault: Fault) {
        self.state().script.between(from..until, fault);
    }

    /// Whether prompts are cached (they are unless told otherwise); without a cache all input is plain input.
    pub fn keep_cache(&self, keep: bool) {
        self.state().keeps_cache = keep;
    }

    /// Says `words` to the next request that looks like one of `purpose` and that no earlier words are waiting for.
    pub fn say_to_next(&self, purpose: Purpose, words: &str) {
        self.state().scripted.push_back((purpose, words.to_owned()));
    }

    /// Speaks at this pace from now on.
    pub fn speak(&self, pace: Pace) {
        self.state().pace = pace;
    }

    /// Takes batches in from now on, which end like this after so long. Until it is told, it knows no such endpoint.
    pub fn take_batches(&self, after: Duration, end: BatchEnd) {
        self.state().batches.offer(after, end);
    }

    /// Batches that are cancelled from now on take so long to end, and so many of their calls, the first ones, are answered all
    /// the same. Until it is told, they end at once, and none is.
    pub fn cancel_batches(&self, within: Duration, answered: usize) {
        self.state().batches.cancels(within, answered);
    }

    /// Where calendars stand at the beginning of its clock, since 1970. Until it is told, in 1970.
    pub fn begin_at(&self, calendar: Duration) {
        self.state().batches.calendar = calendar;
    }

    /// The next request of this kind to the batch endpoint meets `fault`, before those that wait for any request.
    pub fn next_batch_step(&self, step: BatchStep, fault: Fault) {
        self.state().batches.meets(step, fault);
    }

    /// Goes on as `past` was left in another world, which has ended: with its tokens, caches and batches, and what it
    /// received. Times that it had set itself are on the clock of this world now.
    pub fn go_on_as(&self, past: &Self) {
        let mut left = std::mem::replace(&mut *past.state(), State::new(0));
        left.batches.calendar = self.state().batches.calendar;
        *self.state() = left;
    }

    /// How many files were uploaded or written for batches, and not deleted.
    #[must_use]
    pub fn files(&self) -> usize {
        self.state().batches.files()
    }

    /// Everything it received, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// What it received with `token`.
    #[must_use]
    pub fn calls_with(&self, token: &str) -> Vec<Received> {
        self.received().into_iter().filter(|call| call.is_with(token)).collect()
    }

    /// What it received since this was last asked, in order; it keeps none of it. For runs too long to be kept.
    #[must_use]
    pub fn take_received(&self) -> Vec<Received> {
        std::mem::take(&mut self.state().received)
    }

    /// Forgets what it received, and nothing else.
    pub fn forget_received(&self) {
        self.state().received.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked in between has left nothing half done: every method is one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Provider {
    /// Without the tokens.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Provider")
            .field("received", &self.state().received.len())
            .finish_non_exhaustive()
    }
}
