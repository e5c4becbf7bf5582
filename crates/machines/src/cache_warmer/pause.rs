//! Brakes that pull themselves: one for each cache whose warm-ups do not do what they should, and one for all warming when too
//! little comes of it. None of them looks at a price, so a wrong one cannot loosen them.

use domain::conversation::Usage;
use domain::ids::SessionId;
use domain::time::Moment;
use domain::warming::{Bucket, PauseCause};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// So many warm-ups of one cache in a row that found nothing to read pause it.
pub const MISSES: u32 = 3;
/// How long a pause lasts.
pub const REST: Duration = Duration::from_secs(6 * 3600);
/// Of so many warm-ups that were paid for last, ...
pub const WATCHED: usize = 40;
/// ... so many returns must have made use, or all warming pauses. One in twenty is below what either time to live needs to pay
/// (a read is 0.1 of the input price; a return saves 1.15 or 1.9 of it, so one in 11 or one in 19): a rule that is any good
/// stays far above it.
pub const FEWEST_RETURNS: usize = 2;
/// The longest text of a provider that is kept, in characters.
const LONGEST_SAID: usize = 200;

/// Why warming stands still for a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pause {
    /// Why.
    pub cause: PauseCause,
    /// What the provider said, or what was counted.
    pub said: String,
    /// When it ends.
    pub until: Moment,
}

impl Pause {
    pub(super) fn begin(cause: PauseCause, said: &str, now: Moment) -> Self {
        Self { cause, said: said.chars().take(LONGEST_SAID).collect(), until: now.after(REST) }
    }
}

/// Whether a warm-up did what it should: the provider read a cache and wrote none.
const fn is_clean(usage: &Usage) -> bool {
    usage.cache_read > 0 && usage.cache_write_5m == 0 && usage.cache_write_1h == 0
}

/// One breaker for each cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Breakers {
    misses: BTreeMap<Bucket, u32>,
    open: BTreeMap<Bucket, Pause>,
}

impl Breakers {
    /// What a warm-up brought; a pause when it was one miss too many.
    pub(super) fn counted(&mut self, bucket: &Bucket, usage: &Usage, now: Moment) -> Option<Pause> {
        if is_clean(usage) {
            self.misses.remove(bucket);
            return None;
        }
        let misses = self.misses.entry(bucket.clone()).or_default();
        *misses += 1;
        let too_many = *misses >= MISSES;
        too_many.then(|| self.open(bucket, Pause::begin(PauseCause::Uncached, "", now)))
    }

    pub(super) fn open(&mut self, bucket: &Bucket, pause: Pause) -> Pause {
        self.misses.remove(bucket);
        self.open.insert(bucket.clone(), pause.clone());
        pause
    }

    /// The pause of this cache, if there is one.
    pub(super) fn pause(&self, bucket: &Bucket, now: Moment) -> Option<&Pause> {
        self.open.get(bucket).filter(|pause| now < pause.until)
    }

    /// A person wants this session's caches tried again.
    pub(super) fn close(&mut self, session: &SessionId) {
        self.open.retain(|bucket, _| bucket.session != *session);
        self.misses.retain(|bucket, _| bucket.session != *session);
    }

    /// The session left memory: its misses go, its pauses only when they are over.
    pub(super) fn forget(&mut self, session: &SessionId, now: Moment) {
        self.misses.retain(|bucket, _| bucket.session != *session);
        self.open.retain(|_, pause| now < pause.until);
    }

    /// The same, and its pauses too.
    pub(super) fn forget_whole(&mut self, session: &SessionId, now: Moment) {
        self.forget(session, now);
        self.open.retain(|bucket, _| bucket.session != *session);
    }
}

/// The last warm-ups that were paid for, and of which a return made use.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Record {
    used: VecDeque<bool>,
    rest: Option<Pause>,
}

impl Record {
    /// One that goes on from what was counted before.
    pub(super) fn remembered(refreshes: u32, returns: u32, rest: Option<Pause>) -> Self {
        let refreshes = usize::try_from(refreshes).unwrap_or(WATCHED).min(WATCHED);
        let returns = usize::try_from(returns).unwrap_or(WATCHED);
        Self { used: (0..refreshes).map(|at| at < returns).collect(), rest }
    }

    /// A warm-up was paid for; a pause when too little came of the last ones.
    pub(super) fn refreshed(&mut self, now: Moment) -> Option<Pause> {
        if self.used.len() == WATCHED {
            self.used.pop_front();
        }
        self.used.push_back(false);
        let returns = self.used.iter().filter(|used| **used).count();
        if self.used.len() < WATCHED || returns >= FEWEST_RETURNS {
            return None;
        }
        self.used.clear();
        let said = format!("{returns} of the last {WATCHED}");
        self.rest = Some(Pause::begin(PauseCause::Unused, &said, now));
        self.rest.clone()
    }

    /// A return made use of the last one.
    pub(super) fn returned(&mut self) {
        if let Some(last) = self.used.iter_mut().rev().find(|used| !**used) {
            *last = true;
        }
    }

    /// The pause of all warming, if there is one.
    pub(super) fn pause(&self, now: Moment) -> Option<&Pause> {
        self.rest.as_ref().filter(|pause| now < pause.until)
    }

    /// A person wants it tried again.
    pub(super) fn resume(&mut self) {
        self.rest = None;
        self.used.clear();
    }
}
