//! Actor messages as lines in a terminal: who said what to whom, and what came of it.

use super::is_crash;
use super::span::shown;
use crate::telemetry::LogFormat;
use actor::Row;
use domain::ids::SessionId;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::io::{self, Write};
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// A line is indented by as many messages as led to its own, up to this many.
const DEEPEST: u32 = 12;
/// Whose lines they are in a log for machines.
const TARGET: &str = "trace";

/// One message as one line, indented by what caused it; the time of day is UTC, as in the log. Such as
/// `10:41:02.113     Distiller → CredentialActor ResolveCredential s=3f2a91c0 r=9 wait 12µs handle 3µs → Lease 9f3a1c22/2`.
#[must_use]
pub fn line<Name: AsRef<str>>(row: &Row<Name>) -> String {
    let indent = "  ".repeat(row.hops.min(DEEPEST) as usize);
    let session = row.session.as_deref().map(|session| format!(" s={}", prefix(session))).unwrap_or_default();
    let (from, actor, message) = (row.from.as_ref(), row.actor.as_ref(), row.message.as_ref());
    let told = row.asked || is_crash(row);
    let outcome = if told { format!(" → {}", one_line(&row.outcome)) } else { String::new() };
    format!(
        "{} {indent}{from} → {actor} {message}{session} r={} wait {} handle {}{outcome}",
        time_of_day(row.at_unix_ms),
        row.root,
        shown(row.queue_wait_us),
        shown(row.handle_us),
    )
}

fn moment(unix_ms: u64) -> Option<Timestamp> {
    i64::try_from(unix_ms).ok().and_then(|unix_ms| Timestamp::from_millisecond(unix_ms).ok())
}

fn time_of_day(unix_ms: u64) -> String {
    moment(unix_ms).map_or_else(|| "--:--:--.---".to_owned(), |at| at.strftime("%H:%M:%S%.3f").to_string())
}

fn prefix(session: &str) -> String {
    one_line(SessionId::from(session).prefix())
}

/// A reply may hold text of whatever length; a line is a line.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 160;
    let mut short: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > LONGEST {
        short.push('…');
    }
    short
}

/// Writes every row that comes, until nobody sends any more, beside the lines of a log and in their format: as a [`line()`], or an object with
/// the fields that log lines have (of which `message` is its name) and those of the row. Says so where it missed some.
///
/// # Errors
/// Those of `out`.
pub async fn write_lines(
    mut rows: Receiver<Arc<Row>>,
    format: LogFormat,
    mut out: impl Write,
) -> io::Result<()> {
    loop {
        let said = match (rows.recv().await, format) {
            (Ok(row), LogFormat::Human) => line(&row),
            (Ok(row), LogFormat::Json) => object(&row),
            (Err(RecvError::Lagged(missed)), LogFormat::Human) => {
                format!("… {missed} messages were too quick to print")
            }
            (Err(RecvError::Lagged(missed)), LogFormat::Json) => {
                json!({"level": "WARN", "target": TARGET, "missed": missed}).to_string()
            }
            (Err(RecvError::Closed), _) => return Ok(()),
        };
        writeln!(out, "{said}")?;
    }
}

fn object(row: &Row) -> String {
    #[derive(Serialize)]
    struct Logged<'r> {
        timestamp: Option<String>,
        level: &'static str,
        target: &'static str,
        #[serde(flatten)]
        row: &'r Row,
    }
    let logged = Logged {
        timestamp: moment(row.at_unix_ms).map(|at| at.to_string()),
        level: "TRACE",
        target: TARGET,
        row,
    };
    // Text and numbers: there is nothing that cannot be written.
    serde_json::to_string(&logged).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use tokio::sync::broadcast;

    fn row() -> Row {
        Row {
            at_unix_ms: 1_795_689_662_113,
            actor: "CredentialActor",
            from: "Distiller",
            message: "ResolveCredential",
            session: Some("3f2a91c0-77".to_owned()),
            mail: 12,
            cause: Some(9),
            root: 9,
            hops: 2,
            asked: true,
            queue_wait_us: 12,
            handle_us: 3,
            outcome: "Lease 9f3a1c22/2".into(),
            ..Row::default()
        }
    }

    #[test]
    fn a_line_says_who_said_what_to_whom_and_what_came_of_it() {
        let said = "10:41:02.113     Distiller → CredentialActor ResolveCredential s=3f2a91c0 r=9 wait 12µs handle 3µs → Lease 9f3a1c22/2";
        assert_eq!(line(&row()), said);
    }

    #[test]
    fn what_nobody_asked_for_has_no_outcome_unless_it_is_a_crash() {
        let told = Row { asked: false, outcome: "Noted".into(), ..row() };
        assert!(line(&told).ends_with("handle 3µs"), "{}", line(&told));
        let crash = Row { outcome: "crashed at a.rs:1:2".into(), ..told };
        assert!(line(&crash).ends_with("handle 3µs → crashed at a.rs:1:2"), "{}", line(&crash));
    }

    #[test]
    fn a_conversation_that_goes_on_and_on_stays_on_the_screen() {
        assert!(
            line(&Row { hops: u32::MAX, ..row() }).starts_with(&format!("10:41:02.113 {}D", " ".repeat(24)))
        );
    }

    #[test]
    fn a_reply_of_many_lines_stays_one_line() {
        let long =
            Row { outcome: format!("a\nb{}", "x".repeat(300)).into(), session: Some("a\nb".into()), ..row() };
        let line = line(&long);
        assert!(!line.contains('\n') && line.ends_with("x…") && line.contains("a b"), "{line}");
    }

    #[tokio::test]
    async fn rows_are_written_as_they_come_and_gaps_are_said() {
        let (sender, rows) = broadcast::channel(1);
        sender.send(Arc::new(row())).expect("heard");
        sender.send(Arc::new(Row { message: "AuthFailed", ..row() })).expect("heard");
        drop(sender);
        let mut page = Vec::new();
        write_lines(rows, LogFormat::Human, &mut page).await.expect("written");
        let page = String::from_utf8(page).expect("text");
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(lines[0], "… 1 messages were too quick to print");
        assert!(lines[1].contains("AuthFailed") && lines.len() == 2, "{page}");
    }

    #[tokio::test]
    async fn in_a_log_for_machines_each_is_an_object_as_its_other_lines_are() {
        let (sender, rows) = broadcast::channel(1);
        sender.send(Arc::new(row())).expect("heard");
        let detail = "of \"two\"\nlines".to_owned();
        sender.send(Arc::new(Row { detail: detail.clone(), ..row() })).expect("heard");
        drop(sender);
        let mut page = Vec::new();
        write_lines(rows, LogFormat::Json, &mut page).await.expect("written");
        let page = String::from_utf8(page).expect("text");
        let lines: Vec<Value> = page.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines[0], json!({"level": "WARN", "target": "trace", "missed": 1}));
        let said =
            ["timestamp", "level", "target", "message", "session", "detail"].map(|name| &lines[1][name]);
        let wanted =
            ["2026-11-26T10:41:02.113Z", "TRACE", "trace", "ResolveCredential", "3f2a91c0-77", &detail];
        assert_eq!(said, wanted.map(Value::from).each_ref());
    }
}
