//! Sets up the log: for people on a terminal, or one JSON object a line for machines. Always on standard error, since
//! standard output belongs to what a command answers.

use std::io::{IsTerminal, stderr};
use tracing::Subscriber;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What is logged when nobody says otherwise. The HTTP library has each cut answer and each client that speaks no HTTP as an error; what matters of
/// it has a line of ours.
pub const DEFAULT_FILTER: &str = "info,actix_server=warn,actix_http=off,rmcp=warn";

/// The shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The filter cannot be read.
    #[error(
        "the log filter {filter:?} cannot be read: {reason}. Write levels, or target=level, with commas between: \
         \"warn,stillroom=debug\""
    )]
    Filter {
        /// What was written.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody in this process set up a log before.
    #[error("the log of this process is set up already")]
    Installed,
}

/// Sets up the log of this process. `filter` is what the user asks for; without it the environment's `STILLROOM_LOG`, then
/// `RUST_LOG`, then [`DEFAULT_FILTER`] decide.
///
/// # Errors
/// See [`LogsError`]; nothing is set up then.
pub fn install(format: LogFormat, filter: Option<&str>) -> Result<(), LogsError> {
    let filter = parsed(&chosen(filter, |name| std::env::var(name).ok()))?;
    match format {
        LogFormat::Human => human(filter, stderr, stderr().is_terminal()).try_init(),
        LogFormat::Json => json(filter, stderr).try_init(),
    }
    .map_err(|_taken| LogsError::Installed)
}

fn chosen(asked: Option<&str>, environment: impl Fn(&str) -> Option<String>) -> String {
    let from_environment = || ["STILLROOM_LOG", "RUST_LOG"].into_iter().find_map(environment);
    asked.map(str::to_owned).or_else(from_environment).unwrap_or_else(|| DEFAULT_FILTER.to_owned())
}

fn parsed(filter: &str) -> Result<EnvFilter, LogsError> {
    EnvFilter::try_new(filter)
        .map_err(|fault| LogsError::Filter { filter: filter.to_owned(), reason: fault.to_string() })
}

/// The library of the MCP server logs what is asked and answered: parts of conversations, which belong in no log whatever is asked for.
fn belongs_in_a_log(metadata: &Metadata<'_>) -> bool {
    !metadata.target().starts_with("rmcp") || *metadata.level() <= Level::WARN
}

fn human<W>(filter: EnvFilter, out: W, colours: bool) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(out).with_ansi(colours);
    tracing_subscriber::registry().with(filter).with(filter_fn(belongs_in_a_log)).with(lines)
}

fn json<W>(filter: EnvFilter, out: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(out);
    tracing_subscriber::registry().with(filter).with(filter_fn(belongs_in_a_log)).with(lines)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("unharmed").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("unharmed").clone()).expect("text")
        }
    }

    fn writer(page: &Page) -> impl Fn() -> Page + Send + Sync + 'static {
        let page = page.clone();
        move || page.clone()
    }

    /// What people read of a job under a filter.
    pub(in crate::telemetry) fn read_of(filter: &str, job: impl FnOnce()) -> String {
        let page = Page::default();
        tracing::subscriber::with_default(
            human(parsed(filter).expect("readable"), writer(&page), false),
            job,
        );
        page.text()
    }

    fn say() {
        tracing::info!(target: "stillroom::relay", status = 200, "relayed");
        tracing::debug!(target: "stillroom::relay", "too quiet to hear");
    }

    #[test]
    fn what_the_user_asks_for_goes_before_the_environment_and_ours_before_the_common_one() {
        let both = |name: &str| Some(format!("{name}=warn"));
        assert_eq!(chosen(Some("debug"), both), "debug");
        assert_eq!(chosen(None, both), "STILLROOM_LOG=warn");
        let common = |name: &str| (name == "RUST_LOG").then(|| "trace".to_owned());
        assert_eq!(chosen(None, common), "trace");
        assert_eq!(chosen(None, |_| None), DEFAULT_FILTER);
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_named_with_what_to_write() {
        let fault = parsed("stillroom=loud").expect_err("no such level").to_string();
        assert!(fault.contains("stillroom=loud") && fault.contains("stillroom=debug"), "{fault}");
    }

    #[test]
    fn people_get_a_line_without_colours_when_it_is_no_terminal() {
        let text = read_of(DEFAULT_FILTER, say);
        assert!(text.ends_with("INFO stillroom::relay: relayed status=200\n"), "{text}");
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn what_the_memory_is_asked_and_answers_is_in_no_log_whatever_is_asked_for() {
        for filter in ["trace", "rmcp=trace", "debug,rmcp::service=debug"] {
            let text = read_of(filter, || {
                tracing::debug!(target: "rmcp::service", "a part of a conversation");
                tracing::warn!(target: "rmcp::transport", "it failed");
            });
            assert!(!text.contains("conversation"), "{filter}: {text}");
            assert!(text.contains("it failed"), "{filter}: {text}");
        }
    }

    #[test]
    fn machines_get_one_object_a_line() {
        let page = Page::default();
        let log = json(parsed(DEFAULT_FILTER).expect("readable"), writer(&page));
        tracing::subscriber::with_default(log, say);
        let object: serde_json::Value = serde_json::from_str(&page.text()).expect("one object");
        assert_eq!((&object["message"], &object["status"]), (&"relayed".into(), &200.into()));
    }
}
