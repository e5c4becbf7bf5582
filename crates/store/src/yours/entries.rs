//! Entries from elsewhere: of an export, or of a file that a person edited.

use super::forgetting::project_called;
use super::record::EntryRecord;
use crate::columns::{Word, word};
use crate::contradiction;
use crate::error::StoreError;
use crate::knowledge::{self, Draft, Place, folded, is_taken};
use domain::ids::{KnowledgeId, Principal, ProjectId, SessionId};
use domain::knowledge::{Category, KnowledgeEntry};
use domain::knowledge_file::{Section, in_one_line, normal};
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension as _, Transaction, named_params, params};
use serde::{Deserialize, Serialize};

/// What came of taking a file over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TakenOver {
    /// Entries that are new.
    pub created: Vec<KnowledgeId>,
    /// Entries with a new version, or that hold elsewhere now.
    pub updated: Vec<KnowledgeId>,
    /// Entries that are gone, because the file does not have them.
    pub deleted: Vec<KnowledgeId>,
    /// Entries that say the same as before.
    pub unchanged: u64,
    /// Entries of the file that were deleted here: nothing comes back.
    pub left_out: Vec<KnowledgeId>,
}

/// Whether an entry of this id was deleted.
pub(super) fn is_gone(transaction: &Transaction<'_>, id: &KnowledgeId) -> rusqlite::Result<bool> {
    transaction.prepare_cached("SELECT 1 FROM tombstone WHERE id = ?1")?.exists([id.as_str()])
}

/// The entry of this place with the same category and title, in whatever case.
pub(super) fn titled(
    transaction: &Transaction<'_>,
    (whose, project): (&Principal, Option<&ProjectId>),
    category: Category,
    title: &str,
) -> rusqlite::Result<Option<KnowledgeId>> {
    let sql = "SELECT id FROM knowledge WHERE principal = ?1 AND project IS ?2 AND category = ?3 AND folded_title = ?4
        ORDER BY number LIMIT 1";
    let key = params![whose.as_str(), project.map(ProjectId::as_str), Word(category), folded(title)];
    transaction.prepare_cached(sql)?.query_row(key, |row| word(row, "id")).optional()
}

/// The next id that no entry has or had.
pub(super) fn next_id(transaction: &Transaction<'_>) -> rusqlite::Result<KnowledgeId> {
    let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'knowledge'";
    let mut number: i64 = transaction.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    loop {
        number += 1;
        let id = format!("k{number}");
        if !is_taken(transaction, &id)? {
            return Ok(id.into());
        }
    }
}

/// Writes an entry under this id, as it was elsewhere.
pub(super) fn create(
    transaction: &Transaction<'_>,
    whose: &Principal,
    (id, session): (&KnowledgeId, Option<&SessionId>),
    it: &EntryRecord,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO knowledge (id, version, principal, project, session, category, title, folded_title, content, confidence,
            promoted, remembered, created, updated, used)
        VALUES (:id, :version, :principal, :project, :session, :category, :title, :folded, :content, :confidence,
            :promoted, :remembered, :created, :updated, :used)";
    transaction.prepare_cached(sql)?.execute(named_params! {
        ":id": id.as_str(),
        ":version": it.version,
        ":principal": whose.as_str(),
        ":project": it.project.as_ref().map(ProjectId::as_str),
        ":session": session.map(SessionId::as_str),
        ":category": Word(it.category),
        ":title": it.title,
        ":folded": folded(&it.title),
        ":content": it.content,
        ":confidence": it.confidence.0,
        ":promoted": it.promoted,
        ":remembered": it.remembered,
        ":created": it.created.0,
        ":updated": it.updated.0,
        ":used": it.used.0,
    })?;
    Ok(())
}

/// Writes a later version of an entry over the one that is here, which is kept as an older one.
pub(super) fn replace(transaction: &Transaction<'_>, it: &EntryRecord) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO knowledge_version
            (id, version, category, title, content, confidence, written, principal, project, session)
        SELECT id, version, category, title, content, confidence, updated, principal, project, session FROM knowledge WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute([it.id.as_str()])?;
    let sql = "UPDATE knowledge SET version = :version, category = :category, title = :title, folded_title = :folded,
            content = :content, confidence = :confidence, promoted = :promoted, updated = :updated, used = max(used, :used)
        WHERE id = :id";
    transaction.prepare_cached(sql)?.execute(named_params! {
        ":id": it.id.as_str(),
        ":version": it.version,
        ":category": Word(it.category),
        ":title": it.title,
        ":folded": folded(&it.title),
        ":content": it.content,
        ":confidence": it.confidence.0,
        ":promoted": it.promoted,
        ":updated": it.updated.0,
        ":used": it.used.0,
    })?;
    contradiction::settle(transaction, it.id.as_str())
}

