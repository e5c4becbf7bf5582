//! Forgetting for good. In one transaction what is forgotten is out of everybody's sight, and its knowledge is erased; the rest is
//! erased in [steps](super::erasing).

use super::erasing::{self, Erased, Unerased};
use crate::columns::{count, word};
use crate::{batch, contradiction, habits, injection};
use domain::ids::{KnowledgeId, Principal, ProjectId, SessionId};
use domain::time::UnixMillis;
use domain::warming::Whose;
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// One session, and the knowledge that came of it.
    Session(SessionId),
    /// All sessions and all knowledge of a project, named by itself or by a folder of it.
    Project(ProjectId),
    /// All that its owner has.
    Everything,
}

/// What was forgotten, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Forgotten {
    /// The sessions.
    pub sessions: Vec<SessionId>,
    /// The entries.
    pub entries: Vec<KnowledgeId>,
    /// The project, if it was one.
    pub project: Option<ProjectId>,
    /// How many messages.
    pub messages: u64,
    /// How many observations.
    pub observations: u64,
    /// What of it was forgotten before, and was not erased yet when this was asked.
    pub unerased: Unerased,
    /// Whose habits went, so that whoever has them in mind lets them go too.
    #[serde(skip)]
    pub habits: Vec<Whose>,
    /// Whether it is all erased by now.
    #[serde(flatten)]
    pub left: Erased,
}

/// The sessions that go.
const SESSIONS: &str = "(SELECT id FROM session WHERE principal = ?1 AND (?2 IS NULL OR id = ?2) AND (?3 IS NULL OR project = ?3))";

/// Whose a session is, or was until it was forgotten, if it is not erased yet.
pub(crate) fn owner(
    transaction: &Transaction<'_>,
    session: &SessionId,
) -> rusqlite::Result<Option<Principal>> {
    let sql = "SELECT principal FROM every_session WHERE id = ?1";
    transaction.prepare_cached(sql)?.query_row([session.as_str()], |row| word(row, "principal")).optional()
}

/// Whether a person forgot this session.
pub(crate) fn is_forgotten(transaction: &Transaction<'_>, session: &SessionId) -> rusqlite::Result<bool> {
    transaction.prepare_cached("SELECT 1 FROM forgotten WHERE session = ?1")?.exists([session.as_str()])
}

/// What is to be forgotten, of whom.
pub(crate) struct Doomed<'p> {
    principal: &'p Principal,
    session: Option<SessionId>,
    project: Option<ProjectId>,
}

impl<'p> Doomed<'p> {
    /// The same as the store names it.
    pub(crate) fn named(
        transaction: &Transaction<'_>,
        principal: &'p Principal,
        what: &Extent,
    ) -> rusqlite::Result<Self> {
        let (session, project) = match what {
            Extent::Session(session) => (Some(session.clone()), None),
            Extent::Project(named) => (None, Some(project_called(transaction, principal, named)?)),
            Extent::Everything => (None, None),
        };
        Ok(Self { principal, session, project })
    }

    /// What would be forgotten.
    pub(crate) fn counted(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Forgotten> {
        let many = |table: &str| {
            let sql = format!("SELECT count(*) AS total FROM {table} WHERE session IN {SESSIONS}");
            transaction.prepare(&sql)?.query_row(self.params(), |row| count(row, "total"))
        };
        Ok(Forgotten {
            sessions: self
                .names(transaction, &format!("SELECT id FROM session WHERE id IN {SESSIONS} ORDER BY id"))?,
            entries: self.names(
                transaction,
                &format!("SELECT id FROM knowledge WHERE {} ORDER BY id", self.entries()),
            )?,
            project: self.project.clone(),
            messages: many("message")?,
            observations: many("observation")?,
            unerased: erasing::unerased(transaction, self.params())?,
            habits: self.habits(transaction)?,
            left: Erased::default(),
        })
    }

    /// Forgets it, and erases as much of it as goes in a step.
    pub(crate) fn forget(
        &self,
        transaction: &Transaction<'_>,
        at: UnixMillis,
    ) -> rusqlite::Result<Forgotten> {
        let forgotten = self.counted(transaction)?;
        self.keep_from_coming_back(transaction, at)?;
        self.forget_knowledge(transaction, &forgotten.entries, at)?;
        habits::forget(transaction, &forgotten.habits)?;
        batch::make_anonymous(transaction, &format!("session IN {SESSIONS}"), self.params())?;
        for decision in ["warming_mode", "warming_pause"] {
            self.execute(transaction, &format!("DELETE FROM {decision} WHERE session IN {SESSIONS}"))?;
        }
        self.execute(
            transaction,
            &format!("INSERT INTO doomed SELECT id FROM session WHERE id IN {SESSIONS}"),
        )?;
        let left = Erased { erased: erasing::step(transaction)?, log_emptied: false };
        Ok(Forgotten { left, ..forgotten })
    }

    /// What its agent sends of a forgotten session holds its whole history.
    fn keep_from_coming_back(&self, transaction: &Transaction<'_>, at: UnixMillis) -> rusqlite::Result<()> {
        let sql = format!(
            "INSERT OR REPLACE INTO forgotten (session, principal, head, is_named, at)
            SELECT id, principal, head, identity IS NOT NULL, ?4 FROM session WHERE id IN {SESSIONS}"
        );
        let [principal, session, project] = self.params();
        transaction.execute(&sql, params![principal, session, project, at.0]).map(drop)
    }

    fn forget_knowledge(
        &self,
        transaction: &Transaction<'_>,
        entries: &[KnowledgeId],
        at: UnixMillis,
    ) -> rusqlite::Result<()> {
        injection::forget(transaction, entries)?;
        for entry in entries {
            contradiction::settle(transaction, entry.as_str())?;
        }
        self.forget_graves(transaction)?;
        // Of versions whose entry was gone before it was noted where they belong, nobody can say that they do not belong here.
        let versions = format!(
            "DELETE FROM knowledge_version WHERE principal = ?1 AND (id IN (SELECT id FROM knowledge WHERE {0}) OR {0}
                OR (project IS NULL AND session IS NULL AND id NOT IN (SELECT id FROM knowledge)))",
            self.entries()
        );
        self.execute(transaction, &versions)?;
        self.leave_origins(transaction, at)?;
        self.execute(transaction, &format!("DELETE FROM knowledge WHERE {}", self.entries()))?;
        let consolidations =
            "DELETE FROM consolidation WHERE principal = ?1 AND ?2 IS NULL AND (?3 IS NULL OR project = ?3)";
        self.execute(transaction, consolidations)
    }

