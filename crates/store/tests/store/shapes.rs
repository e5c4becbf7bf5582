//! Recall of texts that are no chat between two people: long ones, code, what tools print, and very little.

use crate::fixture::{say, store_with};
use store::{SqliteStore, Store};

/// The texts of what is found, the best first.
fn found(store: &mut SqliteStore, query: &str) -> Vec<String> {
    store.recall(None, query, 10).unwrap().into_iter().map(|hit| hit.text).collect()
}

/// A store with a session for each of these conversations.
fn store_of(conversations: &[&[&str]]) -> SqliteStore {
    let (first, others) = conversations.split_first().unwrap();
    let mut store = store_with("s0", first);
    for (number, texts) in others.iter().enumerate() {
        say(&mut store, &format!("s{}", number + 1), texts);
    }
    store
}

#[test]
fn a_long_message_with_all_the_words_far_apart_is_among_the_first() {
    let filler = "It goes on about other things for a while. ".repeat(40);
    let long = format!("The gateway was moved. {filler} The invoice came. {filler} Lisbon is warm.");
    let mut conversations: Vec<[&str; 3]> = vec![["Good morning.", &long, "Thanks."]];
    conversations.extend([["The gateway is slow.", "Fine.", "Good."]; 12]);
    conversations.extend([["The invoice is late.", "Fine.", "Good."]; 12]);
    let mut store = store_of(&conversations.iter().map(<[&str; 3]>::as_slice).collect::<Vec<_>>());
    assert!(found(&mut store, "gateway invoice Lisbon")[0].starts_with("The gateway was moved."));
    let shown = found(&mut store, "morning").remove(1);
    assert!(shown.starts_with("The gateway was moved.") && shown.ends_with('…'), "{shown}");
}

#[test]
fn the_end_of_a_very_long_message_is_shown_if_the_words_are_there() {
    for language in ["It goes on about other things. ", "它还在说别的事情。"] {
        let long = format!("{}The sluice leaks. {}", language.repeat(2_000), language.repeat(9));
        let mut store = store_of(&[&[&long]]);
        let shown = found(&mut store, "sluice").remove(0);
        assert!(shown.contains("The sluice leaks.") && shown.chars().count() < 400, "{shown}");
        assert!(long.contains(shown.trim_matches('…')), "as it was written: {shown}");
    }
}

#[test]
fn of_long_messages_no_more_are_read_than_takes_a_moment() {
    let read = |characters| {
        let text = format!("sluice {}", "x".repeat(characters));
        let conversation = [text.as_str()];
        let mut store = store_of(&[conversation.as_slice(); 60]);
        store.recall(None, "sluice", 100).unwrap().len()
    };
    assert_eq!([10, 24_000, 31_000].map(read), [60, 60, 50]);
}

#[test]
fn a_sign_is_found_before_what_stands_next_to_it() {
    let mut store = store_of(&[&["Good morning.", "A \u{1f950} it is.", "Fine."]]);
    assert_eq!(found(&mut store, "\u{1f950}")[0], "A \u{1f950} it is.");
}

#[test]
fn what_stands_before_a_colon_in_what_tools_print_is_a_word_like_others() {
    let mut store = store_of(&[
        &["Error: linker not found", "Install the linker"],
        &["The linker is slow", "Take another linker"],
        &["The linker reads a script", "Fine"],
    ]);
    assert_eq!(found(&mut store, "linker error")[0], "Error: linker not found");
    let mut store = store_of(&[
        &["The cache is cold", "Warm it"],
        &["The cache reports an error", "Which one"],
        &["Error: no route", "Try again"],
        &["The cache is small", "Enlarge it"],
    ]);
    assert_eq!(found(&mut store, "error cache")[0], "The cache reports an error");
}

#[test]
fn identifiers_paths_and_codes_are_found_as_they_are_written_and_by_their_parts() {
    let texts = [
        "fn parse_config(path: &Path) fails with E0308 in crates/store/src/recall.rs",
        "fn parse_header(line: &str) fails with E0277 in crates/relay/src/http.rs",
        "connect ECONNREFUSED 127.0.0.1:5432",
        "exit code 0x80070005 in C:\\Windows\\setup.log",
        "see https://example.org/issues/4711?state=open",
        "the config of the parser is read first",
    ];
    let conversations: Vec<[&str; 2]> = texts.iter().map(|text| [*text, "ok"]).collect();
    let mut store = store_of(&conversations.iter().map(<[&str; 2]>::as_slice).collect::<Vec<_>>());
    for (query, text) in [
        ("parse_config", texts[0]),
        ("where does parse_config fail?", texts[0]),
        ("E0277", texts[1]),
        ("store/src/recall.rs", texts[0]),
        ("ECONNREFUSED 5432", texts[2]),
        ("0x80070005", texts[3]),
        ("C:\\Windows\\setup.log", texts[3]),
        ("issue 4711", texts[4]),
    ] {
        assert_eq!(found(&mut store, query)[0], text, "{query}");
    }
}

#[test]
fn a_question_of_stop_words_alone_finds_what_has_them() {
    let mut store = store_of(&[&["To be or not to be", "Hm"], &["Something else", "Well"]]);
    assert_eq!(found(&mut store, "to be or not to be?")[0], "To be or not to be");
    assert_eq!(found(&mut store, "what is it"), Vec::<String>::new());
}

#[test]
fn in_one_session_and_in_two_messages_the_message_with_the_words_comes_first() {
    let mut store = store_of(&[&["The mill leaks", "Mend the sluice"]]);
    assert_eq!(found(&mut store, "sluice")[0], "Mend the sluice");
    assert_eq!(found(&mut store, "mill")[0], "The mill leaks");
    assert_eq!(found(&mut store, "mend the mill").len(), 2);
    let mut store = store_of(&[&["The mill leaks"]]);
    assert_eq!(found(&mut store, "mill"), ["The mill leaks"]);
    let texts: Vec<String> = (0..60).map(|number| format!("step {number} of part {}", number % 7)).collect();
    let mut store = store_of(&[&texts.iter().map(String::as_str).collect::<Vec<_>>()]);
    assert_eq!(found(&mut store, "step 41")[0], "step 41 of part 6");
}

#[test]
fn what_opens_a_session_does_not_stand_behind_what_others_stand_around() {
    let mut store =
        store_of(&[&["The mill leaks.", "Hm."], &["Hm.", "Well.", "The mill leaks.", "Hm.", "So."]]);
    let hits = store.recall(None, "mill leaks", 10).unwrap();
    assert_eq!((hits[0].id.as_str(), hits[0].text.as_str()), ("1", "The mill leaks."));
}

#[test]
fn a_word_is_found_and_counts_with_and_without_its_accents() {
    let mut store = store_of(&[
        &["The fen\u{ea}tre of the caf\u{e9} is broken", "Which one"],
        &["The window of the house is broken", "That one"],
        &["The cafe\u{301} is closed", "Until when"],
    ]);
    for query in ["fenetre cafe", "fen\u{ea}tre caf\u{e9}"] {
        assert!(found(&mut store, query)[0].starts_with("The fen\u{ea}tre"), "{query}");
    }
}
