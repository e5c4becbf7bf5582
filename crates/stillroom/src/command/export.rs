//! `stillroom export`: what is kept, to take along.

use super::invocation::{Invocation, wait_for};
use super::keeper::{Keeper, unusable};
use super::project::named;
use super::sheet::Sheet;
use crate::cli::Export;
use crate::client::encoded;
use crate::failure::Failure;
use domain::ids::ProjectId;
use domain::knowledge_file::{parse, render};
use futures_util::StreamExt as _;
use std::process::ExitCode;
use store::{Scribe, Yours as _};

/// Writes the knowledge, or everything.
pub(crate) fn perform(invocation: &Invocation<'_>, asked: &Export) -> Result<ExitCode, Failure> {
    wait_for(async {
        let mut keeper = Keeper::find(invocation).await?;
        if asked.all {
            let mut sheet = Sheet::begin(asked.output.as_deref())?;
            write_all(&mut keeper, &mut sheet).await?;
            sheet.finish()?;
        } else {
            let project = asked.project.as_deref().map(|project| named(invocation, project)).transpose()?;
            let text = knowledge(&mut keeper, project.as_ref()).await?;
            project.map_or(Ok(()), |project| refuse_nothing(&text, &project))?;
            let mut sheet = Sheet::begin(asked.output.as_deref())?;
            sheet.write_text(&text)?;
            sheet.finish()?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// A name that was mistyped must not take the place of a file with knowledge.
fn refuse_nothing(text: &str, project: &ProjectId) -> Result<(), Failure> {
    let has_entries = parse(text).is_ok_and(|file| !file.sections.is_empty());
    let none = || {
        let what = format!("there is no knowledge of a project {project}");
        Failure::new(
            what,
            "it has no entries, or is spelled otherwise",
            "see what `stillroom knowledge` lists",
        )
    };
    if has_entries { Ok(()) } else { Err(none()) }
}

async fn knowledge(keeper: &mut Keeper, project: Option<&ProjectId>) -> Result<String, Failure> {
    match keeper {
        Keeper::Gateway(gateway) => {
            let query = project.map(|project| format!("?project={}", encoded(project.as_str())));
            Ok(gateway.fetch(&format!("/api/v1/export/knowledge{}", query.unwrap_or_default())).await?.text)
        }
        Keeper::Folder(store, owner) => {
            let sections = store.sections(owner, project).map_err(|error| unusable(&error))?;
            Ok(render(&sections))
        }
    }
}

/// The end of what comes in pieces.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    /// The last line has less, in bytes.
    const LENGTH: usize = 256;

    fn take(&mut self, piece: &[u8]) {
        self.0.extend_from_slice(&piece[piece.len().saturating_sub(Self::LENGTH)..]);
        self.0.drain(..self.0.len().saturating_sub(Self::LENGTH));
    }

    /// Whether the last line says that all has been told.
    fn is_end(&self) -> bool {
        let text = String::from_utf8_lossy(&self.0);
        text.trim_end().lines().next_back().is_some_and(store::record::is_end_of_export)
    }
}

fn cut(cause: &dyn std::fmt::Display) -> Failure {
    Failure::new("the gateway did not tell everything", cause, "see the gateway's log, and try again")
}

async fn write_all(keeper: &mut Keeper, sheet: &mut Sheet) -> Result<(), Failure> {
    match keeper {
        Keeper::Gateway(gateway) => {
            let mut lines = gateway.stream("/api/v1/export").await?;
            let mut tail = Tail::default();
            while let Some(piece) = lines.next().await {
                let piece = piece.map_err(|cause| cut(&cause))?;
                tail.take(&piece);
                sheet.write(&piece)?;
            }
            // The client takes a connection that ends for the end of the answer.
            if !tail.is_end() {
                return Err(cut(&"it ended before its answer did"));
            }
        }
        Keeper::Folder(store, owner) => {
            let mut scribe = Scribe::of(owner.clone());
            while let Some(lines) = scribe.write(&mut **store).map_err(|error| unusable(&error))? {
                sheet.write(lines.as_bytes())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_export_whose_last_line_says_so_is_whole() {
        let is_end = |text: &str, piece: usize| {
            let mut tail = Tail::default();
            text.as_bytes().chunks(piece).for_each(|piece| tail.take(piece));
            tail.is_end()
        };
        let long = format!("{{\"message\":\"{}\"}}\n", "x".repeat(1000));
        for piece in [1, 7, 4096] {
            assert!(is_end(&format!("{long}{{\"end\":{{\"records\":1}}}}\n"), piece));
            assert!(is_end("{\"end\":{\"records\":0}}\n", piece));
            assert!(!is_end(&long, piece) && !is_end("", piece));
            assert!(!is_end(&format!("{long}{{\"end\":{{\"rec"), piece));
            assert!(!is_end(&format!("{{\"end\":{{\"records\":1}}}}\n{long}"), piece));
        }
    }
}
