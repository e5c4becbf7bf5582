//! `stillroom trace`: what the actors of a gateway said to each other.

mod events;

use super::invocation::{Invocation, wait_for};
use crate::cli::Trace;
use crate::client::{Gateway, encoded};
use crate::failure::Failure;
use crate::output::{go_on, note};
use actor::Row;
use events::{Event, Events};
use futures_util::StreamExt as _;
use gateway::telemetry::Drawing;
use serde::Deserialize;
use std::process::ExitCode;

/// What the gateway answers.
#[derive(Deserialize)]
struct Recorded {
    recording: bool,
    rows: Vec<Row<String>>,
}

/// Shows the last messages, or those that come.
///
/// # Errors
/// No gateway answers, or it does not know what is asked for.
pub(crate) fn perform(invocation: &Invocation<'_>, asked: &Trace) -> Result<ExitCode, Failure> {
    wait_for(async {
        let gateway = invocation.gateway().await?;
        if asked.follow {
            follow(&gateway, asked).await?
        } else {
            show(&gateway, asked).await?
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn show(gateway: &Gateway, asked: &Trace) -> Result<(), Failure> {
    let recorded: Recorded = gateway.fetch(&path("/api/v1/trace", asked)).await?.read()?;
    if let Some(why) = silence(&recorded, !asked.wishes().is_empty()) {
        note(why);
    }
    // A reader that has gone away has seen enough.
    go_on(&asked.drawing().whole(recorded.rows)).unwrap_or_default();
    Ok(())
}

/// Why there is nothing to see, if there is nothing.
const fn silence(recorded: &Recorded, is_choosy: bool) -> Option<&'static str> {
    match (recorded.rows.is_empty(), recorded.recording, is_choosy) {
        (false, ..) => None,
        (true, false, _) => Some(
            "nothing is recorded: start the gateway with --trace-actors, or use --follow, which records while it runs",
        ),
        (true, true, true) => Some("no message that is kept fits; the gateway keeps the last 4096"),
        (true, true, false) => Some("no message has been sent yet"),
    }
}

async fn follow(gateway: &Gateway, asked: &Trace) -> Result<(), Failure> {
    let stream = gateway.stream(&path("/api/v1/trace/stream", asked)).await?;
    let mut drawing = asked.drawing();
    let mut events = Events::default();
    let mut open = go_on(drawing.begin()).is_ok();
    let mut pieces = std::pin::pin!(stream);
    while open {
        // The gateway has ended, orderly or not: there is nothing more to hear.
        let Some(Ok(piece)) = pieces.next().await else { break };
        open = events.of(&piece).into_iter().all(|event| go_on(&drawn(&mut drawing, event)).is_ok());
    }
    go_on(drawing.end()).unwrap_or_default();
    if open {
        note("the gateway has ended");
    }
    Ok(())
}

fn drawn(drawing: &mut Drawing, event: Event) -> String {
    match event {
        Event::Row(row) => drawing.row(&*row),
        Event::Missed(count) => {
            note(&format!("{count} messages were too quick to be shown"));
            String::new()
        }
    }
}

fn path(base: &str, asked: &Trace) -> String {
    let wishes: Vec<String> =
        asked.wishes().iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    if wishes.is_empty() { base.to_owned() } else { format!("{base}?{}", wishes.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn asked(arguments: &[&str]) -> Trace {
        let cli = Cli::try_parse_from([&["stillroom", "trace"], arguments].concat()).unwrap();
        let Some(Command::Trace(trace)) = cli.command else { panic!("not trace") };
        trace
    }

    #[test]
    fn every_wish_reaches_the_gateway() {
        let all =
            ["--last", "9", "--session", "a/b", "--actor", "Distiller", "--message", "Wanted", "--root", "7"];
        let all = asked(&[&all[..], &["--slower-than", "5ms"]].concat());
        let path = path("/t", &all);
        assert_eq!(path, "/t?last=9&session=a%2Fb&actor=Distiller&message=Wanted&root=7&slower_than=5ms");
        assert_eq!(super::path("/t", &asked(&["--follow"])), "/t");
    }

    #[test]
    fn silence_is_explained() {
        let recorded = |recording| Recorded { recording, rows: Vec::new() };
        let said = |recording, choosy| silence(&recorded(recording), choosy).unwrap();
        insta::assert_snapshot!([said(false, false), said(true, true), said(true, false)].join("\n"));
        let one = Recorded { recording: false, rows: vec![Row::default()] };
        assert_eq!(silence(&one, false), None);
    }
}
