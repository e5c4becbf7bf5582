//! The only place that prints.

use crate::cli::Color;
use crate::failure::Failure;
use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write, stderr, stdin, stdout};
use std::sync::OnceLock;

/// What was asked for; chosen once, before anything is printed.
static COLOR: OnceLock<Color> = OnceLock::new();

/// Colours from now on as `color` says. Only the first choice counts.
pub(crate) fn choose(color: Color) {
    COLOR.get_or_init(|| color);
}

/// The first failure of what was said.
static UNSAID: OnceLock<io::Error> = OnceLock::new();

/// Prints text for standard output. A reader that has gone away is no failure: it has seen enough. All else is told [in the end](unsaid).
pub(crate) fn say(text: &str) {
    note_unsaid(writeln!(stdout(), "{}", text.trim_end()));
}

/// Prints the whole of a text as it is, on the same terms.
pub(crate) fn say_as_it_is(text: &str) {
    note_unsaid(go_on(text));
}

fn note_unsaid(said: io::Result<()>) {
    if let Err(error) = said
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        UNSAID.get_or_init(|| error);
    }
}

/// Why something could not be said, if so.
pub(crate) fn unsaid() -> Option<Failure> {
    let cause = UNSAID.get()?;
    Some(Failure::new(
        "not everything could be written",
        cause,
        "see where standard output goes, and whether there is room",
    ))
}

/// Whether standard output goes to a terminal.
pub(crate) fn is_read_by_a_person() -> bool {
    stdout().is_terminal()
}

/// Prints a piece of what prints as it goes, at once.
///
/// # Errors
/// Whoever read it has gone away, or it cannot be written: nothing more has to be made.
pub(crate) fn go_on(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// So many of something, in words.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// How many columns standard output has; none when it is no terminal, and lines may be as long as they are.
pub(crate) fn width() -> Option<usize> {
    stdout().is_terminal().then(|| Term::stdout().size_checked()).flatten().map(|(_, columns)| columns.into())
}

/// A bar that fills while work of so many steps goes on; only at a terminal, on standard error, and gone at the end.
pub(crate) fn progress(steps: usize, what: &'static str) -> ProgressBar {
    let target =
        if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let plain = "{msg} {wide_bar} {pos}/{len} {eta}";
    let style = ProgressStyle::with_template(plain).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(steps as u64), target).with_style(style).with_message(what)
}

/// Standard output, for what prints as it goes.
pub(crate) fn standard_output() -> impl Write {
    stdout()
}

/// Asks a person at the terminal, on standard error; none where there is no terminal.
pub(crate) fn ask(question: &str) -> Option<String> {
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return None;
    }
    write!(stderr(), "{question}").ok()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer).ok()?;
    Some(answer)
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

/// Colour is for people at a terminal who have not switched it off, and for those who ask for it.
fn paint(text: &str, colour: &str, terminal: bool) -> String {
    let coloured = match COLOR.get() {
        Some(Color::Always) => true,
        Some(Color::Never) => false,
        Some(Color::Auto) | None => {
            terminal && is_welcome(std::env::var_os("NO_COLOR"), std::env::var_os("TERM"))
        }
    };
    if coloured { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Whether a terminal takes colours and its user wants them (<https://no-color.org>).
fn is_welcome(no_color: Option<OsString>, term: Option<OsString>) -> bool {
    no_color.is_none_or(|value| value.is_empty()) && term.is_none_or(|term| term != "dumb")
}

/// Text of strangers without what could steer a terminal, or turn what stands behind it around: a model's answer may hold escape sequences.
pub(crate) fn harmless(text: &str) -> String {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    // Marks that set a direction for all that follows, up to their end or the line's (Unicode's bidirectional algorithm, UAX 9).
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if steers(c) || turns(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_cannot_steer_the_terminal() {
        let clean = harmless("a\x1b[2Jb\u{9b}31mc\rd\ne");
        assert!(!clean.contains(['\x1b', '\u{9b}', '\r']), "{clean:?}");
        assert!(clean.contains("d\ne"));
        assert_eq!(harmless("a\u{202e}b\u{2066}c שלום"), "a\u{fffd}b\u{fffd}c שלום");
    }

    #[test]
    fn who_wants_no_colour_gets_none() {
        let welcome = |no_color: Option<&str>, term: Option<&str>| {
            is_welcome(no_color.map(OsString::from), term.map(OsString::from))
        };
        assert!(welcome(None, Some("xterm-256color")) && welcome(Some(""), None));
        assert!(!welcome(Some("1"), None) && !welcome(None, Some("dumb")));
    }

    #[test]
    fn no_colour_without_a_terminal() {
        assert_eq!(paint("x", BAD, false), "x");
    }
}
