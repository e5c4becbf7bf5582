//! What the machines say to each other: the part of the actors, with a mechanism taken out where the variant says so.

use crate::seed::Alert;
use crate::state::{Keeper, Mail, State};
use crate::world::{Token, Variant, World, credential, token};
use domain::access::{Access, WaitReason};
use domain::credential::Lease;
use domain::evidence::{Class, Evidence};
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, LeaseId};
use domain::purpose::Purpose;
use domain::time::Moment;
use machines::credential::invariants::{Before, Step};
use machines::credential::{
    CredentialEffect, CredentialMachine, CredentialMessage, CredentialReply, Verdict,
};
use machines::job::{Brief, Ending, JobEffect, Work};

impl World {
    /// A client's request carries this token.
    pub(crate) fn observe(&self, state: &mut State, session: usize, token: Token) {
        let credential = credential(token);
        if let Keeper::Seed(seed) = &mut state.keeper {
            seed.observe(&self.slot(session).session, credential.fingerprint);
            return;
        }
        let slot = self.slot(session).clone();
        let message = CredentialMessage::CredentialObserved { slot, credential, project: None, ends: None };
        self.hear(state, None, &message);
        if self.variant == Variant::ResentClears {
            self.clear(state, session, token);
        }
    }

    /// The credential machine hears a message, and every predicate over the step is checked. Evidence comes from a session.
    pub(crate) fn hear(
        &self,
        state: &mut State,
        session: Option<usize>,
        message: &CredentialMessage,
    ) -> CredentialReply {
        let newest = session.and_then(|session| state.clients[session].sent.last().copied());
        let Keeper::Ours(machine) = &mut state.keeper else { return CredentialReply::Noted };
        let (before, earlier) = (Before::of(machine), machine.clone());
        let mut effects = Vec::new();
        let reply = machine.on(self.distort(message.clone(), newest, state.now), state.now, &mut effects);
        let step = Step { before: &before, message, reply: &reply, effects: &effects, after: machine };
        let broken = step.broken();
        let reply = self.censor(machine, reply, message, state.now);
        broken.iter().for_each(|it| self.blame(state, it.rule));
        self.learn(state, &earlier, message);
        effects.into_iter().for_each(|effect| self.effect(state, effect));
        reply
    }

    /// What the variant makes of a message.
    fn distort(
        &self,
        mut message: CredentialMessage,
        newest: Option<Token>,
        now: Moment,
    ) -> CredentialMessage {
        match (self.variant, newest) {
            (Variant::WithoutTagging, Some(newest)) => {
                if let CredentialMessage::AuthFailed { lease, .. }
                | CredentialMessage::AuthAccepted { lease, .. } = &mut message
                {
                    lease.credential = credential(newest);
                }
                evidence_mut(&mut message).for_each(|it| it.fingerprint = Fingerprint::of_number(newest));
            }
            (Variant::WithoutIntervals, _) => {
                evidence_mut(&mut message).for_each(|it| (it.start, it.end) = (now, now));
            }
            _ => {}
        }
        message
    }

    /// What the variant makes of an answer: without probe, a rejected token is never leased.
    fn censor(
        &self,
        machine: &mut CredentialMachine,
        reply: CredentialReply,
        message: &CredentialMessage,
        now: Moment,
    ) -> CredentialReply {
        let CredentialReply::Access(Access::Go(lease)) = &reply else { return reply };
        let rejected = machine.verdict(&lease.upstream, lease.fingerprint()) == Verdict::Rejected;
        let (CredentialMessage::ResolveCredential(request) | CredentialMessage::AuthFailed { request, .. }) =
            message
        else {
            return reply;
        };
        if self.variant != Variant::WithoutProbe || !rejected {
            return reply;
        }
        let (request, lease) = (request.clone(), lease.clone());
        machine.on(CredentialMessage::CallEnded { request, lease, evidence: None }, now, &mut Vec::new());
        CredentialReply::Access(Access::Wait { reason: WaitReason::Rejected, ask_again_at: None })
    }

