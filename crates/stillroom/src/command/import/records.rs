//! An export of everything: read twice, the first time only to see whether it is whole and in order.

use super::{Piece, Source, refused, say_told, taker, unreadable};
use crate::cli::Import;
use crate::command::invocation::Invocation;
use crate::command::keeper::Keeper;
use crate::failure::Failure;
use crate::output::{progress, say};
use serde_json::json;
use std::path::Path;
use store::{BadLine, Imported, Reading};

/// For a file with a line that is no record.
const WHAT_TO_DO: &str = "an agent's own log needs `--from claude-code` or `--from codex`; export anything else again with `stillroom export --all`, \
    or mend that line";

pub(super) async fn bring_in(
    invocation: &Invocation<'_>,
    asked: &Import,
    source: &Source<'_>,
) -> Result<(), Failure> {
    let file = source.path;
    if asked.delete {
        let why = "--delete is for a file of knowledge, and this is an export of everything";
        return Err(refused(file, why, "leave --delete out"));
    }
    let lines = checked(source)?;
    if asked.dry_run {
        let told = || format!("{} is whole and in order: {lines} lines.", file.display());
        let found = json!({"dry_run": true, "file": file.display().to_string(), "lines": lines});
        say(&if asked.json.json { found.to_string() } else { told() });
        return Ok(());
    }
    let mut keeper = taker(invocation, asked.again).await?;
    let bar = progress(lines, "bringing in");
    let done = pour(&mut keeper, asked.again, source, || bar.inc(1)).await;
    // Before any failure is told.
    bar.finish_and_clear();
    say_told(&done?, asked.json.json);
    Ok(())
}

/// How many lines it has; nothing is brought in.
fn checked(source: &Source<'_>) -> Result<usize, Failure> {
    let (file, mut reading) = (source.path, Reading::default());
    let mut lines = source.lines().map_err(|cause| unreadable(file, &cause))?;
    let mut count = 0;
    while let Some(line) = lines.next().map_err(|cause| unreadable(file, &cause))? {
        reading.read(&line).map_err(|wrong| bad(file, &wrong))?;
        count += 1;
    }
    reading.close().map_err(|wrong| bad(file, &wrong))?;
    Ok(count)
}

async fn pour(
    keeper: &mut Keeper,
    again: bool,
    source: &Source<'_>,
    mut step: impl FnMut(),
) -> Result<Imported, Failure> {
    let file = source.path;
    let (mut reading, mut piece, mut done) = (Reading::default(), Piece::empty(), Imported::default());
    let mut lines = source.lines().map_err(|cause| unreadable(file, &cause))?;
    while let Some(line) = lines.next().map_err(|cause| unreadable(file, &cause))? {
        if let Some(record) = reading.read(&line).map_err(|wrong| bad(file, &wrong))? {
            piece.put(record, line.len());
        }
        step();
        if piece.is_full() {
            done += piece.bring_in(keeper, again).await?;
        }
    }
    done += piece.bring_in(keeper, again).await?;
    Ok(done)
}

fn bad(file: &Path, wrong: &BadLine) -> Failure {
    refused(file, wrong, WHAT_TO_DO)
}
