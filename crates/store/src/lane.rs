//! One thread with a store of its own and two bounded queues in front of it: jobs that somebody waits for, and facts.
//!
//! After a fact the thread rests many times as long as the fact took: however fast facts come, keeping them takes a small part
//! of one core, and relaying has the rest. A job is not made to wait for that, and goes before the facts that are.

use crate::desk::Pace;
use crate::error::StoreError;
use crate::store::Store;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

/// How many jobs may wait, and how many facts.
const QUEUE: usize = 1024;
/// The longest rest: a disk that was slow once says nothing about the next time.
const LONGEST_REST: Duration = Duration::from_secs(1);

type Job = Box<dyn FnOnce(&mut dyn Store) + Send>;
type FactJob = Box<dyn FnOnce(&mut dyn Store) -> Pace + Send>;

/// The way to the thread.
pub(crate) struct Lane {
    /// Taken away to close: the thread works off what is queued and ends.
    entrance: Mutex<Option<Entrance>>,
    /// Its sender goes with the thread, after the store.
    end: watch::Receiver<()>,
}

#[derive(Clone)]
struct Entrance {
    jobs: mpsc::Sender<Job>,
    facts: mpsc::Sender<FactJob>,
}

impl Lane {
    /// Starts a thread called `name` that works on `store`.
    pub(crate) fn start(name: &str, store: impl Store + 'static) -> Result<Self, StoreError> {
        let ((jobs, waiting_jobs), (facts, waiting_facts)) = (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
        let (alive, end) = watch::channel(());
        let timers = Builder::new_current_thread().enable_time().build().map_err(unstartable)?;
        let work = move || {
            timers.block_on(work_off(waiting_jobs, waiting_facts, store));
            drop(alive);
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(unstartable)?;
        Ok(Self { entrance: Mutex::new(Some(Entrance { jobs, facts })), end })
    }

    /// Has the job done and waits for what comes of it, also for room in the queue. Once it is queued it is done, even when
    /// nobody waits any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, outcome) = oneshot::channel();
        let job = Box::new(move |store: &mut dyn Store| drop(answer.send(job(store))));
        self.entrance().ok_or(StoreError::Closed)?.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        outcome.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Queues the fact if there is room this very moment; tells whether there was.
    pub(crate) fn try_run(&self, fact: impl FnOnce(&mut dyn Store) -> Pace + Send + 'static) -> bool {
        self.entrance().is_some_and(|entrance| entrance.facts.try_send(Box::new(fact)).is_ok())
    }

    /// Takes nothing more, and waits until everything queued is done and the store is closed.
    pub(crate) async fn close(&self) {
        drop(self.entrance.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut end = self.end.clone();
        while end.changed().await.is_ok() {}
    }

    fn entrance(&self) -> Option<Entrance> {
        self.entrance.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn unstartable(error: io::Error) -> StoreError {
    StoreError::Database(error.into())
}

async fn work_off(mut jobs: mpsc::Receiver<Job>, mut facts: mpsc::Receiver<FactJob>, mut store: impl Store) {
    let mut rested = Instant::now();
    loop {
        tokio::select! {
            biased;
            Some(job) = jobs.recv() => job(&mut store),
            Some(fact) = next_fact(&mut facts, rested) => {
                let begun = Instant::now();
                let pace = fact(&mut store);
                rested = Instant::now() + rest_after(begun.elapsed(), pace);
            }
            else => return,
        }
    }
}

/// How long the thread rests after a fact that took so long to keep.
fn rest_after(took: Duration, pace: Pace) -> Duration {
    let times = match pace {
        Pace::Calm => 31,
        Pace::Pressed => 7,
        Pace::Urgent => 0,
    };
    (took * times).min(LONGEST_REST)
}

/// The next fact once the thread has rested; at the close there is no rest any more.
async fn next_fact(facts: &mut mpsc::Receiver<FactJob>, rested: Instant) -> Option<FactJob> {
    if !facts.is_closed() {
        sleep_until(rested).await;
    }
    facts.recv().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_take_a_thirty_second_part_of_a_core_and_more_as_room_gets_short() {
        let took = Duration::from_millis(1);
        assert_eq!(rest_after(took, Pace::Calm), 31 * took);
        assert_eq!(rest_after(took, Pace::Pressed), 7 * took);
        assert_eq!(rest_after(took, Pace::Urgent), Duration::ZERO);
        assert_eq!(rest_after(Duration::from_secs(60), Pace::Calm), LONGEST_REST);
    }
}
