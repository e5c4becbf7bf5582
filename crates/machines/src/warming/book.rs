//! The habits of everybody, of each project and of each session, and what is learnt.

use super::advice::Advice;
use super::curve::Curve;
use super::decision::decide;
use super::habits::Habits;
use super::known::{Change, Known};
use super::prior::prior;
use super::tally::Gap;
use super::wait::Wait;
use domain::ids::{ProjectId, SessionId};
use domain::warming::Whose;
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
    /// Whether everybody's changed since they were last taken to be written down.
    has_news: bool,
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
        Self { prior, everybody: Habits::default(), has_news: false, projects, sessions }
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
        self.has_news = true;
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

    /// Whether anything changed that was not yet taken to be written down.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.has_news || self.projects.has_changed() || self.sessions.has_changed()
    }

    /// Everything that changed since the last time.
    pub fn changes(&mut self) -> Vec<Change> {
        let everybody = std::mem::take(&mut self.has_news).then(|| self.everybody.clone());
        let everybody = everybody.map(|habits| Change { whose: Whose::Everybody, habits: Some(habits) });
        let (projects, sessions) = (self.projects.changes(), self.sessions.changes());
        let projects = projects.map(|(name, habits)| Change { whose: Whose::Project(name), habits });
        let sessions = sessions.map(|(name, habits)| Change { whose: Whose::Session(name), habits });
        everybody.into_iter().chain(projects).chain(sessions).collect()
    }

    /// A change could not be written down: it counts as one that was not yet taken.
    pub fn write_again(&mut self, whose: Whose) {
        match whose {
            Whose::Everybody => self.has_news = true,
            Whose::Project(name) => self.projects.write_again(name),
            Whose::Session(name) => self.sessions.write_again(name),
        }
    }

    /// Lets go of what was learnt of somebody. It is no change that would have to be written down: whoever forgets does it there too.
    pub fn forget(&mut self, whose: &Whose) {
        match whose {
            Whose::Everybody => (self.everybody, self.has_news) = (Habits::default(), false),
            Whose::Project(name) => self.projects.forget(name),
            Whose::Session(name) => self.sessions.forget(name),
        }
    }

    /// What was written down before, those that were used last at the end. What was learnt since comes on top.
    pub fn remember(&mut self, kept: Vec<(Whose, Habits)>) {
        let (mut projects, mut sessions) = (Vec::new(), Vec::new());
        for (whose, habits) in kept {
            match whose {
                Whose::Everybody => self.everybody.add(&habits),
                Whose::Project(name) => projects.push((name, habits)),
                Whose::Session(name) => sessions.push((name, habits)),
            }
        }
        self.projects.remember(projects);
        self.sessions.remember(sessions);
    }
}
