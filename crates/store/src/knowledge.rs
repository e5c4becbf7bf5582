//! Curated entries: every change is checked whole before any of it is made, and older versions are kept.

mod editor;

use crate::columns::{Word, word};
use crate::error::StoreError;
use crate::{contradiction, injection, refusal, session};
use domain::ids::{KnowledgeId, Principal, ProjectId, SessionId};
use domain::knowledge::{Category, KnowledgeEntry, Operation, validate};
use domain::origin::Origin;
use domain::resemblance::Print;
use domain::time::UnixMillis;
use editor::Editor;
pub(crate) use editor::folded;
use rusqlite::types::Type;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::cell::Cell;

/// The whole of what an entry says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// What kind it is.
    pub category: Category,
    /// One line.
    pub title: String,
    /// A few sentences.
    pub content: String,
    /// 0 to 1.
    pub confidence: f64,
}

/// What came of a list of operations. A create that says what is known already counts nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Applied {
    /// Entries made.
    pub created: u32,
    /// Entries with a new version.
    pub updated: u32,
    /// Entries gone.
    pub deleted: u32,
}

/// Whose knowledge it is, and of which project: curators see and change only entries of their session's place.
pub(crate) struct Place {
    principal: Principal,
    project: Option<ProjectId>,
}

impl Place {
    /// Where the knowledge of `session` belongs; none when it is not known.
    pub(crate) fn of(transaction: &Transaction<'_>, session: &SessionId) -> rusqlite::Result<Option<Self>> {
        let summary = session::one(transaction, session)?;
        Ok(summary.map(|it| Self { principal: it.principal, project: it.project }))
    }

    /// Its owner, as the store spells it.
    pub(crate) fn principal(&self) -> &str {
        self.principal.as_str()
    }

    /// Its project, as the store spells it.
    pub(crate) fn project(&self) -> Option<&str> {
        self.project.as_ref().map(ProjectId::as_str)
    }

    pub(crate) fn new(principal: &Principal, project: Option<&ProjectId>) -> Self {
        Self { principal: principal.clone(), project: project.cloned() }
    }
}

/// What [`entry`] reads.
pub(crate) const COLUMNS: &str =
    "id, category, title, content, confidence, version, session, project, promoted, remembered, created, updated, used,
    (SELECT json_group_array(json_object(
            'id', CASE one WHEN knowledge.id THEN other ELSE one END, 'reason', reason))
        FROM contradiction WHERE one = knowledge.id OR other = knowledge.id) AS contradicts";

pub(crate) fn entry(row: &Row<'_>) -> rusqlite::Result<KnowledgeEntry> {
    let session: Option<Word<SessionId>> = row.get("session")?;
    let project: Option<Word<ProjectId>> = row.get("project")?;
    Ok(KnowledgeEntry {
        id: word(row, "id")?,
        category: word(row, "category")?,
        title: row.get("title")?,
        content: row.get("content")?,
        confidence: row.get("confidence")?,
        version: row.get("version")?,
        session: session.map(|session| session.0),
        project: project.map(|project| project.0),
        promoted: row.get("promoted")?,
        remembered: row.get("remembered")?,
        created: UnixMillis(row.get("created")?),
        updated: UnixMillis(row.get("updated")?),
        used: UnixMillis(row.get("used")?),
        contradicts: list(row.get_ref("contradicts")?.as_str()?)?,
    })
}

fn list<T: DeserializeOwned>(json: &str) -> rusqlite::Result<Vec<T>> {
    serde_json::from_str(json)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}

/// The entry of this id.
pub(crate) fn one(
    transaction: &Transaction<'_>,
    id: &KnowledgeId,
) -> rusqlite::Result<Option<KnowledgeEntry>> {
    let sql = format!("SELECT {COLUMNS} FROM knowledge WHERE id = ?1");
    transaction.prepare_cached(&sql)?.query_row([id.as_str()], entry).optional()
}

/// All entries of `principal`, or of everybody; the last changed first.
pub(crate) fn all(
    transaction: &Transaction<'_>,
    principal: Option<&Principal>,
) -> rusqlite::Result<Vec<KnowledgeEntry>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM knowledge WHERE ?1 IS NULL OR principal = ?1 ORDER BY updated DESC, number DESC"
    );
    let principal = principal.map(Principal::as_str);
    transaction.prepare_cached(&sql)?.query_map([principal], entry)?.collect()
}

/// The entries of one place, the last changed first.
pub(crate) fn at_place(
    transaction: &Transaction<'_>,
    place: &Place,
    limit: u32,
) -> rusqlite::Result<Vec<KnowledgeEntry>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM knowledge WHERE principal = ?1 AND project IS ?2
        ORDER BY updated DESC, number DESC LIMIT ?3"
    );
    let place = params![place.principal.as_str(), place.project(), limit];
    transaction.prepare_cached(&sql)?.query_map(place, entry)?.collect()
}

