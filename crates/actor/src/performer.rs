//! What a part of the house has to say for itself: its messages, its pure step, and what its
//! effects do to the world. The machine needs no trait of ours, so it never learns about actors.

use std::fmt::Debug;
use std::time::Duration;

use crate::Stage;
use crate::excerpt::excerpt;

/// What travels between actors.
///
/// `Debug` goes into the trace, so whatever is secret in a message must redact itself.
pub trait Message: Debug + Send + 'static {
    /// The message's name in spans, metrics and the trace, for instance `"TurnCompleted"`.
    fn name(&self) -> &'static str;

    /// The session this message is about, if it is about one.
    fn session(&self) -> Option<&str> {
        None
    }
}

/// Builds a fresh machine: at the start, and again after every crash.
///
/// What must survive a crash (generation numbers, for instance) is owned by the closure.
pub type Factory<Machine> = Box<dyn FnMut() -> Machine>;

/// One actor: the pure step of its machine, and what the machine's effects do to the world.
///
/// The performer survives a crash while the machine is rebuilt, so it should hold handles
/// (mailboxes, clients, publishers), not state of its own.
pub trait Performer: Sized + 'static {
    /// The name this actor usually goes by; pass it to [`crate::vacancy()`].
    const NAME: &'static str;
    /// The pure state machine.
    type Machine: 'static;
    /// Everything the machine can be told.
    type Message: Message;
    /// What the machine wants done to the world, as data.
    type Effect: 'static;
    /// What a step answers; whoever only told the message never sees it.
    type Reply: Debug + Send + 'static;

    /// One step of the machine: no I/O, no waiting, well under half a millisecond.
    ///
    /// `now` is the time since the clock's origin.
    fn step(
        machine: &mut Self::Machine,
        message: Self::Message,
        now: Duration,
        effects: &mut Vec<Self::Effect>,
    ) -> Self::Reply;

    /// The reply as the trace shows it: its `Debug`, unless a performer knows a shorter word for it. Nothing secret may be in it.
    fn outcome(reply: &Self::Reply) -> String {
        excerpt(reply)
    }

    /// Does one effect. Whatever has to wait goes through [`Stage::run`].
    fn perform(&mut self, effect: Self::Effect, stage: &mut Stage<'_, Self::Message>);

    /// What a fresh or rebuilt machine starts with, for instance its first timers.
    fn opening(&mut self, _stage: &mut Stage<'_, Self::Message>) {}
}
