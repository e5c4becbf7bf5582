//! `stillroom demo`: the whole story, with a simulated provider and virtual hours.

use crate::failure::Failure;
use crate::output::standard_output;
use std::io::ErrorKind;
use std::process::ExitCode;

/// Tells the story.
///
/// # Errors
/// It does not go as it should.
pub(crate) fn perform() -> Result<ExitCode, Failure> {
    match simulator::demo::demo(&mut standard_output()) {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => {
            let remedy = "this is a fault in Stillroom: please report it";
            Err(Failure::new("the story does not go as it should", cause, remedy))
        }
        Ok(()) | Err(_) => Ok(ExitCode::SUCCESS),
    }
}
