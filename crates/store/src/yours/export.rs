//! Taking everything along: a few records at a time, so that neither the reader nor its memory is held for long.

mod costs;
mod knowledge;

use super::forgetting::is_forgotten;
use super::record::{
    DistillationRecord, FORMAT, Hex, MergedRecord, MessageRecord, ObservationRecord, Record, RunTime,
    SessionRecord, TurnCount,
};
use crate::columns::{Word, count, usage, word};
use domain::conversation::Digest;
use domain::ids::{Principal, ProjectId, SessionId};
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension as _, Row, Transaction, named_params, params};

/// How many records at a time.
const PAGE: usize = 200;

/// How far an export has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Bookmark {
    /// Nothing is written yet.
    #[default]
    Beginning,
    /// Sessions up to this one, by when it was made and its name.
    Sessions(i64, String),
    /// The parts of a session.
    Parts(Box<Parts>),
    /// Entries up to this row.
    Entries(i64),
    /// Contradictions up to this pair.
    Contradictions(String, String),
    /// Tombstones up to this id.
    Tombstones(String),
    /// Charges up to this time and row.
    Charges(i64, i64),
    /// Warm returns up to this time and row.
    WarmReturns(i64, i64),
}

/// How far a session has been written. What came after its first record was written is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    session: SessionId,
    created: i64,
    part: Part,
    last_distillation: i64,
    last_message: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Runs of the distiller after this row, of which so many were written.
    Distillations(i64, u64),
    /// Messages after this row.
    Messages(i64),
    /// Turns after this time and link.
    Turns(i64, Vec<u8>),
}

/// The next records of `whose`, and where to go on; nowhere at the end.
pub(crate) fn some(
    transaction: &Transaction<'_>,
    whose: &Principal,
    bookmark: Bookmark,
) -> rusqlite::Result<(Vec<Record>, Option<Bookmark>)> {
    match bookmark {
        Bookmark::Beginning => {
            let first = vec![Record::Stillroom { format: FORMAT }];
            Ok((first, Some(Bookmark::Sessions(i64::MIN, String::new()))))
        }
        Bookmark::Sessions(created, id) => next_session(transaction, whose, (created, &id)),
        Bookmark::Parts(parts) => next_parts(transaction, *parts),
        Bookmark::Entries(after) => knowledge::entries(transaction, whose, after),
        Bookmark::Contradictions(one, other) => knowledge::contradictions(transaction, whose, (&one, &other)),
        Bookmark::Tombstones(after) => knowledge::tombstones(transaction, whose, &after),
        Bookmark::Charges(at, id) => costs::charges(transaction, whose, (at, id)),
        Bookmark::WarmReturns(at, id) => costs::warm_returns(transaction, whose, (at, id)),
    }
}

fn next_session(
    transaction: &Transaction<'_>,
    whose: &Principal,
    (created, id): (i64, &str),
) -> rusqlite::Result<(Vec<Record>, Option<Bookmark>)> {
    let sql = "SELECT *, (SELECT coalesce(max(id), 0) FROM distillation WHERE session = session.id) AS last_distillation,
            (SELECT coalesce(max(id), 0) FROM message WHERE session = session.id) AS last_message
        FROM session WHERE principal = ?1 AND (created, id) > (?2, ?3) ORDER BY created, id LIMIT 1";
    let found = transaction.prepare_cached(sql)?.query_row(params![whose.as_str(), created, id], |row| {
        let record = session(row)?;
        let parts = Parts {
            session: record.id.clone(),
            created: record.created.0,
            part: Part::Distillations(0, 0),
            last_distillation: row.get("last_distillation")?,
            last_message: row.get("last_message")?,
        };
        Ok((vec![Record::Session(record)], Some(Bookmark::Parts(Box::new(parts)))))
    });
    Ok(found.optional()?.unwrap_or((Vec::new(), Some(Bookmark::Entries(0)))))
}

