//! The messages of a session, each once.
//!
//! Clients send their whole history with every turn, so identity decides what is new. A message is known by its link: the
//! name of the conversation up to and including it. Where a history leaves the known ground (a compaction replaced the
//! beginning, the person edited a message and went on from there), links are all new although most words are not. There a
//! message that was already said, and that stands nowhere else in this history, is taken for the same one and gets a second
//! link. So nothing is stored twice, and "yes" said three times is three messages. Where the last messages stored stand in it in
//! a row (the client leaves out more of the beginning with each turn), what comes behind them is new, whatever it says; and so is
//! what the model has just answered. What a tool answered is known by its place as well ([`Writer::brought`]): clients put a few
//! words in the place of old results, to save room.

use crate::columns::{Count, Word, count, word};
use crate::overlap::{Overlap, Standing};
use domain::conversation::{Digest, Message, Part, RecordedMessage, chained, estimated_tokens};
use domain::ids::SessionId;
use domain::segment::Weight;
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use std::collections::{HashMap, HashSet};

/// The longest text of a message that is kept whole, in bytes; of a longer one the beginning is kept, and a mark.
pub const LONGEST_TEXT: usize = 64 * 1024;

/// How many messages a turn adds.
const TURN: usize = 2;

/// What was said alike in a session, behind a message.
const SAME: &str = "SELECT id FROM message WHERE session = ?1 AND digest = ?2 AND id > ?3 ORDER BY id";

/// The message stored behind another.
const NEXT: &str =
    "SELECT id, digest, from_tool FROM message WHERE session = ?1 AND id > ?2 ORDER BY id LIMIT 1";

/// What came of appending a history.
pub(crate) struct Appended {
    /// How many messages were written.
    pub(crate) new_messages: u32,
    /// The last link, if it was not known before: the conversation went on.
    pub(crate) new_end: Option<Digest>,
}

/// Writes what is new in a history of `session`: what was `asked`, whole from the beginning or as it came since what it `follows`, and
/// what was answered.
pub(crate) fn append(
    transaction: &Transaction<'_>,
    session: &SessionId,
    (follows, asked, answer): (Option<Digest>, &[Message], Option<&Message>),
    at: UnixMillis,
) -> rusqlite::Result<Appended> {
    let messages = asked.iter().chain(answer);
    let names: Vec<_> = messages.clone().map(Message::digest).collect();
    let links: Vec<_> = chained(follows.unwrap_or(Digest::START), names.iter().copied()).collect();
    let known = known_links(transaction, session, &links)?;
    if known == links.len() {
        return Ok(Appended { new_messages: 0, new_end: None });
    }
    let overlap = match follows {
        Some(_) => Overlap::all_new(),
        // A turn that was recorded with the one before it, as nearly always.
        None if known + TURN >= links.len() => Overlap::none(),
        None => {
            let last_known = standing_for(transaction, session, &links[known.saturating_sub(1)..known])?;
            Overlap::find(transaction, session, &names, (known, &last_known))?
        }
    };
    let claimed = Claimed::new(&links[..known], &overlap);
    let mut writer = Writer { transaction, session, at, claimed, passed: HashMap::new(), written: 0 };
    for (place, message) in messages.enumerate().skip(known) {
        let digest = names[place];
        let stored = match overlap.standing(place) {
            Standing::Ahead if place == asked.len() => None,
            Standing::Ahead => match writer.unclaimed(digest)? {
                None => writer.brought(message, place.checked_sub(1).map(|before| links[before]))?,
                stored => stored,
            },
            Standing::Stored(id) => Some(id),
            Standing::Behind => None,
        };
        writer.take(message, (digest, links[place]), stored)?;
    }
    Ok(Appended { new_messages: writer.written, new_end: links.last().copied() })
}

/// How many leading links are in the store. A link is only ever written together with all before it, so the last known one
/// tells, and it is looked for from the end, where it nearly always is. Where messages were dropped because they are old, the end
/// of a turn still tells.
fn known_links(
    transaction: &Transaction<'_>,
    session: &SessionId,
    links: &[Digest],
) -> rusqlite::Result<usize> {
    let mut statement = transaction.prepare_cached(
        "SELECT 1 FROM link WHERE session = ?1 AND link = ?2 UNION ALL SELECT 1 FROM turn WHERE session = ?1 AND link = ?2",
    )?;
    for (index, link) in links.iter().enumerate().rev() {
        if statement.exists(params![session.as_str(), link.0])? {
            return Ok(index + 1);
        }
    }
    Ok(0)
}

/// The stored messages that stand for the known part of a history. They are looked up only once a message is said again,
/// which is rare: a long history has thousands.
struct Claimed<'l> {
    known: &'l [Digest],
    messages: Option<HashSet<i64>>,
}

