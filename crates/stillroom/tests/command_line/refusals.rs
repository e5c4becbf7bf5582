//! Exit codes, and where things are said.

use crate::support::{User, free_address};
use std::net::TcpListener;

#[test]
fn help_is_an_answer_and_a_wrong_word_is_not() {
    let user = User::new();
    assert_eq!(user.calls(&["--help"]).code(), Some(0));
    assert!(user.calls(&["--help"]).out().contains("Examples:"));
    let wrong = user.calls(&["bake"]);
    assert_eq!((wrong.code(), wrong.out().as_str()), (Some(2), ""));
}

#[test]
fn what_was_meant_is_guessed() {
    let user = User::new();
    let said = |arguments: &[&str]| {
        let answer = user.calls(arguments);
        assert_eq!((answer.code(), answer.out().as_str()), (Some(2), ""), "{arguments:?}");
        answer.err()
    };
    let texts = [
        said(&["sesions"]),
        said(&["status", "--jsn"]),
        said(&["trace", "--format", "mermade"]),
        said(&["trace", "--slower-than", "5 minutes"]),
        said(&["run", "--lisen", "127.0.0.1:0", "claude"]),
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn colours_are_for_those_who_want_them() {
    let user = User::new();
    let failing = ["--listen", "127.0.0.1:0", "status"];
    let coloured = |when: &[&str]| user.calls(&[when, &failing[..]].concat()).err().contains('\x1b');
    assert!(!coloured(&[]) && !coloured(&["--color", "never"]) && coloured(&["--color", "always"]));
    for (when, expected) in [("never", false), ("always", true)] {
        assert_eq!(user.calls(&["bake", "--color", when]).err().contains('\x1b'), expected, "{when}");
        assert_eq!(
            user.calls(&["config", "show", "--color", when]).out().contains('\x1b'),
            expected,
            "{when}"
        );
    }
}

#[test]
fn shells_and_man_are_told_everything() {
    let user = User::new();
    assert!(user.calls(&["completions", "bash"]).out().contains("--slower-than"));
    assert!(user.calls(&["man"]).out().contains(".TH stillroom 1"));
    let answer = user.calls(&["man", "--folder", "man1"]);
    assert_eq!((answer.code(), answer.out().as_str()), (Some(0), ""));
    assert!(user.home().join("man1/stillroom-trace.1").exists());
    std::fs::write(user.home().join("file"), "").unwrap();
    assert_eq!(user.calls(&["man", "--folder", "file/man1"]).code(), Some(1));
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    let user = User::new();
    for command in ["config show", "completions bash", "man", "--help", "demo"] {
        // The reader has left before anything is written.
        let script = format!("{{ sleep 0.1; \"$0\" {command}; echo $? >&2; }} | true");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_stillroom")]).env("HOME", user.home());
        let said = shell.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stderr), "0\n", "{command}");
    }
}

