//! Entries as they go from one database to another: of an export, or of a file that people edit.

use super::forgetting::project_called;
use super::record::EntryRecord;
use crate::columns::{Word, word};
use crate::contradiction;
use crate::knowledge::folded;
use domain::ids::{KnowledgeId, Principal, ProjectId, SessionId};
use domain::knowledge::Category;
use domain::knowledge_file::Section;
use rusqlite::{OptionalExtension as _, Row, Transaction, named_params, params};

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

/// Writes an entry under this id, as it was elsewhere.
pub(super) fn create(
    transaction: &Transaction<'_>,
    whose: &Principal,
    (id, session): (&KnowledgeId, Option<&SessionId>),
    it: &EntryRecord,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO knowledge (id, origin, version, principal, project, session, category, title, folded_title, content, confidence,
            promoted, remembered, created, updated, used)
        VALUES (:id, :origin, :version, :principal, :project, :session, :category, :title, :folded, :content, :confidence,
            :promoted, :remembered, :created, :updated, :used)";
    transaction.prepare_cached(sql)?.execute(named_params! {
        ":id": id.as_str(),
        ":origin": Word(it.origin()),
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
pub(super) fn replace(
    transaction: &Transaction<'_>,
    id: &KnowledgeId,
    it: &EntryRecord,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO knowledge_version
            (id, version, category, title, content, confidence, written, principal, project, session)
        SELECT id, version, category, title, content, confidence, updated, principal, project, session FROM knowledge WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute([id.as_str()])?;
    let sql = "UPDATE knowledge SET version = :version, category = :category, title = :title, folded_title = :folded,
            content = :content, confidence = :confidence, promoted = :promoted, remembered = max(remembered, :remembered),
            updated = :updated, used = max(used, :used)
        WHERE id = :id";
    transaction.prepare_cached(sql)?.execute(named_params! {
        ":id": id.as_str(),
        ":version": it.version,
        ":category": Word(it.category),
        ":title": it.title,
        ":folded": folded(&it.title),
        ":content": it.content,
        ":confidence": it.confidence.0,
        ":promoted": it.promoted,
        ":remembered": it.remembered,
        ":updated": it.updated.0,
        ":used": it.used.0,
    })?;
    contradiction::settle(transaction, id.as_str())
}

/// The entries as a file has them, in the order in which they were made.
pub(super) fn sections(
    transaction: &Transaction<'_>,
    whose: &Principal,
    project: Option<&ProjectId>,
) -> rusqlite::Result<Vec<Section>> {
    let project = project.map(|named| project_called(transaction, whose, named)).transpose()?;
    let sql = "SELECT * FROM knowledge WHERE principal = ?1 AND (?2 IS NULL OR project = ?2) ORDER BY created, number";
    let asked = params![whose.as_str(), project.as_ref().map(ProjectId::as_str)];
    transaction.prepare_cached(sql)?.query_map(asked, section)?.collect()
}

fn section(row: &Row<'_>) -> rusqlite::Result<Section> {
    Ok(Section {
        id: Some(word(row, "origin")?),
        project: row.get::<_, Option<Word<ProjectId>>>("project")?.map(|project| project.0),
        promoted: row.get("promoted")?,
        category: word(row, "category")?,
        title: row.get("title")?,
        content: row.get("content")?,
        confidence: row.get("confidence")?,
        remembered: row.get("remembered")?,
    })
}
