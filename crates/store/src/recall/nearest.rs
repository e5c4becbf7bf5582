//! What means alike: every vector of the scope is held against that of the query, so nothing is missed and nothing has to be kept
//! in memory. What that costs is told in docs/recall.md.

use super::ranking::{Likeness, Passage};
use super::{Scope, Source};
use domain::ids::{Principal, SessionId};
use domain::vector::{QueryVector, Vector};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use std::collections::HashMap;

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
        let Some(near) = near else { return Ok(Self::default()) };
        let number = "SELECT number FROM embedding_model WHERE name = ?1";
        let number =
            transaction.prepare_cached(number)?.query_row([near.model.0], |row| row.get(0)).optional()?;
        let Some(number) = number else { return Ok(Self::default()) };
        let number: i64 = number;
        let mut statement = transaction.prepare_cached(within(source))?;
        let values = params![scope.principal.map(Principal::as_str), scope.project, number];
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

const fn within(source: Source) -> &'static str {
    match source {
        Source::Knowledge => {
            "SELECT vector.id, part, vector FROM vector CROSS JOIN knowledge ON number = vector.id
            WHERE vector.session = '' AND source = 'knowledge' AND model = ?3 AND (?1 IS NULL OR principal = ?1)
                AND (?2 IS NULL OR promoted OR project = ?2 OR project IN
                    (SELECT project FROM session WHERE directory = ?2 AND session.principal = knowledge.principal))"
        }
        Source::Observation => {
            "SELECT vector.id, part, vector FROM session CROSS JOIN vector ON vector.session = session.id
            WHERE source = 'observation' AND vector.model = ?3 AND (?1 IS NULL OR principal = ?1)
                AND (?2 IS NULL OR ?2 IN (project, directory))"
        }
        Source::Message => {
            "SELECT vector.id, part, vector FROM session CROSS JOIN vector ON vector.session = session.id
            WHERE source = 'message' AND vector.model = ?3 AND (?1 IS NULL OR principal = ?1)
                AND (?2 IS NULL OR ?2 IN (project, directory))"
        }
    }
}
