//! Requests to end that reach us while the agent runs.

use std::io;

/// Heard from its making on. From then on, signals no longer end this process by themselves.
#[cfg(unix)]
pub(super) struct Requests {
    end: tokio::signal::unix::Signal,
    gone: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Requests {
    /// Begins to listen.
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            end: signal(SignalKind::terminate())?,
            gone: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for a request that was meant for us alone, and should be passed on. The terminal's interrupt is none: it reaches
    /// the agent by itself, and it is for the agent to say what it means.
    pub(super) async fn next_to_pass_on(&mut self) {
        loop {
            tokio::select! {
                _ = self.end.recv() => return,
                _ = self.gone.recv() => return,
                _ = self.interrupt.recv() => {}
            }
        }
    }
}

/// Elsewhere there is only the console's interrupt.
#[cfg(not(unix))]
pub(super) struct Requests;

#[cfg(not(unix))]
impl Requests {
    /// Begins to listen.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// Swallows interrupts, which reach the agent by themselves.
    pub(super) async fn next_to_pass_on(&mut self) {
        while tokio::signal::ctrl_c().await.is_ok() {}
        std::future::pending().await
    }
}
