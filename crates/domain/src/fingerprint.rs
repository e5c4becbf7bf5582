//! Names for tokens that tell nothing about them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// A keyed hash of a credential's header name and value. Compared whole; shown only as its first eight hex digits, which is
/// the one form that may reach a log, a trace, an answer or an alert.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// For models and tests, where tokens are small numbers.
    #[must_use]
    pub const fn of_number(number: u8) -> Self {
        let mut bytes = [0; 32];
        bytes[0] = number;
        Self(bytes)
    }

    /// Eight bytes of it as a number, to spread timers with. Never shown.
    #[must_use]
    pub fn low_bits(&self) -> u64 {
        self.0[..8].iter().fold(0, |bits, byte| (bits << 8) | u64::from(*byte))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Makes fingerprints with a key that lives as long as the process: two runs of the gateway give one token two names, so a
/// fingerprint in an old log cannot be tested against a guess.
#[derive(Clone)]
pub struct Fingerprinter(Hmac<Sha256>);

impl Fingerprinter {
    /// A fingerprinter with this key, which should be random and fresh for each process.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        let mut block = [0; 64]; // HMAC pads a shorter key with zeros to the hash's block size (RFC 2104).
        block[..key.len()].copy_from_slice(&key);
        Self(Hmac::<Sha256>::new(&block.into()))
    }

    /// The name of the token sent as header `name` with `value`. The header's name is part of it: one text in two headers is
    /// two credentials, and a separator that no header name can hold keeps the two parts apart.
    #[must_use]
    pub fn fingerprint(&self, name: &str, value: &str) -> Fingerprint {
        self.fingerprint_in_parts(name, [value])
    }

    /// The same of a value in parts, so that nobody has to write it in one.
    #[must_use]
    pub(crate) fn fingerprint_in_parts<'p>(
        &self,
        name: &str,
        value: impl IntoIterator<Item = &'p str>,
    ) -> Fingerprint {
        let mut hash = self.0.clone();
        hash.update(name.as_bytes());
        hash.update(&[0]);
        value.into_iter().for_each(|part| hash.update(part.as_bytes()));
        Fingerprint(hash.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Fingerprinter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprinter(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_depends_on_key_header_and_the_whole_value() {
        let one = Fingerprinter::new([1; 32]);
        let same = one.fingerprint("authorization", "Bearer a");
        assert_eq!(same, one.fingerprint("authorization", "Bearer a"));
        assert_ne!(same, one.fingerprint("x-api-key", "Bearer a"));
        assert_ne!(same, one.fingerprint("authorization", "Bearer ab"));
        assert_ne!(same, Fingerprinter::new([2; 32]).fingerprint("authorization", "Bearer a"));
    }

    #[test]
    fn only_eight_hex_digits_are_shown() {
        let shown = Fingerprinter::new([1; 32]).fingerprint("x-api-key", "secret").to_string();
        assert_eq!(shown.len(), 8);
        assert!(shown.chars().all(|c| c.is_ascii_hexdigit()));
    }
}
