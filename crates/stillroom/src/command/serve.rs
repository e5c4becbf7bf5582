//! `stillroom serve`: the gateway, and what is said when it starts.

use super::invocation::Invocation;
use crate::cli::ServeFlags;
use crate::failure::Failure;
use crate::output::note;
use crate::settings::Loaded;
use std::process::ExitCode;

/// Serves until it is told to stop.
pub(crate) fn perform(invocation: &Invocation<'_>, flags: ServeFlags) -> Result<ExitCode, Failure> {
    let loaded = invocation.settings_with(&invocation.flags.flags(flags.trace_actors))?;
    loaded.notes().iter().for_each(|line| note(line));
    serve(&loaded)
}

fn serve(_loaded: &Loaded) -> Result<ExitCode, Failure> {
    Err(Failure::new("this build serves nothing", "the gateway cannot be started yet", "use a later build"))
}