fn session(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    Ok(SessionRecord {
        id: word(row, "id")?,
        identity: row.get("identity")?,
        client: row.get("client")?,
        provider: word(row, "provider")?,
        dialect: word(row, "dialect")?,
        model: row.get("model")?,
        upstream_origin: row.get("upstream_origin")?,
        directory: row.get("directory")?,
        project: row.get::<_, Option<Word<ProjectId>>>("project")?.map(|project| project.0),
        head: Hex(Digest(row.get("head")?)),
        turns: row.get("turns")?,
        turns_since_curation: row.get("turns_since_curation")?,
        usage: usage(row)?,
        created: UnixMillis(row.get("created")?),
        last_activity: UnixMillis(row.get("last_activity")?),
    })
}

fn next_parts(
    transaction: &Transaction<'_>,
    parts: Parts,
) -> rusqlite::Result<(Vec<Record>, Option<Bookmark>)> {
    let (records, next) = match &parts.part {
        _ if is_forgotten(transaction, &parts.session)? => (Vec::new(), None),
        Part::Distillations(after, number) => distillations(transaction, &parts, *after, *number)?,
        Part::Messages(after) => messages(transaction, &parts, *after)?,
        Part::Turns(at, link) => turns(transaction, &parts, (*at, link))?,
    };
    let bookmark = match next {
        Some(part) => Bookmark::Parts(Box::new(Parts { part, ..parts })),
        None => Bookmark::Sessions(parts.created, parts.session.to_string()),
    };
    Ok((records, Some(bookmark)))
}

/// How many runs of the session stand before a row of `distillation` at the same time.
const NTH: &str = "(SELECT count(*) FROM distillation AS before WHERE before.session = distillation.session
    AND before.at = distillation.at AND before.id < distillation.id)";

fn run_time(row: &Row<'_>) -> rusqlite::Result<RunTime> {
    Ok(RunTime { at: UnixMillis(row.get("at")?), nth: count(row, "nth")? })
}

fn distillations(
    transaction: &Transaction<'_>,
    parts: &Parts,
    after: i64,
    written: u64,
) -> rusqlite::Result<(Vec<Record>, Option<Part>)> {
    let sql = format!(
        "SELECT id, at, {NTH} AS nth FROM distillation WHERE session = ?1 AND id > ?2 AND id <= ?3 ORDER BY id LIMIT ?4"
    );
    let asked = params![parts.session.as_str(), after, parts.last_distillation, PAGE as i64];
    let mut statement = transaction.prepare_cached(&sql)?;
    let run = |row: &Row<'_>| Ok((row.get("id")?, run_time(row)?));
    let found: Vec<(i64, RunTime)> = statement.query_map(asked, run)?.collect::<Result<_, _>>()?;
    let last = found.last().map(|(id, _)| *id);
    let mut records = Vec::with_capacity(found.len());
    for ((id, RunTime { at, nth }), number) in found.into_iter().zip(written + 1..) {
        records.push(Record::Distillation(DistillationRecord {
            session: parts.session.clone(),
            number,
            at,
            nth,
            observations: observations(transaction, id)?,
            merged: merged(transaction, id)?,
        }));
    }
    let next = match last {
        Some(last) => Part::Distillations(last, written + records.len() as u64),
        None => Part::Messages(0),
    };
    Ok((records, Some(next)))
}

fn observations(
    transaction: &Transaction<'_>,
    distillation: i64,
) -> rusqlite::Result<Vec<ObservationRecord>> {
    let sql = "SELECT at, generation, pinned, text FROM observation WHERE distillation = ?1 ORDER BY id";
    let observation = |row: &Row<'_>| {
        Ok(ObservationRecord {
            at: UnixMillis(row.get("at")?),
            generation: row.get("generation")?,
            pinned: row.get("pinned")?,
            text: row.get("text")?,
        })
    };
    transaction.prepare_cached(sql)?.query_map([distillation], observation)?.collect()
}

