//! The desk where a mailbox's mail is let in and counted.
//!
//! actix's own mailbox capacity is no bound (`tests/contract/pitfalls.rs` shows it), so the count is ours:
//! each message carries its [`Admission`], and gives the room back when that is dropped, wherever
//! the message ends up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use crate::{Environment, TellError};

/// Whether a message may be refused for want of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Facts and questions: refused when the mailbox is full.
    Bounded,
    /// Outcomes, timers and commands that must happen: bounded by the work in flight instead.
    Sure,
}

const OPEN: u8 = 0;
const DRAINING: u8 = 1;
const ENDED: u8 = 2;

/// What everyone who holds a handle to one actor shares.
pub(crate) struct Desk {
    pub(crate) name: &'static str,
    pub(crate) environment: Environment,
    capacity: usize,
    depth: AtomicUsize,
    running: AtomicUsize,
    doors: AtomicU8,
}

impl Desk {
    pub(crate) fn new(name: &'static str, capacity: usize, environment: Environment) -> Self {
        let (depth, running, doors) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicU8::new(OPEN));
        Self { name, environment, capacity, depth, running, doors }
    }

    /// Lets one message in, or says why not.
    pub(crate) fn admit(self: &Arc<Self>, lane: Lane) -> Result<Admission, TellError> {
        if !self.doors_open_for(lane) {
            return Err(TellError::Stopped);
        }
        let room = if lane == Lane::Sure { usize::MAX } else { self.capacity };
        self.depth
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |depth| (depth < room).then(|| depth + 1))
            .map_err(|_full| TellError::Full)?;
        Ok(Admission(Arc::clone(self)))
    }

    fn doors_open_for(&self, lane: Lane) -> bool {
        match self.doors.load(Ordering::Acquire) {
            OPEN => true,
            DRAINING => lane == Lane::Sure,
            _ => false,
        }
    }

    /// How many messages wait.
    pub(crate) fn depth(&self) -> usize {
        self.depth.load(Ordering::Acquire)
    }

    /// How many performances run.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Acquire)
    }

    pub(crate) fn performance_begins(&self) {
        self.running.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn performance_ends(&self) {
        self.running.fetch_sub(1, Ordering::AcqRel);
    }

    /// From now on only what must happen is let in.
    pub(crate) fn drain(&self) {
        self.doors.fetch_max(DRAINING, Ordering::AcqRel);
    }

    /// From now on nothing is let in.
    pub(crate) fn end(&self) {
        self.doors.store(ENDED, Ordering::Release);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.doors.load(Ordering::Acquire) == ENDED
    }
}

/// One message's place in the count, given back when dropped.
pub(crate) struct Admission(Arc<Desk>);

impl Drop for Admission {
    fn drop(&mut self) {
        self.0.depth.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    fn desk(capacity: usize) -> Arc<Desk> {
        Arc::new(Desk::new("desk", capacity, Environment::new(Clock::system())))
    }

    #[test]
    fn room_is_given_back_when_an_admission_is_dropped() {
        let desk = desk(1);
        let admission = desk.admit(Lane::Bounded).expect("there is room");
        assert_eq!(desk.admit(Lane::Bounded).err(), Some(TellError::Full));
        drop(admission);
        assert_eq!(desk.depth(), 0);
        assert!(desk.admit(Lane::Bounded).is_ok());
    }

    #[test]
    fn what_must_happen_is_let_in_past_the_bound_and_counted() {
        let desk = desk(0);
        let admission = desk.admit(Lane::Sure).expect("this lane has no bound");
        assert_eq!(desk.depth(), 1);
        drop(admission);
    }

    #[test]
    fn a_draining_desk_lets_in_only_what_must_happen_and_an_ended_one_nothing() {
        let desk = desk(9);
        desk.drain();
        assert_eq!(desk.admit(Lane::Bounded).err(), Some(TellError::Stopped));
        assert!(desk.admit(Lane::Sure).is_ok());
        desk.end();
        desk.drain();
        assert_eq!(desk.admit(Lane::Sure).err(), Some(TellError::Stopped));
    }
}
