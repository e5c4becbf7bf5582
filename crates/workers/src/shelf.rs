//! The last request of each session, kept for replay: compressed, in memory only, under one limit for the whole gateway.

use bytes::Bytes;
use domain::ids::SessionId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Bytes that all kept requests may take together, compressed.
const LIMIT: usize = 256 * 1024 * 1024;
/// zstd's fastest regular level: agents' requests shrink to a fifth at several hundred MB/s.
const LEVEL: i32 = 1;

/// A request as it was sent upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRequest {
    /// Path and query below the provider's base URL.
    pub target: String,
    /// The decoded body, byte for byte.
    pub body: Bytes,
}

struct Kept {
    target: String,
    compressed: Vec<u8>,
    plain: usize,
    used: u64,
}

#[derive(Default)]
struct Shelf {
    kept: BTreeMap<SessionId, Kept>,
    bytes: usize,
    clock: u64,
}

/// See the module. The least recently used goes first.
pub struct RequestShelf {
    shelf: Mutex<Shelf>,
    limit: usize,
}

impl Default for RequestShelf {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl RequestShelf {
    /// A shelf that holds at most `limit` compressed bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self { shelf: Mutex::default(), limit }
    }

    /// Keeps the last request of `session` instead of the one before. One that does not fit at all is not kept.
    pub fn put(&self, session: &SessionId, target: &str, body: &[u8]) {
        let Ok(compressed) = zstd::bulk::compress(body, LEVEL) else { return };
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.remove(session);
        if compressed.len() > self.limit {
            return;
        }
        shelf.clock += 1;
        shelf.bytes += compressed.len();
        let kept = Kept { target: target.to_owned(), compressed, plain: body.len(), used: shelf.clock };
        shelf.kept.insert(session.clone(), kept);
        while shelf.bytes > self.limit {
            shelf.drop_oldest();
        }
    }

    /// The last request of `session`.
    #[must_use]
    pub fn get(&self, session: &SessionId) -> Option<KeptRequest> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.clock += 1;
        let now = shelf.clock;
        let kept = shelf.kept.get_mut(session)?;
        kept.used = now;
        let body = zstd::bulk::decompress(&kept.compressed, kept.plain).ok()?;
        Some(KeptRequest { target: kept.target.clone(), body: Bytes::from(body) })
    }

    /// Lets the request of `session` go.
    pub fn forget(&self, session: &SessionId) {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }
}

impl Shelf {
    fn remove(&mut self, session: &SessionId) {
        if let Some(kept) = self.kept.remove(session) {
            self.bytes -= kept.compressed.len();
        }
    }

    fn drop_oldest(&mut self) {
        let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(session, _)| session.clone());
        if let Some(session) = oldest {
            self.remove(&session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u8) -> Vec<u8> {
        let mut state = u32::from(seed) + 1;
        let step = |state: &mut u32| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (*state >> 24) as u8
        };
        (0..1000).map(|_| step(&mut state)).collect()
    }

    #[test]
    fn a_request_comes_back_byte_for_byte() {
        let shelf = RequestShelf::default();
        shelf.put(&"a".into(), "/v1/messages?beta=true", &noise(1));
        let kept = shelf.get(&"a".into()).expect("kept");
        assert_eq!((kept.target.as_str(), &kept.body[..]), ("/v1/messages?beta=true", &noise(1)[..]));
        shelf.forget(&"a".into());
        assert_eq!(shelf.get(&"a".into()), None);
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let shelf = RequestShelf::with_limit(2500);
        shelf.put(&"a".into(), "/", &noise(1));
        shelf.put(&"b".into(), "/", &noise(2));
        assert!(shelf.get(&"a".into()).is_some());
        shelf.put(&"c".into(), "/", &noise(3));
        assert!(shelf.get(&"b".into()).is_none());
        assert!(shelf.get(&"a".into()).is_some() && shelf.get(&"c".into()).is_some());
    }
}
