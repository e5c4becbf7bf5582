//! Habits by name, so many at most.

use super::habits::Habits;
use domain::warming::Whose;
use std::collections::{BTreeMap, BTreeSet};

/// Whose habits are others than they were; none when they are forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    /// Whose.
    pub whose: Whose,
    /// What they are now.
    pub habits: Option<Habits>,
}

/// See the module. Where there is no more room, what was used least recently is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Known<K> {
    room: usize,
    /// How often anything was used.
    uses: u64,
    /// When each was last used, and its habits.
    entries: BTreeMap<K, (u64, Habits)>,
    /// What changed or was forgotten since it was last asked; at most twice as many as there is room for.
    changed: BTreeSet<K>,
}

impl<K: Ord + Clone> Known<K> {
    pub(super) const fn with_room_for(room: usize) -> Self {
        Self { room, uses: 0, entries: BTreeMap::new(), changed: BTreeSet::new() }
    }

    pub(super) fn of(&self, name: &K) -> Option<&Habits> {
        self.entries.get(name).map(|(_, habits)| habits)
    }

    /// To be changed.
    pub(super) fn of_mut(&mut self, name: &K) -> &mut Habits {
        self.changed.insert(name.clone());
        self.used(name)
    }

    pub(super) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    pub(super) fn changes(&mut self) -> impl Iterator<Item = (K, Option<Habits>)> {
        std::mem::take(&mut self.changed).into_iter().map(|name| {
            let habits = self.of(&name).cloned();
            (name, habits)
        })
    }

    pub(super) fn write_again(&mut self, name: K) {
        self.changed.insert(name);
    }

    /// Lets go of one without a word.
    pub(super) fn forget(&mut self, name: &K) {
        self.entries.remove(name);
        self.changed.remove(name);
    }

    /// Puts `kept`, whose last were used last, before all that was used since.
    pub(super) fn remember(&mut self, kept: Vec<(K, Habits)>) {
        let since = std::mem::take(&mut self.entries);
        let mut since: Vec<_> =
            since.into_iter().map(|(name, (used, habits))| (used, name, habits)).collect();
        since.sort_by_key(|(used, ..)| *used);
        let since = since.into_iter().map(|(_, name, habits)| (name, habits));
        for (name, habits) in kept.into_iter().chain(since) {
            self.used(&name).add(&habits);
        }
    }

    fn used(&mut self, name: &K) -> &mut Habits {
        self.uses += 1;
        if !self.entries.contains_key(name) && self.entries.len() >= self.room {
            self.forget_one();
        }
        let (used, habits) = self.entries.entry(name.clone()).or_default();
        *used = self.uses;
        habits
    }

    /// Where nobody asks for long, some are not told of: what was written down of them is forgotten when it is next remembered,
    /// for want of room.
    fn note_forgotten(&mut self, name: K) {
        self.changed.remove(&name);
        if self.changed.len() < 2 * self.room {
            self.changed.insert(name);
        }
    }

    fn forget_one(&mut self) {
        let oldest = self.entries.iter().min_by_key(|(_, (used, _))| *used).map(|(name, _)| name.clone());
        if let Some(oldest) = oldest {
            self.entries.remove(&oldest);
            self.note_forgotten(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn earned(dollars: f64) -> Habits {
        let mut habits = Habits::default();
        habits.account.save(dollars);
        habits
    }

    #[test]
    fn where_there_is_no_more_room_what_was_used_least_recently_is_forgotten_and_that_is_a_change() {
        let mut known = Known::with_room_for(2);
        known.of_mut(&"a").account.save(1.0);
        known.of_mut(&"b").account.save(2.0);
        known.of_mut(&"a");
        assert_eq!(known.changes().count(), 2);
        known.of_mut(&"c");
        let changes: Vec<_> = known.changes().collect();
        assert_eq!(changes, [("b", None), ("c", Some(Habits::default()))]);
        assert_eq!(known.of(&"a"), Some(&earned(1.0)), "with what it had learnt");
    }

    #[test]
    fn a_change_is_told_once_unless_it_could_not_be_written() {
        let mut known = Known::with_room_for(2);
        known.of_mut(&"a").account.save(1.0);
        assert_eq!(known.changes().collect::<Vec<_>>(), [("a", Some(earned(1.0)))]);
        assert!(!known.has_changed() && known.changes().next().is_none());
        known.write_again("a");
        assert!(known.has_changed());
        assert_eq!(known.changes().collect::<Vec<_>>(), [("a", Some(earned(1.0)))]);
    }

    #[test]
    fn changes_that_nobody_asks_for_do_not_pile_up() {
        let mut known = Known::with_room_for(2);
        (0..100).for_each(|name| drop(known.of_mut(&name).clone()));
        let changes: Vec<_> = known.changes().collect();
        assert!(changes.len() <= 2 * 2 + 1, "{changes:?}");
        assert!(changes.contains(&(99, Some(Habits::default()))));
    }

    #[test]
    fn what_is_remembered_is_older_than_all_that_was_used_since_and_adds_to_it() {
        let mut known = Known::with_room_for(3);
        known.of_mut(&"b").account.save(1.0);
        known.of_mut(&"c").account.save(4.0);
        assert_eq!(known.changes().count(), 2);
        known.remember(vec![("z", earned(1.0)), ("a", earned(1.0)), ("b", earned(2.0))]);
        assert_eq!(known.of(&"b"), Some(&earned(3.0)));
        assert_eq!(known.changes().collect::<Vec<_>>(), [("z", None)], "the oldest had no more room");
        known.of_mut(&"d");
        assert_eq!(known.of(&"a"), None, "the next to go");
        assert_eq!(known.of(&"c"), Some(&earned(4.0)));
    }
}
