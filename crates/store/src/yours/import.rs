//! Taking records in: each says what is there or what is not there yet, so the same file may come twice, or come on after a stop.
//!
//! What is there stays. Of a session, what is missing is added, and how it stands is taken over from whoever saw it later.

mod costs;
mod knowledge;
mod runs;

use super::forgetting::is_forgotten;
use super::record::{ChargeRecord, EntryRecord, Hex, MessageRecord, Record, SessionRecord, TurnCount};
use crate::columns::{Count, Word};
use crate::error::StoreError;
use crate::session;
use domain::conversation::estimated_tokens;
use domain::ids::{Principal, ProjectId, SessionId};
use rusqlite::{OptionalExtension as _, Transaction, named_params, params};
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// What came of some records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Imported {
    /// Sessions that are new.
    pub sessions: u64,
    /// Messages that are new.
    pub messages: u64,
    /// Observations that are new.
    pub observations: u64,
    /// Entries that are new.
    pub entries: u64,
    /// Costs that are new.
    pub costs: u64,
    /// Records that say what is known already.
    pub known: u64,
    /// Records of sessions that were forgotten, and entries that were deleted.
    pub left_out: u64,
}

impl AddAssign for Imported {
    fn add_assign(&mut self, more: Self) {
        self.sessions += more.sessions;
        self.messages += more.messages;
        self.observations += more.observations;
        self.entries += more.entries;
        self.costs += more.costs;
        self.known += more.known;
        self.left_out += more.left_out;
    }
}

/// Takes the records in for `whose`; also those of what was forgotten, if `again`.
pub(crate) fn some(
    transaction: &Transaction<'_>,
    whose: &Principal,
    records: &[Record],
    again: bool,
) -> Result<Imported, StoreError> {
    let mut import = Import { transaction, whose, again, done: Imported::default() };
    records.iter().try_for_each(|record| import.take(record))?;
    Ok(import.done)
}

struct Import<'t> {
    transaction: &'t Transaction<'t>,
    whose: &'t Principal,
    again: bool,
    done: Imported,
}

/// What became of one record.
enum Fate {
    New,
    /// It is known, and goes on.
    Continued,
    Known,
    LeftOut,
}

