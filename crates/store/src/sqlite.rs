//! The store in SQLite: one transaction a call, and no more writing once damage is found.

use crate::batch::{self, KeptBatch};
use crate::costs::{self, Costs, CostsBy, WarmReturn};
use crate::distillation::{self, CurationMaterial};
use crate::error::StoreError;
use crate::folder::Folder;
use crate::habits::{self, KeptHabits};
use crate::knowledge::{self, Applied, Draft, Place};
use crate::ledger::{self, LedgerEntry};
use crate::merging;
use crate::recall::{self, Aside, Hit, Scope};
use crate::refusal::{self, Vain};
use crate::session::{self, Backlog, SessionHead, SessionSummary, StatedFolder};
use crate::store::Store;
use crate::turn::{self, Recorded, TurnRecord};
use crate::vectors::{self, TextKey, Unembedded};
use crate::warming::{self, KeptPause, WarmingMemory};
use crate::yours::forgetting::is_forgotten;
use crate::{consolidation, database, history, injection};
use domain::conversation::RecordedMessage;
use domain::ids::{BatchMark, KnowledgeId, Principal, ProjectId, SessionId};
use domain::knowledge::{KnowledgeEntry, Observation, Operation};
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use domain::vector::{ModelName, QueryVector, Vector};
use domain::warming::{WarmingMode, Whose};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A store in a SQLite database: one file in a data folder of its own, or memory.
pub struct SqliteStore {
    /// Closed before the folder is let go, so it stands before it.
    connection: Connection,
    /// To look at two things at once; opened when that is first done.
    second: Option<Connection>,
    folder: Option<Arc<Folder>>,
    /// What damage was found. Writing on would spoil what can still be saved.
    damage: Option<String>,
}

