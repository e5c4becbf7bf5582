//! What can be typed.

use crate::backtest::Half;
use crate::settings::Flags;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  stillroom                                   start the gateway
  ANTHROPIC_BASE_URL=http://127.0.0.1:4141 claude
                                              point an agent at it
  stillroom run -- claude                     both in one
  stillroom demo                              see the whole story, without an account
  stillroom recall sqlite locking             search what was kept
  stillroom doctor                            find out what is wrong

Exit code: 0 done, 1 failed, 2 wrong use.";

/// A gateway between coding agents and model providers that remembers, and that notices when credentials expire.
#[derive(Debug, Parser)]
#[command(name = "stillroom", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: SettingsFlags,
    #[command(flatten)]
    pub(crate) serve: ServeFlags,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags that every command understands.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SettingsFlags {
    /// The settings file [default: ./stillroom.toml, else the one in your configuration folder].
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Where the gateway listens, or is; port 0 picks a free one [default: 127.0.0.1:4141].
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub(crate) listen: Option<String>,
    /// The folder of the database [default: the platform's data folder].
    #[arg(long, value_name = "FOLDER", global = true)]
    pub(crate) data_dir: Option<String>,
}

/// Flags of `serve`, which need no `serve` before them.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ServeFlags {
    /// Record and print the messages between actors.
    #[arg(long)]
    pub(crate) trace_actors: bool,
    /// How log lines are written [default: human].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// Log more; twice for everything. STILLROOM_LOG says it in detail, such as "info,gateway=debug".
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Stop when standard input ends: how `run` takes its gateway along, in whatever way it ends itself.
    #[arg(long, hide = true)]
    pub(crate) until_input_ends: bool,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// What to do; without any of these, serve.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the gateway; the same as no command at all.
    #[command(
        after_help = "Examples:\n  stillroom serve --listen 127.0.0.1:0\n  stillroom serve --trace-actors -v"
    )]
    Serve(ServeFlags),
    /// See the whole story in under a minute: a simulated provider, virtual hours, no account, no network.
    #[command(after_help = "Example:\n  stillroom demo")]
    Demo,
    /// Run an agent behind a gateway, which is started if none answers.
    ///
    /// A gateway that this starts ends with the agent. Start `stillroom` by itself when several agents share one.
    #[command(
        after_help = "Examples:\n  stillroom run -- claude\n  stillroom run -- codex exec \"fix the test\""
    )]
    Run {
        /// The agent and its arguments, after `--`.
        #[arg(required = true, last = true, value_name = "AGENT")]
        agent: Vec<OsString>,
    },
    /// List the sessions, or show what one of them said and what was distilled from it.
    #[command(after_help = "Examples:\n  stillroom sessions\n  stillroom sessions 0199f3a2 --json")]
    Sessions {
        /// Show this one.
        id: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Tell what background work cost, and what keeping caches warm earned, net.
    #[command(after_help = "Examples:\n  stillroom costs\n  stillroom costs --days 7 --json")]
    Costs {
        /// How many days to look back.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3660))]
        days: u32,
        #[command(flatten)]
        json: Json,
    },
    /// Tell whether caches are kept warm, switch that off or on, or decide about one session.
    ///
    /// What is decided here holds over a restart. `stillroom sessions ID` says why a session is kept warm, or not.
    #[command(
        after_help = "Examples:\n  stillroom warming\n  stillroom warming off\n  stillroom warming stop 0199f3a2"
    )]
    Warming {
        #[command(subcommand)]
        decision: Option<Warming>,
        /// Print JSON.
        #[arg(long, global = true)]
        json: bool,
    },
    /// List the credentials that were seen, by fingerprint; never a secret.
    #[command(after_help = "Example:\n  stillroom credentials")]
    Credentials(Json),
    /// List what the curator keeps.
    #[command(after_help = "Example:\n  stillroom knowledge --json")]
    Knowledge(Json),
    /// Search knowledge, observations and messages.
    #[command(after_help = "Example:\n  stillroom recall sqlite locking --limit 5")]
    Recall {
        /// What to look for.
        #[arg(required = true)]
        words: Vec<String>,
        /// How many results at most.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
    /// Tell whether a gateway runs, and how it is.
    #[command(after_help = "Example:\n  stillroom status")]
    Status(Json),
    /// Check everything that has to be right, and say what to do where it is not.
    #[command(after_help = "Example:\n  stillroom doctor")]
    Doctor(Json),
    /// Show or check the settings.
    #[command(subcommand)]
    Config(Config),
    /// Tell what cache warming would have earned in recorded sessions, under several policies.
    ///
    /// What is believed beforehand comes from other sessions than the reported ones: from those that this build brings along,
    /// from --fit-on, or from the other half of --split.
    #[command(
        after_help = "Examples:\n  stillroom backtest sessions.jsonl\n  stillroom backtest --from claude-code ~/.claude/projects/*/*.jsonl\n  stillroom backtest --from claude-code --convert log.jsonl > sessions.jsonl"
    )]
    Backtest(Backtest),
}

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
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Whose session logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Claude Code's, `~/.claude/projects/*/*.jsonl`.
    ClaudeCode,
}

