//! Whether work that stands still goes on again. Not the broadcasts are trusted but the pull: from each state a fair future is
//! played to its end, in which everything that may be lost is lost, the provider tells the truth and the worker sweeps.

use crate::state::{Keeper, Mail, State};
use crate::world::{Token, World};
use domain::fingerprint::Fingerprint;
use std::time::Duration;

/// Sweeps after which work must be done once a client was accepted.
const SWEEPS: usize = 2;
/// Pauses after which work must be done when no client speaks.
const PAUSES: usize = 24;
/// More answers than ever are under way.
const ENOUGH: usize = 64;

impl World {
    /// The first rule by which a session's work stands still for ever. L1 (after a crash of CredentialActor L3): the client's
    /// next accepted request sets it going, at once unless such work was refused again although the token was accepted between.
    /// L2: with a good token in the slot it goes on without any. L4: it is not dropped.
    #[must_use]
    pub fn stuck(&self, state: &State) -> Option<&'static str> {
        if state.broken.is_some() {
            return None;
        }
        let mut quiet = state.clone();
        self.settle_down(&mut quiet);
        let crashed = state.left.crashes < self.limits.crashes;
        let rule = if crashed { "L3" } else { "L1" };
        let stuck = (0..self.sessions.len()).find_map(|session| {
            let stands = !self.goes_on_with_client(&quiet, session);
            stands.then_some(rule).or_else(|| (!self.goes_on_alone(&quiet, session)).then_some("L2"))
        });
        stuck.filter(|rule| self.watched.is_none_or(|watched| watched == *rule))
    }

    fn goes_on_with_client(&self, quiet: &State, session: usize) -> bool {
        let mut tokens = self.sessions[session].tokens.iter();
        tokens.all(|token| !quiet.is_alive(*token) || self.goes_on_with(quiet.clone(), session, *token))
    }

    /// The client's request with this token is accepted, and that is told.
    fn goes_on_with(&self, mut state: State, session: usize, token: Token) -> bool {
        tick(&mut state);
        self.request(&mut state, session, token);
        tick(&mut state);
        self.answer(&mut state, 0, false);
        tick(&mut state);
        if let Some(fact) = state.mail.pop() {
            self.deliver(&mut state, fact);
        }
        for _ in 0..SWEEPS {
            self.run(&mut state, session);
        }
        let lied_twice = self.limits.false_alarms.saturating_sub(state.left.false_alarms) >= 2;
        if state.clients[session].contradicted && lied_twice {
            return self.goes_on_in_time(state, session);
        }
        !state.clients[session].pending
    }

    /// Nobody refuses a good token any more, no client speaks, and time passes.
    fn goes_on_alone(&self, quiet: &State, session: usize) -> bool {
        let last = quiet.clients[session].sent.last();
        if !last.is_some_and(|token| quiet.is_alive(*token) && self.lies_in_slot(quiet, session, *token)) {
            return true;
        }
        self.goes_on_in_time(quiet.clone(), session)
    }

    fn goes_on_in_time(&self, mut state: State, session: usize) -> bool {
        for _ in 0..PAUSES {
            self.run(&mut state, session);
            if !state.clients[session].pending {
                return true;
            }
            self.wait(&mut state);
        }
        false
    }

    fn lies_in_slot(&self, state: &State, session: usize, token: Token) -> bool {
        let Keeper::Ours(machine) = &state.keeper else { return false };
        let slot = self.slot(session);
        let mut holders = machine.holders(&slot.upstream, Fingerprint::of_number(token));
        holders.any(|(principal, holder)| (principal, holder) == (&slot.principal, &slot.session))
    }

    /// One sweep, and what comes of it.
    fn run(&self, state: &mut State, session: usize) {
        tick(state);
        if state.clients[session].pending && !state.clients[session].asleep {
            self.sweep(state, session);
        }
        self.settle_down(state);
    }

    /// Calls are answered truthfully, workers' reports arrive, all else is lost.
    fn settle_down(&self, state: &mut State) {
        for _ in 0..ENOUGH {
            state.hint = None;
            state.mail.retain(|mail| matches!(mail, Mail::Report { .. }));
            tick(state);
            if !state.calls.is_empty() {
                self.answer(state, 0, false);
            } else if !state.mail.is_empty() {
                let mail = state.mail.remove(0);
                self.deliver(state, mail);
            } else {
                return;
            }
        }
    }
}

fn tick(state: &mut State) {
    state.now = state.now.after(Duration::from_micros(1));
}
