//! When to refresh a provider's prompt cache, what holds it back, and what it earned.
//!
//! - `rule` is the rule, which asks [`crate::warming`]: whether one more warm-up is worth it.
//! - [`pause`](self::Pause) are the brakes that pull themselves, beside those that a person pulls: a switch for all warming, and a
//!   mode for each session.
//! - `credit` says what a return to a warm cache is worth, and demands proof.
//! - `standing` is the answer to "why is this session kept warm, or not?", which is also what is acted on.

mod credit;
mod figures;
mod memory;
mod message;
mod pause;
mod rule;
mod seat;
mod standing;
#[cfg(test)]
mod tests;

pub use credit::{cost, saving};
pub use memory::KEPT_WITHIN;
pub use message::{Cold, Explanation, Memory, Overview, WarmerEffect, WarmerMessage, WarmerReply, Warmth};
pub use pause::{FEWEST_RETURNS, MISSES, Pause, REST, WATCHED};
pub use rule::{SMALLEST_PREFIX, lifetime, longest_hold};

use crate::job::{Bench, Brief, JobEffect, JobMessage, Work};
use crate::warming::{Awaited, Book, Gap};
use domain::conversation::Usage;
use domain::ids::SessionId;
use domain::time::Moment;
use domain::warming::{Bucket, PauseCause, WarmingMode};
use pause::{Breakers, Record};
use seat::{Prefix, Seat, bucket};
use standing::Standing;
use std::collections::BTreeMap;
use std::time::Duration;

/// The pause between two looks at what is due.
const BREATH: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WarmerMachine {
    enabled: bool,
    /// Whether a person let it be on; none until the store, or a person, said.
    on: Option<bool>,
    recalled: bool,
    /// Only what a person set.
    modes: BTreeMap<SessionId, WarmingMode>,
    seats: BTreeMap<SessionId, Seat>,
    /// How many requests of their agents are under way, of the sessions that have any.
    in_progress: BTreeMap<SessionId, u32>,
    breakers: Breakers,
    record: Record,
    /// How long agents were waited for, and what warming earned.
    book: Book,
    /// Whether it is agreed that changes in the book are kept soon.
    will_keep: bool,
    bench: Bench,
    /// When it was last looked whether anything is due.
    looked: Moment,
}