#[test]
fn a_price_list_that_is_none_stops_the_start_and_the_check_with_the_reason_and_what_to_do() {
    let user = User::new();
    std::fs::write(user.home().join("settings.toml"), "prices = \"prices.json\"\n").unwrap();
    let said = |command: &[&str]| {
        let answer = user.calls(command);
        assert_eq!((answer.code(), answer.out().as_str()), (Some(2), ""), "{command:?}");
        answer.err().replace(&std::fs::canonicalize(user.home()).unwrap().display().to_string(), "HOME")
    };
    let commands =
        [&["serve", "--config", "settings.toml"][..], &["config", "check", "--config", "settings.toml"]];
    let missing = commands.map(said);
    assert_eq!(missing[0], missing[1]);
    let middle = r#""middle":{"anthropic":[3,15,0.3,3.75,6],"openai":[1,2,3,4,5]}"#;
    let negative = format!(r#"{{{middle},"anthropic":{{"house":[-1,0,0,0,0]}},"openai":{{}}}}"#);
    std::fs::write(user.home().join("prices.json"), negative).unwrap();
    let wrong = said(commands[1]);
    let sound = format!(r#"{{{middle},"anthropic":{{"house":[1,1,1,1,1]}},"openai":{{}}}}"#);
    std::fs::write(user.home().join("prices.json"), sound).unwrap();
    assert_eq!(user.calls(commands[1]).code(), Some(0));
    insta::assert_snapshot!(format!("{}\n{wrong}", missing[0]));
}

#[cfg(unix)]
#[test]
fn a_price_list_that_is_none_is_named_by_the_doctor_too_and_one_without_an_end_is_not_read() {
    let user = User::new();
    for (prices, why) in
        [("/dev/zero", "it is no file of at most a mebibyte"), ("nowhere.json", "No such file")]
    {
        let settings = format!("prices = {prices:?}\nlisten = \"127.0.0.1:0\"\n");
        std::fs::write(user.home().join("settings.toml"), settings).unwrap();
        for (command, code) in [(&["config", "check"][..], 2), (&["doctor"], 1)] {
            let answer = user.calls(&[command, &["--config", "settings.toml"]].concat());
            let said = format!("{}{}", answer.out(), answer.err());
            assert_eq!(answer.code(), Some(code), "{command:?}: {said}");
            assert!(said.contains("price list") && said.contains(why), "{command:?}: {said}");
        }
    }
}

#[test]
fn a_folder_without_a_model_stops_the_start_the_check_and_the_doctor_with_the_reason_and_what_to_do() {
    let user = User::new();
    std::fs::write(
        user.home().join("settings.toml"),
        "recall.embeddings = \"model\"\nlisten = \"127.0.0.1:0\"\n",
    )
    .unwrap();
    let home = std::fs::canonicalize(user.home()).unwrap().display().to_string();
    let said = |command: &[&str], code| {
        let answer = user.calls(&[command, &["--config", "settings.toml"]].concat());
        assert_eq!(answer.code(), Some(code), "{command:?}: {}", answer.err());
        format!("{}{}", answer.out(), answer.err()).replace(&home, "HOME")
    };
    let missing = said(&["config", "check"], 2);
    assert_eq!(said(&["serve"], 2), missing);
    std::fs::create_dir(user.home().join("model")).unwrap();
    let empty = said(&["config", "check"], 2);
    let checkup = said(&["doctor"], 1);
    assert!(
        checkup.contains("recall.embeddings: the model of recall.embeddings cannot be used"),
        "{checkup}"
    );
    let bakery = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../embedding/testdata/bakery");
    for file in ["model.onnx", "tokenizer.json"] {
        std::fs::copy(bakery.join(file), user.home().join("model").join(file)).unwrap();
    }
    said(&["config", "check"], 0);
    assert!(said(&["doctor"], 0).contains("ok recall.embeddings: the model in HOME/model works"));
    insta::assert_snapshot!(format!("{missing}{empty}"));
}

#[test]
fn wrong_settings_stop_every_command_with_2_and_nothing_on_standard_output() {
    let user = User::new();
    for command in [
        &["serve"][..],
        &["status"],
        &["sessions"],
        &["config", "show"],
        &["config", "check"],
        &["run", "--", "true"],
    ] {
        let answer = user
            .command(command)
            .env("STILLROOM_IDEL__TICK", "1s")
            .output()
            .map(super::support::Answer)
            .unwrap();
        assert_eq!((answer.code(), answer.out().as_str()), (Some(2), ""), "{command:?}");
        assert!(
            answer.err().starts_with("error: there is no setting idel.tick\n  why: "),
            "{}",
            answer.err()
        );
        assert!(answer.err().contains("\n  do: write STILLROOM_IDLE__TICK"), "{}", answer.err());
    }
}

#[test]
fn a_hostile_file_in_the_working_directory_starts_nothing() {
    let user = User::new();
    std::fs::write(user.home().join("stillroom.toml"), "upstream.anthropic = \"https://attacker.example\"")
        .unwrap();
    for command in [&["serve"][..], &["run", "--", "true"]] {
        assert_eq!(user.calls(command).code(), Some(2));
    }
    assert!(!user.home().join(".local").exists());
}

#[test]
fn no_gateway_is_a_failure_that_says_how_to_start_one() {
    let user = User::new();
    let address = free_address().to_string();
    for command in [
        &["status"][..],
        &["sessions"],
        &["sessions", "x"],
        &["credentials"],
        &["knowledge"],
        &["recall", "x"],
        &["trace"],
        &["trace", "--follow"],
        &["warming", "stop", "x"],
    ] {
        let answer = user.calls(&[&["--listen", &address], command].concat());
        assert_eq!(answer.code(), Some(1), "{command:?}");
        assert!(answer.err().contains(&format!("No gateway answers at {address}")), "{}", answer.err());
        assert!(answer.err().contains("start one with `stillroom`"), "{}", answer.err());
    }
}

#[test]
fn words_that_no_address_could_hold_are_a_failure_that_does_not_blame_the_gateway() {
    let address = free_address().to_string();
    let answer = User::new().calls(&["--listen", &address, "recall", &"word ".repeat(20_000)]);
    assert_eq!(answer.code(), Some(1));
    insta::assert_snapshot!(answer.err());
}

#[test]
fn a_port_that_only_the_gateway_knows_has_to_be_named() {
    let answer = User::new().calls(&["--listen", "127.0.0.1:0", "status"]);
    assert_eq!(answer.code(), Some(2));
    assert!(answer.err().contains("--listen"), "{}", answer.err());
}

#[test]
fn the_doctor_fails_only_when_something_is_wrong_and_makes_nothing() {
    let user = User::new();
    let well = user.calls(&["doctor", "--listen", &free_address().to_string()]);
    assert_eq!(well.code(), Some(0), "{}", well.out());
    let somebody_else = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = somebody_else.local_addr().unwrap().to_string();
    drop(std::thread::spawn(move || somebody_else.incoming().for_each(drop)));
    let ill = user.calls(&["doctor", "--json", "--listen", &taken]);
    assert_eq!(ill.code(), Some(1), "{}", ill.out());
    let report: serde_json::Value = serde_json::from_str(&ill.out()).unwrap();
    let wrong = report["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false);
    assert_eq!(wrong.map(|check| &check["check"]).collect::<Vec<_>>(), ["address"]);
    assert!(!user.home().join(".local").exists());
}

#[test]
fn settings_are_shown_to_programs_as_one_object() {
    let answer = User::new().calls(&["config", "show", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&answer.out()).unwrap();
    assert_eq!(shown["listen"]["value"], "127.0.0.1:4141");
}

#[test]
fn flags_of_serve_mean_nothing_elsewhere() {
    assert_eq!(User::new().calls(&["--trace-actors", "status"]).code(), Some(2));
}
