//! The ways a message fails to arrive. They live here and nowhere else: no business error ever
//! mentions a mailbox.

/// Why a message was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TellError {
    /// As many messages wait as the mailbox has room for; this one was shed and counted.
    #[error("the mailbox is full")]
    Full,
    /// The actor has ended, or is ending and takes nothing new.
    #[error("the actor has stopped")]
    Stopped,
}

/// Why a question got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The mailbox is full; the question was never put.
    #[error("the actor is overloaded")]
    Overloaded,
    /// The actor has ended, or ended before it came to the question.
    #[error("the actor has stopped")]
    Stopped,
    /// No answer came in time. The question stays in the mailbox and will be handled.
    #[error("no answer came in time")]
    TimedOut,
    /// The actor crashed over this very question and has been rebuilt.
    #[error("the actor crashed over the question")]
    Crashed,
}

impl From<TellError> for AskError {
    fn from(error: TellError) -> Self {
        match error {
            TellError::Full => Self::Overloaded,
            TellError::Stopped => Self::Stopped,
        }
    }
}
