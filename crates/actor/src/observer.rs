//! Where metrics listen. The shell knows no metrics library, only that somebody may be counting.

use crate::Row;
use std::sync::Arc;

/// Says how many messages wait in a mailbox; none once that is gone.
pub type Depth = Arc<dyn Fn() -> usize + Send + Sync>;

/// Hears what happens in every mailbox. Called on the thread where it happens, so it must be quick,
/// and must not panic: that would end the actor, or unwind into whoever is sending.
pub trait Observer: Send + Sync {
    /// A message has been handled, or the actor crashed over it.
    fn handled(&self, _row: &Row) {}

    /// A message was refused because `actor`'s mailbox is full.
    fn shed(&self, _actor: &'static str, _message: &'static str) {}

    /// `actor` crashed and is being rebuilt.
    fn crashed(&self, _actor: &'static str) {}

    /// `actor` has a mailbox; how many messages wait in it, `depth` says whenever it is asked.
    fn opened(&self, _actor: &'static str, _depth: Depth) {}
}

/// Nobody is counting.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