impl SqliteStore {
    /// Opens the database in `folder`, and makes either if need be. The folder is held until the store is dropped.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::Locked`], [`StoreError::Corrupt`], [`StoreError::Newer`], or
    /// [`StoreError::Database`]: each says what to do.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let folder = Arc::new(Folder::take(folder)?);
        let connection = database::open_for_writing(&folder.database())?;
        Ok(Self { connection, second: None, folder: Some(folder), damage: None })
    }

    /// An empty store that lives as long as this value.
    ///
    /// # Errors
    /// [`StoreError::Database`] when there is no memory for it.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self { connection: database::open_in_memory()?, second: None, folder: None, damage: None })
    }

    /// A store in `folder`, and a second one on the same database through which nothing can be written.
    pub(crate) fn open_pair(folder: &Path) -> Result<(Self, Self), StoreError> {
        let writer = Self::open(folder)?;
        let connection = database::open_for_reading(&writer.file())?;
        let reader = Self { connection, second: None, folder: writer.folder.clone(), damage: None };
        Ok((writer, reader))
    }

    /// A second connection to the same file, where there is one, to be given back.
    fn second(&mut self) -> Result<Option<Connection>, StoreError> {
        let open = |folder: &Arc<Folder>| database::open_for_reading(&folder.database());
        let kept = self.second.take().map(Ok);
        kept.or_else(|| self.folder.as_ref().filter(|folder| !folder.is_gone()).map(open)).transpose()
    }

    fn file(&self) -> PathBuf {
        self.folder.as_ref().map_or_else(|| PathBuf::from(":memory:"), |folder| folder.database())
    }

    pub(crate) fn read<T, E: Into<StoreError>>(
        &mut self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        self.transact(TransactionBehavior::Deferred, job)
    }

    /// Reads what there is of a session. Of one that was forgotten there may be rows that are not erased yet: nobody sees them.
    pub(crate) fn read_of<T: Default, E: Into<StoreError>>(
        &mut self,
        session: &SessionId,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        self.read(
            |it| if is_forgotten(it, session)? { Ok(T::default()) } else { job(it).map_err(Into::into) },
        )
    }

    pub(crate) fn write<T, E: Into<StoreError>>(
        &mut self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        if let Some(reason) = &self.damage {
            return Err(StoreError::Corrupt { file: self.file(), reason: reason.clone() });
        }
        if let Some(folder) = self.folder.as_ref().filter(|folder| folder.is_gone()) {
            return Err(StoreError::Gone { folder: folder.path().to_owned() });
        }
        let outcome = self.transact(TransactionBehavior::Immediate, job);
        if let Err(StoreError::Corrupt { reason, .. }) = &outcome {
            self.damage = Some(reason.clone());
        }
        outcome
    }

    /// Empties the write-ahead log, which holds what was overwritten since; tells whether no reader was in the way.
    pub(crate) fn empty_log(&mut self) -> Result<bool, StoreError> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let held_back: bool = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(!held_back)
    }

    /// Gives some free pages back to the system.
    pub(crate) fn give_pages_back(&mut self) -> Result<(), StoreError> {
        Ok(database::give_back(&self.connection)?)
    }

    fn transact<T, E: Into<StoreError>>(
        &mut self,
        behavior: TransactionBehavior,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        let file = self.file();
        let whole = || -> Result<T, StoreError> {
            let transaction = self.connection.transaction_with_behavior(behavior)?;
            let outcome = job(&transaction).map_err(Into::into)?;
            transaction.commit()?;
            Ok(outcome)
        };
        whole().map_err(|error| error.about(&file))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("file", &self.file()).finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    fn record_turn(&mut self, turn: &TurnRecord) -> Result<Recorded, StoreError> {
        self.write(|transaction| turn::record(transaction, turn))
    }

    fn record_turns(&mut self, turns: &[TurnRecord]) -> Vec<Result<Recorded, StoreError>> {
        let together =
            self.write(|it| turns.iter().map(|turn| turn::record(it, turn)).collect::<Result<_, _>>());
        let alone = |_| turns.iter().map(|turn| self.record_turn(turn)).collect();
        together.map_or_else(alone, |recorded: Vec<_>| recorded.into_iter().map(Ok).collect())
    }

    fn standing(&mut self, session: &SessionId) -> Result<Recorded, StoreError> {
        self.read(|it| Ok::<_, StoreError>(session::standing(it, session).optional()?.unwrap_or_default()))
    }

    fn pending(
        &mut self,
        session: &SessionId,
        at_most_tokens: u64,
        now: UnixMillis,
    ) -> Result<Vec<RecordedMessage>, StoreError> {
        self.read_of(session, |transaction| distillation::pending(transaction, session, at_most_tokens, now))
    }

    fn store_observations(
        &mut self,
        session: &SessionId,
        sources: &[i64],
        lines: &[String],
        at: UnixMillis,
    ) -> Result<Vec<Observation>, StoreError> {
        self.write(|transaction| distillation::store(transaction, session, sources, lines, at))
    }

    fn refusals(&mut self, session: &SessionId) -> Result<u32, StoreError> {
        self.read_of(session, |transaction| refusal::count(transaction, session))
    }

    fn refuse(&mut self, session: &SessionId, about: &Vain, at: UnixMillis) -> Result<bool, StoreError> {
        self.write(|transaction| refusal::note(transaction, session, about, at))
    }

    fn mergeable(&mut self, session: &SessionId) -> Result<Vec<Observation>, StoreError> {
        self.read_of(session, |transaction| merging::mergeable(transaction, session))
    }

    fn merge_observations(
        &mut self,
        session: &SessionId,
        sources: &[i64],
        lines: &[String],
        at: UnixMillis,
    ) -> Result<Vec<Observation>, StoreError> {
        self.write(|transaction| merging::merge(transaction, session, sources, lines, at))
    }

    fn curation_material(&mut self, session: &SessionId) -> Result<CurationMaterial, StoreError> {
        self.read(|transaction| distillation::curation_material(transaction, session))
    }

    fn apply_operations(
        &mut self,
        session: &SessionId,
        operations: &[Operation],
        at: UnixMillis,
    ) -> Result<Applied, StoreError> {
        self.write(|transaction| knowledge::apply(transaction, session, operations, at))
    }

    fn leave_uncurated(&mut self, session: &SessionId, turns: u32) -> Result<(), StoreError> {
        self.write(|transaction| session::leave_uncurated(transaction, session, turns))
    }

    fn begin_consolidation(
        &mut self,
        session: &SessionId,
        most: u32,
        now: UnixMillis,
    ) -> Result<Vec<KnowledgeEntry>, StoreError> {
        self.write(|transaction| consolidation::begin(transaction, session, most, now))
    }

    fn consolidate(
        &mut self,
        session: &SessionId,
        operations: &[Operation],
        at: UnixMillis,
    ) -> Result<Applied, StoreError> {
        self.write(|transaction| consolidation::apply(transaction, session, operations, at))
    }

    fn note_use(&mut self, ids: &[KnowledgeId], at: UnixMillis) -> Result<(), StoreError> {
        self.write(|transaction| knowledge::note_use(transaction, ids, at))
    }

    fn backlog(&mut self) -> Result<Vec<Backlog>, StoreError> {
        self.read(session::backlog)
    }

    fn heads(&mut self) -> Result<Vec<SessionHead>, StoreError> {
        self.read(session::heads)
    }

    fn sessions(&mut self, principal: Option<&Principal>) -> Result<Vec<SessionSummary>, StoreError> {
        self.read(|transaction| session::all(transaction, principal))
    }

    fn session(&mut self, session: &SessionId) -> Result<Option<SessionSummary>, StoreError> {
        self.read(|transaction| session::one(transaction, session))
    }

    fn messages(&mut self, session: &SessionId) -> Result<Vec<RecordedMessage>, StoreError> {
        self.read_of(session, |transaction| history::all(transaction, session))
    }

    fn observations(&mut self, session: &SessionId) -> Result<Vec<Observation>, StoreError> {
        self.read_of(session, |transaction| distillation::newest(transaction, session, u32::MAX))
    }

    fn knowledge(&mut self, principal: Option<&Principal>) -> Result<Vec<KnowledgeEntry>, StoreError> {
        self.read(|transaction| knowledge::all(transaction, principal))
    }

    fn project_knowledge(
        &mut self,
        principal: &Principal,
        project: Option<&ProjectId>,
    ) -> Result<Vec<KnowledgeEntry>, StoreError> {
        self.read(|transaction| knowledge::holding_at(transaction, &Place::new(principal, project)))
    }

    fn remember(
        &mut self,
        place: (&Principal, &ProjectId),
        draft: &Draft,
        at: UnixMillis,
    ) -> Result<KnowledgeEntry, StoreError> {
        self.write(|transaction| knowledge::remember(transaction, place, draft, at))
    }

    fn let_go(
        &mut self,
        place: (&Principal, &ProjectId),
        id: &KnowledgeId,
        at: UnixMillis,
    ) -> Result<bool, StoreError> {
        self.write(|transaction| knowledge::let_go(transaction, place, id, at))
    }

    fn holdings(&mut self) -> Result<Vec<(Principal, KnowledgeEntry)>, StoreError> {
        self.read(knowledge::holdings)
    }

    fn injections(&mut self, limit: usize) -> Result<Vec<(SessionId, Option<String>)>, StoreError> {
        self.read(|transaction| injection::all(transaction, limit))
    }

    fn decide_injection(&mut self, session: &SessionId, on: bool) -> Result<(), StoreError> {
        self.write(|transaction| injection::decide(transaction, session, on))
    }

    fn promote_entry(
        &mut self,
        id: &KnowledgeId,
        promoted: bool,
    ) -> Result<Option<KnowledgeEntry>, StoreError> {
        self.write(|transaction| knowledge::promote(transaction, id, promoted))
    }

    fn put_entry(
        &mut self,
        principal: &Principal,
        id: &KnowledgeId,
        draft: &Draft,
        at: UnixMillis,
    ) -> Result<KnowledgeEntry, StoreError> {
        self.write(|transaction| knowledge::put(transaction, principal, id, draft, at))
    }

    fn delete_entry(&mut self, id: &KnowledgeId, at: UnixMillis) -> Result<bool, StoreError> {
        self.write(|transaction| knowledge::forget(transaction, id, at))
    }

    fn recall_near(
        &mut self,
        scope: Scope<'_>,
        query: &str,
        near: Option<&QueryVector>,
        limit: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        let mut second = if near.is_some() { self.second()? } else { None };
        let hits = self.read(|transaction| {
            recall::recall(transaction, Aside::at(second.as_mut()), scope, (query, near), limit)
        });
        self.second = second;
        hits
    }

    fn unembedded(&mut self, model: &ModelName, limit: usize) -> Result<Vec<Unembedded>, StoreError> {
        self.read(|transaction| vectors::unembedded(transaction, model, limit))
    }

    fn keep_vectors(&mut self, model: &ModelName, made: &[(TextKey, Vec<Vector>)]) -> Result<(), StoreError> {
        self.write(|transaction| vectors::keep(transaction, model, made))
    }

    fn folders(&mut self) -> Result<Vec<StatedFolder>, StoreError> {
        self.read(session::folders)
    }

    fn charge(&mut self, entry: &LedgerEntry) -> Result<(), StoreError> {
        self.write(|transaction| ledger::charge(transaction, None, entry))
    }

    fn charge_once(&mut self, call: &str, entry: &LedgerEntry) -> Result<(), StoreError> {
        self.write(|transaction| ledger::charge(transaction, Some(call), entry))
    }

    fn spent_since(&mut self, purpose: Purpose, since: UnixMillis) -> Result<f64, StoreError> {
        self.read(|transaction| ledger::spent_since(transaction, purpose, since))
    }

    fn credit(&mut self, back: &WarmReturn) -> Result<(), StoreError> {
        self.write(|transaction| costs::credit(transaction, back))
    }

    fn costs(&mut self, since: UnixMillis, by: CostsBy) -> Result<Vec<Costs>, StoreError> {
        self.read(|transaction| costs::costs(transaction, since, by, None))
    }

    fn warming_memory(&mut self, watched: u32, now: UnixMillis) -> Result<WarmingMemory, StoreError> {
        self.read(|transaction| warming::memory(transaction, watched, now))
    }

    fn switch_warming(&mut self, on: bool, at: UnixMillis) -> Result<(), StoreError> {
        self.write(|transaction| warming::switch(transaction, on, at))
    }

    fn set_warming_mode(
        &mut self,
        session: &SessionId,
        mode: WarmingMode,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        self.write(|transaction| warming::set_mode(transaction, session, mode, at))
    }

    fn warming_mode(&mut self, session: &SessionId) -> Result<WarmingMode, StoreError> {
        self.read(|transaction| warming::mode(transaction, session))
    }

    fn keep_warming_pause(&mut self, pause: &KeptPause, now: UnixMillis) -> Result<(), StoreError> {
        self.write(|transaction| warming::keep_pause(transaction, pause, now))
    }

    fn keep_batch(&mut self, batch: &KeptBatch) -> Result<(), StoreError> {
        self.write(|transaction| batch::keep(transaction, batch))
    }

    fn forget_batch(&mut self, mark: &BatchMark) -> Result<(), StoreError> {
        self.write(|transaction| batch::forget(transaction, mark))
    }

    fn batches(&mut self) -> Result<Vec<KeptBatch>, StoreError> {
        self.read(batch::all)
    }

    fn habits(&mut self) -> Result<Vec<KeptHabits>, StoreError> {
        self.read(habits::all)
    }

    fn keep_habits(
        &mut self,
        kept: &[KeptHabits],
        forgotten: &[Whose],
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            habits::keep(transaction, kept, at)?;
            habits::forget(transaction, forgotten)
        })
    }
}

#[cfg(test)]
mod tests;
