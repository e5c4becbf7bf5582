//! What may happen next, and what comes of it.

use crate::ranks::APART;
use crate::state::{Call, Client, Ghosts, Keeper, Mail, State};
use crate::world::{Token, Variant, World};
use domain::evidence::{Class, Evidence};
use domain::fingerprint::Fingerprint;
use domain::purpose::Purpose;
use domain::time::Moment;
use machines::credential::{CredentialMachine, CredentialMessage};
use machines::job::{Bench, Work};
use std::time::Duration;

/// One step. Numbers name sessions, calls and mail, by their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The client of a session sends a request with a token.
    Request(usize, Token),
    /// The provider answers a call truthfully.
    Answer(usize),
    /// The provider refuses a good token.
    FalseAlarm(usize),
    /// A piece of mail arrives.
    Deliver(usize),
    /// A piece of mail arrives and will come again.
    Repeat(usize),
    /// The worker is told that a session is due.
    Sweep(usize),
    /// The newest hint arrives.
    Hint,
    /// A token dies.
    Revoke(Token),
    /// Time passes until something is due.
    Wait,
    /// CredentialActor dies and is rebuilt: mail to it is lost, and who waited for it is told.
    Crash,
    /// The worker dies and is rebuilt: its calls break off.
    CrashWorker,
    /// A session leaves memory.
    Evict(usize),
}

impl World {
    /// What may happen in `state`.
    #[must_use]
    pub fn actions(&self, state: &State) -> Vec<Action> {
        if state.broken.is_some() {
            return Vec::new();
        }
        let left = &state.left;
        let sessions = 0..self.sessions.len();
        let mut actions = Vec::new();
        for session in sessions {
            let client = &state.clients[session];
            if left.requests > 0 && !state.is_calling(session) {
                let tokens = self.sessions[session].tokens.iter();
                actions.extend(tokens.map(|token| Action::Request(session, *token)));
            }
            if client.pending && !client.asleep && !state.bench.is_busy(&self.slot(session).session) {
                actions.push(Action::Sweep(session));
            }
            if left.evictions > 0 && !client.sent.is_empty() {
                actions.push(Action::Evict(session));
            }
        }
        for (number, call) in state.calls.iter().enumerate() {
            actions.push(Action::Answer(number));
            if left.false_alarms > 0 && state.is_alive(call.token) {
                actions.push(Action::FalseAlarm(number));
            }
        }
        for (number, mail) in state.mail.iter().enumerate() {
            actions.push(Action::Deliver(number));
            if left.repetitions > 0 && matches!(mail, Mail::Fact { .. }) {
                actions.push(Action::Repeat(number));
            }
        }
        actions.extend(self.mortal(state).map(Action::Revoke));
        let also = |possible: bool, action| possible.then_some(action);
        actions.extend(also(left.hints > 0 && state.hint.is_some(), Action::Hint));
        actions.extend(also(left.waits > 0 && state.next_due().is_some(), Action::Wait));
        actions.extend(also(left.crashes > 0, Action::Crash));
        actions.extend(also(left.worker_crashes > 0, Action::CrashWorker));
        actions
    }

    /// Good tokens that somebody has sent.
    fn mortal(&self, state: &State) -> impl Iterator<Item = Token> {
        let mut sent: Vec<Token> =
            state.clients.iter().flat_map(|client| client.sent.iter().copied()).collect();
        sent.sort_unstable();
        sent.dedup();
        sent.retain(|token| state.left.revocations > 0 && state.is_alive(*token));
        sent.into_iter()
    }

    /// The state after `action`.
    #[must_use]
    pub fn next(&self, state: &State, action: Action) -> State {
        let mut next = state.clone();
        self.act(&mut next, action);
        next.normalise();
        next
    }

    fn act(&self, state: &mut State, action: Action) {
        state.now = state.now.after(Duration::from_micros(1));
        match action {
            Action::Request(session, token) => {
                state.left.requests -= 1;
                self.request(state, session, token);
            }
            Action::Answer(call) => self.answer(state, call, false),
            Action::FalseAlarm(call) => {
                state.left.false_alarms -= 1;
                self.answer(state, call, true);
            }
            Action::Deliver(number) => {
                let mail = state.mail.remove(number);
                self.deliver(state, mail);
            }
            Action::Repeat(number) => {
                state.left.repetitions -= 1;
                let mail = state.mail[number].clone();
                self.deliver(state, mail);
            }
            Action::Sweep(session) => self.sweep(state, session),
            Action::Hint => {
                state.left.hints -= 1;
                self.hint(state);
            }
            Action::Revoke(token) => {
                state.left.revocations -= 1;
                state.died.insert(token, state.now);
            }
            Action::Wait => {
                state.left.waits -= 1;
                self.wait(state);
            }
            Action::Crash => {
                state.left.crashes -= 1;
                self.crash(state);
            }
            Action::CrashWorker => {
                state.left.worker_crashes -= 1;
                self.crash_worker(state);
            }
            Action::Evict(session) => {
                state.left.evictions -= 1;
                self.evict(state, session);
            }
        }
    }

