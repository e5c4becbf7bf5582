//! Finding again: what was asked ([`question`]), what the word indexes of knowledge, observations and messages find
//! ([`search`]), what means alike ([`nearest`]), what is of a time ([`latest`]), and which of it answers best ([`ranking`] for messages, then all sources together here).

mod aside;
mod dates;
mod draw;
mod excerpt;
mod language;
mod latest;
mod lexicon;
mod meaning;
mod nearest;
mod phrase;
mod pool;
mod question;
mod ranking;
mod scope;
mod search;
mod shortlist;
mod spelling;
mod spoken;
mod vocabulary;

use domain::ids::SessionId;
use domain::time::UnixMillis;
use domain::vector::QueryVector;
use meaning::Meanings;
use nearest::{Asked, Nearest};
use question::{Question, any_of};
use ranking::{Passage, Ranked, Talk};
use rusqlite::{Transaction, params};
use serde::Serialize;

pub(crate) use aside::Aside;
pub use scope::{Period, Scope};

/// The most hits of one search.
pub const MOST_HITS: usize = 100;

/// How little it counts to be first rather than second (Cormack, Clarke and Buettcher, *Reciprocal Rank Fusion*, 2009).
const EVENNESS: f64 = 60.0;

/// Where a hit was found, the best source first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A curated entry.
    Knowledge,
    /// What the distiller wrote.
    Observation,
    /// What was said.
    Message,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// Where.
    pub source: Source,
    /// The entry's id, or the number of the observation or message.
    pub id: String,
    /// The session it came from.
    pub session: Option<SessionId>,
    /// An entry's title.
    pub title: Option<String>,
    /// The text; of a message the part around the words.
    pub text: String,
    /// How well it fits beside the other hits of the same search, from 0 to 1: the share of the words that it has, less with
    /// each place further down among those of its source.
    pub score: f64,
    /// When it was said: of an observation the last message that it is of, of an entry its last version.
    pub at: UnixMillis,
}

/// What fits `query`, the best first, of all sources together; of two that fit alike, knowledge before observations before
/// messages. Of a query that tells nothing, what is of the scope's period, the latest first.
pub(crate) fn recall(
    transaction: &Transaction<'_>,
    aside: Aside<'_>,
    scope: Scope<'_>,
    (query, near): (&str, Option<&QueryVector>),
    limit: usize,
) -> rusqlite::Result<Vec<Hit>> {
    let hits = found(transaction, aside, scope, (query, near), limit)?;
    search::dated(transaction, hits)
}

fn found(
    transaction: &Transaction<'_>,
    mut aside: Aside<'_>,
    scope: Scope<'_>,
    (query, near): (&str, Option<&QueryVector>),
    limit: usize,
) -> rusqlite::Result<Vec<Hit>> {
    let question = Question::read(query, || spoken::language(transaction, scope))?;
    let limit = limit.clamp(1, MOST_HITS);
    if !scope.period.is_open() && question.tells_nothing() {
        return latest::hits(transaction, scope, limit);
    }
    if question.is_empty() {
        return Ok(Vec::new());
    }
    let question = question.completed(query, |words, most| texts_with(transaction, words, most))?;
    let mut meanings = question.meanings();
    // Asked first, so that whatever means alike was there when the words were looked for, or else is newer.
    let asked = Asked::of(transaction, near)?;
    let (by_words, nearest) = aside.both(
        transaction,
        || ByWords::of(transaction, scope, (&question, &mut meanings), limit),
        |transaction| Nearest::of(transaction, scope, asked),
    )?;
    let mut hits = what_is_written(transaction, &question, (by_words.written, &nearest), limit)?;
    let mut talk = search::talk(transaction, by_words.passages, &nearest)?;
    let (readings, likeness) = aside.both(
        transaction,
        || Ok(ranking::readings(&talk.passages, &mut meanings)),
        |transaction| nearest.among(transaction, &talk.passages),
    )?;
    talk.likeness = likeness;
    let ranked = ranking::ranked(&question, &readings, &talk);
    // What stands next to a message of the period may be of another.
    let said = ranked.into_iter().map(|it| (it.share, said(&talk, it)));
    hits.extend(placed(said.filter(|(_, hit)| scope.period.has(hit.at)).take(limit).collect()));
    Ok(together(hits, limit))
}

