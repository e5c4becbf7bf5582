//! Ours: the machines of CredentialActor and of its workers as they run in production, with the messages that the actors send
//! each other. Only the actors' shells and the network are left out.

use super::policy::{Gateway, Job, Order, Policy};
use super::schedule::{Day, Exchange, Session, Token};
use domain::companions::Companions;
use domain::credential::{Credential, CredentialKind, Lease};
use domain::evidence::{Class, Evidence};
use domain::ids::Principal;
use domain::provider::{Dialect, Provider, UpstreamKey};
use domain::purpose::Purpose;
use domain::secret::Secret;
use domain::settings::{ClientCredentials, GlobalFallback};
use domain::time::Moment;
use machines::credential::{
    Counters, CredentialEffect, CredentialMachine, CredentialMessage, CredentialReply, CredentialRules,
    SlotKey,
};
use machines::job::{Bench, Brief, JobEffect, JobMessage, Work};
use std::collections::BTreeMap;
use std::sync::Arc;

/// See the module.
pub struct Ours<'d> {
    day: &'d Day,
    gateway: Gateway,
    machine: CredentialMachine,
    benches: BTreeMap<Purpose, Bench>,
    /// What the calls under way go with.
    leases: BTreeMap<Job, Lease>,
}

impl<'d> Ours<'d> {
    /// With the settings' defaults: where several users meet, no token ever stands in for another.
    #[must_use]
    pub fn new(day: &'d Day, gateway: Gateway) -> Self {
        let fallback = match gateway {
            Gateway::Own => GlobalFallback::Lineage,
            Gateway::Shared => GlobalFallback::Off,
        };
        let client_credentials = ClientCredentials { api_key: true, bearer: true };
        let rules = CredentialRules { client_credentials, fallback, own_keys: Vec::new() };
        let benches = [
            (Purpose::Distill, Bench::default()),
            (Purpose::Curate, Bench::default()),
            (Purpose::Warm, Bench::with_room_in_line(0)),
        ];
        Self {
            day,
            gateway,
            machine: CredentialMachine::new(rules, Counters::default()),
            benches: benches.into(),
            leases: BTreeMap::new(),
        }
    }

    fn principal(&self, session: Session) -> Principal {
        match self.gateway {
            Gateway::Own => Principal::local(),
            Gateway::Shared => self.day.owner(session).0.to_string().into(),
        }
    }

    fn brief(&self, session: Session) -> Brief {
        Brief {
            principal: self.principal(session),
            session: session.id(),
            upstream: upstream(),
            dialect: Dialect::AnthropicMessages,
            model: "m".to_owned(),
            patient: false,
            project: None,
        }
    }

    fn credential(&self, token: Token) -> Arc<Credential> {
        let (header, fingerprint) = ("authorization", self.day.fingerprint(token));
        let (value, kind) = (Secret::new(token.0.to_string()), CredentialKind::Bearer);
        Arc::new(Credential {
            header,
            value,
            kind,
            fingerprint,
            companions: Companions::default(),
            ends: None,
        })
    }

    fn evidence(&self, exchange: &Exchange) -> Evidence {
        let fingerprint = self.day.fingerprint(exchange.token);
        let (start, end) = (exchange.start, exchange.end);
        let (class, status) =
            if exchange.accepted { (Class::Ok, 200) } else { (Class::CredentialRejected, 401) };
        Evidence { fingerprint, upstream: upstream(), start, end, class, status }
    }

    /// One message to CredentialActor, and whatever follows from it.
    fn tell(&mut self, message: CredentialMessage, now: Moment, orders: &mut Vec<Order>) -> CredentialReply {
        let mut effects = Vec::new();
        let reply = self.machine.on(message, now, &mut effects);
        for effect in effects {
            self.spread(effect, now, orders);
        }
        reply
    }

    fn spread(&mut self, effect: CredentialEffect, now: Moment, orders: &mut Vec<Order>) {
        match effect {
            CredentialEffect::Alert(alert) => {
                orders.extend(self.day.named(alert.token).map(Order::Alert));
            }
            CredentialEffect::Broadcast(hint) => {
                let purposes: Vec<Purpose> = self.benches.keys().copied().collect();
                for purpose in purposes {
                    self.hear(purpose, JobMessage::Hinted(hint.clone()), now, orders);
                }
            }
            CredentialEffect::StandIn(_) => {}
            CredentialEffect::Invite(purpose, session) => {
                self.hear(purpose, JobMessage::Invited { session }, now, orders);
            }
        }
    }

