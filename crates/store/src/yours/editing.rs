//! Taking over a file of knowledge that people edit, maybe on several machines.

use super::TakingOver;
use super::entries::titled;
use super::origins::{Grave, entry_from, free_id, grave_called, grave_from, lift};
use crate::error::StoreError;
use crate::knowledge::{self, Draft, Place, folded, next_id};
use domain::ids::{KnowledgeId, Principal, ProjectId};
use domain::knowledge::KnowledgeEntry;
use domain::knowledge_file::{KnowledgeFile, Section, in_one_line, normal};
use domain::origin::Origin;
use domain::time::UnixMillis;
use rusqlite::Transaction;
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

/// Makes knowledge say what the file says.
pub(super) fn take_over(
    transaction: &Transaction<'_>,
    (whose, at): (&Principal, UnixMillis),
    file: &KnowledgeFile,
    how: TakingOver,
) -> Result<TakenOver, StoreError> {
    let mut editor =
        Editor { transaction, whose, at, again: how.again, taken: TakenOver::default(), seen: Vec::new() };
    file.sections.iter().try_for_each(|section| editor.take(section))?;
    if how.delete {
        editor.delete_what_is_missing(file)?;
    }
    Ok(editor.taken)
}

struct Editor<'t> {
    transaction: &'t Transaction<'t>,
    whose: &'t Principal,
    at: UnixMillis,
    /// Whether what was forgotten is to come again.
    again: bool,
    taken: TakenOver,
    /// Every entry that the file has.
    seen: Vec<KnowledgeId>,
}

/// What a section is about.
enum Meant {
    /// An entry that is here.
    Known(KnowledgeId),
    /// One that is not here yet: under which id, and where it comes from.
    New(KnowledgeId, Origin),
    /// One that is gone.
    Gone(KnowledgeId),
}

