//! Projects are named by their name, or by a folder of theirs.

use super::invocation::Invocation;
use crate::failure::Failure;
use domain::ids::{Principal, ProjectId};
use domain::time::UnixMillis;
use std::fs;
use workers::Projects;

/// The project that is named so, of what a gateway of these settings keeps. A folder that is there means the project that it is a part of.
///
/// # Errors
/// The settings are wrong.
pub(super) fn named(invocation: &Invocation<'_>, project: &str) -> Result<ProjectId, Failure> {
    let listen = invocation.settings()?.settings().listen;
    Ok(of_owner(&gateway::recorded_for(listen), project))
}

fn of_owner(owner: &Principal, project: &str) -> ProjectId {
    match fs::canonicalize(project) {
        Ok(folder) if folder.is_dir() => {
            Projects::default().of(owner, &folder.display().to_string(), UnixMillis::default())
        }
        _ => project.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_there_is_the_project_that_it_is_a_part_of_and_all_else_a_name() {
        let here = fs::canonicalize(".").unwrap().display().to_string();
        let named = |project: &str| of_owner(&Principal::local(), project);
        assert_eq!(named("."), named(&here));
        assert_ne!(named(".").as_str(), ".");
        assert_eq!(named("github.com/ann/oven").as_str(), "github.com/ann/oven");
        let elsewhere = of_owner(&Principal::from("remote"), ".");
        assert_eq!(elsewhere.as_str(), here, "folders of other machines are looked at by nobody here");
    }
}
