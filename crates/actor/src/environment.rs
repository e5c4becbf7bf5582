//! What every actor is given from outside: the time, the trace, who counts, and whom to tell when
//! it is beyond repair.

use std::fmt;
use std::sync::Arc;

use crate::{Clock, NoObserver, Observer, Trace};

/// Called with the name of an actor that cannot be kept alive; the process should then end.
pub type Fatal = Arc<dyn Fn(&'static str) + Send + Sync>;

/// What the actors of one house share.
#[derive(Clone)]
pub struct Environment {
    /// The time.
    pub clock: Clock,
    /// The record of messages; also numbers them.
    pub trace: Trace,
    /// Who counts.
    pub observer: Arc<dyn Observer>,
    /// Whom to tell when an actor keeps crashing.
    pub fatal: Fatal,
}

impl Environment {
    /// An environment in which nothing is traced or counted, and a fatal actor is only logged.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, trace: Trace::off(), observer: Arc::new(NoObserver), fatal: Arc::new(log_fatal) }
    }
}

fn log_fatal(actor: &'static str) {
    tracing::error!(target: "stillroom::actor", actor, "an actor cannot be kept alive");
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Environment").field("clock", &self.clock).finish_non_exhaustive()
    }
}
