//! What can be set: the lookup of keys by name, and the nearest right one to a wrong one.

use super::every_key::EVERY_KEY;
use super::value::Value;
use domain::settings::Settings;

/// How many characters of a wrong key or value an error shows.
const LONGEST_SHOWN: usize = 200;

/// One setting.
///
/// A key carries everything that is known of it, so that reading, showing and documenting it cannot disagree.
#[derive(Debug)]
pub(crate) struct Key {
    /// Dotted, as in a file.
    pub(crate) name: &'static str,
    /// What a value must be; completes "it takes …".
    pub(crate) takes: &'static str,
    /// What kind of key it is.
    pub(crate) nature: Nature,
    /// Puts a value in its place; none when it is not what the key takes.
    pub(crate) set: fn(&mut Settings, &Value) -> Option<()>,
    /// The value in force; null when there is none. A secret shows only that it is set.
    pub(crate) show: fn(&Settings) -> serde_json::Value,
}

/// What kind of key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Its value may be seen.
    Plain,
    /// Its value must never be seen.
    Secret,
}

impl Key {
    /// `value` as an error may show it.
    pub(crate) fn shown(&self, value: &Value) -> String {
        match self.nature {
            Nature::Secret => "(hidden)".to_owned(),
            Nature::Plain => harmless(value),
        }
    }

    /// The environment variable that sets it.
    pub(crate) fn variable(&self) -> String {
        format!("{}{}", super::environment::PREFIX, self.name.replace('.', "__").to_uppercase())
    }
}

/// A value as it was written, unless something in it looks like a secret after all.
fn harmless(value: &Value) -> String {
    let text = value.reveal();
    if text.contains("sk-") { "(hidden: it looks like a key)".to_owned() } else { short(text) }
}

/// What a person wrote, for an error: its beginning is enough to know it by.
pub(crate) fn short(text: String) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The key of that exact name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    EVERY_KEY.iter().find(|key| key.name == name)
}

/// Whether keys stand below `name`, so that a file may have it as a table.
pub(crate) fn is_section(name: &str) -> bool {
    EVERY_KEY.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// The key most like `name`, when one is like it at all: it begins so, ends so, or is spelt nearly so.
pub(crate) fn nearest(name: &str) -> Option<&'static Key> {
    let below = format!("{name}.");
    let inside = EVERY_KEY.iter().find(|key| key.name.starts_with(&below));
    let alone = format!(".{name}");
    inside.or_else(|| EVERY_KEY.iter().find(|key| key.name.ends_with(&alone))).or_else(|| spelt_nearly(name))
}

fn spelt_nearly(name: &str) -> Option<&'static Key> {
    let likeness = |key: &&Key| strsim::normalized_damerau_levenshtein(key.name, name);
    EVERY_KEY.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|key| likeness(key) > 0.6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_there_once() {
        let names: BTreeSet<_> = EVERY_KEY.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), EVERY_KEY.len());
    }

    #[test]
    fn the_nearest_key_is_the_one_that_was_meant() {
        let nearest = |name| nearest(name).map(|key| key.name);
        assert_eq!(nearest("worker.modle"), Some("worker.model"));
        assert_eq!(nearest("worker.apikey"), Some("worker.api_key"));
        assert_eq!(nearest("Listen"), Some("listen"));
        assert_eq!(nearest("upstream"), Some("upstream.anthropic"));
        assert_eq!(nearest("max_retries"), Some("worker.max_retries"));
        assert_eq!(nearest("colour"), None);
    }

    #[test]
    fn what_looks_like_a_secret_is_not_shown_whatever_its_key() {
        let model = find("worker.model").unwrap();
        assert_eq!(model.shown(&Value::quoted("sk-ant-api03-x")), "(hidden: it looks like a key)");
        assert_eq!(model.shown(&Value::Integer(3)), "3");
        let upstream = find("upstream.openai").unwrap();
        assert_eq!(upstream.shown(&Value::quoted("https://a:b@h")), "\"https://…@h\"");
        let token = find("access.token").unwrap();
        assert_eq!(token.shown(&Value::Integer(1234)), "(hidden)");
    }
}
