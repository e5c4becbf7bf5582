//! The one admission (R8): every background call starts with this question, whatever path it came by: the sweep, a turn that
//! filled a segment, a hint, an admin's command. There is no second way to a lease, and without one there is no call.

use super::message::{Alert, StandIn};
use super::record::Record;
use super::slot::Held;
use super::suspension::Merit;
use super::token::Verdict;
use super::upstream::Upstream;
use super::{CredentialEffect, CredentialMachine};
use domain::access::{Access, AccessRequest, WaitReason};
use domain::credential::{CredentialKind, Lease};
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, LeaseId};
use domain::provider::UpstreamKey;
use domain::time::Moment;
use std::sync::Arc;

/// What a job would go with.
pub(super) struct Choice {
    held: Held,
    /// It goes to find out whether the token works.
    probe: bool,
    /// It is another session's.
    stands_in: bool,
    /// The session's own, if it has one.
    own: Option<Fingerprint>,
}

impl Choice {
    /// With what lies in the session's own slot.
    fn own(held: Held, probe: bool) -> Self {
        Self { own: Some(held.fingerprint()), held, probe, stands_in: false }
    }

    /// With what lies in another session's.
    fn other(held: &Held, own: Option<Fingerprint>) -> Self {
        Self { held: held.clone(), probe: false, stands_in: true, own }
    }

    /// The token it goes with.
    pub(super) fn token(&self) -> Fingerprint {
        self.held.fingerprint()
    }
}

#[cfg(test)]
impl Choice {
    pub(super) fn is_probe(&self) -> bool {
        self.probe
    }
}

/// Why a job has to wait, and until when at the latest if nothing is heard.
pub(super) type Wait = (WaitReason, Option<Moment>);

impl CredentialMachine {
    /// May this job call, and with what?
    pub(super) fn admit(
        &mut self,
        request: &AccessRequest,
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) -> Access {
        let access = self.decide(request, None, now, effects);
        if let Access::Wait { reason, .. } = access {
            effects.extend(self.alert_if_felt(request, reason, now));
        }
        access
    }

    /// The leased token was refused and that is known: the alert of its episode goes out, and the same step says whether
    /// there is something else to call with. Not the same token, even if it was proven meanwhile (S6).
    pub(super) fn readmit(
        &mut self,
        request: &AccessRequest,
        refused: &Lease,
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) -> Access {
        let access = self.decide(request, Some(refused.fingerprint()), now, effects);
        let another = matches!(access, Access::Go(_));
        effects.extend(self.take_alert(request, &refused.upstream, refused.fingerprint(), another, now));
        if let Access::Wait { reason, .. } = access {
            effects.extend(self.alert_if_felt(request, reason, now));
        }
        access
    }

    fn decide(
        &mut self,
        request: &AccessRequest,
        refused: Option<Fingerprint>,
        now: Moment,
        effects: &mut Vec<CredentialEffect>,
    ) -> Access {
        match self.choose(request, now) {
            Err((reason, ask_again_at)) => {
                if reason == WaitReason::Incident {
                    self.line_up(request, now);
                }
                Access::Wait { reason, ask_again_at }
            }
            Ok(choice) if refused == Some(choice.token()) => {
                // Not for this job (S6), but for the next: nothing else speaks against the token.
                Access::Wait { reason: WaitReason::Rejected, ask_again_at: Some(now) }
            }
            Ok(choice) if self.limiter.admits(request, self.sessions, now) => {
                effects.extend(stand_in(request, &choice));
                Access::Go(self.grant(request, choice, now))
            }
            Ok(_) => Access::Wait { reason: WaitReason::Busy, ask_again_at: None },
        }
    }

    /// The order is: the session's own good token, another that may stand in for it, a probe that is due. Asks nothing of
    /// anybody and changes nothing, so that it can also say how a session stands.
    pub(super) fn choose(&self, request: &AccessRequest, now: Moment) -> Result<Choice, Wait> {
        let own = self.own(request);
        let Some(upstream) = self.upstreams.get(&request.upstream) else {
            return own.map(|own| Choice::own(own, true)).map_err(|reason| (reason, None));
        };
        let (token, choice) = match own {
            Ok(own) => (own.fingerprint(), self.select(request, upstream, own, now)),
            // Its agent was not heard since the start, or long ago: what was left undone then.
            Err(WaitReason::NoCredential) => match self.stand_in(request, upstream, None, now) {
                Some(held) => (held.fingerprint(), Ok(Choice::other(held, None))),
                None => return Err((WaitReason::NoCredential, None)),
            },
            Err(reason) => return Err((reason, None)),
        };
        is_open(upstream, choice.as_ref().map_or(token, Choice::token), now)?;
        let choice = choice?;
        let pauses = upstream.tokens.get(&choice.token()).map(|record| &record.pauses);
        match pauses.and_then(|pauses| pauses.standing(&request.model, request.purpose, now)) {
            Some((reason, until)) => Err((reason, Some(until))),
            None => Ok(choice),
        }
    }

    fn select(
        &self,
        request: &AccessRequest,
        upstream: &Upstream,
        own: Held,
        now: Moment,
    ) -> Result<Choice, Wait> {
        if upstream.is_good(own.fingerprint(), now) {
            return Ok(Choice::own(own, false));
        }
        if let Some(held) = self.stand_in(request, upstream, Some(own.fingerprint()), now) {
            return Ok(Choice::other(held, Some(own.fingerprint())));
        }
        let token = upstream.tokens.get(&own.fingerprint()).map(|record| &record.token);
        match token {
            Some(token) if token.probing(now).is_some() => Err((WaitReason::ProbeOut, token.probing(now))),
            Some(token) if now < token.probe_due() && token.verdict() == Verdict::Rejected => {
                Err((WaitReason::Rejected, Some(token.probe_due())))
            }
            _ => Ok(Choice::own(own, true)),
        }
    }

