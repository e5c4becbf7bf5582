//! What lies in a mailbox: letters, and the two words with which a house is closed.

use std::time::Duration;

use tokio::sync::oneshot;
use tracing::Span;

use crate::desk::Admission;
use crate::timer::Stamp;
use crate::{AskError, Cause};

/// Whom to answer; `None` if nobody asked.
pub(crate) type Answer<R> = Option<oneshot::Sender<Result<R, AskError>>>;

/// Everything an actor's mailbox can hold.
pub(crate) enum Mail<M, R> {
    /// A message.
    Letter(Box<Letter<M, R>>),
    /// Several, in their order.
    Bundle(Vec<Letter<M, R>>),
    /// End as soon as nothing waits and nothing runs; the sender is dropped at the end.
    Drain(oneshot::Sender<()>),
    /// End now.
    Stop,
}

impl<M: Send + 'static, R: Send + 'static> actix::Message for Mail<M, R> {
    type Result = ();
}

/// A message and how it came here.
pub(crate) struct Letter<M, R> {
    pub(crate) message: M,
    pub(crate) answer: Answer<R>,
    pub(crate) postmark: Postmark,
    pub(crate) admission: Admission,
}

/// Who sent a letter, when and why.
pub(crate) struct Postmark {
    pub(crate) number: u64,
    pub(crate) from: &'static str,
    pub(crate) cause: Option<u64>,
    pub(crate) root: u64,
    pub(crate) hops: u32,
    pub(crate) posted: Duration,
    pub(crate) stamp: Option<Stamp>,
    /// Kept open until the letter is handled, so that the handling's span can follow from it.
    pub(crate) sender: Span,
}

impl Postmark {
    pub(crate) fn new(number: u64, cause: Cause, stamp: Option<Stamp>, posted: Duration) -> Self {
        let root = cause.root.unwrap_or(number);
        let Cause { from, mail: cause, hops, .. } = cause;
        Self { number, from, cause, root, hops, posted, stamp, sender: Span::current() }
    }
}
