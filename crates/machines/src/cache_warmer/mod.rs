//! When to refresh a provider's prompt cache, and whether it still pays.
//!
//! The rule for now is a fixed one: a warm-up shortly before the time to live ends, at most [`LONGEST_HOLD`] in a row without
//! a turn in between. Recorded sessions say that such a rule earns about half of what one that knows the future would.

#[cfg(test)]
mod tests;

use crate::job::{Bench, Brief, JobEffect, JobMessage};
use domain::conversation::{CacheTtl, Usage};
use domain::ids::SessionId;
use domain::time::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

/// Warm-ups in a row. Three is the best of the fixed rules on recorded sessions; eleven would burn all it earns.
pub const LONGEST_HOLD: u32 = 3;
/// A smaller prefix is not worth a call, in tokens.
pub const SMALLEST_PREFIX: u64 = 4_096;
/// After so many warm-ups that found no warm cache, the session is left alone until its agent speaks again.
const MISSES: u32 = 3;

/// The pause between two looks at what is due.
const BREATH: Duration = Duration::from_secs(5);

/// What a turn says about the cache behind it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Warmth {
    /// How long the provider keeps the prefix.
    pub ttl: CacheTtl,
    /// What the provider counted.
    pub usage: Usage,
}

/// What the warmer hears.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WarmerMessage {
    /// A turn ended; its request can be replayed when it left something in a cache.
    TurnSeen {
        /// The session.
        brief: Brief,
        /// What it left in the provider's cache.
        warmth: Option<Warmth>,
    },
    /// The earliest cache is about to expire.
    WarmupDue,
    /// A warm-up was accepted; the provider counted this.
    Refreshed {
        /// The session.
        session: SessionId,
        /// When the call left.
        start: Moment,
        /// What the provider counted.
        usage: Usage,
    },
    /// The provider refused the replayed request as such.
    Unwarmable {
        /// The session.
        session: SessionId,
        /// What it said.
        why: String,
    },
    /// A person wants it done now.
    WarmNow(Brief),
    /// The session left memory.
    SessionEvicted(SessionId),
    /// A step of a job.
    Job(JobMessage),
}

/// What the warmer wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WarmerEffect {
    /// A step of a job.
    Job(JobEffect),
    /// Wake up after this long; nothing to wait for when none.
    ArmWarmup(Option<Duration>),
    /// A warm-up paid for itself: the agent came back to a cache that would have been gone.
    Saved {
        /// The session.
        brief: Brief,
        /// Tokens read instead of written.
        tokens: u64,
        /// To which cache they would have been written.
        ttl: CacheTtl,
    },
    /// The kept request can go.
    Forget(SessionId),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Prefix {
    brief: Brief,
    ttl: CacheTtl,
    /// When the agent's own turn would let the cache expire.
    own_expiry: Moment,
    /// When it expires now.
    expiry: Moment,
    refreshed: u64,
    warmups: u32,
    misses: u32,
    stopped: bool,
}

