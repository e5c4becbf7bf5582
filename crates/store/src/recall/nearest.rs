//! What means alike. The sketches of the scope's vectors are held against that of the query one by one, so nothing has to be kept in memory; the
//! vectors of the best of them tell how alike they are. What that costs is told in docs/recall.md, and why it is so in docs/adr/0021.

use super::Source;
use super::ranking::{Likeness, Passage};
use super::scope::{MAY_BE_IN_PERIOD, OBSERVED, OF_ENTRIES, OF_SESSIONS, Period, Scope, in_period};
use super::shortlist::Shortlist;
use crate::sketches::{difference, entries, numbers, signs};
use domain::time::UnixMillis;
use domain::vector::QueryVector;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use std::collections::{HashMap, HashSet};

/// How many vectors of messages and observations are looked at for one question: those of the sessions used last.
const LOOKED_AT: usize = 100_000;
/// Of how many of each it is found out how alike they are: those whose sketches differ least.
const COMPARED: usize = 1_000;

/// A text that means something alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    /// Its number.
    pub(super) id: i64,
    /// Its part that is most alike.
    pub(super) part: usize,
    /// How alike that is: a cosine.
    pub(super) likeness: f64,
}

/// What of each source means most alike, the best first.
#[derive(Debug, Default)]
pub(super) struct Nearest<'q> {
    asked: Option<Asked<'q>>,
    entries: Vec<Near>,
    observations: Vec<Near>,
    messages: Vec<Near>,
}

/// A query whose model has made vectors here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'q> {
    query: &'q QueryVector,
    /// The number of its model.
    model: i64,
}

impl<'q> Nearest<'q> {
    /// In a scope; nothing, when there is nothing to hold it against.
    pub(super) fn of(
        transaction: &Transaction<'_>,
        scope: Scope<'_>,
        asked: Option<Asked<'q>>,
    ) -> rusqlite::Result<Self> {
        Self::of_latest(transaction, scope, asked, LOOKED_AT)
    }

    fn of_latest(
        transaction: &Transaction<'_>,
        scope: Scope<'_>,
        asked: Option<Asked<'q>>,
        most: usize,
    ) -> rusqlite::Result<Self> {
        let Some(asked) = asked else { return Ok(Self::default()) };
        let entries = asked.entries(transaction, scope)?;
        let [observations, messages] = asked.in_sessions(transaction, scope, most)?;
        Ok(Self { asked: Some(asked), entries, observations, messages })
    }

    /// What of a source is most alike, the best first, at most so many.
    pub(super) fn best(&self, source: Source, most: usize) -> &[Near] {
        let found = match source {
            Source::Knowledge => &self.entries,
            Source::Observation => &self.observations,
            Source::Message => &self.messages,
        };
        &found[..most.min(found.len())]
    }

    /// How alike these messages are, as far as they have vectors, by number: as such, and in what sets them apart from each other.
    pub(super) fn among(
        &self,
        transaction: &Transaction<'_>,
        passages: &[Passage],
    ) -> rusqlite::Result<HashMap<i64, Likeness>> {
        let Some(asked) = self.asked else { return Ok(HashMap::new()) };
        // In the order in which they are kept.
        let mut passages: Vec<&Passage> = passages.iter().collect();
        passages.sort_unstable_by_key(|it| (it.session.as_str(), it.id));
        let (mut found, mut vectors) = (Vec::new(), Vec::new());
        for passage in passages {
            if let Some((plain, vector)) = asked.best_part(transaction, passage)? {
                found.push((passage.id, plain));
                vectors.push(vector);
            }
        }
        let apart = asked.query.vector.likenesses_apart(&vectors);
        let likeness = |((id, plain), apart): ((i64, f64), f64)| (id, Likeness { plain, apart });
        Ok(found.into_iter().zip(apart).map(likeness).collect())
    }
}

