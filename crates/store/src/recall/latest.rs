//! What is of a period, whatever its words: for who asks what was done, and not about what.

use super::scope::{OBSERVED, OF_ENTRIES, Scope, in_period, latest_sessions};
use super::search::hit;
use super::{Hit, Source, placed, together};
use rusqlite::{Transaction, params};

/// So much of a message is shown, in characters.
const BEGINNING: usize = 400;

/// Entries and observations that were written in the scope's period, and what people said in it; of each the latest first, and of all of
/// them first the latest of each.
pub(super) fn hits(
    transaction: &Transaction<'_>,
    scope: Scope<'_>,
    limit: usize,
) -> rusqlite::Result<Vec<Hit>> {
    let entries = format!(
        "SELECT id, session, title, content AS text, updated AS at FROM knowledge
        WHERE {OF_ENTRIES} AND {} ORDER BY updated DESC, number DESC LIMIT ?5",
        in_period("updated")
    );
    let sessions = latest_sessions();
    let observations = format!(
        "SELECT CAST(id AS TEXT) AS id, session, NULL AS title, text, at
        FROM {sessions} CROSS JOIN observation ON session = used
        WHERE {} ORDER BY {OBSERVED} DESC, observation.id DESC LIMIT ?5",
        in_period(OBSERVED)
    );
    let messages = format!(
        "SELECT CAST(id AS TEXT) AS id, session, NULL AS title, substr(text, 1, {BEGINNING}) AS text, at
        FROM {sessions} CROSS JOIN message ON session = used
        WHERE role = 'user' AND NOT from_tool AND {} ORDER BY at DESC, message.id DESC LIMIT ?5",
        in_period("at")
    );
    let lists =
        [(Source::Knowledge, entries), (Source::Observation, observations), (Source::Message, messages)];
    let (principal, project, since, until) = scope.values();
    let mut hits = Vec::new();
    for (source, sql) in lists {
        let mut statement = transaction.prepare_cached(&sql)?;
        let values = params![principal, project, since, until, limit as i64];
        let found = statement.query_map(values, |row| Ok((1.0, hit(source, row)?)))?;
        hits.extend(placed(found.collect::<rusqlite::Result<_>>()?));
    }
    Ok(together(hits, limit))
}
