//! What was learnt of waits, as text whose meaning is the caller's.

use domain::time::UnixMillis;
use domain::warming::Whose;
use rusqlite::{Row, Transaction, params};

/// The habits of somebody, as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHabits {
    /// Whose.
    pub whose: Whose,
    /// What `counts` means.
    pub shape: u32,
    /// The counts; empty where what is kept is no text.
    pub counts: String,
}

/// All, those that changed last at the end.
pub(crate) fn all(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<KeptHabits>> {
    let sql = "SELECT * FROM habits ORDER BY at, whose, name";
    transaction.prepare_cached(sql)?.query_map([], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeptHabits> {
    let (whose, name): (String, String) = (row.get("whose")?, row.get("name")?);
    let whose = match whose.as_str() {
        "project" => Whose::Project(name.into()),
        "session" => Whose::Session(name.into()),
        _ => Whose::Everybody,
    };
    // A row that cannot be read is not to keep the others from being read.
    let (shape, counts) = (row.get("shape").unwrap_or_default(), row.get("counts").unwrap_or_default());
    Ok(KeptHabits { whose, shape, counts })
}

/// Keeps each in place of what was kept of the same before, but none of a session that was forgotten.
pub(crate) fn keep(
    transaction: &Transaction<'_>,
    all: &[KeptHabits],
    at: UnixMillis,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO habits (whose, name, shape, counts, at) SELECT ?1, ?2, ?3, ?4, ?5
        WHERE ?1 <> 'session' OR ?2 NOT IN (SELECT session FROM forgotten)";
    let mut statement = transaction.prepare_cached(sql)?;
    for KeptHabits { whose, shape, counts } in all {
        let (whose, name) = columns(whose);
        statement.execute(params![whose, name, shape, counts, at.0])?;
    }
    Ok(())
}

/// Forgets these.
pub(crate) fn forget(transaction: &Transaction<'_>, all: &[Whose]) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached("DELETE FROM habits WHERE whose = ?1 AND name = ?2")?;
    all.iter().map(columns).try_for_each(|columns| statement.execute(columns).map(drop))
}

fn columns(whose: &Whose) -> (&'static str, &str) {
    match whose {
        Whose::Everybody => ("everybody", ""),
        Whose::Project(name) => ("project", name.as_str()),
        Whose::Session(name) => ("session", name.as_str()),
    }
}
