//! The credential machine: which tokens there are, what is known of each, and who may use which.
//!
//! Verdicts belong to tokens, not to sessions. A late failure of an old token touches only the old token, and a client that
//! sends a refused token again proves nothing. Background work pulls its permission for every call; the hints that are
//! broadcast only make it ask sooner. `docs/machines/credential.md` has the state diagram and each rule with its test.

mod admission;
mod companions;
mod holders;
pub mod invariants;
pub(crate) mod ladder;
mod limiter;
mod message;
mod named;
mod pauses;
mod probe;
mod record;
mod slot;
mod stand_in;
mod suspension;
mod table;
mod token;
mod upstream;
mod view;

#[cfg(test)]
mod tests;

pub use message::{
    Affected, Alert, CredentialEffect, CredentialMessage, CredentialReply, Hint, SlotView, StandIn,
    TokenState,
};
pub use slot::SlotKey;
pub use token::Verdict;

use domain::access::AccessRequest;
use domain::credential::{Credential, Lease};
use domain::evidence::{Class, Evidence};
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, LeaseId, SessionId};
use domain::provider::{Provider, UpstreamKey};
use domain::purpose::Purpose;
use domain::settings::{ClientCredentials, GlobalFallback};
use domain::time::Moment;
use limiter::Limiter;
use pauses::Call;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use upstream::{Offer, Passage, Taken, Upstream};

/// What the settings say about credentials.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CredentialRules {
    /// Which captured kinds background work may use.
    pub client_credentials: ClientCredentials,
    /// When the global token may stand in.
    pub fallback: GlobalFallback,
    /// Keys of the workers' own. Where there is one, no client credential is used for background work.
    pub own_keys: Vec<(Provider, Arc<Credential>)>,
}

/// Numbers that rise over the whole life of the process: whoever rebuilds the machine hands them on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Counters {
    /// The last filling.
    pub generation: u64,
    /// The last lease.
    pub lease: u64,
    /// The last hint.
    pub epoch: u64,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CredentialMachine {
    rules: CredentialRules,
    upstreams: BTreeMap<UpstreamKey, Upstream>,
    limiter: Limiter,
    /// How many slots there are.
    sessions: usize,
    counters: Counters,
}

impl CredentialMachine {
    /// A machine that knows nothing, counting on from `counters`.
    #[must_use]
    pub fn new(rules: CredentialRules, counters: Counters) -> Self {
        Self { rules, upstreams: BTreeMap::new(), limiter: Limiter::default(), sessions: 0, counters }
    }

    /// How far it has counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes one message in.
    pub fn on(
        &mut self,
        message: CredentialMessage,
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) -> CredentialReply {
        match message {
            CredentialMessage::CredentialObserved { slot, credential, project, ends } => {
                self.observe(&slot, credential, (project, ends), now, effects);
            }
            CredentialMessage::ClientAnswered { evidence, model } => {
                self.judge(&evidence, Call::of_client(model.as_deref()), now, effects);
            }
            CredentialMessage::ResolveCredential(request) => {
                return CredentialReply::Access(self.admit(&request, now, effects));
            }
            CredentialMessage::AuthFailed { request, lease, evidence } => {
                self.report(&request, &lease, Some(&evidence), now, effects);
                return CredentialReply::Access(self.readmit(&request, &lease, now, effects));
            }
            CredentialMessage::AuthAccepted { request, lease, evidence } => {
                self.report(&request, &lease, Some(&evidence), now, effects);
            }
            CredentialMessage::CallEnded { request, lease, evidence } => {
                self.report(&request, &lease, evidence.as_ref(), now, effects);
            }
            CredentialMessage::WorkerRestarted(purpose) => self.take_back(purpose, now),
            CredentialMessage::SessionEvicted { session } => self.evict(&session, now),
            CredentialMessage::ListSlots => return CredentialReply::Slots(self.list(now)),
            CredentialMessage::ReviewSessions(sessions) => {
                return CredentialReply::Standing(sessions.iter().map(|it| self.standing(it, now)).collect());
            }
        }
        CredentialReply::Noted
    }

    /// A client's request carried a token.
    fn observe(
        &mut self,
        key: &SlotKey,
        credential: Arc<Credential>,
        (project, ends): (Option<String>, Option<Moment>),
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) {
        let token = credential.fingerprint;
        let upstream = self.upstreams.entry(key.upstream.clone()).or_default();
        let offer = Offer { principal: &key.principal, session: &key.session, credential, project, ends };
        let taken = upstream.observe(offer, Generation(self.counters.generation + 1), now);
        self.sessions += usize::from(taken == Taken::First);
        self.counters.generation += u64::from(taken != Taken::Known);
        if taken != Taken::Known && upstream.is_good(token, now) {
            self.wake(key, effects);
        }
    }

