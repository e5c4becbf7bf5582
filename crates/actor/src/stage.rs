//! What a performer can do to the world besides calling it: set timers, start work, speak to itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::Instrument;

use crate::desk::Desk;
use crate::performance::Homing;
use crate::timer::{Stamp, Timers};
use crate::{Address, Cause, Message};

/// Where a performer performs: valid while one message is handled.
pub struct Stage<'a, M: Message> {
    backstage: &'a mut Backstage<M>,
    cause: Cause,
    now: Duration,
    ringing: Option<&'static str>,
}

/// What outlives the handling of one message.
pub(crate) struct Backstage<M: Message> {
    pub(crate) me: Address<M>,
    pub(crate) desk: Arc<Desk>,
    timers: Timers,
    /// Aborted with the actor, because a `JoinSet` aborts what it holds when dropped.
    performances: JoinSet<()>,
}

impl<M: Message> Stage<'_, M> {
    /// Tells the actor `message` after `delay`. One timer per key: arming it again replaces it.
    ///
    /// After a re-arming or a [`cancel`](Self::cancel), the old message never arrives, not even when
    /// it already lay in the mailbox. A crash cancels all timers.
    pub fn after(&mut self, key: &'static str, delay: Duration, message: M) {
        // A timer that keeps itself going would otherwise be one conversation as long as the process.
        let cause = if self.ringing == Some(key) { self.cause.uprooted() } else { self.cause };
        let me = self.backstage.me.clone();
        self.backstage.timers.arm(key, delay, move |stamp| me.ring(message, cause, stamp));
    }

    /// Cancels the timer with this key, if there is one.
    pub fn cancel(&mut self, key: &'static str) {
        self.backstage.timers.cancel(key);
    }

    /// Starts `work` beside the actor, on its thread. Its message always comes back, past every
    /// bound: what `work` gave, or `if_lost` when it panicked or was aborted. It survives a crash of
    /// the machine, so a rebuilt machine must be able to ignore an outcome it does not know.
    pub fn run(&mut self, work: impl Future<Output = M> + 'static, if_lost: M) {
        let Backstage { me, desk, .. } = &*self.backstage;
        let homing = Homing::new(if_lost, me.clone(), self.cause, Arc::clone(desk));
        self.backstage.forget_finished();
        self.backstage.performances.spawn_local(homing.accompany(work).in_current_span());
    }

    /// The cause of whatever is sent because of the message being handled.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The actor's own address, to be taken along by closures.
    #[must_use]
    pub fn me(&self) -> &Address<M> {
        &self.backstage.me
    }

    /// The time since the clock's origin at which this message was taken out of the mailbox.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.now
    }
}

impl<M: Message> Backstage<M> {
    pub(crate) fn new(me: Address<M>, desk: Arc<Desk>) -> Self {
        Self { me, desk, timers: Timers::default(), performances: JoinSet::new() }
    }

    /// Sets the stage for one message, or for an opening.
    pub(crate) fn set(&mut self, cause: Cause, now: Duration, ringing: Option<&'static str>) -> Stage<'_, M> {
        Stage { backstage: self, cause, now, ringing }
    }

    /// Whether a letter still is to be handled: always, unless a timer that no longer counts sent it.
    pub(crate) fn is_wanted(&mut self, stamp: Option<Stamp>) -> bool {
        stamp.is_none_or(|stamp| self.timers.claim(stamp))
    }

    /// Forgets what a crashed machine had planned. What already runs is left to finish: it may have
    /// cost money, and what comes of it is a fact.
    pub(crate) fn crashed(&mut self) {
        self.timers.cancel_all();
    }

    /// A `JoinSet` keeps what has finished until somebody asks.
    fn forget_finished(&mut self) {
        while self.performances.try_join_next().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, Environment, vacancy};

    #[derive(Debug)]
    struct Done;

    impl Message for Done {
        fn name(&self) -> &'static str {
            "Done"
        }
    }

    #[tokio::test(flavor = "local")]
    async fn finished_performances_are_not_kept() {
        let environment = Environment::new(Clock::system());
        let (mailbox, _vacancy) = vacancy::<Done, ()>("actor", 0, &environment);
        let desk = Arc::new(Desk::new("actor", 0, environment));
        let mut backstage = Backstage::new(mailbox.address(), desk);
        for performances in 1..=3 {
            backstage.set(Cause::origin("test"), Duration::ZERO, None).run(async { Done }, Done);
            while mailbox.depth() < performances {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(backstage.performances.len(), 1);
    }
}
