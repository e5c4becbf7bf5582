//! Reading a file that people edited: what is wrong is named with its line.

use super::{
    CATEGORIES, ENTRY, Fault, KnowledgeFile, NO_PROJECT, PROJECT, Section, is_conflict, normal, unescaped,
};
use crate::ids::ProjectId;
use crate::knowledge::{AT_REQUEST, Category};
use crate::origin::Origin;
use std::collections::BTreeMap;

/// Reads a file: all of it, or the first thing that is wrong.
///
/// # Errors
/// See [`Fault`].
pub fn parse(file: &str) -> Result<KnowledgeFile, Fault> {
    let mut reader = Reader::default();
    for (index, line) in file.lines().enumerate() {
        reader.read(index + 1, line)?;
    }
    reader.close()?;
    Ok(reader.file)
}

#[derive(Default)]
struct Reader {
    /// Under which project; none before the first.
    project: Option<Option<ProjectId>>,
    open: Option<Open>,
    file: KnowledgeFile,
    /// The line of each id.
    ids: BTreeMap<Origin, usize>,
}

/// A section that is being read.
struct Open {
    line: usize,
    title: String,
    head: Option<Head>,
    content: Vec<String>,
}

/// The line below a heading.
struct Head {
    id: Option<Origin>,
    category: Category,
    confidence: f64,
    promoted: bool,
    remembered: bool,
}

impl Reader {
    fn read(&mut self, number: usize, line: &str) -> Result<(), Fault> {
        if is_conflict(line) {
            return Err(unsettled(number, line));
        }
        if let Some(title) = line.strip_prefix(ENTRY) {
            self.close()?;
            if self.project.is_none() {
                return Err(fault(number, "an entry before the first project"));
            }
            let title = title.trim().to_owned();
            self.open = Some(Open { line: number, title, head: None, content: Vec::new() });
            return Ok(());
        }
        if line.starts_with("# ") {
            self.close()?;
            let project = project(number, line)?;
            self.file.projects.push(project.clone());
            self.project = Some(project);
            return Ok(());
        }
        match &mut self.open {
            Some(open) => open.take(number, line),
            None if line.trim().is_empty() || line.starts_with("<!--") => Ok(()),
            None => Err(fault(number, "text that belongs to no entry")),
        }
    }

    /// Ends the section that is being read, if one is.
    fn close(&mut self) -> Result<(), Fault> {
        let Some(Open { line, title, head, content }) = self.open.take() else { return Ok(()) };
        let Some(Head { id, category, confidence, promoted, remembered }) = head else {
            return Err(fault(line, "an entry without its second line"));
        };
        if let Some(before) = id.clone().and_then(|id| self.ids.insert(id, line)) {
            return Err(fault(line, &format!("this id is another entry's already, in line {before}")));
        }
        let (project, content) = (self.project.clone().flatten(), normal(&content.join("\n")));
        let section = Section { id, project, promoted, category, title, content, confidence, remembered };
        section.check().map_err(|why| fault(line, &why))?;
        self.file.sections.push(section);
        Ok(())
    }
}

impl Open {
    fn take(&mut self, number: usize, line: &str) -> Result<(), Fault> {
        match &self.head {
            None if line.trim().is_empty() => {}
            None => self.head = Some(head(number, line.trim())?),
            Some(_) => self.content.push(unescaped(line).to_owned()),
        }
        Ok(())
    }
}

fn project(number: usize, line: &str) -> Result<Option<ProjectId>, Fault> {
    if line.trim_end() == NO_PROJECT {
        return Ok(None);
    }
    let name = line.strip_prefix(PROJECT).map(str::trim).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| fault(number, "a heading that names no project"))?;
    let spelled = name.starts_with('"').then(|| serde_json::from_str::<String>(name).ok()).flatten();
    Ok(Some(spelled.as_deref().unwrap_or(name).into()))
}

/// Reads "`k12@1764283947123` gotcha, confidence 0.9, promoted, kept at an agent's request"; the id and the last two may be missing.
fn head(number: usize, line: &str) -> Result<Head, Fault> {
    let wrong = || fault(number, "a second line of an entry that cannot be read");
    let (id, rest) = match line.strip_prefix('`') {
        Some(rest) => {
            let (id, rest) = rest.split_once('`').ok_or_else(wrong)?;
            (Some(checked_id(number, id)?), rest.trim_start())
        }
        None => (None, line),
    };
    let mut words = rest.split(',').map(str::trim);
    let category = words.next().and_then(category).ok_or_else(wrong)?;
    let confidence = words.next().and_then(|word| word.strip_prefix("confidence ")?.trim().parse().ok());
    let confidence = confidence.ok_or_else(wrong)?;
    let mut words = words.peekable();
    let promoted = words.next_if_eq(&"promoted").is_some();
    let remembered = words.next_if_eq(&AT_REQUEST).is_some();
    if words.next().is_some() {
        Err(wrong())
    } else {
        Ok(Head { id, category, confidence, promoted, remembered })
    }
}

fn category(word: &str) -> Option<Category> {
    CATEGORIES.into_iter().find(|category| category.as_str() == word)
}

fn checked_id(number: usize, id: &str) -> Result<Origin, Fault> {
    let origin = Origin::read(id);
    origin.check().map_err(|why| fault(number, &why))?;
    Ok(origin)
}

fn unsettled(line: usize, mark: &str) -> Fault {
    let what = format!(
        "{mark:?} is a mark of a merge that is not settled: keep what is to stay of both sides, and take out the lines with the marks (a backslash \
        before it makes it a line of a content)"
    );
    Fault { line, what }
}

fn fault(line: usize, what: &str) -> Fault {
    let shape = "a project begins with \"# Project NAME\" or \"# Without a project\", an entry with \"## TITLE\" and, below it, \
        \"`ID` CATEGORY, confidence 0.9\" (a new entry has no id; \", promoted\" may follow, and then \", kept at an agent's request\")";
    Fault { line, what: format!("{what}; {shape}") }
}
