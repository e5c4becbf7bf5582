//! Settings as a whole: what is in force when several places speak, and what is said when something is wrong.

mod documented;
mod found;
mod order;
mod wrong;

use super::load::{Flags, Loaded, load};
use super::place::Places;
use crate::failure::Failure;
use std::path::Path;
use tempfile::TempDir;

/// A user with a home and a project, in which they are just now.
struct Desk {
    home: TempDir,
    project: TempDir,
    variables: Vec<(String, String)>,
    flags: Flags,
}

impl Desk {
    fn new() -> Self {
        let folder = || tempfile::tempdir().unwrap();
        Self { home: folder(), project: folder(), variables: Vec::new(), flags: Flags::default() }
    }

    /// With this file in the working directory.
    fn found(self, text: &str) -> Self {
        write(&self.project.path().join("stillroom.toml"), text).map(|()| self).unwrap()
    }

    /// With this file in the user's configuration folder.
    fn own(self, text: &str) -> Self {
        write(&self.home.path().join("config/stillroom/stillroom.toml"), text).map(|()| self).unwrap()
    }

    /// With this file, named by `--config`.
    fn named(mut self, text: impl AsRef<[u8]>) -> Self {
        let path = self.home.path().join("named.toml");
        write(&path, text).unwrap();
        self.flags.config = Some(path);
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, flag: &'static str, key: &'static str, value: &str) -> Self {
        self.flags.values.push((flag, key, value.to_owned()));
        self
    }

    fn places(&self) -> Places {
        let home = |folder: &str| self.home.path().join(folder).into_os_string();
        let mut variables = vec![
            ("XDG_DATA_HOME".into(), home("data")),
            ("XDG_CONFIG_HOME".into(), home("config")),
            ("LOCALAPPDATA".into(), home("data")),
            ("APPDATA".into(), home("config")),
        ];
        variables.extend(self.variables.iter().map(|(name, value)| (name.into(), value.into())));
        Places { variables, working_directory: self.project.path().to_owned() }
    }

    fn load(&self) -> Loaded {
        load(&self.places(), &self.flags).map_err(|error| Failure::from(error).to_string()).unwrap()
    }

    /// What is said instead of starting, with the folders of this test taken out.
    fn refusal(&self) -> String {
        let failure = Failure::from(load(&self.places(), &self.flags).unwrap_err());
        assert_eq!(failure.exit, crate::failure::Exit::WrongUse);
        let text = failure.to_string();
        let text = text.replace(&self.home.path().display().to_string(), "HOME");
        text.replace(&self.project.path().display().to_string(), "PROJECT")
    }

    fn shown(&self, name: &str) -> serde_json::Value {
        let loaded = self.load();
        loaded.entries().find(|(key, ..)| key.name == name).map(|(_, value, _)| value).unwrap()
    }
}

fn write(path: &Path, text: impl AsRef<[u8]>) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::write(path, text)
}
