//! Who may use which token: every background call starts with this question, whatever path it came by (R8).

use super::pauses::Pauses;
use super::slot::Held;
use super::token::{Token, Verdict};
use super::{CredentialEffect, CredentialMachine, SlotKey, alert, slot_key};
use domain::access::{Access, AccessRequest, WaitReason};
use domain::credential::{CredentialKind, Lease};
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, LeaseId};
use domain::settings::GlobalFallback;
use domain::time::Moment;
use std::sync::Arc;

impl CredentialMachine {
    /// May this job call, and with what? The order is: the session's own proven token, the global one where it may stand in,
    /// a probe that is due, nothing.
    pub(super) fn resolve(
        &mut self,
        request: &AccessRequest,
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) -> Access {
        let key = slot_key(request);
        let own = match self.own_credential(&key) {
            Ok(own) => own,
            Err(reason) => return Access::Wait { reason, ask_again_at: None },
        };
        if self.verdict(&key.upstream, own.fingerprint()) == Verdict::Proven {
            return self.lease_unless_paused(request, &own, false, now);
        }
        if let Some(global) = self.stand_in(&key, own.fingerprint()) {
            return self.lease_unless_paused(request, &global, false, now);
        }
        self.probe(request, &own, now, effects)
    }

    /// What lies in the slot for background work, if the settings allow its use.
    pub(super) fn own_credential(&self, key: &SlotKey) -> Result<Held, WaitReason> {
        let own_key = self.rules.own_keys.iter().find(|(provider, _)| *provider == key.upstream.provider());
        if let Some((_, credential)) = own_key {
            return Ok(Held { credential: Arc::clone(credential), generation: Generation(0) });
        }
        if !self.rules.own_keys.is_empty() {
            return Err(WaitReason::NotAllowed);
        }
        let held =
            self.slots.get(key).and_then(|slot| slot.current.clone()).ok_or(WaitReason::NoCredential)?;
        if self.allowed(held.credential.kind) { Ok(held) } else { Err(WaitReason::NotAllowed) }
    }

    fn allowed(&self, kind: CredentialKind) -> bool {
        let rules = self.rules.client_credentials;
        if kind == CredentialKind::ApiKey { rules.api_key } else { rules.bearer }
    }

    /// The global token, where it may stand in for a session whose own is not proven.
    pub(super) fn stand_in(&self, key: &SlotKey, own: Fingerprint) -> Option<Held> {
        if !self.rules.own_keys.is_empty() {
            return None;
        }
        let global = self.globals.get(&(key.principal.clone(), key.upstream.clone()))?;
        let slot = self.slots.get(key)?;
        let origin = self.slots.get(&SlotKey { session: global.session.clone(), ..key.clone() });
        let allowed = match self.rules.fallback {
            GlobalFallback::Off => false,
            GlobalFallback::Lineage => origin.is_some_and(|origin| slot.related(origin)),
            GlobalFallback::SameProject => origin.is_some_and(|origin| slot.is_neighbour(origin)),
            GlobalFallback::Any => true,
        };
        let usable = global.held.fingerprint() != own
            && self.allowed(global.held.credential.kind)
            && self.verdict(&key.upstream, global.held.fingerprint()) == Verdict::Proven;
        (allowed && usable).then(|| global.held.clone())
    }

    /// A token that is not proven goes out as a probe, one at a time, when it is due.
    fn probe(
        &mut self,
        request: &AccessRequest,
        own: &Held,
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) -> Access {
        let id = (request.upstream.clone(), own.fingerprint());
        let (token, _) = self.tokens.entry(id).or_insert_with(|| (Token::offered(now), Pauses::default()));
        if token.probing(now) {
            return Access::Wait { reason: WaitReason::ProbeOut, ask_again_at: token.probe_ends() };
        }
        if now < token.probe_due() {
            let ask_again_at = Some(token.probe_due());
            effects.extend(token.take_alert().map(|status| alert(request, own.fingerprint(), status, false)));
            return Access::Wait { reason: WaitReason::Rejected, ask_again_at };
        }
        self.lease_unless_paused(request, own, true, now)
    }

    fn lease_unless_paused(
        &mut self,
        request: &AccessRequest,
        held: &Held,
        probe: bool,
        now: Moment,
    ) -> Access {
        let id = (request.upstream.clone(), held.fingerprint());
        let lease = LeaseId(self.counters.lease + 1);
        if let Some((token, pauses)) = self.tokens.get_mut(&id) {
            if let Some((reason, until)) = pauses.standing(&request.model, request.purpose, now) {
                return Access::Wait { reason, ask_again_at: Some(until) };
            }
            if probe {
                token.start_probe(lease, now);
            }
        }
        self.counters.lease = lease.0;
        Access::Go(Lease {
            id: lease,
            generation: held.generation,
            principal: request.principal.clone(),
            upstream: request.upstream.clone(),
            credential: Arc::clone(&held.credential),
            probe,
        })
    }
}
