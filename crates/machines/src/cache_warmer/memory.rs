//! What the warmer keeps over a restart, and gets back after one.

use super::WarmerMachine;
use super::message::{Memory, WarmerEffect};
use super::pause::Record;
use super::seat::Seat;
use crate::warming::Gap;
use domain::time::Moment;
use domain::warming::Whose;
use std::time::Duration;

/// What was learnt is kept at most so much later: all changes together, since each would cost a write.
pub const KEPT_WITHIN: Duration = Duration::from_secs(60);

impl WarmerMachine {
    /// What was kept over a restart. What a person said since is newer, and what was learnt since comes on top.
    pub(super) fn recall(&mut self, memory: Memory) {
        self.recalled = true;
        self.on = self.on.or(Some(memory.on));
        for (session, mode) in memory.modes {
            self.modes.entry(session).or_insert(mode);
        }
        let mut rest = None;
        for (bucket, pause) in memory.pauses {
            match bucket {
                Some(bucket) => drop(self.breakers.open(&bucket, pause)),
                None => rest = Some(pause),
            }
        }
        self.record = Record::remembered(memory.refreshes, memory.returns, rest);
        self.book.remember(memory.habits);
    }

    /// Not before it was recalled what was kept before: it would be lost under what little was learnt since.
    pub(super) fn agree_to_keep(&mut self, effects: &mut Vec<WarmerEffect>) {
        if self.recalled && !self.will_keep && self.book.has_changed() {
            self.will_keep = true;
            effects.push(WarmerEffect::ArmKeeping(KEPT_WITHIN));
        }
    }

    pub(super) fn keep(&mut self, effects: &mut Vec<WarmerEffect>) {
        self.will_keep = false;
        if self.recalled && self.book.has_changed() {
            effects.push(WarmerEffect::Keep(self.book.changes()));
        }
    }

    /// A person forgot it: nothing is learnt of a wait that lasts, and nothing is decided or held any more.
    pub(super) fn forget(&mut self, whose: Whose, now: Moment, effects: &mut Vec<WarmerEffect>) {
        if let Whose::Session(session) = &whose {
            self.seats.remove(session);
            self.modes.remove(session);
            self.breakers.forget_whole(session, now);
            effects.push(WarmerEffect::Forget(session.clone()));
        }
        self.book.forget(&whose);
    }

    /// Nobody will look for the returns that are waited for now.
    pub(super) fn close(&mut self, now: Moment, effects: &mut Vec<WarmerEffect>) {
        for seat in std::mem::take(&mut self.seats).into_values() {
            if let Seat::Prefix(prefix) = seat {
                self.learn(&prefix, Gap::Away(now.since(prefix.began)));
            }
        }
        self.keep(effects);
    }
}
