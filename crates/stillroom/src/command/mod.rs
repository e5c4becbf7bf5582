//! What each command does; one file a command.

mod backtest;
mod completions;
mod config;
mod costs;
mod credentials;
mod demo;
mod doctor;
mod embeddings;
mod export;
mod forget;
mod import;
mod invocation;
mod keeper;
mod knowledge;
mod look;
mod prices;
mod project;
mod recall;
mod run;
mod serve;
mod session_id;
mod sessions;
mod sheet;
mod status;
mod trace;
mod warming;

use crate::cli::{Cli, Command, Config, Json};
use crate::failure::{Exit, Failure};
use crate::settings::Places;
use invocation::Invocation;
use std::process::ExitCode;

/// Does what was typed.
///
/// # Errors
/// What could not be done, and why.
pub(crate) fn perform(cli: Cli, places: &Places) -> Result<ExitCode, Failure> {
    let invocation = Invocation { places, flags: cli.settings };
    match cli.command {
        None => serve::perform(&invocation, cli.serve),
        Some(Command::Serve(flags)) => serve::perform(&invocation, cli.serve.and(flags)),
        Some(_) if cli.serve.is_set() => Err(misplaced()),
        Some(command) => look_or_run(&invocation, command),
    }
}

fn look_or_run(invocation: &Invocation<'_>, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(flags) => serve::perform(invocation, flags),
        Command::Demo => demo::perform(),
        Command::Run { agent, no_mcp } => run::perform(invocation, &agent, !no_mcp),
        Command::Sessions { id: None, json } => sessions::list(invocation, json),
        Command::Sessions { id: Some(id), json } => sessions::show(invocation, &id, json),
        Command::Costs { days, json } => costs::perform(invocation, days, json),
        Command::Warming { decision, json } => warming::perform(invocation, decision.as_ref(), Json { json }),
        Command::Credentials(json) => credentials::perform(invocation, json),
        Command::Knowledge { change, json } => knowledge::perform(invocation, change.as_ref(), Json { json }),
        Command::Recall(asked) => recall::perform(invocation, &asked),
        Command::Export(asked) => export::perform(invocation, &asked),
        Command::Import(asked) => import::perform(invocation, &asked),
        Command::Forget(asked) => forget::perform(invocation, &asked),
        Command::Status(json) => status::perform(invocation, json),
        Command::Doctor { online, json } => doctor::perform(invocation, online, json),
        Command::Trace(asked) => trace::perform(invocation, &asked),
        Command::Config(Config::Show(json)) => config::show(invocation, json),
        Command::Config(Config::Check(json)) => config::check(invocation, json),
        Command::Backtest(what) => backtest::perform(invocation, &what),
        Command::Completions { shell } => Ok(completions::perform(shell)),
        Command::Man { folder } => completions::manual(folder.as_deref()),
    }
}

fn misplaced() -> Failure {
    let what = "--trace-actors, --log-format and --verbose belong to `serve`";
    Failure::new(what, "this command starts no gateway with them", "leave them out").with_exit(Exit::WrongUse)
}
