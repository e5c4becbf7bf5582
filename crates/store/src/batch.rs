//! What lies in providers' batches over a restart, and what was on its way into one.

use crate::columns::{Count, Word, count, word};
use crate::yours::forgetting::is_forgotten;
use domain::ids::{BatchId, BatchMark, Principal, SessionId};
use domain::provider::{Dialect, Provider, UpstreamKey};
use domain::time::UnixMillis;
use rusqlite::{Params, Row, Transaction, params};

/// A batch, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBatch {
    /// Our name for it.
    pub mark: BatchMark,
    /// The provider's; none as long as nobody heard that it was taken in.
    pub id: Option<BatchId>,
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
    /// For which session; none when that is forgotten.
    pub session: Option<SessionId>,
    /// Of the session.
    pub model: String,
    /// The ids of the messages that it covers; none when they are forgotten.
    pub sources: Vec<i64>,
    /// How long they are as the model sees them, in bytes.
    pub size: u64,
}

/// Keeps a batch, in place of one of the same mark. Of a session that was forgotten meanwhile only the place is kept.
pub(crate) fn keep(transaction: &Transaction<'_>, batch: &KeptBatch) -> rusqlite::Result<()> {
    forget(transaction, &batch.mark)?;
    let sql = "INSERT INTO batch (mark, id, principal, provider, origin, dialect, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    transaction.prepare_cached(sql)?.execute(params![
        Word(&batch.mark),
        batch.id.as_ref().map(BatchId::as_str),
        Word(&batch.principal),
        Word(batch.upstream.provider()),
        batch.upstream.origin(),
        Word(batch.dialect),
        batch.at.0
    ])?;
    let sql = "INSERT INTO batch_item (batch, place, session, model, sources, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut statement = transaction.prepare_cached(sql)?;
    for (place, item) in (0_u64..).zip(&batch.items) {
        let KeptItem { session, model, sources, size } = as_known(transaction, item.clone())?;
        let (session, sources) = (session.as_ref().map_or("", SessionId::as_str), listed(&sources)?);
        statement.execute(params![Word(&batch.mark), Count(place), session, model, sources, Count(size)])?;
    }
    Ok(())
}

fn as_known(transaction: &Transaction<'_>, item: KeptItem) -> rusqlite::Result<KeptItem> {
    match &item.session {
        Some(session) if is_forgotten(transaction, session)? => {
            Ok(KeptItem { session: None, model: item.model, sources: Vec::new(), size: 0 })
        }
        _ => Ok(item),
    }
}

/// The calls of sessions that go are still answered and paid for, so their places stay. `which` is a condition.
pub(crate) fn make_anonymous(
    transaction: &Transaction<'_>,
    which: &str,
    params: impl Params,
) -> rusqlite::Result<()> {
    let sql = format!("UPDATE batch_item SET session = '', sources = '[]', size = 0 WHERE {which}");
    transaction.prepare_cached(&sql)?.execute(params).map(drop)
}

/// Forgets a batch.
pub(crate) fn forget(transaction: &Transaction<'_>, mark: &BatchMark) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM batch WHERE mark = ?1")?.execute([mark.as_str()]).map(drop)
}

/// All batches, the oldest first. One that cannot be read is not to keep the others from being read.
pub(crate) fn all(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<KeptBatch>> {
    let mut statement = transaction.prepare_cached("SELECT * FROM batch ORDER BY at, mark")?;
    let batches = statement.query_map([], |row| Ok(batch(row).ok().flatten()))?;
    let batches: Vec<KeptBatch> = batches.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    batches.into_iter().map(|batch| with_items(transaction, batch)).collect()
}

fn batch(row: &Row<'_>) -> rusqlite::Result<Option<KeptBatch>> {
    let (id, origin): (Option<String>, String) = (row.get("id")?, row.get("origin")?);
    let upstream = UpstreamKey::new(word::<Provider>(row, "provider")?, &origin);
    let (mark, principal, dialect) = (word(row, "mark")?, word(row, "principal")?, word(row, "dialect")?);
    let (at, items) = (UnixMillis(row.get("at")?), Vec::new());
    let id = match id.as_deref().map(BatchId::read) {
        Some(None) => return Ok(None),
        id => id.flatten(),
    };
    Ok(Some(KeptBatch { mark, id, principal, upstream, dialect, at, items }))
}

fn with_items(transaction: &Transaction<'_>, batch: KeptBatch) -> rusqlite::Result<KeptBatch> {
    let sql = "SELECT * FROM batch_item WHERE batch = ?1 ORDER BY place";
    let items =
        transaction.prepare_cached(sql)?.query_map([batch.mark.as_str()], item)?.collect::<Result<_, _>>()?;
    Ok(KeptBatch { items, ..batch })
}

fn item(row: &Row<'_>) -> rusqlite::Result<KeptItem> {
    let sources: String = row.get("sources")?;
    Ok(KeptItem {
        session: Some(word(row, "session")?).filter(|session: &SessionId| !session.as_str().is_empty()),
        model: row.get("model")?,
        // What covers nothing keeps nothing, and the work is pending as before.
        sources: serde_json::from_str(&sources).unwrap_or_default(),
        size: count(row, "size")?,
    })
}

fn listed(sources: &[i64]) -> rusqlite::Result<String> {
    serde_json::to_string(sources).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
