//! The vectors whose sketches differ least from that of the query, and how alike they are indeed.

use super::nearest::Near;
use domain::vector::QueryVector;
use rusqlite::{Transaction, params};

/// One that may be among the most alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    /// In how many signs it differs.
    difference: u32,
    /// Whose it is: the place of its session among those that were added.
    session: usize,
    id: i64,
    part: usize,
}

/// At most so many, those that differ least; of two that differ alike, the one that came first.
#[derive(Debug)]
pub(super) struct Shortlist {
    source: &'static str,
    most: usize,
    sessions: Vec<String>,
    candidates: Vec<Candidate>,
    /// From here on a difference is too large.
    bound: u32,
    /// Those of which it is known how alike they are.
    near: Vec<Near>,
}

impl Shortlist {
    /// Of a source's texts.
    pub(super) const fn of(source: &'static str, most: usize) -> Self {
        Self { source, most, sessions: Vec::new(), candidates: Vec::new(), bound: u32::MAX, near: Vec::new() }
    }

    /// Whose texts.
    pub(super) const fn source(&self) -> &'static str {
        self.source
    }

    /// Takes the next part of a text of a session; those of a session come one after the other.
    pub(super) fn take(&mut self, session: &str, (id, part): (i64, usize), difference: u32) {
        if difference >= self.bound {
            return;
        }
        if self.sessions.last().is_none_or(|last| last != session) {
            self.sessions.push(session.to_owned());
        }
        self.candidates.push(Candidate { difference, session: self.sessions.len() - 1, id, part });
        if self.candidates.len() >= 2 * self.most {
            self.cut();
        }
    }

    /// Takes one of which it is known how alike it is.
    pub(super) fn take_near(&mut self, near: Near) {
        self.near.push(near);
    }

    fn cut(&mut self) {
        if self.candidates.len() > self.most {
            let (_, last, _) = self.candidates.select_nth_unstable(self.most);
            self.bound = last.difference;
            self.candidates.truncate(self.most);
        }
    }

    /// How alike they are indeed.
    pub(super) fn compared(
        mut self,
        transaction: &Transaction<'_>,
        query: &QueryVector,
    ) -> rusqlite::Result<Vec<Near>> {
        self.cut();
        // In the order in which they are kept.
        self.candidates.sort_unstable_by_key(|it| (it.session, it.id, it.part));
        let sql = "SELECT vector FROM vector WHERE session = ?1 AND source = ?2 AND id = ?3 AND part = ?4";
        let mut statement = transaction.prepare_cached(sql)?;
        for Candidate { session, id, part, .. } in self.candidates {
            let key = params![self.sessions[session], self.source, id, part as i64];
            let likeness =
                statement.query_row(key, |row| Ok(query.vector.likeness(row.get_ref(0)?.as_blob()?)))?;
            self.near.push(Near { id, part, likeness });
        }
        Ok(self.near)
    }
}