    /// One message to a worker, and whatever follows from it.
    fn hear(&mut self, purpose: Purpose, message: JobMessage, now: Moment, orders: &mut Vec<Order>) {
        let mut effects = Vec::new();
        self.benches.entry(purpose).or_default().on(message, &mut effects);
        for effect in effects {
            self.perform(purpose, effect, now, orders);
        }
    }

    fn perform(&mut self, purpose: Purpose, effect: JobEffect, now: Moment, orders: &mut Vec<Order>) {
        match effect {
            JobEffect::Ask(brief) => {
                let asked = CredentialMessage::ResolveCredential(brief.request(purpose));
                let session = brief.session;
                if let CredentialReply::Access(access) = self.tell(asked, now, orders) {
                    self.hear(purpose, JobMessage::Answered { session, access }, now, orders);
                }
            }
            JobEffect::Perform { brief, lease } => {
                let known = (Session::of(&brief.session), self.day.named(lease.fingerprint()));
                let (Some(session), Some(token)) = known else { return };
                let job = Job { session, purpose };
                orders.push(Order::Call { job, token, probe: lease.probe });
                self.leases.insert(job, lease);
            }
            JobEffect::Report { brief, lease, work } => {
                self.report(purpose, &brief, lease, work, now, orders)
            }
            // What is left to do is the sweep's to find.
            JobEffect::Ended { .. } => {}
        }
    }

    fn report(
        &mut self,
        purpose: Purpose,
        brief: &Brief,
        lease: Lease,
        work: Work,
        now: Moment,
        orders: &mut Vec<Order>,
    ) {
        let request = brief.request(purpose);
        let report = match work {
            Work::Accepted { evidence, .. }
            | Work::Queued { evidence: Some(evidence) }
            | Work::Unusable { evidence, .. }
            | Work::Unkept { evidence, .. } => CredentialMessage::AuthAccepted { request, lease, evidence },
            Work::Refused { evidence } => CredentialMessage::AuthFailed { request, lease, evidence },
            Work::Failed { evidence, .. } => CredentialMessage::CallEnded { request, lease, evidence },
            Work::Nothing | Work::Queued { evidence: None } => {
                CredentialMessage::CallEnded { request, lease, evidence: None }
            }
        };
        let access = match self.tell(report, now, orders) {
            CredentialReply::Access(access) => Some(access),
            _ => None,
        };
        let settled = JobMessage::Settled { session: brief.session.clone(), access };
        self.hear(purpose, settled, now, orders);
    }
}

impl Policy for Ours<'_> {
    fn sent(&mut self, session: Session, token: Token, now: Moment, orders: &mut Vec<Order>) {
        let Brief { principal, session, upstream, .. } = self.brief(session);
        let slot = SlotKey { principal, upstream, session };
        let credential = self.credential(token);
        let observed = CredentialMessage::CredentialObserved { slot, credential, project: None, ends: None };
        self.tell(observed, now, orders);
    }

    fn answered(&mut self, request: &Exchange, orders: &mut Vec<Order>) {
        let evidence = self.evidence(request);
        self.tell(
            CredentialMessage::ClientAnswered { evidence, model: Some(String::new()) },
            request.end,
            orders,
        );
    }

    fn wanted(&mut self, job: Job, now: Moment, orders: &mut Vec<Order>) {
        let brief = self.brief(job.session);
        self.hear(job.purpose, JobMessage::Wanted(brief), now, orders);
    }

    fn called(&mut self, job: Job, call: &Exchange, orders: &mut Vec<Order>) {
        let Some(lease) = self.leases.remove(&job) else { return };
        let evidence = self.evidence(call);
        let work =
            if call.accepted { Work::Accepted { evidence, kept: 1 } } else { Work::Refused { evidence } };
        let performed = JobMessage::Performed { session: job.session.id(), lease, work };
        self.hear(job.purpose, performed, call.end, orders);
    }
}

fn upstream() -> UpstreamKey {
    UpstreamKey::new(Provider::Anthropic, "http://anthropic.simulated")
}
