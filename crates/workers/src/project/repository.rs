//! What the files of a git repository say about which project it is. Git is not run, and neither is anything that lies there.
//!
//! The files may be a stranger's. Only regular files are read, only a beginning of them, and no link out of `.git` is followed:
//! a worktree's `.git` names the repository it belongs to, and is believed only if that repository names the worktree too.

use super::is_narrow;
use domain::ids::ProjectId;
use domain::project;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// How many folders upwards a repository is looked for.
const UPWARDS: usize = 64;
/// So much of a file is read, in bytes; a longer one says nothing.
const LONGEST_FILE: u64 = 256 * 1024;

/// The project of the repository that `directory` lies in: its remote, else its folder. None when it lies in none. What is
/// `home` to somebody is a repository for itself at most: else one for settings would hold all that this person works on.
pub(super) fn project(directory: &Path, home: Option<&Path>) -> Option<ProjectId> {
    if !directory.is_absolute() {
        return None;
    }
    let mut folders = directory.ancestors().take(UPWARDS);
    let top = folders.find(|folder| {
        (is_narrow(folder, home) || *folder == directory) && fs::symlink_metadata(folder.join(".git")).is_ok()
    })?;
    let Some(repository) = repository(&top.join(".git")) else { return named(top) };
    let remote = text(&repository.join("config")).and_then(|config| project::of_git_config(&config));
    remote.or_else(|| named(worktree(&repository)))
}

/// The folder that holds a repository's own files, for what is called `.git`: that folder itself, or the one that all worktrees
/// share. None when what is there is neither, or not believed.
fn repository(git: &Path) -> Option<PathBuf> {
    if fs::symlink_metadata(git).ok()?.is_dir() {
        return Some(git.to_owned());
    }
    let text = text(git)?;
    let of_worktree = git.parent()?.join(text.strip_prefix("gitdir:")?.trim());
    let back = path_in(&of_worktree.join("gitdir"), &of_worktree)?;
    let is_of_this = fs::canonicalize(back).ok()? == fs::canonicalize(git).ok()?;
    let worktrees = of_worktree.parent().filter(|folder| folder.ends_with("worktrees"))?;
    is_of_this.then(|| worktrees.parent().map(Path::to_owned))?
}

/// The path that a file states, from `base` on if it is a relative one.
fn path_in(file: &Path, base: &Path) -> Option<PathBuf> {
    text(file).map(|text| base.join(text.trim()))
}

/// The folder in which a repository's files are checked out first: a bare one stands for itself.
fn worktree(repository: &Path) -> &Path {
    if repository.ends_with(".git") { repository.parent().unwrap_or(repository) } else { repository }
}

fn named(folder: &Path) -> Option<ProjectId> {
    folder.to_str().map(ProjectId::from)
}

/// What a small regular file says.
fn text(file: &Path) -> Option<String> {
    if !fs::symlink_metadata(file).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    let read = File::open(file).ok()?.take(LONGEST_FILE).read_to_string(&mut text).ok()?;
    (u64::try_from(read).ok()? < LONGEST_FILE).then_some(text)
}
