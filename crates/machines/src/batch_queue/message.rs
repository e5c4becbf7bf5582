//! What is said to the queue, what it answers, and what it wants done.

use crate::job::{Brief, Ending, JobMessage, Work};
use bytes::Bytes;
use domain::credential::Lease;
use domain::fingerprint::Fingerprint;
use domain::ids::{BatchId, BatchMark, FileId, SessionId};
use domain::time::UnixMillis;
use std::fmt;
use std::time::Duration;

/// The messages that are handed in, by name and size: no word of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Stretch {
    /// Their ids in the store.
    pub sources: Vec<i64>,
    /// How long they are as the model sees them, in bytes.
    pub size: usize,
}

/// Work for a provider's batch. It holds no secret (R13): a token is leased each time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Item {
    /// For whom.
    pub brief: Brief,
    /// What it covers.
    pub stretch: Stretch,
}

impl Item {
    /// Whether its session was forgotten: then it covers no message. Its call, if it was handed in, is answered and paid for all the
    /// same.
    #[must_use]
    pub const fn is_forgotten(&self) -> bool {
        self.stretch.sources.is_empty()
    }
}

/// A background call as it will be handed in. It holds what was said, so it is kept only until then, and never shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Call(pub Bytes);

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} bytes)", self.0.len())
    }
}

/// Work that a worker could do directly with the lease it has, and that nobody waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Offer {
    /// The work.
    pub item: Item,
    /// The token of the lease: what is handed in together is paid by one account.
    pub token: Fingerprint,
    /// The call that does it.
    pub call: Call,
}

/// Items that a provider took in together, in the order of the calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Batch {
    /// Our name for it.
    pub mark: BatchMark,
    /// The provider's name for it.
    pub id: BatchId,
    /// In whose name leases are asked for.
    pub leader: Brief,
    /// Never none.
    pub items: Vec<Item>,
}

/// What is known of calls that a provider may have taken in without our hearing of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Trace {
    /// What its batch is known by, if there is one.
    pub mark: BatchMark,
    /// When they were handed in.
    pub at: UnixMillis,
    /// The file that they were uploaded in; none at Anthropic, and none after a restart.
    pub file: Option<FileId>,
}

/// What became of calls that were handed in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HandedIn {
    /// The provider made a batch of them.
    Taken(BatchMark, BatchId),
    /// There is no batch endpoint at this upstream.
    Lacking,
    /// They were not taken, and would not be if they were sent again.
    Refused,
    /// They were not taken, which may pass by itself.
    Later,
    /// There was no answer that said so, or none at all: there may be a batch of them.
    Unknown(Trace),
}

/// What the provider's list of batches says about calls that may have been taken in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Found {
    /// There is a batch of them.
    There(BatchId),
    /// There is none, or nobody can say so.
    NotThere,
    /// It cannot be told yet.
    Unclear,
}

/// Where work of before was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Whereabouts {
    /// In this batch.
    Lying(BatchMark, BatchId),
    /// Nobody heard whether the provider took it in.
    Missing(Trace),
}

/// Work that was handed in before this queue was built.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Past {
    /// Where it is.
    pub whereabouts: Whereabouts,
    /// In whose name leases are asked for.
    pub leader: Brief,
    /// In the order of the calls; never none.
    pub items: Vec<Item>,
    /// How long ago it was handed in.
    pub age: Duration,
}

/// What the queue hears.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BatchMessage {
    /// A worker offers work for a batch.
    Offered(Offer),
    /// Items have been collected for long enough, or it is time to try again.
    HandInDue,
    /// Calls were handed in.
    HandedIn {
        /// In whose name.
        leader: SessionId,
        /// With what.
        lease: Lease,
        /// What became of them.
        outcome: HandedIn,
        /// How that went.
        work: Work,
        /// Spreads the pauses between tries.
        chance: u64,
    },
    /// Calls that may have been taken in were looked for.
    Sought {
        /// In whose name.
        leader: SessionId,
        /// With what.
        lease: Lease,
        /// What was found.
        found: Found,
        /// How that went.
        work: Work,
    },
    /// Every minute, as long as something lies in a batch.
    LookDue,
    /// A batch was looked at.
    Looked {
        /// In whose name.
        leader: SessionId,
        /// With what.
        lease: Lease,
        /// How that went.
        work: Work,
        /// Once the batch has ended, how each of its items ended; none before.
        endings: Vec<Ending>,
    },
    /// What was handed in before this queue was built.
    Restored(Vec<Past>),
    /// A person forgot these sessions.
    Forgotten(Vec<SessionId>),
    /// Another step of a job.
    Job(JobMessage),
}

/// What the queue answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchReply {
    /// Taken in.
    Noted,
    /// To an offer: the work goes into a batch, or lies in one already.
    Queued,
    /// To an offer: the work goes the direct way.
    Direct,
}

/// What the queue wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BatchEffect {
    /// Ask the CredentialActor whether a batch may be handed in, looked at or cancelled.
    Ask(Brief),
    /// Hand calls in as one batch: write down that it is done, and then what the provider took.
    HandIn {
        /// In the order of the calls.
        items: Vec<Item>,
        /// One an item.
        calls: Vec<Call>,
        /// With what.
        lease: Lease,
    },
    /// Look in the provider's list whether it took calls in, and write down what is found. A file that nothing came of is let go.
    Seek {
        /// In whose name.
        leader: Brief,
        /// What it is known by.
        trace: Trace,
        /// In the order of the calls.
        items: Vec<Item>,
        /// With what.
        lease: Lease,
    },
    /// Look how far a batch is, and keep its results when there are some.
    Look {
        /// At what.
        batch: Batch,
        /// With what.
        lease: Lease,
    },
    /// Have the provider do no more of a batch. What it has done by then is fetched by a later look.
    Cancel {
        /// In whose name.
        leader: Brief,
        /// Which.
        batch: BatchId,
        /// With what.
        lease: Lease,
    },
    /// Tell the provider that nobody wants anything of a batch any more, and leave no file of it behind.
    Abandon {
        /// In whose name.
        leader: Brief,
        /// Which.
        batch: BatchId,
        /// With what.
        lease: Lease,
    },
    /// Tell the CredentialActor how it went.
    Report {
        /// For whom.
        brief: Brief,
        /// With what.
        lease: Lease,
        /// How it went.
        work: Work,
    },
    /// The scheduler is to hear that an item came into the queue, or how it left.
    Over {
        /// For whom.
        brief: Brief,
        /// How.
        ending: Ending,
    },
    /// What was handed in under this mark is not looked after any more, not even after a restart.
    Forget(BatchMark),
    /// Hand in again after this long.
    ArmHandIn(Duration),
    /// Look again after this long.
    ArmLook(Duration),
}
