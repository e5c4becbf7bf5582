//! What no record of ours would say, by itself: whoever brings one in is told so, instead of whoever reads it later.

use super::{EntryRecord, Record};
use domain::ids::is_plain;
use domain::knowledge::check_entry;
use domain::origin::Origin;

/// The longest id of a session, in bytes.
const LONGEST_ID: usize = 128;
/// More versions than an entry will ever have; each change makes one more.
const MOST_VERSIONS: u32 = 1_000_000_000;

impl Record {
    /// Whether an export could have it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Session(it) => checked(it.id.as_str()),
            Self::Message(it) if it.links.is_empty() => Err("a message without a link".to_owned()),
            Self::Entry(it) => entry(it),
            Self::Tombstone(it) => {
                it.id.check()?;
                it.origin.as_ref().map_or(Ok(()), Origin::check)
            }
            _ => Ok(()),
        }
    }
}

fn entry(it: &EntryRecord) -> Result<(), String> {
    it.id.check()?;
    it.origin().check()?;
    check_entry(&it.title, &it.content, it.confidence.0)?;
    if !(1..=MOST_VERSIONS).contains(&it.version) {
        return Err(format!("version must lie between 1 and {MOST_VERSIONS}"));
    }
    let mut before = 0;
    for version in &it.versions {
        if version.version <= before || version.version >= it.version {
            return Err(
                "versions must be older than the entry's own, the oldest first, each another".to_owned()
            );
        }
        before = version.version;
        check_entry(&version.title, &version.content, version.confidence.0)?;
    }
    Ok(())
}

/// What ends in a `~` is another owner's.
fn checked(id: &str) -> Result<(), String> {
    if is_plain(id, LONGEST_ID) {
        return Ok(());
    }
    Err(format!("{id:?} is no id: it has 1 to {LONGEST_ID} letters, digits, dots, dashes and underscores"))
}
