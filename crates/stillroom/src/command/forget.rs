//! `stillroom forget`: a session, a project or everything, for good.

use super::invocation::{Invocation, wait_for};
use super::keeper::{Keeper, unusable};
use super::{project, session_id};
use crate::cli::{Doomed, Forget, Json};
use crate::failure::{Exit, Failure};
use crate::output::{ask, counted, note, say};
use domain::ids::Principal;
use domain::time::UnixMillis;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;
use store::{Extent, Forgotten, SqliteStore, Store as _, StoreError, Yours as _};

/// How long a gateway may take: it overwrites every word that it forgets.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Tells what would be forgotten, asks whether that is meant, and forgets it. Of what was forgotten before, there is nothing to ask: it
/// is waited for until it is erased.
pub(crate) fn perform(invocation: &Invocation<'_>, asked: &Forget) -> Result<ExitCode, Failure> {
    wait_for(async {
        let mut keeper = Keeper::find(invocation).await?;
        let doomed = named(invocation, &mut keeper, &asked.what).await?;
        let format = Json::from(asked.json);
        let found = forget(&mut keeper, &doomed, true).await?;
        if asked.dry_run {
            say(&if format.json { found.to_string() } else { told(&doomed, &found) });
            return Ok(ExitCode::SUCCESS);
        }
        if is_only_left(&found) {
            note_left(&found);
        } else if !asked.yes && !is_meant(&told(&doomed, &found))? {
            say("Nothing was forgotten.");
            return Ok(ExitCode::FAILURE);
        }
        let forgotten = forget(&mut keeper, &doomed, false).await?;
        say(&if format.json { forgotten.to_string() } else { told(&doomed, &forgotten) });
        Ok(ExitCode::SUCCESS)
    })
}

/// The same with the whole id of its session, or the name of its project.
async fn named(invocation: &Invocation<'_>, keeper: &mut Keeper, what: &Doomed) -> Result<Doomed, Failure> {
    let id = match what {
        Doomed::Session { id } => id,
        Doomed::Project { name } => return of_name(invocation, keeper, name).await,
        Doomed::Everything => return Ok(Doomed::Everything),
    };
    let found = match keeper {
        Keeper::Gateway(gateway) => session_id::find(gateway, id).await,
        Keeper::Folder(store, _) => {
            let all = store.sessions(None).map_err(|error| unusable(&error))?;
            let ids: Vec<&str> = all.iter().map(|session| session.id.as_str()).collect();
            session_id::chosen(&ids, id)
        }
    };
    // One that is being erased is in no list; by its whole id, whoever erases it knows it.
    let itself = Doomed::Session { id: id.clone() };
    match found {
        Ok(id) => Ok(Doomed::Session { id }),
        Err(_) if forget(keeper, &itself, true).await.is_ok_and(|found| is_only_left(&found)) => Ok(itself),
        Err(failure) => Err(failure),
    }
}

/// The project that is kept under just this name, as the list of sessions has it; else that of the folder that is called so, which
/// may be another one where the name goes through a link.
async fn of_name(invocation: &Invocation<'_>, keeper: &mut Keeper, name: &str) -> Result<Doomed, Failure> {
    let itself = Doomed::Project { name: name.to_owned() };
    if forget(keeper, &itself, true).await.is_ok() {
        return Ok(itself);
    }
    let project = project::named(invocation, name)?;
    Ok(Doomed::Project { name: project.as_str().to_owned() })
}

/// Waits until all that was forgotten before is erased; says so, if there is anything.
pub(super) async fn finish(keeper: &mut Keeper) -> Result<(), Failure> {
    let found = forget(keeper, &Doomed::Everything, true).await?;
    if left(&found).is_some() {
        note_left(&found);
        if let Keeper::Folder(store, _) = keeper {
            while !store.erase().map_err(|error| unusable(&error))?.erased {}
        }
    }
    Ok(())
}

