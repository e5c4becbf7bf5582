//! Calls that find out whether an upstream is in order again: one at a time, at growing intervals.

use super::super::ladder;
use super::super::probe::Probe;
use domain::ids::LeaseId;
use domain::time::Moment;
use std::time::Duration;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Trials {
    times: u32,
    due: Moment,
    out: Probe,
}

impl Trials {
    pub(super) fn begin((first, longest): (Duration, Duration), seed: u64, now: Moment) -> Self {
        let due = now.after(ladder::pause(first, longest, 1, seed));
        Self { times: 1, due, out: Probe::default() }
    }

    /// When the next one may go out, if none is out.
    pub(super) const fn due(&self) -> Moment {
        self.due
    }

    /// One goes out under `lease`.
    pub(super) fn start(&mut self, lease: LeaseId, now: Moment) {
        self.out.start(lease, now);
    }

    /// The job under `lease` has ended. If it was the trial and met the trouble again, the next one comes later; says whether
    /// that is so. No other call does that: whoever goes on sending a dead token would else keep all others waiting for ever.
    pub(super) fn end(
        &mut self,
        lease: LeaseId,
        failed: bool,
        (first, longest): (Duration, Duration),
        now: Moment,
    ) -> bool {
        let again = self.out.end(lease) && failed;
        if again {
            self.times = self.times.saturating_add(1);
            self.due = now.after(ladder::pause(first, longest, self.times, lease.0));
        }
        again
    }

    /// No call goes out for so long.
    pub(super) fn rest(&mut self, span: Duration, now: Moment) {
        self.due = self.due.max(now.after(span));
    }

    /// When the one that is out will be given up, if one is.
    pub(super) fn out_until(&self, now: Moment) -> Option<Moment> {
        self.out.until().filter(|_| self.out.is_out(now))
    }

    /// Until when a call has to wait; none when it may go, as the trial.
    pub(super) fn holds_until(&self, now: Moment) -> Option<Moment> {
        if now < self.due { Some(self.due) } else { self.out_until(now) }
    }

    /// Every moment in it.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        std::iter::once(&mut self.due).chain(self.out.moments())
    }
}
