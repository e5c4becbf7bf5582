//! Sketches of vectors: the signs of their numbers, a bit each, of a session's neighbouring texts in one row. A search goes through these, a
//! tenth of the bytes, and looks at the vectors of the best (docs/adr/0021). Entries are few and have none.

use rusqlite::{Row, Transaction, params};
use std::collections::BTreeSet;

/// How many numbers of texts go into one row; the schema knows it too.
const TEXTS: i64 = 256;
/// How many outdated rows are made anew along with others.
const OUTDATED: i64 = 16;
/// What stands before the signs: which of the texts, and which of its parts.
const KEY: usize = 2;

/// Neighbouring texts of a session, whose sketches lie in one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    session: String,
    source: String,
    number: i64,
}

impl Span {
    /// Of a text of a session.
    pub(crate) fn of(session: &str, source: &str, id: i64) -> Self {
        Self { session: session.to_owned(), source: source.to_owned(), number: id.div_euclid(TEXTS) }
    }

    /// From a row of `session`, `source` and `span`.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { session: row.get("session")?, source: row.get("source")?, number: row.get("span")? })
    }
}

/// The numbers of the first and the last text of a span.
pub(crate) const fn numbers(span: i64) -> (i64, i64) {
    (span * TEXTS, span * TEXTS + TEXTS - 1)
}

/// The signs of a vector, as it is kept.
pub(crate) fn signs(vector: &[u8]) -> Vec<u8> {
    let is_positive = |number: &u8| (*number as i8) > 0;
    let bits =
        |numbers: &[u8]| numbers.iter().rev().fold(0, |bits, it| bits << 1 | u8::from(is_positive(it)));
    vector.chunks(u8::BITS as usize).map(bits).collect()
}

/// In how many signs two vectors differ: the fewer, the more alike they are (Charikar, *Similarity Estimation Techniques from Rounding
/// Algorithms*, 2002).
pub(crate) fn difference(one: &[u8], other: &[u8]) -> u32 {
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    let of_words = words
        .iter()
        .zip(other_words)
        .map(|(one, other)| (u64::from_ne_bytes(*one) ^ u64::from_ne_bytes(*other)).count_ones());
    let of_rest = rest.iter().zip(other_rest).map(|(one, other)| (one ^ other).count_ones());
    of_words.sum::<u32>() + of_rest.sum::<u32>()
}

/// What a row has of each part of its texts: number, part and signs, of so many bytes. Nothing, of a row that was made of other vectors.
pub(crate) fn entries(span: i64, row: &[u8], signs: usize) -> impl Iterator<Item = (i64, usize, &[u8])> {
    let entries = row.chunks_exact(KEY + signs);
    let sound = entries.remainder().is_empty();
    entries.filter(move |_| sound).map(move |entry| {
        let (key, signs) = entry.split_at(KEY);
        (span * TEXTS + i64::from(key[0]), usize::from(key[1]), signs)
    })
}

/// Makes the rows of these spans anew from the vectors, and a few others that are outdated.
pub(crate) fn renew(transaction: &Transaction<'_>, mut spans: BTreeSet<Span>) -> rusqlite::Result<()> {
    let sql = "SELECT session, source, span FROM sketch WHERE signs = x'' LIMIT ?1";
    let mut outdated = transaction.prepare_cached(sql)?;
    let outdated = outdated.query_map([OUTDATED], Span::read)?;
    spans.extend(outdated.collect::<rusqlite::Result<Vec<_>>>()?);
    spans.iter().try_for_each(|span| make(transaction, span))
}

/// Of the newest model that has been here: what another one made before is no longer looked at. A part that the model could not do has no
/// numbers, and is like no other.
fn make(transaction: &Transaction<'_>, span: &Span) -> rusqlite::Result<()> {
    let sql = "SELECT id, part, model, vector FROM vector WHERE session = ?1 AND source = ?2 AND id BETWEEN ?3 AND ?4";
    let (first, last) = numbers(span.number);
    let mut vectors = transaction.prepare_cached(sql)?;
    let mut rows = vectors.query(params![span.session, span.source, first, last])?;
    let (mut newest, mut made) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        let (id, part, model): (i64, u8, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let vector = row.get_ref(3)?.as_blob()?;
        if model > newest {
            (newest, made) = (model, Vec::new());
        }
        if model == newest && !vector.is_empty() {
            made.extend([(id - first) as u8, part]);
            made.extend(signs(vector));
        }
    }
    let Span { session, source, number } = span;
    if made.is_empty() {
        let sql = "DELETE FROM sketch WHERE session = ?1 AND source = ?2 AND span = ?3";
        transaction.prepare_cached(sql)?.execute(params![session, source, number])?;
    } else {
        let sql =
            "INSERT OR REPLACE INTO sketch (session, source, span, model, signs) VALUES (?1, ?2, ?3, ?4, ?5)";
        transaction.prepare_cached(sql)?.execute(params![session, source, number, newest, made])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::vector::Vector;

    #[test]
    fn vectors_differ_in_the_signs_of_their_numbers() {
        let signs = |numbers: &[f32]| signs(Vector::of(numbers).as_bytes());
        let of = |one: &[f32], other: &[f32]| difference(&signs(one), &signs(other));
        assert_eq!(of(&[1.0, -2.0, 3.0], &[0.1, -0.9, 0.2]), 0);
        assert_eq!(of(&[1.0, -2.0, 3.0], &[-0.1, 0.9, 0.2]), 2);
        let (long, turned): (Vec<f32>, Vec<f32>) =
            (0..100).map(|at| (1.0, if [0, 63, 64, 70, 99].contains(&at) { -1.0 } else { 1.0 })).unzip();
        assert_eq!(of(&long, &turned), 5);
        assert_eq!(signs(&long).len(), 13);
    }

    #[test]
    fn a_row_made_of_other_vectors_has_nothing_to_say() {
        let row = [3, 1, 0b101, 4, 0, 0b010];
        let found: Vec<_> = entries(2, &row, 1).collect();
        assert_eq!(found, [(515, 1, &[0b101][..]), (516, 0, &[0b010])]);
        assert_eq!(entries(2, &row, 3).count(), 0);
    }
}
