//! What whoever asks has said lately, for the language that they speak.

use super::language::Language;
use super::scope::{OF_SESSIONS, Scope};
use rusqlite::{Transaction, params};

/// So many messages tell it.
const MESSAGES: usize = 16;
/// So much is read of each, in characters.
const BEGINNING: usize = 200;
/// They are looked for among so many of the newest of all, so that it takes no longer in a store that is full of others'.
const AMONG: usize = 2_000;

/// The language of what was said in a scope, if it tells: of what people said, not of what tools put out or models answered.
pub(super) fn language(
    transaction: &Transaction<'_>,
    scope: Scope<'_>,
) -> rusqlite::Result<Option<Language>> {
    let sql = format!(
        "SELECT substr(text, 1, ?5) FROM message CROSS JOIN session ON session.id = message.session
        WHERE message.id > (SELECT ifnull(max(id), 0) FROM message) - ?6 AND role = 'user' AND NOT from_tool AND {OF_SESSIONS}
        ORDER BY message.id DESC LIMIT ?7"
    );
    // Whenever it was said.
    let (principal, project, since, until) = scope.values();
    let (beginning, among, messages) = (BEGINNING as i64, AMONG as i64, MESSAGES as i64);
    let values = params![principal, project, since, until, beginning, among, messages];
    let said: Vec<String> = transaction
        .prepare_cached(&sql)?
        .query_map(values, |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Language::of_said(&said))
}
