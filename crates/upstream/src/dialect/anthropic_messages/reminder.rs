//! What an agent puts into the person's mouth: Claude Code wraps instructions of its own in `<system-reminder>` tags within the
//! person's messages and the tools' answers. They are no conversation, they change from turn to turn, and nobody wants them
//! remembered as something that was said.

use domain::conversation::{Message, Part, Role};
use memchr::memmem::Finder;
use std::sync::LazyLock;

const OPEN: &str = "<system-reminder>";
const CLOSE: &str = "</system-reminder>";
static OPENING: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(OPEN));

/// The message without reminders; none when nothing else was in it. No agent puts any into what the model said.
pub(super) fn without_reminders(message: Message) -> Option<Message> {
    if message.role != Role::User {
        return Some(message);
    }
    let parts: Vec<Part> = message.parts.into_iter().filter_map(part).collect();
    (!parts.is_empty()).then_some(Message { parts, ..message })
}

fn part(part: Part) -> Option<Part> {
    match part {
        Part::Text { text } => {
            let text = kept(text);
            (!text.trim().is_empty()).then_some(Part::Text { text })
        }
        Part::ToolResult { id, text } => Some(Part::ToolResult { id, text: kept(text) }),
        call @ Part::ToolCall { .. } => Some(call),
    }
}

fn kept(text: String) -> String {
    let words = words(&text, str::trim);
    if words.len() == text.len() { text } else { words.to_owned() }
}

/// The text without the whole reminders it begins or ends with; it may as well be one with JSON's escapes still in it, which `trim`
/// knows. Anything else that looks like one are words: somebody talks about the tag, or a file has it.
pub(super) fn words(text: &str, trim: fn(&str) -> &str) -> &str {
    if OPENING.find(text.as_bytes()).is_none() {
        return text;
    }
    let mut words = text;
    while let Some(fewer) = behind_first(trim(words)).or_else(|| before_last(trim(words), trim)) {
        words = fewer;
    }
    words
}

fn behind_first(text: &str) -> Option<&str> {
    text.strip_prefix(OPEN)?.split_once(CLOSE).map(|(_, behind)| behind)
}

/// An agent begins a line for it.
fn before_last(text: &str, trim: fn(&str) -> &str) -> Option<&str> {
    let (before, reminder) = text.strip_suffix(CLOSE)?.rsplit_once(OPEN)?;
    let blanks = before.get(trim(before).len()..)?;
    // As it is, or as its escape.
    (blanks.contains(['\n', 'n']) && !reminder.contains(CLOSE)).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::escaped::{text, trimmed};

    /// What is left of a text, which is the same whether its escapes are read before or after.
    fn left(talk: &str) -> String {
        let json = serde_json::to_string(talk).unwrap();
        let escaped = trimmed(words(text(json.as_bytes()).unwrap(), trimmed));
        let read: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
        assert_eq!(read, words(talk, str::trim).trim(), "{talk}");
        read
    }

    #[test]
    fn whole_reminders_are_taken_off_both_ends() {
        for (talk, words) in [
            ("<system-reminder>\nx\n</system-reminder>\n", ""),
            ("<system-reminder>x</system-reminder>a b", "a b"),
            ("\n<system-reminder>x</system-reminder>\n<system-reminder>y</system-reminder>a", "a"),
            ("a\n\n<system-reminder>\nx\n</system-reminder>\n", "a"),
            ("a\n<system-reminder>x</system-reminder>\n\n<system-reminder>y</system-reminder>", "a"),
            ("<system-reminder>x</system-reminder>\na\n<system-reminder>y</system-reminder>", "a"),
            ("nothing to see", "nothing to see"),
        ] {
            assert_eq!(left(talk), words);
        }
    }

    #[test]
    fn somebody_may_talk_about_the_tag() {
        for talk in [
            "what is <system-reminder> for?",
            "<system-reminder> tags: how do they work?",
            "<system-reminder>never closed",
            "a\n<system-reminder>never closed",
            "wrap it as <system-reminder>x</system-reminder> and send",
            "the tags are <system-reminder>x</system-reminder>",
            "OPEN = \"<system-reminder>\";\nfn f() {}\nCLOSE = \"</system-reminder>",
            "a\n<system-reminder>x</system-reminder> b </system-reminder>",
            "</system-reminder>",
        ] {
            assert_eq!(left(talk), talk);
        }
    }

    #[test]
    fn a_message_of_nothing_else_is_none_but_the_model_may_say_it() {
        let reminder = |role| Message::text(role, "<system-reminder>x</system-reminder>\n");
        assert_eq!(without_reminders(reminder(Role::User)), None);
        let said = reminder(Role::Assistant);
        assert_eq!(without_reminders(said.clone()), Some(said));
    }
}