fn merged(transaction: &Transaction<'_>, run: i64) -> rusqlite::Result<Vec<MergedRecord>> {
    let sql = format!(
        "SELECT distillation.at, {NTH} AS nth,
            (SELECT count(*) FROM distillation AS run WHERE run.session = it.session AND run.id <= it.distillation) AS run,
            (SELECT count(*) FROM observation AS one WHERE one.distillation = it.distillation AND one.id <= it.id) AS observation
        FROM observation AS it JOIN distillation ON distillation.id = it.distillation WHERE merged = ?1 ORDER BY it.id"
    );
    let merged = |row: &Row<'_>| {
        let (run, observation) = (count(row, "run")?, count(row, "observation")?);
        Ok(MergedRecord { run, observation, of: Some(run_time(row)?) })
    };
    transaction.prepare_cached(&sql)?.query_map([run], merged)?.collect()
}

fn messages(
    transaction: &Transaction<'_>,
    parts: &Parts,
    after: i64,
) -> rusqlite::Result<(Vec<Record>, Option<Part>)> {
    let sql = "SELECT *, (SELECT count(*) FROM distillation AS run WHERE run.session = :session AND run.id <= message.distillation) AS run
        FROM message WHERE session = :session AND id > :after AND id <= :messages ORDER BY id LIMIT :page";
    let mut statement = transaction.prepare_cached(sql)?;
    let asked = named_params! {
        ":session": parts.session.as_str(),
        ":after": after,
        ":messages": parts.last_message,
        ":page": PAGE as i64,
    };
    let mut rows = statement.query(asked)?;
    let (mut records, mut last) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        let id = row.get("id")?;
        last = Some(id);
        let run: Option<i64> = row.get("distillation")?;
        let run = run.filter(|run| *run <= parts.last_distillation);
        records.push(Record::Message(MessageRecord {
            session: parts.session.clone(),
            at: UnixMillis(row.get("at")?),
            role: word(row, "role")?,
            text: row.get("text")?,
            calls_tool: row.get("calls_tool")?,
            from_tool: row.get("from_tool")?,
            digest: Hex(Digest(row.get("digest")?)),
            links: links(transaction, id)?,
            distillation: run.map(|_| count(row, "run")).transpose()?,
            distilled: run.map(|run| time_of(transaction, run)).transpose()?,
        }));
    }
    Ok((records, Some(last.map_or(Part::Turns(i64::MIN, Vec::new()), Part::Messages))))
}

fn time_of(transaction: &Transaction<'_>, run: i64) -> rusqlite::Result<RunTime> {
    let sql = format!("SELECT at, {NTH} AS nth FROM distillation WHERE id = ?1");
    transaction.prepare_cached(&sql)?.query_row([run], run_time)
}

fn links(transaction: &Transaction<'_>, message: i64) -> rusqlite::Result<Vec<Hex>> {
    let sql = "SELECT link FROM link WHERE message = ?1 ORDER BY link";
    transaction.prepare_cached(sql)?.query_map([message], |row| Ok(Hex(Digest(row.get(0)?))))?.collect()
}

fn turns(
    transaction: &Transaction<'_>,
    parts: &Parts,
    (at, link): (i64, &[u8]),
) -> rusqlite::Result<(Vec<Record>, Option<Part>)> {
    let sql = "SELECT * FROM turn WHERE session = ?1 AND (at, link) > (?2, ?3) ORDER BY at, link LIMIT ?4";
    let mut statement = transaction.prepare_cached(sql)?;
    let turn = |row: &Row<'_>| {
        Ok(TurnCount {
            session: parts.session.clone(),
            link: Hex(Digest(row.get("link")?)),
            at: UnixMillis(row.get("at")?),
            model: row.get("model")?,
            stop: row.get::<_, Option<Word<_>>>("stop")?.map(|stop| stop.0),
            cut: row.get("cut")?,
            usage: usage(row)?,
        })
    };
    let found = statement.query_map(params![parts.session.as_str(), at, link, PAGE as i64], turn)?;
    let found: Vec<TurnCount> = found.collect::<Result<_, _>>()?;
    let next = found.last().map(|last| Part::Turns(last.at.0, last.link.0.0.to_vec()));
    Ok((found.into_iter().map(Record::Turn).collect(), next))
}
