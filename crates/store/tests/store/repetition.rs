//! Whatever is lost, doubled or late, each message of a conversation is stored once.

use crate::fixture::{model, texts, turn, user};
use domain::conversation::Message;
use proptest::prelude::*;
use store::{SqliteStore, Store};

/// A conversation out of few words, so that the same ones are often said again.
fn conversation() -> impl Strategy<Value = Vec<Message>> {
    prop::collection::vec(prop::sample::select(vec!["yes", "no", "go on"]), 2..16).prop_map(|words| {
        let speak = |(index, word): (usize, &str)| if index % 2 == 0 { user(word) } else { model(word) };
        words.into_iter().enumerate().map(speak).collect()
    })
}

/// The turn in which message `length` of the conversation was said.
fn record(store: &mut SqliteStore, whole: &[Message], length: usize) -> u32 {
    let (answer, history) = whole[..length].split_last().expect("turns have at least one message");
    store.record_turn(&turn("s", history, Some(answer.clone()))).unwrap().new_messages
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_order_of_resent_late_and_missed_turns_yields_each_message_once(
        whole in conversation(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut store = SqliteStore::in_memory().unwrap();
        let mut told = 0;
        for pick in order {
            told += record(&mut store, &whole, 1 + pick.index(whole.len()));
        }
        told += record(&mut store, &whole, whole.len());
        prop_assert_eq!(told as usize, whole.len());
        let expected: Vec<String> = whole.iter().map(Message::readable).collect();
        prop_assert_eq!(texts(&mut store, "s"), expected);
    }

    #[test]
    fn a_history_whose_beginning_was_replaced_adds_only_its_new_beginning(
        whole in conversation(),
        from in any::<prop::sample::Index>(),
    ) {
        let mut store = SqliteStore::in_memory().unwrap();
        record(&mut store, &whole, whole.len());
        let kept = &whole[from.index(whole.len())..];
        let compacted: Vec<Message> = std::iter::once(user("what was said so far")).chain(kept.iter().cloned()).collect();
        for new in [1, 0] {
            prop_assert_eq!(store.record_turn(&turn("s", &compacted, None)).unwrap().new_messages, new);
        }
    }
}
