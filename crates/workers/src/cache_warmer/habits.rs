//! What was learnt of waits, on its way to the store and back.

use crate::Spoken;
use actor::{Address, Cause};
use domain::time::UnixMillis;
use domain::warming::Whose;
use machines::cache_warmer::WarmerMessage;
use machines::warming::{Change, Habits, SHAPE};
use store::{Desk, KeptHabits, Pace, StoreError};

/// The rows that can be read. The others are told of, once, and are learnt anew.
pub(super) fn read(rows: Vec<KeptHabits>) -> Vec<(Whose, Habits)> {
    let all = rows.len();
    let read: Vec<_> = rows.into_iter().filter_map(one).collect();
    let ignored = all - read.len();
    if ignored > 0 {
        tracing::warn!(
            ignored,
            of = all,
            "habits in the store are damaged, or of another version's shape; they are ignored and learnt anew"
        );
    }
    read
}

fn one(row: KeptHabits) -> Option<(Whose, Habits)> {
    let habits = (row.shape == SHAPE).then(|| serde_json::from_str(&row.counts).ok())?;
    Some((row.whose, habits?))
}

/// Leaves the changes with the store as a fact. What could not be kept is told to the warmer, which has it kept the next time.
pub(super) fn keep(
    desk: &Desk,
    changes: Vec<Change>,
    at: UnixMillis,
    me: Address<Spoken<WarmerMessage>>,
    cause: Cause,
) {
    let names: Vec<Whose> = changes.iter().map(|change| change.whose.clone()).collect();
    let again = Spoken(WarmerMessage::Unkept(names.clone()));
    let warmer = me.clone();
    let left = desk.try_write(move |store| {
        let kept = write(store, changes, at);
        if kept.is_err() {
            me.tell_surely(again, cause).unwrap_or_default();
        }
        kept.map(|()| Pace::Calm)
    });
    if left.is_err() {
        warmer.tell_surely(Spoken(WarmerMessage::Unkept(names)), cause).unwrap_or_default();
    }
}

fn write(store: &mut dyn store::Store, changes: Vec<Change>, at: UnixMillis) -> Result<(), StoreError> {
    let (mut kept, mut forgotten) = (Vec::new(), Vec::new());
    for Change { whose, habits } in changes {
        match habits.map(|habits| serde_json::to_string(&habits)) {
            Some(Ok(counts)) => kept.push(KeptHabits { whose, shape: SHAPE, counts }),
            Some(Err(_)) | None => forgotten.push(whose),
        }
    }
    store.keep_habits(&kept, &forgotten, at)
}
