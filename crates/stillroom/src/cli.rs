//! What can be typed.

mod backtest;
mod forget;
mod knowledge;
mod recall;
mod trace;
mod transfer;
mod warming;

pub(crate) use backtest::{Backtest, Format};
pub(crate) use forget::{Doomed, Forget};
pub(crate) use knowledge::Knowledge;
pub(crate) use recall::Recall;
pub(crate) use trace::Trace;
pub(crate) use transfer::{Agent, Export, Import};
pub(crate) use warming::Warming;

use crate::settings::Flags;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
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
  stillroom trace --follow                    watch the actors talk
  stillroom doctor                            find out what is wrong

Exit code: 0 done, 1 failed, 2 wrong use.";

/// What stands above the flags that every command understands.
const GLOBAL: &str = "Global options";

/// A gateway between coding agents and model providers that remembers, and that notices when credentials expire.
#[derive(Debug, Parser)]
#[command(name = "stillroom", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: SettingsFlags,
    #[command(flatten)]
    pub(crate) serve: ServeFlags,
    /// When to use colours: auto means at a terminal, unless NO_COLOR is set.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true, help_heading = GLOBAL)]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What `arguments` say. Help, the version and complaints about wrong use are printed, in `color`, and end the program.
pub(crate) fn understood(arguments: Vec<OsString>, color: Color) -> Cli {
    let choice = match color {
        Color::Auto => clap::ColorChoice::Auto,
        Color::Always => clap::ColorChoice::Always,
        Color::Never => clap::ColorChoice::Never,
    };
    let matches = Cli::command().color(choice).get_matches_from(arguments);
    Cli::from_arg_matches(&matches).unwrap_or_else(|wrong| wrong.exit())
}

