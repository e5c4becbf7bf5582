//! The protocol's invariants as predicates over one step of the machine: what it was, what it heard, what it said.
//!
//! They are checked by the model checker, by the property tests, and in the simulator after every message that the running
//! CredentialActor handles. Each takes nothing but what is observable from outside, so a machine with another inside could be
//! held against the same page.

use super::{Counters, CredentialEffect, CredentialMachine, CredentialMessage, CredentialReply, Verdict};
use domain::access::{Access, AccessRequest};
use domain::credential::Lease;
use domain::evidence::{Class, Evidence};
use domain::fingerprint::Fingerprint;
use domain::provider::UpstreamKey;
use domain::time::Moment;
use std::collections::{BTreeMap, BTreeSet};

/// An invariant that was broken, and how.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Broken {
    /// Its name in the protocol: `"S4"`.
    pub rule: &'static str,
    /// What happened, without a secret.
    pub how: String,
}

/// What is remembered of a machine from before a step.
#[derive(Debug, Clone)]
pub struct Before {
    verdicts: BTreeMap<(UpstreamKey, Fingerprint), Verdict>,
    slots: usize,
    counters: Counters,
}

impl Before {
    /// Remembers `machine` as it is.
    #[must_use]
    pub fn of(machine: &CredentialMachine) -> Self {
        let verdicts =
            machine.verdicts().map(|(upstream, token, verdict)| ((upstream.clone(), token), verdict));
        Self { verdicts: verdicts.collect(), slots: machine.size().0, counters: machine.counters() }
    }
}

/// One step of a machine, seen from outside.
#[derive(Clone, Copy)]
pub struct Step<'s> {
    /// The machine before.
    pub before: &'s Before,
    /// What it heard.
    pub message: &'s CredentialMessage,
    /// What it answered.
    pub reply: &'s CredentialReply,
    /// What it wants done.
    pub effects: &'s [CredentialEffect],
    /// The machine after.
    pub after: &'s CredentialMachine,
}

impl Step<'_> {
    /// Every invariant that this step breaks.
    #[must_use]
    pub fn broken(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        self.verdicts(&mut broken);
        self.slots(&mut broken);
        if let Some((request, lease)) = self.leased() {
            self.lease(request, lease, &mut broken);
        }
        broken
    }

    /// S3: evidence about one token never changes another. S7: only what speaks against a token rejects it. S5, S9 follow.
    fn verdicts(&self, broken: &mut Vec<Broken>) {
        let evidence = self.evidence();
        for (upstream, token, verdict) in self.after.verdicts() {
            let known = self.before.verdicts.get(&(upstream.clone(), token));
            let changed = known.is_some_and(|before| *before != verdict);
            let about = evidence.is_some_and(|it| it.fingerprint == token && it.upstream == *upstream);
            if changed && !about {
                broken.push(Broken {
                    rule: "S3",
                    how: format!("{token} became {verdict:?}: {:?}", self.message),
                });
            }
            let against =
                evidence.is_some_and(|it| matches!(it.class, Class::CredentialRejected | Class::WeakAuth));
            if changed && verdict == Verdict::Rejected && !against {
                broken
                    .push(Broken { rule: "S7", how: format!("{token} was rejected by {:?}", self.message) });
            }
            let offered = matches!(self.message, CredentialMessage::CredentialObserved { .. });
            let leased = self.leased().is_some_and(|(_, lease)| lease.fingerprint() == token);
            if known.is_none() && !offered && !leased {
                broken.push(Broken { rule: "S9", how: format!("{token} came from {:?}", self.message) });
            }
        }
    }

    /// S9: nothing but a client's request makes a slot. S11: generations, leases and hints only rise.
    fn slots(&self, broken: &mut Vec<Broken>) {
        let offered = matches!(self.message, CredentialMessage::CredentialObserved { .. });
        if self.after.size().0 > self.before.slots && !offered {
            broken.push(Broken { rule: "S9", how: format!("a slot came from {:?}", self.message) });
        }
        let (before, after) = (self.before.counters, self.after.counters());
        let fell =
            after.generation < before.generation || after.lease < before.lease || after.epoch < before.epoch;
        if fell {
            broken.push(Broken { rule: "S11", how: format!("{before:?} became {after:?}") });
        }
    }

    fn lease(&self, request: &AccessRequest, lease: &Lease, broken: &mut Vec<Broken>) {
        let mut check = |rule, holds: bool| {
            if !holds {
                broken.push(Broken { rule, how: format!("{request:?} was given {lease:?}") });
            }
        };
        let token = lease.fingerprint();
        let own = lease.generation.0 == 0; // A key of the workers' own lies in no slot.
        check("S1", lease.principal == request.principal && (own || self.is_owned(request, token)));
        check("S2", lease.upstream == request.upstream);
        let verdict = self.after.verdict(&request.upstream, token);
        check("S4", lease.probe || verdict == Verdict::Proven);
        check("S6", self.refused() != Some(token));
        check("S11", lease.id.0 > self.before.counters.lease);
    }

    /// Whether a slot of the asking principal holds the token.
    fn is_owned(&self, request: &AccessRequest, token: Fingerprint) -> bool {
        self.after.holders(&request.upstream, token).any(|(principal, _)| *principal == request.principal)
    }

    fn leased(&self) -> Option<(&AccessRequest, &Lease)> {
        let CredentialReply::Access(Access::Go(lease)) = self.reply else { return None };
        match self.message {
            CredentialMessage::ResolveCredential(request) | CredentialMessage::AuthFailed { request, .. } => {
                Some((request, lease))
            }
            _ => None,
        }
    }

    /// The token that this message says was refused.
    fn refused(&self) -> Option<Fingerprint> {
        match self.message {
            CredentialMessage::AuthFailed { lease, evidence, .. } => {
                let about = evidence.fingerprint == lease.fingerprint();
                (about && evidence.class == Class::CredentialRejected).then(|| lease.fingerprint())
            }
            _ => None,
        }
    }

    fn evidence(&self) -> Option<&Evidence> {
        self.message.evidence()
    }
}

