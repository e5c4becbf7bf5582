//! Where a history whose links are all unknown goes on from the end of what is stored.
//!
//! A client that leaves out more of the beginning with each turn, or puts a summary in its place, still sends the last messages in
//! a row. They are the stored ones, and what stands behind them is new, whatever it says.

use domain::conversation::Digest;
use domain::ids::SessionId;
use rusqlite::{Transaction, params};
use std::collections::HashSet;

/// How many of the last messages stored have to stand in the history in a row.
const AGREEING: usize = 4;

/// How many of the last messages stored are compared.
const COMPARED: i64 = 64;

/// The messages of a history that stand for the last ones stored.
pub(crate) struct Overlap {
    from: usize,
    stored: Vec<i64>,
}

/// How a message of a history stands to it.
pub(crate) enum Standing {
    /// Ahead of it: it may have been said already, or not.
    Ahead,
    /// It is this stored message.
    Stored(i64),
    /// Behind it: nobody said it before.
    Behind,
}

impl Overlap {
    /// Nothing is known of any message.
    pub(crate) fn none() -> Self {
        Self { from: usize::MAX, stored: Vec::new() }
    }

    /// All messages came since what is stored.
    pub(crate) fn all_new() -> Self {
        Self { from: 0, stored: Vec::new() }
    }

    /// Of the history of `session` whose messages are called `names`, of which so many are known from the beginning on. Where the last of
    /// those is the last message stored, all that is behind it is new; elsewhere it takes more messages than that to tell otherwise.
    pub(crate) fn find(
        transaction: &Transaction<'_>,
        session: &SessionId,
        names: &[Digest],
        (known, last_known): (usize, &HashSet<i64>),
    ) -> rusqlite::Result<Self> {
        let sql = "SELECT id, digest FROM message WHERE session = ?1 ORDER BY id DESC LIMIT ?2";
        let mut statement = transaction.prepare_cached(sql)?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, Digest(row.get(1)?)));
        let last =
            statement.query_map(params![session.as_str(), COMPARED], row)?.collect::<Result<Vec<_>, _>>()?;
        if last.first().is_some_and(|(id, _)| last_known.contains(id)) {
            return Ok(Self::all_new());
        }
        let agreeing = |end: usize| {
            let together = names[..end].iter().rev().zip(&last);
            together.take_while(|(name, (_, stored))| *name == stored).count()
        };
        let longest = (AGREEING..=names.len()).rev().find_map(|end| {
            let count = agreeing(end);
            (count >= AGREEING.max(known + 1)).then_some((end - count, count))
        });
        Ok(longest.map_or_else(Self::none, |(from, count)| Self {
            from,
            stored: last[..count].iter().rev().map(|(id, _)| *id).collect(),
        }))
    }

    /// How the message at `place` of the history stands to it.
    pub(crate) fn standing(&self, place: usize) -> Standing {
        let behind = place.checked_sub(self.from);
        behind.map_or(Standing::Ahead, |index| {
            self.stored.get(index).copied().map_or(Standing::Behind, Standing::Stored)
        })
    }

    /// The stored messages of it, the oldest first.
    pub(crate) fn stored(&self) -> &[i64] {
        &self.stored
    }
}
