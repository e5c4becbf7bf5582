//! Names of things. Each is its own type, so that a session can never be passed where a principal is meant.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: AsRef<str>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(Arc::from(text.as_ref()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// A conversation between one agent and a model, named by the gateway. Cheap to clone.
    SessionId
}
text_id! {
    /// Who owns data and tokens: one for a local gateway, else one per access token. Decided by the gateway, never by a header.
    Principal
}
text_id! {
    /// What an agent works on: the remote of its repository, else the folder of that, else the folder that it states.
    ProjectId
}
text_id! {
    /// One curated entry of knowledge, stable over its versions.
    KnowledgeId
}

text_id! {
    /// What tells a batch of ours from all others in a provider's list. Drawn by chance, and written down before its calls are
    /// handed in.
    BatchMark
}

macro_rules! plain_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads what a provider calls it; none when it is no plain name.
            #[must_use]
            pub fn read(name: &str) -> Option<Self> {
                let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'-');
                let fits = (1..=128).contains(&name.len()) && name.bytes().all(is_plain);
                fits.then(|| Self(Arc::from(name)))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

plain_name! {
    /// A provider's name for a batch. It becomes a part of a path, so it holds nothing that has a meaning there.
    BatchId
}
plain_name! {
    /// A provider's name for a file with the calls or the results of a batch. It becomes a part of a path, too.
    FileId
}

/// Whether an id has between one and so many letters, digits, dots, dashes and underscores, and nothing else: such ones stand in paths, and
/// in files that people edit.
#[must_use]
pub fn is_plain(id: &str, longest: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=longest).contains(&id.len()) && id.bytes().all(plain)
}

impl KnowledgeId {
    /// The longest that a person or a file may give, in bytes.
    pub const LONGEST: usize = 64;

    /// Whether a person or a file may give it.
    ///
    /// # Errors
    /// What one looks like.
    pub fn check(&self) -> Result<(), String> {
        if is_plain(&self.0, Self::LONGEST) {
            return Ok(());
        }
        Err(format!("an id has 1 to {} letters, digits, dots, dashes and underscores", Self::LONGEST))
    }
}

/// What the owner of a gateway for one machine is called.
const LOCAL: &str = "local";

impl Principal {
    /// The one owner of a gateway that only serves its own machine.
    #[must_use]
    pub fn local() -> Self {
        Self::from(LOCAL)
    }

    /// Whether it is that one.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.as_str() == LOCAL
    }
}

impl SessionId {
    /// As much of it as a log line needs: the first eight characters, or thirteen where it begins with the time. Of such ids all that were
    /// made within a minute have the first eight in common, and within a millisecond the first thirteen (RFC 9562, 5.7).
    #[must_use]
    pub fn prefix(&self) -> &str {
        let length = if self.begins_with_the_time() { 13 } else { 8 };
        let end = self.0.char_indices().nth(length).map_or(self.0.len(), |(at, _)| at);
        &self.0[..end]
    }

    /// Whether it is written like a UUID of version 7.
    fn begins_with_the_time(&self) -> bool {
        matches!(self.0.as_bytes(), [_, _, _, _, _, _, _, _, b'-', _, _, _, _, b'-', b'7', rest @ ..] if rest.len() == 21)
    }
}

/// How often a slot has been filled, counted over the whole life of the process, across actor restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

/// One permission to use a credential for one background job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct LeaseId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_short_and_never_splits_a_character() {
        assert_eq!(SessionId::from("0123456789").prefix(), "01234567");
        assert_eq!(SessionId::from("äöü").prefix(), "äöü");
        assert_eq!(SessionId::from("aaaaaaaäb").prefix(), "aaaaaaaä");
        assert_eq!(SessionId::from("0369532a-3413-4cb0-ba3e-1926579bd098").prefix(), "0369532a");
    }

    #[test]
    fn two_sessions_that_began_in_one_second_are_told_apart_by_their_prefixes() {
        let [one, other] = ["01a21eaf-fbdd-7126-8a61-f55611400854", "01a21eaf-fba6-7160-823f-b6712ba925ef"];
        assert_eq!(SessionId::from(one).prefix(), "01a21eaf-fbdd");
        assert_eq!(SessionId::from(other).prefix(), "01a21eaf-fba6");
    }

    #[test]
    fn a_batch_is_named_by_nothing_that_a_path_could_take_for_its_own() {
        assert_eq!(
            BatchId::read("msgbatch_01-Hk").map(|id| id.as_str().to_owned()),
            Some("msgbatch_01-Hk".to_owned())
        );
        for name in ["", "a/b", "..", "a?b", "a%2fb", "a b", &"x".repeat(129)] {
            assert_eq!(BatchId::read(name), None, "{name}");
        }
    }
}
