//! What the warmer hears, wants done and answers.

use super::pause::Pause;
use crate::job::{Brief, JobEffect, JobMessage};
use crate::warming::{Awaited, Change, Habits};
use domain::access::WaitReason;
use domain::conversation::{CacheTtl, Usage};
use domain::ids::{ProjectId, SessionId};
use domain::time::Moment;
use domain::warming::{Bucket, WarmingMode, Whose};
use std::fmt;
use std::time::Duration;

/// What a turn says about the cache behind it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Warmth {
    /// How long the provider keeps the prefix.
    pub ttl: CacheTtl,
    /// What the provider counted.
    pub usage: Usage,
    /// When the turn's request left: that is when the provider used the cache, however long the news of it waited.
    pub left: Moment,
    /// How long its answer took.
    pub answered_in: Duration,
    /// Who has to do something before the agent calls again.
    pub awaited: Awaited,
    /// Who had been waited for before this turn, as its request tells.
    pub after: Awaited,
    /// Turns of the session so far, this one included.
    pub turns: u32,
    /// What the session works on.
    pub project: ProjectId,
}

/// Why a session's last request cannot be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cold {
    /// Its provider has no cache whose time a replay starts anew.
    Dialect,
    /// An agent that another agent started: it does not wait for a person.
    Subagent,
    /// Its client marks nothing, so that the provider kept nothing, and reads nothing for the next request either (ADR 11).
    Unmarked,
    /// It lets the model think for a budget, so that a replay would be a whole answer.
    Thinking,
    /// Its answer never came to its end.
    Unfinished,
    /// It is not kept any more: other sessions' requests took the room.
    Displaced,
}

/// What was decided and counted before this process, or before the crash of the machine.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Memory {
    /// Whether the switch is on.
    pub on: bool,
    /// Sessions whose mode is not [`WarmingMode::Auto`].
    pub modes: Vec<(SessionId, WarmingMode)>,
    /// Pauses that have not ended; without a bucket, of all warming.
    pub pauses: Vec<(Option<Bucket>, Pause)>,
    /// How many warm-ups were paid for lately, since the last pause of all warming at most.
    pub refreshes: u32,
    /// How many returns used them.
    pub returns: u32,
    /// What was learnt of waits, those that were used last at the end.
    pub habits: Vec<(Whose, Habits)>,
}

/// Without the habits themselves: thousands of them would be one line of a trace.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { on, modes, pauses, refreshes, returns, habits } = self;
        let counted = (on, modes, pauses, refreshes, returns);
        f.debug_struct("Memory").field("decided", &counted).field("habits", &habits.len()).finish()
    }
}

/// What the warmer hears.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WarmerMessage {
    /// What was kept over a restart; until it is heard, nothing is warmed.
    Recalled(Memory),
    /// A client's request of this session went out: it uses the cache itself.
    TurnStarted(SessionId),
    /// It ended, whether or not anything could be recorded.
    TurnEnded(SessionId),
    /// A turn ended; its request can be replayed when it left something in a cache.
    TurnSeen {
        /// The session.
        brief: Brief,
        /// What it left in the provider's cache, or why it cannot be replayed.
        warmth: Result<Warmth, Cold>,
    },
    /// The earliest cache is about to expire.
    WarmupDue,
    /// A warm-up was accepted; the provider counted this.
    Refreshed {
        /// Whose cache.
        brief: Brief,
        /// When the call left.
        start: Moment,
        /// What the provider counted.
        usage: Usage,
    },
    /// The replayed request was refused as such.
    Unwarmable {
        /// Whose.
        brief: Brief,
        /// What the provider said.
        why: String,
    },
    /// The request is not kept any more.
    Displaced(SessionId),
    /// The day's limit is reached.
    LimitReached {
        /// Whose warm-up was not made.
        session: SessionId,
        /// Spent within a day, in cents.
        spent: u64,
        /// The limit, in cents.
        limit: u64,
    },
    /// A person switched all warming on or off.
    Switched(bool),
    /// A person decided about one session.
    ModeSet(SessionId, WarmingMode),
    /// A person wants it done now.
    WarmNow(Brief),
    /// The session left memory.
    SessionEvicted(SessionId),
    /// A person forgot these: nothing is held in mind of them.
    Forgotten(Vec<Whose>),
    /// What changed in habits is to be kept now.
    KeepingDue,
    /// These changes could not be kept.
    Unkept(Vec<Whose>),
    /// The house closes: what was learnt until now is all that there is to keep.
    Closing,
    /// Why are these kept warm, or not? Beside each session, why its background work stands still, if it does.
    Explain(Vec<(SessionId, Option<WaitReason>)>),
    /// How does warming as a whole stand?
    Describe,
    /// A step of a job.
    Job(JobMessage),
}

/// What the warmer wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WarmerEffect {
    /// A step of a job.
    Job(JobEffect),
    /// Wake up after this long; nothing to wait for when none.
    ArmWarmup(Option<Duration>),
    /// A warm-up paid for itself: the agent came back to a cache that would have been gone.
    Credit {
        /// The session.
        brief: Brief,
        /// Tokens read instead of written.
        tokens: u64,
        /// To which cache they would have been written.
        ttl: CacheTtl,
    },
    /// A pause began: keep it over a restart, and say so.
    Paused {
        /// Of which cache; of all warming when none.
        bucket: Option<Bucket>,
        /// Why, and until when.
        pause: Pause,
    },
    /// Say that keeping is due after this long.
    ArmKeeping(Duration),
    /// Habits changed: keep them over a restart.
    Keep(Vec<Change>),
    /// The kept request can go.
    Forget(SessionId),
}

/// What the warmer answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WarmerReply {
    /// It was heard.
    Noted,
    /// One for each session asked about, in their order.
    Explained(Vec<Explanation>),
    /// How warming as a whole stands.
    Described(Overview),
}

/// Why one session is kept warm, or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Explanation {
    /// What a person decided.
    pub mode: WarmingMode,
    /// Whether it is kept warm.
    pub is_warm: bool,
    /// One sentence for a person.
    pub why: String,
}

/// How warming as a whole stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Overview {
    /// Whether anything is kept warm at all.
    pub is_on: bool,
    /// One sentence for a person.
    pub why: String,
    /// How many sessions are kept warm now.
    pub held: usize,
}
