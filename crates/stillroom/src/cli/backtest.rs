//! What can be typed after `stillroom backtest`.

use super::Json;
use crate::backtest::Half;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What to replay, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct Backtest {
    /// Recordings: one session a line, as JSON.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The files are an agent's own session logs.
    #[arg(long, value_name = "AGENT")]
    pub(crate) from: Option<Format>,
    /// Only print the logs as a recording; it holds no word of them.
    #[arg(long, requires = "from", conflicts_with_all = ["fit", "json"])]
    pub(crate) convert: bool,
    /// Believe beforehand what these recordings teach; repeat for more.
    #[arg(long, value_name = "FILE", conflicts_with = "split")]
    pub(crate) fit_on: Vec<PathBuf>,
    /// Report only this half of the sessions, by their hash, and believe what the other teaches.
    #[arg(long, value_name = "HALF")]
    pub(crate) split: Option<Half>,
    /// Only print what the sessions teach, as counts: what --fit-on would believe.
    #[arg(long, conflicts_with = "fit_on")]
    pub(crate) fit: bool,
    /// Also tell what choosing the time to live would have earned, where the client leaves it open.
    #[arg(long, conflicts_with_all = ["convert", "fit"])]
    pub(crate) choose_ttl: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Whose session logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Claude Code's, `~/.claude/projects/*/*.jsonl`.
    ClaudeCode,
}
