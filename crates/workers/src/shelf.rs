//! The last request of each session, kept for replay: compressed, in memory only, under one limit for the whole gateway.

use bytes::Bytes;
use domain::ids::SessionId;
use domain::provider::UpstreamKey;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Bytes that all kept requests may take together, compressed.
const LIMIT: usize = 256 * 1024 * 1024;
/// zstd's fastest regular level: agents' requests shrink to a fifth at several hundred MB/s.
const LEVEL: i32 = 1;

/// A request as it was sent upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRequest {
    /// The model it asked.
    pub model: String,
    /// Where it went.
    pub upstream: UpstreamKey,
    /// Path and query below the provider's base URL.
    pub target: String,
    /// The decoded body, byte for byte.
    pub body: Bytes,
}

impl KeptRequest {
    /// Whether it asked this model at this upstream: another one has another cache, and another credential.
    #[must_use]
    pub fn is_of(&self, model: &str, upstream: &UpstreamKey) -> bool {
        self.model == model && self.upstream == *upstream
    }
}

struct Kept {
    /// The body is left out.
    head: KeptRequest,
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
    pub fn put(&self, session: &SessionId, request: KeptRequest) {
        let compressed = zstd::bulk::compress(&request.body, LEVEL);
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.remove(session);
        let Ok(compressed) = compressed else { return };
        if compressed.len() > self.limit {
            return;
        }
        shelf.clock += 1;
        shelf.bytes += compressed.len();
        let (plain, used) = (request.body.len(), shelf.clock);
        let kept = Kept { head: KeptRequest { body: Bytes::new(), ..request }, compressed, plain, used };
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
        Some(KeptRequest { body: Bytes::from(body), ..kept.head.clone() })
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
    use domain::provider::Provider;

    fn noise(seed: u8) -> Vec<u8> {
        let mut state = u32::from(seed) + 1;
        let step = |state: &mut u32| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (*state >> 24) as u8
        };
        (0..1000).map(|_| step(&mut state)).collect()
    }

    fn request(seed: u8) -> KeptRequest {
        KeptRequest {
            model: "claude-sonnet-4-5".to_owned(),
            upstream: UpstreamKey::new(Provider::Anthropic, "http://h.example"),
            target: "/v1/messages?beta=true".to_owned(),
            body: noise(seed).into(),
        }
    }

    #[test]
    fn a_request_comes_back_byte_for_byte() {
        let shelf = RequestShelf::default();
        shelf.put(&"a".into(), request(1));
        assert_eq!(shelf.get(&"a".into()), Some(request(1)));
        shelf.forget(&"a".into());
        assert_eq!(shelf.get(&"a".into()), None);
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let shelf = RequestShelf::with_limit(2500);
        shelf.put(&"a".into(), request(1));
        shelf.put(&"b".into(), request(2));
        assert!(shelf.get(&"a".into()).is_some());
        shelf.put(&"c".into(), request(3));
        assert!(shelf.get(&"b".into()).is_none());
        assert!(shelf.get(&"a".into()).is_some() && shelf.get(&"c".into()).is_some());
    }

    #[test]
    fn a_request_that_does_not_fit_takes_the_older_one_of_its_session_along() {
        let shelf = RequestShelf::with_limit(1500);
        shelf.put(&"a".into(), request(1));
        let body = [noise(1), noise(2)].concat().into();
        shelf.put(&"a".into(), KeptRequest { body, ..request(1) });
        assert_eq!(shelf.get(&"a".into()), None, "the older one is not what was sent last");
    }

    #[test]
    fn a_request_is_of_one_model_at_one_upstream() {
        let (kept, elsewhere) = (request(1), UpstreamKey::new(Provider::Anthropic, "http://other.example"));
        assert!(kept.is_of("claude-sonnet-4-5", &kept.upstream));
        assert!(!kept.is_of("claude-opus-5-5", &kept.upstream));
        assert!(!kept.is_of("claude-sonnet-4-5", &elsewhere));
    }
}
