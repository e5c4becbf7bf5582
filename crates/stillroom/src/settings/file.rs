//! The settings file: which one is read, and what each of its lines sets.

use super::environment;
use super::error::SettingsError;
use super::keys;
use super::layers::Written;
use super::origin::{Choice, Line, Origin};
use super::place::Places;
use super::value::Value;
use domain::secret::Secret;
use std::fs;
use std::io::{self, ErrorKind, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// The name of a settings file.
pub(crate) const NAME: &str = "stillroom.toml";

/// How long a settings file may be, in bytes.
const LONGEST: u64 = 1 << 20;

/// A settings file that was looked up and read.
#[derive(Debug)]
pub(crate) struct SettingsFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// How it came to be read.
    pub(crate) choice: Choice,
    text: Secret,
}

/// The one file to read: `named`, else the working directory's, else the user's own; none when there is none.
///
/// # Errors
/// A file that is there, or was named, and cannot be read.
pub(crate) fn find(named: Option<&Path>, places: &Places) -> Result<Option<SettingsFile>, SettingsError> {
    if let Some(path) = named {
        return read(path, Choice::Named).map(Some);
    }
    let own = places.config_folder().map(|folder| folder.join(NAME));
    let here = places.working_directory.join(NAME);
    let found = (own.as_ref() != Some(&here)).then_some((here, Choice::Found));
    let candidates = found.into_iter().chain(own.map(|path| (path, Choice::Own)));
    candidates
        .into_iter()
        .find(|(path, _)| exists(path))
        .map(|(path, choice)| read(&path, choice))
        .transpose()
}

/// Whether something is there, even if it cannot be read: then that is an error, not a reason to look elsewhere.
fn exists(path: &Path) -> bool {
    !matches!(path.symlink_metadata(), Err(cause) if cause.kind() == ErrorKind::NotFound)
}

fn unreadable(path: &Path, cause: &io::Error) -> SettingsError {
    let leads_to = fs::read_link(path).ok().filter(|_| cause.kind() == ErrorKind::NotFound);
    let cause = leads_to.map_or_else(
        || cause.to_string(),
        |nowhere| format!("it is a link to {}, where nothing is", nowhere.display()),
    );
    SettingsError::Unreadable { path: path.to_owned(), cause }
}

fn read(path: &Path, choice: Choice) -> Result<SettingsFile, SettingsError> {
    let bytes = bytes(path, choice).map_err(|cause| unreadable(path, &cause))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let origin = origin(path, choice, &error.as_bytes()[..error.utf8_error().valid_up_to()]);
        SettingsError::Syntax { origin, fault: "it is not UTF-8".to_owned() }
    })?;
    Ok(SettingsFile::of(path.to_owned(), choice, text))
}

/// A project that was cloned may bring a link to a device or a pipe, which has no end, or never begins. Who names one means it.
fn bytes(path: &Path, choice: Choice) -> io::Result<Vec<u8>> {
    if choice != Choice::Named && !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    let is_too_long = bytes.len() as u64 > LONGEST;
    if is_too_long { Err(io::Error::other("it is longer than a mebibyte")) } else { Ok(bytes) }
}

/// The place in a file behind the bytes `before`.
fn origin(path: &Path, choice: Choice, before: &[u8]) -> Origin {
    let number = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    Origin::File(Line { file: path.to_owned(), number, choice })
}

impl SettingsFile {
    /// The file with this text.
    pub(super) fn of(path: PathBuf, choice: Choice, text: String) -> Self {
        Self { path, choice, text: Secret::new(text) }
    }

    /// What its lines set.
    ///
    /// # Errors
    /// Text that is no TOML, and keys that are no settings.
    pub(crate) fn written(&self) -> Result<Vec<Written>, SettingsError> {
        let table = DeTable::parse(self.text.reveal()).map_err(|fault| {
            let origin = self.origin(&fault.span().unwrap_or_default());
            SettingsError::Syntax { origin, fault: fault.message().to_owned() }
        })?;
        let mut written = Vec::new();
        self.descend("", table.get_ref(), &mut written)?;
        Ok(written)
    }

    fn descend(
        &self,
        prefix: &str,
        table: &DeTable<'_>,
        out: &mut Vec<Written>,
    ) -> Result<(), SettingsError> {
        for (name, value) in table {
            let dotted = format!("{prefix}{}", name.get_ref());
            match (value.get_ref(), keys::find(&dotted)) {
                (value, Some(key)) => {
                    out.push(Written { key, value: plain(value), origin: self.origin(&name.span()) });
                }
                (DeValue::Table(inner), None) if !inner.is_empty() || keys::is_section(&dotted) => {
                    self.descend(&format!("{dotted}."), inner, out)?;
                }
                (_, None) => {
                    return Err(SettingsError::unknown(dotted, self.origin(&name.span())));
                }
            }
        }
        Ok(())
    }

    fn origin(&self, span: &Range<usize>) -> Origin {
        let text = self.text.reveal().as_bytes();
        origin(&self.path, self.choice, &text[..span.start.min(text.len())])
    }
}

/// One value in a file's notation; none when it is not in it.
pub(crate) fn value(text: &str) -> Option<Value> {
    DeValue::parse(text).ok().map(|value| plain(value.get_ref()))
}

fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::quoted(text.as_ref()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Strange, Value::Integer)
        }
        DeValue::Float(number) => number.as_str().parse().map_or(Value::Strange, Value::Number),
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Array(values) => Value::List(values.iter().map(|value| plain(value.get_ref())).collect()),
        DeValue::Datetime(_) | DeValue::Table(_) => Value::Strange,
    }
}

/// The path that `--config`, or else the environment, names.
pub(crate) fn named(flag: Option<&Path>, places: &Places) -> Option<PathBuf> {
    let variable = || environment::find(&places.variables, environment::CONFIG).map(PathBuf::from);
    flag.map(Path::to_owned).or_else(variable)
}
