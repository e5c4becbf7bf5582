//! Everything that is kept, as records: a line of JSON each, in an order in which none refers to a later one.
//!
//! A record names nothing by the number of a row, so that it means the same in another database. No record is ever a credential:
//! none is kept.

mod checks;

use crate::history::kept_text;
use domain::conversation::{CacheTtl, Digest, Message, Part, Role, Stop, Usage};
use domain::ids::{KnowledgeId, ProjectId, SessionId};
use domain::knowledge::Category;
use domain::origin::Origin;
use domain::provider::{Dialect, Provider};
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// What a program that reads the records must understand.
pub const FORMAT: u32 = 1;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// The first: how the others are to be read.
    Stillroom {
        /// See [`FORMAT`].
        format: u32,
    },
    /// A session; what belongs to it follows.
    Session(SessionRecord),
    /// A run of the distiller, and what came of it.
    Distillation(DistillationRecord),
    /// Something that was said.
    Message(MessageRecord),
    /// How a turn was counted.
    Turn(TurnCount),
    /// An entry of knowledge.
    Entry(EntryRecord),
    /// Two entries that cannot both be true.
    Contradiction(ContradictionRecord),
    /// The id of an entry that is gone.
    Tombstone(TombstoneRecord),
    /// What a background call cost.
    Charge(ChargeRecord),
    /// What a return to a warm cache saved.
    WarmReturn(WarmReturnRecord),
    /// The last: so that a file which was cut is known.
    End {
        /// How many records stand before it.
        records: u64,
    },
}

/// Whether `line` is the last of an export: without it, what came is only a part.
#[must_use]
pub fn is_end_of_export(line: &str) -> bool {
    matches!(serde_json::from_str(line), Ok(Record::End { .. }))
}

/// See [`Record::Session`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is what the session's column is, see docs/store.md")]
pub struct SessionRecord {
    pub id: SessionId,
    pub identity: Option<String>,
    pub client: String,
    pub provider: Provider,
    pub dialect: Dialect,
    pub model: String,
    pub upstream_origin: String,
    pub directory: Option<String>,
    pub project: Option<ProjectId>,
    pub head: Hex,
    pub turns: u32,
    pub turns_since_curation: u32,
    pub usage: Usage,
    pub created: UnixMillis,
    pub last_activity: UnixMillis,
}

/// See [`Record::Distillation`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistillationRecord {
    /// Of which session.
    pub session: SessionId,
    /// Which of its runs, counted from 1.
    pub number: u64,
    /// When it was.
    pub at: UnixMillis,
    /// How many of its runs before were at the same time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nth: u64,
    /// What came of it.
    pub observations: Vec<ObservationRecord>,
    /// Which observations of earlier runs it merged.
    pub merged: Vec<MergedRecord>,
}

/// By what a run of a session's distiller is known in every database: runs of another machine may stand between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunTime {
    /// When it was.
    pub at: UnixMillis,
    /// How many of the session's runs before were at the same time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nth: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// An observation that was merged: of which run, and which of its observations, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "told above")]
pub struct MergedRecord {
    pub run: u64,
    pub observation: u64,
    /// When that run was; older files do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<RunTime>,
}

/// A line that the distiller wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservationRecord {
    /// When it was written.
    pub at: UnixMillis,
    /// How often what it says was merged.
    pub generation: u32,
    /// Whether the user asserted it.
    pub pinned: bool,
    /// The line.
    pub text: String,
}

/// See [`Record::Message`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageRecord {
    /// In which session.
    pub session: SessionId,
    /// When it was recorded.
    pub at: UnixMillis,
    /// Who spoke.
    pub role: Role,
    /// The text as it is kept.
    pub text: String,
    /// Whether it calls a tool.
    pub calls_tool: bool,
    /// Whether a tool's answer is in it.
    pub from_tool: bool,
    /// What names what it says.
    pub digest: Hex,
    /// What names the conversations up to and including it; at least one.
    pub links: Vec<Hex>,
    /// Which run of the distiller covered it.
    pub distillation: Option<u64>,
    /// When that run was; older files do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distilled: Option<RunTime>,
}

