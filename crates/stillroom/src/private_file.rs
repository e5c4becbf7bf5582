//! Files in the data folder that only their user reads.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens `file` to append to it; makes it and `folder`, in which it is, if need be.
///
/// # Errors
/// Either cannot be made or written, or a link is in the place of the file.
pub(crate) fn open(folder: &Path, file: &Path) -> io::Result<File> {
    let mut builder = DirBuilder::new();
    let mut options = OpenOptions::new();
    make_private(&mut builder, &mut options);
    builder.recursive(true).create(folder)?;
    // It would be written into whatever a link leads to, as one in a data folder that a cloned project brings.
    if fs::symlink_metadata(file).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::other("it is a link, or no file"));
    }
    options.create(true).append(true).open(file)
}

#[cfg(unix)]
fn make_private(builder: &mut DirBuilder, options: &mut OpenOptions) {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    builder.mode(0o700);
    options.mode(0o600);
}

#[cfg(not(unix))]
fn make_private(_builder: &mut DirBuilder, _options: &mut OpenOptions) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    #[cfg(unix)]
    fn a_link_in_the_place_of_the_file_is_not_written_through() {
        let home = tempfile::tempdir().unwrap();
        let (startup, log) = (home.path().join(".bashrc"), home.path().join("gateway.log"));
        fs::write(&startup, "mine").unwrap();
        std::os::unix::fs::symlink(&startup, &log).unwrap();
        assert!(open(home.path(), &log).unwrap_err().to_string().contains("a link"));
        assert_eq!(fs::read_to_string(&startup).unwrap(), "mine");
    }

    #[test]
    #[cfg(unix)]
    fn the_file_and_its_folder_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("new");
        open(&folder, &folder.join("gateway.log")).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.clone()), mode(folder.join("gateway.log"))), (0o700, 0o600));
    }
}
