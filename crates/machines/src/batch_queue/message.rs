//! What is said to the queue, what it answers, and what it wants done.

use crate::job::{Brief, Ending, JobMessage, Work};
use domain::credential::Lease;
use domain::ids::{BatchId, SessionId};
use domain::provider::UpstreamKey;
use std::time::Duration;

/// The messages that were handed in, by name and size: no word of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stretch {
    /// Their ids in the store.
    pub sources: Vec<i64>,
    /// How long they are as the model sees them, in bytes.
    pub size: usize,
}

/// Work that lies in a provider's batch. It holds no secret (R13): a token to look with is leased each time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Item {
    /// For whom.
    pub brief: Brief,
    /// The provider's name for it.
    pub batch: BatchId,
    /// What it covers.
    pub stretch: Stretch,
}

/// What the queue hears.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BatchMessage {
    /// A worker asks whether work that nobody waits for may go into a batch.
    MayQueue {
        /// For whom.
        session: SessionId,
        /// Where.
        upstream: UpstreamKey,
    },
    /// A provider took work in.
    Queued(Item),
    /// A provider did not take in what was handed in for this session.
    Unwelcome(SessionId),
    /// There is no batch endpoint at this upstream.
    Lacking(UpstreamKey),
    /// Every minute, as long as there is an item.
    LookDue,
    /// A step of a look.
    Job(JobMessage),
}

/// What the queue answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchReply {
    /// Taken in.
    Noted,
    /// To `MayQueue`: it may.
    Queue,
    /// To `MayQueue`: the work goes the direct way.
    Direct,
}

/// What the queue wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BatchEffect {
    /// Ask the CredentialActor whether this item may be looked at.
    Ask(Brief),
    /// Look how far it is, and keep its result when there is one.
    Look {
        /// At what.
        item: Item,
        /// With what.
        lease: Lease,
    },
    /// Tell the CredentialActor how the look went.
    Report {
        /// For whom.
        brief: Brief,
        /// With what.
        lease: Lease,
        /// How it went.
        work: Work,
    },
    /// The item left the queue, and the scheduler is to hear how.
    Over {
        /// For whom.
        brief: Brief,
        /// How.
        ending: Ending,
    },
    /// Look again after this long.
    ArmLook(Duration),
}
