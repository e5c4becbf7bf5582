//! What is its owner's: to take along, to bring in, to forget; and what is dropped when it is old.

mod editing;
mod entries;
pub(crate) mod erasing;
mod export;
pub(crate) mod forgetting;
mod import;
mod origins;
mod reading;
pub mod record;
mod retention;
mod scribe;

pub use editing::TakenOver;
pub use erasing::{Erased, Unerased};
pub use export::Bookmark;
pub use forgetting::{Extent, Forgotten};
pub use import::Imported;
pub use reading::{BadLine, Reading};
pub use retention::{Dropped, Limits};
pub use scribe::Scribe;

use crate::error::StoreError;
use crate::sqlite::SqliteStore;
use domain::ids::{Principal, ProjectId, SessionId};
use domain::knowledge_file::{KnowledgeFile, Section};
use domain::time::UnixMillis;
use record::Record;

/// What an owner may do with what is theirs.
///
/// # Errors
/// All methods: those told for [`Store`](crate::Store).
pub trait Yours {
    /// What [`forget`](Self::forget) would forget now; changes nothing.
    ///
    /// # Errors
    /// As told for the trait.
    fn forgettable(&mut self, whose: &Principal, what: &Extent) -> Result<Forgotten, StoreError>;

    /// Forgets for good: what was said, what came of it, and every word of it in the indexes and in the log. What it cost stays in the
    /// sums, under no session. What is sent again of such a session, or comes of work that is under way for it, is not kept. From
    /// here on nobody sees any of it; where there is much, [`erase`](Self::erase) does the rest.
    ///
    /// # Errors
    /// As told for the trait.
    fn forget(&mut self, whose: &Principal, what: &Extent, at: UnixMillis) -> Result<Forgotten, StoreError>;

    /// Whose a session is; also of one that was forgotten, until it is erased.
    ///
    /// # Errors
    /// As told for the trait.
    fn owner(&mut self, session: &SessionId) -> Result<Option<Principal>, StoreError>;

    /// Whether something that was forgotten is not erased yet.
    ///
    /// # Errors
    /// As told for the trait.
    fn is_erasing(&mut self) -> Result<bool, StoreError>;

    /// Erases a little of what was forgotten and is not erased yet.
    ///
    /// # Errors
    /// As told for the trait.
    fn erase(&mut self) -> Result<Erased, StoreError>;

    /// Drops a little of what is beyond `limits`, the oldest first, and gives its pages back. What is not distilled stays, and so do
    /// observations that are not curated and all knowledge.
    ///
    /// # Errors
    /// As told for the trait.
    fn retain(&mut self, limits: Limits) -> Result<Dropped, StoreError>;

    /// The next records of all that is kept for `whose`, and where to go on; nowhere at the end. The last record of a file,
    /// [`Record::End`], is whoever writes it to add.
    ///
    /// # Errors
    /// As told for the trait.
    fn export_some(
        &mut self,
        whose: &Principal,
        from: Bookmark,
    ) -> Result<(Vec<Record>, Option<Bookmark>), StoreError>;

    /// Takes records in for `whose`, all or none of them; of sessions and entries that were forgotten only if they are to come `again`. What is
    /// there already stays as it is.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when a record's session is not there or belongs to another principal, or is to come again and is
    /// still being erased.
    fn import_some(
        &mut self,
        whose: &Principal,
        records: &[Record],
        again: bool,
    ) -> Result<Imported, StoreError>;

    /// The entries of `whose`, or of one of their projects, named by itself or by a folder of it, as a file has them: in the order in
    /// which they were made.
    ///
    /// # Errors
    /// As told for the trait.
    fn sections(
        &mut self,
        whose: &Principal,
        project: Option<&ProjectId>,
    ) -> Result<Vec<Section>, StoreError>;

    /// Makes knowledge say what a file says: new entries and new versions; with `delete`, entries of the file's projects that it does
    /// not have are gone, too. With `rehearse` nothing is changed, and it is told what would be.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when an entry is invalid, or stands below another project than its own.
    fn take_over(
        &mut self,
        whose: &Principal,
        file: &KnowledgeFile,
        how: TakingOver,
        at: UnixMillis,
    ) -> Result<TakenOver, StoreError>;
}

/// How a file of knowledge is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TakingOver {
    /// Whether entries go that the file does not have.
    pub delete: bool,
    /// Whether it is only told what would be done.
    pub rehearse: bool,
    /// Whether entries that were forgotten come again.
    pub again: bool,
}

impl Yours for SqliteStore {
    fn forgettable(&mut self, whose: &Principal, what: &Extent) -> Result<Forgotten, StoreError> {
        self.read(|it| forgetting::Doomed::named(it, whose, what)?.counted(it))
    }

    fn forget(&mut self, whose: &Principal, what: &Extent, at: UnixMillis) -> Result<Forgotten, StoreError> {
        let forgotten = self.write(|it| forgetting::Doomed::named(it, whose, what)?.forget(it, at))?;
        let left = self.erased(forgotten.left.erased)?;
        Ok(Forgotten { left, ..forgotten })
    }

    fn owner(&mut self, session: &SessionId) -> Result<Option<Principal>, StoreError> {
        self.read(|it| forgetting::owner(it, session))
    }

    fn is_erasing(&mut self) -> Result<bool, StoreError> {
        self.read(erasing::is_left)
    }

    fn erase(&mut self) -> Result<Erased, StoreError> {
        let erased = self.write(erasing::step)?;
        self.erased(erased)
    }

    fn retain(&mut self, limits: Limits) -> Result<Dropped, StoreError> {
        let dropped = self.write(|it| retention::step(it, limits))?;
        if !dropped.is_nothing() {
            self.give_pages_back()?;
        }
        Ok(dropped)
    }

    fn export_some(
        &mut self,
        whose: &Principal,
        from: Bookmark,
    ) -> Result<(Vec<Record>, Option<Bookmark>), StoreError> {
        self.read(|it| export::some(it, whose, from))
    }

    fn import_some(
        &mut self,
        whose: &Principal,
        records: &[Record],
        again: bool,
    ) -> Result<Imported, StoreError> {
        self.write(|it| import::some(it, whose, records, again))
    }

    fn sections(
        &mut self,
        whose: &Principal,
        project: Option<&ProjectId>,
    ) -> Result<Vec<Section>, StoreError> {
        self.read(|it| entries::sections(it, whose, project))
    }

    fn take_over(
        &mut self,
        whose: &Principal,
        file: &KnowledgeFile,
        how: TakingOver,
        at: UnixMillis,
    ) -> Result<TakenOver, StoreError> {
        self.write(|it| {
            it.execute_batch("SAVEPOINT rehearsal")?;
            let taken = editing::take_over(it, (whose, at), file, how)?;
            if how.rehearse {
                it.execute_batch("ROLLBACK TO rehearsal")?;
            }
            it.execute_batch("RELEASE rehearsal")?;
            Ok::<_, StoreError>(taken)
        })
    }
}

impl SqliteStore {
    /// What was written once and then overwritten is in the log twice.
    fn erased(&mut self, erased: bool) -> Result<Erased, StoreError> {
        let log_emptied = erased && self.empty_log()?;
        Ok(Erased { erased, log_emptied })
    }
}