impl<'q> Asked<'q> {
    /// None, when there is no query, or its model has made no vectors here.
    pub(super) fn of(
        transaction: &Transaction<'_>,
        query: Option<&'q QueryVector>,
    ) -> rusqlite::Result<Option<Self>> {
        let Some(query) = query else { return Ok(None) };
        let sql = "SELECT number FROM embedding_model WHERE name = ?1";
        let model =
            transaction.prepare_cached(sql)?.query_row([query.model.0], |row| row.get(0)).optional()?;
        Ok(model.map(|model| Self { query, model }))
    }

    /// All entries of the scope: they are few.
    fn entries(self, transaction: &Transaction<'_>, scope: Scope<'_>) -> rusqlite::Result<Vec<Near>> {
        let sql = format!(
            "SELECT vector.id, part, vector FROM vector CROSS JOIN knowledge ON number = vector.id
            WHERE vector.session = '' AND source = 'knowledge' AND model = ?5 AND {OF_ENTRIES} AND {}",
            in_period("updated")
        );
        let (principal, project, since, until) = scope.values();
        let values = params![principal, project, since, until, self.model];
        let mut statement = transaction.prepare_cached(&sql)?;
        let found = statement.query_map(values, |row| self.near(row))?;
        Ok(best_first(found.collect::<rusqlite::Result<_>>()?))
    }

    /// Observations, and messages, of the sessions used last, until so many vectors were looked at.
    fn in_sessions(
        self,
        transaction: &Transaction<'_>,
        scope: Scope<'_>,
        most: usize,
    ) -> rusqlite::Result<[Vec<Near>; 2]> {
        let sessions = format!(
            "SELECT id FROM session WHERE {OF_SESSIONS} AND {MAY_BE_IN_PERIOD} ORDER BY last_activity DESC"
        );
        let mut sessions = transaction.prepare_cached(&sessions)?;
        let (principal, project, since, until) = scope.values();
        let mut sessions = sessions.query(params![principal, project, since, until])?;
        let mut lists = ["observation", "message"].map(|source| Shortlist::of(source, COMPARED));
        let (own, mut looked_at) = (signs(self.query.vector.as_bytes()), 0);
        while looked_at < most
            && let Some(session) = sessions.next()?
        {
            // One that has none takes a look as well, and there may be very many.
            let had = self.in_session(transaction, session.get_ref(0)?.as_str()?, &own, &mut lists)?;
            looked_at += had.max(1);
        }
        let [observations, messages] = lists.map(|list| {
            let source = list.source();
            let near = list.compared(transaction, self.query).map(best_first)?;
            of_period(transaction, scope.period, source, near)
        });
        Ok([observations?, messages?])
    }

    /// Looks at the vectors of a session; tells how many there were.
    fn in_session(
        self,
        transaction: &Transaction<'_>,
        session: &str,
        own: &[u8],
        lists: &mut [Shortlist; 2],
    ) -> rusqlite::Result<usize> {
        let sql = "SELECT source, span, signs FROM sketch WHERE session = ?1 AND (model = ?2 OR signs = x'')";
        let mut sketches = transaction.prepare_cached(sql)?;
        let mut rows = sketches.query(params![session, self.model])?;
        let mut looked_at = 0;
        while let Some(row) = rows.next()? {
            let (source, span) = (row.get_ref(0)?.as_str()?, row.get(1)?);
            let sketch = row.get_ref(2)?.as_blob()?;
            let Some(list) = lists.iter_mut().find(|list| list.source() == source) else { continue };
            if sketch.is_empty() {
                looked_at += self.without_sketch(transaction, session, span, list)?;
            }
            for (id, part, theirs) in entries(span, sketch, own.len()) {
                list.take(session, (id, part), difference(own, theirs));
                looked_at += 1;
            }
        }
        Ok(looked_at)
    }

    /// Looks at the vectors themselves of a span.
    fn without_sketch(
        self,
        transaction: &Transaction<'_>,
        session: &str,
        span: i64,
        list: &mut Shortlist,
    ) -> rusqlite::Result<usize> {
        let sql = "SELECT id, part, vector FROM vector
            WHERE session = ?1 AND source = ?2 AND id BETWEEN ?3 AND ?4 AND model = ?5";
        let (first, last) = numbers(span);
        let mut statement = transaction.prepare_cached(sql)?;
        let mut rows = statement.query(params![session, list.source(), first, last, self.model])?;
        let mut looked_at = 0;
        while let Some(row) = rows.next()? {
            list.take_near(self.near(row)?);
            looked_at += 1;
        }
        Ok(looked_at)
    }

