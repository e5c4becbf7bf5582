//! Sessions: whose they are, how they stand, and which have background work left.

use crate::columns::{Count, Word, count, usage, word};
use crate::consolidation;
use crate::error::StoreError;
use crate::turn::{Recorded, TurnRecord};
use domain::conversation::{Digest, Usage};
use domain::ids::{Principal, ProjectId, SessionId};
use domain::knowledge::MERGED_ABOVE;
use domain::provider::{Dialect, Provider};
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension as _, Row, Transaction, named_params, params};
use serde::Serialize;

/// A session, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionSummary {
    /// Its name.
    pub id: SessionId,
    /// Who owns it.
    pub principal: Principal,
    /// The agent.
    pub client: String,
    /// Who answered the last turn.
    pub provider: Provider,
    /// In which shape.
    pub dialect: Dialect,
    /// The model of the last turn.
    pub model: String,
    /// Scheme, host and port that answered the last turn.
    pub upstream_origin: String,
    /// The first working directory that the agent stated.
    pub directory: Option<String>,
    /// The project that this directory is a part of; none shares a room with all others of its principal that have none.
    pub project: Option<ProjectId>,
    /// Turns that came to their end.
    pub turns: u32,
    /// The provider's count over all turns.
    pub usage: Usage,
    /// When the first turn was recorded.
    pub created: UnixMillis,
    /// When the last turn was recorded.
    pub last_activity: UnixMillis,
}

/// A session with background work left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// Which.
    pub session: SessionSummary,
    /// Messages that no observation covers.
    pub pending_messages: u32,
    /// Estimated tokens of those.
    pub pending_tokens: u64,
    /// Turns since the curator last went through.
    pub turns_since_curation: u32,
    /// Observations that may be merged and were not.
    pub unmerged: u32,
    /// Entries of its project.
    pub entries: u32,
}

/// What it takes to recognise a session after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionHead {
    /// Its name.
    pub session: SessionId,
    /// Who owns it: a session is never recognised across owners.
    pub principal: Principal,
    /// What names the conversation after its last turn.
    pub head: Digest,
    /// The client's own session id, if it sent one.
    pub identity: Option<String>,
    /// When the last turn was recorded.
    pub last_activity: UnixMillis,
}

/// A folder that an agent stated, and the project it is a part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedFolder {
    /// Whose agent.
    pub principal: Principal,
    /// The folder.
    pub directory: String,
    /// The project.
    pub project: ProjectId,
}

/// Makes the session of `turn` if it is new.
pub(crate) fn ensure(transaction: &Transaction<'_>, turn: &TurnRecord) -> Result<(), StoreError> {
    adopt(transaction, turn)?;
    let sql = "INSERT INTO every_session
            (id, principal, identity, client, provider, dialect, model, upstream_origin, directory, project, head, created, last_activity)
        VALUES (:id, :principal, :identity, :client, :provider, :dialect, :model, :origin, :directory, :project, :head, :at, :at)
        ON CONFLICT (id) DO UPDATE SET last_activity = max(last_activity, excluded.last_activity)
            WHERE principal = excluded.principal";
    let changed = transaction.prepare_cached(sql)?.execute(named_params! {
        ":id": turn.session.as_str(),
        ":principal": turn.principal.as_str(),
        ":identity": turn.identity,
        ":client": turn.client,
        ":provider": Word(turn.provider),
        ":dialect": Word(turn.dialect),
        ":model": turn.model,
        ":origin": turn.upstream_origin,
        ":directory": turn.directory,
        ":project": turn.project.as_ref().map(ProjectId::as_str),
        ":head": turn.head.0,
        ":at": turn.at.0,
    })?;
    if changed == 1 { Ok(()) } else { Err(of_another(&turn.session)) }
}

fn of_another(session: &SessionId) -> StoreError {
    StoreError::Refused(format!("session {} belongs to another principal", session.prefix()))
}

/// Moves what was kept under the turn's folder to the project that this folder has turned out to be a part of.
fn adopt(transaction: &Transaction<'_>, turn: &TurnRecord) -> rusqlite::Result<()> {
    let (Some(directory), Some(project)) = (turn.directory.as_deref(), &turn.project) else { return Ok(()) };
    if directory == project.as_str() {
        return Ok(());
    }
    let values = [turn.principal.as_str(), directory, project.as_str()];
    for table in OF_PROJECTS {
        transaction.prepare_cached(&adoption(table))?.execute(values)?;
    }
    consolidation::moved(transaction, values)
}

