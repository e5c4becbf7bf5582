//! `stillroom import`: what was exported or edited, and the logs that agents keep.

mod knowledge;
mod logs;
mod records;
mod source;

use super::forget;
use super::invocation::{Invocation, wait_for};
use super::keeper::{Keeper, unusable};
use crate::cli::Import;
use crate::failure::{Exit, Failure};
use crate::output::{counted, say};
use serde_json::json;
use source::Source;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use store::record::Record;
use store::{Imported, Yours as _};

/// How long a gateway may take for one piece.
const PATIENCE: Duration = Duration::from_secs(300);
/// The same for what was forgotten, which is erased before.
const LONG_PATIENCE: Duration = Duration::from_secs(3600);
/// How many records go at a time, and how many bytes of text they may have: each piece is brought in whole or not at all.
const PIECE: (usize, usize) = (200, 1 << 20);
/// The longest line that is read, in bytes.
const LONGEST_LINE: usize = 256 << 20;

/// Brings it in.
pub(crate) fn perform(invocation: &Invocation<'_>, asked: &Import) -> Result<ExitCode, Failure> {
    wait_for(async {
        match asked.from {
            Some(agent) => logs::bring_in(invocation, asked, agent).await?,
            None => {
                for file in &asked.files {
                    bring_in(invocation, asked, file).await?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Who takes it; if what was forgotten is to come again, the keeper has erased it before.
async fn taker(invocation: &Invocation<'_>, again: bool) -> Result<Keeper, Failure> {
    let mut keeper = Keeper::find_or_make(invocation).await?;
    if again {
        forget::finish(&mut keeper).await?;
    }
    Ok(keeper)
}

async fn bring_in(invocation: &Invocation<'_>, asked: &Import, file: &Path) -> Result<(), Failure> {
    let source = Source::of(file).map_err(|cause| unreadable(file, &cause))?;
    if source.begins_with_a_brace().map_err(|cause| unreadable(file, &cause))? {
        records::bring_in(invocation, asked, &source).await
    } else {
        knowledge::bring_in(invocation, asked, &source).await
    }
}

fn unreadable(file: &Path, cause: &io::Error) -> Failure {
    let remedy = match cause.kind() {
        ErrorKind::NotFound => "name a file that is there; of a link, also what it leads to must be",
        ErrorKind::IsADirectory => "name the files in it that are meant",
        ErrorKind::InvalidData => "name a file that `stillroom export` wrote, or an agent's log with --from",
        _ => "name a file that this user may read",
    };
    Failure::new(format!("{} cannot be read", file.display()), cause, remedy)
}

/// What is wrong in a file, of which nothing was brought in.
fn refused(file: &Path, why: impl std::fmt::Display, remedy: &str) -> Failure {
    let what = format!("{} is not brought in, and nothing was changed", file.display());
    Failure::new(what, why, remedy).with_exit(Exit::WrongUse)
}

/// Records on their way in, a piece at a time.
struct Piece {
    records: Vec<Record>,
    bytes: usize,
}

impl Piece {
    const fn empty() -> Self {
        Self { records: Vec::new(), bytes: 0 }
    }

    fn put(&mut self, record: Record, bytes: usize) {
        self.records.push(record);
        self.bytes += bytes;
    }

    fn is_full(&self) -> bool {
        self.records.len() >= PIECE.0 || self.bytes >= PIECE.1
    }

    /// Brings it in, and is empty again.
    async fn bring_in(&mut self, keeper: &mut Keeper, again: bool) -> Result<Imported, Failure> {
        self.bytes = 0;
        let records = std::mem::take(&mut self.records);
        if records.is_empty() {
            return Ok(Imported::default());
        }
        match keeper {
            Keeper::Gateway(gateway) => {
                let batch = json!({"records": records, "again": again});
                let patience = if again { LONG_PATIENCE } else { PATIENCE };
                gateway.post("/api/v1/import", &batch, patience).await?.read()
            }
            Keeper::Folder(store, owner) => {
                store.import_some(owner, &records, again).map_err(|error| unusable(&error))
            }
        }
    }
}

/// What came of it, in a sentence or two.
fn told(done: &Imported) -> String {
    let mut text = format!(
        "New: {}, {}, {}, {} and {}. Known already: {}.",
        counted(done.sessions, "session", "sessions"),
        counted(done.messages, "message", "messages"),
        counted(done.observations, "observation", "observations"),
        counted(done.entries, "entry", "entries"),
        counted(done.costs, "cost", "costs"),
        counted(done.known, "record", "records"),
    );
    if done.left_out > 0 {
        let left = counted(done.left_out, "record", "records");
        text.push_str(&format!(
            "\nLeft out: {left} of what was forgotten or deleted here; --again brings in what was forgotten."
        ));
    }
    text
}

fn say_told(done: &Imported, json: bool) {
    say(&if json { serde_json::to_string(done).unwrap_or_default() } else { told(done) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::Principal;
    use store::SqliteStore;

    #[tokio::test]
    async fn a_piece_is_full_by_number_or_by_size_and_empty_once_it_was_brought_in() {
        let store = Box::new(SqliteStore::in_memory().unwrap());
        let mut keeper = Keeper::Folder(store, Principal::local());
        let record = || Record::Stillroom { format: 1 };
        let filled = |count: usize, bytes| {
            let mut piece = Piece::empty();
            (0..count).for_each(|_| piece.put(record(), bytes));
            piece
        };
        assert!(!filled(199, 0).is_full() && filled(200, 0).is_full());
        assert!(!filled(2, (1 << 19) - 1).is_full());
        let mut large = filled(2, 1 << 19);
        assert!(large.is_full());
        large.bring_in(&mut keeper, false).await.unwrap();
        large.put(record(), 1 << 19);
        assert!(!large.is_full());
    }

    #[test]
    fn what_came_of_it_is_told_in_figures() {
        let done = Imported { sessions: 1, messages: 12, known: 3, ..Imported::default() };
        let left_out = Imported { left_out: 7, ..Imported::default() };
        insta::assert_snapshot!(format!("{}\n\n{}", told(&done), told(&left_out)), @r"
        New: 1 session, 12 messages, 0 observations, 0 entries and 0 costs. Known already: 3 records.

        New: 0 sessions, 0 messages, 0 observations, 0 entries and 0 costs. Known already: 0 records.
        Left out: 7 records of what was forgotten or deleted here; --again brings in what was forgotten.
        ");
    }
}
