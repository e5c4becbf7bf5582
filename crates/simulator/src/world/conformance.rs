//! Whether the running CredentialActor keeps the protocol: everything it hears is replayed into a machine of our own, which
//! must say the same, and every invariant is checked after each message.

use domain::access::Access;
use domain::credential::Lease;
use domain::fingerprint::Fingerprint;
use domain::ids::LeaseId;
use domain::time::Moment;
use machines::credential::invariants::{Before, Step, Watch};
use machines::credential::{CredentialEffect, CredentialMachine, CredentialMessage, CredentialReply};
use std::sync::{Mutex, MutexGuard, PoisonError};
use workers::Witness;

/// So many broken promises are kept to be shown.
const SHOWN: usize = 10;

/// See the module.
#[derive(Default)]
pub struct Conformance(Mutex<Replay>);

#[derive(Default)]
struct Replay {
    machine: Option<CredentialMachine>,
    watch: Watch,
    steps: u64,
    broken: Vec<String>,
    leases: Vec<Granted>,
}

/// A lease that was given.
struct Granted {
    id: LeaseId,
    token: Fingerprint,
    from: Moment,
    until: Option<Moment>,
}

impl Conformance {
    /// How many messages were replayed.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.lock().steps
    }

    /// What was broken so far; nothing, if all is well.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        self.lock().broken.clone()
    }

    /// Whether a lease for this token was out at `at`: without one, nothing may call a provider in the background (R8).
    #[must_use]
    pub fn was_leased(&self, token: Fingerprint, at: Moment) -> bool {
        let replay = self.lock();
        replay
            .leases
            .iter()
            .any(|it| it.token == token && it.from <= at && it.until.is_none_or(|until| at <= until))
    }

    fn lock(&self) -> MutexGuard<'_, Replay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for Conformance {
    fn built(&self, machine: &CredentialMachine) {
        let mut replay = self.lock();
        replay.machine = Some(machine.clone());
        replay.watch = Watch::default();
    }

    fn stepped(
        &self,
        now: Moment,
        message: &CredentialMessage,
        reply: &CredentialReply,
        effects: &[CredentialEffect],
    ) {
        let mut replay = self.lock();
        replay.replay(now, message, reply, effects);
        replay.follow_leases(now, message, reply);
    }
}

impl Replay {
    fn replay(
        &mut self,
        now: Moment,
        message: &CredentialMessage,
        reply: &CredentialReply,
        effects: &[CredentialEffect],
    ) {
        let Some(machine) = &mut self.machine else { return };
        self.steps += 1;
        let before = Before::of(machine);
        let mut wanted = Vec::new();
        let said = machine.on(message.clone(), now, &mut wanted);
        let mut broken: Vec<String> = Vec::new();
        if (&said, wanted.as_slice()) != (reply, effects) {
            broken.push(format!(
                "to {message:?} the actor said {reply:?} {effects:?}, the machine {said:?} {wanted:?}"
            ));
        }
        let step = Step { before: &before, message, reply, effects, after: machine };
        broken.extend(self.watch.see(step, now).into_iter().map(|it| format!("{}: {}", it.rule, it.how)));
        let room = SHOWN.saturating_sub(self.broken.len());
        self.broken.extend(broken.into_iter().take(room));
    }

    fn follow_leases(&mut self, now: Moment, message: &CredentialMessage, reply: &CredentialReply) {
        if let Some(back) = returned(message) {
            let out = self.leases.iter_mut().find(|granted| granted.id == back.id);
            out.into_iter().for_each(|granted| granted.until = Some(now));
        }
        if let CredentialReply::Access(Access::Go(lease)) = reply {
            let (id, token) = (lease.id, lease.fingerprint());
            self.leases.push(Granted { id, token, from: now, until: None });
        }
    }
}

fn returned(message: &CredentialMessage) -> Option<&Lease> {
    match message {
        CredentialMessage::AuthFailed { lease, .. }
        | CredentialMessage::AuthAccepted { lease, .. }
        | CredentialMessage::CallEnded { lease, .. } => Some(lease),
        _ => None,
    }
}
