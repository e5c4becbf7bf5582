//! Turns that wait to be recorded: few, and not much of them, because a request may be large and the gateway must stay small.

use crate::Turn;
use domain::ids::SessionId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::Pace;

/// How many turns may wait.
const MOST: usize = 512;
/// How many bytes their requests and answers may have together; a single turn may have more.
const MOST_BYTES: usize = 12 * 1024 * 1024;
/// With more than so many bytes that no later turn holds, room is getting short, and then very short.
const MANY_BYTES: usize = MOST_BYTES / 2;
const VERY_MANY_BYTES: usize = MOST_BYTES / 4 * 3;

/// What came of putting a turn in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It waits.
    Waits,
    /// It waits in the place of others that later ones hold, so many.
    Replaces(usize),
    /// There is no room.
    Refused,
}

/// A conversation of a session, by how it begins.
type Conversation = (SessionId, u64);

/// See the module. Where there is no room, turns give way that a later one holds, the one that has waited longest first: agents
/// send their whole history with every request. What is left is what nothing brings again.
///
/// A turn holds the one before it of its conversation if its request is as long or longer. A shorter one does not: there the
/// agent went back. Neither does one of another beginning, where the history was begun anew, nor one that leaves its history
/// to the provider.
#[derive(Default)]
pub(crate) struct Waiting {
    /// By their numbers, in the order in which they came.
    turns: BTreeMap<u64, Turn>,
    /// The last turn of each conversation.
    last: HashMap<Conversation, u64>,
    /// Those that a later one holds.
    held: BTreeSet<u64>,
    bytes: usize,
    held_bytes: usize,
    came: u64,
}

impl Waiting {
    pub(crate) fn put(&mut self, turn: Turn) -> Put {
        let held = self.held_by(&turn);
        if !self.would_have_room(&turn, held) {
            return Put::Refused;
        }
        if let Some((number, size)) = held {
            self.held.insert(number);
            self.held_bytes += size;
        }
        let mut given_way = 0;
        while !self.has_room(&turn) && self.let_go() {
            given_way += 1;
        }
        self.push(turn);
        if given_way == 0 { Put::Waits } else { Put::Replaces(given_way) }
    }

    /// Those that have waited longest, at least one if there is any, but not many and not many bytes.
    pub(crate) fn take(&mut self, most: usize, bytes: usize) -> Vec<Turn> {
        let mut taken = Vec::new();
        let mut size_of_taken = 0;
        while taken.len() < most
            && let Some((number, turn)) = self.turns.first_key_value()
            && (taken.is_empty() || size_of_taken + size(turn) <= bytes)
        {
            size_of_taken += size(turn);
            taken.extend(self.remove(*number));
        }
        taken
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// How fast turns have to be kept so that giving way will be enough.
    pub(crate) fn pace(&self) -> Pace {
        match self.bytes - self.held_bytes {
            bytes if bytes > VERY_MANY_BYTES => Pace::Urgent,
            bytes if bytes > MANY_BYTES => Pace::Pressed,
            _ => Pace::Calm,
        }
    }

    /// The turn that `turn` holds and no other does, and its size.
    fn held_by(&self, turn: &Turn) -> Option<(u64, usize)> {
        let number = *self.last.get(&conversation(turn)?)?;
        let older = self.turns.get(&number)?;
        (turn.request.len() >= older.request.len()).then(|| (number, size(older)))
    }

    /// Whether there would be room for `turn` if everything gave way that another holds, and `held`, which it holds itself.
    fn would_have_room(&self, turn: &Turn, held: Option<(u64, usize)>) -> bool {
        let turns = self.turns.len() - self.held.len() - usize::from(held.is_some());
        let bytes = self.bytes - self.held_bytes - held.map_or(0, |(_, size)| size);
        turns == 0 || (turns < MOST && bytes + size(turn) <= MOST_BYTES)
    }

    fn has_room(&self, turn: &Turn) -> bool {
        self.turns.is_empty() || (self.turns.len() < MOST && self.bytes + size(turn) <= MOST_BYTES)
    }

    /// Lets the oldest go of those that another holds; tells whether there was one.
    fn let_go(&mut self) -> bool {
        self.held.first().copied().and_then(|number| self.remove(number)).is_some()
    }

    fn push(&mut self, turn: Turn) {
        self.came += 1;
        self.bytes += size(&turn);
        if let Some(conversation) = conversation(&turn) {
            self.last.insert(conversation, self.came);
        }
        self.turns.insert(self.came, turn);
    }

    fn remove(&mut self, number: u64) -> Option<Turn> {
        let turn = self.turns.remove(&number)?;
        self.bytes -= size(&turn);
        if self.held.remove(&number) {
            self.held_bytes -= size(&turn);
        } else if let Some(conversation) = conversation(&turn)
            && self.last.get(&conversation) == Some(&number)
        {
            self.last.remove(&conversation);
        }
        Some(turn)
    }
}

fn conversation(turn: &Turn) -> Option<Conversation> {
    Some((turn.session.clone(), turn.beginning?))
}

fn size(turn: &Turn) -> usize {
    turn.request.len() + turn.answer.iter().map(bytes::Bytes::len).sum::<usize>()
}
#[cfg(test)]
mod tests {
    use super::*;
    use domain::time::UnixMillis;

    const WHOLE: usize = usize::MAX;

    fn turn(session: &str, at: i64, bytes: usize) -> Turn {
        Turn { beginning: Some(1), at: UnixMillis(at), ..Turn::of(session, vec![0; bytes]) }
    }

