//! A stand-in for a model of what texts mean: texts that share words get vectors that point the same way, the more the more they share.

use domain::vector::{ModelName, QueryVector, Vector};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use store::{SqliteStore, Store, StoreError};

const MODEL: ModelName = ModelName([7; 32]);
/// As many as all-MiniLM-L6-v2 has.
const DIMENSIONS: usize = 384;
/// How many texts get theirs at a time.
const TOGETHER: usize = 256;

/// Gives all texts that have none their vectors: how many got some.
pub(crate) fn give(store: &mut SqliteStore) -> Result<usize, StoreError> {
    let mut given = 0;
    loop {
        let texts = store.unembedded(&MODEL, TOGETHER)?;
        if texts.is_empty() {
            return Ok(given);
        }
        given += texts.len();
        let of = |parts: Vec<String>| parts.iter().map(|part| vector(part)).collect();
        let made: Vec<_> = texts.into_iter().map(|text| (text.key, of(text.parts))).collect();
        store.keep_vectors(&MODEL, &made)?;
    }
}

/// What a question means.
pub(crate) fn of_question(question: &str) -> QueryVector {
    QueryVector { model: MODEL, vector: vector(question) }
}

/// The sum of a direction for each word, which any two words have at nearly right angles (random projection).
fn vector(text: &str) -> Vector {
    let mut sum = [0.0_f32; DIMENSIONS];
    for word in text.split(' ') {
        let mut hasher = DefaultHasher::new();
        word.hash(&mut hasher);
        let mut chance = StdRng::seed_from_u64(hasher.finish());
        for numbers in sum.chunks_mut(u64::BITS as usize) {
            let signs: u64 = chance.random();
            for (at, number) in numbers.iter_mut().enumerate() {
                *number += if signs >> at & 1 == 1 { 1.0 } else { -1.0 };
            }
        }
    }
    Vector::of(&sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_share_words_are_alike_and_others_are_not() {
        let likeness = |one: &str, other: &str| vector(one).likeness(vector(other).as_bytes());
        assert!((likeness("bacex dix", "dix bacex") - 1.0).abs() < 1e-9);
        assert!((0.3..0.7).contains(&likeness("bacex dix", "bacex fox")));
        assert!(likeness("bacex dix", "fox gux").abs() < 0.2);
    }
}
