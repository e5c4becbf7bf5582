//! The credential machine: which tokens there are, what is known of each, and who may use which.
//!
//! Verdicts belong to tokens, not to sessions. A late failure of an old token touches only the old token, and a client that
//! sends a refused token again proves nothing. Background work pulls its permission for every call; the hints that are
//! broadcast only make it ask sooner. `docs/machines/credential.md` has the state diagram and each rule with its test.

mod lease;
mod message;
mod pauses;
mod slot;
mod token;
mod view;

#[cfg(test)]
mod tests;

pub use message::{
    Affected, Alert, CredentialEffect, CredentialMessage, CredentialReply, Hint, SlotView, TokenState,
};
pub use slot::SlotKey;
pub use token::Verdict;

use domain::access::{Access, AccessRequest};
use domain::credential::{Credential, Lease};
use domain::evidence::Evidence;
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, Principal, SessionId};
use domain::provider::{Provider, UpstreamKey};
use domain::purpose::Purpose;
use domain::settings::{ClientCredentials, GlobalFallback};
use domain::time::Moment;
use pauses::Pauses;
use slot::{Global, Held, Slot};
use std::collections::BTreeMap;
use std::sync::Arc;
use token::Token;

/// Records of tokens that lie in no slot any more are kept up to this many, so that a dead one sent again is recognised.
const RETIRED_TOKENS: usize = 4096;

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
    slots: BTreeMap<SlotKey, Slot>,
    globals: BTreeMap<(Principal, UpstreamKey), Global>,
    tokens: BTreeMap<(UpstreamKey, Fingerprint), (Token, Pauses)>,
    counters: Counters,
}

