//! One thread with a store of its own and a bounded queue of jobs in front of it.

use crate::error::StoreError;
use crate::store::Store;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;
use tokio::sync::{mpsc, oneshot, watch};

/// How many jobs may wait.
const QUEUE: usize = 1024;

type Job = Box<dyn FnOnce(&mut dyn Store) + Send>;

/// The way to the thread.
pub(crate) struct Lane {
    /// Taken away to close: the thread works off what is queued and ends.
    entrance: Mutex<Option<mpsc::Sender<Job>>>,
    /// Its sender goes with the thread, after the store.
    end: watch::Receiver<()>,
}

impl Lane {
    /// Starts a thread called `name` that works on `store`.
    pub(crate) fn start(name: &str, store: impl Store + 'static) -> Result<Self, StoreError> {
        let (entrance, jobs) = mpsc::channel(QUEUE);
        let (alive, end) = watch::channel(());
        let work = move || {
            work_off(jobs, store);
            drop(alive);
        };
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)
            .map_err(|error| StoreError::Database(error.into()))?;
        Ok(Self { entrance: Mutex::new(Some(entrance)), end })
    }

    /// Has the job done and waits for what comes of it, also for room in the queue. Once it is queued it is done, even when
    /// nobody waits any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, outcome) = oneshot::channel();
        let job = Box::new(move |store: &mut dyn Store| drop(answer.send(contained(store, job))));
        self.entrance().ok_or(StoreError::Closed)?.send(job).await.map_err(|_| StoreError::Closed)?;
        outcome.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Queues the job if there is room this very moment; tells whether there was.
    pub(crate) fn try_run(&self, job: impl FnOnce(&mut dyn Store) + Send + 'static) -> bool {
        self.entrance().is_some_and(|entrance| entrance.try_send(Box::new(job)).is_ok())
    }

    /// Takes nothing more, and waits until everything queued is done and the store is closed.
    pub(crate) async fn close(&self) {
        drop(self.entrance.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut end = self.end.clone();
        while end.changed().await.is_ok() {}
    }

    fn entrance(&self) -> Option<mpsc::Sender<Job>> {
        self.entrance.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn work_off(mut jobs: mpsc::Receiver<Job>, mut store: impl Store) {
    while let Some(job) = jobs.blocking_recv() {
        job(&mut store);
    }
}

/// Does the job; a panic in it ends the job, not the store. What it had begun is rolled back while the panic unwinds.
pub(crate) fn contained<T>(
    store: &mut dyn Store,
    job: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(|| job(store))).unwrap_or(Err(StoreError::Crashed))
}
