//! Entries that say the same as others: those there are, and those that were deleted.

use crate::knowledge::{self, Place};
use domain::knowledge::KnowledgeEntry;
use domain::likeness::{Likeness, Print};
use rusqlite::{Transaction, params};

/// Entries to compare others with.
pub(crate) struct Neighbours(Vec<(Print, KnowledgeEntry)>);

impl Neighbours {
    /// Those of one place.
    pub(crate) fn of(transaction: &Transaction<'_>, place: &Place) -> rusqlite::Result<Self> {
        knowledge::at_place(transaction, place, u32::MAX).map(Self::printed)
    }

    /// All that hold at one place, those that were promoted elsewhere too.
    pub(crate) fn holding_at(transaction: &Transaction<'_>, place: &Place) -> rusqlite::Result<Self> {
        knowledge::holding_at(transaction, place).map(Self::printed)
    }

    fn printed(entries: Vec<KnowledgeEntry>) -> Self {
        Self(entries.into_iter().map(|entry| (Print::of(&entry.title, &entry.content), entry)).collect())
    }

    /// The entry that says the same as `print`; the likest of several.
    pub(crate) fn same_as(self, print: &Print) -> Option<KnowledgeEntry> {
        let same = self.0.into_iter().filter(|(other, _)| print.likeness(other) == Likeness::Same);
        let likest =
            same.max_by(|(one, _), (other, _)| print.resemblance(one).total_cmp(&print.resemblance(other)));
        likest.map(|(_, entry)| entry)
    }

    /// Those that say the contrary of `print`.
    pub(crate) fn contrary_to(self, print: &Print) -> impl Iterator<Item = KnowledgeEntry> {
        let contrary =
            self.0.into_iter().filter(move |(other, _)| print.likeness(other) == Likeness::Contrary);
        contrary.map(|(_, entry)| entry)
    }
}

/// What was deleted and held at one place, to know it again.
#[derive(Default)]
pub(crate) struct Graves(Vec<Print>);

impl Graves {
    pub(crate) fn of(transaction: &Transaction<'_>, place: &Place) -> rusqlite::Result<Self> {
        let sql = "SELECT print FROM tombstone WHERE principal = ?1 AND (project IS ?2 OR promoted)";
        let mut statement = transaction.prepare_cached(sql)?;
        let print = |row: &rusqlite::Row<'_>| Ok(Print::from_bytes(row.get_ref("print")?.as_blob()?));
        let place = params![place.principal(), place.project()];
        Ok(Self(statement.query_map(place, print)?.collect::<Result<_, _>>()?))
    }

    /// Whether something that said the same was deleted.
    pub(crate) fn hold(&self, print: &Print) -> bool {
        self.0.iter().any(|grave| print.likeness(grave) == Likeness::Same)
    }
}
