//! The same promises in CI: for random files of the words that matter, and for every seed of the fuzzer.

use super::super::every_key::EVERY_KEY;
use super::settings;
use proptest::prelude::*;
use std::path::Path;

#[test]
fn every_seed_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/settings");
    let seeds: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(seeds.len() > 3, "{}: {seeds:?}", folder.display());
    seeds.iter().for_each(|seed| settings(&std::fs::read(seed).unwrap()));
}

/// A line that sets a key, or nearly.
fn line() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        8 => (0..EVERY_KEY.len()).prop_map(|at| EVERY_KEY[at].name.to_owned()),
        1 => "[a-z_.]{1,12}",
    ];
    let value = prop_oneof![
        Just("\"127.0.0.1:0\"".to_owned()),
        Just("\"0.0.0.0:1\"".to_owned()),
        Just("\"/folder\"".to_owned()),
        Just("\"http://127.0.0.1:9\"".to_owned()),
        Just("\"https://host.example/base/\"".to_owned()),
        Just("\"90s\"".to_owned()),
        Just("\"1500ms\"".to_owned()),
        Just("\"64MiB\"".to_owned()),
        Just("true".to_owned()),
        Just("[\"bearer\"]".to_owned()),
        Just("[]".to_owned()),
        Just("\"same-project\"".to_owned()),
        Just("\"openai\"".to_owned()),
        Just("\"sk-ant-x\"".to_owned()),
        Just("\"https://k@sentry.example/1\"".to_owned()),
        Just("1e300".to_owned()),
        Just("-0.0".to_owned()),
        Just("0x10".to_owned()),
        Just("1979-05-27".to_owned()),
        Just("{ a = 1 }".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        (0u32..9).prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:?}")),
        ".{0,8}".prop_map(|text| format!("{text:?}")),
        ".{0,8}",
    ];
    (key, value).prop_map(|(key, value)| format!("{key} = {value}\n"))
}

proptest! {
    #[test]
    fn any_file_is_obeyed_and_written_again_or_refused_with_its_place(lines in prop::collection::vec(line(), 0..4)) {
        settings(lines.concat().as_bytes());
    }

    #[test]
    fn any_text_is_a_settings_file_or_refused_with_its_place(text in "(\\PC|\n|\"|=|\\[|\\]){0,60}") {
        settings(text.as_bytes());
    }
}