impl Prefix {
    fn due(&self) -> Option<Moment> {
        let holds = !self.stopped && self.warmups < LONGEST_HOLD && self.misses < MISSES;
        holds.then(|| Moment(self.expiry.0.saturating_sub(span(margin(self.ttl)).0)))
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WarmerMachine {
    enabled: bool,
    prefixes: BTreeMap<SessionId, Prefix>,
    bench: Bench,
    /// When it was last looked whether anything is due.
    looked: Moment,
}

impl WarmerMachine {
    /// A warmer that holds nothing; one that is not enabled only does what a person asks for.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        let (prefixes, bench) = (BTreeMap::new(), Bench::with_room_in_line(0));
        Self { enabled, prefixes, bench, looked: Moment::default() }
    }

    /// Takes one message in.
    pub fn on(&mut self, message: WarmerMessage, now: Moment, effects: &mut Vec<WarmerEffect>) {
        match message {
            WarmerMessage::TurnSeen { brief, warmth } => self.turn_seen(brief, warmth, now, effects),
            WarmerMessage::WarmupDue => self.warm_due(now, effects),
            WarmerMessage::Refreshed { session, start, usage } => self.refreshed(&session, start, usage),
            WarmerMessage::Unwarmable { session, why: _ } => self.stop(&session, effects),
            WarmerMessage::WarmNow(brief) => self.start(brief, effects),
            WarmerMessage::SessionEvicted(session) => {
                self.prefixes.remove(&session);
                effects.push(WarmerEffect::Forget(session));
            }
            // A hint is only a reason to look: what has expired meanwhile is not paid for.
            WarmerMessage::Job(JobMessage::Hinted(_)) => self.warm_due(now, effects),
            WarmerMessage::Job(message) => self.job(message, effects),
        }
        effects.push(WarmerEffect::ArmWarmup(self.next_due(now)));
    }

    fn turn_seen(
        &mut self,
        brief: Brief,
        warmth: Option<Warmth>,
        now: Moment,
        effects: &mut Vec<WarmerEffect>,
    ) {
        let before = self.prefixes.remove(&brief.session);
        let worth = warmth.filter(|it| it.usage.prompt() >= SMALLEST_PREFIX);
        let Some(warmth) = worth else {
            effects.push(WarmerEffect::Forget(brief.session));
            return;
        };
        effects.extend(before.and_then(|before| credit(&before, &warmth.usage, now)));
        let expiry = now.after(lifetime(warmth.ttl));
        let prefix = Prefix {
            ttl: warmth.ttl,
            own_expiry: expiry,
            expiry,
            refreshed: 0,
            warmups: 0,
            misses: 0,
            stopped: false,
            brief,
        };
        self.prefixes.insert(prefix.brief.session.clone(), prefix);
    }

    /// Starts what is due; lets go what has expired meanwhile, since a warm-up would now pay for a whole write.
    fn warm_due(&mut self, now: Moment, effects: &mut Vec<WarmerEffect>) {
        if !self.enabled {
            return;
        }
        self.looked = now;
        let due = |prefix: &&mut Prefix| prefix.due().is_some_and(|due| due <= now);
        let mut ready = Vec::new();
        for prefix in self.prefixes.values_mut().filter(due) {
            if now < prefix.expiry {
                ready.push(prefix.brief.clone());
            } else {
                prefix.stopped = true;
            }
        }
        ready.into_iter().for_each(|brief| self.start(brief, effects));
    }

    fn start(&mut self, brief: Brief, effects: &mut Vec<WarmerEffect>) {
        let mut jobs = Vec::new();
        self.bench.wanted(brief, &mut jobs);
        effects.extend(jobs.into_iter().map(WarmerEffect::Job));
    }

    fn refreshed(&mut self, session: &SessionId, start: Moment, usage: Usage) {
        let Some(prefix) = self.prefixes.get_mut(session) else { return };
        prefix.warmups += 1;
        let clean = usage.cache_read > 0 && usage.cache_write_5m + usage.cache_write_1h == 0;
        prefix.misses = if clean { 0 } else { prefix.misses + 1 };
        prefix.refreshed = usage.cache_read;
        prefix.expiry = start.after(lifetime(prefix.ttl)).max(prefix.expiry);
    }

    fn stop(&mut self, session: &SessionId, effects: &mut Vec<WarmerEffect>) {
        if let Some(prefix) = self.prefixes.get_mut(session) {
            prefix.stopped = true;
            effects.push(WarmerEffect::Forget(session.clone()));
        }
    }

    fn job(&mut self, message: JobMessage, effects: &mut Vec<WarmerEffect>) {
        let mut jobs = Vec::new();
        self.bench.on(message, &mut jobs);
        effects.extend(jobs.into_iter().map(WarmerEffect::Job));
    }

    /// How long until the earliest cache wants care. What is due and under way, or waits for a credential, is looked at again
    /// after a breath, until it expires.
    fn next_due(&self, now: Moment) -> Option<Duration> {
        let due = self.prefixes.values().filter_map(Prefix::due).min()?;
        self.enabled.then(|| due.max(self.looked.after(BREATH)).since(now))
    }
}

/// What a return is worth: only when it came after the agent's own cache would have expired and before the refreshed one did,
/// and only as many tokens as were both refreshed and read.
fn credit(before: &Prefix, usage: &Usage, now: Moment) -> Option<WarmerEffect> {
    let tokens = usage.cache_read.min(before.refreshed);
    let earned = before.warmups > 0 && before.own_expiry < now && now < before.expiry && tokens > 0;
    earned.then(|| WarmerEffect::Saved { brief: before.brief.clone(), tokens, ttl: before.ttl })
}

/// How long the provider keeps a prefix.
#[must_use]
pub const fn lifetime(ttl: CacheTtl) -> Duration {
    match ttl {
        CacheTtl::FiveMinutes => Duration::from_secs(300),
        CacheTtl::OneHour => Duration::from_secs(3600),
    }
}

/// How long a session must stay in memory after a turn, so that its cache can be held as long as the rule allows.
#[must_use]
pub fn longest_hold(ttl: CacheTtl) -> Duration {
    lifetime(ttl) * (LONGEST_HOLD + 1)
}

/// How long before the end a warm-up leaves: large prefixes take long to process and have raced the expiry.
const fn margin(ttl: CacheTtl) -> Duration {
    match ttl {
        CacheTtl::FiveMinutes => Duration::from_secs(45),
        CacheTtl::OneHour => Duration::from_secs(300),
    }
}

fn span(duration: Duration) -> Moment {
    Moment::from(duration)
}