impl MessageRecord {
    /// What is kept of `message`, which ends the conversation `link`; nothing has covered it.
    #[must_use]
    pub fn of(session: &SessionId, message: &Message, link: Digest, at: UnixMillis) -> Self {
        Self {
            session: session.clone(),
            at,
            role: message.role,
            text: kept_text(message),
            calls_tool: message.parts.iter().any(|part| matches!(part, Part::ToolCall { .. })),
            from_tool: message.has_tool_result(),
            digest: Hex(message.digest()),
            links: vec![Hex(link)],
            distillation: None,
            distilled: None,
        }
    }
}

/// See [`Record::Turn`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnCount {
    /// In which session.
    pub session: SessionId,
    /// What names the conversation that it ended in.
    pub link: Hex,
    /// When it ended.
    pub at: UnixMillis,
    /// The model that was asked.
    pub model: String,
    /// Why the answer ended.
    pub stop: Option<Stop>,
    /// Whether it was cut.
    pub cut: bool,
    /// The provider's count.
    pub usage: Usage,
}

/// See [`Record::Entry`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is what the entry's column is, see docs/store.md")]
pub struct EntryRecord {
    pub id: KnowledgeId,
    /// None where it is this id and the time at which it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    pub version: u32,
    pub project: Option<ProjectId>,
    pub session: Option<SessionId>,
    pub category: Category,
    pub title: String,
    pub content: String,
    pub confidence: Exact,
    pub promoted: bool,
    pub remembered: bool,
    pub created: UnixMillis,
    pub updated: UnixMillis,
    pub used: UnixMillis,
    /// What it said before, the oldest first.
    pub versions: Vec<VersionRecord>,
}

impl EntryRecord {
    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin.clone().unwrap_or_else(|| Origin::born(self.id.clone(), self.created))
    }
}

/// An older version of an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is what the version's column is, see docs/store.md")]
pub struct VersionRecord {
    pub version: u32,
    pub category: Category,
    pub title: String,
    pub content: String,
    pub confidence: Exact,
    pub written: UnixMillis,
}

/// See [`Record::Contradiction`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContradictionRecord {
    /// The one, by the id that it got at first, and when: its origin.
    pub one: (KnowledgeId, UnixMillis),
    /// The other.
    pub other: (KnowledgeId, UnixMillis),
    /// Why they cannot.
    pub reason: String,
    /// When that was found.
    pub at: UnixMillis,
}

/// See [`Record::Tombstone`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TombstoneRecord {
    /// The id that stays taken.
    pub id: KnowledgeId,
    /// Where the entry came from; none where nothing is known of it but this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// To which project the entry belonged.
    pub project: Option<ProjectId>,
    /// Whether it held in all.
    pub promoted: bool,
    /// By what an entry that says the same is known again, as hex digits.
    pub print: String,
    /// Why the entry went.
    pub reason: String,
    /// When.
    pub at: UnixMillis,
}

impl TombstoneRecord {
    /// Where the entry came from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin.clone().unwrap_or_else(|| Origin::of_id(self.id.clone()))
    }
}

/// See [`Record::Charge`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is what the ledger's column is, see docs/store.md")]
pub struct ChargeRecord {
    pub at: UnixMillis,
    pub session: Option<SessionId>,
    pub purpose: Purpose,
    pub provider: Provider,
    pub model: String,
    pub status: Option<u16>,
    pub attempts: u32,
    pub usage: Usage,
    pub usd: Exact,
    /// How many stand before it that are the same in all else.
    pub nth: u64,
}

/// See [`Record::WarmReturn`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is what the column is, see docs/store.md")]
pub struct WarmReturnRecord {
    pub at: UnixMillis,
    pub session: String,
    pub provider: Provider,
    pub model: String,
    pub ttl: CacheTtl,
    pub tokens: u64,
    pub usd: Exact,
    /// How many stand before it that are the same in all else.
    pub nth: u64,
}

/// A digest, written as hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hex(pub Digest);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        let mut bytes = [0; 16];
        let right = digits.len() == 2 * bytes.len() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !right {
            return Err(D::Error::custom("a digest has 32 hex digits"));
        }
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).map_err(D::Error::custom)?;
        }
        Ok(Self(Digest(bytes)))
    }
}

/// A number that reads back as exactly the one that was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exact(pub f64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Box::<RawValue>::deserialize(deserializer)?;
        let number: f64 = written.get().parse().map_err(D::Error::custom)?;
        if number.is_finite() { Ok(Self(number)) } else { Err(D::Error::custom("a number has to be finite")) }
    }
}
