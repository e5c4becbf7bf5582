//! Which entry of this database comes from where, and what is left of those that are gone (docs/adr/0022).

use crate::columns::{Word, word};
use crate::knowledge::{is_taken, next_id};
use domain::ids::{KnowledgeId, Principal};
use domain::origin::Origin;
use domain::resemblance::{Print, Relation};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

/// What is left of an entry that is gone.
pub(super) struct Grave {
    /// Under which id.
    pub(super) id: KnowledgeId,
    /// Whether a person forgot it: then it may come again if that is asked for.
    pub(super) is_forgotten: bool,
    origin: Origin,
    print: Vec<u8>,
}

impl Grave {
    /// Whether it is that of an entry which says this. Of one that left no words it cannot be told; then nothing comes back.
    fn may_have_said(&self, (title, content): (&str, &str)) -> bool {
        let print = Print::from_bytes(&self.print);
        self.print.is_empty() || print.relation(&Print::of(title, content)) == Relation::Same
    }
}

/// The entry that comes from there.
pub(super) fn entry_from(
    transaction: &Transaction<'_>,
    whose: &Principal,
    origin: &Origin,
) -> rusqlite::Result<Option<KnowledgeId>> {
    let sql = "SELECT id FROM knowledge WHERE principal = ?1 AND origin = ?2";
    let from = params![whose.as_str(), Word(origin)];
    transaction.prepare_cached(sql)?.query_row(from, |row| word(row, "id")).optional()
}

/// What is left of the entry that came from there. A grave of which nothing is known but an id is its own if both say the same.
pub(super) fn grave_from(
    transaction: &Transaction<'_>,
    whose: &Principal,
    origin: &Origin,
    says: (&str, &str),
) -> rusqlite::Result<Option<Grave>> {
    let sql = "SELECT * FROM tombstone WHERE principal = ?1 AND origin IN (?2, ?3) ORDER BY origin = ?2 DESC";
    let mut statement = transaction.prepare_cached(sql)?;
    let asked = params![whose.as_str(), Word(origin), origin.id().as_str()];
    let graves: Vec<Grave> = statement.query_map(asked, grave)?.collect::<Result<_, _>>()?;
    Ok(graves.into_iter().find(|grave| grave.origin == *origin || grave.may_have_said(says)))
}

/// What is left of the entry that had this id here, as far as it may have said this.
pub(super) fn grave_called(
    transaction: &Transaction<'_>,
    whose: &Principal,
    id: &KnowledgeId,
    says: (&str, &str),
) -> rusqlite::Result<Option<Grave>> {
    let sql = "SELECT * FROM tombstone WHERE principal = ?1 AND id = ?2";
    let called = params![whose.as_str(), id.as_str()];
    let found = transaction.prepare_cached(sql)?.query_row(called, grave).optional()?;
    Ok(found.filter(|grave| grave.may_have_said(says)))
}

fn grave(row: &Row<'_>) -> rusqlite::Result<Grave> {
    Ok(Grave {
        id: word(row, "id")?,
        is_forgotten: row.get("forgotten")?,
        origin: word(row, "origin")?,
        print: row.get("print")?,
    })
}

/// What was forgotten comes again.
pub(super) fn lift(transaction: &Transaction<'_>, grave: &Grave) -> rusqlite::Result<()> {
    let sql = "DELETE FROM tombstone WHERE id = ?1 AND forgotten";
    transaction.prepare_cached(sql)?.execute([grave.id.as_str()]).map(drop)
}

/// This id, if no entry has or had it here and one may have it; else the next one.
pub(super) fn free_id(transaction: &Transaction<'_>, wanted: &KnowledgeId) -> rusqlite::Result<KnowledgeId> {
    let is_free = wanted.check().is_ok() && !is_taken(transaction, wanted.as_str())?;
    if is_free { Ok(wanted.clone()) } else { next_id(transaction) }
}
