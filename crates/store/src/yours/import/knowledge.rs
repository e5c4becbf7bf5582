//! Entries, what they said before, and what is left of those that are gone.

use super::{Fate, Import};
use crate::columns::Word;
use crate::error::StoreError;
use crate::knowledge;
use crate::yours::entries;
use crate::yours::record::{ContradictionRecord, EntryRecord, TombstoneRecord};
use domain::ids::{KnowledgeId, ProjectId};
use rusqlite::params;

impl Import<'_> {
    /// An id that stands for something else here makes room: the entry gets the next one, unless its place has one of its title.
    pub(super) fn entry(&self, it: &EntryRecord) -> Result<Fate, StoreError> {
        if entries::is_gone(self.transaction, &it.id)? {
            return Ok(Fate::LeftOut);
        }
        let place = (self.whose, it.project.as_ref());
        let id = match knowledge::one(self.transaction, &it.id)? {
            Some(known) if known.created == it.created && known.version >= it.version => {
                return Ok(Fate::Known);
            }
            Some(known) if known.created == it.created => {
                entries::replace(self.transaction, it)?;
                self.versions(&it.id, it)?;
                return Ok(Fate::New);
            }
            Some(_) if entries::titled(self.transaction, place, it.category, &it.title)?.is_some() => {
                return Ok(Fate::Known);
            }
            Some(_) => entries::next_id(self.transaction)?,
            None => it.id.clone(),
        };
        let session = it.session.as_ref().filter(|session| self.must_be_there(session).is_ok());
        entries::create(self.transaction, self.whose, (&id, session), it)?;
        self.versions(&id, it)?;
        Ok(Fate::New)
    }

    fn versions(&self, id: &KnowledgeId, it: &EntryRecord) -> rusqlite::Result<()> {
        let sql = "INSERT OR IGNORE INTO knowledge_version
                (id, version, category, title, content, confidence, written, principal, project, session)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, principal, project, session FROM knowledge WHERE id = ?1";
        let mut statement = self.transaction.prepare_cached(sql)?;
        for version in &it.versions {
            statement.execute(params![
                id.as_str(),
                version.version,
                Word(version.category),
                version.title,
                version.content,
                version.confidence.0,
                version.written.0
            ])?;
        }
        Ok(())
    }

    pub(super) fn contradiction(&self, it: &ContradictionRecord) -> Result<Fate, StoreError> {
        let sql = "INSERT OR IGNORE INTO contradiction (one, other, reason, at) SELECT ?1, ?2, ?3, ?4
            WHERE EXISTS (SELECT 1 FROM knowledge WHERE id = ?1 AND created = ?5 AND principal = ?7)
                AND EXISTS (SELECT 1 FROM knowledge WHERE id = ?2 AND created = ?6 AND principal = ?7)";
        let ((one, one_made), (other, other_made)) = (&it.one, &it.other);
        let (one, other) = (one.as_str(), other.as_str());
        let values = params![one, other, it.reason, it.at.0, one_made.0, other_made.0, self.whose.as_str()];
        let written = self.transaction.prepare_cached(sql)?.execute(values)?;
        Ok(if written == 1 { Fate::New } else { Fate::Known })
    }

    pub(super) fn tombstone(&self, it: &TombstoneRecord) -> Result<Fate, StoreError> {
        let sql = "INSERT OR IGNORE INTO tombstone (id, principal, reason, at, project, print, promoted)
            SELECT ?1, ?2, ?3, ?4, ?5, coalesce(unhex(?6), x''), ?7
            WHERE NOT EXISTS (SELECT 1 FROM knowledge WHERE id = ?1)";
        let project = it.project.as_ref().map(ProjectId::as_str);
        let values =
            params![it.id.as_str(), self.whose.as_str(), it.reason, it.at.0, project, it.print, it.promoted];
        let written = self.transaction.prepare_cached(sql)?.execute(values)?;
        Ok(if written == 1 { Fate::New } else { Fate::Known })
    }
}