    fn effect(&self, state: &mut State, effect: CredentialEffect) {
        match effect {
            CredentialEffect::Alert(alert) => self.alerted(state, token(alert.token)),
            CredentialEffect::Broadcast(hint) => state.hint = (state.left.hints > 0).then_some(hint),
            CredentialEffect::Invite(..) => {} // A hint that is always lost.
            CredentialEffect::StandIn(_) => {} // Only told to people.
        }
    }

    /// A rejected token was sent again: it counts as accepted.
    fn clear(&self, state: &mut State, session: usize, token: Token) {
        let Keeper::Ours(machine) = &mut state.keeper else { return };
        let upstream = self.slot(session).upstream.clone();
        let fingerprint = Fingerprint::of_number(token);
        if machine.verdict(&upstream, fingerprint) == Verdict::Rejected {
            let (start, end) = (state.now, state.now);
            let evidence = Evidence { fingerprint, upstream, start, end, class: Class::Ok, status: 200 };
            machine.on(answered(evidence), state.now, &mut Vec::new());
        }
    }

    /// A piece of mail is taken in.
    pub(crate) fn deliver(&self, state: &mut State, mail: Mail) {
        match mail {
            Mail::Fact { session, evidence } => {
                self.hear(state, Some(session), &answered(evidence));
            }
            Mail::Report { brief, lease, work } => {
                state.ghosts.met.remove(&(self.number(&brief.session), token(lease.fingerprint())));
                let access = self.report(state, &brief, lease, work);
                self.settle(state, &brief, access);
            }
        }
    }

    fn settle(&self, state: &mut State, brief: &Brief, access: Option<Access>) {
        let mut effects = Vec::new();
        match (self.variant, access) {
            (Variant::WithoutAcknowledgement, _) => {} // The job was over long before.
            (Variant::WithoutRetryGuard, Some(_)) => self.ask_once_more(state, brief),
            (_, access) => state.bench.settled(&brief.session, access, &mut effects),
        }
        self.work(state, effects);
    }

    /// Without retry guard: the same job goes on with whatever it is given when it asks again.
    fn ask_once_more(&self, state: &mut State, brief: &Brief) {
        let tries = state.ghosts.tries.clone();
        let mut effects = Vec::new();
        state.bench.settled(&brief.session, None, &mut effects);
        self.work(state, effects);
        state.ghosts.tries = tries;
        self.sweep(state, self.number(&brief.session));
    }

    /// Does what the worker's machine wants done.
    pub(crate) fn work(&self, state: &mut State, effects: Vec<JobEffect>) {
        for effect in effects {
            match effect {
                JobEffect::Ask(brief) => {
                    let access = self.ask(state, &brief);
                    let mut effects = Vec::new();
                    state.bench.answered(&brief.session, access, &mut effects);
                    self.work(state, effects);
                }
                JobEffect::Perform { brief, lease } => self.perform(state, &brief, lease),
                JobEffect::Report { brief, lease, work } => self.send(state, brief, lease, work),
                JobEffect::Ended { brief, ending } => self.ended(state, &brief, &ending),
            }
        }
    }

    fn ask(&self, state: &mut State, brief: &Brief) -> Access {
        if let Keeper::Seed(seed) = &state.keeper {
            return seed
                .resolve(&brief.session)
                .map_or_else(nothing, |token| Access::Go(lease(brief, token)));
        }
        let message = CredentialMessage::ResolveCredential(brief.request(Purpose::Distill));
        match self.hear(state, None, &message) {
            CredentialReply::Access(access) => access,
            _ => nothing(),
        }
    }

    fn send(&self, state: &mut State, brief: Brief, lease: Lease, work: Work) {
        let (session, early) = (brief.session.clone(), (brief.request(Purpose::Distill), lease.clone()));
        let mail = Mail::Report { brief, lease, work };
        if matches!(state.keeper, Keeper::Seed(_)) {
            self.deliver(state, mail); // One flow of control: the seed's worker marks and resolves by itself.
            return;
        }
        state.mail.push(mail);
        if self.variant == Variant::WithoutAcknowledgement {
            let (request, lease) = early;
            self.hear(state, None, &CredentialMessage::CallEnded { request, lease, evidence: None });
            let mut effects = Vec::new();
            state.bench.settled(&session, None, &mut effects);
            self.work(state, effects);
        }
    }

