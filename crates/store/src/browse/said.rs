//! Messages for a page: the beginning of each, so that a page of the longest ones is still one.

use crate::columns::{count, word};
use crate::history;
use domain::conversation::{RecordedMessage, Role};
use domain::ids::SessionId;
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

/// The longest excerpt, in bytes.
pub const LONGEST_EXCERPT: usize = 2_000;

/// The beginning of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// Its number; it only rises within a session.
    pub id: i64,
    /// Who spoke.
    pub role: Role,
    /// The text, or at most [`LONGEST_EXCERPT`] bytes of it.
    pub text: String,
    /// How many bytes of the text are left out.
    pub left_out: usize,
    /// Estimated tokens of the whole.
    pub tokens: u64,
    /// When it was recorded.
    pub at: UnixMillis,
    /// Whether an observation covers it.
    pub distilled: bool,
    /// Whether a tool's answer is in it.
    pub from_tool: bool,
}

/// The last `most` messages before the number `before`, oldest first.
pub(super) fn excerpts(
    transaction: &Transaction<'_>,
    session: &SessionId,
    before: Option<i64>,
    most: u32,
) -> rusqlite::Result<Vec<Excerpt>> {
    let sql = format!(
        "SELECT {} FROM message WHERE session = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
        history::COLUMNS
    );
    let before = before.unwrap_or(i64::MAX);
    let mut statement = transaction.prepare_cached(&sql)?;
    let mut found: Vec<Excerpt> =
        statement.query_map(params![session.as_str(), before, most], excerpt)?.collect::<Result<_, _>>()?;
    found.reverse();
    Ok(found)
}

fn excerpt(row: &Row<'_>) -> rusqlite::Result<Excerpt> {
    let whole = row.get_ref("text")?.as_str()?;
    let text = &whole[..whole.floor_char_boundary(LONGEST_EXCERPT)];
    Ok(Excerpt {
        id: row.get("id")?,
        role: word(row, "role")?,
        text: text.to_owned(),
        left_out: whole.len() - text.len(),
        tokens: count(row, "tokens")?,
        at: UnixMillis(row.get("at")?),
        distilled: row.get("distilled")?,
        from_tool: row.get("from_tool")?,
    })
}

/// One message as it is kept.
pub(super) fn whole(
    transaction: &Transaction<'_>,
    session: &SessionId,
    id: i64,
) -> rusqlite::Result<Option<RecordedMessage>> {
    let sql = format!("SELECT {} FROM message WHERE session = ?1 AND id = ?2", history::COLUMNS);
    let mut statement = transaction.prepare_cached(&sql)?;
    statement.query_row(params![session.as_str(), id], history::recorded).optional()
}
