//! Recognising conversations of clients that do not name them.
//!
//! A session stands at a *position*, the conversation up to its last request, and, once the answer is known, at a *head*, the
//! conversation up to that answer. A request belongs to the session whose head it goes on from, to the longest one; else to
//! the session whose answer is still coming, when it goes on from an answer to that very position and no other session waits
//! there; else, when it is the same request again and nothing of an answer had come back, or an error behind a part of it, it is
//! a retry; else, when its beginning was left out or summed up, it belongs to the one session that ends as it does up to the
//! last answer, if that end is nobody else's ([`super::history`]). Otherwise it opens a session.
//!
//! Two sessions are never taken for one: a session moves on with the first request that continues it, so a second
//! continuation of the same words, a fork, finds nobody and opens a session of its own.

#[cfg(test)]
mod tests;

use super::history::History;
use super::id::session_id;
use super::point::Point;
use super::seats::{Course, Seat, Seats};
use domain::conversation::Digest;
use domain::ids::{Principal, SessionId};
use domain::time::UnixMillis;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::SessionHead;
use uuid::Builder;

/// How many sessions are held in mind.
const MOST_SESSIONS: usize = 20_000;

/// See the module. The lock is held for look-ups only.
#[derive(Clone)]
pub(crate) struct Registry(Arc<Mutex<Inner>>);

struct Inner {
    seats: Seats,
    chance: StdRng,
}

impl Registry {
    /// A registry that knows nobody, and makes the names of new sessions from `seed`.
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self::with_limit(MOST_SESSIONS, seed)
    }

    fn with_limit(limit: usize, seed: u64) -> Self {
        let inner = Inner { seats: Seats::new(limit), chance: StdRng::seed_from_u64(seed) };
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Takes in the sessions of an earlier run that no client named, the one used last first.
    pub(crate) fn recall(&self, heads: &[SessionHead]) {
        let mut inner = self.lock();
        let unnamed = heads.iter().filter(|head| head.identity.is_none()).take(inner.seats.limit());
        for known in unnamed.collect::<Vec<_>>().into_iter().rev() {
            let head = Point::of(known.head);
            let seat = Seat::new(known.principal.clone(), head).answered(head);
            inner.seats.put(&known.session, seat);
        }
    }

    /// Finds or opens the session of a request whose conversation is `history`.
    pub(crate) fn claim(&self, principal: &Principal, history: &History<'_>, now: UnixMillis) -> Claim {
        let position = history.position();
        let mut inner = self.lock();
        let found = inner.find(principal, history).cloned();
        let session = found.unwrap_or_else(|| inner.new_session(principal, now));
        let known = inner.seats.get(&session).cloned();
        let seat = known.unwrap_or_else(|| Seat::new(principal.clone(), position)).asked(position);
        let attempt = seat.attempt;
        inner.seats.put(&session, seat);
        Claim { registry: self.clone(), session, attempt, settled: false }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn find(&self, principal: &Principal, history: &History<'_>) -> Option<&SessionId> {
        let with_head = |head| self.seats.with_head(principal, head);
        let going_on =
            || history.follows().into_iter().chain(history.known()).find_map(|head| with_head(head).next());
        let being_answered = || self.being_answered(principal, history.asked()?);
        let retried = || self.retried(principal, history.position().whole);
        let ending_alike = || only(with_head(history.known_end()?));
        let answered_alike = || self.being_answered(principal, history.asked_end()?);
        going_on().or_else(being_answered).or_else(retried).or_else(ending_alike).or_else(answered_alike)
    }

    /// The one session that stands at `position`, whose answer only the client knows, else the one that waits for it. Of several nobody
    /// can tell which it is, and to guess would make one conversation of two.
    fn being_answered(&self, principal: &Principal, position: Digest) -> Option<&SessionId> {
        let there = |course| self.seats.at(principal, position, course);
        let lost = || there(Course::Lost).chain(there(Course::Withdrawn));
        if lost().next().is_some() { only(lost()) } else { only(there(Course::Open)) }
    }

    /// A session at `position` whose request came to nothing. It may be any: nothing that matters tells them apart.
    fn retried(&self, principal: &Principal, position: Digest) -> Option<&SessionId> {
        let there = |course| self.seats.at(principal, position, course);
        there(Course::Failed).chain(there(Course::Withdrawn)).next()
    }

    fn new_session(&mut self, principal: &Principal, now: UnixMillis) -> SessionId {
        let millis = u64::try_from(now.0).unwrap_or_default();
        let uuid = Builder::from_unix_timestamp_millis(millis, &self.chance.random()).into_uuid();
        session_id(principal, &uuid.to_string())
    }
}

fn only<T>(mut candidates: impl Iterator<Item = T>) -> Option<T> {
    let first = candidates.next()?;
    candidates.next().is_none().then_some(first)
}

/// A request's place in a conversation, until it is known how the request went. Dropped before, nothing of an answer came.
pub(crate) struct Claim {
    registry: Registry,
    session: SessionId,
    attempt: u64,
    settled: bool,
}

impl Claim {
    /// The session.
    pub(crate) fn session(&self) -> &SessionId {
        &self.session
    }

    /// The provider said `answer`; nothing, if it ended without words. It may keep the conversation under `names` of its own.
    pub(crate) fn answered(mut self, answer: Option<Digest>, names: impl IntoIterator<Item = Digest>) {
        self.settle(|seat| {
            let head = answer.map_or(seat.position, |answer| seat.position.then(answer));
            seat.answered(head).called(names)
        });
    }

    /// The client may have seen a part of an answer.
    pub(crate) fn lost(mut self) {
        self.settle(|seat| seat.with(Course::Lost));
    }

    /// The client saw a part of an answer, and then that it was in vain.
    pub(crate) fn withdrawn(mut self) {
        self.settle(|seat| seat.with(Course::Withdrawn));
    }

    /// The client saw nothing of an answer.
    pub(crate) fn failed(self) {
        drop(self);
    }

    /// Only the last request says how a session stands.
    fn settle(&mut self, turn: impl FnOnce(Seat) -> Seat) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let mut inner = self.registry.lock();
        let seat = inner.seats.get(&self.session).filter(|seat| seat.attempt == self.attempt).cloned();
        if let Some(seat) = seat {
            inner.seats.put(&self.session, turn(seat));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.settle(|seat| seat.with(Course::Failed));
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("session", &self.session)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
