//! How much background work may be under way at once, and who goes next.
//!
//! Whoever finds no room is told to wait and stands in a queue; when a lease comes back, the first of the most urgent kind is
//! invited to ask again. An invitation is only a hint: what is shed from the queue, or misses its invitation, asks again
//! with the next sweep, because its work is pending in the store.

#[cfg(test)]
mod tests;

use super::probe::CALL_LIMIT;
use domain::access::AccessRequest;
use domain::credential::Lease;
use domain::fingerprint::Fingerprint;
use domain::ids::{LeaseId, SessionId};
use domain::provider::UpstreamKey;
use domain::purpose::Purpose;
use domain::time::Moment;
use std::collections::BTreeMap;

/// The fewest and the most background calls at once.
const BOUNDS: (usize, usize) = (2, 12);
/// How many may stand in the queue.
pub(super) const QUEUE: usize = 64;

/// A lease that was given and has not come back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Out {
    pub(super) lease: LeaseId,
    /// The token it lets use, and where.
    pub(super) token: (UpstreamKey, Fingerprint),
    session: SessionId,
    purpose: Purpose,
    until: Moment,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Limiter {
    out: Vec<Out>,
    /// By urgency, then by arrival.
    queue: BTreeMap<(u8, u64), (Purpose, SessionId)>,
    arrivals: u64,
}

impl Limiter {
    /// Whether the job may go: there is room for it among `sessions` sessions, and no other of its session and kind is under
    /// way. If not, it stands in the queue.
    pub(super) fn admits(&mut self, request: &AccessRequest, sessions: usize, now: Moment) -> bool {
        self.out.retain(|out| now < out.until);
        let twin =
            self.out.iter().any(|out| out.session == request.session && out.purpose == request.purpose);
        let room = self.out.len() < most_at_once(sessions);
        if !twin && !room {
            self.line_up(request);
        }
        room && !twin
    }

    /// A warm-up is worthless when it comes late, so it waits for nobody. Of too many, the last of the least urgent is shed.
    fn line_up(&mut self, request: &AccessRequest) {
        let job = (request.purpose, request.session.clone());
        if request.purpose == Purpose::Warm || self.queue.values().any(|waiting| *waiting == job) {
            return;
        }
        self.arrivals += 1;
        self.queue.insert((urgency(request.purpose), self.arrivals), job);
        if self.queue.len() > QUEUE {
            self.queue.pop_last();
        }
    }

    /// A lease is given.
    pub(super) fn went_out(&mut self, lease: &Lease, request: &AccessRequest, now: Moment) {
        let (session, purpose) = (request.session.clone(), request.purpose);
        let token = (lease.upstream.clone(), lease.fingerprint());
        self.out.push(Out { lease: lease.id, token, session, purpose, until: now.after(CALL_LIMIT) });
    }

    /// A lease came back. Says who may ask now.
    pub(super) fn came_back(&mut self, lease: LeaseId) -> Option<(Purpose, SessionId)> {
        let before = self.out.len();
        self.out.retain(|out| out.lease != lease);
        (self.out.len() < before).then(|| self.queue.pop_first()).flatten().map(|(_, job)| job)
    }

    /// A worker was rebuilt: none of its leases will come back.
    pub(super) fn lost(&mut self, purpose: Purpose) -> Vec<Out> {
        let (lost, kept) = self.out.drain(..).partition(|out| out.purpose == purpose);
        self.out = kept;
        self.queue.retain(|_, (waiting, _)| *waiting != purpose);
        lost
    }

    /// A session left memory: nobody waits for it.
    pub(super) fn forget(&mut self, session: &SessionId) {
        self.queue.retain(|_, (_, waiting)| waiting != session);
    }

    /// How many leases are out.
    pub(super) fn under_way(&self) -> usize {
        self.out.len()
    }

    /// Every moment in it.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        self.out.iter_mut().map(|out| &mut out.until)
    }
}

/// One and a half calls for each session, within bounds.
pub(super) fn most_at_once(sessions: usize) -> usize {
    (sessions + sessions / 2).clamp(BOUNDS.0, BOUNDS.1)
}

/// The less, the more urgent.
const fn urgency(purpose: Purpose) -> u8 {
    match purpose {
        Purpose::Client | Purpose::Warm => 0,
        Purpose::Distill => 1,
        Purpose::Curate => 2,
        Purpose::Consolidate => 3,
        Purpose::Batch => 4,
    }
}
