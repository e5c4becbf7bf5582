//! Work that an effect starts and that takes time: it runs beside the actor, on the same thread but
//! outside the actor's context, and what comes of it returns as a message, whatever happens to it.

use std::sync::Arc;
use std::task::Poll;

use crate::crash::{Crash, contained};
use crate::desk::Desk;
use crate::{Address, Cause, Message};

/// Brings a performance's message home when dropped: the outcome, or what was agreed on if it is lost.
pub(crate) struct Homing<M: Message> {
    message: Option<M>,
    address: Address<M>,
    cause: Cause,
    desk: Arc<Desk>,
}

impl<M: Message> Homing<M> {
    pub(crate) fn new(if_lost: M, address: Address<M>, cause: Cause, desk: Arc<Desk>) -> Self {
        desk.performance_begins();
        Self { message: Some(if_lost), address, cause, desk }
    }

    /// Sees `work` through. Dropped at any point, the message still comes home.
    pub(crate) async fn accompany(mut self, work: impl Future<Output = M> + 'static) {
        match unless_it_panics(work).await {
            Ok(outcome) => self.message = Some(outcome),
            Err(crash) => log_lost(self.cause.from, &crash),
        }
    }
}

impl<M: Message> Drop for Homing<M> {
    fn drop(&mut self) {
        if let Some(message) = self.message.take() {
            // The actor may have ended meanwhile; then nobody waits for the outcome.
            self.address.tell_surely(message, self.cause).ok();
        }
        // Only now, so that a draining actor sees either the performance or its message.
        self.desk.performance_ends();
    }
}

async fn unless_it_panics<T>(work: impl Future<Output = T>) -> Result<T, Crash> {
    let mut work = Box::pin(work);
    std::future::poll_fn(move |context| match contained(|| work.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(outcome)) => Poll::Ready(Ok(outcome)),
        Err(crash) => Poll::Ready(Err(crash)),
    })
    .await
}

fn log_lost(actor: &'static str, crash: &Crash) {
    tracing::error!(target: "stillroom::actor", actor, at = %crash, "a performance panicked and is lost");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, Environment, vacancy};

    #[derive(Debug)]
    struct Lost;

    impl Message for Lost {
        fn name(&self) -> &'static str {
            "Lost"
        }
    }

    #[test]
    fn a_performance_that_never_gets_a_turn_still_sends_its_message() {
        let environment = Environment::new(Clock::system());
        let (mailbox, _vacancy) = vacancy::<Lost, ()>("actor", 0, &environment);
        let desk = Arc::new(Desk::new("actor", 0, environment));
        let homing = Homing::new(Lost, mailbox.address(), Cause::origin("test"), Arc::clone(&desk));
        assert_eq!((mailbox.depth(), desk.running()), (0, 1));
        drop(homing.accompany(std::future::pending()));
        assert_eq!((mailbox.depth(), desk.running()), (1, 0));
    }
}
