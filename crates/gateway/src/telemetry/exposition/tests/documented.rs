//! The table of `docs/metrics.md` is rendered from the metrics.
//!
//! Names, types, labels and what a metric counts are those that a scraper gets; what else is worth knowing is prose, which stands on
//! the page alone and is left as it is. `just reference` rewrites the page.

use super::{Format, busy, exposition};
use std::collections::BTreeMap;
use std::fs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
const OPENING: &str = "<!-- metrics -->\n";
const CLOSING: &str = "\n<!-- end of metrics -->";
const HEAD: &str = "| name | type | labels | what it counts | to know |\n|---|---|---|---|---|\n";

/// One metric as it is exposed.
#[derive(Default)]
struct Family<'e> {
    help: &'e str,
    kind: &'e str,
    labels: Vec<&'e str>,
}

/// Every metric by its name. `exposed` states a metric before its samples.
fn families(exposed: &str) -> BTreeMap<&str, Family<'_>> {
    let mut found: BTreeMap<&str, Family<'_>> = BTreeMap::new();
    let mut name = "";
    for line in exposed.lines() {
        if let Some((stated, help)) = line.strip_prefix("# HELP ").and_then(|it| it.split_once(' ')) {
            name = stated;
            found.entry(name).or_default().help = help.trim_end_matches('.');
        } else if let Some((_, kind)) = line.strip_prefix("# TYPE ").and_then(|it| it.split_once(' ')) {
            found.entry(name).or_default().kind = kind;
        } else {
            found.entry(name).or_default().labels = labels(line);
        }
    }
    found
}

/// The names of a sample's labels; `le` belongs to every histogram.
fn labels(sample: &str) -> Vec<&str> {
    let between = sample.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let pairs = between.map_or("", |(labels, _)| labels).split(',');
    pairs.filter_map(|pair| pair.split_once('=')).map(|(name, _)| name).filter(|name| *name != "le").collect()
}

/// What `page` should be: its prose, with the table as the metrics have it.
fn rendered(page: &str) -> String {
    let exposed = exposition(&busy(), Format::Prometheus).expect("exposed");
    let (before, rest) = page.split_once(OPENING).expect("the table begins");
    let (_, after) = rest.split_once(CLOSING).expect("the table ends");
    let rows: String = families(&exposed).iter().map(|(name, family)| row(page, name, family)).collect();
    format!("{before}{OPENING}{HEAD}{rows}{CLOSING}{after}")
}

fn row(page: &str, name: &str, family: &Family<'_>) -> String {
    let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
    let (kind, help) = (family.kind, family.help);
    format!("| `{name}` | {kind} | {} | {help} | {} |\n", labels.join(", "), to_know(page, name))
}

/// The last cell of the metric's row.
fn to_know<'p>(page: &'p str, name: &str) -> &'p str {
    let start = format!("| `{name}` |");
    let row = page.lines().find(|line| line.starts_with(&start));
    row.and_then(|row| row.strip_suffix(" |")?.rsplit("| ").next()).unwrap_or_default()
}

#[test]
fn the_reference_is_what_a_scraper_gets() {
    let page = fs::read_to_string(PAGE).expect("the page");
    let rendered = rendered(&page);
    if std::env::var_os("REWRITE_REFERENCE").is_some() {
        fs::write(PAGE, rendered).expect("written");
        return;
    }
    let differs = page.lines().zip(rendered.lines()).find(|(is, should)| is != should);
    assert_eq!(
        page, rendered,
        "`just reference` rewrites docs/metrics.md; the first difference is {differs:?}"
    );
}

#[test]
fn a_table_that_has_fallen_behind_is_made_anew_and_its_prose_kept() {
    let row = "| `stillroom_alerts_total` | gauge | | old | my own words |";
    let page = format!("a\n{OPENING}{row}\n| `gone` | x |\n{CLOSING}\nb");
    let rendered = rendered(&page);
    assert!(rendered.starts_with(&format!("a\n{OPENING}{HEAD}")), "{rendered}");
    let row = "| `stillroom_alerts_total` | counter | `kind` | Alerts that went out | my own words |\n";
    assert!(rendered.contains(row) && !rendered.contains("gone"), "{rendered}");
    let row = "| `stillroom_queue_wait_seconds` | histogram | `actor` | Seconds that a message waited for its actor |  |\n";
    assert!(rendered.contains(row), "{rendered}");
    assert!(rendered.ends_with(&format!("|\n{CLOSING}\nb")), "{rendered}");
}
