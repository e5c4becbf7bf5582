//! What is known of one token at one upstream.
//!
//! Evidence is joined by maximum, so that late, doubled and reordered reports end in the same verdict. A token is rejected
//! when a failure is known and no success began after it ended.

#[cfg(test)]
mod tests;

use super::ladder;
use super::probe::Probe;
use domain::evidence::{Class, Evidence};
use domain::time::Moment;
use std::time::Duration;

/// Two weak signs within this span count as a refusal.
const WEAK_WINDOW: Duration = Duration::from_secs(60);
/// And so many however far apart, if no success came between: they come one by one where a sweep is rare. The newest are kept.
const WEAK_IN_A_ROW: usize = 3;
/// The pause before the first probe, and the longest.
const PROBE_PAUSE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(30 * 60));

/// The verdict on a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Refused, and no request that began later was accepted.
    Rejected,
    /// Offered by a client, never answered.
    Unproven,
    /// Somebody's request with it was accepted, and none refused since.
    Proven,
}

/// The span of the newest evidence of one kind, each end kept by maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Stamp {
    end: Moment,
    start: Moment,
}

impl Stamp {
    fn of(evidence: &Evidence) -> Self {
        Self { start: evidence.start, end: evidence.end.max(evidence.start) }
    }

    fn join(self, known: Option<Self>) -> Self {
        known.map_or(self, |it| Self { start: it.start.max(self.start), end: it.end.max(self.end) })
    }
}

/// A token's passage from good to rejected, from which one alert may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Episode {
    status: u16,
    alerted: bool,
}

/// Everything known of one token at one upstream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token {
    fail: Option<Stamp>,
    ok: Option<Stamp>,
    /// Weak signs that no success came after, oldest first.
    weak: Vec<Stamp>,
    refusals: u32,
    probe_due: Moment,
    probe: Probe,
    episode: Option<Episode>,
    /// Whether the episode before was told.
    told: bool,
    changed: Moment,
    status: u16,
}

impl Token {
    /// A token that a client has just offered.
    #[must_use]
    pub fn offered(now: Moment) -> Self {
        Self {
            fail: None,
            ok: None,
            weak: Vec::new(),
            refusals: 0,
            probe_due: Moment::default(),
            probe: Probe::default(),
            episode: None,
            told: false,
            changed: now,
            status: 0,
        }
    }

    /// The verdict, from what is known now.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let refused = self.fail.is_some_and(|fail| self.ok.is_none_or(|ok| ok.start <= fail.end));
        match self.ok {
            _ if refused || self.is_doubly_suspect() => Verdict::Rejected,
            Some(_) => Verdict::Proven,
            None => Verdict::Unproven,
        }
    }

    /// When the newest accepted request began.
    #[must_use]
    pub fn last_success(&self) -> Option<Moment> {
        self.ok.map(|ok| ok.start)
    }

    /// When the verdict last changed.
    #[must_use]
    pub fn changed(&self) -> Moment {
        self.changed
    }

    /// The status of the answer that last spoke for or against it; 0 before any.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Takes evidence in, and says what the verdict was before. Classes that say nothing about the token change nothing.
    pub fn join(&mut self, evidence: &Evidence, now: Moment) -> Verdict {
        let before = self.verdict();
        let stamp = Stamp::of(evidence);
        match evidence.class {
            Class::Ok => self.accept(stamp),
            Class::CredentialRejected => self.refuse(stamp, evidence, now),
            Class::WeakAuth => self.suspect(stamp, evidence, now),
            Class::Forbidden
            | Class::AccountBlocked
            | Class::Throttled { .. }
            | Class::UpstreamFault
            | Class::RequestRefused => return before,
        }
        self.settle(before, evidence, now);
        before
    }

    fn accept(&mut self, stamp: Stamp) {
        let ok = stamp.join(self.ok);
        self.ok = Some(ok);
        self.weak.retain(|sign| sign.end >= ok.start);
    }

    fn refuse(&mut self, stamp: Stamp, evidence: &Evidence, now: Moment) {
        let fail = Some(stamp.join(self.fail));
        if fail != self.fail {
            self.fail = fail;
            self.put_probe_off(evidence, now);
        }
    }

    /// A 401 that may come from something on the way: the first is only remembered.
    fn suspect(&mut self, stamp: Stamp, evidence: &Evidence, now: Moment) {
        let over = self.ok.is_some_and(|ok| stamp.end < ok.start);
        let Err(place) = self.weak.binary_search(&stamp) else { return };
        let full = self.weak.len() >= WEAK_IN_A_ROW;
        if over || (full && place == 0) {
            return;
        }
        self.weak.insert(place, stamp);
        if full {
            self.weak.remove(0);
        }
        if self.is_doubly_suspect() {
            self.put_probe_off(evidence, now);
        }
    }

    fn is_doubly_suspect(&self) -> bool {
        self.weak.len() >= WEAK_IN_A_ROW
            || self.weak.windows(2).any(|pair| pair[1].end.since(pair[0].end) <= WEAK_WINDOW)
    }

    /// One storm is one step of the ladder, however many calls were caught in it.
    fn put_probe_off(&mut self, evidence: &Evidence, now: Moment) {
        self.refusals += u32::from(now >= self.probe_due);
        let (first, longest) = PROBE_PAUSE;
        let pause = ladder::pause(first, longest, self.refusals, evidence.fingerprint.low_bits());
        self.probe_due = now.after(pause);
    }

    fn settle(&mut self, before: Verdict, evidence: &Evidence, now: Moment) {
        let after = self.verdict();
        if after == before {
            return;
        }
        (self.changed, self.status) = (now, evidence.status);
        match after {
            Verdict::Rejected => self.episode = Some(Episode { status: evidence.status, alerted: false }),
            Verdict::Proven => {
                self.refusals = 0;
                self.told = self.episode.take().is_some_and(|episode| episode.alerted);
            }
            Verdict::Unproven => {}
        }
    }

    /// What it is refused for is nothing new: if the last episode was told, this one is with it.
    pub fn go_on_with_the_last_episode(&mut self) {
        let told = self.told;
        self.episode.iter_mut().for_each(|episode| episode.alerted |= told);
    }

    /// Whether there is an episode that nobody was told of.
    #[must_use]
    pub fn has_alert(&self) -> bool {
        self.episode.is_some_and(|episode| !episode.alerted)
    }

    /// The status to alert with, once an episode; none when there is no episode or it was told already.
    pub fn take_alert(&mut self) -> Option<u16> {
        let episode = self.episode.as_mut().filter(|episode| !episode.alerted)?;
        episode.alerted = true;
        Some(episode.status)
    }

    /// The call that is finding out about it.
    pub fn probe(&mut self) -> &mut Probe {
        &mut self.probe
    }

    /// Whether somebody is finding out about it now, and until when at the latest.
    #[must_use]
    pub fn probing(&self, now: Moment) -> Option<Moment> {
        self.probe.until().filter(|_| self.probe.is_out(now))
    }

    /// When a probe may go out: at once for a token nobody has refused.
    #[must_use]
    pub fn probe_due(&self) -> Moment {
        self.probe_due
    }

    /// What it was refused for is over: its next probe is due at once.
    pub fn probe_at_once(&mut self) {
        (self.probe_due, self.refusals) = (Moment::default(), 0);
    }

    /// Every moment in it.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        let stamps = self.fail.iter_mut().chain(&mut self.ok).chain(&mut self.weak);
        let stamps = stamps.flat_map(|stamp| [&mut stamp.start, &mut stamp.end]);
        stamps.chain([&mut self.probe_due, &mut self.changed]).chain(self.probe.moments())
    }
}
