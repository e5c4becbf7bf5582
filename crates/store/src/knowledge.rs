//! Curated entries: every change is checked whole before any of it is made, and older versions are kept.

use crate::alike::{Graves, Neighbours};
use crate::columns::{Word, word};
use crate::error::StoreError;
use crate::{contradiction, injection, session};
use domain::ids::{KnowledgeId, Principal, ProjectId, SessionId};
use domain::knowledge::{Category, KnowledgeEntry, Operation, validate};
use domain::likeness::Print;
use domain::time::UnixMillis;
use rusqlite::types::Type;
use rusqlite::{OptionalExtension as _, Row, Transaction, named_params, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

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

/// Entries that a new version is noted to contradict by its words alone: who lists many alike, of hosts say, contradicts nothing.
const MOST_CONTRARIES: usize = 3;

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
        FROM contradiction WHERE knowledge.id IN (one, other)) AS contradicts";

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
    let applied = consolidate(transaction, session, operations, at)?;
    session::curated(transaction, session)?;
    Ok(applied)
}

/// Applies `operations` to the knowledge at the place of `session`.
pub(crate) fn consolidate(
    transaction: &Transaction<'_>,
    session: &SessionId,
    operations: &[Operation],
    at: UnixMillis,
) -> Result<Applied, StoreError> {
    let unknown = || StoreError::Refused(format!("there is no session {session}"));
    let place = Place::of(transaction, session)?.ok_or_else(unknown)?;
    let known = at_place(transaction, &place, u32::MAX)?;
    validate(operations, |id| known.iter().any(|entry| entry.id.as_str() == id))?;
    // What this list deletes may be written again in the same list: that is how a model replaces an entry.
    let graves = Graves::of(transaction, &place)?;
    let mut editor = Editor {
        transaction,
        place: &place,
        graves,
        session: Some(session),
        at,
        applied: Applied::default(),
    };
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
    let place = Place::new(principal, None);
    let (graves, applied) = (Graves::default(), Applied::default());
    let mut editor = Editor { transaction, place: &place, graves, session: None, at, applied };
    match editor.current(id.as_str())? {
        Some(current) if is_of(transaction, &current.id, principal)? => editor.revise(&current, &draft)?,
        None if !is_taken(transaction, id.as_str())? => editor.create(id.as_str(), &draft)?,
        _ => return Err(StoreError::Refused(format!("the id {id} is taken"))),
    }
    editor.current(id.as_str())?.ok_or_else(|| gone(id.as_str()))
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
    let (graves, applied) = (Graves::of(transaction, &place)?, Applied::default());
    let mut editor = Editor { transaction, place: &place, graves, session: None, at, applied };
    let id = editor.keep(&draft)?.ok_or_else(|| stays_deleted(&draft.title))?;
    let sql = format!("UPDATE knowledge SET remembered = 1 WHERE id = ?1 RETURNING {COLUMNS}");
    Ok(transaction.prepare_cached(&sql)?.query_row([id.as_str()], entry)?)
}

/// Lets go of an entry of a project because an agent asks for it; its versions stay. Tells whether it was there.
pub(crate) fn let_go(
    transaction: &Transaction<'_>,
    (principal, project): (&Principal, &ProjectId),
    id: &KnowledgeId,
    at: UnixMillis,
) -> Result<bool, StoreError> {
    let place = Place::new(principal, Some(project));
    if !at_place(transaction, &place, u32::MAX)?.iter().any(|entry| entry.id == *id) {
        return Ok(false);
    }
    let (graves, applied) = (Graves::default(), Applied::default());
    let mut editor = Editor { transaction, place: &place, graves, session: None, at, applied };
    editor.delete(id.as_str(), "an agent asked for it")?;
    Ok(true)
}

fn checked(draft: &Draft) -> Result<Draft, StoreError> {
    let Draft { category, title, content, confidence } = draft.clone();
    let trimmed =
        Draft { category, title: title.trim().to_owned(), content: content.trim().to_owned(), confidence };
    validate(&[Operation::Create { category, title, content, confidence }], |_| false)?;
    Ok(trimmed)
}

fn is_of(transaction: &Transaction<'_>, id: &KnowledgeId, principal: &Principal) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM knowledge WHERE id = ?1 AND principal = ?2";
    transaction.prepare_cached(sql)?.exists([id.as_str(), principal.as_str()])
}

