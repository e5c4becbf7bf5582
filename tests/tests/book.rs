//! The pages of `docs/` are a book: none is left out of its table of contents, and no link leads nowhere.

#![expect(clippy::expect_used, reason = "a page that cannot be read leads nowhere")]

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// What a reader can follow, and what can be led to: code, in blocks and in lines, is neither.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut heading = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.add_anchor(&heading.take().unwrap_or_default()),
                Event::Text(words) | Event::Code(words) => heading.iter_mut().for_each(|it| *it += &words),
                _ => {}
            }
        }
        page
    }

    /// As GitHub and mdBook name headings; the second of one name gets `-1`.
    fn add_anchor(&mut self, heading: &str) {
        let kept = heading.chars().filter(|it| it.is_alphanumeric() || [' ', '-', '_'].contains(it));
        let name: String = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let numbered = (1..).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|it| !self.anchors.contains(it));
        self.anchors.extend(free);
    }
}

/// All files below `folder` that are Markdown.
fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let below = |path: PathBuf| if path.is_dir() { markdown(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|it| it == "md")).collect()
}

fn pages() -> BTreeMap<PathBuf, Page> {
    let paths = markdown(&root().join("docs")).into_iter().chain([root().join("README.md")]);
    paths.map(|path| (path.clone(), Page::read(&fs::read_to_string(path).expect("text")))).collect()
}

/// `path` without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
        plain
    })
}

/// What is wrong with a link on the page at `from`, if anything is.
fn fault(link: &str, from: &Path, pages: &BTreeMap<PathBuf, Page>) -> Option<&'static str> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let folder = from.parent().expect("a folder");
    let target = if file.is_empty() { from.to_owned() } else { plain(&folder.join(file)) };
    let docs = root().join("docs");
    match pages.get(&target) {
        _ if !target.exists() => Some("there is no such file"),
        _ if from.starts_with(&docs) && !target.starts_with(&docs) => Some("it leads out of the book"),
        Some(page) if anchor.is_some_and(|it| !page.anchors.contains(it)) => Some("there is no such heading"),
        None if anchor.is_some() => Some("only pages have headings"),
        _ => None,
    }
}

#[test]
fn every_link_between_pages_leads_to_a_file_and_a_heading_that_are_there() {
    let pages = pages();
    let links = pages.iter().flat_map(|(path, page)| page.links.iter().map(move |link| (path, link)));
    let faults: Vec<String> = links
        .filter_map(|(path, link)| {
            Some(format!("{}: {link}: {}", path.display(), fault(link, path, &pages)?))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_table_of_contents_names_every_page_once() {
    let docs = root().join("docs");
    let mut pages = pages();
    let contents = pages.remove(&docs.join("SUMMARY.md")).expect("the table of contents");
    let mut named: Vec<PathBuf> = contents.links.iter().map(|link| docs.join(link)).collect();
    named.sort();
    let there: Vec<PathBuf> = pages.into_keys().filter(|path| path.starts_with(&docs)).collect();
    assert_eq!(named, there);
}

#[test]
fn links_in_code_lead_nowhere_and_headings_are_named_as_readers_see_them() {
    let page = Page::read(
        "# A `b` c: d\n## Same\n## Same\n[x](y.md#z) `[no](no.md)`\n\n```\n# no\n[no](no.md)\n```\n",
    );
    assert_eq!(page.links, ["y.md#z"]);
    assert_eq!(page.anchors, BTreeSet::from(["a-b-c-d", "same", "same-1"].map(str::to_owned)));
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let (pages, page) = (pages(), root().join("docs/adr/index.md"));
    let fault = |link| fault(link, &page, &pages);
    assert_eq!(fault("../glossary.md#glossary"), None);
    assert_eq!(fault("https://example.com/gone#gone"), None);
    assert_eq!(fault("../no-such-page.md"), Some("there is no such file"));
    assert_eq!(fault("../glossary.md#no-such-word"), Some("there is no such heading"));
    assert_eq!(fault("#no-such-word"), Some("there is no such heading"));
    assert_eq!(fault("../../README.md"), Some("it leads out of the book"));
}
