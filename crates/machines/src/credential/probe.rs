//! A call that finds something out, and for which all others wait.

use domain::ids::LeaseId;
use domain::time::Moment;
use std::time::Duration;

/// A call that was never heard of again is given up after this: longer than the longest call (15 minutes).
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(16 * 60);

/// The one call that is out, if one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Probe(Option<(LeaseId, Moment)>);

impl Probe {
    /// Whether it is out.
    #[must_use]
    pub fn is_out(&self, now: Moment) -> bool {
        self.0.is_some_and(|(_, until)| now < until)
    }

    /// When it will be given up; none when nothing is out.
    #[must_use]
    pub fn until(&self) -> Option<Moment> {
        self.0.map(|(_, until)| until)
    }

    /// Sends it out under `lease`.
    pub fn start(&mut self, lease: LeaseId, now: Moment) {
        self.0 = Some((lease, now.after(CALL_LIMIT)));
    }

    /// The job under `lease` has ended. Says whether that was this call; the next may go out then.
    pub fn end(&mut self, lease: LeaseId) -> bool {
        let out = self.0;
        self.0 = out.filter(|(probe, _)| *probe != lease);
        self.0 != out
    }

    /// Every moment in it.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        self.0.iter_mut().map(|(_, until)| until)
    }
}
