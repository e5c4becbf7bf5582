//! Where this user's files belong on this platform.

use super::environment;
use std::ffi::OsString;
use std::path::PathBuf;

/// What the process finds around it when it starts. Passed in, so that a test can say what is there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// The environment.
    pub(crate) variables: Vec<(OsString, OsString)>,
    /// The working directory.
    pub(crate) working_directory: PathBuf,
}

impl Places {
    /// What is around this process.
    pub(crate) fn of_this_process() -> Self {
        let working_directory = std::env::current_dir().unwrap_or_default();
        Self { variables: std::env::vars_os().collect(), working_directory }
    }

    /// Where data goes when nobody says otherwise; none without a home.
    pub(crate) fn data_folder(&self) -> Option<PathBuf> {
        self.folder(&DATA).map(|folder| folder.join("stillroom"))
    }

    /// Where this user's own settings are; none without a home.
    pub(crate) fn config_folder(&self) -> Option<PathBuf> {
        self.folder(&CONFIG).map(|folder| folder.join("stillroom"))
    }

    /// Where an agent keeps its own files: the folder that a variable of its own names, else one in the home; none without a home.
    pub(crate) fn of_agent(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        self.path(variable).or_else(|| Some(self.path(DATA.home)?.join(below_home)))
    }

    /// A relative path in such a variable is ignored: it would mean another folder in every working directory.
    fn folder(&self, convention: &Convention) -> Option<PathBuf> {
        let variable = self.path(convention.variable);
        variable.or_else(|| Some(self.path(convention.home)?.join(convention.below_home)))
    }

    fn path(&self, variable: &str) -> Option<PathBuf> {
        let path = environment::find(&self.variables, variable).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    }
}

/// A folder that a variable names, or that lies below the home.
struct Convention {
    variable: &'static str,
    home: &'static str,
    below_home: &'static str,
}

#[cfg(not(any(windows, target_os = "macos")))]
const DATA: Convention = Convention { variable: "XDG_DATA_HOME", home: "HOME", below_home: ".local/share" };
#[cfg(not(any(windows, target_os = "macos")))]
const CONFIG: Convention = Convention { variable: "XDG_CONFIG_HOME", home: "HOME", below_home: ".config" };

#[cfg(target_os = "macos")]
const DATA: Convention =
    Convention { variable: "XDG_DATA_HOME", home: "HOME", below_home: "Library/Application Support" };
#[cfg(target_os = "macos")]
const CONFIG: Convention =
    Convention { variable: "XDG_CONFIG_HOME", home: "HOME", below_home: "Library/Application Support" };

#[cfg(windows)]
const DATA: Convention =
    Convention { variable: "LOCALAPPDATA", home: "USERPROFILE", below_home: r"AppData\Local" };
#[cfg(windows)]
const CONFIG: Convention =
    Convention { variable: "APPDATA", home: "USERPROFILE", below_home: r"AppData\Roaming" };

#[cfg(all(test, not(any(windows, target_os = "macos"))))]
mod tests {
    use super::*;

    fn places(variables: &[(&str, &str)]) -> Places {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Places { variables, working_directory: PathBuf::new() }
    }

    #[test]
    fn the_data_folder_follows_the_platform() {
        let data = |variables: &[_]| places(variables).data_folder();
        assert_eq!(data(&[("HOME", "/home/a")]), Some("/home/a/.local/share/stillroom".into()));
        assert_eq!(data(&[("HOME", "/home/a"), ("XDG_DATA_HOME", "/d")]), Some("/d/stillroom".into()));
        assert_eq!(
            data(&[("HOME", "/home/a"), ("XDG_DATA_HOME", "d")]),
            Some("/home/a/.local/share/stillroom".into())
        );
        assert_eq!(data(&[]), None);
    }

    #[test]
    fn the_config_folder_follows_the_platform() {
        assert_eq!(places(&[("HOME", "/home/a")]).config_folder(), Some("/home/a/.config/stillroom".into()));
    }
}
