//! The only place that prints.

use crate::failure::Failure;
use std::io::{IsTerminal as _, Write, stderr, stdout};

/// Prints text for standard output. A reader that has gone away is no failure: it has seen enough.
pub(crate) fn say(text: &str) {
    let _gone = writeln!(stdout(), "{}", text.trim_end());
}

/// Standard output, for what prints as it goes.
pub(crate) fn standard_output() -> impl Write {
    stdout()
}

/// Prints one line beside the actual output, on standard error.
pub(crate) fn note(text: &str) {
    let _gone = writeln!(stderr(), "{} {text}", dim("note:", stderr().is_terminal()));
}

/// Prints a failure on standard error.
pub(crate) fn complain(failure: &Failure) {
    let text = failure.to_string();
    let text = match text.strip_prefix("error:") {
        Some(rest) => format!("{}{rest}", paint("error:", BAD, stderr().is_terminal())),
        None => text,
    };
    let _gone = writeln!(stderr(), "{text}");
}

const GOOD: &str = "32";
const BAD: &str = "1;31";
const HEAD: &str = "1";
const DIM: &str = "2";

/// A mark for what is right.
pub(crate) fn good(text: &str) -> String {
    paint(text, GOOD, stdout().is_terminal())
}

/// A mark for what is wrong.
pub(crate) fn bad(text: &str) -> String {
    paint(text, BAD, stdout().is_terminal())
}

/// A heading.
pub(crate) fn head(text: &str) -> String {
    paint(text, HEAD, stdout().is_terminal())
}

fn dim(text: &str, terminal: bool) -> String {
    paint(text, DIM, terminal)
}

/// Colour is for people at a terminal who have not switched it off.
fn paint(text: &str, colour: &str, terminal: bool) -> String {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if terminal && !refused { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Text of strangers without what could steer a terminal: a model's answer may hold escape sequences.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_cannot_steer_the_terminal() {
        let clean = harmless("a\x1b[2Jb\u{9b}31mc\rd\ne");
        assert!(!clean.contains(['\x1b', '\u{9b}', '\r']), "{clean:?}");
        assert!(clean.contains("d\ne"));
    }

    #[test]
    fn no_colour_without_a_terminal() {
        assert_eq!(paint("x", BAD, false), "x");
    }
}