    fn left(waiting: &mut Waiting) -> Vec<(String, i64)> {
        let turns = waiting.take(WHOLE, WHOLE);
        let left = turns.iter().map(|turn| (turn.session.to_string(), turn.at.0)).collect();
        assert!(waiting.is_empty() && waiting.last.is_empty() && waiting.held.is_empty());
        assert_eq!((waiting.bytes, waiting.held_bytes), (0, 0));
        left
    }

    fn full_of(session: impl Fn(usize) -> String) -> Waiting {
        let mut waiting = Waiting::default();
        for at in 0..MOST {
            assert_eq!(waiting.put(turn(&session(at), at as i64, 2)), Put::Waits);
        }
        waiting
    }

    #[test]
    fn turns_are_taken_in_the_order_in_which_they_came() {
        let mut waiting = Waiting::default();
        for (at, session) in ["a", "b", "a"].into_iter().enumerate() {
            assert_eq!(waiting.put(turn(session, at as i64, 1)), Put::Waits);
        }
        assert_eq!(left(&mut waiting), [("a".into(), 0), ("b".into(), 1), ("a".into(), 2)]);
    }

    #[test]
    fn a_few_are_taken_at_a_time_but_at_least_one() {
        let mut waiting = Waiting::default();
        for at in 0..6 {
            waiting.put(turn("a", at, 10));
        }
        let mut taken = |most, bytes| waiting.take(most, bytes).len();
        assert_eq!(
            [taken(2, WHOLE), taken(WHOLE, 29), taken(WHOLE, 1), taken(2, 10), taken(1, 1)],
            [2, 2, 1, 1, 0]
        );
    }

    #[test]
    fn without_room_the_oldest_turn_that_a_later_one_holds_gives_way() {
        let mut waiting = full_of(|at| if at % 2 == 0 { "a".into() } else { at.to_string() });
        assert_eq!(waiting.put(turn("new", 1000, 2)), Put::Replaces(1));
        assert_eq!(waiting.put(turn("newer", 1001, 2)), Put::Replaces(1));
        let left = left(&mut waiting);
        assert_eq!(
            (left.len(), &left[..3]),
            (MOST, &[("1".into(), 1), ("3".into(), 3), ("a".into(), 4)][..])
        );
        assert_eq!(left[MOST - 1], ("newer".into(), 1001));
    }

    #[test]
    fn the_last_turn_of_a_session_gives_way_to_its_next_and_never_to_a_strangers() {
        let mut waiting = full_of(|at| at.to_string());
        assert_eq!(waiting.put(turn("new", 1000, 2)), Put::Refused);
        assert_eq!(waiting.put(turn("7", 1000, 2)), Put::Replaces(1));
        assert_eq!(waiting.put(turn("new", 1000, 2)), Put::Refused, "its place is taken");
        assert_eq!(left(&mut waiting)[7], ("8".into(), 8));
    }

    #[test]
    fn a_longer_history_never_gives_way_to_a_shorter() {
        let mut waiting = full_of(|at| at.to_string());
        assert_eq!(waiting.put(turn("7", 1000, 1)), Put::Refused);
        assert_eq!(left(&mut waiting)[7], ("7".into(), 7));
    }

    #[test]
    fn a_history_never_gives_way_to_one_that_began_anew() {
        let mut waiting = full_of(|at| at.to_string());
        let anew = Turn { beginning: Some(2), ..turn("7", 1000, 9) };
        assert_eq!(waiting.put(anew), Put::Refused);
    }

    #[test]
    fn a_turn_whose_history_the_provider_keeps_gives_way_to_none() {
        let mut waiting = Waiting::default();
        for at in 0..MOST {
            waiting.put(Turn { beginning: None, ..turn("a", at as i64, 2) });
        }
        assert_eq!(waiting.put(Turn { beginning: None, ..turn("a", 1000, 2) }), Put::Refused);
        assert_eq!(left(&mut waiting).len(), MOST);
    }

    #[test]
    fn bytes_are_bounded_and_a_single_turn_may_be_larger() {
        let mut waiting = Waiting::default();
        assert_eq!(waiting.put(turn("a", 0, 2 * MOST_BYTES)), Put::Waits);
        assert_eq!(waiting.put(turn("b", 1, 1)), Put::Refused);
        assert_eq!(waiting.put(turn("a", 2, 3 * MOST_BYTES)), Put::Replaces(1));
        assert_eq!(left(&mut waiting), [("a".into(), 2)]);
    }

    #[test]
    fn what_is_refused_makes_nothing_give_way() {
        let mut waiting = Waiting::default();
        waiting.put(turn("a", 0, MOST_BYTES / 2));
        waiting.put(turn("b", 1, MOST_BYTES / 2));
        assert_eq!(waiting.put(turn("a", 2, MOST_BYTES / 2 + 1)), Put::Refused);
        assert_eq!(left(&mut waiting), [("a".into(), 0), ("b".into(), 1)]);
    }

    #[test]
    fn only_what_nobody_holds_presses() {
        let mut waiting = Waiting::default();
        let mut pace_with = |session: &str, bytes: usize| {
            waiting.put(turn(session, 0, bytes));
            waiting.pace()
        };
        for _ in 0..4 {
            assert_eq!(pace_with("a", MANY_BYTES / 2), Pace::Calm);
        }
        assert_eq!(pace_with("b", MANY_BYTES / 2), Pace::Calm);
        assert_eq!(pace_with("c", 1), Pace::Pressed);
        assert_eq!(pace_with("d", MANY_BYTES / 2 - 1), Pace::Pressed);
        assert_eq!(pace_with("e", 1), Pace::Urgent);
    }
}
