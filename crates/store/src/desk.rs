//! Where async code hands jobs to a store.

use crate::error::StoreError;
use crate::lane::Lane;
use crate::sqlite::SqliteStore;
use crate::store::Store;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use thiserror::Error;

/// The way to a store from async code; clones lead to the same store.
///
/// On threads, one writes and one reads, each with a connection of its own: a reader never waits for a writer. Inline, a job
/// runs on the caller's thread before the call returns, which suits virtual time, where waiting for a thread would let the
/// clock jump.
#[derive(Clone)]
pub struct Desk {
    way: Arc<Way>,
    faults: Arc<AtomicU64>,
}

enum Way {
    Threads { writer: Lane, reader: Lane },
    Inline(Mutex<Option<Box<dyn Store>>>),
}

/// How the thread goes on after a job that nobody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It rests so long that such jobs take a thirty-second part of a core.
    Calm,
    /// Room is getting short where the jobs come from: they may take an eighth of a core.
    Pressed,
    /// There is hardly any room left: it does not rest.
    Urgent,
}

/// The job was not taken: the queue is full, or the desk is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the store's queue takes no more: this write was left out")]
pub struct QueueFull;

impl Desk {
    /// Opens the store in `folder`, with a thread that writes and a thread that reads.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open`].
    pub fn threads(folder: &Path) -> Result<Self, StoreError> {
        let (writer, reader) = SqliteStore::open_pair(folder)?;
        let reader = Lane::start("store-reader", reader)?;
        let writer = Lane::start("store-writer", writer)?;
        Ok(Self::by(Way::Threads { writer, reader }))
    }

    /// A desk whose jobs run on the caller's thread.
    #[must_use]
    pub fn inline(store: impl Store + 'static) -> Self {
        Self::by(Way::Inline(Mutex::new(Some(Box::new(store)))))
    }

    fn by(way: Way) -> Self {
        Self { way: Arc::new(way), faults: Arc::default() }
    }

    /// How many jobs the store could not do since the start: the disk is full, the database is damaged or gone, or the job panicked.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// The same job, which is counted when the store cannot do it.
    fn counted<T, J: FnOnce(&mut dyn Store) -> Result<T, StoreError>>(
        &self,
        job: J,
    ) -> impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + use<T, J> {
        let faults = Arc::clone(&self.faults);
        move |store| {
            let outcome = contained(store, job);
            use StoreError::{Corrupt, Crashed, Database, Gone};
            if let Err(Database(_) | Corrupt { .. } | Gone { .. } | Crashed) = outcome {
                faults.fetch_add(1, Ordering::Relaxed);
            }
            outcome
        }
    }

    /// Has `job` done by the store that writes, in the order of calls but before what [`try_write`](Self::try_write) left,
    /// and waits for what comes of it. A job that is queued is done, even when the caller stops waiting.
    ///
    /// # Errors
    /// What the job returns; [`StoreError::Crashed`] when it panics, [`StoreError::Closed`] after [`close`](Self::close).
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let job = self.counted(job);
        match &*self.way {
            Way::Threads { writer, .. } => writer.run(job).await,
            Way::Inline(store) => at_once(store, job),
        }
    }

    /// Has `job` done by the store that reads, and waits for what comes of it. It sees every write that was answered before.
    ///
    /// # Errors
    /// As for [`write`](Self::write); a job that writes gets [`StoreError::Database`] on threads.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let job = self.counted(job);
        match &*self.way {
            Way::Threads { reader, .. } => reader.run(job).await,
            Way::Inline(store) => at_once(store, job),
        }
    }

    /// Leaves `job` with the store that writes and never waits. All that is left here takes as much of a core as its
    /// [`Pace`] says, and no more. For facts that a later fact makes up for when one is left
    /// out: the next request of a session carries its whole history. What goes wrong in the job is logged, since nobody
    /// hears of it.
    ///
    /// # Errors
    /// [`QueueFull`] when 1024 jobs wait already, or the desk is closed.
    pub fn try_write(
        &self,
        job: impl FnOnce(&mut dyn Store) -> Result<Pace, StoreError> + Send + 'static,
    ) -> Result<(), QueueFull> {
        let job = self.counted(job);
        match &*self.way {
            Way::Threads { writer, .. } => {
                let taken = writer.try_run(move |store| logged(job(store)));
                if taken { Ok(()) } else { Err(QueueFull) }
            }
            Way::Inline(store) => match at_once(store, job) {
                Err(StoreError::Closed) => Err(QueueFull),
                outcome => {
                    logged(outcome);
                    Ok(())
                }
            },
        }
    }

    /// Takes no more jobs, does those that are queued, and closes the database; its write-ahead log is then empty. Every
    /// clone is closed, and closing again is no fault.
    pub async fn close(&self) {
        match &*self.way {
            Way::Threads { writer, reader } => {
                // The last connection to close empties the log, and only one that may write can.
                reader.close().await;
                writer.close().await;
            }
            Way::Inline(store) => drop(store.lock().unwrap_or_else(PoisonError::into_inner).take()),
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match &*self.way {
            Way::Threads { .. } => "threads",
            Way::Inline(_) => "inline",
        };
        f.debug_tuple("Desk").field(&way).finish()
    }
}

/// Does the job; a panic in it ends the job, not the store. What it had begun is rolled back while the panic unwinds.
fn contained<T>(
    store: &mut dyn Store,
    job: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(|| job(store))).unwrap_or(Err(StoreError::Crashed))
}

fn at_once<T>(
    store: &Mutex<Option<Box<dyn Store>>>,
    job: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    job(&mut **store.as_mut().ok_or(StoreError::Closed)?)
}

fn logged(outcome: Result<Pace, StoreError>) -> Pace {
    outcome.unwrap_or_else(|error| {
        tracing::error!(%error, "a write that nobody waits for was given up");
        Pace::Calm
    })
}