/// Whether an entry has or had this id.
fn is_taken(transaction: &Transaction<'_>, id: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM knowledge WHERE id = ?1 UNION ALL SELECT 1 FROM tombstone WHERE id = ?1";
    transaction.prepare_cached(sql)?.exists([id])
}

/// A person wants the entry forgotten: it goes with all its versions, and only its id stays taken. Tells whether it was there.
pub(crate) fn forget(
    transaction: &Transaction<'_>,
    id: &KnowledgeId,
    at: UnixMillis,
) -> rusqlite::Result<bool> {
    let was_there = bury(transaction, id.as_str(), "deleted by hand", at)?;
    injection::forget(transaction, id)?;
    transaction.prepare_cached("DELETE FROM knowledge_version WHERE id = ?1")?.execute([id.as_str()])?;
    Ok(was_there)
}

/// Takes the entry away and leaves a tombstone. Tells whether it was there.
fn bury(transaction: &Transaction<'_>, id: &str, reason: &str, at: UnixMillis) -> rusqlite::Result<bool> {
    let print = one(transaction, &KnowledgeId::from(id))?.map(|it| Print::of(&it.title, &it.content));
    let print = print.unwrap_or_default().to_bytes();
    let sql = "INSERT INTO tombstone (id, principal, project, reason, at, print)
        SELECT id, principal, project, ?2, ?3, ?4 FROM knowledge WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute(params![id, reason, at.0, print])?;
    contradiction::settle(transaction, id)?;
    Ok(transaction.prepare_cached("DELETE FROM knowledge WHERE id = ?1")?.execute([id])? == 1)
}

fn gone(id: &str) -> StoreError {
    StoreError::Refused(format!("there is no entry {id:?} any more"))
}

fn stays_deleted(title: &str) -> StoreError {
    let why = "an entry that says the same was deleted, and stays so until a person writes it again";
    StoreError::Refused(format!("{title:?} is not kept: {why} (PUT /api/v1/knowledge/ID)"))
}

fn print(draft: &Draft) -> Print {
    Print::of(&draft.title, &draft.content)
}

/// Titles that a person would call the same.
fn folded(title: &str) -> String {
    title.trim().to_lowercase()
}

/// Makes changes at one place, and counts them.
struct Editor<'t> {
    transaction: &'t Transaction<'t>,
    place: &'t Place,
    /// What was deleted before.
    graves: Graves,
    session: Option<&'t SessionId>,
    at: UnixMillis,
    applied: Applied,
}

