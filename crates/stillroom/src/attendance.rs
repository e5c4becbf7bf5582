//! Who stands behind the gateway of a data folder.
//!
//! Each `run` holds the file `agents.lock` in it along with the others as long as its agent runs, so that a gateway that one of them started ends with
//! the last. The system lets go of the file when a process ends, in whatever way.

use crate::private_file;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// An agent is there.
#[derive(Debug)]
pub(crate) struct Attendance(File);

impl Attendance {
    /// Joins whoever is there.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] while a gateway ends, and otherwise when there is no such file, or none that can be locked.
    pub(crate) fn join(data_dir: &Path) -> Result<Self, TryLockError> {
        Self::in_file(there(data_dir))
    }

    /// Is there, as the first if need be.
    ///
    /// # Errors
    /// As [`Self::join`]; a missing file and its folder are made.
    pub(crate) fn begin(data_dir: &Path) -> Result<Self, TryLockError> {
        Self::in_file(private_file::open(data_dir, &path(data_dir)))
    }

    fn in_file(file: io::Result<File>) -> Result<Self, TryLockError> {
        let file = file.map_err(TryLockError::Error)?;
        file.try_lock_shared().map(|()| Self(file))
    }

    /// Leaves. Nobody is there, unless another agent is.
    pub(crate) fn leave(self) -> Option<Nobody> {
        self.0.unlock().ok()?;
        self.0.try_lock().ok()?;
        Some(Nobody(self.0))
    }
}

/// Nobody is there, and nobody comes as long as this value lives.
#[derive(Debug)]
pub(crate) struct Nobody(#[expect(dead_code, reason = "held for its lock")] File);

impl Nobody {
    /// Waits until all have left.
    ///
    /// # Errors
    /// Nobody has ever been there, or the file cannot be locked.
    pub(crate) fn wait(data_dir: &Path) -> io::Result<Self> {
        let file = there(data_dir)?;
        file.lock().map(|()| Self(file))
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("agents.lock")
}

fn there(data_dir: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).open(path(data_dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_last_leaves_nobody_behind_and_nobody_joins_until_that_is_over() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Attendance::join(folder.path()), Err(TryLockError::Error(_))), "no file yet");
        let first = Attendance::begin(folder.path()).unwrap();
        let second = Attendance::join(folder.path()).unwrap();
        assert!(first.leave().is_none());
        let nobody = second.leave().unwrap();
        assert!(matches!(Attendance::join(folder.path()), Err(TryLockError::WouldBlock)));
        drop(nobody);
        Attendance::join(folder.path()).unwrap();
    }

    #[test]
    fn who_waits_for_nobody_waits_for_all() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Nobody::wait(folder.path()).is_err(), "nobody has ever been there");
        let agents = [Attendance::begin(folder.path()).unwrap(), Attendance::begin(folder.path()).unwrap()];
        let waiting = std::thread::spawn({
            let folder = folder.path().to_owned();
            move || Nobody::wait(&folder)
        });
        for agent in agents {
            assert!(!waiting.is_finished());
            drop(agent);
        }
        waiting.join().unwrap().unwrap();
    }
}
