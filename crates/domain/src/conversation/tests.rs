//! What names messages and conversations.

use super::*;

#[test]
fn a_digest_survives_blanks_and_empty_blocks_but_not_other_words() {
    let plain = Message::text(Role::User, "hello");
    let padded = Message {
        role: Role::User,
        parts: vec![Part::Text { text: " ".into() }, Part::Text { text: "hello\n".into() }],
    };
    assert_eq!(plain.digest(), padded.digest());
    assert_ne!(plain.digest(), Message::text(Role::Assistant, "hello").digest());
    assert_ne!(plain.digest(), Message::text(Role::User, "hello!").digest());
}

#[test]
fn histories_are_told_apart_by_how_they_begin_and_only_where_the_request_carries_them() {
    let asked = |first: &str| Asked {
        messages: vec![Message::text(Role::User, first), Message::text(Role::Assistant, "yes")],
        ..Asked::default()
    };
    let beginning = |first: &str| asked(first).beginning().expect("it carries its history");
    let long = "x".repeat(1000);
    assert_eq!(beginning("hello"), beginning(" hello\n"));
    assert_ne!(beginning("hello"), beginning("a summary"));
    assert_ne!(beginning(&long), beginning(&format!("{long}y")));
    assert_ne!(beginning(&long), beginning(&format!("y{}", &long[1..])));
    assert_eq!(Asked { follows: Some("it".into()), ..asked("hello") }.beginning(), None);
    assert_eq!(Asked::default().beginning(), None);
}

#[test]
fn a_digest_survives_blocks_that_are_joined_or_split_but_not_a_boundary_of_tool_traffic() {
    let text = |text: &str| Part::Text { text: text.into() };
    let call = |id: &str| Part::ToolCall { id: id.into(), name: "look".into(), input: "{}".into() };
    let said = |parts: Vec<Part>| Message { role: Role::Assistant, parts }.digest();
    let joined = said(vec![text("one and two")]);
    assert_eq!(joined, said(vec![text("one"), text(" and "), text("two\n")]));
    assert_eq!(joined, said(vec![text(""), text("one an"), text("d two")]));
    assert_ne!(joined, said(vec![text("one"), text("and two")]), "words ran together");
    assert_ne!(said(vec![text("ab"), call("c")]), said(vec![text("a"), call("bc")]));
    assert_ne!(said(vec![text("a"), call("1"), text("b")]), said(vec![text("ab"), call("1")]));
}

#[test]
fn a_chain_names_every_prefix_and_depends_on_order() {
    let (a, b) = (Message::text(Role::User, "a"), Message::text(Role::Assistant, "b"));
    let there = chain(&[a.clone(), b.clone()]);
    assert_eq!(there[0], chain(std::slice::from_ref(&a))[0]);
    assert_ne!(there[1], chain(&[b, a])[1]);
}

#[test]
fn no_count_of_a_provider_makes_the_sum_overflow() {
    let most = Usage { input: u64::MAX, cache_read: u64::MAX, ..Usage::default() };
    assert_eq!(most.prompt(), u64::MAX);
    assert_eq!(
        Usage { input: 1, cache_read: 2, cache_write_5m: 3, cache_write_1h: 4, output: 5 }.prompt(),
        10
    );
}