    /// During an incident refused tokens are tried in turn: this job waits for its own.
    fn line_up(&mut self, request: &AccessRequest, now: Moment) {
        let Ok(own) = self.own(request) else { return };
        let Some(upstream) = self.upstreams.get(&request.upstream) else { return };
        let Ok(Choice { held, .. }) = self.select(request, upstream, own, now) else { return };
        if upstream.merit(held.fingerprint(), now) == Merit::Refused {
            let upstream = self.upstreams.get_mut(&request.upstream);
            upstream.into_iter().for_each(|upstream| upstream.incident.waits(held.fingerprint()));
        }
    }

    /// What lies in the slot for background work, if the settings allow its use.
    pub(super) fn own(&self, request: &AccessRequest) -> Result<Held, WaitReason> {
        let provider = request.upstream.provider();
        if let Some((_, credential)) = self.rules.own_keys.iter().find(|(whose, _)| *whose == provider) {
            return Ok(Held::new(Arc::clone(credential), Generation(0)));
        }
        if !self.rules.own_keys.is_empty() {
            return Err(WaitReason::NotAllowed);
        }
        let upstream = self.upstreams.get(&request.upstream).ok_or(WaitReason::NoCredential)?;
        let held = upstream.own(&request.principal, &request.session).ok_or(WaitReason::NoCredential)?;
        if self.allows(held.credential.kind) { Ok(held.clone()) } else { Err(WaitReason::NotAllowed) }
    }

    pub(super) fn allows(&self, kind: CredentialKind) -> bool {
        let rules = self.rules.client_credentials;
        if kind == CredentialKind::ApiKey { rules.api_key } else { rules.bearer }
    }

    fn grant(&mut self, request: &AccessRequest, choice: Choice, now: Moment) -> Lease {
        self.counters.lease += 1;
        let id = LeaseId(self.counters.lease);
        let Choice { held, probe, stands_in, .. } = choice;
        let upstream = self.upstreams.entry(request.upstream.clone()).or_default();
        let merit = upstream.merit(held.fingerprint(), now);
        upstream.incident.try_with(id, held.fingerprint(), merit, now);
        upstream.breaker.try_with(id, now);
        if probe {
            // A key of the workers' own is known from its first use on.
            let record =
                upstream.tokens.entry(held.fingerprint()).or_insert_with(|| Box::new(Record::offered(now)));
            record.token.probe().start(id, now);
        }
        #[expect(clippy::disallowed_methods, reason = "this is the one place where leases are given (R8)")]
        let mut lease = Lease::grant(
            id,
            (request.principal.clone(), request.upstream.clone()),
            held.credential,
            held.generation,
            probe,
        );
        lease.stand_in = stands_in;
        self.limiter.went_out(&lease, request, now);
        lease
    }

    /// Background work stands still for a token that went from good to rejected: that is told once an episode (R7).
    fn alert_if_felt(
        &mut self,
        request: &AccessRequest,
        reason: WaitReason,
        now: Moment,
    ) -> Option<CredentialEffect> {
        if !matches!(reason, WaitReason::Rejected | WaitReason::Incident) {
            return None;
        }
        let own = self.own(request).ok()?.fingerprint();
        self.take_alert(request, &request.upstream, own, false, now)
    }

    /// The alert of a token's episode, unless it was told or an incident's own is enough.
    fn take_alert(
        &mut self,
        request: &AccessRequest,
        upstream: &UpstreamKey,
        token: Fingerprint,
        another_available: bool,
        now: Moment,
    ) -> Option<CredentialEffect> {
        let known = self.upstreams.get_mut(upstream)?;
        let record = known.tokens.get_mut(&token)?;
        let rejected = record.token.verdict() == Verdict::Rejected && record.token.has_alert();
        if !rejected || !known.incident.take_alert(now) {
            return None;
        }
        let status = record.token.take_alert()?;
        Some(CredentialEffect::Alert(Alert {
            status,
            provider: upstream.provider(),
            model: request.model.clone(),
            purpose: request.purpose,
            token,
            session: request.session.clone(),
            another_available,
        }))
    }
}

/// What is to be told of a choice, if it is not the session's own token.
fn stand_in(request: &AccessRequest, choice: &Choice) -> Option<CredentialEffect> {
    let stand_in = || StandIn {
        provider: request.upstream.provider(),
        session: request.session.clone(),
        purpose: request.purpose,
        own: choice.own,
        token: choice.token(),
    };
    choice.stands_in.then(|| CredentialEffect::StandIn(stand_in()))
}

/// Whether a call with this token goes to the upstream at all; while it is in trouble, one at a time does.
fn is_open(upstream: &Upstream, token: Fingerprint, now: Moment) -> Result<(), Wait> {
    let held = |reason, until: Option<Moment>| until.map_or(Ok(()), |until| Err((reason, Some(until))));
    let suspended = upstream.incident.holds_until(token, upstream.merit(token, now), now);
    held(WaitReason::Incident, suspended)?;
    held(WaitReason::UpstreamDown, upstream.breaker.holds_until(now))
}
