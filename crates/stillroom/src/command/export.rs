//! `stillroom export`: what is kept, to take along.

use super::invocation::{Invocation, wait_for};
use super::keeper::{Keeper, unusable};
use crate::cli::Export;
use crate::client::encoded;
use crate::failure::Failure;
use crate::output::{note, standard_output};
use domain::ids::{Principal, ProjectId};
use domain::knowledge_file::render;
use domain::time::UnixMillis;
use futures_util::StreamExt as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::{Scribe, Yours as _};
use workers::Projects;

/// Writes the knowledge, or everything.
pub(crate) fn perform(invocation: &Invocation<'_>, asked: &Export) -> Result<ExitCode, Failure> {
    wait_for(async {
        let mut keeper = Keeper::find(invocation).await?;
        let mut sheet = Sheet::begin(asked.output.as_deref())?;
        if asked.all {
            write_all(&mut keeper, &mut sheet).await?;
        } else {
            let project = asked.project.as_deref().map(named);
            sheet.write(knowledge(&mut keeper, project.as_ref()).await?.as_bytes())?;
        }
        sheet.finish()?;
        Ok(ExitCode::SUCCESS)
    })
}

/// A folder means the project that it is a part of.
fn named(project: &str) -> ProjectId {
    match fs::canonicalize(project) {
        Ok(folder) if folder.is_dir() => {
            Projects::default().of(&Principal::local(), &folder.display().to_string(), UnixMillis::default())
        }
        _ => project.into(),
    }
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

/// Where it is written. A file gets its name when it is whole, and is its user's alone: conversations may be in it.
enum Sheet {
    Output,
    File { file: File, partial: PathBuf, path: PathBuf },
}

impl Sheet {
    fn begin(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::Output) };
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = private(&partial).map_err(|cause| unwritable(path, &cause))?;
        Ok(Self::File { file, partial, path: path.to_owned() })
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Output => standard_output().write_all(piece).map_err(|cause| {
                let remedy = "name a file with --output, or a reader that reads to the end";
                Failure::new("what was exported could not be written", cause, remedy)
            }),
            Self::File { file, path, .. } => file.write_all(piece).map_err(|cause| unwritable(path, &cause)),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        let Self::File { file, partial, path } = self else { return Ok(()) };
        let done = file.sync_all().and_then(|()| fs::rename(&partial, &path));
        done.map_err(|cause| unwritable(&path, &cause))?;
        note(&format!("written to {}", path.display()));
        Ok(())
    }
}

fn unwritable(path: &Path, cause: &io::Error) -> Failure {
    let what = format!("{} cannot be written", path.display());
    Failure::new(what, cause, "name another file with --output, or leave that out")
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}
