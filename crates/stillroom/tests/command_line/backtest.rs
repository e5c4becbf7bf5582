//! Recordings in files, and what is said of them.

use crate::support::{Answer, User};
use serde_json::Value;

const SESSION: &str = r#"{"project":"a","session":"s","calls":[{"at":0,"kind":"human","model":"claude-opus-4-6","cache_write_5m":100000},{"at":400,"kind":"human","model":"claude-opus-4-6","cache_write_5m":100000}]}"#;

#[test]
fn a_recording_is_answered_with_the_earnings_of_every_policy() {
    let user = User::new();
    std::fs::write(user.home().join("one.jsonl"), format!("{SESSION}\n")).unwrap();
    let answer = user.calls(&["backtest", "one.jsonl", "one.jsonl", "--json"]);
    assert_eq!((answer.code(), answer.err().as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&answer.out()).unwrap();
    assert_eq!(report["policies"][1]["name"], "always-1");
    assert_eq!(report["policies"][1]["hits"], 2, "both files count");
    let text = user.calls(&["backtest", "one.jsonl"]).out();
    assert!(text.starts_with("POLICY"), "{text}");
}

#[test]
fn a_price_list_of_ones_own_counts() {
    let user = User::new();
    std::fs::write(user.home().join("one.jsonl"), format!("{SESSION}\n")).unwrap();
    std::fs::write(user.home().join("settings.toml"), "prices = \"prices.json\"\n").unwrap();
    let middle = r#""middle":{"anthropic":[3,15,0.3,3.75,6],"openai":[1,2,3,4,5]}"#;
    // The built-in list has 0.5 for a read, and a warm-up writes one token of output.
    let dear = format!(r#"{{{middle},"anthropic":{{"claude-opus":[5,25,5,6.25,10]}},"openai":{{}}}}"#);
    std::fs::write(user.home().join("prices.json"), dear).unwrap();
    let spent = |arguments: &[&str]| {
        let answer = user.calls(&[&["backtest", "one.jsonl", "--json"], arguments].concat());
        let report: Value =
            serde_json::from_str(&answer.out()).unwrap_or_else(|_| panic!("{}", answer.err()));
        report["policies"][1]["spent"].as_f64().unwrap_or_else(|| panic!("{report}"))
    };
    let ratio = spent(&["--config", "settings.toml"]) / spent(&[]);
    assert!((9.99..10.0).contains(&ratio), "{ratio}");
}

#[test]
fn a_back_test_keeps_nothing_and_needs_no_home() {
    let user = User::new();
    std::fs::write(user.home().join("one.jsonl"), format!("{SESSION}\n")).unwrap();
    let answer = Answer(user.command(&["backtest", "one.jsonl"]).env_remove("HOME").output().unwrap());
    assert_eq!((answer.code(), answer.err().as_str()), (Some(0), ""));
    assert_eq!(std::fs::read_dir(user.home()).unwrap().count(), 1);
}

#[test]
fn what_is_no_recording_is_refused_with_its_line_and_what_to_do() {
    let user = User::new();
    std::fs::write(user.home().join("bad.jsonl"), format!("{SESSION}\nnonsense\n")).unwrap();
    std::fs::write(user.home().join("empty.jsonl"), "\n").unwrap();
    let said = |arguments: &[&str]| {
        let answer = user.calls(arguments);
        assert_eq!(answer.out(), "");
        format!("{:?}\n{}", answer.code(), answer.err())
    };
    let texts = [
        said(&["backtest", "bad.jsonl"]),
        said(&["backtest", "bad.jsonl", "--from", "claude-code"]),
        said(&["backtest", "empty.jsonl"]),
        said(&["backtest", "nowhere.jsonl"]),
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn what_a_recording_teaches_can_be_believed_for_another_or_for_its_other_half() {
    let user = User::new();
    let sessions = |names: std::ops::Range<u32>| {
        names.map(|name| SESSION.replace("\"s\"", &format!("\"s{name}\"")) + "\n").collect::<String>()
    };
    std::fs::write(user.home().join("one.jsonl"), sessions(0..20)).unwrap();
    std::fs::write(user.home().join("other.jsonl"), sessions(20..40)).unwrap();
    let hits = |arguments: &[&str]| {
        let report: Value = serde_json::from_str(&user.calls(arguments).out()).unwrap();
        report["policies"][1]["hits"].as_u64().unwrap()
    };
    assert_eq!(hits(&["backtest", "one.jsonl", "--json", "--fit-on", "other.jsonl"]), 20);
    let halves = ["even", "odd"].map(|half| hits(&["backtest", "one.jsonl", "--json", "--split", half]));
    assert!(halves.iter().all(|half| *half > 0) && halves.iter().sum::<u64>() == 20, "{halves:?}");
    let taught = user.calls(&["backtest", "one.jsonl", "--fit"]).out();
    let taught: Value = serde_json::from_str(&taught).unwrap();
    assert_eq!(taught["human"]["returned"][3], 20);
}
