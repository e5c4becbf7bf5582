//! What can go wrong, one variant for each thing a caller would do about it.

use domain::knowledge::InvalidOperation;
use rusqlite::ErrorCode;
use std::path::PathBuf;
use thiserror::Error;

/// Why the store did not do what was asked. Unless a variant says otherwise, nothing of the step was kept.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The data folder cannot be made, read or written. Stop the start.
    #[error(
        "the data folder {} cannot be used: {reason}; {remedy}, or set data_dir to another folder",
        folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said, or what is there instead.
        reason: String,
        /// What to do, if not to use another folder.
        remedy: &'static str,
    },
    /// Another process has the data folder. Talk to that one instead.
    #[error(
        "the data folder {} is in use by another Stillroom (process {holder}): two writers would spoil it. \
         Use the one that runs, stop it, or set data_dir to another folder",
        folder.display()
    )]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// The other's process id, or a question mark.
        holder: String,
    },
    /// The database was deleted or moved by another program. Nothing is kept until it is back.
    #[error(
        "the database in the data folder {} was deleted or moved while Stillroom works with it, so nothing more is kept. Put \
         it back where it was, or start Stillroom anew",
        folder.display()
    )]
    Gone {
        /// The folder.
        folder: PathBuf,
    },
    /// The database is damaged; nothing more is written to it. Serve without memory.
    #[error(
        "the database {} is damaged ({reason}), so nothing more is written to it. Stop Stillroom, move the file and its \
         -wal and -shm neighbours aside (keep them: much can often be saved) and start again: a new one is made, and \
         sessions fill it as they go on",
        file.display()
    )]
    Corrupt {
        /// The database file.
        file: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A newer Stillroom wrote the database. Stop the start.
    #[error(
        "the database {} was written by a newer Stillroom (schema {found}, this one knows up to {known}). \
         Start the newer one, or set data_dir to another folder",
        file.display()
    )]
    Newer {
        /// The database file.
        file: PathBuf,
        /// Its schema's number.
        found: i64,
        /// The newest number this program knows.
        known: i64,
    },
    /// What was asked contradicts what is kept. Asking the same again is refused again.
    #[error("refused, and nothing was changed: {0}")]
    Refused(String),
    /// The database did not do its work, for example because the disk is full. The same step may work later.
    #[error(
        "the database could not do a step: {0}. Nothing of the step was kept; look at the space and the permissions of \
         the data folder"
    )]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A job panicked. The store goes on; the job is a fault in the program.
    #[error("a job crashed at the store and was undone; this is a fault in Stillroom, please report it")]
    Crashed,
    /// The desk was closed. Nothing more will be taken.
    #[error("the store is closed, since the gateway is shutting down")]
    Closed,
}

impl StoreError {
    /// The same error, with the file named when it turns out that the file is damaged.
    pub(crate) fn about(self, file: &std::path::Path) -> Self {
        match self {
            Self::Database(source) if is_damage(&*source) => {
                Self::Corrupt { file: file.to_owned(), reason: source.to_string() }
            }
            other => other,
        }
    }

    /// Whether there is no room for what was to be written.
    #[must_use]
    pub fn is_for_want_of_room(&self) -> bool {
        matches!(self, Self::Database(source) if code(&**source) == Some(ErrorCode::DiskFull))
    }
}

fn is_damage(source: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(code(source), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn code(source: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<ErrorCode> {
    source.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code)
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Database(Box::new(source))
    }
}

impl From<InvalidOperation> for StoreError {
    fn from(fault: InvalidOperation) -> Self {
        Self::Refused(fault.to_string())
    }
}
