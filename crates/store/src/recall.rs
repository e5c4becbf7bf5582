//! Finding again: what was asked ([`question`]), what the word indexes of knowledge, observations and messages find
//! ([`search`]), what means alike ([`nearest`]), what is of a time ([`latest`]), and which of it answers best ([`ranking`] for messages, then all sources together here).

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
use nearest::Nearest;
use question::{Question, any_of};
use ranking::{Ranked, Talk};
use rusqlite::{Transaction, params};
use serde::Serialize;

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
    scope: Scope<'_>,
    (query, near): (&str, Option<&QueryVector>),
    limit: usize,
) -> rusqlite::Result<Vec<Hit>> {
    let hits = found(transaction, scope, (query, near), limit)?;
    search::dated(transaction, hits)
}

fn found(
    transaction: &Transaction<'_>,
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
    let nearest = Nearest::of(transaction, scope, near)?;
    let mut hits = Vec::new();
    for written in search::WRITTEN {
        let found = search::written(transaction, written, scope, &question, limit)?;
        let alike = nearest.best(written.source, limit);
        let found = search::with_alike(transaction, written, found, alike)?;
        let share = |(likeness, hit): (f64, Hit)| (question.share_in(&hit).max(likeness), hit);
        hits.extend(placed(found.into_iter().take(limit).map(share).collect()));
    }
    let mut meanings = question.meanings();
    let talk = search::talk(transaction, scope, (&question, &mut meanings), &nearest)?;
    let ranked = ranking::ranked(&question, &mut meanings, &talk);
    // What stands next to a message of the period may be of another.
    let said = ranked.into_iter().map(|it| (it.share, said(&talk, it)));
    hits.extend(placed(said.filter(|(_, hit)| scope.period.has(hit.at)).take(limit).collect()));
    Ok(together(hits, limit))
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
    use crate::{SqliteStore, StoreError};

    /// What a job finds in a store that has one session, `s`, of which nothing was said yet.
    pub(crate) fn in_a_session<T>(job: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> T {
        let session = "INSERT INTO every_session (id, principal, client, provider, dialect, model, upstream_origin, head, created, last_activity)
            VALUES ('s', 'p', '', '', '', '', '', x'', 1, 1)";
        let done = SqliteStore::in_memory().unwrap().write(|transaction| {
            transaction.execute(session, [])?;
            Ok::<_, StoreError>(job(transaction)?)
        });
        done.unwrap()
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
