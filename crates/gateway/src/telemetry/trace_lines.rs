//! Actor messages as lines in a terminal: who said what to whom, and what came of it.

use actor::Row;
use std::io::{self, Write};
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// One message as one line, such as
/// `#12 ←#9 Distiller → CredentialActor ResolveCredential [3f2a91c0] waited 41 µs, took 8 µs, 0 effects: Access(…)`.
#[must_use]
pub fn line(row: &Row) -> String {
    let cause = row.cause.map(|cause| format!(" ←#{cause}")).unwrap_or_default();
    let session = row.session.as_deref().map(|session| format!(" [{}]", prefix(session))).unwrap_or_default();
    let Row { mail, from, actor, message, queue_wait_us, handle_us, effects, outcome, .. } = row;
    format!(
        "#{mail}{cause} {from} → {actor} {message}{session} waited {queue_wait_us} µs, took {handle_us} µs, \
         {effects} effects: {}",
        one_line(outcome)
    )
}

fn prefix(session: &str) -> String {
    session.chars().take(8).collect()
}

/// A reply may hold text of whatever length; a line is a line.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 160;
    let mut short: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > LONGEST {
        short.push('…');
    }
    short
}

/// Writes every row that comes as a [`line()`], until nobody sends any more. Says so where it missed some.
///
/// # Errors
/// Those of `out`.
pub async fn write_lines(mut rows: Receiver<Arc<Row>>, mut out: impl Write) -> io::Result<()> {
    loop {
        match rows.recv().await {
            Ok(row) => writeln!(out, "{}", line(&row))?,
            Err(RecvError::Lagged(missed)) => writeln!(out, "… {missed} messages were too quick to print")?,
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::broadcast;

    fn row() -> Row {
        Row {
            actor: "CredentialActor",
            from: "Distiller",
            message: "ResolveCredential",
            session: Some("3f2a91c0-77".to_owned()),
            mail: 12,
            cause: Some(9),
            queue_wait_us: 41,
            handle_us: 8,
            outcome: "Access(Go)".to_owned(),
            ..Row::default()
        }
    }

    #[test]
    fn a_line_says_who_said_what_to_whom_and_what_came_of_it() {
        let said = "#12 ←#9 Distiller → CredentialActor ResolveCredential [3f2a91c0] waited 41 µs, took 8 µs, 0 effects: Access(Go)";
        assert_eq!(line(&row()), said);
    }

    #[test]
    fn a_reply_of_many_lines_stays_one_line() {
        let long = Row { outcome: format!("a\nb{}", "x".repeat(300)), ..row() };
        let line = line(&long);
        assert!(!line.contains('\n') && line.ends_with("x…") && line.contains("a b"), "{line}");
    }

    #[tokio::test]
    async fn rows_are_written_as_they_come_and_gaps_are_said() {
        let (sender, rows) = broadcast::channel(1);
        sender.send(Arc::new(row())).expect("heard");
        sender.send(Arc::new(Row { mail: 13, ..row() })).expect("heard");
        drop(sender);
        let mut page = Vec::new();
        write_lines(rows, &mut page).await.expect("written");
        let page = String::from_utf8(page).expect("text");
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(lines[0], "… 1 messages were too quick to print");
        assert!(lines[1].starts_with("#13 ") && lines.len() == 2, "{page}");
    }
}
