//! `stillroom backtest`: what cache warming would have earned in recorded sessions.

use super::invocation::Invocation;
use super::prices;
use crate::backtest::{Half, Report, Session, convert, fit, read, replay, table};
use crate::cli::{Backtest, Format};
use crate::failure::{Exit, Failure};
use crate::output::{progress, say};
use machines::warming::{Habits, prior};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Replays the recordings, or only converts them, or only tells what they teach.
pub(crate) fn perform(invocation: &Invocation<'_>, what: &Backtest) -> Result<ExitCode, Failure> {
    // Nothing is kept, so that no folder has to be found for it.
    let mut flags = invocation.flags.flags(false);
    flags.values.push(("--data-dir", "data_dir", ".".to_owned()));
    prices::put_in_force(invocation.settings_with(&flags)?.settings())?;
    let sessions = recorded(&what.files, what.from)?;
    if what.convert {
        sessions.iter().try_for_each(say_json)?;
    } else if what.fit {
        say_json(&fit(&reported(sessions, what)))?;
    } else {
        let prior = believed(&sessions, what)?;
        let sessions = reported(sessions, what);
        let bar = progress(sessions.len(), "replaying sessions");
        let report = Report::of(&replay(&sessions, prior, || bar.inc(1)), what.choose_ttl);
        bar.finish_and_clear();
        if what.json.json { say_json(&report)? } else { say(&table(&report)) }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is believed beforehand: never anything of the sessions that are reported.
fn believed(sessions: &[Session], what: &Backtest) -> Result<Habits, Failure> {
    if !what.fit_on.is_empty() {
        return Ok(fit(&recorded(&what.fit_on, what.from)?));
    }
    let other = what.split.map(|half| half.other());
    let others = |half: Half| sessions.iter().filter(move |session| half.holds(session)).cloned();
    Ok(other.map_or_else(prior, |half| fit(&others(half).collect::<Vec<_>>())))
}

fn reported(sessions: Vec<Session>, what: &Backtest) -> Vec<Session> {
    let is_reported = |session: &Session| what.split.is_none_or(|half| half.holds(session));
    sessions.into_iter().filter(is_reported).collect()
}

fn recorded(files: &[PathBuf], from: Option<Format>) -> Result<Vec<Session>, Failure> {
    let bar = progress(files.len(), "reading files");
    let read = files.iter().map(|file| recording(file, from).inspect(|_| bar.inc(1)));
    let read = read.collect::<Result<Vec<_>, _>>();
    // Before any failure is told.
    bar.finish_and_clear();
    let read = read?;
    let sessions = read.concat();
    if sessions.is_empty() { Err(empty()) } else { Ok(sessions) }
}

fn recording(file: &Path, from: Option<Format>) -> Result<Vec<Session>, Failure> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::new(format!("{shown} cannot be read"), error, "name a file with one session a line")
    })?;
    let read = match from {
        None => read(&text),
        Some(Format::ClaudeCode) => convert(&text),
    };
    read.map_err(|line| {
        let remedy = match from {
            None => "mend or remove that line; docs/backtest.md has the shape, and `--from claude-code` reads Claude Code's own logs",
            Some(Format::ClaudeCode) => "remove that line, or leave `--from` out if this is a recording already",
        };
        Failure::new(format!("{shown} is no recording"), line, remedy).with_exit(Exit::WrongUse)
    })
}

fn empty() -> Failure {
    let remedy = "name files with one session a line; docs/backtest.md has the shape";
    Failure::new("there is nothing to replay", "the files hold no session", remedy).with_exit(Exit::WrongUse)
}

fn say_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| {
        Failure::new(
            "the result cannot be written as JSON",
            error,
            "this is a fault in Stillroom: please report it",
        )
    })?;
    say(&text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        what: Backtest,
    }

    /// A session whose person comes back after so many seconds.
    fn session(name: &str, pause: u32) -> Session {
        let call =
            |at| format!(r#"{{"at":{at},"kind":"human","model":"claude-opus-4-6","cache_write_5m":100000}}"#);
        let line = format!(r#"{{"project":"a","session":"{name}","calls":[{},{}]}}"#, call(0), call(pause));
        read(&line).expect("a recording").remove(0)
    }

    #[test]
    fn of_one_half_is_reported_and_the_other_is_believed() {
        let names = (0..20).map(|number| session(&format!("s{number}"), 400));
        let (even, odd): (Vec<_>, Vec<_>) = names.partition(|it| Half::Even.holds(it));
        let odd: Vec<_> = odd.iter().map(|it| session(&it.session, 7_000)).collect();
        let all = [&even[..], &odd].concat();
        for (half, reports, believes) in [("even", &even, &odd), ("odd", &odd, &even)] {
            let what = Typed::parse_from(["backtest", "unread", "--split", half]).what;
            assert_eq!(believed(&all, &what).expect("no file is read"), fit(believes), "{half}");
            assert_ne!(fit(believes), fit(reports));
            let names =
                |sessions: &[Session]| sessions.iter().map(|it| it.session.clone()).collect::<Vec<_>>();
            assert_eq!(names(&reported(all.clone(), &what)), names(reports));
        }
    }
}
