//! `stillroom run -- AGENT`: an agent behind a gateway, found or started for it.

mod agent;
mod child;
mod detour;
mod opencode;
mod requests;

use super::invocation::{Invocation, refuse_another_folder, wait_for};
use crate::attendance::Attendance;
use crate::client::{Gateway, reachable};
use crate::failure::Failure;
use crate::output::note;
use crate::settings::Loaded;
use child::{Child, Ready};
use std::ffi::OsString;
use std::fs::TryLockError;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

pub(super) use child::STOP_NOW;

/// How long the end of a gateway is waited for: longer than one may take.
const ENDED_WITHIN: Duration = Duration::from_secs(100);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Runs `agent` and ends as it does.
///
/// # Errors
/// No gateway can be had, or the agent cannot be started.
pub(crate) fn perform(
    invocation: &Invocation<'_>,
    agent: &[OsString],
    with_memory: bool,
) -> Result<ExitCode, Failure> {
    let loaded = invocation.settings()?;
    loaded.notes().iter().for_each(|line| note(line));
    wait_for(async {
        let mut attendance = attend(&loaded).await?;
        let (gateway, child) = find_or_start(invocation, &loaded, &mut attendance).await?;
        let status = agent::run(agent, (gateway.address(), with_memory), invocation.places).await;
        if let Some(child) = child {
            end(child, attendance, gateway.address()).await;
        }
        status.map(exit_code)
    })
}

/// Is there for a gateway that another `run` may have started, once it is known that it does not end just now. Where that cannot be told, as where
/// there is no such gateway, none.
async fn attend(loaded: &Loaded) -> Result<Option<Attendance>, Failure> {
    let settings = loaded.settings();
    let joined = tokio::time::timeout(ENDED_WITHIN, joined(&settings.data_dir));
    joined.await.map_err(|_| ends(reachable(settings.listen)))
}

async fn joined(data_dir: &Path) -> Option<Attendance> {
    let mut is_told = false;
    loop {
        match Attendance::join(data_dir) {
            Err(TryLockError::WouldBlock) if is_told => tokio::time::sleep(LOOK_AGAIN).await,
            Err(TryLockError::WouldBlock) => {
                note("the gateway of another agent is ending: its end is waited for");
                is_told = true;
            }
            joined => return joined.ok(),
        }
    }
}

/// The gateway, and the process that it is when it was started for this agent.
async fn find_or_start(
    invocation: &Invocation<'_>,
    loaded: &Loaded,
    attendance: &mut Option<Attendance>,
) -> Result<(Gateway, Option<Child>), Failure> {
    let shared = loaded.settings().listen;
    let listen = with_port(reachable(shared))?;
    let gateway = Gateway::at(listen, loaded.settings());
    if gateway.answers().await {
        if !gateway.is_ready().await {
            return Err(ends(gateway.address()));
        }
        tell_of_token(shared);
        return join(gateway, loaded).await;
    }
    tell_of_token(listen);
    let data_dir = &loaded.settings().data_dir;
    *attendance = attendance.take().or_else(|| Attendance::begin(data_dir).ok());
    let mut child = Child::start(&invocation.flags, listen, data_dir)?;
    if child.wait_until_ready(&gateway).await? == Ready::Another {
        return join(gateway, loaded).await;
    }
    note(&format!(
        "a gateway serves at {} until the last agent behind it ends; its log is {}",
        gateway.address(),
        child.log().display()
    ));
    Ok((gateway, Some(child)))
}

/// Ends the gateway, unless another agent stands behind it.
async fn end(child: Child, attendance: Option<Attendance>, address: SocketAddr) {
    match attendance.map(Attendance::leave) {
        Some(None) => {
            note(&format!("another agent uses the gateway at {address}, which goes on until that one ends"));
            child.leave();
        }
        // Nobody comes until it has ended.
        _nobody => child.stop().await,
    }
}

/// Behind a gateway that somebody else started, with settings of theirs.
async fn join(gateway: Gateway, loaded: &Loaded) -> Result<(Gateway, Option<Child>), Failure> {
    refuse_another_folder(&gateway, loaded).await?;
    note(&format!(
        "a gateway serves at {} already: the agent uses it as long as it runs, with the settings it was started with",
        gateway.address()
    ));
    Ok((gateway, None))
}

/// An agent behind it would be refused, and one of its own could not have its data folder.
fn ends(address: SocketAddr) -> Failure {
    Failure::new(
        format!("the gateway at {address} is coming to its end"),
        "it waits for answers that are under way, for a minute at most, and takes nothing new",
        "try again once it has ended",
    )
}

/// The token is not handed to the agent: it would pass it on to whatever it starts, and to whomever else it talks to.
fn tell_of_token(listen: SocketAddr) {
    if !listen.ip().to_canonical().is_loopback() {
        note(
            "this gateway is open to other machines: the agent has to send access.token as the header x-stillroom-access",
        );
    }
}

/// Port 0 means any free one; which, must be known before the gateway starts in another process.
fn with_port(listen: SocketAddr) -> Result<SocketAddr, Failure> {
    if listen.port() != 0 {
        return Ok(listen);
    }
    let free = TcpListener::bind(listen).and_then(|listener| listener.local_addr());
    free.map_err(|cause| {
        Failure::new(format!("no port is free at {}", listen.ip()), cause, "name one with --listen")
    })
}

/// An agent that a signal ended tells no code; shells say 128 and the signal's number.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().unwrap_or_else(|| 128 + signal(status));
    ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1))
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal().unwrap_or(0)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> i32 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_0_becomes_a_port_that_is_known() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        assert_ne!(with_port(any).unwrap().port(), 0);
        let fixed: SocketAddr = "127.0.0.1:4141".parse().unwrap();
        assert_eq!(with_port(fixed).unwrap(), fixed);
    }

    #[test]
    #[cfg(unix)]
    fn the_agents_end_is_ours() {
        use std::os::unix::process::ExitStatusExt as _;
        assert_eq!(exit_code(ExitStatus::from_raw(7 << 8)), ExitCode::from(7));
        assert_eq!(exit_code(ExitStatus::from_raw(15)), ExitCode::from(143));
    }
}
