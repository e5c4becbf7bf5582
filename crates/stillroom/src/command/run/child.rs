//! A gateway in a process of its own, for as long as one agent needs it.
//!
//! It holds the reading end of a pipe whose writing end is ours: when we end, in whatever way, its input ends, and it stops.

use crate::cli::SettingsFlags;
use crate::client::Gateway;
use crate::failure::Failure;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::time::Duration;

/// How long a start may take; a large database is checked first.
const START: Duration = Duration::from_secs(60);
/// How long a stop may take: the gateway finishes what it has begun, within bounds of its own that are shorter.
const STOP: Duration = Duration::from_secs(90);
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// How much of the log is told when the start fails, in lines.
const TOLD: usize = 6;

/// Which gateway serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    /// This process.
    Ours,
    /// One that took the address first, as when two agents are started at once.
    Another,
}

/// The process.
pub(super) struct Child {
    process: process::Child,
    log: PathBuf,
}

impl Child {
    /// Starts a gateway that listens at `listen` and logs to a file in `data_dir`.
    ///
    /// # Errors
    /// The folder cannot be written, or no process can be started.
    pub(super) fn start(flags: &SettingsFlags, listen: SocketAddr, data_dir: &Path) -> Result<Self, Failure> {
        let log = data_dir.join("gateway.log");
        let file = private_file(data_dir, &log).map_err(|cause| unwritable(&log, &cause))?;
        let process = command(flags, listen, file).and_then(|mut command| command.spawn());
        let process = process.map_err(|cause| {
            Failure::new("no gateway could be started", cause, "start `stillroom` by itself")
        })?;
        Ok(Self { process, log })
    }

    /// Where it logs to.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until it serves, or another does.
    ///
    /// # Errors
    /// It ended, or took too long.
    pub(super) async fn wait_until_ready(&mut self, gateway: &Gateway) -> Result<Ready, Failure> {
        tokio::time::timeout(START, self.poll(gateway)).await.unwrap_or_else(|_| {
            Err(Failure::new(
                "the gateway does not become ready",
                self.tail(),
                "see its log, and `stillroom doctor`",
            ))
        })
    }

    async fn poll(&mut self, gateway: &Gateway) -> Result<Ready, Failure> {
        loop {
            let has_ended = !matches!(self.process.try_wait(), Ok(None));
            let serving = if gateway.is_ready().await { gateway.process().await } else { None };
            match serving {
                Some(serving) if serving == self.process.id().to_string() => return Ok(Ready::Ours),
                Some(_) if has_ended => return Ok(Ready::Another),
                None if has_ended => {
                    let why = self.tail();
                    return Err(Failure::new(
                        "the gateway ended at its start",
                        why,
                        "see `stillroom doctor`",
                    ));
                }
                _ => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    }

    /// Lets it finish what it has begun, and ends it. What it would not finish in time is lost.
    pub(super) async fn stop(mut self) {
        drop(self.process.stdin.take());
        let ended = tokio::time::timeout(STOP, self.ended()).await;
        if ended.is_err() {
            let _already_gone = self.process.kill();
        }
    }

    async fn ended(&mut self) {
        while matches!(self.process.try_wait(), Ok(None)) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let told = lines[lines.len().saturating_sub(TOLD)..].join("\n    ");
        format!("the end of {} is:\n    {}", self.log.display(), crate::output::harmless(&told))
    }
}

/// The same program, told to stop when its input ends, and out of reach of the terminal's interrupt, which means the agent.
fn command(flags: &SettingsFlags, listen: SocketAddr, log: File) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["serve", "--until-input-ends", "--listen", &listen.to_string()]);
    command.args(flags.config.iter().flat_map(|file| ["--config".as_ref(), file.as_os_str()]));
    command.args(flags.data_dir.iter().flat_map(|folder| ["--data-dir", folder]));
    command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
    in_its_own_group(&mut command);
    Ok(command)
}

#[cfg(unix)]
fn in_its_own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn in_its_own_group(_command: &mut Command) {}

fn private_file(folder: &Path, file: &Path) -> io::Result<File> {
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

fn unwritable(log: &Path, cause: &io::Error) -> Failure {
    let what = format!("{} cannot be written", log.display());
    Failure::new(what, cause, "make the data folder writable, or set data_dir to another one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_link_in_the_place_of_the_log_is_not_written_through() {
        let home = tempfile::tempdir().unwrap();
        let (startup, log) = (home.path().join(".bashrc"), home.path().join("gateway.log"));
        fs::write(&startup, "mine").unwrap();
        std::os::unix::fs::symlink(&startup, &log).unwrap();
        assert!(private_file(home.path(), &log).unwrap_err().to_string().contains("a link"));
        assert_eq!(fs::read_to_string(&startup).unwrap(), "mine");
    }

    #[test]
    #[cfg(unix)]
    fn the_log_and_its_folder_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("new");
        private_file(&folder, &folder.join("gateway.log")).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.clone()), mode(folder.join("gateway.log"))), (0o700, 0o600));
    }
}
