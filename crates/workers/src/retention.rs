//! Drops what is old from the store, a little at a time, behind everything that anybody waits for.

use crate::{Meter, Parts};
use actor::Clock;
use domain::settings::RetentionSettings;
use domain::time::UnixMillis;
use std::sync::{Arc, Mutex, PoisonError};
use store::{Desk, Dropped, Limits, Pace};
use tokio::sync::oneshot;

/// See the module.
#[derive(Clone)]
pub(crate) struct Retention {
    settings: RetentionSettings,
    desk: Desk,
    clock: Clock,
    meter: Arc<dyn Meter>,
    /// What was dropped since it was last looked.
    so_far: Arc<Mutex<Dropped>>,
}

impl Retention {
    /// None when nothing is ever dropped.
    pub(crate) fn of(parts: &Parts) -> Option<Self> {
        let settings = parts.settings.retention;
        settings.is_set().then(|| Self {
            settings,
            desk: parts.desk.clone(),
            clock: parts.environment.clock,
            meter: Arc::clone(&parts.meter),
            so_far: Arc::default(),
        })
    }

    /// Drops a little; tells whether there is more. Where the store takes no more facts, it is for the next time.
    pub(crate) async fn step(&self) -> bool {
        let (answer, dropped) = oneshot::channel();
        let limits = self.limits();
        let left = self.desk.try_write(move |store| {
            let dropped = store.retain(limits)?;
            answer.send(dropped).map(|()| Pace::Calm).or(Ok(Pace::Calm))
        });
        match (left, dropped.await) {
            (Ok(()), Ok(dropped)) => self.dropped(&dropped),
            _ => false,
        }
    }

    fn limits(&self) -> Limits {
        let now = UnixMillis::from(self.clock.unix());
        let age = |age: std::time::Duration| i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let oldest = self.settings.max_age.map(|it| UnixMillis(now.0.saturating_sub(age(it))));
        Limits { oldest, largest: self.settings.max_size }
    }

    /// Counts what was dropped, and says so once there is no more.
    fn dropped(&self, dropped: &Dropped) -> bool {
        self.meter.dropped(dropped);
        let mut so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        so_far.messages += dropped.messages;
        so_far.observations += dropped.observations;
        so_far.sessions += dropped.sessions;
        if !dropped.more {
            say(&std::mem::take(&mut *so_far), dropped.bytes, self.settings.max_size);
        }
        dropped.more
    }
}

fn say(dropped: &Dropped, bytes: u64, largest: Option<u64>) {
    let Dropped { messages, observations, sessions, .. } = *dropped;
    if !dropped.is_nothing() {
        tracing::info!(messages, observations, sessions, bytes, "what was too old to be kept was dropped");
    }
    if largest.is_some_and(|largest| bytes > largest) {
        tracing::warn!(
            bytes,
            "the database stays larger than retention.max_size: what is left is not distilled, or is knowledge"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Listening, said};
    use std::time::Duration;
    use store::SqliteStore;

    #[tokio::test]
    async fn what_is_too_old_goes_step_by_step_until_nothing_is_left_and_is_counted() {
        let desk = Desk::inline(SqliteStore::in_memory().unwrap());
        let words: Vec<String> = (0..1_300).map(|number| format!("quince {number}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let sources = said(&desk, "s", &words).await;
        let distil = move |store: &mut dyn store::Store| {
            store.store_observations(&"s".into(), &sources, &[], UnixMillis(1))
        };
        desk.write(distil).await.unwrap();
        let meter = Arc::new(Listening::default());
        let settings = RetentionSettings { max_age: Some(Duration::from_secs(86_400)), max_size: None };
        let (clock, so_far) = (Clock::system(), Arc::default());
        let retention = Retention { settings, desk, clock, meter: Arc::<Listening>::clone(&meter), so_far };
        let mut steps = 1;
        while retention.step().await {
            steps += 1;
        }
        assert!(steps > 1, "it is much");
        let drops = meter.drops.all().clone();
        assert_eq!((drops.len(), drops.iter().sum::<u64>()), (steps, 1_300));
    }
}
