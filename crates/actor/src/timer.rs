//! An actor's timers: one per key, living outside the actor's context.
//!
//! A timer that has already put its message into the mailbox can still be cancelled or re-armed:
//! its message carries a stamp, and a message whose stamp is no longer the current one is dropped.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::AbortHandle;

/// Which arming of which timer a message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) key: &'static str,
    arming: u64,
}

/// The timers of one actor.
#[derive(Default)]
pub(crate) struct Timers {
    armed: HashMap<&'static str, Armed>,
    armings: u64,
}

struct Armed {
    stamp: Stamp,
    task: AbortHandle,
}

impl Drop for Armed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Timers {
    /// Calls `ring` with the stamp after `delay`; replaces the timer of the same key.
    pub(crate) fn arm(&mut self, key: &'static str, delay: Duration, ring: impl FnOnce(Stamp) + 'static) {
        self.armings += 1;
        let stamp = Stamp { key, arming: self.armings };
        // Made here, not in the task: the delay counts from now, not from the task's first turn.
        let due = tokio::time::sleep(delay);
        let task = tokio::task::spawn_local(async move {
            due.await;
            ring(stamp);
        });
        self.armed.insert(key, Armed { stamp, task: task.abort_handle() });
    }

    pub(crate) fn cancel(&mut self, key: &'static str) {
        self.armed.remove(key);
    }

    pub(crate) fn cancel_all(&mut self) {
        self.armed.clear();
    }

    /// Takes note that a timer's message has come; false if that timer was cancelled or re-armed since.
    pub(crate) fn claim(&mut self, stamp: Stamp) -> bool {
        let current = self.armed.get(stamp.key).is_some_and(|armed| armed.stamp == stamp);
        if current {
            self.cancel(stamp.key);
        }
        current
    }
}
