//! The signals that ask the process to end.

use futures_core::Stream;
#[cfg(unix)]
use futures_util::StreamExt as _;
use std::io;

/// Says something each time somebody asks the process to end: Ctrl-C, and on Unix also SIGTERM and, once, the end of the
/// terminal (SIGHUP). From the call on; the process no longer ends by itself then.
///
/// # Errors
/// When the system does not let signals be heard.
#[cfg(unix)]
pub fn signals() -> io::Result<impl Stream<Item = ()>> {
    use futures_util::stream::{once, select_all, unfold};
    use tokio::signal::unix::{SignalKind, signal};
    // Made once: a signal between two waits must not be lost, for it is the second that ends everything at once.
    let each = |kind| {
        let heard =
            |mut signal: tokio::signal::unix::Signal| async { signal.recv().await.map(|()| ((), signal)) };
        io::Result::Ok(unfold(signal(kind)?, heard).boxed())
    };
    let mut signals = vec![each(SignalKind::interrupt())?, each(SignalKind::terminate())?];
    if !hangup_is_ignored() {
        // A terminal that closes says so several times, and nobody means the second one.
        let mut hangup = signal(SignalKind::hangup())?;
        signals.push(once(async move { hangup.recv().await.unwrap_or_default() }).boxed());
    }
    Ok(select_all(signals))
}

/// Whether whoever started this process wants it to outlive the terminal, as `nohup` does. Where the system does not say,
/// nothing is changed about the signal.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & 1 == 1)
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
