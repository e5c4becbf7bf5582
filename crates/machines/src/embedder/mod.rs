//! The embedder: when texts that have no vectors yet get some. A few at a time, with a rest after each that is longer than the
//! work, so that a long past is caught up with in the background of whatever else the machine does.

#[cfg(test)]
mod tests;

use domain::time::Moment;
use std::time::Duration;

/// So many texts are looked at at once.
pub const BATCH: usize = 16;
/// The rest after work is so many times as long as the work: a quarter of a core.
const REST: u32 = 3;
/// The shortest and the longest rest after work.
const RESTS: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(10)];
/// How soon it looks again when there was nothing to do.
const LOOK: Duration = Duration::from_secs(5);
/// The longest time between two tries when they fail; it doubles from [`LOOK`] on.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What the embedder hears.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EmbedderMessage {
    /// It is time to look for texts.
    LookDue,
    /// So many texts were found, and what was made of them is kept.
    Embedded {
        /// How many: nothing was left if none.
        texts: usize,
        /// How long the model took.
        took: Duration,
    },
    /// The store did not do its part. Nothing was kept, and nothing is lost.
    Failed,
}

/// What the embedder wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EmbedderEffect {
    /// Look for at most [`BATCH`] texts, and keep what the model makes of them.
    Embed,
    /// Look again after this long.
    ArmLook(Duration),
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct EmbedderMachine {
    is_busy: bool,
    failures: u32,
}

impl EmbedderMachine {
    /// One step. Time does not matter to it: what is due comes as a message.
    pub fn on(&mut self, message: EmbedderMessage, _now: Moment, effects: &mut Vec<EmbedderEffect>) {
        match message {
            // Whatever is under way arms the next look itself when it ends.
            EmbedderMessage::LookDue if self.is_busy => {}
            EmbedderMessage::LookDue => {
                self.is_busy = true;
                effects.push(EmbedderEffect::Embed);
            }
            EmbedderMessage::Embedded { texts, took } => {
                (self.is_busy, self.failures) = (false, 0);
                effects.push(EmbedderEffect::ArmLook(if texts == 0 { LOOK } else { rest(took) }));
            }
            EmbedderMessage::Failed => {
                self.is_busy = false;
                effects.push(EmbedderEffect::ArmLook(wait(self.failures)));
                self.failures = self.failures.saturating_add(1);
            }
        }
    }
}

fn rest(took: Duration) -> Duration {
    let [shortest, longest] = RESTS;
    took.saturating_mul(REST).clamp(shortest, longest)
}

fn wait(failures: u32) -> Duration {
    LOOK.saturating_mul(1 << failures.min(16)).min(LONGEST_WAIT)
}