/// What has words of the question and what means alike, of what is written of sessions.
fn what_is_written(
    transaction: &Transaction<'_>,
    question: &Question,
    (by_words, nearest): ([Vec<Hit>; 2], &Nearest<'_>),
    limit: usize,
) -> rusqlite::Result<Vec<Hit>> {
    let mut hits = Vec::new();
    for (written, found) in search::WRITTEN.into_iter().zip(by_words) {
        let alike = nearest.best(written.source, limit);
        let found = search::with_alike(transaction, written, found, alike)?;
        let share = |(likeness, hit): (f64, Hit)| (question.share_in(&hit).max(likeness), hit);
        hits.extend(placed(found.into_iter().take(limit).map(share).collect()));
    }
    Ok(hits)
}

/// What has words of the question.
struct ByWords {
    /// As [`search::WRITTEN`] stands.
    written: [Vec<Hit>; 2],
    passages: Vec<Passage>,
}

impl ByWords {
    fn of(
        transaction: &Transaction<'_>,
        scope: Scope<'_>,
        (question, meanings): (&Question, &mut Meanings<'_>),
        limit: usize,
    ) -> rusqlite::Result<Self> {
        let [entries, observations] =
            search::WRITTEN.map(|it| search::written(transaction, it, scope, question, limit));
        let passages = pool::passages(transaction, scope, question, meanings)?;
        Ok(Self { written: [entries?, observations?], passages })
    }
}

/// The hits of all sources, the best first.
fn together(mut hits: Vec<Hit>, limit: usize) -> Vec<Hit> {
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.source.cmp(&b.source)));
    hits.truncate(limit);
    hits
}

/// In how many texts one of these words is; it is not counted further than `most`.
fn texts_with(transaction: &Transaction<'_>, words: &[String], most: u32) -> rusqlite::Result<u32> {
    let mut texts = 0;
    for index in ["message_words", "observation_words", "knowledge_words"] {
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {index} WHERE {index} MATCH ?1 LIMIT ?2)");
        let found = params![any_of(words), most - texts];
        texts += transaction.prepare_cached(&sql)?.query_row(found, |row| row.get::<_, u32>(0))?;
        if texts >= most {
            break;
        }
    }
    Ok(texts)
}

/// Scores the hits of one source, which come in their order with their shares of the words, so that the order stays: what
/// stands behind a hit that has all the words is never held to have more of them.
fn placed(hits: Vec<(f64, Hit)>) -> Vec<Hit> {
    let (mut placed, mut best) = (Vec::with_capacity(hits.len()), 0.0_f64);
    for (place, (share, hit)) in hits.into_iter().enumerate().rev() {
        best = best.max(share);
        placed.push(Hit { score: best * (EVENNESS + 1.0) / (EVENNESS + 1.0 + place as f64), ..hit });
    }
    placed.reverse();
    placed
}

