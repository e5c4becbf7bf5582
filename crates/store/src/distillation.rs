//! Distilling: choosing what to distil next, and keeping the observations together with the mark on what they cover.

use crate::columns::word;
use crate::yours::forgetting::is_forgotten;
use crate::{history, knowledge, session};
use domain::conversation::RecordedMessage;
use domain::ids::SessionId;
use domain::knowledge::{KnowledgeEntry, Observation, unpinned};
use domain::segment::segment;
use domain::time::UnixMillis;
use rusqlite::{Row, Transaction, params};

/// How many of a session's newest observations the curator sees.
const RECENT_OBSERVATIONS: u32 = 100;
/// How many of a session's newest undistilled messages the curator sees.
const RECENT_MESSAGES: u32 = 40;
/// How many of a project's entries the curator sees, the last changed first.
const KNOWN_ENTRIES: u32 = 200;

/// Says that a run covers a message.
const COVER: &str = "UPDATE message SET distillation = ?2 WHERE id = ?1";

/// The generation of what was made of messages.
pub(crate) const FIRST: u32 = 0;

/// What the curator works from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CurationMaterial {
    /// The session's newest observations, oldest first.
    pub observations: Vec<Observation>,
    /// The session's newest undistilled messages, oldest first.
    pub messages: Vec<RecordedMessage>,
    /// What is already known of the same principal's same project, the last changed first. Only these may be changed.
    pub entries: Vec<KnowledgeEntry>,
    /// How many turns since the last curation are in it.
    pub turns: u32,
}

impl CurationMaterial {
    /// Whether nothing was observed or said that could be worth keeping.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.observations.is_empty() && self.messages.is_empty()
    }
}

/// The next messages to distil, oldest first.
pub(crate) fn pending(
    transaction: &Transaction<'_>,
    session: &SessionId,
    at_most_tokens: u64,
    now: UnixMillis,
) -> rusqlite::Result<Vec<RecordedMessage>> {
    let length = segment(&history::pending_weights(transaction, session)?, at_most_tokens, now);
    history::oldest_pending(transaction, session, length)
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
    if sources.is_empty()
        || is_forgotten(transaction, session)?
        || !is_all_pending(transaction, session, sources)?
    {
        return Ok(Vec::new());
    }
    let run = Run::begin(transaction, session, FIRST, at)?;
    run.mark(COVER, sources)?;
    run.write(lines)
}

/// Whether no observation covers any of them, and all are of this session.
pub(crate) fn is_all_pending(
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

/// One run of the distiller, and what it writes.
pub(crate) struct Run<'t> {
    transaction: &'t Transaction<'t>,
    session: &'t SessionId,
    /// How often what it writes was merged.
    generation: u32,
    number: i64,
    at: UnixMillis,
}

impl<'t> Run<'t> {
    pub(crate) fn begin(
        transaction: &'t Transaction<'t>,
        session: &'t SessionId,
        generation: u32,
        at: UnixMillis,
    ) -> rusqlite::Result<Self> {
        let sql = "INSERT INTO distillation (session, at) VALUES (?1, ?2)";
        transaction.prepare_cached(sql)?.execute(params![session.as_str(), at.0])?;
        Ok(Self { transaction, session, generation, number: transaction.last_insert_rowid(), at })
    }

    /// Marks each of `sources` with this run by the statement `sql`.
    pub(crate) fn mark(&self, sql: &str, sources: &[i64]) -> rusqlite::Result<()> {
        let mut statement = self.transaction.prepare_cached(sql)?;
        sources.iter().try_for_each(|source| statement.execute([*source, self.number]).map(drop))
    }

    /// Covers messages of which nothing is made, and says so.
    pub(crate) fn pass_over(&self, sources: &[i64]) -> rusqlite::Result<()> {
        self.mark(COVER, sources)?;
        let sql = "UPDATE distillation SET passed_over = 1 WHERE id = ?1";
        self.transaction.prepare_cached(sql)?.execute([self.number]).map(drop)
    }

    /// Writes the lines that say something.
    pub(crate) fn write(&self, lines: &[String]) -> rusqlite::Result<Vec<Observation>> {
        let lines = lines.iter().map(|line| unpinned(line)).filter(|(line, _)| !line.is_empty());
        lines.map(|(line, pinned)| self.write_one(line, pinned)).collect()
    }

    fn write_one(&self, text: &str, pinned: bool) -> rusqlite::Result<Observation> {
        let sql = "INSERT INTO observation (session, distillation, at, generation, pinned, text)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (session, generation, at) = (self.session.clone(), self.generation, self.at);
        let row = params![session.as_str(), self.number, at.0, generation, pinned, text];
        self.transaction.prepare_cached(sql)?.execute(row)?;
        let (id, text) = (self.transaction.last_insert_rowid(), text.to_owned());
        Ok(Observation { id, session, text, at, generation, pinned })
    }
}

/// The newest `limit` observations of a session that were not merged, those that stand for the oldest messages first.
pub(crate) fn newest(
    transaction: &Transaction<'_>,
    session: &SessionId,
    limit: u32,
) -> rusqlite::Result<Vec<Observation>> {
    let sql = "SELECT * FROM (SELECT id, session, text, at, generation, pinned FROM observation
        WHERE session = ?1 AND merged IS NULL ORDER BY generation, id DESC LIMIT ?2) ORDER BY generation DESC, id";
    transaction.prepare_cached(sql)?.query_map(params![session.as_str(), limit], observation)?.collect()
}

fn observation(row: &Row<'_>) -> rusqlite::Result<Observation> {
    Ok(Observation {
        id: row.get("id")?,
        session: word(row, "session")?,
        text: row.get("text")?,
        at: UnixMillis(row.get("at")?),
        generation: row.get("generation")?,
        pinned: row.get("pinned")?,
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
        turns: session::standing(transaction, session)?.turns_since_curation,
    })
}
