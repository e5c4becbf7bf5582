//! Where an entry of knowledge comes from. Its id is counted by each database for itself, so the same id is another entry elsewhere; its
//! origin is the same wherever it goes.

use crate::conversation::Digest;
use crate::ids::KnowledgeId;
use crate::time::UnixMillis;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The id that an entry got when it was made, and when that was: `k12@1764283947123`. Where the time is not known, in older files and
/// where a person wrote an id down, it is the id alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    id: KnowledgeId,
    at: Option<UnixMillis>,
}

/// The last millisecond of the year 9999.
const LATEST: i64 = 253_402_300_799_999;
/// Stands between the id and the time; no id has one.
const AT: char = '@';

impl Origin {
    /// Of an entry that was made here under this id.
    #[must_use]
    pub const fn born(id: KnowledgeId, at: UnixMillis) -> Self {
        Self { id, at: Some(at) }
    }

    /// Of an entry of which only an id is known.
    #[must_use]
    pub const fn of_id(id: KnowledgeId) -> Self {
        Self { id, at: None }
    }

    /// Of an entry that a person wrote into a file, by what it says: so it is one and the same on all machines that read this file.
    #[must_use]
    pub fn written(texts: &[&str]) -> Self {
        let half =
            Digest::of_texts(texts).0.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        Self { id: format!("w{half:016x}").into(), at: Some(UnixMillis(0)) }
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let parts = text.rsplit_once(AT).and_then(|(id, at)| Some((id, at.parse().ok()?)));
        match parts {
            Some((id, at)) => Self::born(id.into(), UnixMillis(at)),
            None => Self::of_id(text.into()),
        }
    }

    /// The id that it got at first.
    #[must_use]
    pub const fn id(&self) -> &KnowledgeId {
        &self.id
    }

    /// When it was made, if that is known.
    #[must_use]
    pub const fn at(&self) -> Option<UnixMillis> {
        self.at
    }

    /// Whether it is that of an entry which a person wrote into a file: its id is one by which nobody calls it.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.at == Some(UnixMillis(0))
    }

    /// Whether it is one that a file may have.
    ///
    /// # Errors
    /// What one looks like.
    pub fn check(&self) -> Result<(), String> {
        if self.at.is_some_and(|at| !(0..=LATEST).contains(&at.0)) {
            return Err(format!(
                "{self} was made at no time: milliseconds since 1970 lie between 0 and {LATEST}"
            ));
        }
        self.id.check()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{}{AT}{}", self.id, at.0),
            None => self.id.fmt(f),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::read(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_the_id_and_the_time_and_reads_back_as_the_same() {
        let born = Origin::born("k12".into(), UnixMillis(1_764_283_947_123));
        assert_eq!(born.to_string(), "k12@1764283947123");
        for origin in [born, Origin::of_id("k12".into()), Origin::written(&["Rye", "It bites."])] {
            assert_eq!(origin.check(), Ok(()));
            assert_eq!(Origin::read(&origin.to_string()), origin);
        }
        for odd in ["", "@5", "k1@-1", "k1@253402300800000", "k 1@5", "k1@", "k1@x", "k1@5@6", "k`1"] {
            assert!(Origin::read(odd).check().is_err(), "{odd}");
        }
    }

    #[test]
    fn what_a_person_wrote_is_the_same_everywhere_and_another_where_a_word_differs() {
        assert_eq!(Origin::written(&["a", "b"]), Origin::written(&["a", "b"]));
        assert_ne!(Origin::written(&["a", "b"]), Origin::written(&["ab", ""]));
        assert!(Origin::written(&["a", "b"]).is_written() && !Origin::read("k1@5").is_written());
    }
}