    /// A client's request: its token is told at once, and its turn leaves work.
    pub(crate) fn request(&self, state: &mut State, session: usize, token: Token) {
        self.observe(state, session, token);
        let client = &mut state.clients[session];
        client.sent.retain(|sent| *sent != token);
        client.sent.push(token);
        client.pending = true;
        state.calls.push(Call { session, token, start: state.now, lease: None });
    }

    /// The provider answers a call; `lie` is a refusal of a good token.
    pub(crate) fn answer(&self, state: &mut State, number: usize, lie: bool) {
        let call = state.calls.remove(number);
        let accepted = state.is_alive(call.token) && !lie;
        if accepted && matches!(state.keeper, Keeper::Seed(_)) {
            state.ghosts.alerted.remove(&call.token); // A new episode, though nobody tells the seed.
        }
        let evidence = evidence(self, &call, accepted, state.now);
        let Some(lease) = call.lease else {
            if self.variant != Variant::WithoutProofOfLife && !matches!(state.keeper, Keeper::Seed(_)) {
                state.mail.push(Mail::Fact { session: call.session, evidence });
            }
            return;
        };
        if !accepted {
            state.ghosts.tries.entry(call.session).or_default().push(call.token);
        }
        if !state.is_alive(call.token) {
            state.ghosts.met.insert((call.session, call.token));
        }
        let work = if accepted { Work::Accepted { evidence, kept: 1 } } else { Work::Refused { evidence } };
        let mut effects = Vec::new();
        state.bench.performed(&self.slot(call.session).session, lease, work, &mut effects);
        self.work(state, effects);
    }

    pub(crate) fn sweep(&self, state: &mut State, session: usize) {
        let mut effects = Vec::new();
        state.bench.wanted(self.brief(session), &mut effects);
        self.work(state, effects);
    }

    fn hint(&self, state: &mut State) {
        let Some(hint) = state.hint.take() else { return };
        for session in &hint.affected().sessions {
            state.clients[self.number(session)].asleep = false;
        }
        let mut effects = Vec::new();
        state.bench.hinted(&hint, &mut effects);
        self.work(state, effects);
    }

    /// Time passes, so much that what happens after is not together with what happened before.
    pub(crate) fn wait(&self, state: &mut State) {
        state.now = state.next_due().unwrap_or_default().max(state.now.after(APART));
        state.ghosts.told.values_mut().for_each(|passed| *passed = true);
        state.ghosts.met.clear();
    }

    fn evict(&self, state: &mut State, session: usize) {
        state.clients[session].sent.clear();
        let session = self.slot(session).session.clone();
        self.hear(state, None, &CredentialMessage::SessionEvicted { session });
    }

    fn crash(&self, state: &mut State) {
        state.keeper = match &state.keeper {
            Keeper::Ours(machine) => Keeper::Ours(CredentialMachine::new(self.rules(), machine.counters())),
            Keeper::Seed(_) => State::new(self).keeper,
        };
        state.ghosts = Ghosts { tries: std::mem::take(&mut state.ghosts.tries), ..Ghosts::default() };
        state.clients.iter_mut().for_each(|client: &mut Client| client.sent.clear());
        for mail in std::mem::take(&mut state.mail) {
            let Mail::Report { brief, .. } = mail else { continue };
            let mut effects = Vec::new();
            state.bench.unanswered(&brief.session, &mut effects);
            self.work(state, effects);
        }
    }

    fn crash_worker(&self, state: &mut State) {
        state.bench = Bench::default();
        state.calls.retain(|call| call.lease.is_none());
        state.mail.retain(|mail| matches!(mail, Mail::Fact { .. }));
        state.ghosts.tries.clear();
        state.ghosts.met.clear();
        state.clients.iter_mut().for_each(|client| client.asleep = false);
        self.hear(state, None, &CredentialMessage::WorkerRestarted(Purpose::Distill));
    }
}

fn evidence(world: &World, call: &Call, accepted: bool, now: Moment) -> Evidence {
    let (class, status) = if accepted { (Class::Ok, 200) } else { (Class::CredentialRejected, 401) };
    Evidence {
        fingerprint: Fingerprint::of_number(call.token),
        upstream: world.slot(call.session).upstream.clone(),
        start: call.start,
        end: now,
        class,
        status,
    }
}
