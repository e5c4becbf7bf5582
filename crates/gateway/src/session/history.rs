//! What a request says of the conversation so far, as far as sessions are recognised by it.
//!
//! Most clients send a conversation whole, from its beginning. Some leave the beginning out or put a summary in its place when it
//! grows too long, and then only its end tells which conversation it is.

use super::point::{AGREEING, Point};
use domain::conversation::{Asked, Digest, Message, Part, Role, chained};

/// From how many bytes on what the model said is taken for said nowhere else.
const OWN_WORDS: usize = 160;

/// From how many letters and digits on the end of a tool call's id is taken for drawn by chance. Mistral's are the shortest.
const DRAWN: usize = 9;

/// The conversation of one request.
#[derive(Debug)]
pub(crate) struct History<'a> {
    said: &'a [Message],
    /// What names each message.
    names: Vec<Digest>,
    /// What names the conversation up to each message.
    links: Vec<Digest>,
    /// Where the model last spoke.
    last_answer: Option<usize>,
    follows: Option<Digest>,
}

impl<'a> History<'a> {
    /// What `asked` says.
    pub(crate) fn of(asked: &'a Asked) -> Self {
        let said = &asked.messages;
        let follows = asked.follows.as_deref().map(Digest::called);
        let names: Vec<_> = said.iter().map(Message::digest).collect();
        Self {
            said,
            links: chained(follows.unwrap_or(Digest::START), names.iter().copied()).collect(),
            names,
            last_answer: said.iter().rposition(is_answer),
            follows,
        }
    }

    /// What names the conversation that the provider keeps and this goes on from, where the client sends only what is new.
    pub(super) fn follows(&self) -> Option<Digest> {
        self.follows
    }

    /// The whole of it.
    pub(super) fn position(&self) -> Point {
        self.up_to(self.said.len())
    }

    /// What may have ended in an answer that this goes on from, the longest first.
    pub(super) fn known(&self) -> impl Iterator<Item = Digest> {
        // The model's words come last when nothing can be kept of what was said after them, an image for instance.
        let ends_in_answer = self.last_answer.is_some_and(|last| last + 1 == self.links.len());
        let known = self.links.len().saturating_sub(usize::from(!ends_in_answer));
        self.links[..known].iter().rev().copied()
    }

    /// The request that the last answer answered.
    pub(super) fn asked(&self) -> Option<Digest> {
        self.links.get(self.last_answer?.checked_sub(1)?).copied()
    }

    /// The end of the conversation up to the last answer, if nothing else ends so.
    pub(super) fn known_end(&self) -> Option<Digest> {
        self.own_end(self.last_answer? + 1)
    }

    /// The end of the request that the last answer answered, if nothing else ends so.
    pub(super) fn asked_end(&self) -> Option<Digest> {
        self.own_end(self.last_answer?)
    }

    fn own_end(&self, length: usize) -> Option<Digest> {
        let from = length.checked_sub(AGREEING)?;
        let is_own = is_own(&self.said[from..length]) && self.follows.is_none();
        self.up_to(length).end().filter(|_| is_own)
    }

    fn up_to(&self, length: usize) -> Point {
        let whole = length.checked_sub(1).and_then(|last| self.links.get(last)).copied();
        Point::new(whole.or(self.follows).unwrap_or(Digest::START), &self.names[..length])
    }
}

fn is_answer(message: &Message) -> bool {
    message.role == Role::Assistant
}

/// Whether hardly anybody else's conversation has these messages in a row: a model that said this much, or a provider that drew
/// the id of a call, does not do it twice. A person does, and so do questions of a test and the files that tools read.
fn is_own(messages: &[Message]) -> bool {
    let parts = || messages.iter().filter(|message| is_answer(message)).flat_map(|message| &message.parts);
    let words: usize = parts().map(|part| if let Part::Text { text } = part { text.len() } else { 0 }).sum();
    words >= OWN_WORDS || parts().any(|part| matches!(part, Part::ToolCall { id, .. } if is_drawn(id)))
}

/// Some servers number their calls instead, behind a word (`call_0`, `functions.read:0`).
fn is_drawn(id: &str) -> bool {
    let end = id.rsplit(|sign: char| !sign.is_ascii_alphanumeric()).next().unwrap_or(id);
    end.len() >= DRAWN && end.bytes().any(|sign| sign.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_drawn_are_told_from_those_that_are_counted() {
        let drawn = [
            "toolu_01A09q90qw90lq917835lq9",
            "call_abc123def456",
            "9cjSq8ta1",
            "chatcmpl-tool-0f6c21d7a9e84b1f",
        ];
        let counted =
            ["call_0", "call_12345678", "functions.read:0", "functions.list_directory", "", "toolu_"];
        assert_eq!(drawn.map(is_drawn), [true; 4]);
        assert_eq!(counted.map(is_drawn), [false; 6]);
    }
}