/// The tables whose rows are of a project.
const OF_PROJECTS: [&str; 4] = ["every_session", "knowledge", "knowledge_version", "tombstone"];

fn adoption(table: &str) -> String {
    format!("UPDATE {table} SET project = ?3 WHERE principal = ?1 AND project = ?2")
}

/// Takes over what a turn that went on from where the session stood says about it.
pub(crate) fn advance(transaction: &Transaction<'_>, turn: &TurnRecord) -> rusqlite::Result<()> {
    let sql = "UPDATE every_session SET client = :client, provider = :provider, dialect = :dialect, model = :model,
            upstream_origin = :origin, head = :head,
            identity = coalesce(:identity, identity), directory = coalesce(directory, :directory), project = coalesce(project, :project),
            turns = turns + :done, turns_since_curation = turns_since_curation + :done,
            input = input + :input, cache_read = cache_read + :cache_read, output = output + :output,
            cache_write_5m = cache_write_5m + :cache_write_5m, cache_write_1h = cache_write_1h + :cache_write_1h
        WHERE id = :id";
    transaction.prepare_cached(sql)?.execute(named_params! {
        ":id": turn.session.as_str(),
        ":client": turn.client,
        ":provider": Word(turn.provider),
        ":dialect": Word(turn.dialect),
        ":model": turn.model,
        ":origin": turn.upstream_origin,
        ":head": turn.head.0,
        ":identity": turn.identity,
        ":directory": turn.directory,
        ":project": turn.project.as_ref().map(ProjectId::as_str),
        ":done": !turn.cut,
        ":input": Count(turn.usage.input),
        ":cache_read": Count(turn.usage.cache_read),
        ":cache_write_5m": Count(turn.usage.cache_write_5m),
        ":cache_write_1h": Count(turn.usage.cache_write_1h),
        ":output": Count(turn.usage.output),
    })?;
    Ok(())
}

/// What there may be too many of: observations of a session, entries of its project.
const CROWD: &str = "(SELECT count(*) FROM observation WHERE observation.session = session.id
        AND merged IS NULL AND generation = 0 AND pinned = 0 AND passed_over = 0) AS unmerged,
    (SELECT count(*) FROM knowledge WHERE knowledge.principal = session.principal
        AND knowledge.project IS session.project) AS entries";

/// How the session stands, as far as [`Recorded`] tells; it exists.
pub(crate) fn standing(transaction: &Transaction<'_>, session: &SessionId) -> rusqlite::Result<Recorded> {
    let sql = format!(
        "SELECT turns, turns_since_curation, pending_messages, pending_tokens, {CROWD} FROM session,
            (SELECT count(*) AS pending_messages, coalesce(sum(tokens), 0) AS pending_tokens
                FROM message WHERE session = ?1 AND distillation IS NULL)
        WHERE id = ?1"
    );
    transaction.prepare_cached(&sql)?.query_row([session.as_str()], |row| {
        Ok(Recorded {
            forgotten: false,
            new_messages: 0,
            pending_messages: row.get("pending_messages")?,
            pending_tokens: count(row, "pending_tokens")?,
            turns: row.get("turns")?,
            turns_since_curation: row.get("turns_since_curation")?,
            unmerged: row.get("unmerged")?,
            entries: row.get("entries")?,
        })
    })
}

/// Nothing is left for the curator to do in the session.
pub(crate) fn curated(transaction: &Transaction<'_>, session: &SessionId) -> rusqlite::Result<()> {
    let sql = "UPDATE every_session SET turns_since_curation = 0 WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute([session.as_str()]).map(drop)
}

/// So many of its turns are left for the curator after all.
pub(crate) fn leave_uncurated(
    transaction: &Transaction<'_>,
    session: &SessionId,
    turns: u32,
) -> rusqlite::Result<()> {
    let sql = "UPDATE every_session SET turns_since_curation = turns_since_curation + ?2 WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute(params![session.as_str(), turns]).map(drop)
}

fn summary(row: &Row<'_>) -> rusqlite::Result<SessionSummary> {
    Ok(SessionSummary {
        id: word(row, "id")?,
        principal: word(row, "principal")?,
        client: row.get("client")?,
        provider: word(row, "provider")?,
        dialect: word(row, "dialect")?,
        model: row.get("model")?,
        upstream_origin: row.get("upstream_origin")?,
        directory: row.get("directory")?,
        project: row.get::<_, Option<Word<ProjectId>>>("project")?.map(|project| project.0),
        turns: row.get("turns")?,
        usage: usage(row)?,
        created: UnixMillis(row.get("created")?),
        last_activity: UnixMillis(row.get("last_activity")?),
    })
}

