//! Entries, what they said before, and what is left of those that are gone. All are known by their [origins](crate::yours::origins).

use super::{Fate, Import};
use crate::columns::Word;
use crate::error::StoreError;
use crate::knowledge::{self, is_taken};
use crate::yours::entries;
use crate::yours::origins::{entry_from, free_id, grave_from, lift};
use crate::yours::record::{ContradictionRecord, EntryRecord, TombstoneRecord};
use domain::ids::{KnowledgeId, ProjectId};
use domain::origin::Origin;
use rusqlite::params;

impl Import<'_> {
    /// Where its id stands for something else, the entry gets the next one.
    pub(super) fn entry(&self, it: &EntryRecord) -> Result<Fate, StoreError> {
        let origin = it.origin();
        if let Some(id) = entry_from(self.transaction, self.whose, &origin)? {
            return self.go_on(&id, it);
        }
        if self.is_buried(&origin, (&it.title, &it.content))? {
            return Ok(Fate::LeftOut);
        }
        let id = free_id(self.transaction, &it.id)?;
        let session = it.session.as_ref().filter(|session| self.must_be_there(session).is_ok());
        entries::create(self.transaction, self.whose, (&id, session), it)?;
        self.versions(&id, it)?;
        Ok(Fate::New)
    }

    /// An entry that is here: a later version takes its place.
    fn go_on(&self, id: &KnowledgeId, it: &EntryRecord) -> Result<Fate, StoreError> {
        let known = knowledge::one(self.transaction, id)?;
        if it.remembered {
            knowledge::mark_as_asked(self.transaction, id)?;
        }
        if known.is_none_or(|known| known.version >= it.version) {
            return Ok(Fate::Known);
        }
        entries::replace(self.transaction, id, it)?;
        self.versions(id, it)?;
        Ok(Fate::New)
    }

    /// Whether an entry of this origin was deleted or forgotten here. One that was forgotten and is to come again is not any more.
    fn is_buried(&self, origin: &Origin, says: (&str, &str)) -> rusqlite::Result<bool> {
        match grave_from(self.transaction, self.whose, origin, says)? {
            Some(grave) if grave.is_forgotten && self.again => {
                lift(self.transaction, &grave)?;
                Ok(false)
            }
            grave => Ok(grave.is_some()),
        }
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
        let here = |(id, made): &(KnowledgeId, _)| {
            entry_from(self.transaction, self.whose, &Origin::born(id.clone(), *made))
        };
        let (Some(one), Some(other)) = (here(&it.one)?, here(&it.other)?) else { return Ok(Fate::Known) };
        let sql = "INSERT OR IGNORE INTO contradiction (one, other, reason, at) VALUES (?1, ?2, ?3, ?4)";
        let (first, second) = (one.as_str().min(other.as_str()), one.as_str().max(other.as_str()));
        let values = params![first, second, it.reason, it.at.0];
        let written = self.transaction.prepare_cached(sql)?.execute(values)?;
        Ok(if written == 1 { Fate::New } else { Fate::Known })
    }

    /// Where its id stands for something else, the origin stands for it: that can be no entry's id.
    pub(super) fn tombstone(&self, it: &TombstoneRecord) -> Result<Fate, StoreError> {
        let origin = it.origin();
        if entry_from(self.transaction, self.whose, &origin)?.is_some() {
            return Ok(Fate::Known);
        }
        match grave_from(self.transaction, self.whose, &origin, ("", ""))? {
            Some(grave) if grave.is_forgotten && self.again => lift(self.transaction, &grave)?,
            Some(grave) if grave.is_forgotten => return Ok(Fate::LeftOut),
            Some(_) => return Ok(Fate::Known),
            None => {}
        }
        let id =
            if is_taken(self.transaction, it.id.as_str())? { origin.to_string() } else { it.id.to_string() };
        let sql =
            "INSERT OR IGNORE INTO tombstone (id, origin, principal, reason, at, project, print, promoted)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, coalesce(unhex(?7), x''), ?8
            WHERE NOT EXISTS (SELECT 1 FROM knowledge WHERE id = ?1)";
        let project = it.project.as_ref().map(ProjectId::as_str);
        let whose = self.whose.as_str();
        let values = params![id, Word(origin), whose, it.reason, it.at.0, project, it.print, it.promoted];
        let written = self.transaction.prepare_cached(sql)?.execute(values)?;
        Ok(if written == 1 { Fate::New } else { Fate::Known })
    }
}
