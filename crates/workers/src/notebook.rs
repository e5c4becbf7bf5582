//! What of the knowledge is added to which session's requests, ready at hand: the request path looks it up and waits for no
//! actor and no database.
//!
//! What a session gets is decided with its first turn and stays the same for all others, whatever is learnt meanwhile and also
//! over a restart: a prompt cache is found by what a prompt begins with. So a session that began when nothing was known of its
//! project gets nothing.

use domain::ids::{KnowledgeId, Principal, ProjectId, SessionId};
use domain::knowledge::KnowledgeEntry;
use domain::notes::{allowance, fenced, note, start_of_note};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use store::{Desk, Store, StoreError};

/// For how many sessions it is known what they get. One that begins when so many are gets nothing.
const SESSIONS: usize = 65_536;

/// What sessions get to know. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct Notebook(Arc<Inner>);

struct Inner {
    /// Whether the settings let anything be added.
    is_used: bool,
    /// Whether anything is to be had at all; asked before every request.
    holds: AtomicBool,
    published: RwLock<Published>,
}

#[derive(Default)]
struct Published {
    projects: Notes,
    sessions: HashMap<SessionId, Option<Arc<str>>>,
}

/// Notes by owner and project, the surest first; those of no project hold in all that have none of their own.
type Notes = HashMap<(Principal, Option<ProjectId>), Vec<String>>;

/// What is known of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Its first turn is still to come.
    New,
    /// It gets this, or nothing.
    Decided(Option<Arc<str>>),
}

impl Notebook {
    pub(crate) fn new(is_used: bool) -> Self {
        let holds = AtomicBool::new(false);
        Self(Arc::new(Inner { is_used, holds, published: RwLock::default() }))
    }

    /// Whether any session may get anything: one flag is read.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.holds.load(Ordering::Acquire)
    }

    /// What was decided for a session.
    #[must_use]
    pub fn standing(&self, session: &SessionId) -> Standing {
        self.0.read().sessions.get(session).cloned().map_or(Standing::New, Standing::Decided)
    }

    /// What a turn of `session` gets, which asks `model` about `project`. The first that states a project decides for all: agents
    /// ask for titles, in ways that look like turns, before they say what they work on.
    #[must_use]
    pub fn of_turn(
        &self,
        session: &SessionId,
        (principal, project): (&Principal, Option<&ProjectId>),
        model: &str,
    ) -> Option<Arc<str>> {
        if let Standing::Decided(decided) = self.standing(session) {
            return decided;
        }
        let project = project?;
        let mut published = self.0.write();
        let text = published.text(principal, project, model);
        if published.sessions.len() >= SESSIONS {
            return None;
        }
        published.sessions.entry(session.clone()).or_insert(text).clone()
    }

    /// A person decides that a session gets nothing from now on, or that its next turn decides anew.
    pub fn decide(&self, session: &SessionId, on: bool) {
        let mut published = self.0.write();
        if on {
            published.sessions.remove(session);
        } else {
            published.sessions.insert(session.clone(), None);
        }
    }

    /// Whether there are notes on a project alone.
    pub(crate) fn knows(&self, principal: &Principal, project: &ProjectId) -> bool {
        self.holds() && self.0.read().projects.contains_key(&(principal.clone(), Some(project.clone())))
    }

    /// Takes in what the store knows of sessions and knowledge.
    ///
    /// # Errors
    /// When the store cannot say.
    pub(crate) async fn recall(&self, desk: &Desk) -> Result<(), StoreError> {
        let notebook = self.clone();
        let read = move |store: &mut dyn Store| {
            let decided = store.injections(SESSIONS / 2)?.into_iter();
            notebook.0.write().sessions =
                decided.map(|(session, text)| (session, text.map(Arc::from))).collect();
            notebook.publish(store)
        };
        desk.read(read).await
    }

    /// Takes in the knowledge anew, since some of it changed. If the store cannot say, sessions that begin get what was known
    /// before.
    pub async fn refresh(&self, desk: &Desk) {
        let notebook = self.clone();
        if let Err(error) = desk.read(move |store| notebook.publish(store)).await {
            tracing::warn!(%error, "changed knowledge does not reach requests yet");
        }
    }

    /// A person forgot an entry: the sessions that got it get nothing from now on.
    pub async fn forget(&self, id: &KnowledgeId, desk: &Desk) {
        let start = start_of_note(id);
        for text in self.0.write().sessions.values_mut() {
            *text = text.take().filter(|text| !text.contains(&start));
        }
        self.refresh(desk).await;
    }

    /// The same for whoever has the store in hand.
    pub(crate) fn publish(&self, store: &mut dyn Store) -> Result<(), StoreError> {
        if !self.0.is_used {
            return Ok(());
        }
        let projects = by_project(&store.holdings()?);
        let mut published = self.0.write();
        published.projects = projects;
        let holds = !published.projects.is_empty() || published.sessions.values().any(Option::is_some);
        self.0.holds.store(holds, Ordering::Release);
        Ok(())
    }
}

impl Published {
    fn text(&self, principal: &Principal, project: &ProjectId, model: &str) -> Option<Arc<str>> {
        let of = |project: Option<ProjectId>| self.projects.get(&(principal.clone(), project));
        let notes = of(Some(project.clone())).or_else(|| of(None))?;
        fenced(notes.iter().map(String::as_str), allowance(model)).map(Arc::from)
    }
}

