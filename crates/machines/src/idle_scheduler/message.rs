//! What is said to the scheduler, what it answers, and what it wants done.

use crate::health::Level;
use crate::job::{Brief, Ending};
use domain::conversation::Stop;
use domain::ids::SessionId;
use domain::purpose::Purpose;
use std::time::Duration;

/// How much a session has left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Backlog {
    /// Messages that no observation covers.
    pub pending_messages: u32,
    /// Their estimated tokens.
    pub pending_tokens: u64,
    /// Turns since the knowledge was last looked after.
    pub turns_since_curation: u32,
    /// Observations that may be merged and were not.
    pub unmerged: u32,
    /// Entries of its project.
    pub entries: u32,
}

/// A session of which the store says that something is left to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LeftWork {
    /// The session.
    pub brief: Brief,
    /// What is left to do in it.
    pub backlog: Backlog,
}

/// What the scheduler hears.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SchedulerMessage {
    /// A client's request went out.
    TurnStarted(SessionId),
    /// It ended, whether or not anything could be recorded.
    TurnEnded(SessionId),
    /// A request named the session without being a turn of it: it takes a seat, so that it is evicted when it stays idle.
    SessionSeen(SessionId),
    /// Of these sessions others hold something, as they say at the start: after a crash nobody else would ever tell them to let go.
    Held(Vec<SessionId>),
    /// A turn was recorded.
    TurnRecorded {
        /// The session.
        brief: Brief,
        /// What is left to do in it.
        backlog: Backlog,
        /// Why the model stopped.
        stop: Option<Stop>,
        /// How long its prompt cache may be held; the session stays in memory at least so long.
        held_for: Duration,
    },
    /// It is time to look in the store for work that nobody in memory knows of.
    BacklogDue,
    /// The sessions with work left, those used last first; none where the store could not say.
    BacklogFound(Vec<LeftWork>),
    /// Every tick.
    IdleSweepDue,
    /// A worker's job ended.
    JobEnded {
        /// The session.
        session: SessionId,
        /// What it was for.
        purpose: Purpose,
        /// How.
        ending: Ending,
        /// What is left to do, when it has changed.
        backlog: Option<Backlog>,
    },
    /// A worker was rebuilt and knows of no job.
    WorkerRestarted(Purpose),
    /// It is time to erase what is left of what was forgotten, and to drop what is old.
    RetentionDue,
    /// A little was erased or dropped; perhaps there is more.
    Retained {
        /// Whether there is.
        more: bool,
    },
    /// A person forgot the session: it leaves memory at once.
    Forgotten(SessionId),
    /// Somebody wants to know which workers are not well.
    ListHealth,
}

/// What the scheduler answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SchedulerReply {
    /// Taken in.
    Noted,
    /// To `ListHealth`: every worker that is not healthy, session by session.
    Health(Vec<WorkerHealth>),
}

/// How well a worker does for a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkerHealth {
    /// The session.
    pub session: SessionId,
    /// What the worker is for.
    pub purpose: Purpose,
    /// How well.
    pub level: Level,
}

/// What the scheduler wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SchedulerEffect {
    /// Tell the worker of this purpose that the session is due.
    Dispatch(Purpose, Brief),
    /// The session leaves memory.
    Evict(SessionId),
    /// A worker does better or worse for a session than before.
    SayHealth {
        /// How well now.
        health: WorkerHealth,
        /// The ending that made it so.
        ending: Ending,
    },
    /// Sweep again after a tick.
    ArmSweep(Duration),
    /// Look in the store which sessions have work left.
    FindBacklog,
    /// Look again after this long.
    ArmBacklog(Duration),
    /// Erase a little of what was forgotten; where nothing is left of that, drop a little of what is old.
    Retain,
    /// Look again after this long.
    ArmRetention(Duration),
}
