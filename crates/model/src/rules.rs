//! The invariants that no single step of the credential machine shows.

use crate::state::{Call, Keeper, State};
use crate::world::{Token, World, token};
use domain::credential::Lease;
use domain::evidence::{Class, Evidence};
use machines::credential::{CredentialMachine, CredentialMessage, Verdict};
use machines::job::Brief;

impl World {
    /// A rule is broken.
    pub(crate) fn blame(&self, state: &mut State, rule: &'static str) {
        if self.watched.is_none_or(|watched| watched == rule) {
            state.broken.get_or_insert(rule);
        }
    }

    /// A worker calls with this lease. S1: with its own principal's token. S4: with a rejected one only as a probe. S6: once
    /// more at most, and not with what it saw refused. S15: a dead token whose refusal is known is not tried again at once.
    pub(crate) fn perform(&self, state: &mut State, brief: &Brief, lease: Lease) {
        let (session, token) = (self.number(&brief.session), token(lease.fingerprint()));
        if !self.owns(session, token) {
            self.blame(state, "S1");
        }
        let told = state.ghosts.told.get(&token).copied();
        if told.is_some() && !lease.probe {
            self.blame(state, "S4");
        }
        if told == Some(false) || state.ghosts.met.contains(&(session, token)) {
            self.blame(state, "S15");
        }
        let tries = state.ghosts.tries.get(&session).map_or(&[][..], Vec::as_slice);
        if tries.len() > 1 || tries.contains(&token) {
            self.blame(state, "S6");
        }
        state.calls.push(Call { session, token, start: state.now, lease: Some(lease) });
    }

    /// Whether the token is one of the session's owner. Its name without its number is the owner's.
    fn owns(&self, session: usize, token: Token) -> bool {
        let owner = |session: usize| self.sessions[session].slot.session.as_str().chars().next();
        let mut holders =
            (0..self.sessions.len()).filter(|other| self.sessions[*other].tokens.contains(&token));
        holders.any(|other| owner(other) == owner(session))
    }

    /// S14: one alert an episode.
    pub(crate) fn alerted(&self, state: &mut State, token: Token) {
        if !state.ghosts.alerted.insert(token) {
            self.blame(state, "S14");
        }
    }

    /// The keeper has heard a message: remembers what it was told, and checks what it made of it. `before` is what it was.
    pub(crate) fn learn(&self, state: &mut State, before: &CredentialMachine, message: &CredentialMessage) {
        let Keeper::Ours(after) = &state.keeper else { return };
        let rejected = |token: &Token| {
            let mut verdicts = after.verdicts();
            verdicts.any(|(_, known, verdict)| {
                crate::world::token(known) == *token && verdict == Verdict::Rejected
            })
        };
        state.ghosts.alerted.retain(rejected);
        let Some(evidence) = message.evidence() else { return };
        let was = before.verdict(&evidence.upstream, evidence.fingerprint);
        let is = after.verdict(&evidence.upstream, evidence.fingerprint);
        let known = before.verdicts().any(|(_, known, _)| known == evidence.fingerprint);
        match evidence.class {
            Class::Ok => self.told_of_success(state, evidence, was == Verdict::Rejected && is != was),
            Class::CredentialRejected if known => told_of_failure(state, evidence),
            _ => {}
        }
    }

    /// S5: a success clears only if it began after every known failure ended.
    fn told_of_success(&self, state: &mut State, evidence: &Evidence, cleared: bool) {
        let failed = state.ghosts.fails.get(&token(evidence.fingerprint)).copied();
        if cleared && failed.is_some_and(|failed| evidence.start <= failed) {
            self.blame(state, "S5");
        }
        if state.ghosts.fails.len() > 1 {
            // It may have ended an incident: what was refused meanwhile may be tried again at once.
            state.ghosts.told.values_mut().for_each(|passed| *passed = true);
            state.ghosts.met.clear();
        }
    }
}

/// What is older than what was known is no news, and puts no probe off.
fn told_of_failure(state: &mut State, evidence: &Evidence) {
    let token = token(evidence.fingerprint);
    let known = state.ghosts.fails.entry(token).or_default();
    let news = evidence.end > *known;
    *known = evidence.end.max(*known);
    if news && state.died.get(&token).is_some_and(|died| evidence.end > *died) {
        state.ghosts.told.insert(token, false);
    }
}
