//! What is worth keeping: observations of a session, entries of knowledge, and the operations that change them.

use crate::ids::{KnowledgeId, ProjectId, SessionId};
use crate::time::UnixMillis;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What the distiller made of a stretch of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Observation {
    /// Its number in the store.
    pub id: i64,
    /// Where it was made.
    pub session: SessionId,
    /// One line.
    pub text: String,
    /// When it was written.
    pub at: UnixMillis,
    /// How often what it says was merged with others: 0 for what was made of messages.
    pub generation: u32,
    /// Whether the user asserted it; then it is never merged with others.
    pub pinned: bool,
}

/// How the distiller's model marks what the user asserted, at the beginning of the line.
pub const PIN: &str = "PINNED:";
/// What models set such a mark in, to make it stand out.
const EMPHASIS: [char; 3] = ['*', '`', '_'];
/// With more observations than this that were not merged and are not pinned, the older ones of a session are merged
/// (original-gateway figure).
pub const MERGED_ABOVE: u32 = 20;
/// The newest observations of a session that are never merged (original-gateway figure).
pub const NEVER_MERGED: u32 = 5;

/// What a line of the distiller's model says, without its mark, and whether it is pinned.
#[must_use]
pub fn unpinned(line: &str) -> (&str, bool) {
    let line = line.trim();
    let bare = line.trim_start_matches(EMPHASIS);
    let Some(text) = bare.strip_prefix(PIN) else { return (line, false) };
    // What was opened before the mark is closed right behind it, or at the end; all else is the text's own.
    let close: String = line[..line.len() - bare.len()].chars().rev().collect();
    let text = text.strip_prefix(&close).or_else(|| text.strip_suffix(&close)).unwrap_or(text);
    (text.trim(), true)
}

/// What kind of knowledge an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Something was decided.
    Decision,
    /// Something is done the same way again and again.
    Pattern,
    /// Somebody likes it this way.
    Preference,
    /// How the thing is built.
    Architecture,
    /// What bites.
    Gotcha,
}

impl Category {
    /// The name used in the store and in operations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Pattern => "pattern",
            Self::Preference => "preference",
            Self::Architecture => "architecture",
            Self::Gotcha => "gotcha",
        }
    }
}

/// One curated entry, in its current version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnowledgeEntry {
    /// Stable over versions.
    pub id: KnowledgeId,
    /// What kind it is.
    pub category: Category,
    /// One line.
    pub title: String,
    /// A few sentences.
    pub content: String,
    /// 0 to 1.
    pub confidence: f64,
    /// 1 for the first.
    pub version: u32,
    /// The session it came from.
    pub session: Option<SessionId>,
    /// What it is about; none when it came from sessions that stated no project, or was written by hand.
    pub project: Option<ProjectId>,
    /// Whether it is its principal's in every project.
    pub promoted: bool,
    /// Whether an agent asked to keep it, in its own words.
    pub remembered: bool,
    /// When the first version was written.
    pub created: UnixMillis,
    /// When this version was written.
    pub updated: UnixMillis,
    /// When it was last of use: written, found, or given to a model.
    pub used: UnixMillis,
    /// The entries that cannot be true together with it.
    pub contradicts: Vec<Contradiction>,
}

/// What is said of an entry that an agent asked to keep, wherever one is shown or written down.
pub const AT_REQUEST: &str = "kept at an agent's request";

/// That another entry cannot be true together with this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// The other.
    pub id: KnowledgeId,
    /// Why.
    pub reason: String,
}

/// One change to the knowledge, as the curator's model states it. Unknown fields make it invalid.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub enum Operation {
    /// A new entry.
    Create {
        /// What kind.
        category: Category,
        /// One line.
        title: String,
        /// A few sentences.
        content: String,
        /// 0 to 1.
        confidence: f64,
    },
    /// A new version of an entry; what is not stated stays.
    Update {
        /// Which.
        id: String,
        /// What kind.
        #[serde(default)]
        category: Option<Category>,
        /// One line.
        #[serde(default)]
        title: Option<String>,
        /// A few sentences.
        #[serde(default)]
        content: Option<String>,
        /// 0 to 1.
        #[serde(default)]
        confidence: Option<f64>,
    },
    /// The entry goes; its id stays taken.
    Delete {
        /// Which.
        id: String,
        /// Why.
        reason: String,
    },
    /// Two entries cannot both be true, and which of them is, is not known.
    Contradict {
        /// One.
        id: String,
        /// The other.
        with: String,
        /// Why.
        reason: String,
    },
}

/// Longest title, in characters.
pub const LONGEST_TITLE: usize = 200;
/// Longest content, in characters: about 150 words and room to spare.
pub const LONGEST_CONTENT: usize = 1200;

/// Why an operation is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidOperation {
    /// A title or content is empty or too long.
    #[error("operation {index}: {field} must have 1 to {longest} characters, it has {length}")]
    Length {
        /// Position in the list, from 0.
        index: usize,
        /// Which field.
        field: &'static str,
        /// Its limit.
        longest: usize,
        /// What it has.
        length: usize,
    },
    /// Confidence outside 0 to 1.
    #[error("operation {index}: confidence must lie between 0 and 1")]
    Confidence {
        /// Position in the list, from 0.
        index: usize,
    },
    /// Something is named that is not there, or that contradicts itself.
    #[error("operation {index}: there is no entry {id:?}")]
    Unknown {
        /// Position in the list, from 0.
        index: usize,
        /// What was named.
        id: String,
    },
}

