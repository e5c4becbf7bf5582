//! The working directory, as agents state it in their instructions. It names a project and is never opened.

use super::escaped::{line_around, text};
use super::json::{self, Raw, Text, texts};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// Longer statements are not paths but prose.
const LONGEST: usize = 1024;

/// Every statement has one of these, in the spelling of people who write words with one case.
static TELLTALES: LazyLock<[Finder<'_>; 3]> =
    LazyLock::new(|| ["irectory", "IRECTORY", "<cwd>"].map(Finder::new));

/// The first working directory that any of `texts` states on a line of its own.
pub(super) fn directory<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<String> {
    // Most texts state none, and a look for a word is far cheaper than one at each line.
    let may_state = |text: &&str| TELLTALES.iter().any(|telltale| telltale.find(text.as_bytes()).is_some());
    let mut lines = texts.into_iter().filter(may_state).flat_map(str::lines);
    lines.find_map(|line| stated(line.trim())).map(str::to_owned)
}

/// The same for texts as they stand in JSON between their quotes. Only the lines are read that may state one: instructions are long.
pub(super) fn stated_in<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<String> {
    let mut lines = texts.into_iter().flat_map(telling_lines);
    lines.find_map(|line| directory([&*spoken(line)?]))
}

/// The lines of a text that may state one, each once however often it looks like it.
fn telling_lines(text: &str) -> impl Iterator<Item = &str> {
    let telltales = TELLTALES.iter().flat_map(|telltale| telltale.find_iter(text.as_bytes()));
    let mut telltales: Vec<usize> = telltales.collect();
    telltales.sort_unstable();
    let mut passed = 0;
    telltales.into_iter().filter_map(move |at| {
        let line = (at >= passed).then(|| line_around(text, at))?;
        passed = line.end;
        text.get(line)
    })
}

/// The same for a content: a text, or a list of parts that have one.
pub(super) fn stated_in_content(content: Raw<'_>) -> Option<String> {
    match text(content.get().as_bytes()) {
        Some(text) => stated_in([text]),
        None => directory(texts(Some(content)).iter().map(AsRef::as_ref)),
    }
}

/// What a piece of a text that stands in JSON says.
fn spoken(escaped: &str) -> Option<String> {
    let json = ["\"", escaped, "\""].concat();
    let text: Text<'_> = json::read(&json)?;
    Some(text.0.into_owned())
}

fn stated(line: &str) -> Option<&str> {
    let path = tagged(line).or_else(|| labelled(line))?.trim().trim_matches('`');
    (path.len() <= LONGEST && is_absolute(path)).then_some(path)
}

fn tagged(line: &str) -> Option<&str> {
    line.strip_prefix("<cwd>")?.strip_suffix("</cwd>")
}

fn labelled(line: &str) -> Option<&str> {
    let (label, path) = line.split_once(':')?;
    let label = label.trim_start_matches(['-', '*', ' ']);
    ["working directory", "primary working directory", "current working directory"]
        .into_iter()
        .any(|known| label.eq_ignore_ascii_case(known))
        .then_some(path)
}

fn is_absolute(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic());
    drive || path.starts_with(['/', '~', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_agents_spelling_is_understood() {
        for (line, path) in [
            ("# Environment\n - Primary working directory: /home/user/project\nmore", "/home/user/project"),
            ("<env>\n  Working directory: /a b/c\n</env>", "/a b/c"),
            ("  <cwd>/home/user</cwd>", "/home/user"),
            ("Current working directory: C:\\work", "C:\\work"),
            ("* Working directory: `/x`", "/x"),
            ("WORKING DIRECTORY: /x", "/x"),
        ] {
            assert_eq!(directory([line]).as_deref(), Some(path));
        }
    }

    #[test]
    fn a_line_that_may_state_one_is_read_once() {
        let text = r"one\ndirectory of a directory <cwd>\ntwo\nDIRECTORY";
        assert_eq!(telling_lines(text).collect::<Vec<_>>(), ["directory of a directory <cwd>", "DIRECTORY"]);
    }

    #[test]
    fn the_first_statement_wins() {
        assert_eq!(
            directory(["nothing", "Working directory: /a\nWorking directory: /b"]).as_deref(),
            Some("/a")
        );
    }

    #[test]
    fn prose_about_directories_is_no_statement() {
        for line in
            ["Working directory: see below", "The working directory: /a", "<cwd>/a", "Working directory:"]
        {
            assert_eq!(directory([line]), None, "{line}");
        }
        assert_eq!(directory([format!("Working directory: /{}", "a".repeat(LONGEST)).as_str()]), None);
    }
}
