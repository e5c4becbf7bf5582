//! Settings from the environment: `STILLROOM_UPSTREAM__ANTHROPIC` is `upstream.anthropic`; and what many programs read from it.

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

/// The variables that other programs obey too, and the setting that each is. The first name that is set counts; of two spellings
/// curl takes the small one first.
const SHARED: [(&str, [&str; 2]); 2] =
    [("upstream.proxy", ["https_proxy", "HTTPS_PROXY"]), ("upstream.no_proxy", ["no_proxy", "NO_PROXY"])];

/// What the variables that are not ours alone say.
pub(crate) fn shared(variables: &[(OsString, OsString)]) -> impl Iterator<Item = Written> {
    SHARED.iter().filter_map(|(key, names)| {
        let (name, value) = names.iter().find_map(|name| Some((*name, find(variables, name)?)))?;
        let value = value.to_str().map_or(Value::Strange, Value::bare);
        Some(Written { key: keys::find(key)?, value, origin: Origin::Shared(name) })
    })
}

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
    fn the_variables_of_a_proxy_are_those_that_other_programs_obey() {
        let read = |variables: &[(&str, &str)]| {
            let variables: Vec<_> =
                variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            let written: Vec<_> = shared(&variables).collect();
            written
                .iter()
                .map(|one| (one.key.name, one.value.text().unwrap_or_default().to_owned()))
                .collect::<Vec<_>>()
        };
        let proxy = |text: &str| ("upstream.proxy", text.to_owned());
        assert_eq!(read(&[("HTTPS_PROXY", "a:1")]), [proxy("a:1")]);
        assert_eq!(read(&[("HTTPS_PROXY", "a:1"), ("https_proxy", "b:1")]), [proxy("b:1")]);
        assert_eq!(read(&[("HTTPS_PROXY", "a:1"), ("https_proxy", "")]), [proxy("a:1")]);
        assert_eq!(read(&[("NO_PROXY", "x,y")]), [("upstream.no_proxy", "x,y".to_owned())]);
        assert_eq!(read(&[("HTTP_PROXY", "a:1"), ("ALL_PROXY", "a:1"), ("HTTPS_PROXY", "")]), []);
    }

    #[test]
    fn a_variable_in_small_letters_is_not_a_setting_but_an_error() {
        assert!(read_one("STILLROOM_listen", "127.0.0.1:1").is_err());
        assert!(read_one("STILLROOM_UPSTREAM_ANTHROPIC", "x").is_err());
    }
}
