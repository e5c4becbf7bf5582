//! Calls that are still to be handed in: once, and again when what kept them out may pass by itself.

use super::message::Call;
use crate::credential::ladder;
use crate::job::{Ending, FailureCause};
use domain::fingerprint::Fingerprint;
use domain::time::Moment;
use std::time::Duration;

/// So long it is tried to hand calls in, from the first time on. Then the work is done the direct way.
pub const HANDED_IN_WITHIN: Duration = Duration::from_secs(600);
/// The pauses between tries: the first, and the longest that it doubles to.
const PAUSES: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(240));

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Order {
    /// Only with this token: what is handed in together is paid by one account.
    pub(super) token: Fingerprint,
    pub(super) calls: Vec<Call>,
    tries: u32,
    /// When it was tried first.
    since: Option<Moment>,
    /// When it is tried again; none while nothing says so.
    due: Option<Moment>,
    /// Spreads the pauses.
    chance: u64,
}

impl Order {
    pub(super) const fn new(token: Fingerprint, calls: Vec<Call>) -> Self {
        Self { token, calls, tries: 0, since: None, due: None, chance: 0 }
    }

    /// When it is tried again.
    pub(super) const fn due(&self) -> Option<Moment> {
        self.due
    }

    /// It is tried now.
    pub(super) fn begin(&mut self) {
        self.due = None;
    }

    /// It was tried in vain. `chance` spreads the pauses from now on.
    pub(super) fn failed(&mut self, now: Moment, chance: u64) {
        self.tries += 1;
        self.chance = chance;
        self.since.get_or_insert(now);
    }

    /// Tries again after a pause, and not before `earliest`; unless there is no time left for that, or it was never tried.
    pub(super) fn postpone(&mut self, now: Moment, earliest: Moment) {
        let (first, longest) = PAUSES;
        let next = now.after(ladder::pause(first, longest, self.tries, self.chance)).max(earliest);
        self.due =
            self.since.map(|since| since.after(HANDED_IN_WITHIN)).filter(|end| next < *end).map(|_| next);
    }

    /// Tries again at once, if there is time left for that.
    pub(super) fn resume(&mut self, now: Moment) {
        self.due = self.since.filter(|since| now < since.after(HANDED_IN_WITHIN)).map(|_| now);
    }

    /// Tries again at this time.
    pub(super) const fn resume_at(&mut self, due: Moment) {
        self.due = Some(due);
    }

    /// Whether it was tried, and may have been again.
    pub(super) const fn was_tried(&self) -> bool {
        self.tries > 0
    }

    /// How its items end if their job ended so. A lease of another token than the work was offered with is given back, and the
    /// next sweep offers it anew.
    pub(super) fn given_up(&self, ending: Ending) -> Ending {
        let (cause, why) = match ending {
            Ending::Waiting { .. } | Ending::Failed { .. } => return ending,
            _ if self.was_tried() => (FailureCause::Provider, "the work could not be handed in in time"),
            _ => (FailureCause::Credential, "the token changed before the work was handed in"),
        };
        Ending::Failed { cause, why: why.to_owned() }
    }
}
