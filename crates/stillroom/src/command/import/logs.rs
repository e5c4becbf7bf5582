//! The logs that agents keep of their own sessions. Each piece is brought in whole, and what is known is passed over: an import that
//! was interrupted goes on when it is called again.

use super::{Piece, Source, refused, taker, unreadable};
use crate::cli::{Agent, Import};
use crate::command::invocation::Invocation;
use crate::command::keeper::{Keeper, unusable};
use crate::command::look;
use crate::failure::{Exit, Failure};
use crate::logs::{self, ClaudeCode, Codex, Log, Surroundings};
use crate::output::{counted, progress, say};
use crate::settings::Places;
use domain::ids::{Principal, ProjectId, SessionId};
use domain::time::UnixMillis;
use serde_json::json;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use store::record::Record;
use store::{Imported, Store as _};
use workers::Projects;

/// How deep below an agent's folder its logs may lie: Codex has a folder a day.
const DEEPEST: usize = 5;

/// What came of all logs.
#[derive(Default)]
struct Sum {
    done: Imported,
    /// Sessions that were recorded as they went.
    recorded: HashSet<SessionId>,
    unknown: u64,
}

pub(super) async fn bring_in(
    invocation: &Invocation<'_>,
    asked: &Import,
    agent: Agent,
) -> Result<(), Failure> {
    let files =
        if asked.files.is_empty() { all_logs(invocation.places, agent)? } else { asked.files.clone() };
    if asked.dry_run {
        let told = || format!("{} would be read.", counted(files.len() as u64, "log", "logs"));
        let found = json!({"dry_run": true, "logs": files.len()});
        say(&if asked.json.json { found.to_string() } else { told() });
        return Ok(());
    }
    let mut keeper = taker(invocation, asked.again).await?;
    let (here, recorded) = (Here(Projects::default()), recorded(&mut keeper).await?);
    let bar = progress(files.len(), "reading logs");
    let mut sum = Sum::default();
    let mut outcome = Ok(());
    for file in &files {
        outcome = read(&mut keeper, file, (agent, asked), (&here, &recorded), &mut sum).await;
        bar.inc(1);
        if outcome.is_err() {
            break;
        }
    }
    // Before any failure is told.
    bar.finish_and_clear();
    outcome?;
    say(&if asked.json.json { sum.json() } else { sum.told(files.len()) });
    Ok(())
}

/// Sessions that did not come from a log: what was recorded as it went has more than a log does.
async fn recorded(keeper: &mut Keeper) -> Result<HashSet<SessionId>, Failure> {
    let known: Vec<(String, String)> = match keeper {
        Keeper::Gateway(gateway) => {
            let sessions = look::fetch(gateway, "/api/v1/sessions", "sessions").await?;
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            sessions.iter().map(|session| (text(&session["id"]), text(&session["client"]))).collect()
        }
        Keeper::Folder(store, _) => {
            let sessions = store.sessions(None).map_err(|error| unusable(&error))?;
            sessions.into_iter().map(|session| (session.id.to_string(), session.client)).collect()
        }
    };
    let live = known.into_iter().filter(|(_, client)| !logs::CLIENTS.contains(&client.as_str()));
    Ok(live.map(|(id, _)| id.into()).collect())
}

async fn read(
    keeper: &mut Keeper,
    file: &Path,
    (agent, asked): (Agent, &Import),
    (here, recorded): (&Here, &HashSet<SessionId>),
    sum: &mut Sum,
) -> Result<(), Failure> {
    let mut log: Box<dyn Log> = match agent {
        Agent::ClaudeCode => Box::<ClaudeCode>::default(),
        Agent::Codex => Box::<Codex>::default(),
    };
    let (mut piece, mut lines_read) = (Piece::empty(), 0);
    let source = Source::of(file).map_err(|cause| unreadable(file, &cause))?;
    let mut lines = source.lines().map_err(|cause| unreadable(file, &cause))?;
    while let Some(line) = lines.next().map_err(|cause| unreadable(file, &cause))? {
        if line.trim().is_empty() {
            continue;
        }
        log.read(&line, here);
        lines_read += 1;
        put(&mut piece, log.take(), recorded, sum);
        if piece.is_full() {
            sum.done += piece.bring_in(keeper, asked.again).await?;
        }
    }
    // Of the agent's own folder, it may be one of a newer version.
    if !asked.files.is_empty() && lines_read > 0 && log.unknown() == lines_read {
        return Err(foreign(file, agent));
    }
    put(&mut piece, log.close(), recorded, sum);
    sum.done += piece.bring_in(keeper, asked.again).await?;
    sum.unknown += log.unknown();
    Ok(())
}