impl CredentialMachine {
    /// A machine that knows nothing, counting on from `counters`.
    #[must_use]
    pub fn new(rules: CredentialRules, counters: Counters) -> Self {
        Self { rules, slots: BTreeMap::new(), globals: BTreeMap::new(), tokens: BTreeMap::new(), counters }
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
            CredentialMessage::CredentialObserved { slot, credential, project } => {
                self.observe(slot, &credential, project, now);
            }
            CredentialMessage::ClientAnswered(evidence) => {
                self.judge(&evidence, ("", Purpose::Client), now, effects);
            }
            CredentialMessage::ResolveCredential(request) => {
                return CredentialReply::Access(self.resolve(&request, now, effects));
            }
            CredentialMessage::AuthFailed { request, lease, evidence } => {
                return CredentialReply::Access(self.failed(&request, &lease, &evidence, now, effects));
            }
            CredentialMessage::AuthAccepted { request, lease, evidence } => {
                self.report(&request, &lease, Some(&evidence), now, effects);
            }
            CredentialMessage::CallEnded { request, lease, evidence } => {
                self.report(&request, &lease, evidence.as_ref(), now, effects);
            }
            CredentialMessage::SessionEvicted { session } => self.evict(&session),
            CredentialMessage::ListSlots => return CredentialReply::Slots(self.list(now)),
            CredentialMessage::ReviewSessions(slots) => {
                return CredentialReply::Standing(slots.iter().map(|key| self.standing(key)).collect());
            }
        }
        CredentialReply::Noted
    }

    /// A client brought a token. It gets the slot unless a better one is there, proven or at least not refused: then it waits
    /// for its proof beside it. So a straggler with a dead token does not throw the fresh one out (R4, S10).
    fn observe(&mut self, key: SlotKey, credential: &Arc<Credential>, project: Option<String>, now: Moment) {
        let token = (key.upstream.clone(), credential.fingerprint);
        self.tokens.entry(token).or_insert_with(|| (Token::offered(now), Pauses::default()));
        let slot = self.slots.entry(key.clone()).or_default();
        slot.project = project.or(slot.project.take());
        if slot.refresh(credential) {
            return;
        }
        self.counters.generation += 1;
        let generation = Generation(self.counters.generation);
        let held = Held { credential: Arc::clone(credential), generation };
        let rank = |held: &Held| {
            let token = self.tokens.get(&(key.upstream.clone(), held.fingerprint()));
            token.map_or(Verdict::Unproven, |(token, _)| token.verdict()).rank()
        };
        let fits = |place: &Option<Held>| place.as_ref().is_none_or(|there| rank(&held) >= rank(there));
        if slot.current.as_ref().is_none_or(|current| rank(current) < Verdict::Proven.rank())
            && fits(&slot.current)
        {
            slot.current = Some(held);
        } else if fits(&slot.candidate) {
            slot.candidate = Some(held);
        }
        self.promote_proven(&key.upstream, credential.fingerprint);
        self.forget_retired();
    }

    /// Joins evidence about one token, and tells the workers when its verdict changed. Evidence never creates a token (S9).
    /// `about` is the model and the purpose of the call that was answered.
    fn judge(
        &mut self,
        evidence: &Evidence,
        about: (&str, Purpose),
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) {
        let id = (evidence.upstream.clone(), evidence.fingerprint);
        let Some((token, pauses)) = self.tokens.get_mut(&id) else { return };
        pauses.take(evidence, about.0, about.1, now);
        let before = token.join(evidence, now);
        match (before, token.verdict()) {
            (Verdict::Unproven | Verdict::Rejected, Verdict::Proven) => {
                self.promote_proven(&evidence.upstream, evidence.fingerprint);
                self.broadcast(evidence, effects, Hint::CredentialsReenabled);
            }
            (Verdict::Unproven | Verdict::Proven, Verdict::Rejected) => {
                self.broadcast(evidence, effects, Hint::CredentialsInvalidated);
                self.step_aside(evidence);
            }
            _ => {}
        }
    }

    /// A proven token takes its slots, and the global one of each owner.
    fn promote_proven(&mut self, upstream: &UpstreamKey, token: Fingerprint) {
        if self.verdict(upstream, token) != Verdict::Proven {
            return;
        }
        let globals = &mut self.globals;
        for (key, slot) in
            self.slots.iter_mut().filter(|(key, slot)| key.upstream == *upstream && slot.holds(token))
        {
            if slot.candidate.as_ref().is_some_and(|held| held.fingerprint() == token) {
                slot.promote();
            }
            slot.remember(token);
            let Some(held) = slot.current.clone() else { continue };
            let owner = (key.principal.clone(), upstream.clone());
            let newer = globals.get(&owner).is_none_or(|global| global.held.generation < held.generation);
            if newer {
                globals.insert(owner, Global { held, session: key.session.clone() });
            }
        }
    }

    /// A refused token makes room for the candidate beside it, and leaves the global slot.
    fn step_aside(&mut self, evidence: &Evidence) {
        for (key, slot) in &mut self.slots {
            let refused =
                slot.current.as_ref().is_some_and(|held| held.fingerprint() == evidence.fingerprint);
            if key.upstream == evidence.upstream && refused {
                slot.promote();
            }
        }
        self.globals.retain(|(_, upstream), global| {
            *upstream != evidence.upstream || global.held.fingerprint() != evidence.fingerprint
        });
    }

    fn broadcast(
        &mut self,
        evidence: &Evidence,
        effects: &mut Vec<CredentialEffect>,
        hint: impl Fn(Affected) -> Hint,
    ) {
        let mut owners: BTreeMap<Principal, Vec<SessionId>> = BTreeMap::new();
        for (key, slot) in &self.slots {
            if key.upstream == evidence.upstream && slot.holds(evidence.fingerprint) {
                owners.entry(key.principal.clone()).or_default().push(key.session.clone());
            }
        }
        for (principal, sessions) in owners {
            self.counters.epoch += 1;
            let (upstream, epoch) = (evidence.upstream.clone(), self.counters.epoch);
            effects.push(CredentialEffect::Broadcast(hint(Affected {
                principal,
                upstream,
                sessions,
                epoch,
            })));
        }
    }

    /// A worker's call was refused: exactly the leased token is marked, and the same step answers with another lease or none.
    fn failed(
        &mut self,
        request: &AccessRequest,
        lease: &Lease,
        evidence: &Evidence,
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) -> Access {
        self.report(request, lease, Some(evidence), now, effects);
        let refused = self.verdict(&lease.upstream, lease.fingerprint()) == Verdict::Rejected;
        let unalerted = refused.then(|| self.take_alert(lease)).flatten();
        let access = self.resolve(request, now, effects);
        let another = matches!(&access, Access::Go(other) if other.fingerprint() != lease.fingerprint());
        effects.extend(unalerted.map(|status| alert(request, lease.fingerprint(), status, another)));
        access
    }

    fn take_alert(&mut self, lease: &Lease) -> Option<u16> {
        self.tokens.get_mut(&(lease.upstream.clone(), lease.fingerprint()))?.0.take_alert()
    }

    /// The job under `lease` has ended with this evidence. Evidence about another token or upstream than the leased is not taken.
    fn report(
        &mut self,
        request: &AccessRequest,
        lease: &Lease,
        evidence: Option<&Evidence>,
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) {
        let id = (lease.upstream.clone(), lease.fingerprint());
        let Some((token, _)) = self.tokens.get_mut(&id) else { return };
        token.end_probe(lease.id);
        let Some(evidence) = evidence.filter(|it| (&it.upstream, it.fingerprint) == (&id.0, id.1)) else {
            return;
        };
        self.judge(evidence, (&request.model, request.purpose), now, effects);
    }

    fn evict(&mut self, session: &SessionId) {
        self.slots.retain(|key, _| key.session != *session);
        self.forget_retired();
    }

    /// Drops the longest unchanged records of tokens that lie in no slot, above [`RETIRED_TOKENS`].
    fn forget_retired(&mut self) {
        if self.tokens.len() <= RETIRED_TOKENS + 2 * self.slots.len() {
            return;
        }
        let in_slot = |upstream: &UpstreamKey, token: Fingerprint| {
            self.slots.iter().any(|(key, slot)| key.upstream == *upstream && slot.holds(token))
        };
        let mut retired: Vec<_> = self
            .tokens
            .iter()
            .filter(|((upstream, token), _)| !in_slot(upstream, *token))
            .map(|(id, (token, _))| (token.changed(), id.clone()))
            .collect();
        retired.sort_unstable();
        for (_, id) in retired.into_iter().rev().skip(RETIRED_TOKENS / 2) {
            self.tokens.remove(&id);
        }
    }

    fn verdict(&self, upstream: &UpstreamKey, token: Fingerprint) -> Verdict {
        self.tokens.get(&(upstream.clone(), token)).map_or(Verdict::Unproven, |(token, _)| token.verdict())
    }
}

/// The slot that a background job works from.
fn slot_key(request: &AccessRequest) -> SlotKey {
    SlotKey {
        principal: request.principal.clone(),
        upstream: request.upstream.clone(),
        session: request.session.clone(),
    }
}

fn alert(
    request: &AccessRequest,
    token: Fingerprint,
    status: u16,
    another_available: bool,
) -> CredentialEffect {
    CredentialEffect::Alert(Alert {
        status,
        provider: request.upstream.provider(),
        model: request.model.clone(),
        purpose: request.purpose,
        token,
        session: request.session.clone(),
        another_available,
    })
}
