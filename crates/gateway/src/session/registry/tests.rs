//! Conversations that nobody names, each as a story, and that they never merge.

mod ends;

use super::*;
use domain::conversation::{Asked, Message, Role, chain};
use proptest::prelude::*;

/// A conversation in which words that start with a capital letter are the model's.
fn said(words: &str) -> Vec<Message> {
    let role = |word: &str| if word.starts_with(char::is_uppercase) { Role::Assistant } else { Role::User };
    words.split_whitespace().map(|word| Message::text(role(word), word)).collect()
}

fn ask_as(registry: &Registry, principal: &Principal, words: &str) -> Claim {
    let asked = Asked { messages: said(words), ..Asked::default() };
    registry.claim(principal, &History::of(&asked), UnixMillis(1))
}

fn ask(registry: &Registry, words: &str) -> Claim {
    ask_as(registry, &Principal::local(), words)
}

/// A request and its whole answer.
fn turn(registry: &Registry, words: &str, answer: &str) -> SessionId {
    let claim = ask(registry, words);
    let session = claim.session().clone();
    claim.answered(said(answer).first().map(Message::digest), None);
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
    one.answered(Some(hello), None);
    other.answered(Some(hello), None);
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
    first.answered(said("A").first().map(Message::digest), None);
    let third = ask(&registry, "a A b B c");
    assert_eq!(third.session(), second.session(), "the late news of the first answer changed nothing");
}

#[test]
fn of_several_that_wait_at_the_same_words_none_is_guessed() {
    let registry = registry();
    let open = [ask(&registry, "hi"), ask(&registry, "hi")];
    let sessions = [ask(&registry, "hi A x"), ask(&registry, "hi B y")].map(|claim| claim.session().clone());
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
    again.answered(said("A").first().map(Message::digest), None);
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
fn an_answer_that_an_error_ended_is_asked_for_again_in_its_session_or_gone_on_from() {
    let registry = registry();
    let spoilt = |words: &str| {
        let claim = ask(&registry, words);
        let session = claim.session().clone();
        claim.withdrawn();
        session
    };
    let session = spoilt("a");
    assert_eq!(spoilt("a"), session, "a second time in vain");
    assert_eq!(turn(&registry, "a", "A"), session);
    assert_ne!(ask(&registry, "a").session(), &session, "it was answered");
    let session = spoilt("b");
    assert_eq!(turn(&registry, "b Part c", "C"), session, "a client made do with the part");
    let two = [ask(&registry, "c"), ask(&registry, "c")];
    let sessions = [0, 1].map(|at: usize| two[at].session().clone());
    two.into_iter().for_each(Claim::withdrawn);
    assert!(!sessions.contains(ask(&registry, "c Part d").session()), "nobody can tell whose part it is");
}

#[test]
fn an_answer_without_words_is_gone_on_from() {
    let registry = registry();
    let claim = ask(&registry, "a");
    let session = claim.session().clone();
    claim.answered(None, None);
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
fn new_sessions_of_two_principals_differ_even_where_chance_repeats_itself() {
    let opened = |principal: &Principal| ask_as(&Registry::from_seed(1), principal, "a").session().clone();
    assert_ne!(opened(&Principal::local()), opened(&Principal::from("remote")));
    assert_ne!(opened(&Principal::from("ann")), opened(&Principal::from("remote")));
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
            claim.answered(Some(said(&answer)[0].digest()), None);
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
                claim.answered(Some(answer), None);
            }
        }
    }
}

#[test]
fn a_conversation_that_the_provider_keeps_goes_on_under_the_name_it_was_given() {
    let registry = Registry::from_seed(1);
    let called = |name: &str| Some(Digest::called(name));
    let ask = |words: &str, follows: Option<&str>| {
        let asked = Asked { messages: said(words), follows: follows.map(str::to_owned), ..Asked::default() };
        registry.claim(&Principal::local(), &History::of(&asked), UnixMillis(1))
    };
    let (one, two) = (ask("hi", None), ask("hi", None));
    let (first, second) = (one.session().clone(), two.session().clone());
    one.answered(None, called("resp_1"));
    two.answered(None, called("resp_2"));
    let on = ask("more", Some("resp_2"));
    assert_eq!(*on.session(), second);
    on.answered(None, called("resp_3"));
    assert_eq!(*ask("more", Some("resp_1")).session(), first);
    assert_eq!(*ask("again", Some("resp_3")).session(), second);
    let fork = ask("again", Some("resp_2"));
    assert!(![&first, &second].contains(&fork.session()), "a fork opens a session of its own");
}

#[test]
fn a_conversation_goes_on_from_the_name_of_its_last_item_as_well() {
    let registry = registry();
    let names = ["resp_1", "msg_1"].map(Digest::called);
    for name in ["resp_1", "msg_1"] {
        let first = ask(&registry, "hi");
        let session = first.session().clone();
        first.answered(None, names);
        let ask = |words: &str, name: &str| {
            let asked = Asked { messages: said(words), follows: Some(name.to_owned()), ..Asked::default() };
            registry.claim(&Principal::local(), &History::of(&asked), UnixMillis(1))
        };
        let on = ask("", name);
        assert_eq!(*on.session(), session, "{name}");
        on.answered(None, [Digest::called(&format!("behind {name}"))]);
        let on = ask("more", &format!("behind {name}"));
        assert_eq!(*on.session(), session, "{name}");
        on.answered(None, None);
    }
}
