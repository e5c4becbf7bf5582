//! Each message is stored once, whatever clients do with their histories.

use crate::fixture::{id, model, say, store_with, texts, tool_call, tool_result, turn, user};
use domain::conversation::{Digest, Message, Part, Role};
use domain::ids::Principal;
use domain::time::UnixMillis;
use store::{LONGEST_TEXT, Recorded, SqliteStore, Store, StoreError, TurnRecord};

#[test]
fn a_turn_is_stored_with_its_answer_last() {
    let mut store = SqliteStore::in_memory().unwrap();
    let recorded =
        store.record_turn(&turn("s", &[user("bake a loaf")], Some(model("which flour?")))).unwrap();
    let expected = Recorded {
        forgotten: false,
        new_messages: 2,
        pending_messages: 2,
        pending_tokens: 6,
        turns: 1,
        turns_since_curation: 1,
        ..Recorded::default()
    };
    assert_eq!(recorded, expected);
    let messages = store.messages(&id("s")).unwrap();
    assert_eq!((messages[0].role, messages[0].text.as_str()), (Role::User, "bake a loaf"));
    assert_eq!((messages[1].role, messages[1].text.as_str()), (Role::Assistant, "which flour?"));
    assert!(
        messages[0].id < messages[1].id && !messages[0].distilled && messages[0].at == UnixMillis(3_600_000)
    );
}

#[test]
fn a_turn_sent_again_changes_nothing() {
    let mut store = SqliteStore::in_memory().unwrap();
    let sent = turn("s", &[user("a")], Some(model("b")));
    let first = store.record_turn(&sent).unwrap();
    let again = store.record_turn(&sent).unwrap();
    assert_eq!(again, Recorded { new_messages: 0, ..first });
    assert_eq!(texts(&mut store, "s"), ["a", "b"]);
}

