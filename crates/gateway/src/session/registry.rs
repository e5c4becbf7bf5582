//! Recognising conversations of clients that do not name them.
//!
//! A session stands at a *position*, the conversation up to its last request, and, once the answer is known, at a *head*, the
//! conversation up to that answer. A request belongs to the session whose head it goes on from, to the longest one; else to
//! the session whose answer is still coming, when it goes on from an answer to that very position and no other session waits
//! there; else, when it is the same request again and nothing of an answer had come back, it is a retry. Otherwise it opens
//! a session.
//!
//! Two sessions are never taken for one: a session moves on with the first request that continues it, so a second
//! continuation of the same words, a fork, finds nobody and opens a session of its own.

use super::seats::{Course, Seat, Seats};
use domain::conversation::Digest;
use domain::ids::{Principal, SessionId};
use domain::time::UnixMillis;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::SessionHead;
use uuid::Builder;

/// How many sessions are held in mind.
const MOST_SESSIONS: usize = 20_000;

/// See the module. The lock is held for look-ups only.
#[derive(Clone)]
pub(crate) struct Registry(Arc<Mutex<Inner>>);

struct Inner {
    seats: Seats,
    chance: StdRng,
}

impl Registry {
    /// A registry that knows nobody, and makes the names of new sessions from `seed`.
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self::with_limit(MOST_SESSIONS, seed)
    }

    fn with_limit(limit: usize, seed: u64) -> Self {
        let inner = Inner { seats: Seats::new(limit), chance: StdRng::seed_from_u64(seed) };
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Takes in the sessions of an earlier run that no client named, the one used last first.
    pub(crate) fn recall(&self, heads: &[SessionHead]) {
        let mut inner = self.lock();
        let unnamed = heads.iter().filter(|head| head.identity.is_none()).take(inner.seats.limit());
        for known in unnamed.collect::<Vec<_>>().into_iter().rev() {
            let seat = Seat::new(known.principal.clone(), known.head).answered(known.head);
            inner.seats.put(&known.session, seat);
        }
    }

    /// Finds or opens the session of a request whose conversation is `links` (see [`domain::conversation::chain`], at least
    /// one), where the model last spoke at index `last_answer`.
    pub(crate) fn claim(
        &self,
        principal: &Principal,
        links: &[Digest],
        last_answer: Option<usize>,
        now: UnixMillis,
    ) -> Claim {
        let position = links.last().copied().unwrap_or(Digest::START);
        let mut inner = self.lock();
        let found = inner.find(principal, links, last_answer);
        let session = found.unwrap_or_else(|| inner.new_session(now));
        let known = inner.seats.get(&session).cloned();
        let seat = known.unwrap_or_else(|| Seat::new(principal.clone(), position)).asked(position);
        let attempt = seat.attempt;
        inner.seats.put(&session, seat);
        Claim { registry: self.clone(), session, attempt, settled: false }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn find(&self, principal: &Principal, links: &[Digest], last_answer: Option<usize>) -> Option<SessionId> {
        let (position, before) = links.split_last()?;
        // The model's words come last when nothing can be kept of what was said after them, an image for instance.
        let known = if last_answer == Some(before.len()) { links } else { before };
        let going_on = || known.iter().rev().find_map(|head| self.seats.with_head(principal, *head));
        let being_answered = || {
            let asked = last_answer?.checked_sub(1).and_then(|before| links.get(before))?;
            self.being_answered(principal, *asked)
        };
        let retried = || self.seats.at(principal, *position, Course::Failed).next();
        going_on().or_else(being_answered).or_else(retried).cloned()
    }

    /// The one session at `position` whose answer only the client knows, else the one that waits for it. Of several nobody
    /// can tell which it is, and to guess would make one conversation of two.
    fn being_answered(&self, principal: &Principal, position: Digest) -> Option<&SessionId> {
        let there = |course| self.seats.at(principal, position, course);
        let lost = there(Course::Lost).next().is_some();
        only(there(if lost { Course::Lost } else { Course::Open }))
    }

    fn new_session(&mut self, now: UnixMillis) -> SessionId {
        let millis = u64::try_from(now.0).unwrap_or_default();
        let uuid = Builder::from_unix_timestamp_millis(millis, &self.chance.random()).into_uuid();
        SessionId::from(uuid.to_string())
    }
}

fn only<T>(mut candidates: impl Iterator<Item = T>) -> Option<T> {
    let first = candidates.next()?;
    candidates.next().is_none().then_some(first)
}

/// A request's place in a conversation, until it is known how the request went. Dropped before, nothing of an answer came.
pub(crate) struct Claim {
    registry: Registry,
    session: SessionId,
    attempt: u64,
    settled: bool,
}

impl Claim {
    /// The session.
    pub(crate) fn session(&self) -> &SessionId {
        &self.session
    }

    /// The provider said `answer`; nothing, if it ended without words.
    pub(crate) fn answered(mut self, answer: Option<Digest>) {
        self.settle(|seat| {
            let head = answer.map_or(seat.position, |answer| seat.position.then(answer));
            seat.answered(head)
        });
    }

    /// The client may have seen a part of an answer.
    pub(crate) fn lost(mut self) {
        self.settle(|seat| seat.with(Course::Lost));
    }

    /// The client saw nothing of an answer.
    pub(crate) fn failed(self) {
        drop(self);
    }

    /// Only the last request says how a session stands.
    fn settle(&mut self, turn: impl FnOnce(Seat) -> Seat) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let mut inner = self.registry.lock();
        let seat = inner.seats.get(&self.session).filter(|seat| seat.attempt == self.attempt).cloned();
        if let Some(seat) = seat {
            inner.seats.put(&self.session, turn(seat));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.settle(|seat| seat.with(Course::Failed));
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("session", &self.session)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::conversation::{Message, Role, chain};
    use proptest::prelude::*;

    /// A conversation in which words that start with a capital letter are the model's.
    fn said(words: &str) -> Vec<Message> {
        let role =
            |word: &str| if word.starts_with(char::is_uppercase) { Role::Assistant } else { Role::User };
        words.split_whitespace().map(|word| Message::text(role(word), word)).collect()
    }

    fn ask_as(registry: &Registry, principal: &Principal, words: &str) -> Claim {
        let messages = said(words);
        let last = messages.iter().rposition(|message| message.role == Role::Assistant);
        registry.claim(principal, &chain(&messages), last, UnixMillis(1))
    }

    fn ask(registry: &Registry, words: &str) -> Claim {
        ask_as(registry, &Principal::local(), words)
    }

    /// A request and its whole answer.
    fn turn(registry: &Registry, words: &str, answer: &str) -> SessionId {
        let claim = ask(registry, words);
        let session = claim.session().clone();
        claim.answered(said(answer).first().map(Message::digest));
        session
    }

    fn registry() -> Registry {
        Registry::from_seed(7)
    }

    #[test]
    fn a_conversation_stays_in_its_session_turn_by_turn() {
        let registry = registry();
        let session = turn(&registry, "a", "A");
        assert_eq!(turn(&registry, "a A b", "B"), session);
        assert_eq!(turn(&registry, "a A b B c", "C"), session);
        assert_ne!(turn(&registry, "other", "A"), session);
    }

    #[test]
    fn equal_beginnings_side_by_side_are_two_sessions_and_stay_two() {
        let registry = registry();
        let (one, other) = (ask(&registry, "hi"), ask(&registry, "hi"));
        let mut sessions = [one.session().clone(), other.session().clone()];
        assert_ne!(sessions[0], sessions[1]);
        let hello = said("Hello")[0].digest();
        one.answered(Some(hello));
        other.answered(Some(hello));
        let mut goes_on = [turn(&registry, "hi Hello x", "X"), turn(&registry, "hi Hello y", "Y")];
        assert_eq!(turn(&registry, "hi Hello x X z", "Z"), goes_on[0]);
        assert_eq!(turn(&registry, "hi Hello y Y z", "Z"), goes_on[1]);
        sessions.sort();
        goes_on.sort();
        assert_eq!(goes_on, sessions);
    }

    #[test]
    fn a_fork_opens_a_session_of_its_own() {
        let registry = registry();
        let session = turn(&registry, "a", "A");
        assert_eq!(turn(&registry, "a A b", "B"), session);
        let fork = turn(&registry, "a A c", "C");
        assert_ne!(fork, session);
        assert_eq!(turn(&registry, "a A b B d", "D"), session);
        assert_eq!(turn(&registry, "a A c C d", "D"), fork);
    }

    #[test]
    fn the_longest_known_beginning_wins() {
        let registry = registry();
        let short = turn(&registry, "a", "A");
        let long = turn(&registry, "a A b B c", "C");
        assert_eq!(short, long, "it goes on from the first");
        let other = turn(&registry, "a", "A");
        assert_eq!(turn(&registry, "a A b B c C d", "D"), long);
        assert_eq!(turn(&registry, "a A z", "Z"), other);
    }

    #[test]
    fn a_request_that_overtakes_the_end_of_the_answer_before_it_finds_its_session() {
        let registry = registry();
        let first = ask(&registry, "a");
        let second = ask(&registry, "a A b");
        assert_eq!(first.session(), second.session());
        first.answered(said("A").first().map(Message::digest));
        let third = ask(&registry, "a A b B c");
        assert_eq!(third.session(), second.session(), "the late news of the first answer changed nothing");
    }

    #[test]
    fn of_several_that_wait_at_the_same_words_none_is_guessed() {
        let registry = registry();
        let open = [ask(&registry, "hi"), ask(&registry, "hi")];
        let sessions =
            [ask(&registry, "hi A x"), ask(&registry, "hi B y")].map(|claim| claim.session().clone());
        assert!(sessions[0] != sessions[1] && open.iter().all(|claim| !sessions.contains(claim.session())));
        let [one, other] = open;
        one.lost();
        let lost = ask(&registry, "hi Part z");
        assert_ne!(lost.session(), other.session(), "the one whose answer was lost goes first");
        for claim in [ask(&registry, "hi"), ask(&registry, "hi")] {
            claim.lost();
        }
        let found = ask(&registry, "hi Part again").session().clone();
        assert!(found != *lost.session() && found != *other.session() && !sessions.contains(&found));
    }

    #[test]
    fn a_message_of_which_nothing_is_kept_goes_on_in_its_session() {
        let registry = registry();
        let session = turn(&registry, "a", "A");
        assert_eq!(turn(&registry, "a A", "B"), session, "an image, say");
        assert_eq!(turn(&registry, "a A B b", "C"), session);
    }

    #[test]
    fn the_same_request_again_is_a_retry_only_when_nothing_had_come_back() {
        let registry = registry();
        let failed = ask(&registry, "a");
        let session = failed.session().clone();
        failed.failed();
        let again = ask(&registry, "a");
        assert_eq!(again.session(), &session);
        again.answered(said("A").first().map(Message::digest));
        assert_ne!(
            ask(&registry, "a").session(),
            &session,
            "an answered request sent again is a new conversation"
        );
    }

    #[test]
    fn after_a_failure_the_conversation_goes_on_from_the_answer_before_it() {
        let registry = registry();
        let session = turn(&registry, "a", "A");
        ask(&registry, "a A b").failed();
        assert_eq!(ask(&registry, "a A c").session(), &session, "the user put it differently");
        assert_eq!(ask(&registry, "a A c").session(), &session, "left, and sent again");
    }

    #[test]
    fn a_partial_answer_that_only_the_client_knows_is_gone_on_from() {
        let registry = registry();
        let cut = ask(&registry, "a");
        let session = cut.session().clone();
        cut.lost();
        assert_ne!(ask(&registry, "a").session(), &session, "somebody may hold the partial answer");
        assert_eq!(ask(&registry, "a Part b").session(), &session);
    }

    #[test]
    fn an_answer_without_words_is_gone_on_from() {
        let registry = registry();
        let claim = ask(&registry, "a");
        let session = claim.session().clone();
        claim.answered(None);
        assert_eq!(ask(&registry, "a b").session(), &session);
    }

    #[test]
    fn principals_never_share_a_conversation() {
        let registry = registry();
        let session = turn(&registry, "a", "A");
        let other = ask_as(&registry, &Principal::from("remote"), "a A b");
        assert_ne!(other.session(), &session);
    }

    #[test]
    fn sessions_of_an_earlier_run_are_recognised_unless_a_client_named_them() {
        let registry = registry();
        let head = |session: &str, words, identity: Option<&str>| SessionHead {
            session: session.into(),
            principal: Principal::local(),
            head: *chain(&said(words)).last().unwrap(),
            identity: identity.map(str::to_owned),
            last_activity: UnixMillis(0),
        };
        registry.recall(&[head("before", "a A", None), head("named", "n N", Some("own-name"))]);
        assert_eq!(ask(&registry, "a A b").session().as_str(), "before");
        assert_ne!(ask(&registry, "n N b").session().as_str(), "named");
    }

    #[test]
    fn what_is_held_in_mind_is_bounded_and_the_longest_unused_goes_first() {
        let registry = Registry::with_limit(2, 7);
        let first = turn(&registry, "a", "A");
        let second = turn(&registry, "b", "B");
        assert_eq!(turn(&registry, "a A c", "C"), first);
        turn(&registry, "d", "D");
        assert_ne!(turn(&registry, "b B c", "C"), second);
        for number in 0..100 {
            turn(&registry, &format!("n{number}"), "N");
        }
        assert!(registry.lock().seats.entry_count() <= 4 * 2);
    }

    #[test]
    fn names_of_sessions_are_time_ordered_uuids_and_depend_on_the_seed() {
        let name = |seed| ask(&Registry::from_seed(seed), "a").session().clone();
        assert_eq!(name(1), name(1));
        assert_ne!(name(1), name(2));
        assert_eq!(name(1).as_str().as_bytes()[14], b'7');
    }

    proptest! {
        /// Agents with histories of their own, in any order of requests, answers, failures and forks of words in common.
        #[test]
        fn no_two_conversations_ever_share_a_session(
            steps in prop::collection::vec((0_usize..4, 0_u8..3, 0_u8..3), 1..60),
        ) {
            let registry = registry();
            let mut histories = vec![String::new(); 4];
            let mut sessions: Vec<Option<SessionId>> = vec![None; 4];
            for (agent, word, outcome) in steps {
                let asked = format!("{} {}", histories[agent], ["a", "b", "c"][usize::from(word)]);
                let claim = ask(&registry, &asked);
                let session = claim.session().clone();
                if outcome == 0 {
                    claim.failed();
                    continue;
                }
                // The model's words are the agent's own, so conversations that went on differ from one another.
                let answer = format!("M{agent}");
                claim.answered(Some(said(&answer)[0].digest()));
                if let Some(before) = &sessions[agent] {
                    prop_assert_eq!(before, &session, "an agent stays in its session");
                }
                for (other, theirs) in sessions.iter().enumerate().filter(|(other, _)| *other != agent) {
                    prop_assert_ne!(theirs.as_ref(), Some(&session), "agent {} met agent {}", agent, other);
                }
                sessions[agent] = Some(session);
                histories[agent] = format!("{asked} {answer}");
            }
        }

        /// The same, where agents go on before their answers are examined: several requests are open at once.
        #[test]
        fn however_requests_overlap_no_two_conversations_share_a_session(
            steps in prop::collection::vec((0_usize..4, 0_u8..2, 0_usize..4), 1..60),
        ) {
            let registry = registry();
            let mut histories = vec![String::new(); 4];
            let mut owners = std::collections::HashMap::new();
            let mut late: Vec<(Claim, Digest)> = Vec::new();
            for (agent, word, examined) in steps {
                let asked = format!("{} {}", histories[agent], ["a", "b"][usize::from(word)]);
                let claim = ask(&registry, &asked);
                let owner = *owners.entry(claim.session().clone()).or_insert(agent);
                prop_assert_eq!(owner, agent, "they met");
                let answer = format!("M{agent}");
                late.push((claim, said(&answer)[0].digest()));
                histories[agent] = format!("{asked} {answer}");
                if examined < late.len() {
                    let (claim, answer) = late.swap_remove(examined);
                    claim.answered(Some(answer));
                }
            }
        }
    }
}
