//! What the warmer keeps over a restart, and gets back after one. Moments mean nothing in another process, so pauses are kept in
//! calendar time.

use super::habits;
use crate::Spoken;
use actor::Clock;
use domain::conversation::CacheTtl;
use domain::time::{Moment, UnixMillis};
use domain::warming::Bucket;
use machines::cache_warmer::{Memory, Pause, WATCHED, WarmerMessage};
use machines::job::Brief;
use std::time::Duration;
use store::{Desk, KeptPause, StoreError, WarmReturn, WarmingMemory};

/// How long to wait before a store that could not say is asked again. Nothing is warmed meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// The warmer's way to the store.
pub(super) struct Books {
    pub(super) desk: Desk,
    pub(super) clock: Clock,
}

/// What was kept, as soon as the store can say.
pub(super) async fn recalled(books: Books) -> Spoken<WarmerMessage> {
    loop {
        match books.recall().await {
            Ok(memory) => return Spoken(WarmerMessage::Recalled(memory)),
            // The house closes.
            Err(StoreError::Closed) => return Spoken(WarmerMessage::WarmupDue),
            Err(error) => {
                tracing::warn!(%error, "whether warming is switched on could not be read; it stays off")
            }
        }
        tokio::time::sleep(PATIENCE).await;
    }
}

impl Books {
    fn today(&self) -> UnixMillis {
        UnixMillis::from(self.clock.unix())
    }

    async fn recall(&self) -> Result<Memory, StoreError> {
        let (now, watched) = (self.today(), u32::try_from(WATCHED).unwrap_or(u32::MAX));
        let kept = self.desk.read(move |store| store.warming_memory(watched, now)).await?;
        let WarmingMemory { on, modes, pauses, refreshes, returns } = kept;
        let pauses = pauses.into_iter().map(|kept| self.pause(kept)).collect();
        let habits = self.desk.read(|store| store.habits().map(habits::read)).await?;
        Ok(Memory { on, modes, pauses, refreshes, returns, habits })
    }

    fn pause(&self, kept: KeptPause) -> (Option<Bucket>, Pause) {
        let left = u64::try_from(kept.until.0 - self.today().0).unwrap_or_default();
        let until = Moment::from(self.clock.now()).after(Duration::from_millis(left));
        (kept.bucket, Pause { cause: kept.cause, said: kept.said, until })
    }

    pub(super) async fn keep(&self, bucket: Option<Bucket>, pause: Pause) {
        let now = self.today();
        let left = pause.until.since(Moment::from(self.clock.now()));
        let until = UnixMillis::from(self.clock.unix().saturating_add(left));
        let kept = KeptPause { bucket, cause: pause.cause, said: pause.said, until };
        if let Err(error) = self.desk.write(move |store| store.keep_warming_pause(&kept, now)).await {
            tracing::warn!(%error, "a pause of warming could not be written down; it holds until a restart");
        }
    }

    pub(super) async fn credit(&self, brief: Brief, tokens: u64, ttl: CacheTtl, usd: f64) {
        let provider = brief.upstream.provider();
        let (at, session, model) = (self.today(), brief.session, brief.model);
        let back = WarmReturn { at, session, provider, model, ttl, tokens, usd };
        if let Err(error) = self.desk.write(move |store| store.credit(&back)).await {
            tracing::warn!(%error, "what a return to a warm cache saved could not be written down");
        }
    }
}
