//! Session names as keys of large maps.

use domain::ids::SessionId;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

/// A session's name behind a hash of it. Maps compare the hash first, which lies in the map's own memory, and so read hardly
/// any names but the one that is looked for. The hash depends on nothing but the name: a run can be replayed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Named {
    hash: u64,
    pub(super) session: SessionId,
}

impl From<&SessionId> for Named {
    fn from(session: &SessionId) -> Self {
        Self { hash: hash(session.as_str()), session: session.clone() }
    }
}

/// Names that were chosen to share a hash only cost the comparisons that they would cost without one.
fn hash(name: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::new().hash_one(name)
}
