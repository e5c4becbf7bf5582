//! Turns that wait to be recorded: few, and not much of them, because a request may be large and the gateway must stay small.

use crate::Turn;
use domain::ids::SessionId;
use std::collections::{HashMap, VecDeque};

/// How many turns may wait.
const MOST: usize = 256;
/// How many bytes their requests and answers may have together; a single turn may have more.
const MOST_BYTES: usize = 12 * 1024 * 1024;

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

/// See the module. Where there is no room, a turn gives way that a later one of its session holds: agents send their whole
/// history with every request. A shorter request does not hold a longer one's history: there the agent has begun anew.
#[derive(Default)]
pub(crate) struct Waiting {
    turns: VecDeque<Turn>,
    bytes: usize,
}

impl Waiting {
    pub(crate) fn put(&mut self, turn: Turn) -> Put {
        let mut given_way = 0;
        while !self.has_room_for(&turn) {
            let Some(at) = self.held_by(&turn).or_else(|| self.held()) else {
                return if given_way == 0 { Put::Refused } else { self.push(turn, given_way) };
            };
            self.bytes -= self.turns.remove(at).map_or(0, |older| size(&older));
            given_way += 1;
        }
        self.push(turn, given_way)
    }

    /// The one that has waited longest.
    pub(crate) fn take(&mut self) -> Option<Turn> {
        let turn = self.turns.pop_front()?;
        self.bytes -= size(&turn);
        Some(turn)
    }

    fn has_room_for(&self, turn: &Turn) -> bool {
        self.turns.is_empty() || (self.turns.len() < MOST && self.bytes + size(turn) <= MOST_BYTES)
    }

    /// The oldest that `turn` holds.
    fn held_by(&self, turn: &Turn) -> Option<usize> {
        self.turns.iter().position(|older| holds(turn, older))
    }

    /// The newest that one behind it holds.
    fn held(&self) -> Option<usize> {
        let mut later: HashMap<&SessionId, usize> = HashMap::new();
        self.turns.iter().rposition(|turn| {
            let length = turn.request.len();
            let longest = later.insert(&turn.session, length).unwrap_or_default();
            longest > 0 && longest >= length
        })
    }

    fn push(&mut self, turn: Turn, given_way: usize) -> Put {
        self.bytes += size(&turn);
        self.turns.push_back(turn);
        if given_way == 0 { Put::Waits } else { Put::Replaces(given_way) }
    }
}

fn holds(newer: &Turn, older: &Turn) -> bool {
    newer.session == older.session && newer.request.len() >= older.request.len()
}

fn size(turn: &Turn) -> usize {
    turn.request.len() + turn.answer.iter().map(bytes::Bytes::len).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Speaker;
    use bytes::Bytes;
    use domain::ids::Principal;
    use domain::provider::{Dialect, Provider, UpstreamKey};
    use domain::time::UnixMillis;

    fn turn(session: &str, at: i64, bytes: usize) -> Turn {
        Turn {
            session: session.into(),
            principal: Principal::local(),
            identity: None,
            client: "test".into(),
            speaker: Speaker::Main,
            upstream: UpstreamKey::new(Provider::Anthropic, "http://h.example"),
            dialect: Dialect::AnthropicMessages,
            target: "/v1/messages".into(),
            request_encoding: None,
            request: Bytes::from(vec![0; bytes]),
            answer_encoding: None,
            answer: Vec::new(),
            at: UnixMillis(at),
            took: std::time::Duration::ZERO,
        }
    }

    fn left(waiting: &mut Waiting) -> Vec<(String, i64)> {
        std::iter::from_fn(|| waiting.take()).map(|turn| (turn.session.to_string(), turn.at.0)).collect()
    }

    #[test]
    fn turns_are_taken_in_the_order_in_which_they_came() {
        let mut waiting = Waiting::default();
        for (at, session) in ["a", "b", "a"].into_iter().enumerate() {
            assert_eq!(waiting.put(turn(session, at as i64, 1)), Put::Waits);
        }
        assert_eq!(left(&mut waiting), [("a".into(), 0), ("b".into(), 1), ("a".into(), 2)]);
        assert_eq!(waiting.bytes, 0);
    }

    fn full_of(session: impl Fn(usize) -> String) -> Waiting {
        let mut waiting = Waiting::default();
        for at in 0..MOST {
            assert_eq!(waiting.put(turn(&session(at), at as i64, 2)), Put::Waits);
        }
        waiting
    }

    #[test]
    fn without_room_the_oldest_turn_of_the_same_session_gives_way() {
        let mut waiting = full_of(|at| if at < 2 { "a".into() } else { at.to_string() });
        assert_eq!(waiting.put(turn("a", 1000, 2)), Put::Replaces(1));
        let left = left(&mut waiting);
        assert_eq!((left.len(), &left[0], &left[MOST - 1]), (MOST, &("a".into(), 1), &("a".into(), 1000)));
    }

    #[test]
    fn else_a_turn_that_another_of_its_own_session_holds() {
        let mut waiting = full_of(|at| if at < 2 { "a".into() } else { at.to_string() });
        assert_eq!(waiting.put(turn("new", 1000, 2)), Put::Replaces(1));
        assert_eq!(left(&mut waiting)[0], ("a".into(), 1));
    }

    #[test]
    fn the_last_turn_of_a_session_never_gives_way_to_a_strangers() {
        let mut waiting = full_of(|at| at.to_string());
        assert_eq!(waiting.put(turn("new", 1000, 2)), Put::Refused);
    }

    #[test]
    fn a_longer_history_never_gives_way_to_a_shorter() {
        let mut waiting = full_of(|at| at.to_string());
        assert_eq!(waiting.put(turn("7", 1000, 1)), Put::Refused);
        assert_eq!(waiting.put(turn("7", 1000, 2)), Put::Replaces(1));
    }

    #[test]
    fn bytes_are_bounded_and_a_single_turn_may_be_larger() {
        let mut waiting = Waiting::default();
        assert_eq!(waiting.put(turn("a", 0, 2 * MOST_BYTES)), Put::Waits);
        assert_eq!(waiting.put(turn("b", 1, 1)), Put::Refused);
        assert_eq!(waiting.put(turn("a", 2, 3 * MOST_BYTES)), Put::Replaces(1));
        assert_eq!(left(&mut waiting), [("a".into(), 2)]);
    }
}
