//! Two ways in which an upstream as a whole is out of order: it refuses tokens that cannot all be dead, or it is broken.
//! Background work for it stands still, and one call at a time finds out whether it may go on. Both end with any success.

#[cfg(test)]
mod tests;

mod trials;

use domain::evidence::{Class, Evidence};
use domain::fingerprint::Fingerprint;
use domain::ids::LeaseId;
use domain::time::Moment;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use trials::Trials;

/// Two different tokens that are refused within this span are an incident.
const TOGETHER: Duration = Duration::from_secs(60);
/// Pauses between trials during an incident, first and longest.
const INCIDENT: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(30 * 60));
/// Pauses between trials of a broken upstream, first and longest.
const FAULTS: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(300));
/// So many faults in a row open the breaker.
const PATIENCE: u32 = 3;
/// For so long after the trial of a refused token is due it is left to those that were tried less often.
const TURN: Duration = Duration::from_secs(300);
/// Tokens that are remembered as refused during an incident. Those beyond wait for their own probes.
const REMEMBERED: usize = 1024;

/// How much is to be hoped of a call while tokens are refused, by the token that it would go with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merit {
    /// Proven, and nothing speaks against it.
    Good,
    /// Nobody knows: never answered, or in doubt.
    Open,
    /// Refused, and not accepted since.
    Refused,
}

/// Background work stands still until a trial says otherwise. The trials of tokens of each merit keep to intervals of their own:
/// that a dead token is still dead says little, and must not put off the call that would succeed. The better go first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Suspension {
    /// When the trouble was understood.
    since: Moment,
    trials: [Trials; 3],
}

/// Several tokens were refused at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Incident {
    suspension: Option<Suspension>,
    /// The last token that went from good to rejected, and when, unless a success came after it.
    last: Option<(Fingerprint, Moment)>,
    /// What was refused since it began: not final.
    refused: BTreeSet<Fingerprint>,
    /// How often each refused token was the trial.
    tried: BTreeMap<Fingerprint, u32>,
    /// Refused tokens with which a job has waited for its trial since the last one.
    waiting: BTreeSet<Fingerprint>,
    /// The last alert about a token of this upstream.
    alerted: Option<Moment>,
}

impl Incident {
    /// A token went from good to rejected.
    pub(super) fn rejected(&mut self, evidence: &Evidence, now: Moment) {
        let (token, at) = (evidence.fingerprint, evidence.end);
        let before = self.last.replace((token, at));
        let apart = |other: Moment| at.since(other).max(other.since(at));
        let partner = before.filter(|(other, then)| *other != token && apart(*then) <= TOGETHER);
        if let Some((other, _)) = partner.filter(|_| self.suspension.is_none()) {
            let trials = [(); 3].map(|()| Trials::begin(INCIDENT, token.low_bits(), now));
            self.suspension = Some(Suspension { since: at, trials });
            self.refused.insert(other);
        }
        if let Some(suspension) = &mut self.suspension {
            suspension.since = suspension.since.max(at);
            if self.refused.len() < REMEMBERED {
                self.refused.insert(token);
            }
        }
    }

    /// A request was accepted. If it began after the trouble was known the incident is over: the tokens that were refused
    /// meanwhile are returned, for no verdict on them is final.
    pub(super) fn succeeded(&mut self, success: &Evidence) -> BTreeSet<Fingerprint> {
        self.last = self.last.filter(|(_, at)| success.start <= *at);
        match &self.suspension {
            Some(suspension) if success.start > suspension.since => {
                self.suspension = None;
                self.tried.clear();
                self.waiting.clear();
                std::mem::take(&mut self.refused)
            }
            _ => BTreeSet::new(),
        }
    }

    /// Whether an alert may go out now. During an incident one is enough for all of its tokens: each that is still refused
    /// when it is over has its own then.
    pub(super) fn take_alert(&mut self, now: Moment) -> bool {
        let told = self
            .suspension
            .as_ref()
            .is_some_and(|suspension| self.alerted.is_some_and(|at| at.after(TOGETHER) >= suspension.since));
        if !told {
            self.alerted = Some(now);
        }
        !told
    }

    /// Whether it lasts.
    pub(super) fn is_on(&self) -> bool {
        self.suspension.is_some()
    }

