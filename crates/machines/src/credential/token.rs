//! What is known of one token at one upstream.
//!
//! Evidence is joined by maximum, so that late, doubled and reordered reports end in the same verdict. A token is rejected
//! when a failure is known and no success began after it ended.

use domain::evidence::{Class, Evidence};
use domain::fingerprint::Fingerprint;
use domain::ids::LeaseId;
use domain::time::Moment;
use std::time::Duration;

/// Two weak signs within this span count as a refusal.
const WEAK_WINDOW: Duration = Duration::from_secs(60);
/// A probe that was never heard of again is given up after this: longer than the longest call (15 minutes).
const PROBE_LIMIT: Duration = Duration::from_secs(16 * 60);

/// The verdict on a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Offered by a client, never answered.
    Unproven,
    /// Somebody's request with it was accepted, and none refused since.
    Proven,
    /// Refused, and no request that began later was accepted.
    Rejected,
}

impl Verdict {
    /// How much background work would rather have a token with this verdict than another.
    #[must_use]
    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Rejected => 0,
            Self::Unproven => 1,
            Self::Proven => 2,
        }
    }
}

/// The span of the newest evidence of one kind, each end kept by maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Stamp {
    start: Moment,
    end: Moment,
}

impl Stamp {
    fn join(known: Option<Self>, evidence: &Evidence) -> Option<Self> {
        let (start, end) = (evidence.start, evidence.end.max(evidence.start));
        Some(
            known.map_or(Self { start, end }, |it| Self { start: it.start.max(start), end: it.end.max(end) }),
        )
    }
}

/// A call that finds out whether a token works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Probe {
    lease: LeaseId,
    until: Moment,
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
    weak: Option<Moment>,
    refusals: u32,
    probe_due: Moment,
    probe: Option<Probe>,
    episode: Option<Episode>,
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
            weak: None,
            refusals: 0,
            probe_due: Moment::default(),
            probe: None,
            episode: None,
            changed: now,
            status: 0,
        }
    }

    /// The verdict, from what is known now.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match (self.fail, self.ok) {
            (Some(fail), Some(ok)) if ok.start > fail.end => Verdict::Proven,
            (Some(_), _) => Verdict::Rejected,
            (None, Some(_)) => Verdict::Proven,
            (None, None) => Verdict::Unproven,
        }
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
        match evidence.class {
            Class::Ok => self.ok = Stamp::join(self.ok, evidence),
            Class::CredentialRejected => self.refuse(evidence, now),
            Class::WeakAuth => self.suspect(evidence, now),
            Class::Forbidden
            | Class::AccountBlocked
            | Class::Throttled { .. }
            | Class::UpstreamFault
            | Class::RequestRefused => return before,
        }
        self.settle(before, evidence, now);
        before
    }

    fn refuse(&mut self, evidence: &Evidence, now: Moment) {
        let known = self.fail;
        self.fail = Stamp::join(known, evidence);
        if self.fail != known {
            // One storm is one step of the ladder, however many calls were caught in it.
            self.refusals += u32::from(now >= self.probe_due);
            self.probe_due = now.after(probe_pause(evidence.fingerprint, self.refusals));
        }
    }

    /// A 401 that may come from something on the way: the first is only remembered.
    fn suspect(&mut self, evidence: &Evidence, now: Moment) {
        let known = self.weak.unwrap_or(evidence.end);
        let (earlier, later) = (known.min(evidence.end), known.max(evidence.end));
        self.weak = Some(later);
        if earlier != later && later.since(earlier) <= WEAK_WINDOW {
            self.refuse(evidence, now);
        }
    }

    fn settle(&mut self, before: Verdict, evidence: &Evidence, now: Moment) {
        let after = self.verdict();
        if after == before {
            return;
        }
        (self.changed, self.status) = (now, evidence.status);
        match after {
            Verdict::Rejected => self.episode = Some(Episode { status: evidence.status, alerted: false }),
            Verdict::Proven => (self.refusals, self.weak, self.episode) = (0, None, None),
            Verdict::Unproven => {}
        }
    }

    /// The status to alert with, once an episode; none when there is no episode or it was told already.
    pub fn take_alert(&mut self) -> Option<u16> {
        let episode = self.episode.as_mut().filter(|episode| !episode.alerted)?;
        episode.alerted = true;
        Some(episode.status)
    }

    /// Whether somebody is finding out about it now.
    #[must_use]
    pub fn probing(&self, now: Moment) -> bool {
        self.probe.is_some_and(|probe| now < probe.until)
    }

    /// When a probe may go out, seen from `now`: at once for a token nobody has refused.
    #[must_use]
    pub fn probe_due(&self) -> Moment {
        self.probe_due
    }

    /// Sends a probe out under `lease`.
    pub fn start_probe(&mut self, lease: LeaseId, now: Moment) {
        self.probe = Some(Probe { lease, until: now.after(PROBE_LIMIT) });
    }

    /// When the probe that is out will be given up.
    #[must_use]
    pub fn probe_ends(&self) -> Option<Moment> {
        self.probe.map(|probe| probe.until)
    }

    /// The job under `lease` has ended; if it was the probe, the next may go out.
    pub fn end_probe(&mut self, lease: LeaseId) {
        if self.probe.is_some_and(|probe| probe.lease == lease) {
            self.probe = None;
        }
    }
}

/// The pause before the probe that follows the `refusals`-th refusal: 1 minute doubling to 30, ±20 %. The spread comes from
/// the token's own hash, so that many tokens refused at once do not come back at once, and a run can be replayed.
fn probe_pause(token: Fingerprint, refusals: u32) -> Duration {
    let minutes = 1_u64 << refusals.saturating_sub(1).min(5);
    let base = Duration::from_secs(minutes.min(30) * 60);
    base.mul_f64(0.8 + 0.4 * spread(token, refusals))
}