    /// The part of a message that is most alike, and how alike it is.
    fn best_part(
        self,
        transaction: &Transaction<'_>,
        message: &Passage,
    ) -> rusqlite::Result<Option<(f64, Vec<u8>)>> {
        let sql =
            "SELECT vector FROM vector WHERE session = ?1 AND source = 'message' AND id = ?2 AND model = ?3";
        let mut statement = transaction.prepare_cached(sql)?;
        let key = params![message.session.as_str(), message.id, self.model];
        let mut best: Option<(f64, Vec<u8>)> = None;
        let mut rows = statement.query(key)?;
        while let Some(row) = rows.next()? {
            let part = row.get_ref(0)?.as_blob()?;
            let likeness = self.query.vector.likeness(part);
            if best.as_ref().is_none_or(|(most, _)| likeness > *most) {
                best = Some((likeness, part.to_vec()));
            }
        }
        Ok(best)
    }

    /// From a row of a number, a part and its vector.
    fn near(self, row: &Row<'_>) -> rusqlite::Result<Near> {
        let part: i64 = row.get(1)?;
        let likeness = self.query.vector.likeness(row.get_ref(2)?.as_blob()?);
        Ok(Near { id: row.get(0)?, part: usize::try_from(part).unwrap_or_default(), likeness })
    }
}

/// Those of a source that are of a period. A session has others, too.
fn of_period(
    transaction: &Transaction<'_>,
    period: Period,
    source: &str,
    near: Vec<Near>,
) -> rusqlite::Result<Vec<Near>> {
    if period.is_open() {
        return Ok(near);
    }
    let at = if source == "observation" { OBSERVED } else { "at" };
    let mut statement = transaction.prepare_cached(&format!("SELECT {at} FROM {source} WHERE id = ?1"))?;
    let mut kept = Vec::new();
    for it in near {
        if period.has(UnixMillis(statement.query_row([it.id], |row| row.get(0))?)) {
            kept.push(it);
        }
    }
    Ok(kept)
}

