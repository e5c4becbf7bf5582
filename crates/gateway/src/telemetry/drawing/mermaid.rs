//! A sequence diagram in Mermaid's notation (<https://mermaid.js.org/syntax/sequenceDiagram.html>).

use super::is_crash;
use super::lines::one_line;
use super::span::shown;
use actor::Row;
use std::collections::HashMap;
use std::fmt::Write as _;

pub(super) const BEGIN: &str = "sequenceDiagram\n";

/// Who takes part so far, and by what number. Their names are only shown: one could be a word of the notation.
#[derive(Debug, Default)]
pub(super) struct Mermaid(HashMap<String, usize>);

impl Mermaid {
    /// The message as an arrow, and a second one back when somebody waits for the reply.
    pub(super) fn row<Name: AsRef<str>>(&mut self, row: &Row<Name>) -> String {
        let mut drawn = String::new();
        let from = self.participant(row.from.as_ref(), &mut drawn);
        let to = self.participant(row.actor.as_ref(), &mut drawn);
        let said =
            format!("{} ({} + {})", row.message.as_ref(), shown(row.queue_wait_us), shown(row.handle_us));
        let arrow = if row.asked { "->>" } else { "-)" };
        arrow_line(&mut drawn, (from, arrow, to), &said);
        if is_crash(row) {
            arrow_line(&mut drawn, (to, "--x", from), &row.outcome);
        } else if row.asked {
            arrow_line(&mut drawn, (to, "-->>", from), &row.outcome);
        }
        drawn
    }

    fn participant(&mut self, name: &str, drawn: &mut String) -> usize {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let number = self.0.len() + 1;
        self.0.insert(name.to_owned(), number);
        // Writing to a string cannot fail.
        writeln!(drawn, "    participant p{number} as {}", escaped(name)).unwrap_or_default();
        number
    }
}

fn arrow_line(drawn: &mut String, (from, arrow, to): (usize, &str, usize), said: &str) {
    writeln!(drawn, "    p{from}{arrow}p{to}: {}", escaped(said)).unwrap_or_default();
}

/// Text as the notation takes it: whatever could mean something there is written by its number.
fn escaped(text: &str) -> String {
    let line = one_line(text);
    if line.trim().is_empty() {
        return "–".to_owned();
    }
    let keep = |c: char| c.is_alphanumeric() || " _-./+()=,…–".contains(c);
    line.chars().map(|c| if keep(c) { c.to_string() } else { format!("#{};", u32::from(c)) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_said_can_become_a_part_of_the_notation() {
        let hostile = "a;b\nend %% x $$y$$ <b>#35;wrap:";
        let line = escaped(hostile);
        assert!(line.chars().all(|c| !"\n%$<>:".contains(c)), "{line}");
        assert_eq!(escaped("a;#"), "a#59;#35;");
        assert_eq!(escaped(" \n"), "–");
    }
}
