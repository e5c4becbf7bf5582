//! What pages show of the store. However much is kept, every answer is bounded.

mod entries;
mod said;
mod sums;

pub use entries::EntryVersion;
pub use said::{Excerpt, LONGEST_EXCERPT};
pub use sums::{CountedTurn, PaidCall};

use crate::columns;
use crate::costs::{self, Costs, CostsBy};
use crate::distillation;
use crate::error::StoreError;
use crate::knowledge;
use crate::session::{self, SessionSummary};
use crate::sqlite::SqliteStore;
use domain::conversation::RecordedMessage;
use domain::ids::{KnowledgeId, SessionId};
use domain::knowledge::{KnowledgeEntry, Observation};
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use rusqlite::Transaction;

/// A stretch of a list, and how long the whole list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The stretch.
    pub items: Vec<T>,
    /// How many there are in all.
    pub total: u64,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), total: 0 }
    }
}

/// What can be looked at, a page at a time; `most` bounds each answer.
///
/// # Errors
/// All methods: those told for [`Store`](crate::Store).
pub trait Browse {
    /// All sessions but the first `skip`; the one used last first.
    ///
    /// # Errors
    /// As told for the trait.
    fn recent_sessions(&mut self, skip: u32, most: u32) -> Result<Page<SessionSummary>, StoreError>;

    /// The last messages of `session` before the one of this number, or the last of all; oldest first.
    ///
    /// # Errors
    /// As told for the trait.
    fn said(
        &mut self,
        session: &SessionId,
        before: Option<i64>,
        most: u32,
    ) -> Result<Page<Excerpt>, StoreError>;

    /// One message of `session`, whole as it is kept.
    ///
    /// # Errors
    /// As told for the trait.
    fn message(&mut self, session: &SessionId, id: i64) -> Result<Option<RecordedMessage>, StoreError>;

    /// The last observations of `session`, oldest first.
    ///
    /// # Errors
    /// As told for the trait.
    fn recent_observations(
        &mut self,
        session: &SessionId,
        most: u32,
    ) -> Result<Page<Observation>, StoreError>;

    /// How the last turns of `session` were counted by the provider, oldest first.
    ///
    /// # Errors
    /// As told for the trait.
    fn counted_turns(&mut self, session: &SessionId, most: u32) -> Result<Vec<CountedTurn>, StoreError>;

    /// The last calls for `purpose` that a provider accepted in `session` at `since` and later, oldest first.
    ///
    /// # Errors
    /// As told for the trait.
    fn paid_calls(
        &mut self,
        session: &SessionId,
        purpose: Purpose,
        since: UnixMillis,
        most: u32,
    ) -> Result<Vec<PaidCall>, StoreError>;

    /// What background work for `session` cost and what warming saved, by purpose. There are no more purposes than a handful.
    ///
    /// # Errors
    /// As told for the trait.
    fn costs_of(&mut self, session: &SessionId) -> Result<Vec<Costs>, StoreError>;

    /// All entries but the first `skip`; the last changed first.
    ///
    /// # Errors
    /// As told for the trait.
    fn recent_entries(&mut self, skip: u32, most: u32) -> Result<Page<KnowledgeEntry>, StoreError>;

    /// Entries that came of `session`; the last changed first.
    ///
    /// # Errors
    /// As told for the trait.
    fn entries_of(&mut self, session: &SessionId, most: u32) -> Result<Page<KnowledgeEntry>, StoreError>;

    /// One entry, if it is there.
    ///
    /// # Errors
    /// As told for the trait.
    fn entry(&mut self, id: &KnowledgeId) -> Result<Option<KnowledgeEntry>, StoreError>;

    /// What an entry said before, the newest version first.
    ///
    /// # Errors
    /// As told for the trait.
    fn versions(&mut self, id: &KnowledgeId, most: u32) -> Result<Page<EntryVersion>, StoreError>;
}

impl Browse for SqliteStore {
    fn recent_sessions(&mut self, skip: u32, most: u32) -> Result<Page<SessionSummary>, StoreError> {
        self.read(|it| {
            Ok::<_, StoreError>(Page {
                items: session::page(it, skip, most)?,
                total: count(it, "session", None)?,
            })
        })
    }

    fn said(
        &mut self,
        session: &SessionId,
        before: Option<i64>,
        most: u32,
    ) -> Result<Page<Excerpt>, StoreError> {
        self.read_of(session, |it| {
            let items = said::excerpts(it, session, before, most)?;
            Ok::<_, StoreError>(Page { items, total: count(it, "message", Some(session))? })
        })
    }

    fn message(&mut self, session: &SessionId, id: i64) -> Result<Option<RecordedMessage>, StoreError> {
        self.read_of(session, |it| said::whole(it, session, id))
    }

    fn recent_observations(
        &mut self,
        session: &SessionId,
        most: u32,
    ) -> Result<Page<Observation>, StoreError> {
        self.read_of(session, |it| {
            let items = distillation::newest(it, session, most)?;
            Ok::<_, StoreError>(Page { items, total: count(it, "observation", Some(session))? })
        })
    }

    fn counted_turns(&mut self, session: &SessionId, most: u32) -> Result<Vec<CountedTurn>, StoreError> {
        self.read_of(session, |it| sums::turns(it, session, most))
    }

    fn paid_calls(
        &mut self,
        session: &SessionId,
        purpose: Purpose,
        since: UnixMillis,
        most: u32,
    ) -> Result<Vec<PaidCall>, StoreError> {
        self.read_of(session, |it| sums::calls(it, session, purpose, since, most))
    }

    fn costs_of(&mut self, session: &SessionId) -> Result<Vec<Costs>, StoreError> {
        self.read_of(session, |it| costs::costs(it, UnixMillis(i64::MIN), CostsBy::Purpose, Some(session)))
    }

    fn recent_entries(&mut self, skip: u32, most: u32) -> Result<Page<KnowledgeEntry>, StoreError> {
        self.read(|it| {
            let items = entries::page(it, None, skip, most)?;
            Ok::<_, StoreError>(Page { items, total: count(it, "knowledge", None)? })
        })
    }

    fn entries_of(&mut self, session: &SessionId, most: u32) -> Result<Page<KnowledgeEntry>, StoreError> {
        self.read(|it| {
            let items = entries::page(it, Some(session), 0, most)?;
            Ok::<_, StoreError>(Page { items, total: count(it, "knowledge", Some(session))? })
        })
    }

    fn entry(&mut self, id: &KnowledgeId) -> Result<Option<KnowledgeEntry>, StoreError> {
        self.read(|it| knowledge::one(it, id))
    }

    fn versions(&mut self, id: &KnowledgeId, most: u32) -> Result<Page<EntryVersion>, StoreError> {
        self.read(|it| {
            let (items, total) = entries::versions(it, id, most)?;
            Ok::<_, StoreError>(Page { items, total })
        })
    }
}

/// How many rows of `table` there are, in all or of one session.
fn count(
    transaction: &Transaction<'_>,
    table: &'static str,
    session: Option<&SessionId>,
) -> rusqlite::Result<u64> {
    let narrowed = if session.is_some() { "WHERE session = ?1" } else { "WHERE ?1 IS NULL" };
    let sql = format!("SELECT count(*) AS total FROM {table} {narrowed}");
    transaction
        .prepare_cached(&sql)?
        .query_row([session.map(SessionId::as_str)], |row| columns::count(row, "total"))
}
