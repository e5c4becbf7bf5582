//! The three policies of the gateway that this project began with, as its pull requests tell them: before any of them, after
//! the fix that marks sessions as stale, and after its follow-up.
//!
//! Where they leave something open, the reading that serves them best is taken: any credential that a client sends counts
//! as a fresh one, so that no session stays stale when the provider was wrong.

use super::policy::{Job, Order, Policy};
use super::schedule::{Exchange, Session, Token};
use domain::purpose::Purpose;
use domain::time::Moment;
use std::collections::{BTreeMap, BTreeSet};

/// How far the seed had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// A 401 is not looked at.
    Before,
    /// A 401 makes the session stale: the token that was seen last, whoever's it is, stands in for one retry; then comes an
    /// alert. A warm-up's 401 ends warming until a fresh credential comes.
    FirstFix,
    /// A stale session whose own token is the last seen one waits. Alerts are filtered out.
    FollowUp,
}

/// See the module.
#[derive(Debug)]
pub struct Seed {
    stage: Stage,
    sessions: BTreeMap<Session, Token>,
    last_seen: Option<Token>,
    stale: BTreeSet<Session>,
    warming_disabled: BTreeSet<Session>,
    /// The jobs whose one retry is under way.
    retried: BTreeSet<Job>,
}

impl Seed {
    /// A gateway that has seen nothing.
    #[must_use]
    pub fn at(stage: Stage) -> Self {
        let (sessions, retried) = (BTreeMap::new(), BTreeSet::new());
        let (stale, warming_disabled) = (BTreeSet::new(), BTreeSet::new());
        Self { stage, sessions, last_seen: None, stale, warming_disabled, retried }
    }

    fn resolve(&self, session: Session) -> Option<Token> {
        let own = self.sessions.get(&session).copied();
        if !self.stale.contains(&session) {
            return own.or(self.last_seen);
        }
        self.last_seen.filter(|last_seen| self.stage == Stage::FirstFix || own != Some(*last_seen))
    }

    fn call(&self, job: Job) -> Option<Order> {
        self.resolve(job.session).map(|token| Order::Call { job, token, probe: false })
    }

    /// The worker's own handling of a 401: one retry with another token, then an alert.
    fn refused(&mut self, job: Job, token: Token, orders: &mut Vec<Order>) {
        self.stale.insert(job.session);
        let is_retry = self.retried.remove(&job);
        let other = self.resolve(job.session).filter(|other| !is_retry && *other != token);
        match other {
            Some(other) => {
                self.retried.insert(job);
                orders.push(Order::Call { job, token: other, probe: false });
            }
            None if self.stage == Stage::FirstFix => orders.push(Order::Alert(token)),
            None => {}
        }
    }
}

impl Policy for Seed {
    fn sent(&mut self, session: Session, token: Token, _now: Moment, _orders: &mut Vec<Order>) {
        self.sessions.insert(session, token);
        self.last_seen = Some(token);
        self.stale.remove(&session);
        self.warming_disabled.remove(&session);
    }

    fn answered(&mut self, _request: &Exchange, _orders: &mut Vec<Order>) {}

    fn wanted(&mut self, job: Job, _now: Moment, orders: &mut Vec<Order>) {
        if job.purpose != Purpose::Warm || !self.warming_disabled.contains(&job.session) {
            orders.extend(self.call(job));
        }
    }

    fn called(&mut self, job: Job, call: &Exchange, orders: &mut Vec<Order>) {
        match (call.accepted, self.stage, job.purpose) {
            (true, ..) => drop(self.retried.remove(&job)),
            (false, Stage::Before, _) => {}
            (false, _, Purpose::Warm) => {
                self.warming_disabled.insert(job.session);
                self.stale.insert(job.session);
            }
            (false, ..) => self.refused(job, call.token, orders),
        }
    }
}
