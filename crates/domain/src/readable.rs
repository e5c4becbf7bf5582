//! What is said as a person would read it, and as it is kept, looked for and distilled. Tool traffic is marked as such.

use crate::conversation::Part;
use crate::notes::{CLOSE, OPEN};

/// What stands for what our own memory answered. It is kept where it comes from: kept again with each question, it would be found in place of
/// that, and be distilled as if it had been said anew.
const RECALLED: &str = "[what Stillroom recalled]";

/// A part of a message.
pub(crate) fn readable(part: &Part) -> String {
    match part {
        Part::Text { text } => text.trim().to_owned(),
        Part::ToolCall { name, .. } if recalls(name) => format!("[tool call {name}]"),
        Part::ToolCall { name, input, .. } => format!("[tool call {name}] {}", legible(input)),
        Part::ToolResult { text, .. } => format!("[tool result] {}", without_recalled(text.trim())),
    }
}

/// Whether a tool is our own for recall. Clients put the server's name before it, each in its own way.
fn recalls(tool: &str) -> bool {
    tool.ends_with("recall") && tool.contains("stillroom")
}

/// What stands in a fence cannot close it, so each ends with the first mark behind it.
fn without_recalled(text: &str) -> String {
    let (mut left, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, (_, behind))) =
        rest.split_once(OPEN).and_then(|(before, fenced)| Some((before, fenced.split_once(CLOSE)?)))
    {
        left.extend([before, RECALLED]);
        rest = behind;
    }
    left + rest
}

/// JSON with its strings as they are meant: a line that begins behind `\n` begins with its first word, and not with *n* before it.
fn legible(json: &str) -> String {
    let (mut legible, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(begin) = rest.find('"') {
        let (before, string) = rest.split_at(begin);
        let (string, behind) = string.split_at(end_of_string(string));
        legible.push_str(before);
        match serde_json::from_str::<String>(string) {
            Ok(meant) => legible.extend(["\"", &meant, "\""]),
            Err(_) => legible.push_str(string),
        }
        rest = behind;
    }
    legible.push_str(rest);
    legible
}

/// Behind the quote that ends a string which begins with one; all of it, where none does.
fn end_of_string(json: &str) -> usize {
    let mut escaped = false;
    let closes = |byte: &u8| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    };
    json.as_bytes()[1..].iter().position(closes).map_or(json.len(), |at| at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn call(name: &str, input: &str) -> String {
        readable(&Part::ToolCall { id: "1".into(), name: name.into(), input: input.into() })
    }

    fn result(text: &str) -> String {
        readable(&Part::ToolResult { id: "1".into(), text: text.into() })
    }

    #[test]
    fn a_word_behind_a_line_break_or_a_tab_in_a_tools_input_stands_alone() {
        let input = r##"{"path":"q.md","content":"# Queue\nPulsar was \"rejected\"\n\tdrainPending \u00fc\\n","n":[1,"a\/b"]}"##;
        let read = "[tool call Write] {\"path\":\"q.md\",\"content\":\"# Queue\nPulsar was \"rejected\"\n\tdrainPending ü\\n\",\"n\":[1,\"a/b\"]}";
        assert_eq!(call("Write", input), read);
    }

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        for input in ["", "*** Begin Patch\n+ \"a\\", r#"{"a":"\ud800"}"#, r#""\"#, "\""] {
            assert_eq!(call("patch", input), format!("[tool call patch] {input}"));
        }
    }

    #[test]
    fn what_our_memory_was_asked_and_answered_is_not_kept_again() {
        for name in ["mcp__stillroom__recall", "stillroom.recall"] {
            assert_eq!(call(name, r#"{"query":"the queue"}"#), format!("[tool call {name}]"));
        }
        assert_eq!(call("mcp__other__recall", "{}"), "[tool call mcp__other__recall] {}");
        let fenced = "<stillroom-memory>\nNotes\n- [k1] Pulsar was rejected\n</stillroom-memory>";
        assert_eq!(result(fenced), format!("[tool result] {RECALLED}"));
        let twice = format!("a {fenced} said between {fenced} b");
        assert_eq!(result(&twice), format!("[tool result] a {RECALLED} said between {RECALLED} b"));
        assert_eq!(
            result("</stillroom-memory> a <stillroom-memory>"),
            "[tool result] </stillroom-memory> a <stillroom-memory>"
        );
        assert_eq!(result("Nothing fits."), "[tool result] Nothing fits.");
    }

    proptest! {
        #[test]
        fn strings_are_read_as_they_were_meant(text in any::<String>(), other in ".{0,8}") {
            let input = serde_json::json!({"a": text, "b": [other]}).to_string();
            prop_assert_eq!(legible(&input), format!("{{\"a\":\"{text}\",\"b\":[\"{other}\"]}}"));
        }

        #[test]
        fn whatever_a_model_makes_of_an_input_is_read_without_a_panic(input in "[\"\\\\a{}ü]{0,12}") {
            legible(&input);
        }
    }
}
