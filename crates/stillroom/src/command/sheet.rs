//! Where an export is written.

use crate::failure::Failure;
use crate::output::{harmless, is_read_by_a_person, note, standard_output};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Standard output, or a file. A file gets its name when it is whole, and is its user's alone: conversations may be in it.
pub(super) enum Sheet {
    Output,
    /// What cannot be put in another's place, such as a device or a pipe with a name.
    There {
        file: File,
        path: PathBuf,
    },
    File {
        file: File,
        partial: Partial,
        path: PathBuf,
    },
}

/// A file that is not whole yet. It goes with its writer, unless that gave it its name.
pub(super) struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

impl Sheet {
    /// # Errors
    /// It cannot be written there.
    pub(super) fn begin(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::Output) };
        Self::at(path).map_err(|cause| unwritable(path, &cause))
    }

    fn at(path: &Path) -> io::Result<Self> {
        // What a link leads to is meant, and not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            let file = OpenOptions::new().write(true).open(&path)?;
            return Ok(Self::There { file, path });
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = private(&partial)?;
        Ok(Self::File { file, partial: Partial(partial), path })
    }

    /// # Errors
    /// It cannot be written, or its reader has left.
    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Output => standard_output().write_all(piece).map_err(|cause| {
                let remedy = "name a file with --output, or a reader that reads to the end";
                Failure::new("what was exported could not be written", cause, remedy)
            }),
            Self::There { file, path } | Self::File { file, path, .. } => {
                file.write_all(piece).map_err(|cause| unwritable(path, &cause))
            }
        }
    }

    /// Writes what strangers may have said: at a terminal without what could steer it.
    ///
    /// # Errors
    /// As [`Sheet::write`].
    pub(super) fn write_text(&mut self, text: &str) -> Result<(), Failure> {
        if matches!(self, Self::Output) && is_read_by_a_person() {
            return self.write(harmless(text).as_bytes());
        }
        self.write(text.as_bytes())
    }

    /// # Errors
    /// It cannot be written.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let path = match self {
            Self::Output => return Ok(()),
            Self::There { path, .. } => path,
            Self::File { file, partial, path } => {
                let done = file.sync_all().and_then(|()| fs::rename(&partial.0, &path));
                done.map_err(|cause| unwritable(&path, &cause))?;
                path
            }
        };
        note(&format!("written to {}", path.display()));
        Ok(())
    }
}

fn unwritable(path: &Path, cause: &io::Error) -> Failure {
    let what = format!("{} cannot be written", path.display());
    Failure::new(what, cause, "name another file with --output, or leave that out")
}

/// A new file, in place of what a cut export left there, which others might be able to read.
fn private(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}
