//! Why a message was sent: the thread that lets a whole conversation be redrawn from the trace.

/// Who sends a message, and because of which other message.
///
/// An actor gets the cause of what it sends from [`crate::Stage::cause`]; whoever is no actor
/// (a request handler, `main`, a test) starts a conversation with [`Cause::origin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    pub(crate) from: &'static str,
    pub(crate) mail: Option<u64>,
    pub(crate) root: Option<u64>,
    pub(crate) hops: u32,
}

impl Cause {
    /// A conversation started from outside by `from`. Each message sent with it is a root of its own.
    #[must_use]
    pub const fn origin(from: &'static str) -> Self {
        Self { from, mail: None, root: None, hops: 0 }
    }

    /// The name of the sender.
    #[must_use]
    pub const fn from(&self) -> &'static str {
        self.from
    }

    /// The message whose handling sent this one, unless it came from outside.
    #[must_use]
    pub const fn mail(&self) -> Option<u64> {
        self.mail
    }

    /// The first message of the conversation, unless this starts one.
    #[must_use]
    pub const fn root(&self) -> Option<u64> {
        self.root
    }

    /// Because of message `mail` of the conversation `root`, `hops` messages after its first.
    pub(crate) const fn within(from: &'static str, mail: u64, root: u64, hops: u32) -> Self {
        Self { from, mail: Some(mail), root: Some(root), hops: hops.saturating_add(1) }
    }

    /// Keeps who caused it, but starts a conversation of its own.
    pub(crate) const fn uprooted(self) -> Self {
        Self { root: None, hops: 0, ..self }
    }
}
