//! What a person forgets is gone from the store, and from the minds of the actors.

use crate::erasing::Erasing;
use crate::{House, Spoken};
use actor::Cause;
use domain::ids::Principal;
use domain::time::UnixMillis;
use machines::batch_queue::BatchMessage;
use machines::cache_warmer::WarmerMessage;
use machines::idle_scheduler::SchedulerMessage;
use store::{Extent, Forgotten, Store, StoreError};

const CAUSE: Cause = Cause::origin("House");

impl House {
    /// Forgets for good, of `whose`, all that was said until now, and waits until it is erased; it is, even if nobody waits. Turns
    /// that wait to be recorded are recorded before: else they would come after.
    ///
    /// # Errors
    /// When the store could not; then nothing is forgotten.
    pub async fn forget(&self, whose: &Principal, what: Extent) -> Result<Forgotten, StoreError> {
        let (recorder, whose) = (self.recorder.clone(), whose.clone());
        let at = UnixMillis::from(self.environment.clock.unix());
        let forget = move |store: &mut dyn Store| {
            recorder.settle(store);
            store.forget(&whose, &what, at)
        };
        let forgotten = self.desk.write(forget).await?;
        self.lose_sight_of(&forgotten).await;
        let left = if forgotten.left.erased {
            forgotten.left
        } else {
            Erasing::new(self.desk.clone()).finish().await
        };
        Ok(Forgotten { left, ..forgotten })
    }

    /// Empties the store's log, in which what was deleted just now still stands as it was; when somebody reads it, at the next deletion or
    /// the end.
    pub async fn empty_log(&self) {
        Erasing::new(self.desk.clone()).finish().await;
    }

    /// Waits until all that was ever forgotten is erased: what comes again must not meet what is left of itself.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn finish_erasing(&self) -> Result<(), StoreError> {
        if self.desk.read(|store| store.is_erasing()).await? {
            Erasing::new(self.desk.clone()).finish().await;
        }
        Ok(())
    }

    /// Told surely: a copy of a forgotten session's last request must not stay until the next start.
    async fn lose_sight_of(&self, forgotten: &Forgotten) {
        let habits = Spoken(WarmerMessage::Forgotten(forgotten.habits.clone()));
        self.warmer.tell_surely(habits, CAUSE).unwrap_or_default();
        let gone = Spoken(BatchMessage::Forgotten(forgotten.sessions.clone()));
        self.batches.tell_surely(gone, CAUSE).unwrap_or_default();
        for session in &forgotten.sessions {
            let gone = Spoken(SchedulerMessage::Forgotten(session.clone()));
            self.scheduler.tell_surely(gone, CAUSE).unwrap_or_default();
        }
        self.notebook.forget_all(&forgotten.sessions, &forgotten.entries, &self.desk).await;
    }
}
