//! The command line: serve, demo, run, and a look inside.
//!
//! This crate knows what users type and write ([`cli`], [`settings`]) and what they read ([`output`], [`table`]). What happens
//! in between is the gateway's business, or the simulator's.

mod attendance;
mod backtest;
mod cli;
mod client;
mod command;
mod failure;
mod logs;
mod output;
mod private_file;
mod settings;
mod table;

/// What the fuzzer asks; no part of the interface.
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::settings::fuzzing::settings;
}

use std::ffi::OsString;
use std::process::ExitCode;

/// Does what the arguments say, and tells how it went: 0 done, 1 failed, 2 wrong use; `run` ends as its agent does.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let color = cli::Color::said_in(&arguments);
    let cli = cli::understood(arguments, color);
    output::choose(cli.color);
    let places = settings::Places::of_this_process();
    let done = command::perform(cli, &places).and_then(|code| output::unsaid().map_or(Ok(code), Err));
    done.unwrap_or_else(|failure| {
        output::complain(&failure);
        failure.exit.into()
    })
}
