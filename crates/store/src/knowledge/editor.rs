//! Changes to the entries of one place: what doubles an entry becomes its next version, and what was deleted stays so.

use super::{Applied, COLUMNS, Draft, Place, bury, checked, entry, gone, next_id, one};
use crate::alike::{Graves, Neighbours};
use crate::columns::Word;
use crate::contradiction;
use crate::error::StoreError;
use domain::ids::{KnowledgeId, SessionId};
use domain::knowledge::{Category, KnowledgeEntry, Operation};
use domain::origin::Origin;
use domain::resemblance::Print;
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension as _, Transaction, named_params, params};

/// Entries that a new version is noted to contradict by its words alone: who lists many alike, of hosts say, contradicts nothing.
const MOST_CONTRARIES: usize = 3;

/// Makes changes at one place, and counts them.
pub(super) struct Editor<'t> {
    pub(super) transaction: &'t Transaction<'t>,
    pub(super) place: &'t Place,
    /// What was deleted before.
    pub(super) graves: Graves,
    pub(super) session: Option<&'t SessionId>,
    pub(super) at: UnixMillis,
    pub(super) applied: Applied,
}

impl<'t> Editor<'t> {
    /// One that may write again what was deleted.
    pub(super) fn new(transaction: &'t Transaction<'t>, place: &'t Place, at: UnixMillis) -> Self {
        let (graves, applied) = (Graves::default(), Applied::default());
        Self { transaction, place, graves, session: None, at, applied }
    }

    /// What is deleted by now stays so. What comes to be deleted later may be written again: that is how a model replaces an
    /// entry.
    pub(super) fn heeding_graves(mut self) -> rusqlite::Result<Self> {
        self.graves = Graves::of(self.transaction, self.place)?;
        Ok(self)
    }

    pub(super) fn apply(&mut self, operation: &Operation) -> Result<(), StoreError> {
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

    /// Keeps what is new: as the next version of what says the same, else as an entry of its own; what was promoted elsewhere and
    /// says the same stays as it is. None when it was deleted before, and stays so.
    pub(super) fn keep(&mut self, draft: &Draft) -> Result<Option<KnowledgeId>, StoreError> {
        if let Some(same) = self.same_as(draft)? {
            self.revise(&same, &Draft { title: same.title.clone(), ..draft.clone() })?;
            return Ok(Some(same.id));
        }
        if let Some(known) = Neighbours::holding_at(self.transaction, self.place, draft)?.same() {
            return Ok(Some(known));
        }
        if self.graves.hold(&print(draft)) {
            return Ok(None);
        }
        self.create_next(draft).map(Some)
    }

    /// The entry of this place that a new one would double: of the same category and title, or in nearly the same words.
    fn same_as(&self, draft: &Draft) -> rusqlite::Result<Option<KnowledgeEntry>> {
        if let Some(titled) = self.titled(draft.category, &draft.title)? {
            return Ok(Some(titled));
        }
        let same = Neighbours::of(self.transaction, self.place, draft)?.same();
        same.map_or(Ok(None), |id| one(self.transaction, &id))
    }

    /// What contradicted the entry before is settled by what it says now, which may contradict others.
    fn note_contraries(&self, id: &str, draft: &Draft) -> rusqlite::Result<()> {
        contradiction::settle(self.transaction, id)?;
        let contrary = Neighbours::of(self.transaction, self.place, draft)?.contrary();
        let others = contrary.filter(|other| other.as_str() != id);
        others.take(MOST_CONTRARIES).try_for_each(|other| {
            let reason = contradiction::NEARLY_ALIKE;
            contradiction::note(self.transaction, id, other.as_str(), reason, self.at)
        })
    }

    pub(super) fn current(&self, id: &str) -> rusqlite::Result<Option<KnowledgeEntry>> {
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

    fn create_next(&mut self, draft: &Draft) -> Result<KnowledgeId, StoreError> {
        let id = next_id(self.transaction)?;
        self.create(&id, &Origin::born(id.clone(), self.at), draft)?;
        Ok(id)
    }

    /// Makes an entry; of one that comes from elsewhere it is known when it was made.
    pub(super) fn create(
        &mut self,
        id: &KnowledgeId,
        origin: &Origin,
        draft: &Draft,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO knowledge (id, origin, version, principal, project, session, category, title, folded_title,
                content, confidence, created, updated, used)
            VALUES (:id, :origin, 1, :principal, :project, :session, :category, :title, :folded, :content, :confidence,
                :made, :at, :at)";
        let made = origin.at().filter(|at| at.0 > 0).unwrap_or(self.at);
        self.transaction.prepare_cached(sql)?.execute(named_params! {
            ":id": id.as_str(),
            ":origin": Word(origin),
            ":principal": self.place.principal.as_str(),
            ":project": self.place.project(),
            ":session": self.session.map(SessionId::as_str),
            ":category": Word(draft.category),
            ":title": draft.title,
            ":folded": folded(&draft.title),
            ":content": draft.content,
            ":confidence": draft.confidence,
            ":made": made.0,
            ":at": self.at.0,
        })?;
        self.applied.created += 1;
        Ok(self.note_contraries(id.as_str(), draft)?)
    }

    /// Writes a new version, unless it would say the same.
    pub(super) fn revise(&mut self, current: &KnowledgeEntry, draft: &Draft) -> Result<(), StoreError> {
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

    pub(super) fn delete(&mut self, id: &str, reason: &str) -> Result<(), StoreError> {
        self.keep_version(id)?;
        if !bury(self.transaction, id, reason, self.at)? {
            return Err(gone(id));
        }
        self.applied.deleted += 1;
        Ok(())
    }

    fn keep_version(&self, id: &str) -> rusqlite::Result<()> {
        let sql = "INSERT INTO knowledge_version (id, version, category, title, content, confidence, written, principal, project, session)
            SELECT id, version, category, title, content, confidence, updated, principal, project, session FROM knowledge WHERE id = ?1";
        self.transaction.prepare_cached(sql)?.execute([id]).map(drop)
    }
}

fn print(draft: &Draft) -> Print {
    Print::of(&draft.title, &draft.content)
}

/// Titles that a person would call the same.
pub(crate) fn folded(title: &str) -> String {
    title.trim().to_lowercase()
}
