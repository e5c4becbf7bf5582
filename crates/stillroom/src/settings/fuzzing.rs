//! What holds for any settings file whatever. The fuzzer (`fuzz/`) looks for text for which it does not; the tests try some at
//! random, and all that lie in `fuzz/seeds`.

#![expect(clippy::expect_used, reason = "a broken promise is to be loud: this is no part of the program")]

#[cfg(test)]
mod tests;

use super::error::SettingsError;
use super::file::SettingsFile;
use super::keys::Nature;
use super::load::{Flags, Loaded, of_file};
use super::origin::Choice;
use super::place::Places;
use crate::failure::Failure;
use serde_json::Value;

/// Any text is a settings file or is refused with its place and what to do. What is in force, written down and read again, is
/// in force again. Merely lying in the working directory, it is refused, or says the same but for what it may have brought along.
pub fn settings(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match read(text, Choice::Named) {
        Ok(loaded) => {
            let again = read(&written(&loaded), Choice::Named).map_err(Failure::from);
            assert_eq!(shown(&again.expect("what is in force can be written")), shown(&loaded));
            let found = read(text, Choice::Found);
            assert!(found.is_ok_and(|found| shown(&found) == as_found(&loaded)) || reaches_out(text));
        }
        Err(error) => is_helpful(error),
    }
}

fn read(text: &str, choice: Choice) -> Result<Loaded, SettingsError> {
    let places = Places {
        variables: vec![("XDG_DATA_HOME".into(), "/data".into())],
        working_directory: "/work".into(),
    };
    let file = SettingsFile::of("/home/somebody/stillroom.toml".into(), choice, text.to_owned());
    of_file(Some(file), &places, &Flags::default())
}

fn reaches_out(text: &str) -> bool {
    matches!(read(text, Choice::Found), Err(SettingsError::NotForAFoundFile { .. }))
}

/// An error names the line, or speaks of the settings as a whole, and it says why and what to do.
fn is_helpful(error: SettingsError) {
    let whole = matches!(
        error,
        SettingsError::OpenToOthers { .. } | SettingsError::KeyOfUnknownShape | SettingsError::NoDataFolder
    );
    let failure = Failure::from(error);
    let said = failure.to_string();
    assert!(whole || said.contains("/home/somebody/stillroom.toml, line "), "{said}");
    assert!(
        [&failure.what, &failure.why, &failure.remedy].iter().all(|text| !text.trim().is_empty()),
        "{said}"
    );
}

fn shown(loaded: &Loaded) -> Vec<(&'static str, Value)> {
    loaded.entries().map(|(key, value, _)| (key.name, value)).collect()
}

/// The values in force if the same had merely been found: a database that it names adds nothing to requests.
fn as_found(loaded: &Loaded) -> Vec<(&'static str, Value)> {
    let brought = loaded.entries().any(|(key, _, origin)| key.name == "data_dir" && origin.is_some());
    let as_found =
        |(name, value)| if brought && name == "memory.inject" { (name, false.into()) } else { (name, value) };
    shown(loaded).into_iter().map(as_found).collect()
}

/// The values in force as a file. A secret is not shown, so another one stands for it.
fn written(loaded: &Loaded) -> String {
    let set = loaded.entries().filter(|(_, value, _)| !value.is_null());
    let line = |(key, value, _): (&'static super::keys::Key, Value, _)| {
        let value = match (key.nature, key.name) {
            (Nature::Secret, "sentry.dsn") => Value::from("https://public@127.0.0.1/1"),
            (Nature::Secret, _) => Value::from("a-secret"),
            _ => value,
        };
        format!("{} = {}\n", key.name, toml::Value::try_from(value).expect("a value of a file"))
    };
    set.map(line).collect()
}
