//! Distilling: choosing what to distil next, and keeping the observations together with the mark on what they cover.

use crate::columns::word;
use crate::history::{self, Weight};
use crate::knowledge;
use domain::conversation::RecordedMessage;
use domain::ids::SessionId;
use domain::knowledge::{KnowledgeEntry, Observation};
use domain::time::UnixMillis;
use rusqlite::{Row, Transaction, params};

/// How many of a session's newest observations the curator sees.
const RECENT_OBSERVATIONS: u32 = 100;
/// How many of a session's newest undistilled messages the curator sees.
const RECENT_MESSAGES: u32 = 40;
/// How many of a project's entries the curator sees, the last changed first.
const KNOWN_ENTRIES: u32 = 200;

/// What the curator works from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CurationMaterial {
    /// The session's newest observations, oldest first.
    pub observations: Vec<Observation>,
    /// The session's newest undistilled messages, oldest first.
    pub messages: Vec<RecordedMessage>,
    /// What is already known of the same principal's same project, the last changed first. Only these may be changed.
    pub entries: Vec<KnowledgeEntry>,
}

/// The next messages to distil, oldest first.
pub(crate) fn pending(
    transaction: &Transaction<'_>,
    session: &SessionId,
    at_most_tokens: u64,
) -> rusqlite::Result<Vec<RecordedMessage>> {
    let length = segment(&history::pending_weights(transaction, session)?, at_most_tokens);
    history::oldest_pending(transaction, session, length)
}

/// How many of the leading `weights` make a segment of at most so many tokens, but at least one message. A tool's results
/// stay with the message that called it, as long as they fit together; a call that waits for its result is left to wait, as
/// long as there is something else.
fn segment(weights: &[Weight], at_most_tokens: u64) -> usize {
    let exchanges: Vec<&[Weight]> = weights.chunk_by(|_, next| next.from_tool).collect();
    let sizes = exchanges.iter().map(|exchange| exchange.iter().map(|weight| weight.tokens).sum());
    let fitting = leading(sizes, at_most_tokens);
    let Some(first) = exchanges.first() else { return 0 };
    if fitting == 0 {
        return leading(first.iter().map(|weight| weight.tokens), at_most_tokens).max(1);
    }
    let waits = fitting == exchanges.len() && weights.last().is_some_and(|last| last.calls_tool);
    let taken = if waits && fitting > 1 { fitting - 1 } else { fitting };
    exchanges[..taken].iter().map(|exchange| exchange.len()).sum()
}

/// How many of the leading `sizes` fit into `room`.
fn leading(sizes: impl Iterator<Item = u64>, room: u64) -> usize {
    let total = |sum: &mut u64, size: u64| {
        *sum = sum.saturating_add(size);
        (*sum <= room).then_some(())
    };
    sizes.scan(0, total).count()
}

/// Writes `lines` and marks `sources` as covered, or does nothing at all when one of the sources is covered already or is
/// not of this session: then somebody else did the work.
pub(crate) fn store(
    transaction: &Transaction<'_>,
    session: &SessionId,
    sources: &[i64],
    lines: &[String],
    at: UnixMillis,
) -> rusqlite::Result<Vec<Observation>> {
    if sources.is_empty() || !all_pending(transaction, session, sources)? {
        return Ok(Vec::new());
    }
    let sql = "INSERT INTO distillation (session, at) VALUES (?1, ?2)";
    transaction.prepare_cached(sql)?.execute(params![session.as_str(), at.0])?;
    let distillation = transaction.last_insert_rowid();
    mark(transaction, sources, distillation)?;
    let lines = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    lines.map(|line| write(transaction, session, distillation, line, at)).collect()
}

fn all_pending(
    transaction: &Transaction<'_>,
    session: &SessionId,
    sources: &[i64],
) -> rusqlite::Result<bool> {
    for source in sources {
        if !history::is_pending(transaction, session, *source)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn mark(transaction: &Transaction<'_>, sources: &[i64], distillation: i64) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached("UPDATE message SET distillation = ?2 WHERE id = ?1")?;
    sources.iter().try_for_each(|source| statement.execute([*source, distillation]).map(drop))
}

fn write(
    transaction: &Transaction<'_>,
    session: &SessionId,
    distillation: i64,
    line: &str,
    at: UnixMillis,
) -> rusqlite::Result<Observation> {
    let sql = "INSERT INTO observation (session, distillation, at, text) VALUES (?1, ?2, ?3, ?4)";
    transaction.prepare_cached(sql)?.execute(params![session.as_str(), distillation, at.0, line])?;
    Ok(Observation {
        id: transaction.last_insert_rowid(),
        session: session.clone(),
        text: line.to_owned(),
        at,
    })
}

/// The newest `limit` observations of a session, oldest first.
pub(crate) fn newest(
    transaction: &Transaction<'_>,
    session: &SessionId,
    limit: u32,
) -> rusqlite::Result<Vec<Observation>> {
    let sql = "SELECT * FROM (SELECT id, session, text, at FROM observation WHERE session = ?1
        ORDER BY id DESC LIMIT ?2) ORDER BY id";
    transaction.prepare_cached(sql)?.query_map(params![session.as_str(), limit], observation)?.collect()
}

fn observation(row: &Row<'_>) -> rusqlite::Result<Observation> {
    Ok(Observation {
        id: row.get("id")?,
        session: word(row, "session")?,
        text: row.get("text")?,
        at: UnixMillis(row.get("at")?),
    })
}

/// What the curator needs to see; nothing for a session that is not known.
pub(crate) fn curation_material(
    transaction: &Transaction<'_>,
    session: &SessionId,
) -> rusqlite::Result<CurationMaterial> {
    let Some(place) = knowledge::Place::of(transaction, session)? else {
        return Ok(CurationMaterial::default());
    };
    Ok(CurationMaterial {
        observations: newest(transaction, session, RECENT_OBSERVATIONS)?,
        messages: history::newest_pending(transaction, session, RECENT_MESSAGES)?,
        entries: knowledge::at_place(transaction, &place, KNOWN_ENTRIES)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(tokens: u64) -> Weight {
        Weight { tokens, calls_tool: false, from_tool: false }
    }

    fn call(tokens: u64) -> Weight {
        Weight { calls_tool: true, ..said(tokens) }
    }

    fn result(tokens: u64) -> Weight {
        Weight { from_tool: true, ..said(tokens) }
    }

    #[test]
    fn a_segment_fills_up_to_its_limit_and_no_further() {
        let weights = [said(4), said(4), said(4)];
        assert_eq!(segment(&weights, 8), 2);
        assert_eq!(segment(&weights, 11), 2);
        assert_eq!(segment(&weights, 12), 3);
        assert_eq!(segment(&[], 12), 0);
    }

    #[test]
    fn a_segment_has_at_least_one_message() {
        assert_eq!(segment(&[said(50), said(1)], 8), 1);
        assert_eq!(segment(&[said(u64::MAX), said(u64::MAX)], 8), 1);
    }

    #[test]
    fn a_result_stays_with_its_call_as_long_as_both_fit() {
        let weights = [said(2), call(2), result(2), result(2), said(2)];
        assert_eq!(segment(&weights, 7), 1);
        assert_eq!(segment(&weights, 8), 4);
        assert_eq!(segment(&weights[1..], 5), 2, "the exchange alone is too much, so it must be parted");
    }

    #[test]
    fn an_open_call_waits_for_its_result_unless_it_is_all_there_is() {
        assert_eq!(segment(&[said(1), call(1), result(1), call(1)], 9), 3);
        assert_eq!(segment(&[call(1)], 9), 1);
    }
}