impl<'l> Claimed<'l> {
    /// Those of the links `known`, or of an `overlap`, if there is one: links that are known to a history without its beginning
    /// are so by chance, because an earlier one began alike.
    fn new(known: &'l [Digest], overlap: &Overlap) -> Self {
        let stored = overlap.stored();
        Self { known, messages: (!stored.is_empty()).then(|| stored.iter().copied().collect()) }
    }

    fn contains(
        &mut self,
        transaction: &Transaction<'_>,
        session: &SessionId,
        message: i64,
    ) -> rusqlite::Result<bool> {
        let messages = match self.messages.take() {
            Some(messages) => messages,
            None => standing_for(transaction, session, self.known)?,
        };
        Ok(self.messages.insert(messages).contains(&message))
    }
}

/// The messages that stand for `links`, those that were not dropped.
fn standing_for(
    transaction: &Transaction<'_>,
    session: &SessionId,
    links: &[Digest],
) -> rusqlite::Result<HashSet<i64>> {
    let mut statement =
        transaction.prepare_cached("SELECT message FROM link WHERE session = ?1 AND link = ?2")?;
    links
        .iter()
        .filter_map(|link| {
            statement.query_row(params![session.as_str(), link.0], |row| row.get(0)).optional().transpose()
        })
        .collect()
}

struct Writer<'t> {
    transaction: &'t Transaction<'t>,
    session: &'t SessionId,
    at: UnixMillis,
    claimed: Claimed<'t>,
    /// Of what was said again in the new part of this history, up to which stored message each stands for one already. Else the same
    /// word said ten thousand times would be looked through ten thousand times.
    passed: HashMap<Digest, i64>,
    written: u32,
}

impl Writer<'_> {
    /// Notes a message of the history, which is `stored` already or new, under its own name and its link.
    fn take(
        &mut self,
        message: &Message,
        (digest, link): (Digest, Digest),
        stored: Option<i64>,
    ) -> rusqlite::Result<()> {
        let id = match stored {
            Some(id) => id,
            None => self.write(message, digest)?,
        };
        self.passed.insert(digest, id);
        let sql = "INSERT INTO link (session, link, message) VALUES (?1, ?2, ?3)";
        self.transaction.prepare_cached(sql)?.execute(params![self.session.as_str(), link.0, id])?;
        Ok(())
    }

    /// The oldest stored message that says the same and stands nowhere else in this history.
    fn unclaimed(&mut self, digest: Digest) -> rusqlite::Result<Option<i64>> {
        let mut statement = self.transaction.prepare_cached(SAME)?;
        let passed = self.passed.get(&digest).copied().unwrap_or_default();
        let same = statement.query_map(params![self.session.as_str(), digest.0, passed], |row| row.get(0))?;
        for id in same {
            let id = id?;
            if !self.claimed.contains(self.transaction, self.session, id)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The stored message that brought what these tools answered before: it stands where this one does, behind what is called `link` in
    /// this history, in a history that is on record.
    fn brought(&self, message: &Message, link: Option<Digest>) -> rusqlite::Result<Option<i64>> {
        let Some(link) = link.filter(|_| message.is_of_tools()) else { return Ok(None) };
        let Some(before) = standing_for(self.transaction, self.session, &[link])?.into_iter().next() else {
            return Ok(None);
        };
        let row = |row: &Row<'_>| Ok((row.get(0)?, Digest(row.get(1)?), row.get(2)?));
        let next: Option<(i64, Digest, bool)> = self
            .transaction
            .prepare_cached(NEXT)?
            .query_row(params![self.session.as_str(), before], row)
            .optional()?;
        let Some((id, digest, true)) = next else { return Ok(None) };
        Ok(self.followed((before, id), digest)?.then_some(id))
    }

    /// Whether the second of two messages, which is called `digest`, stood behind the first in a history.
    fn followed(&self, (first, second): (i64, i64), digest: Digest) -> rusqlite::Result<bool> {
        let sql = "SELECT link FROM link WHERE message = ?1";
        let mut statement = self.transaction.prepare_cached(sql)?;
        let links = statement.query_map([first], |row| Ok(Digest(row.get(0)?).then(digest)))?;
        let behind = standing_for(self.transaction, self.session, &links.collect::<Result<Vec<_>, _>>()?)?;
        Ok(behind.contains(&second))
    }

    fn write(&mut self, message: &Message, digest: Digest) -> rusqlite::Result<i64> {
        let text = kept_text(message);
        let sql = "INSERT INTO message (session, digest, role, tokens, calls_tool, from_tool, at, text)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.transaction.prepare_cached(sql)?.execute(params![
            self.session.as_str(),
            digest.0,
            Word(message.role),
            Count(estimated_tokens(&text)),
            message.parts.iter().any(|part| matches!(part, Part::ToolCall { .. })),
            message.has_tool_result(),
            self.at.0,
            text,
        ])?;
        self.written += 1;
        Ok(self.transaction.last_insert_rowid())
    }
}

