//! The documentation and the table of keys say the same.

use super::Desk;
use crate::settings::keys::Key;
use serde_json::Value;

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md"));

fn row(key: &Key) -> &'static str {
    let start = format!("| `{}` |", key.name);
    PAGE.lines()
        .find(|line| line.starts_with(&start))
        .unwrap_or_else(|| panic!("{} is not documented", key.name))
}

fn default(key: &Key, value: &Value) -> String {
    match value {
        _ if key.name == "data_dir" => "the platform's data folder".to_owned(),
        Value::Null => "none".to_owned(),
        Value::String(text) => format!("`\"{text}\"`"),
        other => format!("`{}`", other.to_string().replace(',', ", ")),
    }
}

#[test]
fn every_key_is_documented_with_its_default_and_its_variable() {
    for (key, value, _) in Desk::new().load().entries() {
        let columns: Vec<_> = row(key).split('|').map(str::trim).collect();
        assert_eq!(columns[2], default(key, &value), "{}", key.name);
        assert!(columns[3].len() > 10, "{} has no meaning", key.name);
    }
}

#[test]
fn nothing_is_documented_that_is_no_key() {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let unknown: Vec<_> = rows.filter(|name| crate::settings::keys::find(name).is_none()).collect();
    assert_eq!(unknown, [""; 0]);
}