/// What to decide about keeping caches warm.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Warming {
    /// Let all sessions be kept warm; ends a pause of all warming.
    #[command(after_help = "Example:\n  stillroom warming on")]
    On,
    /// Keep no session warm.
    #[command(after_help = "Example:\n  stillroom warming off")]
    Off,
    /// Let the rule decide about one session; ends its pauses.
    #[command(after_help = "Example:\n  stillroom warming auto 0199f3a2")]
    Auto {
        /// Which.
        id: String,
    },
    /// Keep one session warm as long as one return would pay for it, whatever the rule says; ends its pauses.
    #[command(after_help = "Example:\n  stillroom warming keep 0199f3a2")]
    Keep {
        /// Which.
        id: String,
    },
    /// Never keep this session warm.
    #[command(after_help = "Example:\n  stillroom warming stop 0199f3a2")]
    Stop {
        /// Which.
        id: String,
    },
}

/// What to do with the settings.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Config {
    /// Show every setting, its value, and where that comes from. Secrets stay hidden.
    #[command(after_help = "Example:\n  stillroom config show --json")]
    Show(Json),
    /// Check the settings without starting anything.
    #[command(after_help = "Example:\n  stillroom config check --config stillroom.toml")]
    Check(Json),
}

/// Whether to answer for programs.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Json {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl SettingsFlags {
    /// The same as settings; `trace_actors` is the one flag of `serve` that is a setting too.
    pub(crate) fn flags(&self, trace_actors: bool) -> Flags {
        let trace = trace_actors.then(|| true.to_string());
        let values = [
            ("--listen", "listen", self.listen.clone()),
            ("--data-dir", "data_dir", self.data_dir.clone()),
            ("--trace-actors", "trace.actors", trace),
        ];
        let values = values.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value?)));
        Flags { config: self.config.clone(), values: values.collect() }
    }
}

impl ServeFlags {
    /// Whether any was given.
    pub(crate) fn is_set(&self) -> bool {
        self.trace_actors || self.log_format.is_some() || self.verbose > 0 || self.until_input_ends
    }

    /// Flags before and after the word `serve` count alike.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            trace_actors: self.trace_actors || other.trace_actors,
            log_format: other.log_format.or(self.log_format),
            verbose: self.verbose.saturating_add(other.verbose),
            until_input_ends: self.until_input_ends || other.until_input_ends,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["stillroom"], arguments].concat())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_with_an_example() {
        let mut root = Cli::command();
        root.build();
        insta::assert_snapshot!("help", root.render_long_help());
        for command in leaves(root) {
            let name = command.get_bin_name().unwrap_or_default().replace(' ', "_");
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Example"), "{name}");
            insta::assert_snapshot!(format!("help_{name}"), help);
        }
    }

    fn leaves(command: clap::Command) -> Vec<clap::Command> {
        let inner: Vec<_> =
            command.get_subcommands().filter(|inner| inner.get_name() != "help").cloned().collect();
        if inner.is_empty() { vec![command] } else { inner.into_iter().flat_map(leaves).collect() }
    }

    #[test]
    fn no_command_means_serve_and_takes_its_flags() {
        let cli = parse(&["--trace-actors", "--listen", "127.0.0.1:0"]).unwrap();
        assert!(cli.command.is_none() && cli.serve.trace_actors);
        assert_eq!(cli.settings.listen.as_deref(), Some("127.0.0.1:0"));
    }

    #[test]
    fn the_gateway_is_named_before_or_after_the_command() {
        for arguments in [["--listen", "127.0.0.1:1", "status"], ["status", "--listen", "127.0.0.1:1"]] {
            assert_eq!(parse(&arguments).unwrap().settings.listen.as_deref(), Some("127.0.0.1:1"));
        }
    }

    #[test]
    fn what_follows_the_two_dashes_belongs_to_the_agent() {
        let cli = parse(&["run", "--", "claude", "--config", "x", "-p"]).unwrap();
        let Some(Command::Run { agent }) = cli.command else { panic!("not run") };
        assert_eq!(agent, ["claude", "--config", "x", "-p"]);
        assert_eq!(cli.settings.config, None);
    }

    #[test]
    fn json_is_asked_for_before_or_after_a_decision() {
        for arguments in
            [&["warming", "--json", "off"][..], &["warming", "off", "--json"], &["warming", "--json"]]
        {
            let Some(Command::Warming { json, .. }) = parse(arguments).unwrap().command else {
                panic!("not warming")
            };
            assert!(json, "{arguments:?}");
        }
    }

    #[test]
    fn wrong_use_ends_with_2() {
        for wrong in [
            &["run"][..],
            &["recall"],
            &["recall", "x", "--limit", "0"],
            &["bake"],
            &["trace"],
            &["config"],
            &["warming", "stop"],
        ] {
            assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }
}
