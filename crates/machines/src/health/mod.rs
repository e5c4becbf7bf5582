//! How well a worker does for a session: a ladder that failures climb and that one accepted output ends.
//!
//! It answers one question of the people who run this: does work only wait, or does something need looking after? So what
//! ends by itself with a fresh token, a paid bill or a pause never climbs it, and neither does a job that found nothing to do.

#[cfg(test)]
mod tests;

use crate::job::{Ending, FailureCause};
use domain::access::WaitReason;
use domain::time::Moment;
use std::collections::VecDeque;
use std::time::Duration;

/// Failures that make a worker degraded when they come within [`CLOSE`]. Fewer never say anything.
const FAILURES: usize = 3;
/// How close they must come.
const CLOSE: Duration = Duration::from_secs(5 * 60);
/// Failing for so long is critical, however far apart the failures are: a failed job rests longer each time.
const LONG: Duration = Duration::from_secs(60 * 60);

/// How well a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// It does its work, or has none.
    #[default]
    Healthy,
    /// It fails again and again.
    Degraded,
    /// It has failed for an hour, and nothing it did was accepted.
    Critical,
}

impl Level {
    /// The name used in answers, metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Critical => "critical",
        }
    }
}

/// The health of one worker in one session. A fresh one is healthy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Ladder {
    level: Level,
    /// The newest failures since the last accepted output, the oldest first.
    failures: VecDeque<Moment>,
    /// The first failure of those that nothing interrupted: neither accepted output nor a wait for a credential.
    failing_since: Option<Moment>,
}

impl Ladder {
    /// How well the worker does now.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Takes in how a job ended; the level, if it is another than before.
    pub fn on(&mut self, ending: &Ending, now: Moment) -> Option<Level> {
        let before = self.level;
        match ending {
            Ending::Done { .. } => *self = Self::default(),
            // An upstream that is down goes on failing: only fewer calls find it out.
            Ending::Nothing
            | Ending::Queued
            | Ending::Waiting { reason: WaitReason::Busy | WaitReason::UpstreamDown, .. } => {}
            // Waiting is not failing: the hour begins anew behind it.
            Ending::Waiting { .. } | Ending::Failed { cause: FailureCause::Credential, .. } => {
                self.failing_since = None;
            }
            Ending::Failed { .. } => self.failed(now),
        }
        (self.level != before).then_some(self.level)
    }

    fn failed(&mut self, now: Moment) {
        let since = *self.failing_since.get_or_insert(now);
        self.failures.push_back(now);
        if self.failures.len() > FAILURES {
            self.failures.pop_front();
        }
        let again_and_again = self.failures.len() == FAILURES;
        let close = self.failures.front().is_some_and(|first| now.since(*first) <= CLOSE);
        self.level = match self.level {
            _ if again_and_again && now.since(since) >= LONG => Level::Critical,
            Level::Healthy if again_and_again && close => Level::Degraded,
            level => level,
        };
    }
}
