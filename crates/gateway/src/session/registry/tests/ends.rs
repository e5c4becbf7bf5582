//! Conversations whose beginning a client leaves out or sums up.

use super::*;
use domain::conversation::Part;

/// Words of a model that nobody else's says.
fn own(of: &str) -> String {
    format!("{of}{}", "x".repeat(160))
}

/// A conversation of so many turns, whose answers are `agent`'s own.
fn turns(agent: &str, count: usize) -> Vec<String> {
    let turn = |number| [format!("q{number}"), own(&format!("{agent}{number}"))];
    (0..count).flat_map(turn).collect()
}

fn last(history: &[String], window: usize) -> String {
    history[history.len().saturating_sub(window)..].join(" ")
}

/// The session that a conversation of three turns is, and the conversation.
fn begun(registry: &Registry, agent: &str) -> (SessionId, Vec<String>) {
    let history = turns(agent, 3);
    let mut asked_at = (1..=history.len()).step_by(2);
    let mut ask = |length: usize| turn(registry, &history[..length].join(" "), &history[length]);
    let session = asked_at.next().map(&mut ask).expect("there are three");
    assert!(asked_at.all(|length| ask(length) == session));
    (session, history)
}

#[test]
fn a_conversation_whose_beginning_is_left_out_stays_in_its_session() {
    let registry = registry();
    for window in [5, 6, 40] {
        let mut history = vec!["hi".to_owned()];
        let session = turn(&registry, "hi", &own("A"));
        history.push(own("A"));
        for number in 0..30 {
            history.push(format!("q{number}"));
            let answer = own(&format!("A{window}of{number}"));
            assert_eq!(turn(&registry, &last(&history, window), &answer), session, "turn {number}");
            history.push(answer);
        }
        assert_ne!(turn(&registry, "hi", "B"), session);
    }
}

#[test]
fn a_conversation_whose_beginning_was_summed_up_stays_in_its_session() {
    let registry = registry();
    let (session, history) = begun(&registry, "A");
    let summed_up = format!("summary {} more", last(&history, 4));
    assert_eq!(turn(&registry, &summed_up, "B"), session);
    assert_eq!(turn(&registry, &format!("{summed_up} B on"), "C"), session, "and goes on from there");
}

#[test]
fn a_shortened_request_that_overtakes_the_end_of_the_answer_before_it_finds_its_session() {
    let registry = registry();
    let (session, history) = begun(&registry, "A");
    let early = ask(&registry, &format!("{} next", history.join(" ")));
    assert_eq!(early.session(), &session);
    let shortened = ask(&registry, &format!("{} next {} on", last(&history, 3), own("B")));
    assert_eq!(shortened.session(), &session);
}

#[test]
fn ends_that_others_may_have_too_tell_nothing() {
    let registry = registry();
    let session = turn(&registry, "this Yes q2 No q3", "Yes");
    assert_ne!(turn(&registry, "that Yes q2 No q3 Yes q4", "No"), session, "short answers");
    let session = turn(&registry, &format!("this {} q2", own("A")), &own("B"));
    let fewer = format!("{} q2 {} q3", own("A"), own("B"));
    assert_ne!(turn(&registry, &fewer, "C"), session, "too few messages");
}

#[test]
fn of_several_that_end_alike_none_is_guessed() {
    let registry = registry();
    let ending = last(&turns("A", 3), 4);
    let (question, answer) = ending.rsplit_once(' ').expect("it has several words");
    let one = turn(&registry, &format!("this {question}"), answer);
    let other = turn(&registry, &format!("that {question}"), answer);
    let found = turn(&registry, &format!("{ending} on"), "C");
    assert!(one != other && found != one && found != other);
}

#[test]
fn a_call_whose_id_was_drawn_makes_an_end_a_sessions_own() {
    let answered = |id: &str| {
        let registry = registry();
        let (id, name) = (id.to_owned(), "look".to_owned());
        let call = Part::ToolCall { id: id.clone(), name, input: "{}".into() };
        let result = Part::ToolResult { id, text: "found".into() };
        let mut messages = said("first A second");
        messages.push(Message { role: Role::Assistant, parts: vec![call] });
        messages.push(Message { role: Role::User, parts: vec![result] });
        let ask = |messages: Vec<Message>| {
            let asked = Asked { messages, ..Asked::default() };
            registry.claim(&Principal::local(), &History::of(&asked), UnixMillis(1))
        };
        let claim = ask(messages.clone());
        let session = claim.session().clone();
        claim.answered(said("Good").first().map(Message::digest), None);
        messages.extend(said("Good on"));
        *ask(messages.split_off(2)).session() == session
    };
    assert!(answered("toolu_01A09q90qw90lq917835lq9"));
    assert!(!answered("call_0"));
}

#[test]
fn principals_share_no_end() {
    let registry = registry();
    let (session, history) = begun(&registry, "A");
    let shortened = format!("{} on", last(&history, 4));
    assert_ne!(ask_as(&registry, &Principal::from("remote"), &shortened).session(), &session);
    assert_eq!(ask(&registry, &shortened).session(), &session);
}

proptest! {
    /// Agents that ask alike and are answered each in its own words, and leave out what they like.
    #[test]
    fn however_conversations_are_shortened_each_stays_in_its_session(
        steps in prop::collection::vec((0_usize..3, 5_usize..12, 0_usize..4), 1..60),
    ) {
        let registry = registry();
        let mut histories = vec![Vec::new(); 3];
        let mut sessions: Vec<Option<SessionId>> = vec![None; 3];
        for (number, (agent, window, outcome)) in steps.into_iter().enumerate() {
            let question = format!("q{}", number / 9);
            histories[agent].push(question);
            let claim = ask(&registry, &last(&histories[agent], window));
            let session = claim.session().clone();
            if outcome == 0 {
                claim.failed();
                histories[agent].pop();
                continue;
            }
            let answer = own(&format!("M{agent}n{number}"));
            claim.answered(Some(said(&answer)[0].digest()), None);
            histories[agent].push(answer);
            if let Some(before) = &sessions[agent] {
                prop_assert_eq!(before, &session);
            }
            for (other, theirs) in sessions.iter().enumerate().filter(|(other, _)| *other != agent) {
                prop_assert_ne!(theirs.as_ref(), Some(&session), "agent {} met agent {}", agent, other);
            }
            sessions[agent] = Some(session);
        }
    }
}
