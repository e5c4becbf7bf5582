//! `stillroom export`: what is kept, to take along.

use super::invocation::{Invocation, wait_for};
use super::keeper::{Keeper, unusable};
use super::project::named;
use super::sheet::Sheet;
use crate::cli::Export;
use crate::client::encoded;
use crate::failure::Failure;
use domain::ids::ProjectId;
use domain::knowledge_file::render;
use futures_util::StreamExt as _;
use std::process::ExitCode;
use store::{Scribe, Yours as _};

/// Writes the knowledge, or everything.
pub(crate) fn perform(invocation: &Invocation<'_>, asked: &Export) -> Result<ExitCode, Failure> {
    wait_for(async {
        let mut keeper = Keeper::find(invocation).await?;
        let mut sheet = Sheet::begin(asked.output.as_deref())?;
        if asked.all {
            write_all(&mut keeper, &mut sheet).await?;
        } else {
            let project = asked.project.as_deref().map(|project| named(invocation, project)).transpose()?;
            sheet.write_text(&knowledge(&mut keeper, project.as_ref()).await?)?;
        }
        sheet.finish()?;
        Ok(ExitCode::SUCCESS)
    })
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

async fn write_all(keeper: &mut Keeper, sheet: &mut Sheet) -> Result<(), Failure> {
    match keeper {
        Keeper::Gateway(gateway) => {
            let mut lines = gateway.stream("/api/v1/export").await?;
            while let Some(piece) = lines.next().await {
                let piece = piece.map_err(|cause| {
                    let remedy = "see the gateway's log, and try again";
                    Failure::new("the gateway did not tell everything", cause, remedy)
                })?;
                sheet.write(&piece)?;
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
