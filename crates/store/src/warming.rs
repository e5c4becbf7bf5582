//! What holds warming back over a restart: the switch, the sessions' modes, and pauses.

use crate::columns::{Word, word};
use domain::ids::SessionId;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use domain::warming::{Bucket, PauseCause, WarmingMode};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

/// A pause of warming, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPause {
    /// Of which cache; of all warming when none.
    pub bucket: Option<Bucket>,
    /// Why.
    pub cause: PauseCause,
    /// What the provider said, or what was counted.
    pub said: String,
    /// When it ends.
    pub until: UnixMillis,
}

/// What was decided and counted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarmingMemory {
    /// Whether warming is switched on.
    pub on: bool,
    /// Sessions whose mode is not [`WarmingMode::Auto`].
    pub modes: Vec<(SessionId, WarmingMode)>,
    /// Pauses that have not ended.
    pub pauses: Vec<KeptPause>,
    /// How many warm-ups were paid for last, at most as many as were asked for, none from before the last pause of all warming.
    pub refreshes: u32,
    /// How many returns used a warm cache since the first of those.
    pub returns: u32,
}

/// Everything that was kept, looking back at most `watched` warm-ups.
pub(crate) fn memory(
    transaction: &Transaction<'_>,
    watched: u32,
    now: UnixMillis,
) -> rusqlite::Result<WarmingMemory> {
    let (refreshes, returns) = track(transaction, watched)?;
    Ok(WarmingMemory {
        on: is_on(transaction)?,
        modes: modes(transaction)?,
        pauses: pauses(transaction, now)?,
        refreshes,
        returns,
    })
}

fn is_on(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    let found = transaction.query_row("SELECT is_on FROM warming_switch", [], |row| row.get(0));
    Ok(found.optional()?.unwrap_or(true))
}

fn modes(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<(SessionId, WarmingMode)>> {
    let mut statement =
        transaction.prepare_cached("SELECT session, mode FROM warming_mode ORDER BY session")?;
    statement.query_map([], |row| Ok((word(row, "session")?, word(row, "mode")?)))?.collect()
}

fn pauses(transaction: &Transaction<'_>, now: UnixMillis) -> rusqlite::Result<Vec<KeptPause>> {
    let sql = "SELECT * FROM warming_pause WHERE until > ?1 ORDER BY session, model, origin";
    transaction.prepare_cached(sql)?.query_map([now.0], pause)?.collect()
}

fn pause(row: &Row<'_>) -> rusqlite::Result<KeptPause> {
    let (session, model, origin): (String, String, String) =
        (row.get("session")?, row.get("model")?, row.get("origin")?);
    let bucket = Bucket { session: SessionId::from(session.as_str()), model, origin };
    Ok(KeptPause {
        bucket: (!session.is_empty()).then_some(bucket),
        cause: word(row, "cause")?,
        said: row.get("said")?,
        until: UnixMillis(row.get("until")?),
    })
}

/// The last warm-ups that were paid for, and the returns since the first of them.
fn track(transaction: &Transaction<'_>, watched: u32) -> rusqlite::Result<(u32, u32)> {
    let sql = "WITH last AS (
            SELECT at FROM ledger WHERE purpose = ?1 AND status BETWEEN 200 AND 299
                AND at > (SELECT coalesce(max(until), 0) FROM warming_pause WHERE session = '')
            ORDER BY at DESC LIMIT ?2)
        SELECT count(*), (SELECT count(*) FROM warm_return WHERE at >= (SELECT min(at) FROM last)) FROM last";
    let mut statement = transaction.prepare_cached(sql)?;
    statement.query_row(params![Word(Purpose::Warm), watched], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Switches all warming. Switched on by a person, it goes on although it had paused.
pub(crate) fn switch(transaction: &Transaction<'_>, on: bool, at: UnixMillis) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO warming_switch (only, is_on, at) VALUES (1, ?1, ?2)";
    transaction.prepare_cached(sql)?.execute(params![on, at.0])?;
    if on {
        let sql = "UPDATE warming_pause SET until = min(until, ?1) WHERE session = ''";
        transaction.prepare_cached(sql)?.execute([at.0])?;
    }
    Ok(())
}

/// Sets a session's mode. Unless it is to stop, its caches are tried again although they had paused.
pub(crate) fn set_mode(
    transaction: &Transaction<'_>,
    session: &SessionId,
    mode: WarmingMode,
    at: UnixMillis,
) -> rusqlite::Result<()> {
    if mode == WarmingMode::Auto {
        transaction
            .prepare_cached("DELETE FROM warming_mode WHERE session = ?1")?
            .execute([session.as_str()])?;
    } else {
        let sql = "INSERT OR REPLACE INTO warming_mode (session, mode, at) VALUES (?1, ?2, ?3)";
        transaction.prepare_cached(sql)?.execute(params![session.as_str(), Word(mode), at.0])?;
    }
    if mode != WarmingMode::Stop {
        transaction
            .prepare_cached("DELETE FROM warming_pause WHERE session = ?1")?
            .execute([session.as_str()])?;
    }
    Ok(())
}

/// The mode of a session.
pub(crate) fn mode(transaction: &Transaction<'_>, session: &SessionId) -> rusqlite::Result<WarmingMode> {
    let sql = "SELECT mode FROM warming_mode WHERE session = ?1";
    let found = transaction.prepare_cached(sql)?.query_row([session.as_str()], |row| word(row, "mode"));
    Ok(found.optional()?.unwrap_or_default())
}

/// Keeps a pause, unless its session was forgotten meanwhile, since it quotes what the provider said of it; and lets go those of single caches that are over at `now`.
pub(crate) fn keep_pause(
    transaction: &Transaction<'_>,
    kept: &KeptPause,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM warming_pause WHERE session <> '' AND until <= ?1")?
        .execute([now.0])?;
    let (session, model, origin) = kept.bucket.as_ref().map_or(("", "", ""), |bucket| {
        (bucket.session.as_str(), bucket.model.as_str(), bucket.origin.as_str())
    });
    let sql = "INSERT OR REPLACE INTO warming_pause (session, model, origin, cause, said, until)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE ?1 NOT IN (SELECT session FROM forgotten)";
    transaction.prepare_cached(sql)?.execute(params![
        session,
        model,
        origin,
        Word(kept.cause),
        kept.said,
        kept.until.0
    ])?;
    Ok(())
}