/// A number in 0..1 that differs by token and by turn (the finaliser of SplitMix64).
fn spread(token: Fingerprint, turn: u32) -> f64 {
    let mut bits = token.low_bits() ^ (u64::from(turn) << 32);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::provider::{Provider, UpstreamKey};
    use proptest::prelude::*;

    fn evidence(class: Class, start: u64, end: u64) -> Evidence {
        let upstream = UpstreamKey::new(Provider::Anthropic, "http://h");
        let fingerprint = Fingerprint::of_number(1);
        Evidence { fingerprint, upstream, start: Moment(start), end: Moment(end), class, status: 401 }
    }

    #[test]
    fn a_success_that_began_before_the_failure_ended_proves_nothing() {
        let mut token = Token::offered(Moment(0));
        token.join(&evidence(Class::CredentialRejected, 10, 20), Moment(20));
        token.join(&evidence(Class::Ok, 15, 30), Moment(30));
        assert_eq!(token.verdict(), Verdict::Rejected);
        token.join(&evidence(Class::Ok, 21, 31), Moment(31));
        assert_eq!(token.verdict(), Verdict::Proven);
    }

    #[test]
    fn one_weak_sign_is_none_and_two_within_a_minute_are_a_refusal() {
        let minute = 60_000_000;
        let mut token = Token::offered(Moment(0));
        token.join(&evidence(Class::WeakAuth, 0, 1), Moment(1));
        assert_eq!(token.verdict(), Verdict::Unproven);
        token.join(&evidence(Class::WeakAuth, 2 * minute, 2 * minute + 1), Moment(2 * minute + 1));
        assert_eq!(token.verdict(), Verdict::Unproven);
        token.join(&evidence(Class::WeakAuth, 2 * minute + 5, 2 * minute + 6), Moment(2 * minute + 6));
        assert_eq!(token.verdict(), Verdict::Rejected);
    }

    #[test]
    fn weak_signs_that_come_in_the_wrong_order_or_twice_are_still_far_apart() {
        let minute = 60_000_000;
        let (early, late) =
            (evidence(Class::WeakAuth, 0, 1), evidence(Class::WeakAuth, 2 * minute, 2 * minute + 1));
        let mut token = Token::offered(Moment(0));
        for sign in [&late, &early, &late, &early] {
            token.join(sign, Moment(3 * minute));
            assert_eq!(token.verdict(), Verdict::Unproven);
        }
    }

    #[test]
    fn many_refusals_at_once_are_one_step_of_the_ladder() {
        let mut token = Token::offered(Moment(0));
        for n in 0..10 {
            token.join(&evidence(Class::CredentialRejected, n, n + 1), Moment(n + 1));
        }
        assert!(token.probe_due() <= Moment::from_secs(73), "{:?}", token.probe_due());
    }

    #[test]
    fn an_episode_alerts_once_and_the_next_one_again() {
        let mut token = Token::offered(Moment(0));
        token.join(&evidence(Class::CredentialRejected, 1, 2), Moment(2));
        assert_eq!(token.take_alert(), Some(401));
        token.join(&evidence(Class::CredentialRejected, 3, 4), Moment(4));
        assert_eq!(token.take_alert(), None);
        token.join(&evidence(Class::Ok, 5, 6), Moment(6));
        token.join(&evidence(Class::CredentialRejected, 7, 8), Moment(8));
        assert_eq!(token.take_alert(), Some(401));
    }

    #[test]
    fn probes_come_later_and_later_but_never_stop() {
        let token = Fingerprint::of_number(9);
        let pauses: Vec<u64> = (1..=40).map(|n| probe_pause(token, n).as_secs()).collect();
        assert!((48..=72).contains(&pauses[0]), "{pauses:?}");
        assert!(pauses.iter().all(|&pause| pause <= 36 * 60), "{pauses:?}");
        assert!(pauses[39] >= 24 * 60, "{pauses:?}");
    }

    fn any_evidence() -> impl Strategy<Value = Evidence> {
        let class = prop_oneof![
            Just(Class::Ok),
            Just(Class::CredentialRejected),
            Just(Class::Forbidden),
            Just(Class::Throttled { retry_after: None }),
            Just(Class::UpstreamFault),
        ];
        (class, 0_u64..20, 0_u64..20)
            .prop_map(|(class, start, length)| evidence(class, start, start + length))
    }

    fn verdict_after<'e>(all: impl Iterator<Item = &'e Evidence>) -> Verdict {
        let mut token = Token::offered(Moment(0));
        all.for_each(|one| {
            token.join(one, Moment(50));
        });
        token.verdict()
    }

    proptest! {
        #[test]
        fn the_verdict_depends_neither_on_order_nor_on_repetition(
            all in proptest::collection::vec(any_evidence(), 0..12),
            order in proptest::collection::vec(any::<proptest::sample::Index>(), 0..24),
        ) {
            let shuffled = order.iter().filter(|_| !all.is_empty()).map(|index| index.get(&all)).chain(all.iter().rev());
            prop_assert_eq!(verdict_after(all.iter()), verdict_after(shuffled));
        }

        #[test]
        fn only_auth_failures_reject(all in proptest::collection::vec(any_evidence(), 0..12)) {
            let harmless = all.iter().filter(|one| one.class != Class::CredentialRejected);
            prop_assert_ne!(verdict_after(harmless), Verdict::Rejected);
        }
    }
}
