//! What means alike: the vectors of the scope are held against that of the query one by one, so nothing has to be kept in memory, and
//! nothing is missed of those that are looked at. What that costs is told in docs/recall.md.

use super::Source;
use super::ranking::{Likeness, Passage};
use super::scope::{OF_ENTRIES, OF_SESSIONS, Scope};
use crate::columns::Word;
use domain::ids::SessionId;
use domain::vector::{QueryVector, Vector};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use std::collections::HashMap;

/// How many vectors of messages, and how many of observations, are looked at for one question: those of the sessions used last.
const LOOKED_AT: u32 = 100_000;

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

/// How alike everything of a source is that has vectors.
#[derive(Debug, Default)]
pub(super) struct Likenesses<'q> {
    to: Option<&'q Vector>,
    each: Vec<Near>,
}

impl<'q> Likenesses<'q> {
    /// Of the texts of `source` in `scope`; of none, when there is nothing to hold them against.
    pub(super) fn of(
        transaction: &Transaction<'_>,
        scope: Scope<'_>,
        source: Source,
        near: Option<&'q QueryVector>,
    ) -> rusqlite::Result<Self> {
        Self::of_latest(transaction, scope, source, near, LOOKED_AT)
    }

    fn of_latest(
        transaction: &Transaction<'_>,
        scope: Scope<'_>,
        source: Source,
        near: Option<&'q QueryVector>,
        most: u32,
    ) -> rusqlite::Result<Self> {
        let Some(near) = near else { return Ok(Self::default()) };
        let number = "SELECT number FROM embedding_model WHERE name = ?1";
        let number =
            transaction.prepare_cached(number)?.query_row([near.model.0], |row| row.get(0)).optional()?;
        let Some(number) = number else { return Ok(Self::default()) };
        let number: i64 = number;
        let mut statement = transaction.prepare_cached(&within(source))?;
        let (principal, project) = scope.values();
        let values = params![principal, project, number, most, Word(source)];
        let mut rows = statement.query(values)?;
        let mut likenesses = Self { to: Some(&near.vector), each: Vec::new() };
        while let Some(row) = rows.next()? {
            likenesses.take(self::near(row, near)?);
        }
        Ok(likenesses)
    }

    /// The parts of a text come one after the other.
    fn take(&mut self, near: Near) {
        match self.each.last_mut().filter(|last| last.id == near.id) {
            Some(last) if last.likeness < near.likeness => *last = near,
            Some(_) => {}
            None => self.each.push(near),
        }
    }

    /// The most alike, the best first.
    pub(super) fn best(&self, most: usize) -> Vec<Near> {
        let order = |a: &Near, b: &Near| b.likeness.total_cmp(&a.likeness).then(b.id.cmp(&a.id));
        let mut best = self.each.clone();
        if best.len() > most {
            best.select_nth_unstable_by(most, order);
            best.truncate(most);
        }
        best.sort_by(order);
        best
    }

    /// Of these messages, as far as they have vectors, by number: as such, and in what sets them apart from each other.
    pub(super) fn among(
        &self,
        transaction: &Transaction<'_>,
        passages: &[Passage],
    ) -> rusqlite::Result<HashMap<i64, Likeness>> {
        let Some(to) = self.to else { return Ok(HashMap::new()) };
        let sessions: HashMap<i64, &SessionId> = passages.iter().map(|it| (it.id, &it.session)).collect();
        let sql =
            "SELECT vector FROM vector WHERE session = ?1 AND source = 'message' AND id = ?2 AND part = ?3";
        let mut statement = transaction.prepare_cached(sql)?;
        let (mut known, mut vectors) = (Vec::new(), Vec::<Vec<u8>>::new());
        for near in &self.each {
            let Some(session) = sessions.get(&near.id) else { continue };
            let values = params![session.as_str(), near.id, near.part as i64];
            vectors.push(statement.query_row(values, |row| row.get(0))?);
            known.push(near);
        }
        let apart = to.likenesses_apart(&vectors);
        let likeness = |(near, apart): (&Near, f64)| (near.id, Likeness { plain: near.likeness, apart });
        Ok(known.into_iter().zip(apart).map(likeness).collect())
    }
}

fn near(row: &Row<'_>, to: &QueryVector) -> rusqlite::Result<Near> {
    let part: i64 = row.get(1)?;
    let likeness = to.vector.likeness(row.get_ref(2)?.as_blob()?);
    Ok(Near { id: row.get(0)?, part: usize::try_from(part).unwrap_or_default(), likeness })
}

fn within(source: Source) -> String {
    match source {
        Source::Knowledge => format!(
            "SELECT vector.id, part, vector FROM vector CROSS JOIN knowledge ON number = vector.id
            WHERE vector.session = '' AND source = ?5 AND model = ?3 AND {OF_ENTRIES} LIMIT ?4"
        ),
        // The sessions are gone through in their order, so the vectors of those used last come first.
        Source::Observation | Source::Message => format!(
            "WITH latest AS MATERIALIZED (
                SELECT id FROM session WHERE {OF_SESSIONS} ORDER BY last_activity DESC, id LIMIT ?4
            )
            SELECT vector.id, part, vector FROM latest CROSS JOIN vector ON vector.session = latest.id
            WHERE source = ?5 AND model = ?3 LIMIT ?4"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database;
    use domain::vector::ModelName;

    #[test]
    fn of_very_many_vectors_those_of_the_sessions_used_last_are_looked_at() {
        let mut database = database::open_in_memory().unwrap();
        let mut fill = "INSERT INTO embedding_model (number, name) VALUES (1, zeroblob(32));".to_owned();
        for (id, used) in [("a", 3), ("b", 9), ("c", 6)] {
            fill += &format!(
                "INSERT INTO every_session (id, principal, client, provider, dialect, model, upstream_origin, head, created, last_activity)
                VALUES ('{id}', 'p', 'c', 'anthropic', 'd', 'm', 'o', x'', 1, {used});
                INSERT INTO vector VALUES ('{id}', 'message', {used}, 0, 1, x'7f00'), ('{id}', 'message', {used} + 100, 0, 1, x'7f00');"
            );
        }
        database.execute_batch(&fill).unwrap();
        let query = QueryVector { model: ModelName([0; 32]), vector: Vector::of(&[1.0, 0.0]) };
        let transaction = database.transaction().unwrap();
        let looked_at = |most| {
            let scope = Scope { principal: None, project: None };
            let found =
                Likenesses::of_latest(&transaction, scope, Source::Message, Some(&query), most).unwrap();
            found.each.iter().map(|near| near.id).collect::<Vec<_>>()
        };
        assert_eq!(looked_at(100), [9, 109, 6, 106, 3, 103]);
        assert_eq!(looked_at(3), [9, 109, 6]);
    }
}
