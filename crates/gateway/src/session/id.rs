//! Ids of sessions: no two principals ever share one.
//!
//! Seats, jobs, kept requests and rows of the store are keyed by a session's id alone. That is sound because every id is made
//! here, and a client only ever chooses within what is its principal's own: an id of somebody else's is a digest under a mark
//! that no name can bear.

use domain::ids::{Principal, SessionId};
use sha2::{Digest as _, Sha256};

/// Names of these lengths, in bytes, are taken as they are.
const USUAL: std::ops::RangeInclusive<usize> = 8..=128;
/// Ends the ids of all principals but the local one. No usual name has it, and it needs no escaping in paths.
const MARK: char = '~';

/// The id of the session that is called `name` among those of `principal`: always the same, and nobody else's.
///
/// The local principal's usual names stay readable; an odd one is hashed, since ids stand in paths and logs.
pub(crate) fn session_id(principal: &Principal, name: &str) -> SessionId {
    if !principal.is_local() {
        return SessionId::from(format!("{}{MARK}", digest(&[&scope(principal), name.as_bytes()])));
    }
    if is_usual(name) { SessionId::from(name) } else { SessionId::from(digest(&[name.as_bytes()])) }
}

/// What stands before the names of a principal. Its length goes first, so that no two pairs of principal and name read alike.
fn scope(principal: &Principal) -> Vec<u8> {
    let name = principal.as_str().as_bytes();
    [&(name.len() as u64).to_le_bytes(), name].concat()
}

fn is_usual(name: &str) -> bool {
    USUAL.contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn digest(parts: &[&[u8]]) -> String {
    let whole = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
    whole[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn id(principal: &str, name: &str) -> String {
        session_id(&Principal::from(principal), name).to_string()
    }

    #[test]
    fn the_local_principals_usual_names_are_kept_and_odd_ones_hashed() {
        let usual = "0369532a-3413-4cb0-ba3e-1926579bd098";
        assert_eq!(id("local", usual), usual);
        let odd = ["short", "../../etc/passwd", "with blank", "a\"b'c;drop", &"x".repeat(129)];
        let hashes: BTreeSet<_> = odd.iter().map(|name| id("local", name)).collect();
        assert!(hashes.iter().all(|hash| hash.len() == 32 && is_usual(hash)), "{hashes:?}");
        assert_eq!(hashes.len(), odd.len());
    }

    #[test]
    fn a_name_that_another_principal_claims_is_another_session() {
        let ids: BTreeSet<_> = ["local", "remote", "ann"].map(|owner| id(owner, "one-and-the-same")).into();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn ids_are_the_same_in_every_run() {
        assert_eq!(id("remote", "one-and-the-same"), "27f973f2debc38c20a86ea81ac3c22fd~");
    }

    #[test]
    fn no_client_can_name_its_session_what_another_principals_is_called() {
        let coveted = id("ann", "hers");
        for thief in ["local", "remote"] {
            for name in ["hers", "ann.hers", "ann~hers", &coveted, coveted.trim_end_matches(MARK)] {
                assert_ne!(id(thief, name), coveted, "{thief} calls it {name}");
            }
        }
        assert_ne!(id("an", "nhers"), coveted, "the seam between owner and name counts");
    }

    proptest! {
        #[test]
        fn only_the_same_principal_and_name_give_the_same_id(
            one in ("[a-c~.]{1,3}|local", "[a-c~.]{1,9}"),
            other in ("[a-c~.]{1,3}|local", "[a-c~.]{1,9}"),
        ) {
            prop_assert_eq!(id(&one.0, &one.1) == id(&other.0, &other.1), one == other);
        }
    }
}
