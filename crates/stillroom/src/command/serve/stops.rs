//! What asks the gateway to stop: signals, and for a gateway of `run` also the end of its input, once no agent is there.

use crate::attendance::Nobody;
use crate::command::run::STOP_NOW;
use crate::failure::Failure;
use futures_util::future::Either;
use futures_util::stream::{Stream, once, pending, select};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::thread;
use tokio::sync::oneshot;

/// Says something each time somebody asks for the end, from the call on; the input of a gateway of `run` with this data folder, too.
///
/// # Errors
/// When the system does not let signals be heard.
pub(super) fn listen(of_run: Option<&Path>) -> Result<impl Stream<Item = ()>, Failure> {
    let signals = gateway::signals();
    let signals =
        signals.map_err(|cause| Failure::new("signals cannot be heard", cause, "start it again"))?;
    let input = match of_run {
        Some(data_dir) => Either::Left(once(end_of_input(data_dir.to_owned()))),
        None => Either::Right(pending()),
    };
    Ok(select(signals, input))
}

/// Reads on a thread of its own: a read from a terminal or a pipe cannot be taken back, and must not keep a runtime alive.
fn end_of_input(data_dir: PathBuf) -> impl Future<Output = ()> {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        // Kept until the process has ended, so that no agent comes that would find it gone.
        let _nobody = if is_told_to_stop() { None } else { Nobody::wait(&data_dir).ok() };
        let _nobody_hears = ended.send(());
        loop {
            thread::park();
        }
    });
    async move { end.await.unwrap_or_default() }
}

/// Whether the input said so before it ended.
fn is_told_to_stop() -> bool {
    let mut said = String::new();
    let mut input = io::stdin().lock();
    let read = input.by_ref().take(STOP_NOW.len() as u64).read_to_string(&mut said);
    let _whatever_else = io::copy(&mut input, &mut io::sink());
    read.is_ok() && said == STOP_NOW
}
