//! What the gateway keeps: conversations, observations, knowledge and the ledger, in an embedded database.
//!
//! [`Store`] says what can be asked and promised; [`SqliteStore`] keeps the promises today, and another database can keep
//! them tomorrow. The trait blocks, since databases do: async code goes through a [`Desk`], which hands jobs to a thread.
//!
//! Nothing in here is ever a credential, and nothing reads a clock: every time is an argument.

mod alike;
mod batch;
mod browse;
mod columns;
mod consolidation;
mod contradiction;
mod costs;
mod database;
mod desk;
mod distillation;
mod error;
mod folder;
mod habits;
mod history;
mod injection;
mod knowledge;
mod lane;
mod ledger;
mod merging;
mod overlap;
mod recall;
mod refusal;
mod session;
mod sketches;
mod sqlite;
mod store;
mod turn;
mod vectors;
mod warming;
mod yours;

pub use batch::{KeptBatch, KeptItem};
pub use browse::{Browse, CountedTurn, EntryVersion, Excerpt, LONGEST_EXCERPT, Page, PaidCall};
pub use costs::{Costs, CostsBy, WarmReturn};
pub use desk::{Desk, Pace, QueueFull};
pub use distillation::CurationMaterial;
pub use error::StoreError;
pub use folder::{files, holder, look};
pub use habits::KeptHabits;
pub use knowledge::{Applied, Draft};
pub use ledger::LedgerEntry;
pub use recall::{Hit, MOST_HITS, Period, Scope, Source};
pub use refusal::Vain;
pub use session::{Backlog, SessionHead, SessionSummary, StatedFolder};
pub use sqlite::SqliteStore;
pub use store::Store;
pub use turn::{LONGEST_TEXT, Recorded, TurnRecord};
pub use vectors::{TextKey, Unembedded};
pub use warming::{KeptPause, WarmingMemory};
pub use yours::{
    BadLine, Bookmark, Dropped, Erased, Extent, Forgotten, Imported, Limits, Reading, Scribe, TakenOver,
    TakingOver, Unerased, Yours, record,
};
