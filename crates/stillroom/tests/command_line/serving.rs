//! The gateway's start and end, and the commands that look inside it.

use crate::support::{Answer, Served, User};
use serde_json::Value;
use std::process::Command;

#[test]
fn a_gateway_that_was_asked_to_end_ends_well() {
    let served = Served::by(&User::new());
    assert!(Command::new("kill").args(["-s", "TERM", &served.id().to_string()]).status().unwrap().success());
    assert_eq!(served.end(), Some(0));
}

#[test]
fn a_gateway_for_one_agent_ends_with_its_input() {
    assert_eq!(Served::by(&User::new()).without_input(), Some(0));
}

#[test]
fn a_log_for_machines_is_json_to_its_last_line_also_with_the_messages_between_actors() {
    let user = User::new();
    let listen = ["serve", "--until-input-ends", "--listen", "127.0.0.1:0"];
    let asked = [&listen[..], &["--trace-actors", "--log-format", "json"]].concat();
    let (code, log) = Served::started(user.command(&asked)).without_input_and_log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(code, Some(0));
    assert!(lines.iter().any(|line| line["target"] == "trace"), "{log}");
}

#[test]
fn a_taken_port_and_a_taken_folder_are_failures_that_say_what_to_do() {
    let user = User::new();
    let served = Served::by(&user);
    let port = User::new().calls(&["serve", "--listen", served.address()]);
    assert_eq!((port.code(), port.out().as_str()), (Some(1), ""));
    assert!(
        port.err().contains(&format!("cannot listen on {}\n  why: ", served.address())),
        "{}",
        port.err()
    );
    let folder = user.calls(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!((folder.code(), folder.out().as_str()), (Some(1), ""));
    assert!(folder.err().contains("another Stillroom (process "), "{}", folder.err());
    assert_eq!(served.without_input(), Some(0));
}

#[test]
fn a_data_folder_that_cannot_be_made_is_a_failure() {
    let user = User::new();
    std::fs::write(user.home().join("file"), "").unwrap();
    let answer = user.calls(&["serve", "--listen", "127.0.0.1:0", "--data-dir", "file/data"]);
    assert_eq!(answer.code(), Some(1));
    assert!(answer.err().contains("file/data cannot be used\n  why: "), "{}", answer.err());
}

#[test]
fn a_log_filter_that_cannot_be_read_is_wrong_use() {
    let user = User::new();
    let mut command = user.command(&["serve", "--listen", "127.0.0.1:0"]);
    let answer = command.env("STILLROOM_LOG", "store=loudest").output().unwrap();
    assert_eq!(answer.status.code(), Some(2));
}

#[test]
fn every_command_looks_inside_a_running_gateway_for_people_and_for_programs() {
    let user = User::new();
    let served = Served::by(&user);
    for (command, field) in [
        (&["sessions"][..], "sessions"),
        (&["credentials"], "slots"),
        (&["knowledge"], "knowledge"),
        (&["recall", "wal", "nfs"], "hits"),
        (&["status"], "ready"),
        (&["doctor"], "checks"),
    ] {
        let asked = [command, &["--listen", served.address()]].concat();
        let people = user.calls(&asked);
        assert_eq!(people.code(), Some(0), "{command:?}: {}{}", people.out(), people.err());
        assert!(serde_json::from_str::<Value>(&people.out()).is_err(), "{}", people.out());
        let programs = user.calls(&[&asked[..], &["--json"]].concat());
        let answer: Value = serde_json::from_str(&programs.out()).unwrap();
        assert!(!answer[field].is_null(), "{command:?}: {answer}");
    }
    let silent = user.calls(&["trace", "--listen", served.address()]);
    assert_eq!((silent.code(), silent.out().as_str()), (Some(0), ""));
    assert!(silent.err().contains("--trace-actors"), "{}", silent.err());
    let refused = user.calls(&["trace", "--actor", "Destiller", "--listen", served.address()]);
    assert_eq!(refused.code(), Some(2));
    assert!(refused.err().contains("there are CredentialActor, "), "{}", refused.err());
    let unknown = user.calls(&["sessions", "nobody-knows-it", "--listen", served.address()]);
    assert_eq!(unknown.code(), Some(1), "{}", unknown.out());
    assert_eq!(served.without_input(), Some(0));
}

#[test]
fn a_gateway_open_to_others_lets_its_own_commands_in_by_its_token_alone() {
    let user = User::new();
    let served = Served::open_by(&user, "let-me-in");
    let listen = format!("0.0.0.0:{}", served.address().rsplit(':').next().unwrap());
    let called_with = |token, command: &[&str]| {
        let mut command = user.command(&[&["--listen", &listen], command].concat());
        Answer(command.env("STILLROOM_ACCESS__TOKEN", token).output().unwrap())
    };
    for command in [&["status"][..], &["sessions"], &["credentials"], &["knowledge"], &["recall", "wal"]] {
        let (own, foreign) = (called_with("let-me-in", command), called_with("let-me-out", command));
        assert_eq!((own.code(), foreign.code()), (Some(0), Some(1)), "{command:?}: {}", own.err());
        assert!(foreign.err().contains("access.token"), "{}", foreign.err());
        for said in [own.out(), own.err(), foreign.out(), foreign.err()] {
            assert!(!said.contains("let-me"), "{said}");
        }
    }
    let doctor = called_with("let-me-in", &["doctor"]);
    assert!(doctor.out().contains(&format!("a gateway answers at {listen}")), "{}", doctor.out());
    let agent = called_with("let-me-in", &["run", "--", "sh", "-c", "echo $ANTHROPIC_BASE_URL"]);
    assert_eq!(agent.out(), format!("http://{}\n", served.address()), "{}", agent.err());
    assert_eq!(served.without_input(), Some(0));
}

#[test]
fn the_demo_tells_its_story_and_leaves_nothing_behind() {
    let user = User::new();
    let story = user.calls(&["demo"]);
    assert_eq!(story.code(), Some(0), "{}{}", story.out(), story.err());
    assert!(story.out().lines().count() > 10, "{}", story.out());
    assert_eq!(std::fs::read_dir(user.home()).unwrap().count(), 0);
}
