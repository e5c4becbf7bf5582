//! A large map by tokens' names.

use domain::fingerprint::Fingerprint;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::ops::{Deref, DerefMut};

/// A hash map whose hasher has no chance in it, so that a run can be replayed, and which is itself a value with a hash, as a
/// model checker wants it. Fingerprints are hashes under a secret key, so nobody can choose them to collide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table<V>(HashMap<Fingerprint, V, BuildHasherDefault<Own>>);

/// The hash of a fingerprint: it is one itself, so its first eight bytes will do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Own(u64);

impl Hasher for Own {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(self.0, |first| u64::from_le_bytes(*first));
    }

    fn write_usize(&mut self, _length: usize) {} // All have one length.

    fn finish(&self) -> u64 {
        self.0
    }
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<V: Hash> Hash for Table<V> {
    /// Of the entries in whatever order they lie.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let all = self.0.iter().map(|entry| BuildHasherDefault::<DefaultHasher>::new().hash_one(entry));
        state.write_u64(all.fold(0, u64::wrapping_add));
    }
}

impl<V> Deref for Table<V> {
    type Target = HashMap<Fingerprint, V, BuildHasherDefault<Own>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<V> DerefMut for Table<V> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
