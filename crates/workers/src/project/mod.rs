//! Which project a folder that an agent states is a part of: the one of its git repository, so that worktrees and clones are one
//! with it, else the folder itself.
//!
//! Looking at a folder may take as long as its file system likes, and whoever speaks to the gateway may state any folder. So it
//! is done on a thread of its own, for so long and no longer, and what was found is kept for a while. The request path only
//! asks for what is [known](Projects::known).

mod repository;

use domain::ids::{Principal, ProjectId};
use domain::time::UnixMillis;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard, mpsc};
use std::time::Duration;

/// How long a look may take before the folder stands for itself.
const PATIENCE: Duration = Duration::from_millis(250);
/// How many looks may be under way. While so many hang, no other begins.
const LOOKS: usize = 4;
/// How many folders are remembered. One more, and all are forgotten and looked at again.
const REMEMBERED: usize = 4096;
/// How long what was found holds, in milliseconds: a repository may get a remote meanwhile.
const HOLDS: i64 = 10 * 60 * 1000;

/// The projects of folders. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct Projects(Arc<Inner>);

struct Inner {
    patience: Duration,
    found: RwLock<HashMap<Stated, Found>>,
    /// Looks under way.
    looks: AtomicUsize,
}

/// A folder, and whose agent stated it.
type Stated = (Principal, String);

struct Found {
    project: ProjectId,
    at: UnixMillis,
}

impl Default for Projects {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl Projects {
    fn with_patience(patience: Duration) -> Self {
        Self(Arc::new(Inner { patience, found: RwLock::default(), looks: AtomicUsize::new(0) }))
    }

    /// The project of a folder that was stated before; never waits for a file system.
    #[must_use]
    pub fn known(&self, principal: &Principal, directory: &str) -> Option<ProjectId> {
        let found = self.0.found.read().unwrap_or_else(PoisonError::into_inner);
        found.get(&(principal.clone(), directory.to_owned())).map(|found| found.project.clone())
    }

    /// Remembers what was found before this process began; it is looked at again when the folder is stated next.
    pub fn remember(&self, principal: &Principal, directory: &str, project: ProjectId) {
        let long_ago = UnixMillis(i64::MIN);
        self.0.found().insert((principal.clone(), directory.to_owned()), Found { project, at: long_ago });
    }

    /// The project of a folder that an agent of `principal` states at `now`. Waits for its file system, but not for long; what
    /// comes later counts from the next turn on. Only the owner of this machine states folders of it; those of others stand
    /// for themselves and are never looked at.
    #[must_use]
    pub fn of(&self, principal: &Principal, directory: &str, now: UnixMillis) -> ProjectId {
        if !principal.is_local() {
            return plain(directory);
        }
        let stated = (principal.clone(), directory.to_owned());
        if self.0.is_due(&stated, now) {
            self.look(stated, now);
        }
        self.known(principal, directory).unwrap_or_else(|| plain(directory))
    }

    /// Looks at a folder on a thread of its own.
    fn look(&self, stated: Stated, now: UnixMillis) {
        let inner = Arc::clone(&self.0);
        if inner.looks.fetch_add(1, Ordering::AcqRel) >= LOOKS {
            inner.looks.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        let (tell, told) = mpsc::sync_channel(1);
        let looks = move || {
            let folder = itself(Path::new(&stated.1));
            let home = std::env::home_dir().map(|home| itself(&home));
            let project = repository::project(&folder, home.as_deref());
            let project = project.unwrap_or_else(|| folder.display().to_string().as_str().into());
            inner.found().insert(stated, Found { project, at: now });
            inner.looks.fetch_sub(1, Ordering::AcqRel);
            tell.send(()).unwrap_or_default(); // Perhaps nobody waits any more.
        };
        match std::thread::Builder::new().name("project-look".to_owned()).spawn(looks) {
            Ok(_) => told.recv_timeout(self.0.patience).unwrap_or_default(),
            Err(_) => drop(self.0.looks.fetch_sub(1, Ordering::AcqRel)),
        }
    }
}

impl Inner {
    fn found(&self) -> RwLockWriteGuard<'_, HashMap<Stated, Found>> {
        self.found.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a folder should be looked at. From now on it stands for itself, or for what was found before, until that is done.
    fn is_due(&self, stated: &Stated, now: UnixMillis) -> bool {
        let mut found = self.found();
        if found.len() >= REMEMBERED && !found.contains_key(stated) {
            found.clear();
        }
        match found.get_mut(stated) {
            Some(known) if now.0.saturating_sub(known.at.0) < HOLDS => false,
            Some(known) => {
                known.at = now;
                true
            }
            None => {
                found.insert(stated.clone(), Found { project: plain(&stated.1), at: now });
                true
            }
        }
    }
}

/// The folder that is meant: where links lead to, of one that is there. A relative one would be looked for where the gateway runs.
fn itself(folder: &Path) -> PathBuf {
    let found = if folder.is_absolute() { std::fs::canonicalize(folder).ok() } else { None };
    found.unwrap_or_else(|| folder.components().collect())
}

/// A folder that nobody looks at, without what means nothing in its path, such as a slash at its end.
fn plain(folder: &str) -> ProjectId {
    let path: PathBuf = Path::new(folder).components().collect();
    path.to_str().unwrap_or(folder).into()
}

/// Whether a folder may hold what lies deep in it: not the root, nor somebody's home, which hold everything.
fn is_narrow(folder: &Path, home: Option<&Path>) -> bool {
    folder.parent().is_some() && home != Some(folder)
}

#[cfg(test)]
mod tests;
