//! The working directory, as agents state it in their instructions. It names a project and is never opened.

use super::escaped::{line_around, text};
use super::json::{self, Raw, Text, texts};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// Longer statements are not paths but prose.
const LONGEST: usize = 1024;

/// How Codex begins the text in which it says where it is, and the one in which it brings the repository's AGENTS.md.
const ENVIRONMENT: &str = "<environment_context>";
const REPOSITORYS: &str = "# AGENTS.md instructions";

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

/// The one in the first of `texts` in which an agent says nothing but where it is.
pub(super) fn stated_by_agent<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<String> {
    let mut own = texts.into_iter().filter(|text| text.trim_start().starts_with(ENVIRONMENT));
    let tagged = own.find_map(|text| text.lines().find_map(|line| tagged(line.trim())))?;
    stated_path(tagged).map(str::to_owned)
}

/// Whether a text is what a repository tells every agent that works in it.
pub(super) fn is_of_a_repository(text: &str) -> bool {
    text.trim_start().starts_with(REPOSITORYS)
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
    tagged(line).or_else(|| labelled(line)).and_then(stated_path)
}

fn stated_path(path: &str) -> Option<&str> {
    let path = path.trim().trim_matches('`');
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
    fn what_an_agent_says_of_itself_is_told_from_what_a_repository_says() {
        let (own, other) =
            ("<environment_context>\n  <cwd>/own</cwd>", "Working directory: /other\n<cwd>/other</cwd>");
        assert_eq!(stated_by_agent([other, own]).as_deref(), Some("/own"));
        assert_eq!(stated_by_agent([other, "<environment_context>\nWorking directory: /other"]), None);
        assert!(is_of_a_repository("# AGENTS.md instructions for /own\n\nWorking directory: /other"));
        assert!(!is_of_a_repository(own));
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
