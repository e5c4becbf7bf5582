//! The same promises in CI: for random texts of the words that matter, and for every seed of the fuzzer.

use super::{events, splicing, usage};
use proptest::prelude::*;
use std::path::Path;

/// Hands every seed of the target `name` to `holds`.
fn with_every_seed(name: &str, holds: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(name);
    let seeds: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(seeds.len() > 3, "{}: {seeds:?}", folder.display());
    seeds.iter().for_each(|seed| holds(&std::fs::read(seed).unwrap()));
}

#[test]
fn every_seed_holds() {
    with_every_seed("events", events);
    with_every_seed("usage", usage);
    with_every_seed("splicing", splicing);
}

/// What a stream of events is made of, and what may confuse its reader.
const STREAM: &str =
    "(data: ?|event: ?|id: 1|:|\r\n|\n|\r|\n\n|\r\r|\r\n\r\n|\u{feff}|[a-zä€😀\u{feff}\0]{1,4}|\\{\\}){0,40}";

/// What the requests and answers of all dialects are made of.
fn json() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("max_tokens"),
        Just("max\\u005ftokens"),
        Just("stream"),
        Just("tool_choice"),
        Just("thinking"),
        Just("type"),
        Just("budget_tokens"),
        Just("messages"),
        Just("content"),
        Just("role"),
        Just("usage"),
        Just("input_tokens"),
        Just("prompt_tokens"),
        Just("cache_read_input_tokens"),
        Just("delta"),
        Just("index"),
        Just("choices"),
        Just("response"),
        Just("temperature"),
        Just("max_completion_tokens"),
        Just("model"),
        Just("a b\\\"{"),
        Just("\\ud83d"),
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("1.50e3".to_owned()),
        Just("[]".to_owned()),
        Just(u64::MAX.to_string()),
        Just("\"any\"".to_owned()),
        Just("\"enabled\"".to_owned()),
        Just("\"text\"".to_owned()),
        Just("\"a\\\\\\\" } ] , €\"".to_owned()),
        any::<u64>().prop_map(|n| n.to_string()),
    ];
    let blank = prop_oneof![Just(""), Just(" "), Just("\n\t")];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let member = (key.clone(), blank.clone(), inner.clone(), blank.clone()).prop_map(
            |(key, before, value, after)| format!("{before}\"{key}\"{before}:{after}{value}{after}"),
        );
        prop_oneof![
            3 => prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
            1 => prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
        ]
    })
}

/// How a provider may refuse a parameter.
fn refusal() -> impl Strategy<Value = String> {
    let parameter = prop_oneof![
        Just("max_tokens"),
        Just("max_completion_tokens"),
        Just("temperature"),
        Just("model"),
        Just("thinking"),
        Just("stream"),
    ];
    (parameter, any::<bool>()).prop_map(|(parameter, stated)| {
        let message = format!(
            "Unsupported parameter: '{parameter}'. Use 'max_completion_tokens' or 'max_tokens' instead."
        );
        serde_json::json!({ "error": { "message": message, "param": stated.then_some(parameter) } })
            .to_string()
    })
}

proptest! {
    #[test]
    fn a_stream_cut_anywhere_gives_the_same_events(lengths in any::<[u8; 4]>(), stream in STREAM) {
        events(&[&lengths.map(|length| length % 16)[..], stream.as_bytes()].concat());
    }

    #[test]
    fn bytes_that_are_no_text_are_cut_alike(input in prop::collection::vec(any::<u8>(), 0..200)) {
        events(&input);
    }

    #[test]
    fn an_answer_says_the_same_whatever_ends_its_lines(dialect in 0u8..3, data in prop::collection::vec(json(), 0..6), end in "\r\n|\n|\r") {
        let stream: String = data.iter().map(|data| format!("data: {data}{end}{end}")).collect();
        usage(&[&[dialect], stream.as_bytes()].concat());
    }

    #[test]
    fn any_json_is_read_as_an_answer_or_not(dialect in 0u8..3, body in json()) {
        usage(&[&[dialect], body.as_bytes()].concat());
    }

    #[test]
    fn what_is_not_spliced_stays_as_it_was(request in json(), refusal in refusal()) {
        splicing(request.as_bytes());
        splicing(&[request.as_bytes(), b"\0", refusal.as_bytes()].concat());
    }

    #[test]
    fn bytes_that_are_no_json_are_left_alone(input in prop::collection::vec(any::<u8>(), 0..100)) {
        splicing(&input);
        splicing(&[b"{\"max_tokens\":5,".as_slice(), &input, b"}"].concat());
        usage(&input);
    }
}