/// What holds at one place: its own entries and those that were promoted anywhere, the surest and then the last changed first.
pub(crate) fn holding_at(
    transaction: &Transaction<'_>,
    place: &Place,
) -> rusqlite::Result<Vec<KnowledgeEntry>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM knowledge WHERE principal = ?1 AND (project IS ?2 OR promoted)
        ORDER BY confidence DESC, updated DESC, number DESC"
    );
    let place = params![place.principal.as_str(), place.project()];
    transaction.prepare_cached(&sql)?.query_map(place, entry)?.collect()
}

/// Every entry and whose it is, the surest and then the last changed first.
pub(crate) fn holdings(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<(Principal, KnowledgeEntry)>> {
    let sql = format!(
        "SELECT principal, {COLUMNS} FROM knowledge ORDER BY confidence DESC, updated DESC, number DESC"
    );
    let held = |row: &Row<'_>| Ok((word(row, "principal")?, entry(row)?));
    transaction.prepare_cached(&sql)?.query_map([], held)?.collect()
}

/// Makes an entry its principal's in every project, or of its own project alone again; none when there is no such entry.
pub(crate) fn promote(
    transaction: &Transaction<'_>,
    id: &KnowledgeId,
    promoted: bool,
) -> rusqlite::Result<Option<KnowledgeEntry>> {
    let sql = format!("UPDATE knowledge SET promoted = ?2 WHERE id = ?1 RETURNING {COLUMNS}");
    transaction.prepare_cached(&sql)?.query_row(params![id.as_str(), promoted], entry).optional()
}

/// Applies `operations`, which the curator's model stated for `session`, and notes that the session was curated.
pub(crate) fn apply(
    transaction: &Transaction<'_>,
    session: &SessionId,
    operations: &[Operation],
    at: UnixMillis,
) -> Result<Applied, StoreError> {
    let applied = apply_at_place(transaction, session, operations, at)?;
    session::curated(transaction, session)?;
    refusal::was_of_use(transaction, refusal::CURATIONS, session)?;
    Ok(applied)
}

/// Applies `operations` to the knowledge at the place of `session`.
pub(crate) fn apply_at_place(
    transaction: &Transaction<'_>,
    session: &SessionId,
    operations: &[Operation],
    at: UnixMillis,
) -> Result<Applied, StoreError> {
    let unknown = || StoreError::Refused(format!("there is no session {session}"));
    let place = Place::of(transaction, session)?.ok_or_else(unknown)?;
    let failure = Cell::new(Ok(()));
    let known = |id: &str| {
        is_at(transaction, &place, id).unwrap_or_else(|error| {
            failure.set(Err(error));
            false
        })
    };
    let valid = validate(operations, known);
    failure.into_inner()?;
    valid?;
    let editor = Editor::new(transaction, &place, at).heeding_graves()?;
    let mut editor = Editor { session: Some(session), ..editor };
    operations.iter().try_for_each(|operation| editor.apply(operation))?;
    Ok(editor.applied)
}

/// Notes that the entries `ids` were of use.
pub(crate) fn note_use(
    transaction: &Transaction<'_>,
    ids: &[KnowledgeId],
    at: UnixMillis,
) -> rusqlite::Result<()> {
    let sql = "UPDATE knowledge SET used = max(used, ?2) WHERE id = ?1";
    let mut statement = transaction.prepare_cached(sql)?;
    ids.iter().try_for_each(|id| statement.execute(params![id.as_str(), at.0]).map(drop))
}

/// Replaces what the entry `id` says, or makes it, outside of any project, when the id was never taken.
pub(crate) fn put(
    transaction: &Transaction<'_>,
    principal: &Principal,
    id: &KnowledgeId,
    draft: &Draft,
    at: UnixMillis,
) -> Result<KnowledgeEntry, StoreError> {
    let draft = checked(draft)?;
    let current = one(transaction, id)?;
    let place = Place::new(principal, current.as_ref().and_then(|entry| entry.project.as_ref()));
    let mut editor = Editor::new(transaction, &place, at);
    match current {
        Some(current) if is_of(transaction, id, principal)? => editor.revise(&current, &draft)?,
        None if !is_taken(transaction, id.as_str())? => {
            editor.create(id, &Origin::born(id.clone(), at), &draft)?;
        }
        _ => {
            return Err(StoreError::Refused(format!(
                "the id {id} is taken, perhaps by an entry that was deleted: choose another"
            )));
        }
    }
    one(transaction, id)?.ok_or_else(|| gone(id.as_str()))
}

/// Makes an entry of an id that was never taken, at a place.
pub(crate) fn make(
    transaction: &Transaction<'_>,
    place: &Place,
    (id, origin): (&KnowledgeId, &Origin),
    draft: &Draft,
    at: UnixMillis,
) -> Result<(), StoreError> {
    Editor::new(transaction, place, at).create(id, origin, &checked(draft)?)
}

/// Keeps what an agent asks to keep in a project; an entry of the same category and title there gets a new version.
pub(crate) fn remember(
    transaction: &Transaction<'_>,
    (principal, project): (&Principal, &ProjectId),
    draft: &Draft,
    at: UnixMillis,
) -> Result<KnowledgeEntry, StoreError> {
    let draft = checked(draft)?;
    let place = Place::new(principal, Some(project));
    let mut editor = Editor::new(transaction, &place, at).heeding_graves()?;
    let id = editor.keep(&draft)?.ok_or_else(|| stays_deleted(&draft.title))?;
    // What was promoted elsewhere and says the same is nothing that this agent wrote.
    if is_at(transaction, &place, id.as_str())? {
        mark_as_asked(transaction, &id)?;
    }
    one(transaction, &id)?.ok_or_else(|| gone(id.as_str()))
}

/// Notes that an agent asked to keep it, wherever that was: nothing takes this back.
pub(crate) fn mark_as_asked(transaction: &Transaction<'_>, id: &KnowledgeId) -> rusqlite::Result<()> {
    let sql = "UPDATE knowledge SET remembered = 1 WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute([id.as_str()]).map(drop)
}

/// Lets go of an entry of a project because an agent asks for it; its versions stay. Tells whether it was there.
pub(crate) fn let_go(
    transaction: &Transaction<'_>,
    (principal, project): (&Principal, &ProjectId),
    id: &KnowledgeId,
    at: UnixMillis,
) -> Result<bool, StoreError> {
    let place = Place::new(principal, Some(project));
    if !is_at(transaction, &place, id.as_str())? {
        return Ok(false);
    }
    Editor::new(transaction, &place, at).delete(id.as_str(), "an agent asked for it")?;
    Ok(true)
}

fn checked(draft: &Draft) -> Result<Draft, StoreError> {
    let Draft { category, title, content, confidence } = draft.clone();
    let trimmed =
        Draft { category, title: title.trim().to_owned(), content: content.trim().to_owned(), confidence };
    validate(&[Operation::Create { category, title, content, confidence }], |_| false)?;
    Ok(trimmed)
}

/// Whether there is an entry of this id at a place.
fn is_at(transaction: &Transaction<'_>, place: &Place, id: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM knowledge WHERE id = ?1 AND principal = ?2 AND project IS ?3";
    transaction.prepare_cached(sql)?.exists(params![id, place.principal.as_str(), place.project()])
}

/// Whether the entry of this id is theirs.
pub(crate) fn is_of(
    transaction: &Transaction<'_>,
    id: &KnowledgeId,
    principal: &Principal,
) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM knowledge WHERE id = ?1 AND principal = ?2";
    transaction.prepare_cached(sql)?.exists([id.as_str(), principal.as_str()])
}

