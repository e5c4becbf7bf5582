//! The credential machine from outside: its rules as stories, its invariants under random schedules.

mod pausing;
mod schedules;
mod stand_ins;
mod stories;
mod trouble;

use super::invariants::{Before, Broken, Step, Watch};
use super::*;
use crate::samples::upstream;
use domain::access::{Access, WaitReason};
use domain::companions::Companions;
use domain::credential::CredentialKind;
use domain::evidence::Class;
use domain::ids::Principal;
use domain::secret::Secret;
use std::time::Duration;

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;

fn credential(token: u8) -> Arc<Credential> {
    made(token, CredentialKind::Bearer)
}

fn made(token: u8, kind: CredentialKind) -> Arc<Credential> {
    let (header, value) = ("authorization", Secret::new("canary"));
    let fingerprint = Fingerprint::of_number(token);
    Arc::new(Credential { header, value, kind, fingerprint, companions: Companions::default(), ends: None })
}

fn key(session: &str) -> SlotKey {
    SlotKey { principal: Principal::local(), upstream: upstream(), session: session.into() }
}

fn request(session: &str) -> AccessRequest {
    request_for(session, Purpose::Distill)
}

fn request_for(session: &str, purpose: Purpose) -> AccessRequest {
    let SlotKey { principal, upstream, session } = key(session);
    AccessRequest { principal, session, upstream, model: "m".into(), purpose, project: None }
}

fn evidence(token: u8, class: Class, start: u64, end: u64) -> Evidence {
    let status = if class == Class::Ok { 200 } else { 401 };
    let fingerprint = Fingerprint::of_number(token);
    Evidence { fingerprint, upstream: upstream(), start: Moment(start), end: Moment(end), class, status }
}

fn client_answered(evidence: Evidence) -> CredentialMessage {
    CredentialMessage::ClientAnswered { evidence, model: Some("m".to_owned()) }
}

/// A machine with a clock of its own that ticks one microsecond a message, watched by the invariants.
struct Bench {
    machine: CredentialMachine,
    watch: Watch,
    now: u64,
    effects: Vec<CredentialEffect>,
    broken: Vec<Broken>,
}

impl Bench {
    fn with(fallback: GlobalFallback) -> Self {
        let client_credentials = ClientCredentials { api_key: true, bearer: true };
        let rules = CredentialRules { client_credentials, fallback, own_keys: Vec::new() };
        let machine = CredentialMachine::new(rules, Counters::default());
        Self { machine, watch: Watch::default(), now: 0, effects: Vec::new(), broken: Vec::new() }
    }

    fn new() -> Self {
        Self::with(GlobalFallback::Lineage)
    }

    fn say(&mut self, message: CredentialMessage) -> CredentialReply {
        self.now += 1;
        let (before, now) = (Before::of(&self.machine), Moment(self.now));
        let mut effects = Vec::new();
        let reply = self.machine.on(message.clone(), now, &mut effects);
        let (reply_seen, after) = (&reply, &self.machine);
        let step = Step { before: &before, message: &message, reply: reply_seen, effects: &effects, after };
        self.broken.extend(self.watch.see(step, now));
        self.effects.extend(effects);
        reply
    }

    fn observe(&mut self, session: &str, token: u8) {
        self.observe_in(session, token, None);
    }

    fn observe_in(&mut self, session: &str, token: u8, project: Option<String>) {
        let (slot, credential) = (key(session), credential(token));
        self.say(CredentialMessage::CredentialObserved { slot, credential, project, ends: None });
    }

    fn client(&mut self, session: &str, token: u8, class: Class) {
        self.observe(session, token);
        self.answer(token, class);
    }

    /// A provider answers a client's request with this token.
    fn answer(&mut self, token: u8, class: Class) {
        let (start, end) = (self.now + 1, self.now + 2);
        self.now += 2;
        self.say(client_answered(evidence(token, class, start, end)));
    }

    fn resolve(&mut self, session: &str) -> Access {
        self.resolve_for(session, Purpose::Distill)
    }

    fn resolve_for(&mut self, session: &str, purpose: Purpose) -> Access {
        match self.say(CredentialMessage::ResolveCredential(request_for(session, purpose))) {
            CredentialReply::Access(access) => access,
            other => panic!("not an access: {other:?}"),
        }
    }

    fn lease(&mut self, session: &str) -> Lease {
        match self.resolve(session) {
            Access::Go(lease) => lease,
            other => panic!("not a lease: {other:?}"),
        }
    }

    fn refused(&mut self, session: &str, lease: &Lease) -> Access {
        let evidence = self.outcome(lease, Class::CredentialRejected);
        let message =
            CredentialMessage::AuthFailed { request: request(session), lease: lease.clone(), evidence };
        match self.say(message) {
            CredentialReply::Access(access) => access,
            other => panic!("not an access: {other:?}"),
        }
    }

    fn accepted(&mut self, session: &str, lease: &Lease) {
        let evidence = self.outcome(lease, Class::Ok);
        let (request, lease) = (request(session), lease.clone());
        self.say(CredentialMessage::AuthAccepted { request, lease, evidence });
    }

    /// The call came to nothing that concerns the token.
    fn ended(&mut self, session: &str, lease: &Lease, class: Class) {
        let evidence = Some(self.outcome(lease, class));
        let (request, lease) = (request(session), lease.clone());
        self.say(CredentialMessage::CallEnded { request, lease, evidence });
    }

    /// A call with this lease is made and answered.
    fn outcome(&mut self, lease: &Lease, class: Class) -> Evidence {
        let start = self.now + 1;
        self.now += 2;
        Evidence { fingerprint: lease.fingerprint(), ..evidence(0, class, start, self.now) }
    }

    fn pass(&mut self, span: Duration) {
        self.now += u64::try_from(span.as_micros()).expect("a span");
    }

    fn alerts(&self) -> usize {
        self.effects.iter().filter(|effect| matches!(effect, CredentialEffect::Alert(_))).count()
    }

    fn stand_ins(&self) -> Vec<StandIn> {
        let told = self.effects.iter().filter_map(|effect| match effect {
            CredentialEffect::StandIn(stand_in) => Some(stand_in.clone()),
            _ => None,
        });
        told.collect()
    }

    fn reenabled(&self) -> usize {
        let reenabled =
            |effect: &&_| matches!(effect, CredentialEffect::Broadcast(Hint::CredentialsReenabled(_)));
        self.effects.iter().filter(reenabled).count()
    }

    /// The sessions that were told, after the first so many hints, that asking again may pay.
    fn woken(&self, after: usize) -> Vec<String> {
        let hints = self.effects.iter().filter_map(|effect| match effect {
            CredentialEffect::Broadcast(Hint::CredentialsReenabled(affected)) => Some(affected),
            _ => None,
        });
        let mut sessions: Vec<_> =
            hints.skip(after).flat_map(|affected| &affected.sessions).map(ToString::to_string).collect();
        sessions.sort();
        sessions
    }

    fn verdict(&self, token: u8) -> Verdict {
        self.machine.verdict(&upstream(), Fingerprint::of_number(token))
    }
}

impl Drop for Bench {
    /// Whatever a story is about, no invariant is broken on its way.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.broken, []);
        }
    }
}

fn waits(access: &Access, wanted: WaitReason) -> bool {
    matches!(access, Access::Wait { reason, .. } if *reason == wanted)
}

fn goes_with(access: &Access, token: u8) -> bool {
    matches!(access, Access::Go(lease) if lease.fingerprint() == Fingerprint::of_number(token))
}
