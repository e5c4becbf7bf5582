//! One line of the message trace.

use std::borrow::Cow;

/// How one message was handled. `mail`, `cause` and `root` suffice to redraw who said what to whom.
///
/// Actors and messages are named in the program's own text; whoever reads rows from elsewhere holds names as `String`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Row<Name = &'static str> {
    /// When its handling began, in milliseconds since 1970; 0 where nobody traces.
    pub at_unix_ms: u64,
    /// The same on a clock that nobody sets, in microseconds since the process began to count.
    pub begun_us: u64,
    /// Who handled it.
    pub actor: Name,
    /// How often that actor has been built: 1 at first, one more after each crash.
    pub incarnation: u64,
    /// The message's name.
    pub message: Name,
    /// The message's own (redacting) `Debug`, its beginning if it is long; empty unless tracing is on.
    pub detail: String,
    /// The session it is about; unknown unless tracing is on.
    pub session: Option<String>,
    /// Who sent it.
    pub from: Name,
    /// Its number.
    pub mail: u64,
    /// The number of the message whose handling sent it; none if it came from outside.
    pub cause: Option<u64>,
    /// The number of the first message of the conversation; its own if it is the first.
    pub root: u64,
    /// How many messages of its conversation led to it, one causing the next; 0 for the first.
    pub hops: u32,
    /// Whether its sender waits for the reply.
    pub asked: bool,
    /// How long it waited in the mailbox, in microseconds.
    pub queue_wait_us: u64,
    /// How long its step and effects took, in microseconds; 0 where nobody traces or reads of each message in the log.
    pub handle_us: u64,
    /// How many messages still waited when it was taken out.
    pub depth: usize,
    /// How many effects its step had.
    pub effects: usize,
    /// `crashed at …`, or else the reply in short, or just `handled` unless tracing is on.
    pub outcome: Cow<'static, str>,
}