impl Import<'_> {
    fn take(&mut self, record: &Record) -> Result<(), StoreError> {
        if self.is_left_out(record)? {
            self.done.left_out += 1;
            return Ok(());
        }
        let fate = match record {
            Record::Stillroom { .. } | Record::End { .. } => return Ok(()),
            Record::Session(it) => self.session(it)?,
            Record::Distillation(it) => self.distillation(it)?,
            Record::Message(it) => self.message(it)?,
            Record::Turn(it) => self.turn(it)?,
            Record::Entry(it) => self.entry(it)?,
            Record::Contradiction(it) => self.contradiction(it)?,
            Record::Tombstone(it) => self.tombstone(it)?,
            Record::Charge(it) => self.charge(it)?,
            Record::WarmReturn(it) => self.warm_return(it)?,
        };
        match fate {
            Fate::New => self.count(record),
            Fate::Continued => {}
            Fate::Known => self.done.known += 1,
            Fate::LeftOut => self.done.left_out += 1,
        }
        Ok(())
    }

    fn count(&mut self, record: &Record) {
        match record {
            Record::Session(_) => self.done.sessions += 1,
            Record::Message(_) => self.done.messages += 1,
            Record::Distillation(it) => self.done.observations += it.observations.len() as u64,
            Record::Entry(_) => self.done.entries += 1,
            Record::Charge(_) | Record::WarmReturn(_) => self.done.costs += 1,
            Record::Turn(_)
            | Record::Contradiction(_)
            | Record::Tombstone(_)
            | Record::Stillroom { .. }
            | Record::End { .. } => {}
        }
    }

    /// Whether it is of a session that was forgotten. One that is to come again is not forgotten any more, once it is erased.
    fn is_left_out(&self, record: &Record) -> Result<bool, StoreError> {
        let session = match record {
            Record::Session(it) => &it.id,
            Record::Distillation(it) => &it.session,
            Record::Message(it) => &it.session,
            Record::Turn(it) => &it.session,
            Record::Entry(EntryRecord { session: Some(session), .. }) => session,
            Record::Charge(ChargeRecord { session: Some(session), .. }) => session,
            Record::WarmReturn(it) => &SessionId::from(&it.session),
            _ => return Ok(false),
        };
        if !is_forgotten(self.transaction, session)? {
            return Ok(false);
        }
        if self.again && matches!(record, Record::Session(_)) {
            self.must_be_erased(session)?;
            let sql = "DELETE FROM forgotten WHERE session = ?1 AND principal = ?2";
            let remembered = self.transaction.execute(sql, [session.as_str(), self.whose.as_str()])?;
            return Ok(remembered == 0);
        }
        Ok(true)
    }

    /// What is left of it would go on to be erased, and with it what comes.
    fn must_be_erased(&self, session: &SessionId) -> Result<(), StoreError> {
        let sql = "SELECT 1 FROM doomed WHERE session = ?1";
        if !self.transaction.prepare_cached(sql)?.exists([session.as_str()])? {
            return Ok(());
        }
        Err(StoreError::Refused(format!(
            "session {} was forgotten and is still being erased; it can come again when that is done",
            session.prefix()
        )))
    }

    fn session(&self, it: &SessionRecord) -> Result<Fate, StoreError> {
        let sql = "INSERT INTO every_session (id, principal, identity, client, provider, dialect, model, upstream_origin, directory, project,
                head, turns, turns_since_curation, input, cache_read, cache_write_5m, cache_write_1h, output, created, last_activity)
            VALUES (:id, :principal, :identity, :client, :provider, :dialect, :model, :origin, :directory, :project,
                :head, :turns, :uncurated, :input, :cache_read, :cache_write_5m, :cache_write_1h, :output, :created, :last)
            ON CONFLICT (id) DO UPDATE SET client = excluded.client, provider = excluded.provider, dialect = excluded.dialect,
                model = excluded.model, upstream_origin = excluded.upstream_origin, head = excluded.head, turns = excluded.turns,
                turns_since_curation = excluded.turns_since_curation, input = excluded.input, cache_read = excluded.cache_read,
                cache_write_5m = excluded.cache_write_5m, cache_write_1h = excluded.cache_write_1h, output = excluded.output,
                last_activity = excluded.last_activity
            WHERE principal = excluded.principal
                AND (last_activity, turns) < (excluded.last_activity, excluded.turns)";
        let known = session::one(self.transaction, &it.id)?;
        if known.as_ref().is_some_and(|known| known.principal != *self.whose) {
            return Err(StoreError::Refused(format!(
                "session {} belongs to another principal",
                it.id.prefix()
            )));
        }
        let written = self.transaction.prepare_cached(sql)?.execute(named_params! {
            ":id": it.id.as_str(),
            ":principal": self.whose.as_str(),
            ":identity": it.identity,
            ":client": it.client,
            ":provider": Word(it.provider),
            ":dialect": Word(it.dialect),
            ":model": it.model,
            ":origin": it.upstream_origin,
            ":directory": it.directory,
            ":project": it.project.as_ref().map(ProjectId::as_str),
            ":head": it.head.0.0,
            ":turns": it.turns,
            ":uncurated": it.turns_since_curation,
            ":input": Count(it.usage.input),
            ":cache_read": Count(it.usage.cache_read),
            ":cache_write_5m": Count(it.usage.cache_write_5m),
            ":cache_write_1h": Count(it.usage.cache_write_1h),
            ":output": Count(it.usage.output),
            ":created": it.created.0,
            ":last": it.last_activity.0,
        })?;
        Ok(match (known, written) {
            (None, _) => Fate::New,
            (Some(_), 0) => Fate::Known,
            (Some(_), _) => Fate::Continued,
        })
    }

    /// A session of this owner; its record came before.
    fn must_be_there(&self, session: &SessionId) -> Result<(), StoreError> {
        let sql = "SELECT 1 FROM session WHERE id = ?1 AND principal = ?2";
        let there = self.transaction.prepare_cached(sql)?.exists([session.as_str(), self.whose.as_str()])?;
        if there { Ok(()) } else { Err(StoreError::Refused(format!("there is no session {session}"))) }
    }

    /// A message is known by any of the conversations that it ends.
    fn message(&self, it: &MessageRecord) -> Result<Fate, StoreError> {
        self.must_be_there(&it.session)?;
        let run = it.distillation.map(|number| self.run(&it.session, (it.distilled, number)));
        let run = run.transpose()?.flatten();
        let (id, fate) = match self.linked(&it.session, &it.links)? {
            Some(id) => (id, Fate::Known),
            None => (self.write(it)?, Fate::New),
        };
        let sql = "UPDATE message SET distillation = ?2 WHERE id = ?1 AND distillation IS NULL";
        self.transaction.prepare_cached(sql)?.execute(params![id, run])?;
        let sql = "INSERT OR IGNORE INTO link (session, link, message) VALUES (?1, ?2, ?3)";
        let mut statement = self.transaction.prepare_cached(sql)?;
        for link in &it.links {
            statement.execute(params![it.session.as_str(), link.0.0, id])?;
        }
        Ok(fate)
    }

    fn linked(&self, session: &SessionId, links: &[Hex]) -> rusqlite::Result<Option<i64>> {
        let sql = "SELECT message FROM link WHERE session = ?1 AND link = ?2";
        let mut statement = self.transaction.prepare_cached(sql)?;
        for link in links {
            let found = statement.query_row(params![session.as_str(), link.0.0], |row| row.get(0));
            if let Some(id) = found.optional()? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn write(&self, it: &MessageRecord) -> rusqlite::Result<i64> {
        let sql = "INSERT INTO message (session, digest, role, tokens, calls_tool, from_tool, at, text)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.transaction.prepare_cached(sql)?.execute(params![
            it.session.as_str(),
            it.digest.0.0,
            Word(it.role),
            Count(estimated_tokens(&it.text)),
            it.calls_tool,
            it.from_tool,
            it.at.0,
            it.text,
        ])?;
        Ok(self.transaction.last_insert_rowid())
    }

    fn turn(&self, it: &TurnCount) -> Result<Fate, StoreError> {
        self.must_be_there(&it.session)?;
        let sql = "INSERT OR IGNORE INTO turn
                (session, link, at, model, stop, cut, input, cache_read, cache_write_5m, cache_write_1h, output)
            VALUES (:session, :link, :at, :model, :stop, :cut, :input, :cache_read, :cache_write_5m, :cache_write_1h, :output)";
        let written = self.transaction.prepare_cached(sql)?.execute(named_params! {
            ":session": it.session.as_str(),
            ":link": it.link.0.0,
            ":at": it.at.0,
            ":model": it.model,
            ":stop": it.stop.map(Word),
            ":cut": it.cut,
            ":input": Count(it.usage.input),
            ":cache_read": Count(it.usage.cache_read),
            ":cache_write_5m": Count(it.usage.cache_write_5m),
            ":cache_write_1h": Count(it.usage.cache_write_1h),
            ":output": Count(it.usage.output),
        })?;
        Ok(if written == 1 { Fate::New } else { Fate::Known })
    }
}
