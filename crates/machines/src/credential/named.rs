//! Session names as keys of large maps.

use domain::ids::SessionId;

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

/// FNV-1a. Names that were chosen to share a hash only cost the comparisons that they would cost without one.
fn hash(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