/// Each text once, by its part that is most alike; the most alike first, and of two the newer.
fn best_first(mut parts: Vec<Near>) -> Vec<Near> {
    parts.sort_by(|one, other| other.likeness.total_cmp(&one.likeness).then(other.id.cmp(&one.id)));
    let mut seen = HashSet::new();
    parts.retain(|near| seen.insert(near.id));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{database, sketches};
    use domain::vector::{ModelName, Vector};
    use rusqlite::Connection;
    use std::collections::BTreeSet;

    /// Sessions with when they were last used; each has two messages, of which the first is like the query, under these numbers and 100 more.
    fn used_at(sessions: [(&str, i64); 3]) -> Connection {
        let database = database::open_in_memory().unwrap();
        let mut fill = "INSERT INTO embedding_model (number, name) VALUES (1, zeroblob(32));".to_owned();
        for (id, used) in sessions {
            fill += &format!(
                "INSERT INTO every_session (id, principal, client, provider, dialect, model, upstream_origin, head, created, last_activity)
                VALUES ('{id}', 'p', 'c', 'anthropic', 'd', 'm', 'o', x'', 1, {used});
                INSERT INTO vector VALUES ('{id}', 'message', {used}, 0, 1, x'7f00'), ('{id}', 'message', {used} + 100, 0, 1, x'0181');
                INSERT INTO sketch VALUES ('{id}', 'message', {used} / 256, 1, x'');"
            );
        }
        database.execute_batch(&fill).unwrap();
        database
    }

    fn ids(database: &mut Connection, most: usize) -> Vec<i64> {
        let query = QueryVector { model: ModelName([0; 32]), vector: Vector::of(&[1.0, 0.0]) };
        let transaction = database.transaction().unwrap();
        let asked = Asked::of(&transaction, Some(&query)).unwrap();
        let found = Nearest::of_latest(&transaction, Scope::default(), asked, most).unwrap();
        found.messages.iter().map(|near| near.id).collect()
    }

    #[test]
    fn of_very_many_vectors_those_of_the_sessions_used_last_are_looked_at() {
        let mut database = used_at([("a", 3), ("b", 9), ("c", 6)]);
        assert_eq!(ids(&mut database, 100), [9, 6, 3, 109, 106, 103]);
        assert_eq!(ids(&mut database, 3), [9, 6, 109, 106]);
        assert_eq!(ids(&mut database, 2), [9, 109]);
    }

    #[test]
    fn a_session_without_vectors_is_a_look_too() {
        let mut database = used_at([("a", 3), ("b", 9), ("c", 6)]);
        database.execute_batch("DELETE FROM vector WHERE session = 'b'").unwrap();
        assert_eq!(ids(&mut database, 2), [6, 106]);
        assert_eq!(ids(&mut database, 1), [0; 0]);
    }

    #[test]
    fn what_has_no_sketch_yet_is_looked_at_as_what_has_one() {
        let mut database = used_at([("a", 3), ("b", 9), ("c", 6)]);
        let outdated = ids(&mut database, 100);
        let transaction = database.transaction().unwrap();
        sketches::renew(&transaction, BTreeSet::new()).unwrap();
        transaction.commit().unwrap();
        let left = "SELECT count(*) FROM sketch WHERE signs = x''";
        assert_eq!(database.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
        assert_eq!(ids(&mut database, 100), outdated);
    }

    #[test]
    fn what_an_older_model_made_is_not_looked_at_beside_what_the_newest_did() {
        let mut database = used_at([("a", 3), ("b", 9), ("c", 6)]);
        let newer = "UPDATE embedding_model SET name = randomblob(32) WHERE number = 1;
            INSERT INTO embedding_model (number, name) VALUES (2, zeroblob(32));
            UPDATE vector SET model = 2 WHERE id = 9;";
        database.execute_batch(newer).unwrap();
        let transaction = database.transaction().unwrap();
        sketches::renew(&transaction, BTreeSet::new()).unwrap();
        transaction.commit().unwrap();
        assert_eq!(ids(&mut database, 100), [9]);
    }

    #[test]
    fn of_more_than_are_compared_the_most_alike_are_found() {
        let mut database = used_at([("a", 1), ("b", 2), ("c", 3)]);
        let mut chance = 7_u64;
        let mut number = || {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (chance >> 33) as f32 / (1_u64 << 30) as f32 - 1.0
        };
        let query: Vec<f32> = (0..64).map(|_| number()).collect();
        let transaction = database.transaction().unwrap();
        transaction.execute_batch("DELETE FROM vector; DELETE FROM sketch").unwrap();
        let mut spans = BTreeSet::new();
        // Every hundredth is much like the query, all others are not.
        for id in 1..=4_000_i64 {
            let alike = if id % 100 == 0 { 2.0 } else { 0.0 };
            let numbers: Vec<f32> = query.iter().map(|it| alike * it + number()).collect();
            let session = ["a", "b", "c"][id as usize % 3];
            let vector = Vector::of(&numbers);
            let row = params![session, id, vector.as_bytes()];
            transaction.execute("INSERT INTO vector VALUES (?1, 'message', ?2, 0, 1, ?3)", row).unwrap();
            spans.insert(sketches::Span::of(session, "message", id));
        }
        sketches::renew(&transaction, spans).unwrap();
        let query = QueryVector { model: ModelName([0; 32]), vector: Vector::of(&query) };
        let asked = Asked::of(&transaction, Some(&query)).unwrap();
        let found = Nearest::of(&transaction, Scope::default(), asked).unwrap();
        assert_eq!(found.messages.len(), COMPARED);
        let mut best: Vec<i64> = found.best(Source::Message, 40).iter().map(|near| near.id).collect();
        best.sort_unstable();
        assert_eq!(best, (1..=40).map(|it| it * 100).collect::<Vec<_>>());
    }
}
