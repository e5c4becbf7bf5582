//! Ids as each provider makes them, drawn from a seed so that a run can be repeated.

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// The source of all ids of one provider.
#[derive(Debug, Clone)]
pub(super) struct Ids(StdRng);

const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789";
const HEX: &[u8] = b"0123456789abcdef";

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// `prefix` and `length` letters and digits, as Anthropic has them.
    pub(super) fn letters(&mut self, prefix: &str, length: usize) -> String {
        self.draw(prefix, LETTERS, length)
    }

    /// `prefix` and `length` hexadecimal digits, as OpenAI has them.
    pub(super) fn hex(&mut self, prefix: &str, length: usize) -> String {
        self.draw(prefix, HEX, length)
    }

    fn draw(&mut self, prefix: &str, alphabet: &[u8], length: usize) -> String {
        let mut id = prefix.to_owned();
        id.extend((0..length).map(|_| char::from(alphabet[self.0.random_range(0..alphabet.len())])));
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_series_without_repetition() {
        let (mut one, mut other) = (Ids::new(7), Ids::new(7));
        let first = one.letters("msg_01", 22);
        assert_eq!((first.len(), &first), (28, &other.letters("msg_01", 22)));
        assert_ne!(first, one.letters("msg_01", 22));
    }
}
