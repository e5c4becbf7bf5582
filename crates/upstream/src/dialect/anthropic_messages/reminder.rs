//! What an agent puts into the person's mouth: Claude Code wraps instructions of its own in `<system-reminder>` tags within the
//! person's messages and the tools' answers. They are no conversation, they change from turn to turn, and nobody wants them
//! remembered as something that was said.

use domain::conversation::{Message, Part};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

const OPEN: &str = "<system-reminder>";
const CLOSE: &str = "</system-reminder>";
static OPENING: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(OPEN));

/// The message without reminders; none when nothing else was in it.
pub(super) fn without_reminders(message: Message) -> Option<Message> {
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
    match words(&text, str::trim) {
        Cow::Borrowed(_) => text,
        Cow::Owned(words) => words,
    }
}

/// The text without reminders; it may as well be one with JSON's escapes still in it, which `trim` knows. A reminder that is never closed counts as one
/// only when it stands first: elsewhere somebody talks about the tag.
pub(super) fn words(text: &str, trim: fn(&str) -> &str) -> Cow<'_, str> {
    if OPENING.find(text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let begun = kept.len();
        kept.push_str(before);
        match after.split_once(CLOSE) {
            Some((_, behind)) => rest = behind,
            None if trim(&kept).is_empty() => return Cow::Owned(kept),
            // Nor is any behind it.
            None => {
                kept.truncate(begun);
                break;
            }
        }
    }
    Cow::Owned(kept + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str) -> String {
        words(text, str::trim).into_owned()
    }

    #[test]
    fn reminders_are_taken_out_wherever_they_stand() {
        assert_eq!(left("a<system-reminder>x</system-reminder>b<system-reminder>y</system-reminder>"), "ab");
        assert_eq!(left("<system-reminder>never closed"), "");
        assert_eq!(left("nothing to see"), "nothing to see");
    }

    #[test]
    fn somebody_may_talk_about_the_tag() {
        for talk in [
            "what is <system-reminder> for?",
            "<system-reminder>x</system-reminder>a<system-reminder>b<system-reminder>",
        ] {
            assert_eq!(left(talk), talk.trim_start_matches("<system-reminder>x</system-reminder>"));
        }
    }

    #[test]
    fn a_message_of_nothing_else_is_none() {
        let reminder =
            Message::text(domain::conversation::Role::User, "<system-reminder>x</system-reminder>\n");
        assert_eq!(without_reminders(reminder), None);
    }
}
