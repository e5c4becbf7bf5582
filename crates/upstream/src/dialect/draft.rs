//! An answer while it is read: pieces arrive in any order and only partly, and what stands at the end is what was said.

use super::json::{Raw, compact, read};
use crate::provider_error::ProviderError;
use domain::conversation::{Answered, Message, Part, Role, Stop, Usage};
use serde_json::Value;
use std::collections::BTreeMap;
use std::mem::take;

/// Where a piece stands in the answer: its item, and its part within the item.
pub(super) type Place = (u64, u64);

/// The answer so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    parts: BTreeMap<Place, Part>,
    /// The provider's count.
    pub(super) usage: Usage,
    /// Why it ended; set only when it did.
    pub(super) stop: Option<Stop>,
    error: Option<(String, String)>,
    /// What the provider calls the conversation up to here.
    pub(super) id: Option<String>,
    /// What it calls the last item.
    pub(super) item: Option<String>,
}

impl Draft {
    /// Puts a part in its place, whatever was there.
    pub(super) fn put(&mut self, place: Place, part: Part) {
        self.parts.insert(place, part);
    }

    /// Forgets the parts of an item: they come again, whole.
    pub(super) fn clear(&mut self, item: u64) {
        self.parts.retain(|place, _| place.0 != item);
    }

    /// More words at a place.
    pub(super) fn say(&mut self, place: Place, words: &str) {
        let part = self.parts.entry(place).or_insert_with(|| Part::Text { text: String::new() });
        if let Part::Text { text } = part {
            text.push_str(words);
        }
    }

    /// Names the tool call at a place, which begins with that. A name that it has stays.
    pub(super) fn name_call(&mut self, place: Place, called: &str, tool: &str) {
        let nameless = || Part::ToolCall { id: String::new(), name: String::new(), input: String::new() };
        if let Part::ToolCall { id, name, .. } = self.parts.entry(place).or_insert_with(nameless) {
            for (known, new) in [(id, called), (name, tool)] {
                if known.is_empty() {
                    new.clone_into(known);
                }
            }
        }
    }

    /// More of a tool call's input at a place.
    pub(super) fn call(&mut self, place: Place, more: &str) {
        if let Some(Part::ToolCall { input, .. }) = self.parts.get_mut(&place) {
            input.push_str(more);
        }
    }

    /// A tool call's input is free text, and kept as a JSON text.
    pub(super) fn quote(&mut self, place: Place) {
        if let Some(Part::ToolCall { input, .. }) = self.parts.get_mut(&place) {
            *input = Value::from(take(input)).to_string();
        }
    }

    /// Whether anything was said yet.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether a tool is asked for.
    pub(super) fn has_call(&self) -> bool {
        self.parts.values().any(|part| matches!(part, Part::ToolCall { .. }))
    }

    /// The provider reports an error; the first one counts.
    pub(super) fn fail(&mut self, error: Option<ProviderError>) {
        if let (None, Some(error)) = (&self.error, error) {
            self.error = Some((error.word().to_owned(), error.message));
        }
    }

    /// Nothing more comes. Whoever stated a `reason` had ended, even if the mark that follows it in a stream is missing, be it that the
    /// provider sends none or that the client left before.
    pub(super) fn end(&mut self, reason: Option<Stop>) {
        if self.error.is_none() {
            self.stop = self.stop.or(reason);
        }
    }

    /// What was said.
    pub(super) fn finish(mut self) -> Answered {
        let ended = self.stop.is_some();
        let parts: Vec<Part> =
            take(&mut self.parts).into_values().filter_map(|part| kept(part, ended)).collect();
        let message = (!parts.is_empty()).then_some(Message { role: Role::Assistant, parts });
        let Self { usage, stop, error, id, item, .. } = self;
        Answered { message, usage, stop, error, id, item }
    }
}

/// A part as it is kept: words that are more than blanks, and calls with compact input. A call that was cut in the middle of
/// its input was never made.
fn kept(part: Part, ended: bool) -> Option<Part> {
    match part {
        Part::ToolCall { id, name, input } => {
            let input = if input.trim().is_empty() { "{}".to_owned() } else { compact(&input) };
            let whole = ended || read::<Raw<'_>>(&input).is_some();
            whole.then_some(Part::ToolCall { id, name, input })
        }
        part => spoken(part),
    }
}

/// A part, unless it is words that say nothing.
pub(super) fn spoken(part: Part) -> Option<Part> {
    let blank = matches!(&part, Part::Text { text } if text.trim().is_empty());
    (!blank).then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(input: &str) -> Part {
        Part::ToolCall { id: "1".into(), name: "read".into(), input: input.into() }
    }

    #[test]
    fn pieces_stand_in_their_places_not_in_the_order_they_came() {
        let mut draft = Draft::default();
        draft.say((1, 0), "wor");
        draft.put((2, 0), call(""));
        draft.say((0, 0), "hello ");
        draft.say((1, 0), "ld");
        draft.call((2, 0), "{ }");
        let message = draft.finish().message.unwrap();
        let text = |text: &str| Part::Text { text: text.into() };
        assert_eq!(message.parts, [text("hello "), text("world"), call("{}")]);
    }

    #[test]
    fn a_call_that_was_cut_was_never_made_but_one_the_model_wrote_badly_was() {
        let answer = |stop| {
            let mut draft = Draft { stop, ..Draft::default() };
            draft.put((0, 0), call("{\"a\":"));
            draft.finish().message
        };
        assert_eq!(answer(None), None);
        assert_eq!(answer(Some(Stop::ToolUse)).unwrap().parts, [call("{\"a\":")]);
    }

    #[test]
    fn blanks_are_no_message() {
        let mut draft = Draft::default();
        draft.say((0, 0), " \n");
        assert_eq!(draft.finish().message, None);
    }
}
