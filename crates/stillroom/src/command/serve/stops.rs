//! What asks the gateway to stop: signals, and for a gateway of `run` also the end of its input.

use crate::failure::Failure;
use futures_util::future::Either;
use futures_util::stream::{Stream, once, pending, select};
use std::io;
use tokio::sync::oneshot;

/// Says something each time somebody asks for the end, from the call on.
///
/// # Errors
/// When the system does not let signals be heard.
pub(super) fn listen(until_input_ends: bool) -> Result<impl Stream<Item = ()>, Failure> {
    let signals = gateway::signals();
    let signals =
        signals.map_err(|cause| Failure::new("signals cannot be heard", cause, "start it again"))?;
    let input = if until_input_ends { Either::Left(once(end_of_input())) } else { Either::Right(pending()) };
    Ok(select(signals, input))
}

/// Reads on a thread of its own: a read from a terminal or a pipe cannot be taken back, and must not keep a runtime alive.
fn end_of_input() -> impl Future<Output = ()> {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let read = io::copy(&mut io::stdin().lock(), &mut io::sink());
        ended.send(read.is_ok())
    });
    async move { end.await.map(|_read| ()).unwrap_or_default() }
}
