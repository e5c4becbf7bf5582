//! What of the knowledge is added to which session's requests, ready at hand: the request path looks it up and waits for no
//! actor and no database.
//!
//! What a session gets is decided with its first turn and stays the same for all others, whatever is learnt meanwhile and also
//! over a restart: a prompt cache is found by what a prompt begins with. So a session that began when nothing was known of its
//! project gets nothing.

use domain::fading::{FAINT, faded};
use domain::ids::{KnowledgeId, Principal, ProjectId, SessionId};
use domain::knowledge::KnowledgeEntry;
use domain::notes::{allowance, fenced, note, start_of_note, told};
use domain::time::UnixMillis;
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
    /// What holds in some project, by owner.
    entries: HashMap<Principal, Vec<KnowledgeEntry>>,
    sessions: HashMap<SessionId, Option<Arc<str>>>,
}

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

    /// What a turn of `session` gets, which asks `model` about `project` at `now`. The first that states a project decides for all: agents
    /// ask for titles, in ways that look like turns, before they say what they work on.
    #[must_use]
    pub fn of_turn(
        &self,
        session: &SessionId,
        (principal, project): (&Principal, Option<&ProjectId>),
        model: &str,
        now: UnixMillis,
    ) -> Option<Arc<str>> {
        if let Standing::Decided(decided) = self.standing(session) {
            return decided;
        }
        let project = project?;
        let mut published = self.0.write();
        if published.sessions.len() >= SESSIONS {
            return None;
        }
        let text = published.text(principal, project, model, now);
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
        let is_known =
            |entries: &Vec<KnowledgeEntry>| entries.iter().any(|it| it.project.as_ref() == Some(project));
        self.holds() && self.0.read().entries.get(principal).is_some_and(is_known)
    }

    /// Takes in what the store knows of sessions and knowledge.
    ///
    /// # Errors
    /// When the store cannot say.
    pub(crate) async fn recall(&self, desk: &Desk) -> Result<(), StoreError> {
        let notebook = self.clone();
        let read = move |store: &mut dyn Store| {
            let begun = store.injections(SESSIONS / 2)?;
            notebook.take_in(store, begun)
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

    /// The entries `ids` were of use at `now`: they fade from then on.
    pub(crate) fn note_use(&self, ids: &[KnowledgeId], now: UnixMillis) {
        for entries in self.0.write().entries.values_mut() {
            used(entries, ids, now);
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

    /// A person forgot sessions, and entries with them: what was decided for those is gone, and others that got such an entry get
    /// nothing from now on.
    pub(crate) async fn forget_all(&self, sessions: &[SessionId], entries: &[KnowledgeId], desk: &Desk) {
        let starts: Vec<String> = entries.iter().map(start_of_note).collect();
        let is_left = |text: &Arc<str>| !starts.iter().any(|start| text.contains(start));
        {
            let mut published = self.0.write();
            sessions.iter().for_each(|session| drop(published.sessions.remove(session)));
            published.sessions.values_mut().for_each(|text| *text = text.take().filter(is_left));
        }
        self.refresh(desk).await;
    }

    /// The same for whoever has the store in hand.
    pub(crate) fn publish(&self, store: &mut dyn Store) -> Result<(), StoreError> {
        // As long as nothing is to be had, sessions begin without being looked at.
        let begun = if self.holds() { Vec::new() } else { store.injections(SESSIONS / 2)? };
        self.take_in(store, begun)
    }

    /// Sessions that have `begun` get what was decided for them, or nothing.
    fn take_in(
        &self,
        store: &mut dyn Store,
        begun: Vec<(SessionId, Option<String>)>,
    ) -> Result<(), StoreError> {
        let entries = if self.0.is_used { by_owner(store.holdings()?) } else { HashMap::new() };
        let mut published = self.0.write();
        for (session, text) in begun {
            published.sessions.entry(session).or_insert_with(|| text.map(Arc::from));
        }
        if !self.0.is_used {
            return Ok(());
        }
        published.entries = entries;
        let holds = !published.entries.is_empty() || published.sessions.values().any(Option::is_some);
        self.0.holds.store(holds, Ordering::Release);
        Ok(())
    }
}

impl Published {
    /// What holds in `project` and is not faint, the surest first, as far as there is room for it. That is use.
    fn text(
        &mut self,
        principal: &Principal,
        project: &ProjectId,
        model: &str,
        now: UnixMillis,
    ) -> Option<Arc<str>> {
        let entries = self.entries.get_mut(principal)?;
        let holding =
            entries.iter().filter(|entry| entry.promoted || entry.project.as_ref() == Some(project));
        let sure = |entry: &KnowledgeEntry| faded(entry.confidence, entry.used, now);
        let mut chosen: Vec<_> = holding.filter(|entry| sure(entry) >= FAINT).collect();
        chosen.sort_by(|one, other| sure(other).total_cmp(&sure(one)));
        let text = fenced(chosen.into_iter().map(|entry| note(entry, now)), allowance(model))?;
        used(entries, &told(&text), now);
        Some(text.into())
    }
}

fn used(entries: &mut [KnowledgeEntry], ids: &[KnowledgeId], now: UnixMillis) {
    entries
        .iter_mut()
        .filter(|entry| ids.contains(&entry.id))
        .for_each(|entry| entry.used = entry.used.max(now));
}

/// What holds in some project, by owner; what was written by hand and not promoted holds in none.
fn by_owner(holdings: Vec<(Principal, KnowledgeEntry)>) -> HashMap<Principal, Vec<KnowledgeEntry>> {
    let mut owned: HashMap<Principal, Vec<KnowledgeEntry>> = HashMap::new();
    let holding = holdings.into_iter().filter(|(_, entry)| entry.promoted || entry.project.is_some());
    holding.for_each(|(principal, entry)| owned.entry(principal).or_default().push(entry));
    owned
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
    use domain::fading::HALF_LIFE;
    use domain::knowledge::Category;

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
        notebook.0.write().entries = by_owner(holdings.to_vec());
        notebook
    }

    fn ann(entry: KnowledgeEntry) -> (Principal, KnowledgeEntry) {
        (Principal::local(), entry)
    }

    /// What a turn of a session gets, if it states a project.
    fn told(notebook: &Notebook, session: &str, whose: &str, project: Option<&str>) -> Option<String> {
        told_at(notebook, session, whose, project, UnixMillis(1))
    }

    fn told_at(
        notebook: &Notebook,
        session: &str,
        whose: &str,
        project: Option<&str>,
        now: UnixMillis,
    ) -> Option<String> {
        let project = project.map(ProjectId::from);
        let text = notebook.of_turn(&session.into(), (&whose.into(), project.as_ref()), "claude", now);
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
        let learnt = [ann(entry("Other", Some("oven"), false)), ann(entry("Garden", Some("garden"), false))];
        notebook.0.write().entries = by_owner(learnt.to_vec());
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

    #[test]
    fn what_nobody_needed_for_long_comes_later_and_then_not_at_all() {
        let named = |id: &str, used: i64| {
            let entry = entry(id, Some("oven"), false);
            ann(KnowledgeEntry { id: id.into(), used: UnixMillis(used), ..entry })
        };
        let at = |lives: i64| UnixMillis(lives * HALF_LIFE);
        let notebook = notebook(&[named("old", 0), named("new", HALF_LIFE / 2)]);
        let order = |session: &str, now: UnixMillis| {
            let text = told_at(&notebook, session, "local", Some("oven"), now).unwrap_or_default();
            domain::notes::told(&text).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        notebook.note_use(&["old".into()], at(1));
        assert_eq!(order("1", at(1)), ["old", "new"]);
        assert_eq!(order("2", at(2)).len(), 2);
        assert_eq!(order("3", at(3)).len(), 2, "what was given out does not fade meanwhile");
        assert!(order("4", at(5)).is_empty(), "a quarter of 0.75 is faint");
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

    #[tokio::test]
    async fn what_a_session_got_it_gets_even_when_nothing_is_known_any_more() {
        let notebook = notebook(&[ann(entry("Oven", Some("oven"), false))]);
        let text = told(&notebook, "s", "local", Some("oven"));
        notebook.refresh(&Desk::inline(store::SqliteStore::in_memory().unwrap())).await;
        assert!(notebook.holds());
        assert_eq!(told(&notebook, "s", "local", Some("oven")), text);
        assert_eq!(told(&notebook, "late", "local", Some("oven")), None);
    }

    #[tokio::test]
    async fn a_session_that_began_before_anything_was_known_gets_nothing_once_something_is() {
        let notebook = Notebook::new(true);
        let desk = Desk::inline(store::SqliteStore::in_memory().unwrap());
        notebook.recall(&desk).await.unwrap();
        let learn = |store: &mut dyn Store| {
            store.record_turn(&crate::samples::turn("begun", None, &["hello"]))?;
            let (category, title, content) = (Category::Gotcha, "Oven".to_owned(), "It is hot.".to_owned());
            let draft = store::Draft { category, title, content, confidence: 1.0 };
            store.remember((&Principal::local(), &"oven".into()), &draft, UnixMillis(1))
        };
        desk.write(learn).await.unwrap();
        notebook.refresh(&desk).await;
        assert_eq!(told(&notebook, "begun", "local", Some("oven")), None);
        assert!(told(&notebook, "new", "local", Some("oven")).is_some());
    }

    #[tokio::test]
    async fn where_the_settings_want_nothing_added_nothing_is() {
        let (notebook, store) = (Notebook::new(false), store::SqliteStore::in_memory().unwrap());
        let desk = Desk::inline(store);
        let (category, title, content) = (Category::Gotcha, "Oven".to_owned(), "It is hot.".to_owned());
        let draft = store::Draft { category, title, content, confidence: 1.0 };
        let note = move |store: &mut dyn Store| {
            store.remember((&Principal::local(), &"oven".into()), &draft, UnixMillis(1))
        };
        desk.write(note).await.unwrap();
        notebook.refresh(&desk).await;
        assert!(!notebook.holds());
        assert_eq!(told(&notebook, "s", "local", Some("oven")), None);
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

    #[tokio::test]
    async fn of_forgotten_sessions_and_entries_nothing_stays_and_other_sessions_keep_theirs() {
        let named = |id: &str, project: &str| {
            let entry = entry(id, Some(project), false);
            ann(KnowledgeEntry { id: id.into(), ..entry })
        };
        let notebook = notebook(&[named("k1", "oven"), named("k2", "garden")]);
        let desk = Desk::inline(store::SqliteStore::in_memory().unwrap());
        for (session, project) in [("gone", "garden"), ("baking", "oven"), ("digging", "garden")] {
            assert!(told(&notebook, session, "local", Some(project)).is_some());
        }
        notebook.forget_all(&["gone".into()], &["k1".into()], &desk).await;
        assert_eq!(notebook.standing(&"gone".into()), Standing::New);
        assert_eq!(notebook.standing(&"baking".into()), Standing::Decided(None));
        assert!(told(&notebook, "digging", "local", None).is_some());
    }

    #[test]
    fn sessions_beyond_those_that_can_be_kept_in_mind_get_nothing() {
        let notebook = notebook(&[ann(entry("Oven", Some("oven"), false))]);
        let known = (1..SESSIONS).map(|number| (number.to_string().into(), None));
        notebook.0.write().sessions = known.collect();
        assert!(told(&notebook, "last", "local", Some("oven")).is_some());
        assert_eq!(told(&notebook, "one more", "local", Some("oven")), None);
        assert_eq!(notebook.standing(&"one more".into()), Standing::New);
    }
}