impl Editor<'_> {
    fn apply(&mut self, operation: &Operation) -> Result<(), StoreError> {
        match operation.clone() {
            Operation::Create { category, title, content, confidence } => {
                let draft = checked(&Draft { category, title, content, confidence })?;
                self.keep(&draft).map(drop)
            }
            Operation::Update { id, category, title, content, confidence } => {
                let current = self.current(&id)?.ok_or_else(|| gone(&id))?;
                let draft = Draft {
                    category: category.unwrap_or(current.category),
                    title: title.unwrap_or_else(|| current.title.clone()),
                    content: content.unwrap_or_else(|| current.content.clone()),
                    confidence: confidence.unwrap_or(current.confidence),
                };
                self.revise(&current, &checked(&draft)?)
            }
            Operation::Delete { id, reason } => self.delete(&id, &reason),
            Operation::Contradict { id, with, reason } => {
                let there = self.current(&id)?.is_some() && self.current(&with)?.is_some();
                if !there {
                    return Err(gone(&id));
                }
                Ok(contradiction::note(self.transaction, &id, &with, &reason, self.at)?)
            }
        }
    }

    /// Keeps what is new: as the next version of what says the same, else as an entry of its own. None when it was deleted
    /// before, and stays so.
    fn keep(&mut self, draft: &Draft) -> Result<Option<KnowledgeId>, StoreError> {
        if let Some(same) = self.same_as(draft)? {
            self.revise(&same, &Draft { title: same.title.clone(), ..draft.clone() })?;
            return Ok(Some(same.id));
        }
        if self.graves.hold(&print(draft)) {
            return Ok(None);
        }
        self.create_next(draft).map(Some)
    }

    /// The entry that a new one would double: of the same category and title, or in nearly the same words.
    fn same_as(&self, draft: &Draft) -> rusqlite::Result<Option<KnowledgeEntry>> {
        match self.titled(draft.category, &draft.title)? {
            Some(titled) => Ok(Some(titled)),
            None => Ok(Neighbours::of(self.transaction, self.place)?.same_as(&print(draft))),
        }
    }

    /// What contradicted the entry before is settled by what it says now, which may contradict others.
    fn note_contraries(&self, id: &str, draft: &Draft) -> rusqlite::Result<()> {
        contradiction::settle(self.transaction, id)?;
        let print = print(draft);
        let contrary = Neighbours::of(self.transaction, self.place)?.contrary_to(&print);
        let others = contrary.filter(|other| other.id.as_str() != id);
        others.take(MOST_CONTRARIES).try_for_each(|other| {
            let reason = contradiction::NEARLY_ALIKE;
            contradiction::note(self.transaction, id, other.id.as_str(), reason, self.at)
        })
    }

    fn current(&self, id: &str) -> rusqlite::Result<Option<KnowledgeEntry>> {
        one(self.transaction, &KnowledgeId::from(id))
    }

    /// The entry of this place with the same category and title, in whatever case.
    fn titled(&self, category: Category, title: &str) -> rusqlite::Result<Option<KnowledgeEntry>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM knowledge WHERE principal = ?1 AND project IS ?2 AND category = ?3 AND folded_title = ?4
            ORDER BY number LIMIT 1"
        );
        let key = params![self.place.principal.as_str(), self.place.project(), Word(category), folded(title)];
        self.transaction.prepare_cached(&sql)?.query_row(key, entry).optional()
    }

    /// Names are short and counted, so that a model can repeat them without a mistake.
    fn create_next(&mut self, draft: &Draft) -> Result<KnowledgeId, StoreError> {
        let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'knowledge'";
        let last: i64 = self.transaction.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        let mut number = last + 1;
        while is_taken(self.transaction, &format!("k{number}"))? {
            number += 1;
        }
        let id = format!("k{number}");
        self.create(&id, draft)?;
        Ok(KnowledgeId::from(id))
    }

    fn create(&mut self, id: &str, draft: &Draft) -> Result<(), StoreError> {
        let sql = "INSERT INTO knowledge (id, version, principal, project, session, category, title, folded_title,
                content, confidence, created, updated, used)
            VALUES (:id, 1, :principal, :project, :session, :category, :title, :folded, :content, :confidence, :at, :at, :at)";
        self.transaction.prepare_cached(sql)?.execute(named_params! {
            ":id": id,
            ":principal": self.place.principal.as_str(),
            ":project": self.place.project(),
            ":session": self.session.map(SessionId::as_str),
            ":category": Word(draft.category),
            ":title": draft.title,
            ":folded": folded(&draft.title),
            ":content": draft.content,
            ":confidence": draft.confidence,
            ":at": self.at.0,
        })?;
        self.applied.created += 1;
        Ok(self.note_contraries(id, draft)?)
    }

    /// Writes a new version, unless it would say the same.
    fn revise(&mut self, current: &KnowledgeEntry, draft: &Draft) -> Result<(), StoreError> {
        let said = (current.category, &current.title, &current.content, current.confidence);
        if said == (draft.category, &draft.title, &draft.content, draft.confidence) {
            return Ok(());
        }
        self.keep_version(current.id.as_str())?;
        let sql = "UPDATE knowledge SET version = version + 1, category = :category, title = :title, folded_title = :folded,
            content = :content, confidence = :confidence, updated = :at, used = :at WHERE id = :id";
        self.transaction.prepare_cached(sql)?.execute(named_params! {
            ":id": current.id.as_str(),
            ":category": Word(draft.category),
            ":title": draft.title,
            ":folded": folded(&draft.title),
            ":content": draft.content,
            ":confidence": draft.confidence,
            ":at": self.at.0,
        })?;
        self.applied.updated += 1;
        Ok(self.note_contraries(current.id.as_str(), draft)?)
    }

    fn delete(&mut self, id: &str, reason: &str) -> Result<(), StoreError> {
        self.keep_version(id)?;
        if !bury(self.transaction, id, reason, self.at)? {
            return Err(gone(id));
        }
        self.applied.deleted += 1;
        Ok(())
    }

    fn keep_version(&self, id: &str) -> rusqlite::Result<()> {
        let sql = "INSERT INTO knowledge_version (id, version, category, title, content, confidence, written)
            SELECT id, version, category, title, content, confidence, updated FROM knowledge WHERE id = ?1";
        self.transaction.prepare_cached(sql)?.execute([id]).map(drop)
    }
}