#[test]
fn a_missed_turn_is_recovered_by_the_next() {
    let mut store = SqliteStore::in_memory().unwrap();
    store.record_turn(&turn("s", &[user("a")], Some(model("b")))).unwrap();
    let third = [user("a"), model("b"), user("c"), model("d"), user("e")];
    assert_eq!(store.record_turn(&turn("s", &third, Some(model("f")))).unwrap().new_messages, 4);
    assert_eq!(texts(&mut store, "s"), ["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn the_same_words_said_again_are_another_message() {
    let mut store = store_with("s", &["yes", "ok", "yes", "ok"]);
    say(&mut store, "s", &["yes", "ok", "yes", "ok", "yes"]);
    assert_eq!(texts(&mut store, "s"), ["yes", "ok", "yes", "ok", "yes"]);
}

#[test]
fn two_sessions_that_begin_alike_are_kept_apart() {
    let mut store = store_with("s", &["a", "b"]);
    say(&mut store, "fork", &["a", "b", "c"]);
    assert_eq!(texts(&mut store, "s"), ["a", "b"]);
    assert_eq!(texts(&mut store, "fork"), ["a", "b", "c"]);
}

#[test]
fn an_answer_that_comes_back_as_the_client_writes_it_is_the_same_message() {
    let call =
        |input: &str| Part::ToolCall { id: "toolu_1".into(), name: "read".into(), input: input.into() };
    let words = |text: &str| Part::Text { text: text.into() };
    let streamed =
        Message { role: Role::Assistant, parts: vec![words("Let me look.\n\n"), call(r#"{"a":1,"b":2}"#)] };
    let echoed = Message {
        role: Role::Assistant,
        parts: vec![words(""), words("Let me look."), call(r#"{"b": 2, "a": 1}"#)],
    };
    let mut store = SqliteStore::in_memory().unwrap();
    store.record_turn(&turn("s", &[user("look")], Some(streamed))).unwrap();
    let next = [user("look"), echoed, tool_result("toolu_1", "found")];
    assert_eq!(store.record_turn(&turn("s", &next, Some(model("done")))).unwrap().new_messages, 2);
    assert_eq!(store.messages(&id("s")).unwrap().len(), 4);
}

#[test]
fn an_answer_that_comes_back_in_other_words_is_stored_beside_the_first_and_nothing_else_twice() {
    let mut store = SqliteStore::in_memory().unwrap();
    store.record_turn(&turn("s", &[user("go on")], Some(model("as streamed")))).unwrap();
    let mut history = vec![user("go on"), model("as rewritten"), user("go on")];
    store.record_turn(&turn("s", &history, Some(model("as streamed")))).unwrap();
    assert_eq!(texts(&mut store, "s"), ["go on", "as streamed", "as rewritten", "go on", "as streamed"]);
    history.extend([model("as streamed"), user("go on")]);
    store.record_turn(&turn("s", &history, Some(model("done")))).unwrap();
    assert_eq!(texts(&mut store, "s")[5..], ["go on", "done"]);
}

#[test]
fn an_answer_that_says_what_an_earlier_one_said_is_an_answer_of_its_own() {
    let mut store = SqliteStore::in_memory().unwrap();
    for asked in ["is it done?", "and this?", "is it done?"] {
        store.record_turn(&turn("s", &[user(asked)], Some(model("yes")))).unwrap();
    }
    assert_eq!(
        texts(&mut store, "s"),
        ["is it done?", "yes", "and this?", "yes"],
        "the third is the first again"
    );
}

/// A conversation in which a tool is called and answers four times, each time twice in one message or in two.
fn with_results(together: bool, said: impl Fn(usize) -> String) -> Vec<Message> {
    let step = |number: usize| {
        let ids = [format!("one_{number}"), format!("two_{number}")];
        let join = |messages: [Message; 2]| Message {
            role: messages[0].role,
            parts: messages.into_iter().flat_map(|message| message.parts).collect(),
        };
        let results = ids.clone().map(|id| tool_result(&id, &said(number)));
        let results = if together { vec![join(results)] } else { results.to_vec() };
        [vec![join(ids.map(|id| tool_call(&id)))], results].concat()
    };
    std::iter::once(user("go")).chain((0..4).flat_map(step)).collect()
}

#[test]
fn results_of_tools_that_a_client_cleared_are_those_that_were_recorded() {
    for together in [true, false] {
        let mut store = SqliteStore::in_memory().unwrap();
        let whole = with_results(together, |number| format!("file {number}"));
        store.record_turn(&turn("s", &whole, Some(model("read all")))).unwrap();
        let before = texts(&mut store, "s");
        let cleared = |kept: usize| {
            let said =
                move |number| if number < kept { "(left out)".into() } else { format!("file {number}") };
            let mut history = with_results(together, said);
            history.extend([model("read all"), user("next")]);
            history
        };
        for (kept, new) in [(3, 2), (3, 0), (4, 1)] {
            let recorded = store.record_turn(&turn("s", &cleared(kept), Some(model("fine")))).unwrap();
            assert_eq!(recorded.new_messages, new, "{kept}, {together}");
        }
        let said = texts(&mut store, "s");
        assert_eq!(said[..before.len()], before);
        assert_eq!(said[before.len()..], ["next", "fine", "fine"]);
    }
}

#[test]
fn what_tools_answered_elsewhere_in_a_session_is_no_result_of_another_call() {
    let mut store = SqliteStore::in_memory().unwrap();
    let (ours, theirs) = ([user("go"), tool_call("a")], [user("look"), tool_call("b")]);
    store.record_turn(&turn("s", &theirs[..1], Some(theirs[1].clone()))).unwrap();
    store.record_turn(&turn("s", &ours[..1], Some(ours[1].clone()))).unwrap();
    for (begun, result) in [(theirs, tool_result("b", "theirs")), (ours, tool_result("a", "ours"))] {
        let history = [&begun[..], &[result]].concat();
        assert_eq!(store.record_turn(&turn("s", &history, None)).unwrap().new_messages, 1);
    }
    assert_eq!(store.messages(&id("s")).unwrap().len(), 6);
}

#[test]
fn a_cut_answer_counts_only_when_the_client_took_it_over() {
    let mut store = SqliteStore::in_memory().unwrap();
    let mut cut = turn("s", &[user("a")], Some(model("half an ans")));
    cut.cut = true;
    cut.stop = None;
    let recorded = store.record_turn(&cut).unwrap();
    assert_eq!((recorded.new_messages, recorded.turns), (1, 0));
    let whole = store.record_turn(&turn("s", &[user("a")], Some(model("half an answer")))).unwrap();
    assert_eq!((whole.new_messages, whole.turns), (1, 1));
    assert_eq!(texts(&mut store, "s"), ["a", "half an answer"]);
    store.record_turn(&turn("s", &[user("a"), model("half an ans"), user("go on")], None)).unwrap();
    assert_eq!(texts(&mut store, "s")[2..], ["half an ans", "go on"]);
}

#[test]
fn after_a_compaction_only_what_is_new_is_stored() {
    let mut store = store_with("s", &["a", "b", "yes", "d"]);
    say(&mut store, "s", &["summary of a and b", "b", "yes", "d", "yes"]);
    assert_eq!(texts(&mut store, "s"), ["a", "b", "yes", "d", "summary of a and b", "yes"]);
    say(&mut store, "s", &["summary of a and b", "b", "yes", "d", "yes", "d", "yes"]);
    assert_eq!(
        texts(&mut store, "s")[6..],
        ["d", "yes"],
        "from there on the same words are other messages again"
    );
}

#[test]
fn of_a_history_without_its_beginning_only_what_is_new_is_stored_though_it_was_said_before() {
    let mut whole = ["a", "yes", "b", "c", "yes", "d"].map(str::to_owned).to_vec();
    let mut store = SqliteStore::in_memory().unwrap();
    let mut said = |history: &[String]| {
        let speaks =
            |(place, words): (usize, &String)| if place % 2 == 0 { user(words) } else { model(words) };
        let history: Vec<_> = history.iter().enumerate().map(speaks).collect();
        store.record_turn(&turn("s", &history, None)).unwrap();
        texts(&mut store, "s")
    };
    assert_eq!(said(&whole), whole);
    for next in [["yes", "ok"], ["yes", "ok"], ["go on", "yes"], ["c", "yes"], ["d", "ok"]] {
        whole.extend(next.map(str::to_owned));
        assert_eq!(said(&whole[whole.len() - 6..]), whole);
    }
    let summed_up = [
        &["summary", "fine"].map(str::to_owned),
        &whole[whole.len() - 4..],
        &["yes".to_owned(), "d".to_owned()],
    ]
    .concat();
    whole.extend(["summary", "fine", "yes", "d"].map(str::to_owned));
    assert_eq!(said(&summed_up), whole);
}

#[test]
fn going_back_and_on_from_there_keeps_both_ways() {
    let mut store = store_with("s", &["a", "b", "c", "d"]);
    say(&mut store, "s", &["a", "b", "c, but better", "e"]);
    assert_eq!(texts(&mut store, "s"), ["a", "b", "c", "d", "c, but better", "e"]);
    say(&mut store, "s", &["a", "b", "c", "d", "f"]);
    assert_eq!(texts(&mut store, "s")[6..], ["f"]);
}

#[test]
fn a_word_of_a_way_that_was_left_is_another_message_when_it_is_said_on_the_new_one() {
    let mut store = store_with("s", &["a", "b", "yes", "d"]);
    say(&mut store, "s", &["a", "b", "c", "e"]);
    say(&mut store, "s", &["a", "b", "c", "e", "f", "g", "yes", "h"]);
    assert_eq!(texts(&mut store, "s"), ["a", "b", "yes", "d", "c", "e", "f", "g", "yes", "h"]);
}

#[test]
fn a_text_past_the_limit_is_kept_cut_with_a_mark() {
    let mut store = SqliteStore::in_memory().unwrap();
    let fits = "x".repeat(LONGEST_TEXT);
    let long = "ä".repeat(LONGEST_TEXT / 2 + 1);
    store.record_turn(&turn("s", &[user(&fits), model(&long)], None)).unwrap();
    let kept = texts(&mut store, "s");
    assert_eq!(kept[0], fits);
    assert_eq!(kept[1], format!("{}\n[cut here: 2 more bytes were not kept]", "ä".repeat(LONGEST_TEXT / 2)));
    let again = turn("s", &[user(&fits), model(&long)], None);
    assert_eq!(store.record_turn(&again).unwrap().new_messages, 0, "identity is that of the whole text");
}

#[test]
fn what_a_tool_says_is_marked_as_such() {
    let mut store = SqliteStore::in_memory().unwrap();
    let messages = [user("look"), tool_call("1"), tool_result("1", "found")];
    store.record_turn(&turn("s", &messages, None)).unwrap();
    let from_tool: Vec<bool> = store.messages(&id("s")).unwrap().iter().map(|it| it.from_tool).collect();
    assert_eq!(from_tool, [false, false, true]);
}

#[test]
fn a_turn_of_another_principal_is_refused_whole() {
    let mut store = store_with("s", &["mine"]);
    let mut foreign = turn("s", &[user("mine"), model("ok"), user("not yours")], None);
    foreign.principal = Principal::from("somebody else");
    assert!(matches!(store.record_turn(&foreign), Err(StoreError::Refused(_))));
    assert_eq!(texts(&mut store, "s"), ["mine"]);
}

#[test]
fn turns_recorded_together_are_recorded_as_if_alone_and_what_is_wrong_with_one_is_no_others_concern() {
    let foreign =
        TurnRecord { principal: Principal::from("somebody else"), ..turn("s", &[user("mine")], None) };
    let all = [turn("s", &[user("mine")], Some(model("ok"))), foreign, turn("t", &[user("other")], None)];
    let mut store = SqliteStore::in_memory().unwrap();
    let together = store.record_turns(&all);
    let mut other = SqliteStore::in_memory().unwrap();
    for (recorded, turn) in together.iter().zip(&all) {
        assert_eq!(recorded.as_ref().ok(), other.record_turn(turn).ok().as_ref());
    }
    assert!(matches!(&together[..], [Ok(_), Err(StoreError::Refused(_)), Ok(_)]));
    assert_eq!(
        (texts(&mut store, "s"), texts(&mut store, "t")),
        (vec!["mine".into(), "ok".into()], vec!["other".into()])
    );
}

#[test]
fn a_turn_without_words_makes_a_session_and_no_message() {
    let mut store = SqliteStore::in_memory().unwrap();
    assert_eq!(store.record_turn(&turn("s", &[], None)).unwrap(), Recorded::default());
    assert!(store.session(&id("s")).unwrap().is_some());
}

#[test]
fn words_said_again_in_a_conversation_that_its_provider_keeps_are_other_messages() {
    let mut store = SqliteStore::in_memory().unwrap();
    let goes_on = |store: &mut SqliteStore, after: Option<&str>| {
        let follows = after.map(Digest::called);
        let turn = TurnRecord { follows, ..turn("s", &[user("continue")], Some(model("done"))) };
        store.record_turn(&turn).unwrap()
    };
    for after in [None, Some("resp_1"), Some("resp_2")] {
        assert_eq!(goes_on(&mut store, after).new_messages, 2, "{after:?}");
    }
    assert_eq!(goes_on(&mut store, Some("resp_2")).new_messages, 0, "sent again, it is the same");
    assert_eq!(texts(&mut store, "s"), ["continue", "done", "continue", "done", "continue", "done"]);
    assert_eq!(store.standing(&id("s")).unwrap().turns, 3);
}
