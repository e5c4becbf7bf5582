//! A gateway in a process of its own, for as long as agents need it.
//!
//! It holds the reading end of a pipe whose writing end is ours: when we end, in whatever way, its input ends, and it stops as soon as no other
//! agent is [there](crate::attendance).

use crate::cli::SettingsFlags;
use crate::client::Gateway;
use crate::failure::Failure;
use crate::private_file;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::time::Duration;

/// How long a start may take; a large database is checked first.
const START: Duration = Duration::from_secs(60);
/// How long a stop may take: the gateway finishes what it has begun, within bounds of its own that are shorter.
const STOP: Duration = Duration::from_secs(90);
/// What its input says when nobody else is there and nobody comes: it need not find that out itself.
pub(in crate::command) const STOP_NOW: &str = "stop\n";
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
        let file = private_file::open(data_dir, &log).map_err(|cause| unwritable(&log, &cause))?;
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
        if let Some(mut input) = self.process.stdin.take() {
            let _already_gone = input.write_all(STOP_NOW.as_bytes());
        }
        let ended = tokio::time::timeout(STOP, self.ended()).await;
        if ended.is_err() {
            let _already_gone = self.process.kill();
        }
    }

    /// Leaves it to the other agents: its input ends, and it does with the last of them.
    pub(super) fn leave(self) {
        drop(self);
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

fn unwritable(log: &Path, cause: &io::Error) -> Failure {
    let what = format!("{} cannot be written", log.display());
    Failure::new(what, cause, "make the data folder writable, or set data_dir to another one")
}
