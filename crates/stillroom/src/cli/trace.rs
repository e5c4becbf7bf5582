//! What can be typed after `stillroom trace`.

use clap::{Args, ValueEnum};
use gateway::telemetry::{Drawing, span};

/// Which messages to show, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct Trace {
    /// How many at most, the last ones [default: 200].
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=4096), conflicts_with = "follow")]
    pub(crate) last: Option<u32>,
    /// Show messages from now on, as they come; they are recorded as long as somebody follows.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How to show them.
    #[arg(long, value_name = "FORMAT", default_value = "lines")]
    format: TraceFormat,
    /// The same as --format jsonl.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Only those about the sessions whose id begins so.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only those that this actor handled or sent.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only those of this name, such as ResolveCredential.
    #[arg(long, value_name = "NAME")]
    message: Option<String>,
    /// Only those of the conversation that began with this message: the number after r= in a line.
    #[arg(long, value_name = "NUMBER")]
    root: Option<u64>,
    /// Only those that took longer than this from being sent to having been handled, such as 5ms.
    #[arg(long, value_name = "TIME", value_parser = a_span)]
    slower_than: Option<String>,
}

/// How messages are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceFormat {
    /// One line each, indented by what caused it.
    Lines,
    /// A sequence diagram, for Mermaid.
    Mermaid,
    /// A file for Perfetto (ui.perfetto.dev) and chrome://tracing, with a track an actor and arrows between them.
    Chrome,
    /// One JSON object a line.
    Jsonl,
}

impl Trace {
    /// An empty picture in the format that is asked for.
    pub(crate) fn drawing(&self) -> Drawing {
        match self.format {
            _ if self.json => Drawing::json_lines(),
            TraceFormat::Lines => Drawing::lines(),
            TraceFormat::Mermaid => Drawing::mermaid(),
            TraceFormat::Chrome => Drawing::chrome(),
            TraceFormat::Jsonl => Drawing::json_lines(),
        }
    }

    /// What is asked of the gateway, as keys and values of a query.
    pub(crate) fn wishes(&self) -> Vec<(&'static str, String)> {
        let wishes = [
            ("last", self.last.map(|last| last.to_string())),
            ("session", self.session.clone()),
            ("actor", self.actor.clone()),
            ("message", self.message.clone()),
            ("root", self.root.map(|root| root.to_string())),
            ("slower_than", self.slower_than.clone()),
        ];
        wishes.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

fn a_span(text: &str) -> Result<String, &'static str> {
    span(text).map(|_| text.to_owned()).ok_or("write a whole number and us, ms or s, such as 5ms")
}
