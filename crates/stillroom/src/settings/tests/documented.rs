//! The tables of `docs/configuration.md` are rendered from the table of keys.
//!
//! Name, default, variable and what a key takes are the program's; what it means is prose, which stands on the page alone and is
//! left as it is. A comment before each table names the keys in it by their first words. `just reference` rewrites the page.

use super::Desk;
use crate::settings::keys::Key;
use crate::settings::keys::Nature;
use serde_json::Value;
use std::fs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
const OPENING: &str = "<!-- keys: ";
const CLOSING: &str = "<!-- end of keys -->";
const HEAD: &str = "| key | default | environment variable | takes | meaning |\n|---|---|---|---|---|\n";

fn page() -> String {
    fs::read_to_string(PAGE).unwrap()
}

/// What `page` should be: its prose, with the tables as the keys have it.
fn rendered(page: &str) -> String {
    let mut parts = page.split(OPENING);
    let prose = parts.next().unwrap().to_owned();
    prose + &parts.map(|part| section(page, part)).collect::<String>()
}

/// From behind an opening comment to the next one.
fn section(page: &str, part: &str) -> String {
    let (groups, rest) = part.split_once(" -->").expect("the comment ends");
    let (_, after) = rest.split_once(CLOSING).expect("the table ends");
    let keys = Desk::new().load().entries().map(|(key, value, _)| (key, value)).collect::<Vec<_>>();
    let of_group = |group| keys.iter().filter(move |(key, _)| key.name.split('.').next() == Some(group));
    let rows: String =
        groups.split(' ').flat_map(of_group).map(|(key, value)| row(page, key, value)).collect();
    format!("{OPENING}{groups} -->\n{HEAD}{rows}\n{CLOSING}{after}")
}

fn row(page: &str, key: &Key, value: &Value) -> String {
    let nature = match key.nature {
        Nature::Plain => "",
        Nature::Secret => ". Secret",
    };
    let (name, variable, takes) = (key.name, key.variable(), key.takes);
    format!(
        "| `{name}` | {} | `{variable}` | {takes}{nature} | {} |\n",
        default(key, value),
        meaning(page, key)
    )
}

fn default(key: &Key, value: &Value) -> String {
    match value {
        _ if key.name == "data_dir" => "the platform's data folder".to_owned(),
        Value::Null => "none".to_owned(),
        Value::String(text) => format!("`\"{text}\"`"),
        other => format!("`{}`", other.to_string().replace(',', ", ")),
    }
}

/// What the page says of the key: the last cell of its row.
fn meaning<'p>(page: &'p str, key: &Key) -> &'p str {
    let start = format!("| `{}` |", key.name);
    let row = page.lines().find(|line| line.starts_with(&start));
    row.and_then(|row| row.trim_end_matches([' ', '|']).rsplit(" | ").next()).unwrap_or_default()
}

#[test]
fn the_reference_is_what_the_keys_say() {
    let (page, rendered) = (page(), rendered(&page()));
    if std::env::var_os("REWRITE_REFERENCE").is_some() {
        fs::write(PAGE, rendered).unwrap();
        return;
    }
    let differs = page.lines().zip(rendered.lines()).find(|(is, should)| is != should);
    assert_eq!(
        page, rendered,
        "`just reference` rewrites docs/configuration.md; the first difference is {differs:?}"
    );
}

#[test]
fn every_key_is_documented_once_and_has_a_meaning() {
    let page = page();
    for (key, _, _) in Desk::new().load().entries() {
        let start = format!("| `{}` |", key.name);
        let rows = page.lines().filter(|line| line.starts_with(&start)).count();
        assert_eq!(rows, 1, "{} is in the table of one comment `{OPENING}…`", key.name);
        assert!(meaning(&page, key).len() > 10, "{} has no meaning", key.name);
    }
}

#[test]
fn a_table_that_has_fallen_behind_is_made_anew_and_its_prose_kept() {
    let page = "a\n<!-- keys: idle -->\n| `idle.after` | `\"9s\"` | my own words |\n| `idle.gone` | 1 | x |\n<!-- end of keys -->\nb\n";
    let rendered = rendered(page);
    assert!(
        rendered.contains("| `idle.after` | `\"1m\"` | `STILLROOM_IDLE__AFTER` | a duration"),
        "{rendered}"
    );
    assert!(rendered.contains(" | my own words |\n") && !rendered.contains("idle.gone"), "{rendered}");
    assert!(rendered.starts_with("a\n<!-- keys: idle -->\n| key |"), "{rendered}");
    assert!(rendered.ends_with("<!-- end of keys -->\nb\n"), "{rendered}");
}