async fn forget(keeper: &mut Keeper, what: &Doomed, dry_run: bool) -> Result<Value, Failure> {
    match keeper {
        Keeper::Gateway(gateway) => {
            let mut order = match what {
                Doomed::Session { id } => json!({"session": id}),
                Doomed::Project { name } => json!({"project": name}),
                Doomed::Everything => json!({"everything": true}),
            };
            order["dry_run"] = dry_run.into();
            match gateway.post("/api/v1/forget", &order, PATIENCE).await {
                Err(failure) if !dry_run && !gateway.answers().await => Err(broken_off(failure)),
                answer => answer?.json(),
            }
        }
        Keeper::Folder(store, owner) => {
            let extent = match what {
                Doomed::Session { id } => Extent::Session(id.into()),
                Doomed::Project { name } => Extent::Project(name.into()),
                Doomed::Everything => Extent::Everything,
            };
            let whose = owner_of(store, &extent)?.unwrap_or_else(|| owner.clone());
            let forgotten = if dry_run {
                store.forgettable(&whose, &extent)
            } else {
                forget_wholly(store, &whose, &extent)
            };
            let forgotten = forgotten.map_err(|error| unusable(&error))?;
            is_there(&extent, &forgotten)?;
            let mut shown = serde_json::to_value(&forgotten).unwrap_or_default();
            shown["dry_run"] = dry_run.into();
            Ok(shown)
        }
    }
}

/// Nobody else has the store, so nothing waits between the steps.
fn forget_wholly(store: &mut SqliteStore, whose: &Principal, what: &Extent) -> Result<Forgotten, StoreError> {
    let mut forgotten = store.forget(whose, what, now())?;
    while !forgotten.left.erased {
        forgotten.left = store.erase()?;
    }
    Ok(forgotten)
}

fn owner_of(store: &mut SqliteStore, extent: &Extent) -> Result<Option<Principal>, Failure> {
    let Extent::Session(session) = extent else { return Ok(None) };
    store.owner(session).map_err(|error| unusable(&error))
}

fn is_there(extent: &Extent, found: &Forgotten) -> Result<(), Failure> {
    match extent {
        Extent::Project(project)
            if found.sessions.is_empty() && found.entries.is_empty() && found.unerased.sessions == 0 =>
        {
            Err(Failure::new(
                format!("nothing is kept of a project {project}"),
                "no session and no entry belongs to it",
                "`stillroom knowledge` and `stillroom sessions --json` name the projects there are",
            ))
        }
        _ => Ok(()),
    }
}

/// The gateway ended in the midst of it.
fn broken_off(failure: Failure) -> Failure {
    Failure {
        what: "it is not known how much is erased: the gateway ended before it answered".to_owned(),
        remedy:
            "start it with `stillroom` and give this command again: what was begun goes on, and it tells how much is left"
                .to_owned(),
        ..failure
    }
}

/// What was forgotten before and is not erased yet, in figures.
fn left(found: &Value) -> Option<String> {
    let many = |field: &str| found["unerased"][field].as_u64().unwrap_or_default();
    let sessions = counted(many("sessions"), "session", "sessions");
    (many("sessions") > 0)
        .then(|| format!("{sessions} with {}", counted(many("messages"), "message", "messages")))
}

/// Whether all that there is of it was forgotten before.
fn is_only_left(found: &Value) -> bool {
    let is_empty = |field: &str| found[field].as_array().is_none_or(Vec::is_empty);
    left(found).is_some() && is_empty("sessions") && is_empty("entries")
}

fn note_left(found: &Value) {
    if let Some(left) = left(found) {
        note(&format!("forgotten before and still being erased: {left}; this waits until it is done"));
    }
}

fn now() -> UnixMillis {
    UnixMillis(jiff::Timestamp::now().as_millisecond())
}

/// Whether a person at a terminal says so.
fn is_meant(told: &str) -> Result<bool, Failure> {
    let answer = ask(&format!("{told}\nThis cannot be undone. Type yes to forget it for good: "));
    answer.map(|answer| answer.trim() == "yes").ok_or_else(|| {
        Failure::new(
            "nothing was forgotten",
            "it was not confirmed, and there is no terminal to ask at",
            "add --yes if it is meant, or --dry-run to see what would be forgotten",
        )
        .with_exit(Exit::WrongUse)
    })
}

