//! Who has what is kept: the gateway that runs, or, where none does, the data folder itself.

use super::invocation::Invocation;
use crate::client::{CONTRADICTS, Gateway};
use crate::failure::{Exit, Failure};
use domain::ids::Principal;
use std::path::Path;
use store::{SqliteStore, StoreError};

/// See the module.
pub(crate) enum Keeper {
    /// A gateway that answers; nobody else may open its database.
    Gateway(Gateway),
    /// The database, and who owns what a gateway of these settings records.
    Folder(Box<SqliteStore>, Principal),
}

impl Keeper {
    /// The gateway that the settings lead to, if it answers; else the folder that they name, which must hold a database.
    ///
    /// # Errors
    /// The settings are wrong; no gateway answers and the folder holds nothing, or another process has it.
    pub(crate) async fn find(invocation: &Invocation<'_>) -> Result<Self, Failure> {
        Self::find_or(invocation, |folder| Err(nothing_kept(folder))).await
    }

    /// The same, and a folder that holds nothing yet gets a database.
    ///
    /// # Errors
    /// As for [`find`](Self::find).
    pub(crate) async fn find_or_make(invocation: &Invocation<'_>) -> Result<Self, Failure> {
        Self::find_or(invocation, open).await
    }

    /// The same, and for a folder that holds nothing yet an empty database stands in, which nobody finds afterwards.
    ///
    /// # Errors
    /// As for [`find`](Self::find).
    pub(crate) async fn find_or_pretend(invocation: &Invocation<'_>) -> Result<Self, Failure> {
        Self::find_or(invocation, |_| SqliteStore::in_memory().map_err(|error| unusable(&error))).await
    }

    async fn find_or(
        invocation: &Invocation<'_>,
        without_a_database: impl FnOnce(&Path) -> Result<SqliteStore, Failure>,
    ) -> Result<Self, Failure> {
        let loaded = invocation.settings()?;
        let settings = loaded.settings();
        if settings.listen.port() != 0 {
            let gateway = Gateway::of(settings);
            // Who names a folder means that one, and not what another gateway keeps.
            let is_elsewhere =
                loaded.means_its_folder() && gateway.is_of_another_folder(&settings.data_dir).await;
            if !is_elsewhere && gateway.answers().await {
                return Ok(Self::Gateway(gateway));
            }
        }
        let folder = &settings.data_dir;
        let is_empty = store::files(folder).is_empty();
        let store = if is_empty { without_a_database(folder) } else { open(folder) }?;
        Ok(Self::Folder(Box::new(store), gateway::recorded_for(settings.listen)))
    }
}

fn open(folder: &Path) -> Result<SqliteStore, Failure> {
    SqliteStore::open(folder).map_err(|error| unusable(&error))
}

fn nothing_kept(folder: &Path) -> Failure {
    Failure::new(
        format!("nothing is kept in {}", folder.display()),
        "no gateway answers, and that folder holds no database",
        "name the folder with --data-dir, or the gateway's address with --listen",
    )
}

/// What a store that cannot be opened or asked amounts to.
pub(crate) fn unusable(error: &StoreError) -> Failure {
    let (what, remedy) = match error {
        StoreError::Locked { .. } => (
            "what is kept is in another process's hands",
            "if that is a gateway, name the address at which it listens, with --listen, and its access.token, if it has one; if it is a \
             command, wait for its end",
        ),
        StoreError::Refused(_) => return refused(error),
        StoreError::Folder { folder, reason, remedy } => return unusable_folder(folder, reason, remedy),
        full if full.is_for_want_of_room() => (
            "what is to be kept finds no room",
            "make room on the disk of the data folder (`stillroom doctor` tells how much there is), and give this command again",
        ),
        _ => ("what is kept cannot be reached", "see `stillroom doctor`"),
    };
    Failure::new(what, error, remedy)
}

/// A data folder that cannot be one.
pub(crate) fn unusable_folder(folder: &Path, reason: &str, remedy: &str) -> Failure {
    let what = format!("the data folder {} cannot be used", folder.display());
    Failure::new(what, reason, format!("{remedy}, or name another one with --data-dir"))
}

fn refused(error: &StoreError) -> Failure {
    Failure::new("that cannot be done", error, CONTRADICTS).with_exit(Exit::WrongUse)
}
