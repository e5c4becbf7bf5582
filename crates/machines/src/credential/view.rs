//! What people may see of it: slots without their secrets, and why a session's background work stands still.

use super::slot::Held;
use super::token::{Token, Verdict};
use super::{CredentialMachine, SlotKey, SlotView, TokenState};
use domain::access::WaitReason;
use domain::ids::SessionId;
use domain::provider::UpstreamKey;
use domain::time::Moment;

impl CredentialMachine {
    /// Why background work of a session stands still, without asking for anything: a review never takes a probe.
    pub(super) fn standing(&self, key: &SlotKey) -> Option<WaitReason> {
        let own = match self.own_credential(key) {
            Ok(own) => own,
            Err(reason) => return Some(reason),
        };
        let rejected = self.verdict(&key.upstream, own.fingerprint()) == Verdict::Rejected;
        (rejected && self.stand_in(key, own.fingerprint()).is_none()).then_some(WaitReason::Rejected)
    }

    pub(super) fn list(&self, now: Moment) -> Vec<SlotView> {
        let sessions = self.slots.iter().filter_map(|(key, slot)| {
            Some((Some(key.session.clone()), &key.upstream, slot.current.as_ref()?))
        });
        let globals = self.globals.iter().map(|((_, upstream), global)| (None, upstream, &global.held));
        sessions
            .chain(globals)
            .map(|(session, upstream, held)| self.view(session, upstream, held, now))
            .collect()
    }

    fn view(&self, session: Option<SessionId>, upstream: &UpstreamKey, held: &Held, now: Moment) -> SlotView {
        let token = self.tokens.get(&(upstream.clone(), held.fingerprint())).map(|(token, _)| token);
        let state = match token.map_or(Verdict::Unproven, Token::verdict) {
            Verdict::Rejected if token.is_some_and(|token| token.probing(now)) => TokenState::Probing,
            Verdict::Rejected => TokenState::Rejected,
            Verdict::Proven => TokenState::Proven,
            Verdict::Unproven => TokenState::Unproven,
        };
        SlotView {
            session,
            provider: upstream.provider(),
            kind: held.credential.kind,
            fingerprint: held.fingerprint(),
            generation: held.generation,
            state,
            status: token.map_or(0, Token::status),
            since: token.map_or(now, Token::changed),
        }
    }
}
