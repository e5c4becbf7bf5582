//! What lies in batches, kept in the store: a batch that is paid for is fetched after a restart, too. It is written down before
//! it is handed in, so that it is looked for even when nobody heard that it was taken in.

use domain::ids::{BatchId, BatchMark, SessionId};
use domain::time::UnixMillis;
use machines::batch_queue::{Item, Past, Stretch, Trace, Whereabouts};
use machines::job::Brief;
use std::time::Duration;
use store::{Desk, KeptBatch, KeptItem};

/// Keeps what is handed in under `mark` at `at`, and how the provider calls it, once that is known. Without that it is looked
/// after all the same, until the process ends.
pub(super) async fn keep(desk: &Desk, trace: &Trace, id: Option<&BatchId>, items: &[Item]) {
    let Some(kept) = kept(trace, id.cloned(), items) else { return };
    if let Err(error) = desk.write(move |store| store.keep_batch(&kept)).await {
        tracing::warn!(%error, "what lies in a batch could not be written down");
    }
}

/// Forgets a batch. Without that it is looked at once more after a restart.
pub(super) async fn forget(desk: Desk, mark: BatchMark) {
    if let Err(error) = desk.write(move |store| store.forget_batch(&mark)).await {
        tracing::warn!(%error, "a batch that has ended could not be crossed out");
    }
}

/// The batches that were kept. Without them the work is done again.
pub(super) async fn recalled(desk: Desk, now: UnixMillis) -> Vec<Past> {
    match desk.read(|store| store.batches()).await {
        Ok(kept) => kept.into_iter().filter_map(|kept| past(kept, now)).collect(),
        Err(error) => {
            tracing::warn!(%error, "what lies in batches could not be read");
            Vec::new()
        }
    }
}

fn kept(trace: &Trace, id: Option<BatchId>, items: &[Item]) -> Option<KeptBatch> {
    let Brief { principal, upstream, dialect, .. } = items.first()?.brief.clone();
    let item = |item: &Item| KeptItem {
        session: (!item.is_forgotten()).then(|| item.brief.session.clone()),
        model: item.brief.model.clone(),
        sources: item.stretch.sources.clone(),
        size: item.stretch.size as u64,
    };
    let items = items.iter().map(item).collect();
    Some(KeptBatch { mark: trace.mark.clone(), id, principal, upstream, dialect, at: trace.at, items })
}

/// Leases are asked for in the name of a session that is still known, if there is one.
fn past(kept: KeptBatch, now: UnixMillis) -> Option<Past> {
    let KeptBatch { mark, id, principal, upstream, dialect, at, items } = kept;
    let age = Duration::from_millis(u64::try_from(now.0.saturating_sub(at.0)).unwrap_or(0));
    let nobody = SessionId::from(mark.as_str());
    let item = |KeptItem { session, model, sources, size }: KeptItem| Item {
        brief: Brief {
            principal: principal.clone(),
            session: session.unwrap_or_else(|| nobody.clone()),
            upstream: upstream.clone(),
            dialect,
            model,
            patient: true,
            project: None,
        },
        stretch: Stretch { sources, size: usize::try_from(size).unwrap_or(usize::MAX) },
    };
    let items: Vec<Item> = items.into_iter().map(item).collect();
    let leader = items.iter().find(|item| !item.is_forgotten()).or(items.first())?.brief.clone();
    let whereabouts = match id {
        Some(id) => Whereabouts::Lying(mark, id),
        None => Whereabouts::Missing(Trace { mark, at, file: None }),
    };
    Some(Past { whereabouts, leader, items, age })
}