impl WarmerMachine {
    /// A warmer that holds nothing; one that is not enabled only does what a person asks for.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled,
            on: None,
            recalled: false,
            modes: BTreeMap::new(),
            seats: BTreeMap::new(),
            in_progress: BTreeMap::new(),
            breakers: Breakers::default(),
            record: Record::default(),
            book: Book::default(),
            will_keep: false,
            bench: Bench::with_room_in_line(0),
            looked: Moment::default(),
        }
    }

    /// Takes one message in.
    pub fn on(
        &mut self,
        message: WarmerMessage,
        now: Moment,
        effects: &mut Vec<WarmerEffect>,
    ) -> WarmerReply {
        let reply = match message {
            WarmerMessage::Explain(sessions) => WarmerReply::Explained(self.explain(sessions, now)),
            WarmerMessage::Describe => WarmerReply::Described(self.describe(now)),
            // Every request brings these two. What is due when does not hang on them, so nothing is armed anew.
            WarmerMessage::TurnStarted(session) => {
                *self.in_progress.entry(session).or_default() += 1;
                return WarmerReply::Noted;
            }
            WarmerMessage::TurnEnded(session) => {
                self.turn_ended(&session);
                return WarmerReply::Noted;
            }
            message => {
                self.hear(message, now, effects);
                WarmerReply::Noted
            }
        };
        self.agree_to_keep(effects);
        effects.push(WarmerEffect::ArmWarmup(self.next_due(now)));
        reply
    }

    fn hear(&mut self, message: WarmerMessage, now: Moment, effects: &mut Vec<WarmerEffect>) {
        match message {
            WarmerMessage::Recalled(memory) => self.recall(memory),
            WarmerMessage::TurnSeen { brief, warmth } => self.turn_seen(brief, warmth, now, effects),
            // A hint is only a reason to look: what has expired meanwhile is not paid for.
            WarmerMessage::WarmupDue | WarmerMessage::Job(JobMessage::Hinted(_)) => {
                self.warm_due(now, effects);
            }
            WarmerMessage::Refreshed { brief, start, usage } => {
                self.refreshed(&brief, start, &usage, now, effects);
            }
            WarmerMessage::Unwarmable { brief, why } => {
                let pause = Pause::begin(PauseCause::Refused, &why, now);
                self.pause(&bucket(&brief), pause, effects);
            }
            WarmerMessage::Displaced(session) => self.displaced(session),
            WarmerMessage::LimitReached { session, spent, limit } => {
                if let Some(prefix) = self.prefix(&session) {
                    prefix.limit = Some((spent, limit));
                }
            }
            WarmerMessage::Switched(on) => self.switched(on),
            WarmerMessage::ModeSet(session, mode) => self.set_mode(session, mode),
            WarmerMessage::WarmNow(brief) => self.start(brief, effects),
            WarmerMessage::SessionEvicted(session) => {
                if let Some(Seat::Prefix(prefix)) = self.seats.remove(&session) {
                    self.learn(&prefix, Gap::Away(now.since(prefix.began)));
                }
                self.breakers.forget(&session, now);
                self.bench.forget(&session);
                effects.push(WarmerEffect::Forget(session));
            }
            WarmerMessage::Forgotten(all) => {
                all.into_iter().for_each(|whose| self.forget(whose, now, effects));
            }
            WarmerMessage::KeepingDue => self.keep(effects),
            WarmerMessage::Unkept(changes) => {
                changes.into_iter().for_each(|whose| self.book.write_again(whose));
            }
            WarmerMessage::Closing => self.close(now, effects),
            WarmerMessage::Job(message) => self.job(message, effects),
            WarmerMessage::Explain(_)
            | WarmerMessage::Describe
            | WarmerMessage::TurnStarted(_)
            | WarmerMessage::TurnEnded(_) => {}
        }
    }

    /// Ends of requests that left before a crash are of nobody that is known.
    fn turn_ended(&mut self, session: &SessionId) {
        if let Some(count) = self.in_progress.get_mut(session) {
            *count -= 1;
            if *count == 0 {
                self.in_progress.remove(session);
            }
        }
    }

    fn turn_seen(
        &mut self,
        brief: Brief,
        warmth: Result<Warmth, Cold>,
        now: Moment,
        effects: &mut Vec<WarmerEffect>,
    ) {
        let session = brief.session.clone();
        let began = warmth.as_ref().map_or(now, |warmth| warmth.left);
        let before = match self.seats.remove(&session) {
            Some(Seat::Prefix(before)) => Some(before),
            Some(Seat::Cold(_)) | None => None,
        };
        if let Some(before) = before.as_ref().filter(|before| !goes_on_by_itself(before, &warmth)) {
            self.learn(before, Gap::Returned(began.since(before.began)));
        }
        let seat = match warmth {
            Ok(warmth) => {
                if let Some(before) = before {
                    self.credit(before, &brief, &warmth.usage, began, effects);
                }
                let mut prefix = Prefix::left_by(brief, &warmth, began);
                prefix.consult(&self.book, now);
                Seat::Prefix(prefix)
            }
            Err(cold) => Seat::Cold(cold),
        };
        if !matches!(&seat, Seat::Prefix(prefix) if prefix.is_worth_keeping()) {
            effects.push(WarmerEffect::Forget(session.clone()));
        }
        self.seats.insert(session, seat);
    }

    fn learn(&mut self, prefix: &Prefix, gap: Gap) {
        self.book.learn(&prefix.place, &prefix.wait(), gap);
    }

    fn credit(
        &mut self,
        before: Prefix,
        back: &Brief,
        usage: &Usage,
        left: Moment,
        effects: &mut Vec<WarmerEffect>,
    ) {
        if let Some(tokens) = credit::credited(&before, back, usage, left) {
            self.record.returned();
            self.book.save(&before.place, saving(&before.brief, tokens, before.ttl));
            effects.push(WarmerEffect::Credit { ttl: before.ttl, brief: before.brief, tokens });
        }
    }

    /// Starts what is due and worth it. What has expired meanwhile is let go: a warm-up would pay for a whole write.
    fn warm_due(&mut self, now: Moment, effects: &mut Vec<WarmerEffect>) {
        self.looked = now;
        let mut due = Vec::new();
        for (session, seat) in &mut self.seats {
            if let Seat::Prefix(prefix) = seat
                && prefix.due() <= now
            {
                prefix.consult(&self.book, now);
                due.push(session.clone());
            }
        }
        for session in due {
            if self.standing(&session, now).is_warm()
                && let Some(brief) = self.prefix(&session).map(|prefix| prefix.brief.clone())
            {
                self.start(brief, effects);
            }
        }
    }

    fn start(&mut self, brief: Brief, effects: &mut Vec<WarmerEffect>) {
        self.job(JobMessage::Wanted(brief), effects);
    }

    /// A warm-up that left before the last turn is paid for, but it is not that turn's cache that it kept.
    fn refreshed(
        &mut self,
        brief: &Brief,
        start: Moment,
        usage: &Usage,
        now: Moment,
        effects: &mut Vec<WarmerEffect>,
    ) {
        if let Some(Seat::Prefix(prefix)) = self.seats.get_mut(&brief.session) {
            self.book.spend(&prefix.place, credit::price(brief).cost(usage));
            if prefix.began <= start {
                prefix.refresh(start, usage);
                prefix.consult(&self.book, now);
                if !prefix.is_cached {
                    effects.push(WarmerEffect::Forget(brief.session.clone()));
                }
            }
        }
        if let Some(pause) = self.breakers.counted(&bucket(brief), usage, now) {
            let (session, bucket) = (brief.session.clone(), Some(bucket(brief)));
            effects.extend([WarmerEffect::Forget(session), WarmerEffect::Paused { bucket, pause }]);
        }
        if let Some(pause) = self.record.refreshed(now) {
            effects.push(WarmerEffect::Paused { bucket: None, pause });
        }
    }

    fn pause(&mut self, bucket: &Bucket, pause: Pause, effects: &mut Vec<WarmerEffect>) {
        let pause = self.breakers.open(bucket, pause);
        let (session, bucket) = (bucket.session.clone(), Some(bucket.clone()));
        effects.extend([WarmerEffect::Forget(session), WarmerEffect::Paused { bucket, pause }]);
    }

    /// Of a session whose prompt is too small to be warmed, or not cached, no request is kept in the first place.
    fn displaced(&mut self, session: SessionId) {
        if self.prefix(&session).is_some_and(|prefix| prefix.is_worth_keeping()) {
            self.seats.insert(session, Seat::Cold(Cold::Displaced));
        }
    }

    fn switched(&mut self, on: bool) {
        self.on = Some(on);
        if on {
            self.record.resume();
        }
    }

    fn set_mode(&mut self, session: SessionId, mode: WarmingMode) {
        self.breakers.close(&session);
        self.modes.insert(session, mode);
    }

    fn job(&mut self, message: JobMessage, effects: &mut Vec<WarmerEffect>) {
        let mut jobs = Vec::new();
        self.bench.on(message, &mut jobs);
        for job in jobs {
            match job {
                // Its agent's request left while the lease was asked for: the lease goes back unused.
                JobEffect::Perform { brief, lease } if self.in_progress.contains_key(&brief.session) => {
                    let unused = JobMessage::Performed { session: brief.session, lease, work: Work::Nothing };
                    self.job(unused, effects);
                }
                job => effects.push(WarmerEffect::Job(job)),
            }
        }
    }

    fn prefix(&mut self, session: &SessionId) -> Option<&mut Prefix> {
        match self.seats.get_mut(session)? {
            Seat::Prefix(prefix) => Some(prefix),
            Seat::Cold(_) => None,
        }
    }

    /// How long until the earliest cache wants care. What is due and under way, or waits for a credential or the end of its
    /// agent's request, is looked at again after a breath, until it expires.
    fn next_due(&self, now: Moment) -> Option<Duration> {
        let mut earliest: Option<Moment> = None;
        for (session, seat) in &self.seats {
            // Asked at each message: of very many sessions most are told at a glance to make no difference.
            if let Seat::Prefix(prefix) = seat
                && now < prefix.expiry
                && earliest.is_none_or(|earliest| prefix.due() < earliest)
                && let Standing::Warm(due, _) | Standing::InProgress(due) = self.standing(session, now)
            {
                earliest = Some(due);
            }
        }
        Some(earliest?.max(self.looked.after(BREATH)).since(now))
    }
}

/// An agent that brings a tool's result although a person was waited for says nothing about people.
fn goes_on_by_itself(before: &Prefix, warmth: &Result<Warmth, Cold>) -> bool {
    let brings_a_result = warmth.as_ref().is_ok_and(|warmth| warmth.after == Awaited::Tool);
    before.wait().awaited == Awaited::Human && brings_a_result
}
