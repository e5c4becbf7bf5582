//! What lies in providers' batches over a restart.

use crate::columns::{Count, Word, count, word};
use domain::ids::{BatchId, Principal, SessionId};
use domain::provider::{Dialect, Provider, UpstreamKey};
use domain::time::UnixMillis;
use rusqlite::{Row, Transaction, params};

/// A batch, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBatch {
    /// The provider's name for it.
    pub id: BatchId,
    /// Whose work it is.
    pub principal: Principal,
    /// Where it lies.
    pub upstream: UpstreamKey,
    /// In which shape.
    pub dialect: Dialect,
    /// When it was handed in.
    pub at: UnixMillis,
    /// One a call, in the order of the calls.
    pub items: Vec<KeptItem>,
}

/// One call of a batch, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptItem {
    /// For which session.
    pub session: SessionId,
    /// Of the session.
    pub model: String,
    /// The ids of the messages that it covers.
    pub sources: Vec<i64>,
    /// How long they are as the model sees them, in bytes.
    pub size: u64,
}

/// Keeps a batch, in place of one of the same name.
pub(crate) fn keep(transaction: &Transaction<'_>, batch: &KeptBatch) -> rusqlite::Result<()> {
    forget(transaction, &batch.id)?;
    let sql =
        "INSERT INTO batch (id, principal, provider, origin, dialect, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    transaction.prepare_cached(sql)?.execute(params![
        batch.id.as_str(),
        Word(&batch.principal),
        Word(batch.upstream.provider()),
        batch.upstream.origin(),
        Word(batch.dialect),
        batch.at.0
    ])?;
    let sql = "INSERT INTO batch_item (batch, place, session, model, sources, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut statement = transaction.prepare_cached(sql)?;
    for (place, KeptItem { session, model, sources, size }) in (0_u64..).zip(&batch.items) {
        let (session, sources) = (Word(session), listed(sources)?);
        statement.execute(params![batch.id.as_str(), Count(place), session, model, sources, Count(*size)])?;
    }
    Ok(())
}

/// Forgets a batch.
pub(crate) fn forget(transaction: &Transaction<'_>, id: &BatchId) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM batch WHERE id = ?1")?.execute([id.as_str()]).map(drop)
}

/// All batches, the oldest first. One that cannot be read is not to keep the others from being read.
pub(crate) fn all(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<KeptBatch>> {
    let mut statement = transaction.prepare_cached("SELECT * FROM batch ORDER BY at, id")?;
    let batches = statement.query_map([], |row| Ok(batch(row).ok().flatten()))?;
    let batches: Vec<KeptBatch> = batches.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    batches.into_iter().map(|batch| with_items(transaction, batch)).collect()
}

fn batch(row: &Row<'_>) -> rusqlite::Result<Option<KeptBatch>> {
    let (id, origin): (String, String) = (row.get("id")?, row.get("origin")?);
    let upstream = UpstreamKey::new(word::<Provider>(row, "provider")?, &origin);
    let (principal, dialect) = (word(row, "principal")?, word(row, "dialect")?);
    let (at, items) = (UnixMillis(row.get("at")?), Vec::new());
    Ok(BatchId::read(&id).map(|id| KeptBatch { id, principal, upstream, dialect, at, items }))
}

fn with_items(transaction: &Transaction<'_>, batch: KeptBatch) -> rusqlite::Result<KeptBatch> {
    let sql = "SELECT * FROM batch_item WHERE batch = ?1 ORDER BY place";
    let items =
        transaction.prepare_cached(sql)?.query_map([batch.id.as_str()], item)?.collect::<Result<_, _>>()?;
    Ok(KeptBatch { items, ..batch })
}

fn item(row: &Row<'_>) -> rusqlite::Result<KeptItem> {
    let sources: String = row.get("sources")?;
    Ok(KeptItem {
        session: word(row, "session")?,
        model: row.get("model")?,
        // What covers nothing keeps nothing, and the work is pending as before.
        sources: serde_json::from_str(&sources).unwrap_or_default(),
        size: count(row, "size")?,
    })
}

fn listed(sources: &[i64]) -> rusqlite::Result<String> {
    serde_json::to_string(sources).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
