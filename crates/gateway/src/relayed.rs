//! An answer on its way to the client, piece by piece as it comes.
//!
//! When the provider's connection dies midway, the error passes through, and the server breaks the client's connection off:
//! agents take an answer that ends properly for a whole one. When the client leaves, this is dropped, and with it the
//! connection to the provider, which then stops generating.

use crate::capture::Listener;
use crate::examination::Ending;
use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use upstream::transport::{Body, Fault};

/// See the module.
pub(crate) struct Relayed {
    body: Body,
    /// What is still to come, where the provider said how much that is.
    remaining: Option<u64>,
    listener: Listener,
    /// What broke it, until what came before is on its way.
    fault: Option<Fault>,
}

impl Relayed {
    /// `body`, of `length` bytes if that is known, heard by `listener`.
    pub(crate) fn new(body: Body, length: Option<u64>, listener: Listener) -> Self {
        let mut relayed = Self { body, remaining: length, listener, fault: None };
        relayed.passed(0);
        relayed
    }

    /// With its last byte an answer of known length is whole: a client that has it may leave at once, and the server then
    /// asks for no end.
    fn passed(&mut self, bytes: usize) {
        self.remaining = self.remaining.map(|remaining| remaining.saturating_sub(bytes as u64));
        if self.remaining == Some(0) {
            self.listener.ended(Ending::Whole);
        }
    }
}

impl Stream for Relayed {
    type Item = Result<Bytes, Fault>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(fault) = this.fault.take() {
            return Poll::Ready(Some(Err(fault)));
        }
        let piece = ready!(this.body.poll_next_unpin(context));
        match &piece {
            Some(Ok(bytes)) => {
                this.listener.heard(bytes);
                this.passed(bytes.len());
            }
            Some(Err(fault)) => {
                tracing::warn!(%fault, "an answer broke off, and so does the client's");
                this.listener.ended(Ending::Broken);
                // On an error the server throws away what it has not written yet; while it has to wait, it writes.
                this.fault = Some(fault.clone());
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => this.listener.ended(Ending::Whole),
        }
        Poll::Ready(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use std::task::Waker;

    #[test]
    fn what_came_before_a_break_has_a_chance_to_be_written_before_the_break_is_told() {
        let half = Bytes::from_static(b"half");
        let body = stream::iter([Ok(half.clone()), Err(Fault::Cut)]).boxed_local();
        let mut relayed = Relayed::new(body, None, Listener::idle());
        let mut next = || relayed.poll_next_unpin(&mut Context::from_waker(Waker::noop()));
        assert_eq!(next(), Poll::Ready(Some(Ok(half))));
        assert_eq!(next(), Poll::Pending);
        assert_eq!(next(), Poll::Ready(Some(Err(Fault::Cut))));
        assert_eq!(next(), Poll::Ready(None));
    }
}
