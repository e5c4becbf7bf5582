//! Runs of the distiller, and what came of them. A session may have been distilled on two machines: a run is known by when it was, and not
//! by how many there were before it.

use super::{Fate, Import};
use crate::columns::Count;
use crate::error::StoreError;
use crate::yours::record::{DistillationRecord, RunTime};
use domain::ids::SessionId;
use rusqlite::{OptionalExtension as _, params};

impl Import<'_> {
    pub(super) fn distillation(&self, it: &DistillationRecord) -> Result<Fate, StoreError> {
        self.must_be_there(&it.session)?;
        if self.run_at(&it.session, RunTime { at: it.at, nth: it.nth })?.is_some() {
            return Ok(Fate::Known);
        }
        let sql = "INSERT INTO distillation (session, at) VALUES (?1, ?2)";
        self.transaction.prepare_cached(sql)?.execute(params![it.session.as_str(), it.at.0])?;
        let distillation = self.transaction.last_insert_rowid();
        let sql = "INSERT INTO observation (session, distillation, at, generation, pinned, text)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let mut statement = self.transaction.prepare_cached(sql)?;
        for line in &it.observations {
            let (at, session) = (line.at.0, it.session.as_str());
            statement.execute(params![session, distillation, at, line.generation, line.pinned, line.text])?;
        }
        self.mark_merged(it, distillation)?;
        Ok(Fate::New)
    }

    fn mark_merged(&self, it: &DistillationRecord, distillation: i64) -> rusqlite::Result<()> {
        let sql = "UPDATE observation SET merged = ?3 WHERE merged IS NULL AND id =
            (SELECT id FROM observation WHERE distillation = ?1 ORDER BY id LIMIT 1 OFFSET ?2)";
        let mut statement = self.transaction.prepare_cached(sql)?;
        for merged in &it.merged {
            if let Some(run) = self.run(&it.session, (merged.of, merged.run))? {
                statement.execute(params![run, Count(merged.observation.saturating_sub(1)), distillation])?;
            }
        }
        Ok(())
    }

    /// The row of a session's run; where an older file does not say when that was, of its run of this number, counted from 1.
    pub(super) fn run(
        &self,
        session: &SessionId,
        (time, number): (Option<RunTime>, u64),
    ) -> rusqlite::Result<Option<i64>> {
        if let Some(time) = time {
            return self.run_at(session, time);
        }
        let sql = "SELECT id FROM distillation WHERE session = ?1 ORDER BY id LIMIT 1 OFFSET ?2";
        let asked = params![session.as_str(), Count(number.saturating_sub(1))];
        self.transaction.prepare_cached(sql)?.query_row(asked, |row| row.get(0)).optional()
    }

    fn run_at(&self, session: &SessionId, time: RunTime) -> rusqlite::Result<Option<i64>> {
        let sql = "SELECT id FROM distillation WHERE session = ?1 AND at = ?2 ORDER BY id LIMIT 1 OFFSET ?3";
        let asked = params![session.as_str(), time.at.0, Count(time.nth)];
        self.transaction.prepare_cached(sql)?.query_row(asked, |row| row.get(0)).optional()
    }
}