/// The notes on each project: its own entries and those that its owner promoted, in the order in which they come.
fn by_project(holdings: &[(Principal, KnowledgeEntry)]) -> Notes {
    let mut notes = Notes::new();
    for (principal, entry) in holdings {
        if entry.promoted {
            notes.entry((principal.clone(), None)).or_default();
        }
        if let Some(project) = &entry.project {
            notes.entry((principal.clone(), Some(project.clone()))).or_default();
        }
    }
    for ((owner, project), lines) in &mut notes {
        let holds =
            |entry: &KnowledgeEntry| entry.promoted || (project.is_some() && entry.project == *project);
        let held = holdings.iter().filter(|(principal, entry)| principal == owner && holds(entry));
        lines.extend(held.map(|(_, entry)| note(entry)));
    }
    notes
}

impl Inner {
    fn read(&self) -> RwLockReadGuard<'_, Published> {
        self.published.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Published> {
        self.published.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::knowledge::Category;
    use domain::time::UnixMillis;

    fn entry(title: &str, project: Option<&str>, promoted: bool) -> KnowledgeEntry {
        KnowledgeEntry {
            id: "k1".into(),
            category: Category::Gotcha,
            title: title.into(),
            content: "so it is".into(),
            confidence: 0.75,
            version: 1,
            session: None,
            project: project.map(ProjectId::from),
            promoted,
            remembered: false,
            created: UnixMillis(1),
            updated: UnixMillis(1),
            used: UnixMillis(1),
            contradicts: Vec::new(),
        }
    }

    fn notebook(holdings: &[(Principal, KnowledgeEntry)]) -> Notebook {
        let notebook = Notebook::new(true);
        notebook.0.write().projects = by_project(holdings);
        notebook
    }

    fn ann(entry: KnowledgeEntry) -> (Principal, KnowledgeEntry) {
        (Principal::local(), entry)
    }

    /// What a turn of a session gets, if it states a project.
    fn told(notebook: &Notebook, session: &str, whose: &str, project: Option<&str>) -> Option<String> {
        let project = project.map(ProjectId::from);
        let text = notebook.of_turn(&session.into(), (&whose.into(), project.as_ref()), "claude");
        text.map(|text| text.to_string())
    }

    #[test]
    fn a_session_gets_the_notes_on_its_project_and_promoted_ones_and_no_others() {
        let notebook = notebook(&[
            ann(entry("Oven", Some("oven"), false)),
            ann(entry("Garden", Some("garden"), false)),
            ann(entry("House", Some("house"), true)),
            ann(entry("Unattributed", None, false)),
            ("bob".into(), entry("Bob", Some("oven"), true)),
        ]);
        let titles = |session: &str, whose: &str, project: Option<&str>| {
            let text = told(&notebook, session, whose, project).unwrap_or_default();
            ["Oven", "Garden", "House", "Unattributed", "Bob"]
                .into_iter()
                .filter(|it| text.contains(it))
                .collect::<Vec<_>>()
        };
        assert_eq!(titles("1", "local", Some("oven")), ["Oven", "House"]);
        assert_eq!(titles("2", "local", Some("elsewhere")), ["House"]);
        assert_eq!(titles("3", "bob", Some("oven")), ["Bob"]);
        assert!(titles("4", "local", None).is_empty() && titles("5", "eve", Some("oven")).is_empty());
    }

    #[test]
    fn what_the_first_turn_got_all_get_whatever_is_learnt_meanwhile() {
        let notebook = notebook(&[ann(entry("Oven", Some("oven"), false))]);
        let first = told(&notebook, "early", "local", Some("oven"));
        assert_eq!(told(&notebook, "blank", "local", Some("garden")), None);
        notebook.0.write().projects = by_project(&[
            ann(entry("Other", Some("oven"), false)),
            ann(entry("Garden", Some("garden"), false)),
        ]);
        assert_eq!(told(&notebook, "early", "local", Some("garden")), first);
        assert_eq!(told(&notebook, "blank", "local", Some("garden")), None);
        assert!(told(&notebook, "late", "local", Some("oven")).unwrap().contains("Other"));
    }

    #[test]
    fn a_turn_that_states_no_project_decides_nothing() {
        let notebook = notebook(&[ann(entry("Oven", Some("oven"), false))]);
        assert_eq!(told(&notebook, "s", "local", None), None);
        assert!(told(&notebook, "s", "local", Some("oven")).is_some());
    }

    #[tokio::test]
    async fn a_forgotten_entry_is_in_no_sessions_requests_any_more() {
        let notebook = notebook(&[ann(entry("Oven", Some("oven"), false))]);
        let desk = Desk::inline(store::SqliteStore::in_memory().unwrap());
        assert!(told(&notebook, "s", "local", Some("oven")).is_some());
        notebook.forget(&"k12".into(), &desk).await;
        assert!(told(&notebook, "s", "local", Some("oven")).is_some());
        notebook.forget(&"k1".into(), &desk).await;
        assert_eq!(told(&notebook, "s", "local", Some("oven")), None);
        assert_eq!(told(&notebook, "new", "local", Some("oven")), None);
    }

    #[test]
    fn a_person_stops_it_for_one_session_and_lets_it_decide_anew() {
        let notebook = notebook(&[ann(entry("Oven", Some("oven"), false))]);
        assert!(told(&notebook, "s", "local", Some("oven")).is_some());
        notebook.decide(&"s".into(), false);
        assert_eq!(told(&notebook, "s", "local", Some("oven")), None);
        notebook.decide(&"s".into(), true);
        assert_eq!(notebook.standing(&"s".into()), Standing::New);
        assert!(told(&notebook, "s", "local", Some("oven")).is_some());
    }
}
