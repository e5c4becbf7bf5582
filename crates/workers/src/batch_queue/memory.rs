//! What lies in batches, kept in the store: a batch that is paid for is fetched after a restart, too.

use domain::ids::BatchId;
use domain::time::UnixMillis;
use machines::batch_queue::{Batch, Item, Stretch};
use machines::job::Brief;
use std::time::Duration;
use store::{Desk, KeptBatch, KeptItem};

/// Keeps a batch that was handed in at `at`. Without that it is looked after all the same, until the process ends.
pub(super) async fn keep(desk: &Desk, batch: Batch, at: UnixMillis) {
    let Some(kept) = kept(batch, at) else { return };
    if let Err(error) = desk.write(move |store| store.keep_batch(&kept)).await {
        tracing::warn!(%error, "what lies in a batch could not be written down");
    }
}

/// Forgets a batch. Without that it is looked at once more after a restart.
pub(super) async fn forget(desk: Desk, id: BatchId) {
    if let Err(error) = desk.write(move |store| store.forget_batch(&id)).await {
        tracing::warn!(%error, "a batch that has ended could not be crossed out");
    }
}

/// The batches that were kept, and how long ago they were handed in. Without them the work is done again.
pub(super) async fn recalled(desk: Desk, now: UnixMillis) -> Vec<(Batch, Duration)> {
    match desk.read(|store| store.batches()).await {
        Ok(kept) => kept.into_iter().map(|kept| restored(kept, now)).collect(),
        Err(error) => {
            tracing::warn!(%error, "what lies in batches could not be read");
            Vec::new()
        }
    }
}

fn kept(batch: Batch, at: UnixMillis) -> Option<KeptBatch> {
    let Brief { principal, upstream, dialect, .. } = batch.items.first()?.brief.clone();
    let item = |Item { brief, stretch }: Item| KeptItem {
        session: brief.session,
        model: brief.model,
        sources: stretch.sources,
        size: stretch.size as u64,
    };
    let items = batch.items.into_iter().map(item).collect();
    Some(KeptBatch { id: batch.id, principal, upstream, dialect, at, items })
}

fn restored(kept: KeptBatch, now: UnixMillis) -> (Batch, Duration) {
    let KeptBatch { id, principal, upstream, dialect, at, items } = kept;
    let age = Duration::from_millis(u64::try_from(now.0.saturating_sub(at.0)).unwrap_or(0));
    let item = |KeptItem { session, model, sources, size }: KeptItem| Item {
        brief: Brief {
            principal: principal.clone(),
            session,
            upstream: upstream.clone(),
            dialect,
            model,
            patient: true,
        },
        stretch: Stretch { sources, size: usize::try_from(size).unwrap_or(usize::MAX) },
    };
    (Batch { id, items: items.into_iter().map(item).collect() }, age)
}
