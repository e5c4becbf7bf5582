//! Two looks at the database at once: what means alike takes as long to find as what has the words.

use rusqlite::{Connection, Transaction};
use std::panic::resume_unwind;
use std::thread;

/// Where the second look is: at a connection of its own, on a thread of its own; without one, at the first one's, afterwards.
#[derive(Debug, Default)]
pub(crate) struct Aside<'c>(Option<&'c mut Connection>);

impl<'c> Aside<'c> {
    /// At this connection, if there is one.
    pub(crate) fn at(connection: Option<&'c mut Connection>) -> Self {
        Self(connection)
    }

    /// What two jobs find, of which the second may see what was written since the transaction, the first one's, began.
    pub(super) fn both<A, B: Send>(
        &mut self,
        transaction: &Transaction<'_>,
        first: impl FnOnce() -> rusqlite::Result<A>,
        second: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<B> + Send,
    ) -> rusqlite::Result<(A, B)> {
        let Some(connection) = self.0.as_deref_mut() else { return Ok((first()?, second(transaction)?)) };
        thread::scope(|scope| {
            let second = scope.spawn(move || second(&connection.transaction()?));
            let first = first();
            let second = second.join().unwrap_or_else(|panic| resume_unwind(panic));
            Ok((first?, second?))
        })
    }
}