fn told(what: &Doomed, found: &Value) -> String {
    let many = |field: &str, one: &str, many: &str| {
        let count = found[field].as_u64().or(found[field].as_array().map(|all| all.len() as u64));
        counted(count.unwrap_or_default(), one, many)
    };
    let what = match what {
        Doomed::Session { id } => format!("session {id}"),
        Doomed::Project { name } => format!("project {}", found["project"].as_str().unwrap_or(name)),
        Doomed::Everything => "everything".to_owned(),
    };
    let done = found["dry_run"] == false;
    let mut text = format!(
        "{}, {}: {} with {} and {}, and {} of knowledge.",
        if done { "Forgotten for good" } else { "To be forgotten" },
        crate::output::harmless(&what),
        many("sessions", "session", "sessions"),
        many("messages", "message", "messages"),
        many("observations", "observation", "observations"),
        many("entries", "entry", "entries"),
    );
    if let Some(left) = left(found) {
        let now = if done && found["erased"] == true { "erased now" } else { "still being erased" };
        text.push_str(&format!("\nForgotten before, and {now}: {left}."));
    }
    if done && found["erased"] == false {
        text.push_str("\nNobody finds it any more; its words are still being overwritten, which goes on by itself, also after a restart.");
    } else if done && found["log_emptied"] == false {
        text.push_str("\nThe database's log could not be emptied yet, since it was being read: it is when the gateway ends.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_or_would_be_is_told_in_figures() {
        let found = |dry_run: bool, erased: bool, log_emptied: bool| {
            json!({"sessions": ["s"], "entries": [], "messages": 12, "observations": 3, "project": "oven",
                "dry_run": dry_run, "erased": erased, "log_emptied": log_emptied})
        };
        let before = |mut found: Value| {
            (found["sessions"], found["messages"], found["observations"]) = (json!([]), 0.into(), 0.into());
            found["unerased"] = json!({"sessions": 2, "messages": 7_000});
            found
        };
        let project = Doomed::Project { name: "/home/me/oven".into() };
        let texts = [
            told(&Doomed::Session { id: "0199f3a2".into() }, &found(true, false, false)),
            told(&project, &found(false, true, true)),
            told(&Doomed::Everything, &found(false, true, false)),
            told(&Doomed::Everything, &found(false, false, false)),
            told(&project, &before(found(true, false, false))),
            told(&project, &before(found(false, false, false))),
            told(&project, &before(found(false, true, true))),
        ];
        insta::assert_snapshot!(texts.join("\n"), @r"
        To be forgotten, session 0199f3a2: 1 session with 12 messages and 3 observations, and 0 entries of knowledge.
        Forgotten for good, project oven: 1 session with 12 messages and 3 observations, and 0 entries of knowledge.
        Forgotten for good, everything: 1 session with 12 messages and 3 observations, and 0 entries of knowledge.
        The database's log could not be emptied yet, since it was being read: it is when the gateway ends.
        Forgotten for good, everything: 1 session with 12 messages and 3 observations, and 0 entries of knowledge.
        Nobody finds it any more; its words are still being overwritten, which goes on by itself, also after a restart.
        To be forgotten, project oven: 0 sessions with 0 messages and 0 observations, and 0 entries of knowledge.
        Forgotten before, and still being erased: 2 sessions with 7000 messages.
        Forgotten for good, project oven: 0 sessions with 0 messages and 0 observations, and 0 entries of knowledge.
        Forgotten before, and still being erased: 2 sessions with 7000 messages.
        Nobody finds it any more; its words are still being overwritten, which goes on by itself, also after a restart.
        Forgotten for good, project oven: 0 sessions with 0 messages and 0 observations, and 0 entries of knowledge.
        Forgotten before, and erased now: 2 sessions with 7000 messages.
        ");
    }
}
