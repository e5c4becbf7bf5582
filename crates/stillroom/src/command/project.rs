//! Projects are named by their name, or by a folder of theirs.

use domain::ids::{Principal, ProjectId};
use domain::time::UnixMillis;
use std::fs;
use workers::Projects;

/// The project that is named so. A folder that is there means the project that it is a part of.
pub(super) fn named(project: &str) -> ProjectId {
    match fs::canonicalize(project) {
        Ok(folder) if folder.is_dir() => {
            Projects::default().of(&Principal::local(), &folder.display().to_string(), UnixMillis::default())
        }
        _ => project.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_there_is_the_project_that_it_is_a_part_of_and_all_else_a_name() {
        let here = fs::canonicalize(".").unwrap();
        assert_eq!(named("."), named(&here.display().to_string()));
        assert_ne!(named(".").as_str(), ".");
        assert_eq!(named("github.com/ann/oven").as_str(), "github.com/ann/oven");
    }
}