    fn ended(&self, state: &mut State, brief: &Brief, ending: &Ending) {
        let session = self.number(&brief.session);
        state.ghosts.tries.remove(&session);
        state.clients[session].contradicted =
            matches!(ending, Ending::Waiting { reason: WaitReason::Forbidden, .. });
        match ending {
            Ending::Done { .. } if !state.clients[session].pending => self.blame(state, "L4"),
            Ending::Done { .. } => state.clients[session].pending = false,
            Ending::Waiting { .. } => state.clients[session].asleep = self.variant == Variant::WithoutPull,
            Ending::Nothing | Ending::Queued | Ending::Failed { .. } => {}
        }
    }

    fn report(&self, state: &mut State, brief: &Brief, lease: Lease, work: Work) -> Option<Access> {
        if matches!(state.keeper, Keeper::Seed(_)) {
            return self.seed_report(state, brief, token(lease.fingerprint()), &work);
        }
        let request = brief.request(Purpose::Distill);
        let message = match work {
            Work::Refused { evidence } => CredentialMessage::AuthFailed { request, lease, evidence },
            Work::Accepted { evidence, .. } => CredentialMessage::AuthAccepted { request, lease, evidence },
            _ => CredentialMessage::CallEnded { request, lease, evidence: None },
        };
        match self.hear(state, Some(self.number(&brief.session)), &message) {
            CredentialReply::Access(access) => Some(access),
            _ => None,
        }
    }

    fn seed_report(&self, state: &mut State, brief: &Brief, used: Token, work: &Work) -> Option<Access> {
        let number = self.number(&brief.session);
        let again = state.ghosts.tries.get(&number).is_some_and(|tries| tries.len() > 1);
        let Keeper::Seed(seed) = &mut state.keeper else { return None };
        if !matches!(work, Work::Refused { .. }) {
            return None;
        }
        let before = seed.resolve(&brief.session);
        let refusal = seed.failed(&brief.session, Fingerprint::of_number(used), again);
        let after = seed.resolve(&brief.session);
        let other = before.is_some_and(|token| token != Fingerprint::of_number(used));
        if other && before != after {
            self.blame(state, "S3");
        }
        if refusal.alert == Alert::Sent {
            self.alerted(state, used);
        }
        if !state.is_alive(used) {
            state.ghosts.told.insert(used, false);
        }
        Some(refusal.retry.map_or_else(nothing, |token| Access::Go(lease(brief, token))))
    }
}

/// What a client is told of a model's answer.
fn answered(evidence: Evidence) -> CredentialMessage {
    CredentialMessage::ClientAnswered { evidence, model: Some("m".to_owned()) }
}

fn nothing() -> Access {
    Access::Wait { reason: WaitReason::NoCredential, ask_again_at: None }
}

/// The seed knows no leases; the worker's machine wants one.
fn lease(brief: &Brief, fingerprint: Fingerprint) -> Lease {
    let owner = (brief.principal.clone(), brief.upstream.clone());
    #[expect(
        clippy::disallowed_methods,
        reason = "only for the policies that do not know leases; nothing is ever called"
    )]
    Lease::grant(LeaseId(0), owner, credential(token(fingerprint)), Generation(0), false)
}

fn evidence_mut(message: &mut CredentialMessage) -> impl Iterator<Item = &mut Evidence> {
    match message {
        CredentialMessage::ClientAnswered { evidence, .. }
        | CredentialMessage::AuthFailed { evidence, .. }
        | CredentialMessage::AuthAccepted { evidence, .. } => Some(evidence),
        CredentialMessage::CallEnded { evidence, .. } => evidence.as_mut(),
        _ => None,
    }
    .into_iter()
}