fn said(talk: &Talk, ranked: Ranked) -> Hit {
    let passage = &talk.passages[ranked.passage];
    Hit {
        source: Source::Message,
        id: passage.id.to_string(),
        session: Some(passage.session.clone()),
        title: None,
        text: passage.text.clone(),
        score: 0.0,
        at: passage.at,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{SqliteStore, Store as _, StoreError};
    use domain::vector::{ModelName, Vector};

    const SESSION: &str = "INSERT INTO every_session (id, principal, client, provider, dialect, model, upstream_origin, head, created, last_activity)
        VALUES ('s', 'p', '', '', '', '', '', x'', 1, 1)";

    /// What a job finds in a store that has one session, `s`, of which nothing was said yet.
    pub(crate) fn in_a_session<T>(job: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> T {
        let done = SqliteStore::in_memory().unwrap().write(|transaction| {
            transaction.execute(SESSION, [])?;
            Ok::<_, StoreError>(job(transaction)?)
        });
        done.unwrap()
    }

    /// Says something with a vector, each third time of another matter.
    fn say(transaction: &Transaction<'_>, number: i64) -> rusqlite::Result<()> {
        let text = if number % 3 == 0 { "the weir" } else { "the mill" };
        transaction.execute(
            "INSERT INTO message (id, session, digest, role, tokens, calls_tool, from_tool, at, text)
            VALUES (?1, 's', x'', 'user', 1, 0, 0, ?1, ?2)",
            params![number, text],
        )?;
        let vector = Vector::of(&[1.0, number as f32 / 100.0]);
        let sql = "INSERT INTO vector VALUES ('s', 'message', ?1, 0, 1, ?2)";
        transaction.execute(sql, params![number, vector.as_bytes()])?;
        transaction
            .execute("INSERT OR IGNORE INTO sketch VALUES ('s', 'message', ?1 / 256, 1, x'')", [number])?;
        Ok(())
    }

    /// A store with a session of so many messages, a reader of it, and its folder.
    fn talked(messages: i64) -> (SqliteStore, SqliteStore, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, reader) = SqliteStore::open_pair(folder.path()).unwrap();
        let filled = writer.write(|transaction| {
            transaction.execute(SESSION, [])?;
            transaction.execute("INSERT INTO embedding_model (number, name) VALUES (1, zeroblob(32))", [])?;
            (1..=messages).try_for_each(|number| say(transaction, number))
        });
        filled.unwrap();
        (writer, reader, folder)
    }

    fn near() -> QueryVector {
        QueryVector { model: ModelName([0; 32]), vector: Vector::of(&[1.0, 0.0]) }
    }

    #[test]
    fn two_looks_at_once_find_what_one_after_the_other_does() {
        let (mut writer, mut reader, _folder) = talked(60);
        let near = near();
        let at_once = reader.recall_near(Scope::default(), "mill", Some(&near), 30).unwrap();
        let asked = ("mill", Some(&near));
        let in_turn = |it: &Transaction<'_>| recall(it, Aside::default(), Scope::default(), asked, 30);
        assert_eq!(at_once, reader.read(in_turn).unwrap());
        assert!(at_once.iter().any(|hit| hit.text == "the weir"), "what means alike is found, too");
        writer.write(|it| say(it, 61)).unwrap();
        let later = reader.recall_near(Scope::default(), "mill", Some(&near), 100).unwrap();
        assert!(later.iter().any(|hit| hit.id == "61"), "and what is new the next time");
    }

    #[test]
    fn what_is_said_while_a_question_is_answered_is_left_for_the_next_one() {
        let (mut writer, mut reader, folder) = talked(3);
        let mut second = crate::database::open_for_reading(&folder.path().join("stillroom.db")).unwrap();
        let near = near();
        let found = reader.read(|transaction| {
            let said =
                |it: &Transaction<'_>| it.query_row("SELECT count(*) FROM message", [], |row| row.get(0));
            assert_eq!(said(transaction), Ok(3));
            writer.write(|it| say(it, 4)).unwrap();
            recall(transaction, Aside::at(Some(&mut second)), Scope::default(), ("mill", Some(&near)), 9)
        });
        let mut ids: Vec<_> = found.unwrap().into_iter().map(|hit| hit.id).collect();
        ids.sort();
        assert_eq!(ids, ["1", "2", "3"]);
    }

    #[test]
    fn a_source_keeps_its_order_whatever_share_of_the_words_each_hit_has() {
        let hit = |id: &str| Hit {
            source: Source::Message,
            id: id.to_owned(),
            session: None,
            title: None,
            text: String::new(),
            score: 0.0,
            at: UnixMillis(0),
        };
        let placed = placed(vec![(0.5, hit("a")), (1.0, hit("b")), (0.25, hit("c"))]);
        assert!(placed.is_sorted_by(|one, next| one.score > next.score), "{placed:?}");
        assert_eq!(placed.iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