/// Flags that every command understands.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SettingsFlags {
    /// The settings file [default: ./stillroom.toml, else the one in your configuration folder].
    #[arg(long, value_name = "FILE", global = true, help_heading = GLOBAL)]
    pub(crate) config: Option<PathBuf>,
    /// Where the gateway listens, or is; port 0 picks a free one [default: 127.0.0.1:4141].
    #[arg(long, value_name = "ADDRESS", global = true, help_heading = GLOBAL)]
    pub(crate) listen: Option<String>,
    /// The folder of the database [default: the platform's data folder].
    #[arg(long, value_name = "FOLDER", global = true, help_heading = GLOBAL)]
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

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// What `arguments` say of it: help and complaints about wrong use are written before they are all understood.
    pub(crate) fn said_in<'a>(arguments: impl IntoIterator<Item = &'a OsString>) -> Self {
        let mut arguments =
            arguments.into_iter().map_while(|argument| argument.to_str().filter(|text| *text != "--"));
        let mut said = Self::Auto;
        while let Some(argument) = arguments.next() {
            let value = match argument.strip_prefix("--color") {
                Some("") => arguments.next(),
                Some(rest) => rest.strip_prefix('='),
                None => None,
            };
            said = value.and_then(|value| Self::from_str(value, false).ok()).unwrap_or(said);
        }
        said
    }
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
        after_help = "Examples:\n  stillroom run -- claude\n  stillroom run -- codex exec \"fix the test\"\n  stillroom run -- opencode"
    )]
    Run {
        /// Do not give the agent the memory's tools, which Claude Code and Codex get.
        #[arg(long)]
        no_mcp: bool,
        /// The agent and its arguments, all of which are its own; `--` may stand before it.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = false, value_name = "AGENT")]
        agent: Vec<OsString>,
    },
    /// List the sessions, or show what one of them said and what was distilled from it.
    #[command(after_help = "Examples:\n  stillroom sessions\n  stillroom sessions 0199f3a2 --json")]
    Sessions {
        /// Show this one; the beginning of its id is enough.
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
    /// List what the curator keeps, or decide where an entry holds and which session gets any.
    #[command(after_help = "Examples:\n  stillroom knowledge --json\n  stillroom knowledge promote k12")]
    Knowledge {
        #[command(subcommand)]
        change: Option<Knowledge>,
        /// Print JSON.
        #[arg(long, global = true)]
        json: bool,
    },
    /// Search knowledge, observations and messages.
    #[command(
        after_help = "Examples:\n  stillroom recall sqlite locking --limit 5\n  stillroom recall --since yesterday\n  stillroom recall deploy --since 2026-11-20 --until 2026-11-24"
    )]
    Recall(Recall),
    /// Forget a session, a project or everything, for good.
    ///
    /// What was said, what was distilled and curated from it, and every word of it in the files are erased; what it cost stays in the
    /// sums. What an agent sends in a forgotten session from then on is not kept. Works with a gateway that runs, or without one.
    #[command(
        after_help = "Examples:\n  stillroom forget session 0199f3a2\n  stillroom forget project github.com/ann/oven --dry-run\n  stillroom forget everything --yes"
    )]
    Forget(Forget),
    /// Take along what is kept: the knowledge as a file to read and edit, or everything.
    ///
    /// The file of the knowledge has a section an entry, in an order that stays, so that it can lie in a repository: a change of one
    /// entry is a change of its lines alone. Works with a gateway that runs, or without one. Credentials are never in it: none is kept.
    #[command(
        after_help = "Examples:\n  stillroom export --project . > KNOWLEDGE.md\n  stillroom export --all --output everything.jsonl"
    )]
    Export(Export),
    /// Bring in what was exported or edited, or the logs that agents keep of their own sessions.
    ///
    /// A file is checked whole before anything of it is brought in, and what is there already stays as it is, so that the same file may
    /// come twice, or again after an interruption. A section that a file of knowledge does not have is no deletion unless --delete says so.
    #[command(
        after_help = "Examples:\n  stillroom import KNOWLEDGE.md --dry-run\n  stillroom import everything.jsonl\n  stillroom import --from claude-code\n  stillroom import --from codex ~/.codex/sessions/2026/11/*/*.jsonl"
    )]
    Import(Import),
    /// Tell whether a gateway runs, and how it is.
    #[command(after_help = "Example:\n  stillroom status")]
    Status(Json),
    /// Check everything that has to be right, and say what to do where it is not.
    #[command(after_help = "Examples:\n  stillroom doctor\n  stillroom doctor --online --json")]
    Doctor {
        /// Also ask the providers for a sign of life, without any credential.
        #[arg(long)]
        online: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Show the messages between the gateway's actors.
    ///
    /// They are recorded by a gateway that was started with --trace-actors, or as long as somebody follows.
    #[command(
        after_help = "Examples:\n  stillroom trace --last 50\n  stillroom trace --follow --session 0199f3a2\n  stillroom trace --format mermaid --root 42\n  stillroom trace --format chrome > trace.json    # open it at ui.perfetto.dev"
    )]
    Trace(Trace),
    /// Show or check the settings.
    #[command(subcommand, after_help = "Examples:\n  stillroom config show\n  stillroom config check")]
    Config(Config),
    /// Tell what cache warming would have earned in recorded sessions, under several policies.
    ///
    /// What is believed beforehand comes from other sessions than the reported ones: from those that this build brings along,
    /// from --fit-on, or from the other half of --split.
    #[command(
        after_help = "Examples:\n  stillroom backtest sessions.jsonl\n  stillroom backtest --from claude-code ~/.claude/projects/*/*.jsonl\n  stillroom backtest --from claude-code --convert log.jsonl > sessions.jsonl"
    )]
    Backtest(Backtest),
    /// Print what makes a shell complete the words of this program.
    #[command(
        after_help = "Examples:\n  stillroom completions bash > ~/.local/share/bash-completion/completions/stillroom\n  stillroom completions fish > ~/.config/fish/completions/stillroom.fish"
    )]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write the pages of all commands into a folder.
    #[command(
        after_help = "Examples:\n  stillroom man | man -l -\n  stillroom man --folder ~/.local/share/man/man1"
    )]
    Man {
        /// Write one page a command here, and print none.
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
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

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["stillroom"], arguments].concat())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_with_an_example() {
        let mut root = Cli::command().term_width(100);
        root.build();
        insta::assert_snapshot!("help", root.render_long_help());
        for command in commands(root) {
            let name = command.get_bin_name().unwrap_or_default().replace(' ', "_");
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Example"), "{name}");
            insta::assert_snapshot!(format!("help_{name}"), help);
        }
    }

    /// All commands below the program itself.
    fn commands(command: clap::Command) -> Vec<clap::Command> {
        let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help");
        inner.flat_map(|inner| [vec![inner.clone()], commands(inner.clone())].concat()).collect()
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
        let Some(Command::Run { agent, no_mcp: false }) = cli.command else { panic!("not run") };
        assert_eq!(agent, ["claude", "--config", "x", "-p"]);
        assert_eq!(cli.settings.config, None);
    }

    #[test]
    fn an_agent_may_be_named_without_the_two_dashes() {
        let cli = parse(&["run", "--listen", "127.0.0.1:0", "claude", "--color", "red", "-p"]).unwrap();
        let Some(Command::Run { agent, no_mcp: false }) = cli.command else { panic!("not run") };
        assert_eq!(agent, ["claude", "--color", "red", "-p"]);
        assert!(cli.settings.listen.is_some());
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
    fn colours_are_known_before_all_is_understood_and_an_agents_flags_are_its_own() {
        let said =
            |arguments: &[&str]| Color::said_in(&arguments.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(said(&["stillroom", "--color", "always", "bake"]), Color::Always);
        assert_eq!(said(&["stillroom", "bake", "--color=never"]), Color::Never);
        assert_eq!(said(&["stillroom", "run", "--", "x", "--color=never"]), Color::Auto);
        assert_eq!(said(&["stillroom", "--color=sometimes", "--colorful"]), Color::Auto);
    }

    #[test]
    fn wrong_use_ends_with_2() {
        for wrong in [
            &["run"][..],
            &["recall"],
            &["recall", " "],
            &["recall", "x", "--limit", "0"],
            &["bake"],
            &["trace", "--last", "0"],
            &["trace", "--slower-than", "5"],
            &["trace", "--follow", "--last", "5"],
            &["trace", "--json", "--format", "chrome"],
            &["completions", "csh"],
            &["status", "--color", "sometimes"],
            &["config"],
            &["warming", "stop"],
        ] {
            assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }
}