    /// Until when a call with this token has to wait; none when it may go.
    pub(super) fn holds_until(&self, token: Fingerprint, merit: Merit, now: Moment) -> Option<Moment> {
        let (better, trials) = self.suspension.as_ref()?.trials.split_at(merit as usize);
        let own = trials.first()?;
        let out = || better.iter().find_map(|trials| trials.out_until(now));
        own.holds_until(now).or_else(out).or_else(|| {
            let turn = own.due().after(TURN);
            (merit == Merit::Refused && now < turn && self.is_anothers_turn(token)).then_some(turn)
        })
    }

    /// Whoever asks first would else be the trial each time, and a token that is good after all might never be (L2).
    fn is_anothers_turn(&self, token: Fingerprint) -> bool {
        let tried = |token| self.tried.get(token).copied().unwrap_or_default();
        self.waiting.iter().any(|other| tried(other) < tried(&token))
    }

    /// A job waits to be the trial with this refused token.
    pub(super) fn waits(&mut self, token: Fingerprint) {
        if self.waiting.len() < REMEMBERED {
            self.waiting.insert(token);
        }
    }

    /// A call goes out under `lease`: as the trial, while the incident lasts.
    pub(super) fn try_with(&mut self, lease: LeaseId, token: Fingerprint, merit: Merit, now: Moment) {
        let Some(suspension) = &mut self.suspension else { return };
        suspension.trials[merit as usize].start(lease, now);
        if merit == Merit::Refused {
            *self.tried.entry(token).or_default() += 1;
            self.waiting.clear();
        }
    }

    /// The job under `lease` has ended with an answer of this class, if any.
    pub(super) fn end_trial(&mut self, lease: LeaseId, class: Option<Class>, now: Moment) {
        let refused = matches!(class, Some(Class::CredentialRejected | Class::WeakAuth));
        let mut put_off = false;
        for trials in self.suspension.iter_mut().flat_map(|suspension| &mut suspension.trials) {
            if put_off {
                trials.rest(INCIDENT.0, now);
            }
            put_off |= trials.end(lease, refused, INCIDENT, now);
        }
    }

    /// Every moment in it.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        let own = self.last.iter_mut().map(|(_, at)| at).chain(&mut self.alerted);
        let suspended = self.suspension.iter_mut().flat_map(|suspension| {
            std::iter::once(&mut suspension.since)
                .chain(suspension.trials.iter_mut().flat_map(Trials::moments))
        });
        own.chain(suspended)
    }
}

/// The breaker of an upstream that does not answer, or answers with faults of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Breaker {
    in_a_row: u32,
    /// Since when it is open, and the calls that find out.
    open: Option<(Moment, Trials)>,
}

impl Breaker {
    /// A call came to nothing, and not for what was asked.
    pub(super) fn fault(&mut self, evidence: &Evidence, now: Moment) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.open.is_none() && self.in_a_row >= PATIENCE {
            let trials = Trials::begin(FAULTS, evidence.fingerprint.low_bits(), now);
            self.open = Some((evidence.end, trials));
        }
    }

    /// A provider answered with sense. One that was asked before the trouble proves nothing against it.
    pub(super) fn answered(&mut self, answer: &Evidence) {
        if self.open.as_ref().is_none_or(|(since, _)| answer.start > *since) {
            *self = Self::default();
        }
    }

    /// Whether it lets only trials pass.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Until when a call has to wait; none when it may go.
    pub(super) fn holds_until(&self, now: Moment) -> Option<Moment> {
        self.open.as_ref()?.1.holds_until(now)
    }

    /// A call goes out under `lease`: as the trial, while the breaker is open.
    pub(super) fn try_with(&mut self, lease: LeaseId, now: Moment) {
        self.open.iter_mut().for_each(|(_, trials)| trials.start(lease, now));
    }

    /// The job under `lease` has ended with an answer of this class, if any.
    pub(super) fn end_trial(&mut self, lease: LeaseId, class: Option<Class>, now: Moment) {
        if let Some((_, trials)) = &mut self.open {
            trials.end(lease, class == Some(Class::UpstreamFault), FAULTS, now);
        }
    }

    /// Every moment in it.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        self.open.iter_mut().flat_map(|(since, trials)| std::iter::once(since).chain(trials.moments()))
    }
}
