//! What can be typed after `stillroom export` and `stillroom import`.

use super::Json;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What to take along, and where to.
#[derive(Debug, Clone, Args)]
pub(crate) struct Export {
    /// Everything, as lines of JSON: sessions, messages, observations, knowledge and costs.
    #[arg(long, conflicts_with = "project")]
    pub(crate) all: bool,
    /// Only the knowledge of this project: its name, as `stillroom sessions --json` shows it, or a folder of it.
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// Write it here, and not to standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// What to bring in, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct Import {
    /// The files; with --from and without any, all logs of the agent.
    #[arg(value_name = "FILE", required_unless_present = "from")]
    pub(crate) files: Vec<PathBuf>,
    /// The files are an agent's own logs of its sessions.
    #[arg(long, value_name = "AGENT")]
    pub(crate) from: Option<Agent>,
    /// Entries that a file of knowledge does not have, though it has their project, are deleted for good.
    #[arg(long, conflicts_with = "from")]
    pub(crate) delete: bool,
    /// Bring in again what was forgotten.
    #[arg(long)]
    pub(crate) again: bool,
    /// Change nothing, and tell what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Whose logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Agent {
    /// Claude Code: ~/.claude/projects/**/*.jsonl.
    ClaudeCode,
    /// Codex: ~/.codex/sessions/**/rollout-*.jsonl.
    Codex,
}