/// Watches one machine over its whole life, for what no single step shows: S12 and S14.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Alerts still due for each token: one an episode.
    episodes: BTreeMap<(UpstreamKey, Fingerprint), u32>,
    /// Probes that are out.
    probes: BTreeMap<(UpstreamKey, Fingerprint), (u64, Moment)>,
    leases: BTreeSet<u64>,
}

impl Watch {
    /// Takes a step in at `now`, and says what is broken, also of what [`Step::broken`] sees.
    pub fn see(&mut self, step: Step<'_>, now: Moment) -> Vec<Broken> {
        let mut broken = step.broken();
        self.ended(step);
        self.leased(step, now, &mut broken);
        self.alerts(step, &mut broken);
        broken
    }

    fn ended(&mut self, step: Step<'_>) {
        match step.message {
            CredentialMessage::AuthFailed { lease, .. }
            | CredentialMessage::AuthAccepted { lease, .. }
            | CredentialMessage::CallEnded { lease, .. } => {
                self.probes.retain(|_, (out, _)| *out != lease.id.0);
            }
            // Which of its probes were lost is not seen from outside.
            CredentialMessage::WorkerRestarted(_) => self.probes.clear(),
            _ => {}
        }
    }

    /// S12: at most one probe per token and upstream, freed only by its own outcome or its time-out.
    fn leased(&mut self, step: Step<'_>, now: Moment, broken: &mut Vec<Broken>) {
        let Some((_, lease)) = step.leased() else { return };
        if !self.leases.insert(lease.id.0) {
            broken.push(Broken { rule: "S11", how: format!("{:?} was given twice", lease.id) });
        }
        let about = (lease.upstream.clone(), lease.fingerprint());
        let out = self.probes.get(&about).is_some_and(|(_, until)| now < *until);
        if lease.probe && out {
            broken.push(Broken { rule: "S12", how: format!("a second probe of {} is out", about.1) });
        }
        if lease.probe {
            self.probes.insert(about, (lease.id.0, now.after(super::probe::CALL_LIMIT)));
        }
    }

    /// S14: one alert an episode, a token's passage from good to rejected.
    fn alerts(&mut self, step: Step<'_>, broken: &mut Vec<Broken>) {
        for (upstream, token, verdict) in step.after.verdicts() {
            let about = (upstream.clone(), token);
            let was_rejected = step.before.verdicts.get(&about) == Some(&Verdict::Rejected);
            match (was_rejected, verdict == Verdict::Rejected) {
                (false, true) => drop(self.episodes.insert(about, 1)),
                (true, false) => drop(self.episodes.remove(&about)),
                _ => {}
            }
        }
        for effect in step.effects {
            let CredentialEffect::Alert(alert) = effect else { continue };
            let due = self.episodes.iter_mut().find(|((_, token), due)| *token == alert.token && **due > 0);
            match due {
                Some((_, due)) => *due -= 1,
                None => broken.push(Broken { rule: "S14", how: format!("an alert too many: {alert:?}") }),
            }
        }
    }
}
