//! The data folder: whose it is, whether the database in it is sound, and whether there is room.

use super::Finding;
use crate::failure::Failure;
use std::fs::{self, OpenOptions};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use store::StoreError;

/// With less free than this, in bytes, a start may fail and turns may be lost.
const LEAST: u64 = 256 << 20;

/// Whether the folder can be written, by nobody else.
pub(super) fn folder(path: &Path) -> Finding {
    let shown = path.display();
    let remedy = "make it a folder that you can write to, or set data_dir to another one";
    if !path.exists() {
        let made =
            write_something(nearest(path)).map(|()| format!("{shown} will be made at the first start"));
        return made.map_err(|cause| Failure::new(format!("{shown} cannot be made"), cause, remedy));
    }
    write_something(path)
        .map_err(|cause| Failure::new(format!("{shown} cannot be written"), cause, remedy))?;
    if is_open_to_others(path) {
        let remedy = format!("run: chmod 700 {shown}");
        return Err(Failure::new(
            format!("{shown} is open to other users"),
            "it holds what your agents said",
            remedy,
        ));
    }
    Ok(format!("{shown} is writable and private"))
}

/// The folder itself, else the first one above it that is there.
fn nearest(folder: &Path) -> &Path {
    folder.ancestors().find(|path| path.exists()).unwrap_or(folder)
}

fn write_something(folder: &Path) -> io::Result<()> {
    let file = folder.join(format!(".doctor-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&file)?;
    fs::remove_file(file)
}

/// Whether the files in it can be read by nobody else.
pub(super) fn files(folder: &Path) -> Finding {
    let files = store::files(folder);
    let open: Vec<String> =
        files.iter().filter(|file| is_open_to_others(file)).map(|file| file.display().to_string()).collect();
    if open.is_empty() {
        return Ok(format!("{} files, all private", files.len()));
    }
    let what = format!("other users can read {}", open.join(", "));
    Err(Failure::new(what, "it holds what your agents said", format!("run: chmod 600 {}", open.join(" "))))
}

/// Whether the gateway at `address`, which is the process `serving`, if one is, has the folder, and nobody else.
pub(super) fn gateway(folder: &Path, address: SocketAddr, serving: Option<String>) -> Finding {
    let shown = folder.display();
    match (store::holder(folder), serving) {
        (None, None) => Ok(format!("no process has {shown}")),
        (Some(holder), Some(serving)) if holder == serving => {
            Ok(format!("the one at {address}, process {serving}, has {shown}"))
        }
        (_, Some(serving)) => Err(Failure::new(
            format!("the one at {address}, process {serving}, does not have {shown}"),
            "it was started with another data folder, or this one was deleted or moved since",
            "name its folder with --data-dir; if it was deleted, start the gateway anew: what it records now is lost at its end",
        )),
        (Some(holder), None) => Err(Failure::new(
            format!("process {holder} has {shown}, and no gateway answers at {address}"),
            "a gateway listens elsewhere, or a command is at work: no gateway could start with this folder now",
            "name its address with --listen, or wait for the end of the command",
        )),
    }
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_path: &Path) -> bool {
    false
}

/// Whether the database can be read, is whole, and is not newer than this program. Nothing of it is changed.
pub(super) fn database(folder: &Path) -> Finding {
    match store::look(folder) {
        Ok(None) => Ok("will be made at the first start".to_owned()),
        Ok(Some(schema)) => Ok(format!("is whole, schema {schema}")),
        Err(wrong @ StoreError::Newer { .. }) => Err(Failure::new(
            "it is newer than this program",
            wrong,
            "run the newer program, or set data_dir to another folder",
        )),
        Err(wrong @ StoreError::Corrupt { .. }) => {
            let remedy = "stop the gateway, move the database and its neighbours aside, and start again";
            Err(Failure::new("it is damaged", wrong, remedy))
        }
        Err(wrong) => {
            Err(Failure::new("it cannot be read", wrong, "look at the folder's permissions and free space"))
        }
    }
}

/// Whether there is room for what is to come.
pub(super) fn free_space(folder: &Path) -> Finding {
    let there = nearest(folder);
    free(there).map_or_else(|| Ok("not known on this system".to_owned()), |bytes| enough(there, bytes))
}

fn enough(folder: &Path, bytes: u64) -> Finding {
    let (shown, mebibytes) = (folder.display(), bytes >> 20);
    if bytes >= LEAST {
        return Ok(format!("{mebibytes} MiB where {shown} is"));
    }
    let what = format!("only {mebibytes} MiB are free where {shown} is");
    Err(Failure::new(
        what,
        "turns that cannot be written are lost",
        "free some, or set data_dir to another folder",
    ))
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(folder).ok()?;
    system.f_bavail.checked_mul(system.f_frsize)
}

#[cfg(not(unix))]
fn free(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::SqliteStore;

    #[test]
    #[cfg(unix)]
    fn a_folder_or_a_file_that_others_can_read_is_found() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(home.path(), 0o700);
        assert!(folder(home.path()).is_ok());
        mode(home.path(), 0o750);
        assert!(folder(home.path()).is_err_and(|wrong| wrong.remedy.contains("chmod 700")));
        assert!(folder(&home.path().join("new")).is_ok());
        assert!(!home.path().join("new").exists());
        drop(SqliteStore::open(home.path()).unwrap());
        assert!(files(home.path()).is_ok());
        mode(&home.path().join("stillroom.db"), 0o644);
        assert!(files(home.path()).is_err_and(|wrong| wrong.remedy.contains("chmod 600")));
    }

    #[test]
    fn a_file_in_the_folders_place_or_above_it_is_found() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(folder(file.path()).is_err());
        assert!(folder(&file.path().join("new")).is_err_and(|wrong| wrong.what.ends_with("cannot be made")));
    }

    #[test]
    fn a_database_that_is_none_or_newer_is_found_and_none_is_made() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("stillroom.db");
        assert!(database(home.path()).is_ok());
        assert!(!file.exists());
        fs::write(&file, "this is no database, and it is long enough to be seen as none").unwrap();
        assert!(database(home.path()).is_err());
        fs::remove_file(&file).unwrap();
        let store = SqliteStore::open(home.path()).unwrap();
        assert!(database(home.path()).is_ok_and(|found| found.contains("whole")), "also while it is in use");
        drop(store);
        set_schema(&file, 99);
        assert!(database(home.path()).is_err_and(|wrong| wrong.what.contains("newer")));
    }

    /// Bytes 60 to 63 of a database hold its `user_version` (<https://sqlite.org/fileformat.html>).
    fn set_schema(file: &Path, number: u32) {
        let mut bytes = fs::read(file).unwrap();
        bytes[60..64].copy_from_slice(&number.to_be_bytes());
        fs::write(file, bytes).unwrap();
    }

    #[test]
    fn little_space_is_found_even_before_the_folder_is_made() {
        assert!(free_space(Path::new("/nowhere/at/all")).is_ok());
        assert!(enough(Path::new("/data"), LEAST).is_ok());
        assert!(enough(Path::new("/data"), LEAST - 1).is_err());
    }
}