impl Editor<'_> {
    fn take(&mut self, section: &Section) -> Result<(), StoreError> {
        match self.meant(section)? {
            Meant::Known(id) => self.revise(&id, section),
            Meant::New(id, origin) => self.create(id, &origin, section),
            Meant::Gone(id) => {
                self.taken.left_out.push(id);
                Ok(())
            }
        }
    }

    fn meant(&self, section: &Section) -> rusqlite::Result<Meant> {
        match &section.id {
            Some(origin) if origin.at().is_some() => self.coming_from(origin, section),
            Some(id) => self.called(id.id(), section),
            None => self.named(None, section),
        }
    }

    fn coming_from(&self, origin: &Origin, section: &Section) -> rusqlite::Result<Meant> {
        if let Some(id) = entry_from(self.transaction, self.whose, origin)? {
            return Ok(Meant::Known(id));
        }
        let grave = grave_from(self.transaction, self.whose, origin, says(section))?;
        if let Some(gone) = self.left_out(grave.as_ref())? {
            return Ok(Meant::Gone(gone));
        }
        // What comes again has its id from before. One that a person wrote has none but by what it says, which is long.
        let before =
            grave.map(|grave| grave.id).or_else(|| (!origin.is_written()).then(|| origin.id().clone()));
        Ok(Meant::New(self.id_for(before.as_ref())?, origin.clone()))
    }

    fn id_for(&self, wanted: Option<&KnowledgeId>) -> rusqlite::Result<KnowledgeId> {
        wanted.map_or_else(|| next_id(self.transaction), |wanted| free_id(self.transaction, wanted))
    }

    /// Files of before origins have ids only, which may be another database's. Such an id counts where something else tells that it is
    /// meant: what it overwrites in error is worse than what it doubles.
    fn called(&self, id: &KnowledgeId, section: &Section) -> rusqlite::Result<Meant> {
        let known = knowledge::one(self.transaction, id)?;
        let is_meant = known.as_ref().is_some_and(|known| is_surely(known, section));
        if is_meant && knowledge::is_of(self.transaction, id, self.whose)? {
            return Ok(Meant::Known(id.clone()));
        }
        let grave = grave_called(self.transaction, self.whose, id, says(section))?;
        match self.left_out(grave.as_ref())? {
            Some(gone) => Ok(Meant::Gone(gone)),
            None => self.named(Some(id), section),
        }
    }

    /// What its place, category and title name. If that is nothing, it is new, and known by what it says: the same file may be taken over
    /// on several machines.
    fn named(&self, id: Option<&KnowledgeId>, section: &Section) -> rusqlite::Result<Meant> {
        let place = (self.whose, section.project.as_ref());
        if let Some(titled) = titled(self.transaction, place, section.category, &section.title)? {
            return Ok(Meant::Known(titled));
        }
        let written = written(section);
        if let Some(known) = entry_from(self.transaction, self.whose, &written)? {
            return Ok(Meant::Known(known));
        }
        let grave = grave_from(self.transaction, self.whose, &written, ("", ""))?;
        if grave.as_ref().is_some_and(|grave| !grave.is_forgotten) {
            // A person writes again what was deleted.
            let id = self.id_for(id)?;
            return Ok(Meant::New(id.clone(), Origin::born(id, self.at)));
        }
        if let Some(gone) = self.left_out(grave.as_ref())? {
            return Ok(Meant::Gone(gone));
        }
        let before = grave.map(|grave| grave.id);
        Ok(Meant::New(self.id_for(before.as_ref().or(id))?, written))
    }

    /// The id of what is gone and stays so. What was forgotten and is to come again is not gone any more.
    fn left_out(&self, grave: Option<&Grave>) -> rusqlite::Result<Option<KnowledgeId>> {
        match grave {
            Some(grave) if grave.is_forgotten && self.again => {
                lift(self.transaction, grave)?;
                Ok(None)
            }
            grave => Ok(grave.map(|grave| grave.id.clone())),
        }
    }

    fn revise(&mut self, id: &KnowledgeId, section: &Section) -> Result<(), StoreError> {
        if self.seen.contains(id) {
            let title = &section.title;
            let why = format!(
                "two sections of the file mean one entry, \u{201c}{title}\u{201d}: give one of them another title"
            );
            return Err(StoreError::Refused(why));
        }
        let Some(known) = knowledge::one(self.transaction, id)? else { return Ok(()) };
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
        let draft = draft(&known, section);
        let says_more = draft != of_entry(&known);
        if says_more {
            knowledge::put(self.transaction, self.whose, id, &draft, self.at)?;
        }
        let is_news = section.remembered && !known.remembered;
        if is_news {
            knowledge::mark_as_asked(self.transaction, id)?;
        }
        if known.promoted != section.promoted {
            knowledge::promote(self.transaction, id, section.promoted)?;
        } else if !says_more && !is_news {
            self.taken.unchanged += 1;
            return Ok(());
        }
        self.taken.updated.push(id.clone());
        Ok(())
    }

    fn create(&mut self, id: KnowledgeId, origin: &Origin, section: &Section) -> Result<(), StoreError> {
        let Section { category, title, content, confidence, .. } = section.clone();
        let draft = Draft { category, title, content, confidence };
        let place = Place::new(self.whose, section.project.as_ref());
        knowledge::make(self.transaction, &place, (&id, origin), &draft, self.at)?;
        knowledge::promote(self.transaction, &id, section.promoted)?;
        if section.remembered {
            knowledge::mark_as_asked(self.transaction, &id)?;
        }
        self.seen.push(id.clone());
        self.taken.created.push(id);
        Ok(())
    }

    /// Only in projects that the file has: it need not be the file of all.
    fn delete_what_is_missing(&mut self, file: &KnowledgeFile) -> Result<(), StoreError> {
        for entry in knowledge::all(self.transaction, Some(self.whose))? {
            if file.covers(entry.project.as_ref()) && !self.seen.contains(&entry.id) {
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

/// Whether an entry of this id is the one of the section, though the file does not tell where it comes from.
fn is_surely(known: &KnowledgeEntry, section: &Section) -> bool {
    let titled =
        known.category == section.category && folded(&in_one_line(&known.title)) == folded(&section.title);
    known.project == section.project && (titled || normal(&known.content) == section.content)
}

fn written(section: &Section) -> Origin {
    let project = section.project.as_ref().map(ProjectId::as_str);
    let texts = [project.unwrap_or_default(), section.category.as_str(), &section.title, &section.content];
    Origin::written(&texts)
}

fn says(section: &Section) -> (&str, &str) {
    (&section.title, &section.content)
}
