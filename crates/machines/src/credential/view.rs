//! What people may see of it: slots without their secrets, and why a session's background work stands still.

use super::slot::Held;
use super::token::Verdict;
use super::upstream::{Tenant, Upstream};
use super::{CredentialMachine, SlotView, TokenState};
use domain::access::{AccessRequest, WaitReason};
use domain::fingerprint::Fingerprint;
use domain::ids::{Principal, SessionId};
use domain::provider::UpstreamKey;
use domain::time::Moment;

impl CredentialMachine {
    /// Why background work of a session stands still, without asking for anything: a review never takes a probe. A rejected
    /// token counts as standing still although a probe may be due.
    pub(super) fn standing(&self, request: &AccessRequest, now: Moment) -> Option<WaitReason> {
        let own = self.own(request).map(|own| own.fingerprint());
        let Some(upstream) = self.upstreams.get(&request.upstream) else { return own.err() };
        let rejected = own.is_ok_and(|own| upstream.verdict(own) == Verdict::Rejected);
        let alone = || self.stand_in(request, upstream, own.ok(), now).is_none();
        if rejected && !upstream.incident.is_on() && alone() {
            return Some(WaitReason::Rejected);
        }
        match self.choose(request, now) {
            Ok(_) if upstream.incident.is_on() => Some(WaitReason::Incident),
            // Which model the work would ask is not known here, and nearly all of it asks one.
            Ok(choice) => {
                let record = upstream.tokens.get(&choice.token())?;
                record.pauses.forbids(request.purpose, now).then_some(WaitReason::Forbidden)
            }
            // Work is under way: a call finds out whether a new token works.
            Err((WaitReason::ProbeOut, _)) if !rejected => None,
            Err((reason, _)) => Some(reason),
        }
    }

    pub(super) fn list(&self, now: Moment) -> Vec<SlotView> {
        let slots = self.upstreams.iter().flat_map(|(key, upstream)| {
            let tenants = upstream.tenants.values().flat_map(Tenant::by_name);
            tenants.filter_map(move |(session, slot)| {
                let held = slot.best(|token| upstream.verdict(token))?;
                Some(view(Some(session.clone()), key, upstream, held, now))
            })
        });
        let globals = self.upstreams.iter().flat_map(|(key, upstream)| {
            let held = upstream.tenants.keys().filter_map(|principal| upstream.global(principal));
            held.map(move |held| view(None, key, upstream, held, now))
        });
        slots.chain(globals).collect()
    }

    /// The verdict on a token at an upstream.
    #[must_use]
    pub fn verdict(&self, upstream: &UpstreamKey, token: Fingerprint) -> Verdict {
        self.upstreams.get(upstream).map_or(Verdict::Unproven, |upstream| upstream.verdict(token))
    }

    /// Every token that is known, where, and the verdict on it.
    pub fn verdicts(&self) -> impl Iterator<Item = (&UpstreamKey, Fingerprint, Verdict)> {
        self.upstreams.iter().flat_map(|(key, upstream)| {
            upstream.tokens.iter().map(move |(token, record)| (key, *token, record.token.verdict()))
        })
    }

    /// The sessions in whose slots a token lies, with their owners.
    pub fn holders(
        &self,
        upstream: &UpstreamKey,
        token: Fingerprint,
    ) -> impl Iterator<Item = &(Principal, SessionId)> {
        let record = self.upstreams.get(upstream).and_then(|upstream| upstream.tokens.get(&token));
        record.into_iter().flat_map(|record| record.holders.iter())
    }

    /// How many slots there are, and how many leases are out.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.sessions, self.limiter.under_way())
    }
}

fn view(
    session: Option<SessionId>,
    key: &UpstreamKey,
    upstream: &Upstream,
    held: &Held,
    now: Moment,
) -> SlotView {
    let token = upstream.tokens.get(&held.fingerprint()).map(|record| &record.token);
    let state = match upstream.verdict(held.fingerprint()) {
        Verdict::Rejected if token.is_some_and(|token| token.probing(now).is_some()) => TokenState::Probing,
        Verdict::Rejected => TokenState::Rejected,
        Verdict::Proven => TokenState::Proven,
        Verdict::Unproven => TokenState::Unproven,
    };
    SlotView {
        session,
        provider: key.provider(),
        kind: held.credential.kind,
        fingerprint: held.fingerprint(),
        generation: held.generation,
        state,
        status: token.map_or(0, super::token::Token::status),
        since: token.map_or(now, super::token::Token::changed),
    }
}
