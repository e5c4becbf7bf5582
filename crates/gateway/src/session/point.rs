//! A point of a conversation: what was said up to there.

use domain::conversation::Digest;

/// How many messages have to agree before two histories that begin unlike are taken for one conversation.
pub(super) const AGREEING: usize = 4;

/// Keeps the names of ends apart from those of conversations that have no other messages.
const END: Digest = Digest([0xE2; 16]);

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    /// What names the conversation from its beginning.
    pub(super) whole: Digest,
    /// What names its last messages, the oldest first; none where they are not known or there are fewer.
    last: [Option<Digest>; AGREEING],
}

impl Point {
    /// The point that `whole` names, behind `messages`.
    pub(super) fn new(whole: Digest, messages: &[Digest]) -> Self {
        let mut point = Self::of(whole);
        for (place, message) in point.last.iter_mut().rev().zip(messages.iter().rev()) {
            *place = Some(*message);
        }
        point
    }

    /// The point that `whole` names, of whose messages nothing else is known.
    pub(super) fn of(whole: Digest) -> Self {
        Self { whole, last: [None; AGREEING] }
    }

    /// The next point, when `message` was said.
    pub(super) fn then(self, message: Digest) -> Self {
        let [_, second, third, fourth] = self.last;
        Self { whole: self.whole.then(message), last: [second, third, fourth, Some(message)] }
    }

    /// What names its end: the same for all conversations that end in the same messages. None while it is shorter than that.
    pub(super) fn end(self) -> Option<Digest> {
        self.last.into_iter().try_fold(END, |end, message| Some(end.then(message?)))
    }
}
