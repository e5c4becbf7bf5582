//! One token's record at an upstream: what is known of it, what it is paused for, and in whose slots it lies.

use super::holders::{Holder, Holders};
use super::pauses::Pauses;
use super::token::{Token, Verdict};
use domain::time::Moment;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Record {
    pub(super) token: Token,
    pub(super) pauses: Pauses,
    /// When a newer token took its place in a session that had both: providers often revoke the old one then.
    superseded: Option<Moment>,
    /// When it ends by its own words (R14).
    pub(super) ends: Option<Moment>,
    /// The sessions in whose slots it lies.
    pub(super) holders: Holders,
    /// Since when it lies in no slot.
    pub(super) retired: Option<Moment>,
}

impl Record {
    pub(super) fn offered(now: Moment) -> Self {
        Self {
            token: Token::offered(now),
            pauses: Pauses::default(),
            superseded: None,
            ends: None,
            holders: Holders::default(),
            retired: None,
        }
    }

    /// It lies in one more slot.
    pub(super) fn held_by(&mut self, holder: Holder) {
        self.retired = None;
        self.holders.insert(holder);
    }

    /// A newer token was proven in a session that had held this one.
    pub(super) fn supersede(&mut self, at: Moment) {
        self.superseded = self.superseded.max(Some(at));
    }

    /// Whether it can be used without a question: proven, and nothing since speaks for its end.
    pub(super) fn is_good(&self, now: Moment) -> bool {
        let doubt = self.superseded.max(self.ends.filter(|ends| *ends <= now));
        self.token.verdict() == Verdict::Proven
            && doubt.is_none_or(|since| self.token.last_success().is_some_and(|success| success > since))
    }

    /// Every moment in it.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        let own = self.superseded.iter_mut().chain(&mut self.ends).chain(&mut self.retired);
        own.chain(self.token.moments()).chain(self.pauses.moments())
    }
}
