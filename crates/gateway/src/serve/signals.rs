//! The signals that ask the process to end.

use futures_core::Stream;
use std::io;

/// Says something each time somebody asks the process to end: Ctrl-C, and on Unix also SIGTERM. From the call on; the
/// process no longer ends by itself then.
///
/// # Errors
/// When the system does not let signals be heard.
#[cfg(unix)]
pub fn signals() -> io::Result<impl Stream<Item = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    // Made once: a signal between two waits must not be lost, for it is the second that ends everything at once.
    let listeners = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(futures_util::stream::unfold(listeners, |(mut interrupt, mut terminate)| async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Some(((), (interrupt, terminate)))
    }))
}

/// Says something each time somebody asks the process to end: Ctrl-C. From the call on; the process no longer ends by itself
/// then.
///
/// # Errors
/// When the system does not let signals be heard.
#[cfg(not(unix))]
pub fn signals() -> io::Result<impl Stream<Item = ()>> {
    Ok(futures_util::stream::unfold((), |()| async { tokio::signal::ctrl_c().await.ok().map(|()| ((), ())) }))
}
