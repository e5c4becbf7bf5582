//! Erases what was forgotten, a little at a time, each step behind the turns that wait to be recorded.

use store::{Desk, Erased, Pace, Store, StoreError};
use tokio::sync::oneshot;

/// See the module.
#[derive(Clone)]
pub(crate) struct Erasing {
    desk: Desk,
}

impl Erasing {
    pub(crate) const fn new(desk: Desk) -> Self {
        Self { desk }
    }

    /// Erases all that is left, also when nobody waits for it any more. What could not be erased now is taken up
    /// [later](Self::take_up).
    pub(crate) async fn finish(&self) -> Erased {
        let it = self.clone();
        let steps = async move {
            loop {
                match it.step(Pace::Urgent).await {
                    Ok(step) if !step.erased => {}
                    outcome => return outcome,
                }
            }
        };
        match tokio::spawn(steps).await {
            Ok(Ok(erased)) => erased,
            Ok(Err(error)) => {
                tracing::warn!(%error, "what was forgotten could not be erased yet; nobody sees it, and it is tried again within the hour");
                Erased::default()
            }
            Err(_) => Erased::default(),
        }
    }

    /// Erases a little of what was left, when the gateway ended or the disk was full; tells whether there is more.
    pub(crate) async fn take_up(&self) -> bool {
        let is_left = self.desk.read(|store| store.is_erasing()).await.unwrap_or(false);
        is_left && self.step(Pace::Calm).await.is_ok_and(|step| !step.erased)
    }

    /// Where the store takes no more facts, it is a job like any other.
    async fn step(&self, pace: Pace) -> Result<Erased, StoreError> {
        let (answer, outcome) = oneshot::channel();
        let erase = move |store: &mut dyn Store| answer.send(store.erase()).map(|()| pace).or(Ok(pace));
        match self.desk.try_write(erase) {
            Ok(()) => outcome.await.unwrap_or(Err(StoreError::Closed)),
            Err(_) => self.desk.write(|store| store.erase()).await,
        }
    }
}
