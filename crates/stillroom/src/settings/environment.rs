//! Settings from the environment: `STILLROOM_UPSTREAM__ANTHROPIC` is `upstream.anthropic`.

use super::error::SettingsError;
use super::keys;
use super::layers::Written;
use super::origin::Origin;
use super::value::Value;
use std::ffi::{OsStr, OsString};

/// What our variables begin with.
pub(crate) const PREFIX: &str = "STILLROOM_";
/// Names the settings file.
pub(crate) const CONFIG: &str = "STILLROOM_CONFIG";
/// Which log lines are written; the gateway reads it.
pub(crate) const LOG: &str = "STILLROOM_LOG";

/// The settings among `variables`.
///
/// # Errors
/// A variable that begins like ours and is none.
pub(crate) fn read(variables: &[(OsString, OsString)]) -> Result<Vec<Written>, SettingsError> {
    let ours = variables.iter().filter_map(|(name, value)| Some((name.to_str()?, value)));
    let ours = ours.filter(|(name, _)| name.starts_with(PREFIX) && ![CONFIG, LOG].contains(name));
    ours.map(|(name, value)| written(name, value)).collect()
}

/// The value of the variable `name` among `variables`.
pub(crate) fn find<'v>(variables: &'v [(OsString, OsString)], name: &str) -> Option<&'v OsStr> {
    let found = variables.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_os_str()).filter(|value| !value.is_empty())
}

fn written(name: &str, value: &OsStr) -> Result<Written, SettingsError> {
    let origin = Origin::Environment(name.to_owned());
    let dotted = dotted(name);
    let text = value.to_str().map_or(Value::Strange, Value::bare);
    match keys::find(&dotted).filter(|_| name == name.to_uppercase()) {
        Some(key) => Ok(Written { key, value: text, origin }),
        None => Err(SettingsError::unknown(dotted, origin)),
    }
}

fn dotted(name: &str) -> String {
    name[PREFIX.len()..].replace("__", ".").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::every_key::EVERY_KEY;
    use super::*;

    fn read_one(name: &str, value: &str) -> Result<Vec<Written>, SettingsError> {
        read(&[(name.into(), value.into())])
    }

    #[test]
    fn every_key_has_its_variable() {
        for key in EVERY_KEY {
            let written = read_one(&key.variable(), "x").unwrap();
            assert_eq!(written[0].key.name, key.name);
        }
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        assert!(read_one("ANTHROPIC_BASE_URL", "x").unwrap().is_empty());
        assert!(read_one(CONFIG, "x").unwrap().is_empty());
        assert!(read_one(LOG, "debug").unwrap().is_empty());
    }

    #[test]
    fn a_variable_in_small_letters_is_not_a_setting_but_an_error() {
        assert!(read_one("STILLROOM_listen", "127.0.0.1:1").is_err());
        assert!(read_one("STILLROOM_UPSTREAM_ANTHROPIC", "x").is_err());
    }
}
