//! Companions that lie in memory once.

use domain::companions::Companions;
use domain::credential::Credential;
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many different sets are shared; a client that sends ever new ones only makes others pay for their own again.
const SETS: usize = 64;

/// The sets that the tokens of an upstream came with. Sessions of one agent send the same one by the thousand.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct SharedCompanions(BTreeSet<Companions>);

impl SharedCompanions {
    /// The credential with companions that it shares. Where it lies in other hands too, as in a replay, it keeps its own.
    pub(super) fn shared_by(&mut self, mut credential: Arc<Credential>) -> Arc<Credential> {
        let shared = self.share(&credential.companions);
        if let Some(credential) = Arc::get_mut(&mut credential) {
            credential.companions = shared;
        }
        credential
    }

    /// The set that is equal to this one and shared with all who asked before.
    fn share(&mut self, companions: &Companions) -> Companions {
        if let Some(shared) = self.0.get(companions) {
            return shared.clone();
        }
        if self.0.len() >= SETS {
            self.0.clear();
        }
        self.0.insert(companions.clone());
        companions.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    fn companions(value: &str) -> Companions {
        Companions::from_iter([("anthropic-beta", value)])
    }

    fn lies_at(companions: &Companions) -> *const u8 {
        companions.get("anthropic-beta").map_or(ptr::null(), str::as_ptr)
    }

    #[test]
    fn equal_sets_lie_in_memory_once() {
        let mut shared = SharedCompanions::default();
        let first = shared.share(&companions("a"));
        assert_eq!(lies_at(&shared.share(&companions("a"))), lies_at(&first));
        assert_ne!(lies_at(&shared.share(&companions("b"))), lies_at(&first));
    }

    #[test]
    fn ever_new_sets_take_bounded_memory() {
        let mut shared = SharedCompanions::default();
        for number in 0..10 * SETS {
            assert_eq!(shared.share(&companions(&number.to_string())), companions(&number.to_string()));
            assert!(shared.0.len() <= SETS);
        }
    }
}
