//! Two ways in which an upstream as a whole is out of order: it refuses tokens that cannot all be dead, or it is broken.
//! Background work for it stands still, and one call at a time finds out whether it may go on. Both end with any success.

#[cfg(test)]
mod tests;

use super::ladder;
use super::probe::Probe;
use domain::evidence::{Class, Evidence};
use domain::fingerprint::Fingerprint;
use domain::ids::LeaseId;
use domain::time::Moment;
use std::collections::BTreeSet;
use std::time::Duration;

/// Two different tokens that are refused within this span are an incident.
const TOGETHER: Duration = Duration::from_secs(60);
/// Pauses between trials during an incident, first and longest.
const INCIDENT: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(30 * 60));
/// Pauses between trials of a broken upstream, first and longest.
const FAULTS: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(300));
/// So many faults in a row open the breaker.
const PATIENCE: u32 = 3;
/// Tokens that are remembered as refused during an incident. Those beyond wait for their own probes.
const REMEMBERED: usize = 1024;

/// Background work stands still until a trial says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Suspension {
    /// When the trouble was understood.
    since: Moment,
    trials: u32,
    trial_due: Moment,
    trial: Probe,
}

impl Suspension {
    fn begin(since: Moment, (first, longest): (Duration, Duration), seed: u64, now: Moment) -> Self {
        let trial_due = now.after(ladder::pause(first, longest, 1, seed));
        Self { since, trials: 1, trial_due, trial: Probe::default() }
    }

    /// The job under `lease` has ended. If it was the trial and met the trouble again, the next one comes later. Nothing else
    /// puts it off: whoever goes on sending a dead token would else keep all others waiting for ever.
    fn end_trial(
        &mut self,
        lease: LeaseId,
        failed: bool,
        (first, longest): (Duration, Duration),
        now: Moment,
    ) {
        if self.trial.end(lease) && failed {
            self.trials = self.trials.saturating_add(1);
            self.trial_due = now.after(ladder::pause(first, longest, self.trials, lease.0));
        }
    }

    /// Until when a call has to wait; none when it may go, as the trial.
    fn holds_until(&self, now: Moment) -> Option<Moment> {
        if now < self.trial_due {
            Some(self.trial_due)
        } else {
            self.trial.until().filter(|_| self.trial.is_out(now))
        }
    }

    fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        [&mut self.since, &mut self.trial_due].into_iter().chain(self.trial.moments())
    }
}

/// Several tokens were refused at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Incident {
    suspension: Option<Suspension>,
    /// The last token that went from good to rejected, and when, unless a success came after it.
    last: Option<(Fingerprint, Moment)>,
    /// What was refused since it began: not final.
    refused: BTreeSet<Fingerprint>,
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
            self.suspension = Some(Suspension::begin(at, INCIDENT, token.low_bits(), now));
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

    /// Until when a call has to wait; none when it may go.
    pub(super) fn holds_until(&self, now: Moment) -> Option<Moment> {
        self.suspension.as_ref()?.holds_until(now)
    }

    /// A call goes out under `lease`: as the trial, while the incident lasts.
    pub(super) fn try_with(&mut self, lease: LeaseId, now: Moment) {
        self.suspension.iter_mut().for_each(|suspension| suspension.trial.start(lease, now));
    }

    /// The job under `lease` has ended with an answer of this class, if any.
    pub(super) fn end_trial(&mut self, lease: LeaseId, class: Option<Class>, now: Moment) {
        let refused = matches!(class, Some(Class::CredentialRejected | Class::WeakAuth));
        if let Some(suspension) = &mut self.suspension {
            suspension.end_trial(lease, refused, INCIDENT, now);
        }
    }

    /// Every moment in it.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        let own = self.last.iter_mut().map(|(_, at)| at).chain(&mut self.alerted);
        own.chain(self.suspension.iter_mut().flat_map(Suspension::moments))
    }
}

/// The breaker of an upstream that does not answer, or answers with faults of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Breaker {
    in_a_row: u32,
    open: Option<Suspension>,
}

impl Breaker {
    /// A call came to nothing, and not for what was asked.
    pub(super) fn fault(&mut self, evidence: &Evidence, now: Moment) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.open.is_none() && self.in_a_row >= PATIENCE {
            self.open = Some(Suspension::begin(evidence.end, FAULTS, evidence.fingerprint.low_bits(), now));
        }
    }

    /// A provider answered with sense. One that was asked before the trouble proves nothing against it.
    pub(super) fn answered(&mut self, answer: &Evidence) {
        if self.open.as_ref().is_none_or(|open| answer.start > open.since) {
            *self = Self::default();
        }
    }

    /// Whether it lets only trials pass.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Until when a call has to wait; none when it may go.
    pub(super) fn holds_until(&self, now: Moment) -> Option<Moment> {
        self.open.as_ref()?.holds_until(now)
    }

    /// A call goes out under `lease`: as the trial, while the breaker is open.
    pub(super) fn try_with(&mut self, lease: LeaseId, now: Moment) {
        self.open.iter_mut().for_each(|open| open.trial.start(lease, now));
    }

    /// The job under `lease` has ended with an answer of this class, if any.
    pub(super) fn end_trial(&mut self, lease: LeaseId, class: Option<Class>, now: Moment) {
        if let Some(open) = &mut self.open {
            open.end_trial(lease, class == Some(Class::UpstreamFault), FAULTS, now);
        }
    }

    /// Every moment in it.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        self.open.iter_mut().flat_map(Suspension::moments)
    }
}