/// Checks all `operations` before any is applied; `known` tells whether an entry exists.
///
/// # Errors
/// The first fault found; then nothing of the list may be applied.
pub fn validate(operations: &[Operation], known: impl Fn(&str) -> bool) -> Result<(), InvalidOperation> {
    operations.iter().enumerate().try_for_each(|(index, operation)| match operation {
        Operation::Create { title, content, confidence, .. } => {
            check_texts(index, Some(title), Some(content))?;
            check_confidence(index, Some(*confidence))
        }
        Operation::Update { id, title, content, confidence, .. } => {
            check_known(index, id, &known)?;
            check_texts(index, title.as_ref(), content.as_ref())?;
            check_confidence(index, *confidence)
        }
        Operation::Delete { id, .. } => check_known(index, id, &known),
        Operation::Contradict { id, with, reason } => {
            check_known(index, id, &known)?;
            check_known(index, with, |other| other != id && known(other))?;
            check_length(index, "reason", Some(reason), LONGEST_CONTENT)
        }
    })
}

/// Whether an entry may say this: one that somebody wrote, and not an operation of a list.
///
/// # Errors
/// What is wrong with it.
pub fn check_entry(title: &str, content: &str, confidence: f64) -> Result<(), String> {
    let (title, content) = (title.to_owned(), content.to_owned());
    check_texts(0, Some(&title), Some(&content)).and_then(|()| check_confidence(0, Some(confidence))).map_err(
        |invalid| match invalid {
            InvalidOperation::Length { field, longest, length, .. } => {
                format!("{field} must have 1 to {longest} characters, it has {length}")
            }
            InvalidOperation::Confidence { .. } => "confidence must lie between 0 and 1".to_owned(),
            InvalidOperation::Unknown { .. } => invalid.to_string(),
        },
    )
}

fn check_known(index: usize, id: &str, known: impl Fn(&str) -> bool) -> Result<(), InvalidOperation> {
    if known(id) { Ok(()) } else { Err(InvalidOperation::Unknown { index, id: id.to_owned() }) }
}

fn check_texts(
    index: usize,
    title: Option<&String>,
    content: Option<&String>,
) -> Result<(), InvalidOperation> {
    check_length(index, "title", title, LONGEST_TITLE)?;
    check_length(index, "content", content, LONGEST_CONTENT)
}

fn check_length(
    index: usize,
    field: &'static str,
    text: Option<&String>,
    longest: usize,
) -> Result<(), InvalidOperation> {
    let Some(text) = text else { return Ok(()) };
    let length = text.trim().chars().count();
    if (1..=longest).contains(&length) {
        Ok(())
    } else {
        Err(InvalidOperation::Length { index, field, longest, length })
    }
}

fn check_confidence(index: usize, confidence: Option<f64>) -> Result<(), InvalidOperation> {
    match confidence {
        Some(value) if !(0.0..=1.0).contains(&value) => Err(InvalidOperation::Confidence { index }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(title: &str, confidence: f64) -> Operation {
        let (title, content) = (title.to_owned(), "because".to_owned());
        Operation::Create { category: Category::Decision, title, content, confidence }
    }

    #[test]
    fn a_line_is_pinned_however_its_mark_is_set_off() {
        for pinned in [
            "PINNED: Never.",
            " PINNED:  Never. ",
            "**PINNED:** Never.",
            "**PINNED: Never.**",
            "`PINNED:` Never.",
        ] {
            assert_eq!(unpinned(pinned), ("Never.", true), "{pinned}");
        }
        for plain in ["**Never** PINNED:", "__init__ runs", "Never."] {
            assert_eq!(unpinned(plain), (plain, false));
        }
        for set_off in ["PINNED: `x` runs `y`", "**PINNED:** `x` runs `y`", "**PINNED: `x` runs `y`**"] {
            assert_eq!(unpinned(set_off), ("`x` runs `y`", true), "{set_off}");
        }
    }

    #[test]
    fn one_bad_operation_refuses_the_list() {
        assert_eq!(validate(&[create("a", 0.5)], |_| false), Ok(()));
        let bad = [create("a", 0.5), create("", 0.5)];
        assert!(matches!(validate(&bad, |_| true), Err(InvalidOperation::Length { index: 1, .. })));
        assert!(matches!(
            validate(&[create("a", 1.5)], |_| true),
            Err(InvalidOperation::Confidence { index: 0 })
        ));
        assert!(matches!(
            validate(&[create("a", f64::NAN)], |_| true),
            Err(InvalidOperation::Confidence { .. })
        ));
        let gone = [Operation::Delete { id: "x".into(), reason: "old".into() }];
        assert!(matches!(validate(&gone, |_| false), Err(InvalidOperation::Unknown { .. })));
    }

    #[test]
    fn a_contradiction_names_two_entries_that_are_there_and_says_why() {
        let contradict = |with: &str, reason: &str| {
            let (id, with, reason) = ("k1".to_owned(), with.to_owned(), reason.to_owned());
            validate(&[Operation::Contradict { id, with, reason }], |id| id != "k9")
        };
        assert_eq!(contradict("k2", "one says tabs, the other spaces"), Ok(()));
        for (with, reason) in [("k9", "x"), ("k1", "x"), ("k2", " ")] {
            assert!(contradict(with, reason).is_err(), "{with} {reason}");
        }
    }

    #[test]
    fn an_operation_with_an_unknown_field_or_category_does_not_parse() {
        let parse = |text: &str| serde_json::from_str::<Operation>(text);
        let good = r#"{"op":"create","category":"gotcha","title":"t","content":"c","confidence":0.9}"#;
        assert!(parse(good).is_ok());
        assert!(parse(&good.replace("gotcha", "rumour")).is_err());
        assert!(parse(r#"{"op":"delete","id":"a","reason":"r","force":true}"#).is_err());
    }
}