pub(crate) fn kept_text(message: &Message) -> String {
    let mut text = message.readable();
    if text.len() > LONGEST_TEXT {
        let end = text.floor_char_boundary(LONGEST_TEXT);
        let left_out = text.len() - end;
        text.truncate(end);
        text.push_str(&format!("\n[cut here: {left_out} more bytes were not kept]"));
    }
    text
}

/// What [`recorded`] reads.
pub(crate) const COLUMNS: &str =
    "id, role, text, tokens, at, distillation IS NOT NULL AS distilled, from_tool";

pub(crate) fn recorded(row: &Row<'_>) -> rusqlite::Result<RecordedMessage> {
    Ok(RecordedMessage {
        id: row.get("id")?,
        role: word(row, "role")?,
        text: row.get("text")?,
        tokens: count(row, "tokens")?,
        at: UnixMillis(row.get("at")?),
        distilled: row.get("distilled")?,
        from_tool: row.get("from_tool")?,
    })
}

/// All messages of a session, oldest first.
pub(crate) fn all(
    transaction: &Transaction<'_>,
    session: &SessionId,
) -> rusqlite::Result<Vec<RecordedMessage>> {
    let sql = format!("SELECT {COLUMNS} FROM message WHERE session = ?1 ORDER BY id");
    transaction.prepare_cached(&sql)?.query_map([session.as_str()], recorded)?.collect()
}

/// The first `limit` undistilled messages, oldest first.
pub(crate) fn oldest_pending(
    transaction: &Transaction<'_>,
    session: &SessionId,
    limit: usize,
) -> rusqlite::Result<Vec<RecordedMessage>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM message WHERE session = ?1 AND distillation IS NULL ORDER BY id LIMIT ?2"
    );
    let limit = Count(limit as u64);
    transaction.prepare_cached(&sql)?.query_map(params![session.as_str(), limit], recorded)?.collect()
}

/// The last `limit` undistilled messages, oldest first.
pub(crate) fn newest_pending(
    transaction: &Transaction<'_>,
    session: &SessionId,
    limit: u32,
) -> rusqlite::Result<Vec<RecordedMessage>> {
    let sql = format!(
        "SELECT * FROM (SELECT {COLUMNS} FROM message WHERE session = ?1 AND distillation IS NULL
            ORDER BY id DESC LIMIT ?2) ORDER BY id"
    );
    transaction.prepare_cached(&sql)?.query_map(params![session.as_str(), limit], recorded)?.collect()
}

/// The weights of all undistilled messages, oldest first; read from an index, without the texts.
pub(crate) fn pending_weights(
    transaction: &Transaction<'_>,
    session: &SessionId,
) -> rusqlite::Result<Vec<Weight>> {
    let sql = "SELECT tokens, at, calls_tool, from_tool FROM message WHERE session = ?1 AND distillation IS NULL ORDER BY id";
    let weight = |row: &Row<'_>| {
        Ok(Weight {
            tokens: count(row, "tokens")?,
            at: UnixMillis(row.get("at")?),
            calls_tool: row.get("calls_tool")?,
            from_tool: row.get("from_tool")?,
        })
    };
    transaction.prepare_cached(sql)?.query_map([session.as_str()], weight)?.collect()
}

/// Whether `message` belongs to `session` and no observation covers it.
pub(crate) fn is_pending(
    transaction: &Transaction<'_>,
    session: &SessionId,
    message: i64,
) -> rusqlite::Result<bool> {
    let sql = "SELECT distillation IS NULL FROM message WHERE id = ?1 AND session = ?2";
    let pending = transaction
        .prepare_cached(sql)?
        .query_row(params![message, session.as_str()], |row| row.get(0))
        .optional()?;
    Ok(pending.unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recall::tests::in_a_session;
    use domain::conversation::Role;
    use rusqlite::StatementStatus;

    /// The steps that the database takes to find out which messages of a history of so many equal ones are known.
    fn steps(equal: usize) -> i32 {
        in_a_session(|transaction| {
            let history = vec![Message::text(Role::User, "go on"); equal];
            let appended = append(transaction, &SessionId::from("s"), (None, &history, None), UnixMillis(1))?;
            assert_eq!(appended.new_messages as usize, equal);
            Ok(transaction.prepare_cached(SAME)?.get_status(StatementStatus::VmStep))
        })
    }

    #[test]
    fn a_word_that_is_said_a_thousand_times_is_not_looked_through_a_thousand_times() {
        let (few, many) = (steps(100), steps(1_000));
        assert!(few > 0 && many <= 12 * few, "{few} steps for 100 and {many} for 1,000");
    }
}
