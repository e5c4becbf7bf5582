//! What the four policies have in common: what they hear, and what they order.

use super::schedule::{Day, Exchange, Session, Token};
use domain::purpose::Purpose;
use domain::time::Moment;

/// Background work for one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Job {
    /// For whom.
    pub session: Session,
    /// What for.
    pub purpose: Purpose,
}

/// What a policy wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Call the provider.
    Call {
        /// For this work.
        job: Job,
        /// With this token.
        token: Token,
        /// To learn whether the token works.
        probe: bool,
    },
    /// Tell the people who run this that this token is refused.
    Alert(Token),
}

/// Decides for one gateway when background work calls the provider, and with which token.
pub trait Policy {
    /// A client's request carried this token.
    fn sent(&mut self, session: Session, token: Token, now: Moment, orders: &mut Vec<Order>);
    /// A client's request was answered.
    fn answered(&mut self, request: &Exchange, orders: &mut Vec<Order>);
    /// The sweep found this work due; nothing is under way for it.
    fn wanted(&mut self, job: Job, now: Moment, orders: &mut Vec<Order>);
    /// A call that was ordered was answered. If it was accepted, its work is done.
    fn called(&mut self, job: Job, call: &Exchange, orders: &mut Vec<Order>);
}

/// Whose gateway it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gateway {
    /// One user's own, on their machine.
    Own,
    /// Several users'.
    Shared,
}

/// Makes a policy for a gateway.
pub type Make = for<'d> fn(&'d Day, Gateway) -> Box<dyn Policy + 'd>;
