//! Where a value was written, so that whoever must change it knows the place.

use std::fmt;
use std::path::PathBuf;

/// The place of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An environment variable that other programs obey too.
    Shared(&'static str),
    /// A line of the settings file.
    File(Line),
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
}

/// A line of a settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The file, as it was looked up.
    pub(crate) file: PathBuf,
    /// From 1.
    pub(crate) number: usize,
    /// How the file came to be read.
    pub(crate) choice: Choice,
}

/// How a settings file came to be read. A file that merely lay in the working directory is trusted less (ADR 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Named by `--config` or `STILLROOM_CONFIG`.
    Named,
    /// Found in the working directory.
    Found,
    /// The user's own, in their configuration folder.
    Own,
}

impl Origin {
    /// What wins over what: a higher one.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Shared(_) => 0,
            Self::File(_) => 1,
            Self::Environment(_) => 2,
            Self::Flag(_) => 3,
        }
    }

    /// Whether the value comes from a file that merely lay in the working directory.
    pub(crate) fn is_found(&self) -> bool {
        matches!(self, Self::File(line) if line.choice == Choice::Found)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(line) => write!(f, "{}, line {}", line.file.display(), line.number),
            Self::Shared(name) => write!(f, "environment variable {name}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}
