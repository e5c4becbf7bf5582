//! Knowledge as a file that people read, edit and keep in a repository: Markdown, one section an entry, in an order that stays.
//!
//! Nothing in it changes unless an entry does, so a change of one entry is a change of its lines and of no others.

mod reading;
#[cfg(test)]
mod tests;

pub use reading::parse;

use crate::ids::ProjectId;
use crate::knowledge::{AT_REQUEST, Category, check_entry};
use crate::origin::Origin;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// What every file begins with.
const PREAMBLE: &str =
    "<!-- Knowledge that Stillroom keeps. Edit it as you like: `stillroom import FILE` takes it over. -->\n";
const PROJECT: &str = "# Project ";
const NO_PROJECT: &str = "# Without a project";
const ENTRY: &str = "## ";
const CATEGORIES: [Category; 5] =
    [Category::Decision, Category::Pattern, Category::Preference, Category::Architecture, Category::Gotcha];

/// An entry as the file has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Where it comes from; none for an entry that a person wrote down here first, and without a time in a file of before origins.
    pub id: Option<Origin>,
    /// The project that it belongs to, if to one.
    pub project: Option<ProjectId>,
    /// Whether it holds in every project.
    pub promoted: bool,
    /// What kind it is.
    pub category: Category,
    /// One line.
    pub title: String,
    /// A few sentences.
    pub content: String,
    /// 0 to 1.
    pub confidence: f64,
    /// Whether an agent asked to keep it. What leaves that out takes it from no entry.
    #[serde(default)]
    pub remembered: bool,
}

impl Section {
    /// Whether it may be an entry.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), String> {
        self.id.as_ref().map_or(Ok(()), Origin::check)?;
        check_entry(&self.title, &self.content, self.confidence)
    }
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KnowledgeFile {
    /// The projects of its headings, also of those below which nothing stands any more; none for the heading of those without one.
    pub projects: Vec<Option<ProjectId>>,
    /// The entries.
    pub sections: Vec<Section>,
}

impl KnowledgeFile {
    /// Whether it has this project: what it does not have of it is missing.
    #[must_use]
    pub fn covers(&self, project: Option<&ProjectId>) -> bool {
        let of_sections = self.sections.iter().map(|section| &section.project);
        self.projects.iter().chain(of_sections).any(|covered| covered.as_ref() == project)
    }

    /// Whether its sections may be entries, each another.
    ///
    /// # Errors
    /// Which section may not, counted from 1, and why.
    pub fn check(&self) -> Result<(), String> {
        let mut ids = BTreeSet::new();
        for (section, number) in self.sections.iter().zip(1..) {
            section.check().map_err(|why| format!("section {number}: {why}"))?;
            if section.id.as_ref().is_some_and(|id| !ids.insert(id)) {
                return Err(format!("section {number}: this id is another section's already"));
            }
        }
        Ok(())
    }
}

/// Why a file is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub struct Fault {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there, and what would be right.
    pub what: String,
}

/// The file of these, which come in the order in which they were made; project by project, those of none last.
#[must_use]
pub fn render(sections: &[Section]) -> String {
    let mut projects: BTreeMap<(bool, Option<&ProjectId>), Vec<&Section>> = BTreeMap::new();
    for section in sections {
        projects.entry((section.project.is_none(), section.project.as_ref())).or_default().push(section);
    }
    let mut file = PREAMBLE.to_owned();
    for ((_, project), sections) in projects {
        file.push('\n');
        match project {
            Some(project) => file.push_str(&format!("{PROJECT}{}\n", spelled(project.as_str()))),
            None => file.push_str(&format!("{NO_PROJECT}\n")),
        }
        sections.into_iter().for_each(|section| file.push_str(&written(section)));
    }
    file
}

fn written(section: &Section) -> String {
    let Section { id, promoted, remembered, category, title, content, confidence, .. } = section;
    let id = id.as_ref().map(|id| format!("`{id}` ")).unwrap_or_default();
    let promoted = if *promoted { ", promoted" } else { "" };
    let remembered = if *remembered { format!(", {AT_REQUEST}") } else { String::new() };
    let content = normal(content);
    let lines: Vec<String> = content.lines().map(escaped).collect();
    format!(
        "\n{ENTRY}{}\n\n{id}{}, confidence {confidence}{promoted}{remembered}\n\n{}\n",
        in_one_line(title),
        category.as_str(),
        lines.join("\n")
    )
}

/// A project as a heading can have it: as it is, or in quotes where its ends would not be seen.
fn spelled(project: &str) -> String {
    let is_plain = project == project.trim() && !project.is_empty() && !project.starts_with('"');
    if is_plain && !project.contains(char::is_control) {
        return project.to_owned();
    }
    serde_json::Value::from(project).to_string()
}

/// A title as a heading can have it.
#[must_use]
pub fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A content as a file can have it: one kind of line ends, and no blanks around.
#[must_use]
pub fn normal(content: &str) -> String {
    content.lines().collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// What could be taken for a heading or for a mark of a merge gets a backslash.
fn escaped(line: &str) -> String {
    if is_telling(line.trim_start_matches('\\')) { format!("\\{line}") } else { line.to_owned() }
}

fn unescaped(line: &str) -> &str {
    line.strip_prefix('\\').filter(|rest| is_telling(rest.trim_start_matches('\\'))).unwrap_or(line)
}

fn is_telling(line: &str) -> bool {
    is_heading(line) || is_conflict(line)
}

/// Whether git put it there because two sides changed the same lines. What it puts between the two sides may be somebody's heading.
fn is_conflict(line: &str) -> bool {
    let rest = ["<<<<<<<", ">>>>>>>"].iter().find_map(|mark| line.strip_prefix(mark));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

fn is_heading(line: &str) -> bool {
    line.starts_with("# ") || line.starts_with(ENTRY)
}
