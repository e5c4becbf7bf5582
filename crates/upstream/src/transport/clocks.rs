//! awc's clocks, which never run.
//!
//! For each exchange awc starts a task that keeps the time, in case it has to write a `date` into a head: a task, and a timer
//! that rings within a millisecond and interrupts the thread's wait. The transport lets awc write no date ([`date`]), so nobody
//! would read that clock.
//!
//! [`date`]: super::date

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    pin::pin,
};

use tokio::task::LocalSet;

/// How many clocks are kept before all of them are thrown away: so few that their memory, half a kilobyte each, is soon used again.
const AT_MOST: u32 = 64;

/// The clocks of the last exchanges of one thread.
#[derive(Default)]
pub(super) struct Clocks {
    /// Never polled, so that nothing in it ever runs. Exchanges go on without their clock, so it may go before they do.
    stopped: RefCell<LocalSet>,
    kept: Cell<u32>,
}

impl Clocks {
    /// What comes of `exchange`, the tasks that it starts being clocks. Only clocks: no other task of its would ever run.
    pub(super) async fn stopped_in<T>(&self, exchange: impl Future<Output = T>) -> T {
        self.make_room();
        let mut exchange = pin!(exchange);
        poll_fn(|context| {
            let _within = self.stopped.borrow().enter();
            exchange.as_mut().poll(context)
        })
        .await
    }

    fn make_room(&self) {
        if self.kept.replace(self.kept.get() + 1) == AT_MOST {
            self.kept.set(1);
            self.stopped.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::{Rc, Weak};

    use tokio::task::{spawn_local, yield_now};

    use super::*;

    /// An exchange that starts a task, and a sign of that task's life. The task would panic if it ran.
    async fn started() -> Weak<()> {
        let life = Rc::new(());
        let sign = Rc::downgrade(&life);
        drop(spawn_local(async move { panic!("it runs, and holds {life:?}") }));
        yield_now().await;
        sign
    }

    #[tokio::test]
    async fn what_an_exchange_starts_never_runs_and_goes_with_the_others() {
        let clocks = Clocks::default();
        let mut signs = Vec::new();
        for _ in 0..AT_MOST {
            signs.push(clocks.stopped_in(started()).await);
        }
        assert!(signs.iter().all(|sign| sign.strong_count() == 1), "kept, and not run");
        let next = clocks.stopped_in(started()).await;
        assert!(signs.iter().all(|sign| sign.strong_count() == 0), "thrown away together");
        assert_eq!(next.strong_count(), 1);
        for _ in 1..AT_MOST {
            clocks.stopped_in(started()).await;
        }
        assert_eq!(next.strong_count(), 1, "as many are kept the second time");
        clocks.stopped_in(started()).await;
        assert_eq!(next.strong_count(), 0, "and no more");
    }

    #[tokio::test]
    async fn what_is_started_before_and_after_runs() {
        let set = LocalSet::new();
        let ran = set.run_until(async {
            let clocks = Clocks::default();
            let before = spawn_local(async { 1 });
            drop(clocks.stopped_in(started()).await);
            let after = spawn_local(async { 2 });
            (before.await.unwrap(), after.await.unwrap())
        });
        assert_eq!(ran.await, (1, 2));
    }
}
