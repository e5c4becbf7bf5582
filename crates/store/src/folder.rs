//! The data folder: private to its user, and one process at a time.
//!
//! Files are made private before the database first opens them, since SQLite gives its neighbours (`-wal`, `-shm`) the mode
//! of the database itself. Modes are mended by path: opening a database file a second time in the same process and
//! closing it again would drop the locks that SQLite holds on it.

use crate::database;
use crate::error::StoreError;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

const DATABASE: &str = "stillroom.db";
const LOCK: &str = "stillroom.lock";
/// Of a database that is not in WAL mode, as a foreign one may be.
const JOURNAL: &str = "stillroom.db-journal";
const OURS: [&str; 4] = [DATABASE, "stillroom.db-wal", "stillroom.db-shm", LOCK];

/// A data folder that this process holds; dropping it lets it go.
pub(crate) struct Folder {
    path: PathBuf,
    /// Which file the database is, to see whether it still is.
    file: Option<FileId>,
    /// Held for its lock, which the system takes back when the process ends in whatever way.
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be, locks it, and makes what is in it private.
    pub(crate) fn take(path: &Path) -> Result<Self, StoreError> {
        let unusable = |error: io::Error| unusable(path, &error);
        make(path).map_err(unusable)?;
        refuse_links(path).map_err(unusable)?;
        let lock = lock(path, unusable)?;
        make_files_private(path).map_err(unusable)?;
        Ok(Self { path: path.to_owned(), file: file_id(&path.join(DATABASE)), _lock: lock })
    }

    /// Whether the database is no more where it was: what is written to a file that was deleted is lost with the last who has it
    /// open, and nobody would hear of it.
    pub(crate) fn is_gone(&self) -> bool {
        file_id(&self.database()) != self.file
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The database file in it; it exists.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }
}

/// What the system says of a link that leads nowhere, and of a file, is not what is wrong with it.
fn unusable(path: &Path, error: &io::Error) -> StoreError {
    let leads_to = fs::read_link(path).ok().filter(|_| !path.exists());
    let (reason, remedy) = match (leads_to, error.kind()) {
        (Some(nowhere), _) => (
            format!("it is a link to {}, where nothing is", nowhere.display()),
            "make the folder that it leads to",
        ),
        (None, ErrorKind::NotADirectory) => {
            ("it is a file, or lies in one".to_owned(), "move that file away")
        }
        (None, ErrorKind::StorageFull) => (error.to_string(), "make room on its disk"),
        (None, _) => (error.to_string(), "make it writable for this user"),
    };
    StoreError::Folder { folder: path.to_owned(), reason, remedy }
}

/// The files that the store keeps in `folder`, those that are there; the database, if it is among them, first.
#[must_use]
pub fn files(folder: &Path) -> Vec<PathBuf> {
    OURS.iter().map(|name| folder.join(name)).filter(|file| file.exists()).collect()
}

/// Looks at the database in `folder` without changing anything: the number of its schema, or none where there is no database yet.
/// It can be in use.
///
/// # Errors
/// [`StoreError::Newer`] and [`StoreError::Corrupt`]; [`StoreError::Database`] when it cannot be read.
pub fn look(folder: &Path) -> Result<Option<i64>, StoreError> {
    let file = folder.join(DATABASE);
    file.exists().then(|| database::look(&file)).transpose()
}

/// A link in the place of a file of ours leads to something else, of whoever put it there: a project that was cloned may bring a data folder
/// with links to files of its user's, which would be written over.
fn refuse_links(folder: &Path) -> io::Result<()> {
    for name in OURS.iter().chain([&JOURNAL]) {
        match fs::symlink_metadata(folder.join(name)) {
            Ok(there) if !there.is_file() => {
                let what = format!(
                    "{name} in it is a link, or no file: Stillroom writes into files of its own alone"
                );
                return Err(io::Error::other(what));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// The number of the process that has the folder, `?` when it has just come; none when nobody has it.
#[must_use]
pub fn holder(folder: &Path) -> Option<String> {
    let path = folder.join(LOCK);
    let lock = File::open(&path).ok()?;
    matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)).then(|| noted(&path))
}

fn make(path: &Path) -> io::Result<()> {
    if !path.exists() {
        return private_folder().create(path);
    }
    // Somebody's home or a shared folder may have been named by mistake: only a folder that holds nothing else is ours to
    // close. The files in it are private in any case.
    if holds_only_ours(path)? { set_mode(path, 0o700) } else { Ok(()) }
}

fn holds_only_ours(path: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if !OURS.iter().any(|ours| name == *ours) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn lock(folder: &Path, unusable: impl Fn(io::Error) -> StoreError) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let mut file = private_file().create(true).truncate(false).open(&path).map_err(&unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(locked(folder, &path)),
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    note_holder(&mut file).map_err(unusable)?;
    Ok(file)
}

fn locked(folder: &Path, lock: &Path) -> StoreError {
    StoreError::Locked { folder: folder.to_owned(), holder: noted(lock) }
}

fn noted(lock: &Path) -> String {
    let noted = fs::read_to_string(lock).unwrap_or_default();
    let holder = if noted.trim().is_empty() { "?" } else { noted.trim() };
    holder.to_owned()
}

fn note_holder(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}

fn make_files_private(folder: &Path) -> io::Result<()> {
    match private_file().create_new(true).open(folder.join(DATABASE)) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        Ok(_) | Err(_) => {}
    }
    OURS.iter()
        .map(|name| folder.join(name))
        .filter(|file| file.exists())
        .try_for_each(|file| set_mode(&file, 0o600))
}

/// What tells a file from others, whatever they are called.
#[cfg(unix)]
type FileId = (u64, u64);
#[cfg(not(unix))]
type FileId = ();

/// None where there is no file.
#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn file_id(path: &Path) -> Option<FileId> {
    fs::metadata(path).ok().map(|_| ())
}

#[cfg(unix)]
fn private_folder() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
}

#[cfg(unix)]
fn private_file() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o777 == mode {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

// Elsewhere a user's data folder is private by inheritance.
#[cfg(not(unix))]
fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    builder
}

#[cfg(not(unix))]
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    options
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}
