//! A curator's answer: one or two entries made of the observations, and an update where an entry is there already.

use serde_json::{Value, json};

/// How many operations are made of one request.
const MOST: usize = 2;
/// Words of an observation that become its title.
const TITLE: usize = 8;

/// A JSON array of operations for the observations in `words`, which also list the entries there are.
pub(super) fn operations(words: &str) -> String {
    let (listed, observed) = split(words);
    let mut observations: Vec<_> =
        observed.lines().map(plain).filter(|line| !line.is_empty() && !line.starts_with('<')).collect();
    observations.sort_by_key(|line| category(line).is_none());
    observations.dedup_by_key(|line| title(line));
    Value::Array(observations.into_iter().take(MOST).map(|line| operation(line, &listed)).collect())
        .to_string()
}

/// Where the entries stand that there are, and what was observed: the sections of those names, and what was said where nothing
/// was observed. Without sections, a line that names an id is an entry and every other an observation.
fn split(words: &str) -> (String, String) {
    let observed = ["observations", "messages"].iter().find_map(|name| section(words, name));
    match observed {
        Some(observed) => (words.replace(observed, ""), observed.to_owned()),
        None => {
            let (listed, observed): (Vec<_>, Vec<_>) = words.lines().partition(|line| id(line).is_some());
            (listed.join("\n"), observed.join("\n"))
        }
    }
}

/// What stands between the tags of this name; none when there is nothing.
fn section<'w>(words: &'w str, name: &str) -> Option<&'w str> {
    let (_, rest) = words.split_once(&format!("<{name}>"))?;
    let inside = rest.split_once(&format!("</{name}>")).map_or(rest, |(inside, _)| inside);
    Some(inside).filter(|inside| !inside.trim().is_empty())
}

/// A line without the mark of a list and without the name of the speaker.
fn plain(line: &str) -> &str {
    let line = line.trim().trim_start_matches(['-', '*', ' ']);
    let said = line.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    said.map_or(line, |(_, said)| said)
}

fn operation(observation: &str, listed: &str) -> Value {
    let title = title(observation);
    let content: String = observation.chars().take(domain::knowledge::LONGEST_CONTENT).collect();
    let known = listed.lines().find(|line| line.contains(&title)).and_then(id);
    match known {
        Some(id) => json!({"op": "update", "id": id, "content": content, "confidence": 0.9}),
        None => json!({
            "op": "create", "category": category(observation).unwrap_or("architecture"), "title": title,
            "content": content, "confidence": 0.8,
        }),
    }
}

fn title(observation: &str) -> String {
    let words: Vec<_> = observation.split_whitespace().take(TITLE).collect();
    let title: String = words.join(" ").chars().take(domain::knowledge::LONGEST_TITLE).collect();
    title.trim_end_matches(|last: char| !last.is_alphanumeric()).to_owned()
}

/// What kind of knowledge the words of an observation hint at.
fn category(observation: &str) -> Option<&'static str> {
    const HINTS: [(&str, &str); 8] = [
        ("decid", "decision"),
        ("chose", "decision"),
        ("prefer", "preference"),
        ("likes", "preference"),
        ("always", "pattern"),
        ("never", "gotcha"),
        ("careful", "gotcha"),
        ("fails", "gotcha"),
    ];
    let lower = observation.to_lowercase();
    HINTS.iter().find(|(hint, _)| lower.contains(hint)).map(|(_, category)| *category)
}

/// The id that a line of a list names: after the word `id`, before a pair of square brackets, or inside them.
fn id(line: &str) -> Option<&str> {
    let stated = ["\"id\"", " id=", " id:", "(id "].iter().find_map(|word| Some(line.split_once(word)?.1));
    stated.or_else(|| bracketed(line)).and_then(first_word)
}

fn bracketed(line: &str) -> Option<&str> {
    let (before, inside) = line.split_once('[')?;
    if first_word(before).is_some() { Some(before) } else { Some(inside) }
}

/// The first run of letters, digits and what joins them.
fn first_word(text: &str) -> Option<&str> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let start = text.trim_start_matches(|letter| !is_part(letter));
    let end = start.find(|letter| !is_part(letter) && letter != '-').unwrap_or(start.len());
    (end > 0).then(|| &start[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::knowledge::{Operation, validate};

    fn parsed(words: &str) -> Vec<Operation> {
        let operations: Vec<Operation> = serde_json::from_str(&operations(words)).unwrap();
        assert_eq!(validate(&operations, |id| id == "kn-7"), Ok(()));
        operations
    }

    const OBSERVED: &str = "<observations>\nthe host is Hetzner\n- We decided to keep 3 replicas of everything we own.\n\
                            the third thing\n</observations>";

    #[test]
    fn what_was_decided_comes_first_and_two_entries_are_enough() {
        let operations = parsed(OBSERVED);
        assert_eq!(operations.len(), 2);
        let Operation::Create { title, content, .. } = &operations[0] else { panic!("{operations:?}") };
        assert_eq!(title, "We decided to keep 3 replicas of everything");
        assert_eq!(content, "We decided to keep 3 replicas of everything we own.");
    }

    #[test]
    fn an_entry_that_is_listed_is_updated_however_the_list_is_written() {
        let title = "We decided to keep 3 replicas of everything";
        for entry in [
            format!("- [kn-7] decision: {title}: three"),
            format!("<entries>\nkn-7 [decision, 0.8] {title}: three\n</entries>"),
            format!(r#"{{"id":"kn-7","title":"{title}"}}"#),
            format!(r#"<entry id="kn-7" title="{title}">"#),
        ] {
            let operations = parsed(&format!("Known:\n{entry}\n\n{OBSERVED}"));
            assert!(matches!(&operations[0], Operation::Update { id, .. } if id == "kn-7"), "{entry}");
            assert!(matches!(&operations[1], Operation::Create { .. }), "{entry}");
        }
    }

    #[test]
    fn what_was_said_stands_in_where_nothing_was_observed() {
        let operations = parsed(
            "<entries>\n\n</entries>\n<observations>\n\n</observations>\n<messages>\n[user] the host is Hetzner\n</messages>\n",
        );
        assert!(
            matches!(&operations[..], [Operation::Create { title, .. }] if title == "the host is Hetzner")
        );
    }

    #[test]
    fn nothing_observed_makes_no_operations() {
        assert_eq!(operations("<observations>\n\n</observations>\n"), "[]");
    }
}
