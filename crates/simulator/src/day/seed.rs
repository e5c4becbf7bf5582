//! The three policies of the gateway that this project began with ([`model::seed`]), and its cache warmer, whose rule was
//! another: after the first fix, a refused warm-up ended warming for its session until a client sent a credential again.
//!
//! Where the descriptions leave something open, the reading that serves them best is taken: any credential that a client
//! sends counts as a fresh one, so that no session stays stale when the provider was wrong.

use super::policy::{Job, Order, Policy};
use super::schedule::{Day, Exchange, Session, Token};
use domain::fingerprint::Fingerprint;
use domain::purpose::Purpose;
use domain::time::Moment;
use model::seed::{Alert, Policy as Stage, Refusal};
use std::collections::BTreeSet;

/// See the module.
pub struct Seed<'d> {
    day: &'d Day,
    stage: Stage,
    credentials: model::seed::Seed,
    warming_disabled: BTreeSet<Session>,
    /// The jobs whose second try is under way.
    again: BTreeSet<Job>,
}

impl<'d> Seed<'d> {
    /// A gateway of this stage that has seen nothing.
    #[must_use]
    pub fn at(stage: Stage, day: &'d Day) -> Self {
        let credentials = model::seed::Seed::new(stage);
        Self { day, stage, credentials, warming_disabled: BTreeSet::new(), again: BTreeSet::new() }
    }

    fn call(&self, job: Job, name: Fingerprint) -> Option<Order> {
        self.day.named(name).map(|token| Order::Call { job, token, probe: false })
    }

    /// The machine knows of the workers that distil and curate. A warm-up's 401 made the session stale as well, and nothing more.
    fn refused(&mut self, job: Job, token: Token, orders: &mut Vec<Order>) {
        let again = self.again.remove(&job);
        let used = self.day.fingerprint(token);
        let Refusal { retry, alert } = self.credentials.failed(&job.session.id(), used, again);
        if job.purpose == Purpose::Warm {
            if self.stage != Stage::Original {
                self.warming_disabled.insert(job.session);
            }
            return;
        }
        if let Some(call) = retry.and_then(|other| self.call(job, other)) {
            self.again.insert(job);
            orders.push(call);
        }
        if alert == Alert::Sent {
            orders.push(Order::Alert(token));
        }
    }
}

impl Policy for Seed<'_> {
    fn sent(&mut self, session: Session, token: Token, _now: Moment, _orders: &mut Vec<Order>) {
        self.credentials.observe(&session.id(), self.day.fingerprint(token));
        self.warming_disabled.remove(&session);
    }

    fn answered(&mut self, _request: &Exchange, _orders: &mut Vec<Order>) {}

    fn wanted(&mut self, job: Job, _now: Moment, orders: &mut Vec<Order>) {
        if job.purpose == Purpose::Warm && self.warming_disabled.contains(&job.session) {
            return;
        }
        let token = self.credentials.resolve(&job.session.id());
        orders.extend(token.and_then(|token| self.call(job, token)));
    }

    fn called(&mut self, job: Job, call: &Exchange, orders: &mut Vec<Order>) {
        if call.accepted {
            self.again.remove(&job);
        } else {
            self.refused(job, call.token, orders);
        }
    }
}
