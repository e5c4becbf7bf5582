//! The habits of everybody, of each project and of each session, and what is learnt.

use super::advice::Advice;
use super::curve::Curve;
use super::decision::decide;
use super::habits::Habits;
use super::prior::prior;
use super::tally::Gap;
use super::wait::Wait;
use domain::ids::{ProjectId, SessionId};
use std::collections::BTreeMap;
use std::time::Duration;

/// Whose habits are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The session.
    pub session: SessionId,
    /// What it works on.
    pub project: ProjectId,
}

/// How many projects are known at most; the one that was used least recently is forgotten first.
const PROJECTS: usize = 1_024;
/// The same of sessions.
const SESSIONS: usize = 8_192;

/// See the module. Bounded: some five megabytes at most.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Book {
    prior: Habits,
    everybody: Habits,
    projects: Known<ProjectId>,
    sessions: Known<SessionId>,
}

impl Default for Book {
    /// One that knows what this build brings along.
    fn default() -> Self {
        Self::with_prior(prior())
    }
}

impl Book {
    /// One that believes `prior` and has seen nothing.
    #[must_use]
    pub fn with_prior(prior: Habits) -> Self {
        let (projects, sessions) = (Known::with_room_for(PROJECTS), Known::with_room_for(SESSIONS));
        Self { prior, everybody: Habits::default(), projects, sessions }
    }

    /// What everybody's waits taught, without the prior.
    #[must_use]
    pub fn everybody(&self) -> &Habits {
        &self.everybody
    }

    /// A wait ended.
    pub fn learn(&mut self, place: &Place, wait: &Wait, gap: Gap) {
        let learn = |habits: &mut Habits| habits.of_mut(wait.awaited).learn(gap, wait.haste());
        learn(&mut self.everybody);
        learn(self.projects.of_mut(&place.project));
        learn(self.sessions.of_mut(&place.session));
    }

    /// A warm-up cost `dollars`.
    pub fn spend(&mut self, place: &Place, dollars: f64) {
        self.projects.of_mut(&place.project).account.spend(dollars);
    }

    /// A return saved `dollars`.
    pub fn save(&mut self, place: &Place, dollars: f64) {
        self.projects.of_mut(&place.project).account.save(dollars);
    }

    /// The chance that the agent of `wait` is still away, over time.
    #[must_use]
    pub fn curve(&self, place: &Place, wait: &Wait) -> Curve {
        let unseen = Habits::default();
        let project = self.projects.of(&place.project).unwrap_or(&unseen);
        let session = self.sessions.of(&place.session).unwrap_or(&unseen);
        Curve::of(wait, &self.prior, &self.everybody, project, session)
    }

    /// Whether to refresh the session's cache now, when its agent has been away for `waited`, and the cache ends `expiry` after
    /// its last call.
    #[must_use]
    pub fn advise(&self, place: &Place, wait: &Wait, waited: Duration, expiry: Duration) -> Advice {
        let unseen = Habits::default();
        let project = self.projects.of(&place.project).unwrap_or(&unseen);
        decide(wait, &self.curve(place, wait), project, waited, expiry)
    }
}

/// Habits by name, so many at most.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Known<K> {
    room: usize,
    /// How often anything was used.
    uses: u64,
    /// When each was last used, and its habits.
    entries: BTreeMap<K, (u64, Habits)>,
}

impl<K: Ord + Clone> Known<K> {
    const fn with_room_for(room: usize) -> Self {
        Self { room, uses: 0, entries: BTreeMap::new() }
    }

    fn of(&self, name: &K) -> Option<&Habits> {
        self.entries.get(name).map(|(_, habits)| habits)
    }

    fn of_mut(&mut self, name: &K) -> &mut Habits {
        self.uses += 1;
        if !self.entries.contains_key(name) && self.entries.len() >= self.room {
            self.forget_one();
        }
        let (used, habits) = self.entries.entry(name.clone()).or_default();
        *used = self.uses;
        habits
    }

    fn forget_one(&mut self) {
        let oldest = self.entries.iter().min_by_key(|(_, (used, _))| *used).map(|(name, _)| name.clone());
        oldest.and_then(|name| self.entries.remove(&name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_the_book_is_full_what_was_used_least_recently_is_forgotten() {
        let mut known = Known::with_room_for(2);
        known.of_mut(&"a").account.spend(1.0);
        known.of_mut(&"b").account.spend(1.0);
        known.of_mut(&"a");
        known.of_mut(&"c");
        let kept: Vec<_> = ["a", "b", "c"].into_iter().filter(|name| known.of(name).is_some()).collect();
        assert_eq!(kept, ["a", "c"]);
        assert_ne!(known.of(&"a"), Some(&Habits::default()), "with what it had learnt");
    }
}