/// All sessions of `principal`, or of everybody; the one used last first.
pub(crate) fn all(
    transaction: &Transaction<'_>,
    principal: Option<&Principal>,
) -> rusqlite::Result<Vec<SessionSummary>> {
    let sql = "SELECT * FROM session WHERE ?1 IS NULL OR principal = ?1 ORDER BY last_activity DESC, id";
    let principal = principal.map(Principal::as_str);
    transaction.prepare_cached(sql)?.query_map([principal], summary)?.collect()
}

/// At most `most` sessions after the first `skip`; the one used last first.
pub(crate) fn page(
    transaction: &Transaction<'_>,
    skip: u32,
    most: u32,
) -> rusqlite::Result<Vec<SessionSummary>> {
    let sql = "SELECT * FROM session ORDER BY last_activity DESC, id LIMIT ?2 OFFSET ?1";
    transaction.prepare_cached(sql)?.query_map([skip, most], summary)?.collect()
}

/// One session.
pub(crate) fn one(
    transaction: &Transaction<'_>,
    session: &SessionId,
) -> rusqlite::Result<Option<SessionSummary>> {
    let sql = "SELECT * FROM session WHERE id = ?1";
    transaction.prepare_cached(sql)?.query_row([session.as_str()], summary).optional()
}

/// Every session with something undistilled, unmerged or uncurated; the one used last first.
pub(crate) fn backlog(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Backlog>> {
    let sql = format!(
        "SELECT session.*, coalesce(pending_messages, 0) AS pending_messages, coalesce(pending_tokens, 0) AS pending_tokens, {CROWD}
        FROM session LEFT JOIN (
            SELECT session, count(*) AS pending_messages, sum(tokens) AS pending_tokens
            FROM message WHERE distillation IS NULL GROUP BY session
        ) AS pending ON pending.session = session.id
        WHERE pending_messages > 0 OR turns_since_curation > 0 OR unmerged > {MERGED_ABOVE} ORDER BY last_activity DESC, id"
    );
    let backlog = |row: &Row<'_>| {
        Ok(Backlog {
            session: summary(row)?,
            pending_messages: row.get("pending_messages")?,
            pending_tokens: count(row, "pending_tokens")?,
            turns_since_curation: row.get("turns_since_curation")?,
            unmerged: row.get("unmerged")?,
            entries: row.get("entries")?,
        })
    };
    transaction.prepare_cached(&sql)?.query_map([], backlog)?.collect()
}

/// The heads of all sessions, and of those that were forgotten and have no name to be known again by; the one used last first.
pub(crate) fn heads(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<SessionHead>> {
    let sql = "SELECT id, principal, head, identity, last_activity FROM session
        UNION ALL SELECT session, principal, head, NULL, at FROM forgotten WHERE NOT is_named
        ORDER BY last_activity DESC, id";
    let head = |row: &Row<'_>| {
        Ok(SessionHead {
            session: word(row, "id")?,
            principal: word(row, "principal")?,
            head: Digest(row.get("head")?),
            identity: row.get("identity")?,
            last_activity: UnixMillis(row.get("last_activity")?),
        })
    };
    transaction.prepare_cached(sql)?.query_map([], head)?.collect()
}

/// The folders that were stated, with the project of the session that was in there last.
pub(crate) fn folders(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<StatedFolder>> {
    let sql = "SELECT principal, directory, project, max(last_activity) AS used FROM session
        WHERE directory IS NOT NULL AND project IS NOT NULL GROUP BY principal, directory ORDER BY used DESC";
    let folder = |row: &Row<'_>| {
        Ok(StatedFolder {
            principal: word(row, "principal")?,
            directory: row.get("directory")?,
            project: word(row, "project")?,
        })
    };
    transaction.prepare_cached(sql)?.query_map([], folder)?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::tests::plan;

    #[test]
    fn what_a_folder_has_is_found_with_each_turn_without_looking_through_what_others_have() {
        for table in OF_PROJECTS {
            let plan = plan(&adoption(table));
            assert!(plan.iter().all(|step| step.starts_with("SEARCH")), "{table}: {plan:?}");
        }
    }
}