    /// A session was given a token that was proven in another one: no verdict will change, so this is the moment when its
    /// work can go on.
    fn wake(&mut self, key: &SlotKey, effects: &mut Vec<CredentialEffect>) {
        self.counters.epoch += 1;
        let (principal, upstream) = (key.principal.clone(), key.upstream.clone());
        let (sessions, epoch) = (vec![key.session.clone()], self.counters.epoch);
        let affected = Affected { principal, upstream, sessions, epoch };
        effects.push(CredentialEffect::Broadcast(Hint::CredentialsReenabled(affected)));
    }

    /// Joins evidence about one token, and tells the workers when its verdict changed.
    fn judge(
        &mut self,
        evidence: &Evidence,
        call: Call<'_>,
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) {
        let Some(upstream) = self.upstreams.get_mut(&evidence.upstream) else { return };
        let was_good = upstream.is_good(evidence.fingerprint, now);
        let (passage, healed) = upstream.judge(evidence, call, now);
        // Also a token that was only in doubt, without a verdict that changed.
        let is_mended = !was_good && upstream.is_good(evidence.fingerprint, now);
        let changed = |token| BTreeSet::from([token]);
        if let Some(Passage::Rejected(token)) = passage {
            self.broadcast(&evidence.upstream, changed(token), Hint::CredentialsInvalidated, effects);
        }
        let is_usable = is_mended || matches!(passage, Some(Passage::Proven(_)));
        let usable = healed.into_iter().chain(is_usable.then_some(evidence.fingerprint)).collect();
        self.broadcast(&evidence.upstream, usable, Hint::CredentialsReenabled, effects);
    }

    fn broadcast(
        &mut self,
        upstream: &UpstreamKey,
        tokens: BTreeSet<Fingerprint>,
        hint: impl Fn(Affected) -> Hint,
        effects: &mut Vec<CredentialEffect>,
    ) {
        let Some(known) = self.upstreams.get(upstream) else { return };
        for affected in known.affected(upstream, tokens) {
            self.counters.epoch += 1;
            let affected = Affected { epoch: self.counters.epoch, ..affected };
            effects.push(CredentialEffect::Broadcast(hint(affected)));
        }
    }

    /// The job under `lease` has ended with this evidence. Evidence about another token or upstream than the leased is not
    /// taken; a lease of an earlier incarnation is unknown here, but what it tells about its token counts like any evidence.
    fn report(
        &mut self,
        request: &AccessRequest,
        lease: &Lease,
        evidence: Option<&Evidence>,
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) {
        self.give_back(lease, evidence.map(|evidence| evidence.class), now, effects);
        let about = (&lease.upstream, lease.fingerprint());
        if let Some(evidence) = evidence.filter(|it| (&it.upstream, it.fingerprint) == about) {
            self.judge(evidence, Call::of_work(request), now, effects);
        }
    }

    /// Whatever waited for this lease may go on.
    fn give_back(
        &mut self,
        lease: &Lease,
        class: Option<Class>,
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) {
        self.end_probes((&lease.upstream, lease.fingerprint()), lease.id, class, now);
        let next = self.limiter.came_back(lease.id);
        effects.extend(next.map(|(purpose, session)| CredentialEffect::Invite(purpose, session)));
    }

    fn end_probes(
        &mut self,
        (upstream, token): (&UpstreamKey, Fingerprint),
        lease: LeaseId,
        class: Option<Class>,
        now: Moment,
    ) {
        let Some(upstream) = self.upstreams.get_mut(upstream) else { return };
        upstream.incident.end_trial(lease, class, now);
        upstream.breaker.end_trial(lease, class, now);
        if let Some(record) = upstream.tokens.get_mut(&token) {
            record.token.probe().end(lease);
        }
    }

    /// A worker was rebuilt: its calls broke off, and nobody will report them.
    fn take_back(&mut self, purpose: Purpose, now: Moment) {
        for out in self.limiter.lost(purpose) {
            self.end_probes((&out.token.0, out.token.1), out.lease, None, now);
        }
    }

    fn evict(&mut self, session: &SessionId, now: Moment) {
        let gone: usize = self.upstreams.values_mut().map(|upstream| upstream.evict(session, now)).sum();
        self.sessions -= gone;
        self.limiter.forget(session);
    }

    /// Every moment in it. For a model checker, to which only their order matters.
    pub fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        self.upstreams.values_mut().flat_map(Upstream::moments).chain(self.limiter.moments())
    }
}