/// Whether an entry has or had this id.
pub(crate) fn is_taken(transaction: &Transaction<'_>, id: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM knowledge WHERE id = ?1 UNION ALL SELECT 1 FROM tombstone WHERE id = ?1";
    transaction.prepare_cached(sql)?.exists([id])
}

/// The next id that no entry has or had. Ids are short and counted, so that a model can repeat them without a mistake.
pub(crate) fn next_id(transaction: &Transaction<'_>) -> rusqlite::Result<KnowledgeId> {
    let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'knowledge'";
    let last: i64 = transaction.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    let mut number = last + 1;
    while is_taken(transaction, &format!("k{number}"))? {
        number += 1;
    }
    Ok(format!("k{number}").into())
}

/// A person wants the entry forgotten: it goes with all its versions, and only its id stays taken. Tells whether it was there.
pub(crate) fn forget(
    transaction: &Transaction<'_>,
    id: &KnowledgeId,
    at: UnixMillis,
) -> rusqlite::Result<bool> {
    let was_there = bury(transaction, id.as_str(), "deleted by hand", at)?;
    injection::forget(transaction, std::slice::from_ref(id))?;
    transaction.prepare_cached("DELETE FROM knowledge_version WHERE id = ?1")?.execute([id.as_str()])?;
    Ok(was_there)
}

/// Takes the entry away and leaves a tombstone. Tells whether it was there.
fn bury(transaction: &Transaction<'_>, id: &str, reason: &str, at: UnixMillis) -> rusqlite::Result<bool> {
    let print = one(transaction, &KnowledgeId::from(id))?.map(|it| Print::of(&it.title, &it.content));
    let print = print.unwrap_or_default().to_bytes();
    let sql = "INSERT INTO tombstone (id, origin, principal, project, promoted, reason, at, print)
        SELECT id, origin, principal, project, promoted, ?2, ?3, ?4 FROM knowledge WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute(params![id, reason, at.0, print])?;
    contradiction::settle(transaction, id)?;
    Ok(transaction.prepare_cached("DELETE FROM knowledge WHERE id = ?1")?.execute([id])? == 1)
}

fn gone(id: &str) -> StoreError {
    StoreError::Refused(format!("there is no entry {id:?} any more"))
}

fn stays_deleted(title: &str) -> StoreError {
    let stays = "was deleted, and stays so until a person writes it again (PUT /api/v1/knowledge/ID)";
    StoreError::Refused(format!("an entry that says the same as {title:?} {stays}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::tests::plan;

    #[test]
    fn what_contradicts_an_entry_is_found_without_looking_through_what_contradicts_others() {
        let plan = plan(&format!("SELECT {COLUMNS} FROM knowledge"));
        assert_eq!(plan.iter().filter(|step| step.starts_with("SCAN")).count(), 1, "entries alone: {plan:?}");
    }
}