    /// A file that was exported before has the entries still. They are known by where they came from, and nothing else is left.
    fn leave_origins(&self, transaction: &Transaction<'_>, at: UnixMillis) -> rusqlite::Result<()> {
        let sql = format!(
            "INSERT INTO tombstone (id, origin, principal, reason, at, forgotten)
            SELECT id, origin, principal, 'forgotten', ?4, 1 FROM knowledge WHERE {}",
            self.entries()
        );
        let [principal, session, project] = self.params();
        transaction.execute(&sql, params![principal, session, project, at.0]).map(drop)
    }

    /// Entries that were deleted before have left a print of their words, and why they went in a model's words.
    fn forget_graves(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let graves = format!(
            "UPDATE tombstone SET project = NULL, promoted = 0, print = x'', reason = 'forgotten', forgotten = 1
            WHERE principal = ?1 AND ((?2 IS NULL AND ?3 IS NULL) OR project = ?3
                OR id IN (SELECT id FROM knowledge_version WHERE {}))",
            self.entries()
        );
        self.execute(transaction, &graves)?;
        let reasons = "UPDATE tombstone SET reason = 'forgotten' WHERE principal = ?1";
        transaction.execute(reasons, [self.principal.as_str()]).map(drop)
    }

    /// Habits that go: of projects also those that may not be written down yet.
    fn habits(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Whose>> {
        let sessions = format!("SELECT id FROM session WHERE id IN {SESSIONS} ORDER BY id");
        let projects = format!(
            "SELECT name AS id FROM habits WHERE whose = 'project' AND ?2 IS NULL
                AND iif(?3 IS NULL, substr(name, 1, length(?1) + 1) = ?1 || ' ', name = ?1 || ' ' || ?3)
            UNION SELECT principal || ' ' || coalesce(project, '') FROM session WHERE ?2 IS NULL AND id IN {SESSIONS}"
        );
        let everybody = "SELECT '' AS id WHERE ?2 IS NULL AND ?3 IS NULL
            AND NOT EXISTS (SELECT 1 FROM session WHERE principal <> ?1)";
        let sessions = self.names(transaction, &sessions)?.into_iter().map(Whose::Session);
        let projects = self.names(transaction, &projects)?.into_iter().map(Whose::Project);
        let everybody = self.names::<String>(transaction, everybody)?.into_iter().map(|_| Whose::Everybody);
        Ok(sessions.chain(projects).chain(everybody).collect())
    }

    /// Which rows that have a project and a session go.
    fn entries(&self) -> String {
        let all = if self.is_everything() { "1" } else { "0" };
        format!("principal = ?1 AND ({all} OR project = ?3 OR session IN {SESSIONS})")
    }

    fn is_everything(&self) -> bool {
        self.session.is_none() && self.project.is_none()
    }

    fn params(&self) -> [Option<&str>; 3] {
        let session = self.session.as_ref().map(SessionId::as_str);
        [Some(self.principal.as_str()), session, self.project.as_ref().map(ProjectId::as_str)]
    }

    fn execute(&self, transaction: &Transaction<'_>, sql: &str) -> rusqlite::Result<()> {
        transaction.execute(sql, self.params()).map(drop)
    }

    fn names<T: DeserializeOwned>(
        &self,
        transaction: &Transaction<'_>,
        sql: &str,
    ) -> rusqlite::Result<Vec<T>> {
        transaction.prepare(sql)?.query_map(self.params(), |row| word(row, "id"))?.collect()
    }
}

/// The project that is called so, or that a folder which is called so is a part of, also while that is being erased.
pub(super) fn project_called(
    transaction: &Transaction<'_>,
    principal: &Principal,
    named: &ProjectId,
) -> rusqlite::Result<ProjectId> {
    let sql =
        "SELECT project AS id FROM every_session WHERE principal = ?1 AND directory = ?2 AND project IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM every_session WHERE principal = ?1 AND project = ?2)
            AND NOT EXISTS (SELECT 1 FROM knowledge WHERE principal = ?1 AND project = ?2)
        ORDER BY last_activity DESC LIMIT 1";
    let found = transaction
        .prepare_cached(sql)?
        .query_row(params![principal.as_str(), named.as_str()], |row| word(row, "id"))
        .optional()?;
    Ok(found.unwrap_or_else(|| named.clone()))
}