/// A file that was named, and of which no line was understood.
fn foreign(file: &Path, agent: Agent) -> Failure {
    let (whose, other) = match agent {
        Agent::ClaudeCode => ("Claude Code's", "codex"),
        Agent::Codex => ("Codex's", "claude-code"),
    };
    let remedy = format!(
        "if it is the other agent's log, say `--from {other}`; what `stillroom export` wrote is brought in without --from"
    );
    refused(file, format!("none of its lines is one of {whose}"), &remedy)
}

fn put(piece: &mut Piece, records: Vec<Record>, recorded: &HashSet<SessionId>, sum: &mut Sum) {
    for record in records {
        let (session, bytes) = match &record {
            Record::Session(it) => (&it.id, 0),
            Record::Message(it) => (&it.session, it.text.len()),
            Record::Turn(it) => (&it.session, 0),
            _ => continue,
        };
        if recorded.contains(session) {
            sum.recorded.insert(session.clone());
        } else {
            piece.put(record, bytes);
        }
    }
}

/// This machine, on which the folders of a log still lie, if they do.
struct Here(Projects);

impl Surroundings for Here {
    fn project(&self, directory: &str, at: UnixMillis) -> ProjectId {
        self.0.of(&Principal::local(), directory, at)
    }
}

/// Every log of the agent, in the order of their names.
fn all_logs(places: &Places, agent: Agent) -> Result<Vec<PathBuf>, Failure> {
    let (variable, below_home, inside, begins) = match agent {
        Agent::ClaudeCode => ("CLAUDE_CONFIG_DIR", ".claude", "projects", ""),
        Agent::Codex => ("CODEX_HOME", ".codex", "sessions", "rollout-"),
    };
    let folder = places.of_agent(variable, below_home).map(|folder| folder.join(inside));
    let mut found = Vec::new();
    if let Some(folder) = &folder {
        gather(folder, begins, DEEPEST, &mut found);
    }
    found.sort();
    if found.is_empty() {
        let why = folder.map_or_else(
            || "there is no home to look in".to_owned(),
            |folder| format!("{} holds none", folder.display()),
        );
        let remedy = "name the files behind --from, or the agent's folder in its variable";
        return Err(Failure::new("there is no log to bring in", why, remedy).with_exit(Exit::WrongUse));
    }
    Ok(found)
}

/// What cannot be looked into is passed over.
fn gather(folder: &Path, begins: &str, deepest: usize, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && deepest > 0 => gather(&path, begins, deepest - 1, found),
            Ok(kind) if kind.is_file() && name.ends_with(".jsonl") && name.starts_with(begins) => {
                found.push(path)
            }
            _ => {}
        }
    }
}

impl Sum {
    fn json(&self) -> String {
        let mut all = serde_json::to_value(self.done).unwrap_or_default();
        all["recorded"] = self.recorded.len().into();
        all["unknown_lines"] = self.unknown.into();
        json!(all).to_string()
    }

    fn told(&self, files: usize) -> String {
        let mut text = format!("Logs read: {files}. {}", super::told(&self.done));
        if !self.recorded.is_empty() {
            text.push_str(&format!(
                "\nPassed over: {} recorded as {} went; what was said there without the gateway is not brought in.",
                counted(self.recorded.len() as u64, "session that was", "sessions that were"),
                if self.recorded.len() == 1 { "it" } else { "they" },
            ));
        }
        if self.unknown > 0 {
            text.push_str(&format!(
                "\nNot understood: {}, for example of a newer version of the agent.",
                counted(self.unknown, "line", "lines"),
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_a_log_grows_by_what_was_said() {
        let (mut log, mut piece) = (ClaudeCode::default(), Piece::empty());
        let said = "rye ".repeat(1_000);
        let line = json!({"type": "user", "uuid": "u1", "sessionId": "0199f3a2-7777-4bbb-8ccc-000000000007", "cwd": "relative", "timestamp": "2026-11-26T04:00:00.000Z",
            "message": {"role": "user", "content": said}});
        log.read(&line.to_string(), &Here(Projects::default()));
        put(&mut piece, [log.take(), log.close()].concat(), &HashSet::new(), &mut Sum::default());
        assert!((3_999..5_000).contains(&piece.bytes), "{}", piece.bytes);
    }

    #[test]
    fn what_came_of_the_logs_is_told() {
        let done = Imported { sessions: 2, messages: 40, ..Imported::default() };
        let sum = Sum { done, recorded: HashSet::from(["a".into()]), unknown: 3 };
        insta::assert_snapshot!(sum.told(2), @r"
        Logs read: 2. New: 2 sessions, 40 messages, 0 observations, 0 entries and 0 costs. Known already: 0 records.
        Passed over: 1 session that was recorded as it went; what was said there without the gateway is not brought in.
        Not understood: 3 lines, for example of a newer version of the agent.
        ");
    }
}