/// The entries as a file has them, in the order in which they were made.
pub(super) fn sections(
    transaction: &Transaction<'_>,
    whose: &Principal,
    project: Option<&ProjectId>,
) -> rusqlite::Result<Vec<Section>> {
    let project = project.map(|named| project_called(transaction, whose, named)).transpose()?;
    let mut entries = knowledge::all(transaction, Some(whose))?;
    entries.retain(|entry| project.is_none() || entry.project == project);
    entries.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
    Ok(entries.into_iter().map(section).collect())
}

fn section(entry: KnowledgeEntry) -> Section {
    let KnowledgeEntry { id, project, promoted, category, title, content, confidence, .. } = entry;
    Section { id: Some(id), project, promoted, category, title, content, confidence }
}

/// Makes knowledge say what the sections say.
pub(super) fn take_over(
    transaction: &Transaction<'_>,
    (whose, at): (&Principal, UnixMillis),
    sections: &[Section],
    delete: bool,
) -> Result<TakenOver, StoreError> {
    let mut editor = Editor { transaction, whose, at, taken: TakenOver::default(), seen: Vec::new() };
    sections.iter().try_for_each(|section| editor.take(section))?;
    if delete {
        editor.delete_what_is_missing(sections)?;
    }
    Ok(editor.taken)
}

struct Editor<'t> {
    transaction: &'t Transaction<'t>,
    whose: &'t Principal,
    at: UnixMillis,
    taken: TakenOver,
    /// Every entry that the file has.
    seen: Vec<KnowledgeId>,
}

impl Editor<'_> {
    fn take(&mut self, section: &Section) -> Result<(), StoreError> {
        let place = (self.whose, section.project.as_ref());
        let named = match &section.id {
            Some(id) => Some(id.clone()),
            None => titled(self.transaction, place, section.category, &section.title)?,
        };
        let known = named.as_ref().map(|id| knowledge::one(self.transaction, id)).transpose()?.flatten();
        match (named, known) {
            (Some(id), Some(known)) => self.revise(&id, &known, section),
            (Some(id), None) if is_taken(self.transaction, id.as_str())? => {
                self.taken.left_out.push(id);
                Ok(())
            }
            (Some(id), None) => self.create(id, section),
            (None, _) => self.create(next_id(self.transaction)?, section),
        }
    }

    fn revise(
        &mut self,
        id: &KnowledgeId,
        known: &KnowledgeEntry,
        section: &Section,
    ) -> Result<(), StoreError> {
        if known.project != section.project {
            let of = |project: &Option<ProjectId>| {
                project.as_ref().map_or("no project".to_owned(), |project| format!("the project {project}"))
            };
            let (own, other) = (of(&known.project), of(&section.project));
            let why = format!(
                "entry {id} belongs to {own}, and the file has it under {other}: a file moves no entry"
            );
            return Err(StoreError::Refused(why));
        }
        self.seen.push(id.clone());
        let draft = draft(known, section);
        let says_more = draft != of_entry(known);
        if says_more {
            knowledge::put(self.transaction, self.whose, id, &draft, self.at)?;
        }
        if known.promoted != section.promoted {
            knowledge::promote(self.transaction, id, section.promoted)?;
        } else if !says_more {
            self.taken.unchanged += 1;
            return Ok(());
        }
        self.taken.updated.push(id.clone());
        Ok(())
    }

    fn create(&mut self, id: KnowledgeId, section: &Section) -> Result<(), StoreError> {
        let Section { category, title, content, confidence, .. } = section.clone();
        let draft = Draft { category, title, content, confidence };
        let place = Place::new(self.whose, section.project.as_ref());
        knowledge::make(self.transaction, &place, &id, &draft, self.at)?;
        knowledge::promote(self.transaction, &id, section.promoted)?;
        self.seen.push(id.clone());
        self.taken.created.push(id);
        Ok(())
    }

    /// Only in projects that the file has: it need not be the file of all.
    fn delete_what_is_missing(&mut self, sections: &[Section]) -> Result<(), StoreError> {
        let covered =
            |entry: &KnowledgeEntry| sections.iter().any(|section| section.project == entry.project);
        for entry in knowledge::all(self.transaction, Some(self.whose))? {
            if covered(&entry) && !self.seen.contains(&entry.id) {
                knowledge::forget(self.transaction, &entry.id, self.at)?;
                self.taken.deleted.push(entry.id);
            }
        }
        Ok(())
    }
}

fn of_entry(entry: &KnowledgeEntry) -> Draft {
    let KnowledgeEntry { category, title, content, confidence, .. } = entry.clone();
    Draft { category, title, content, confidence }
}

/// What the section says; what a file cannot show of an entry is no change of it.
fn draft(known: &KnowledgeEntry, section: &Section) -> Draft {
    let Section { category, title, content, confidence, .. } = section.clone();
    let title = if in_one_line(&known.title) == title { known.title.clone() } else { title };
    let content = if normal(&known.content) == content { known.content.clone() } else { content };
    Draft { category, title, content, confidence }
}
