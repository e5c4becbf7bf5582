//! What a user takes along and brings in, with a gateway and without one.

use crate::forgetting::{is_anywhere, remember};
use crate::support::{Answer, Served, User};
use serde_json::{Value, json};
use std::fs;

/// What a call prints that succeeds.
pub(crate) fn done(answer: Answer) -> String {
    assert_eq!(answer.code(), Some(0), "{}{}", answer.out(), answer.err());
    answer.out()
}

const NO_GATEWAY: [&str; 2] = ["--listen", "127.0.0.1:0"];

pub(crate) fn alone(user: &User, arguments: &[&str]) -> Answer {
    user.calls(&[&NO_GATEWAY[..], arguments].concat())
}

#[test]
fn everything_goes_from_one_home_to_another_and_is_the_same_there() {
    let (ann, bob) = (User::new(), User::new());
    remember(&ann, "0199f3a2-one", "quince");
    remember(&ann, "0199f3a3-two", "medlar");
    let file = ann.home().join("all.jsonl").display().to_string();
    done(alone(&ann, &["export", "--all", "--output", &file]));
    let exported = fs::read_to_string(&file).unwrap();
    let served = Served::by(&bob);
    let listen = ["--listen", served.address()];
    let told = done(bob.calls(&[&listen[..], &["import", &file]].concat()));
    assert!(told.starts_with("New: 2 sessions, 2 messages, "), "{told}");
    let told = done(bob.calls(&[&listen[..], &["import", &file]].concat()));
    assert!(told.starts_with("New: 0 sessions, 0 messages, "), "{told}");
    assert_eq!(done(bob.calls(&[&listen[..], &["export", "--all"]].concat())), exported);
    assert_eq!(served.without_input(), Some(0));
    assert_eq!(done(alone(&bob, &["export", "--all"])), exported, "and without a gateway");
}

#[test]
fn a_file_that_is_cut_or_wrong_is_refused_before_anything_is_brought_in() {
    let (ann, bob) = (User::new(), User::new());
    remember(&ann, "0199f3a2-one", "quince");
    let exported = done(alone(&ann, &["export", "--all"]));
    let file = bob.home().join("cut.jsonl");
    let lines: Vec<&str> = exported.lines().collect();
    fs::write(&file, lines[..lines.len() - 1].join("\n")).unwrap();
    let cut = alone(&bob, &["import", &file.display().to_string()]);
    assert_eq!(cut.code(), Some(2));
    assert!(
        cut.err().contains("line 4: the file ends too early") && cut.err().contains("nothing was changed")
    );
    fs::write(&file, exported.replace("quince", "quince\\x")).unwrap();
    let wrong = alone(&bob, &["import", &file.display().to_string()]);
    assert!(wrong.err().contains("line 3: invalid escape"), "{}", wrong.err());
    fs::write(&file, r#"{"type":"user","sessionId":"1"}"#).unwrap();
    let log = alone(&bob, &["import", &file.display().to_string()]);
    assert!(log.err().contains("needs `--from claude-code` or `--from codex`"), "{}", log.err());
    assert!(!bob.home().join(".local").exists(), "not even a database");
}

#[test]
fn what_was_forgotten_comes_again_only_if_that_is_asked_and_a_rehearsal_brings_nothing_in() {
    for served in [true, false] {
        let (ann, bob) = (User::new(), User::new());
        remember(&ann, "0199f3a2-one", "quince");
        let file = bob.home().join("all.jsonl").display().to_string();
        fs::write(&file, done(alone(&ann, &["export", "--all"]))).unwrap();
        let served = served.then(|| Served::by(&bob));
        let listen = served.as_ref().map_or("127.0.0.1:0", |served| served.address());
        let call = |arguments: &[&str]| done(bob.calls(&[&["--listen", listen], arguments].concat()));
        assert!(call(&["import", &file, "--dry-run"]).contains(" is whole and in order: "));
        assert!(call(&["import", &file]).starts_with("New: 1 session, 1 message, "));
        call(&["forget", "everything", "--yes"]);
        let left_out = call(&["import", &file]);
        assert!(left_out.starts_with("New: 0 sessions, ") && left_out.contains("Left out: "), "{left_out}");
        assert!(call(&["import", &file, "--again"]).starts_with("New: 1 session, 1 message, "));
        assert_eq!(served.and_then(Served::without_input).unwrap_or_default(), 0);
    }
}

#[test]
fn of_one_project_nothing_of_another_is_exported_and_nothing_that_lay_there_before() {
    for served in [true, false] {
        let user = User::new();
        let served = served.then(|| Served::by(&user));
        let listen = served.as_ref().map_or("127.0.0.1:0", |served| served.address());
        let call = |arguments: &[&str]| done(user.calls(&[&["--listen", listen], arguments].concat()));
        let section = |project: &str, title: &str| {
            format!("# Project {project}\n\n## {title}\n\ngotcha, confidence 0.9\n\nIt bites.\n\n")
        };
        let brought = user.home().join("brought.md");
        fs::write(&brought, section("oven", "Rye") + &section("garden", "Quince")).unwrap();
        call(&["import", &brought.display().to_string()]);
        let (file, partial) = (user.home().join("oven.md"), user.home().join("oven.md.partial"));
        fs::write(&partial, "what an export that was cut left behind ".repeat(99)).unwrap();
        call(&["export", "--project", "oven", "--output", &file.display().to_string()]);
        let exported = fs::read_to_string(&file).unwrap();
        assert!(exported.contains("Rye") && !exported.contains("Quince"), "{exported}");
        assert!(!exported.contains("left behind") && !partial.exists());
        let name = file.display().to_string();
        let mistyped = user.calls(&["--listen", listen, "export", "--project", "ovne", "--output", &name]);
        assert!(
            mistyped.code() == Some(1) && mistyped.err().contains("there is no knowledge of a project ovne")
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), exported, "the good file stays");
        assert_eq!(served.and_then(Served::without_input).unwrap_or_default(), 0);
    }
}

#[cfg(unix)]
#[test]
fn an_export_is_for_its_users_eyes_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let user = User::new();
    remember(&user, "0199f3a2-one", "quince");
    let file = user.home().join("all.jsonl");
    done(alone(&user, &["export", "--all", "--output", &file.display().to_string()]));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn knowledge_is_exported_edited_and_brought_in_again() {
    let user = User::new();
    let served = Served::by(&user);
    let call = |arguments: &[&str]| done(user.calls(&[&["--listen", served.address()], arguments].concat()));
    let file = user.home().join("KNOWLEDGE.md");
    let name = file.display().to_string();
    fs::write(&file, "# Project oven\n\n## Rye\n\ngotcha, confidence 0.9\n\nIt bites.\n").unwrap();
    assert_eq!(call(&["import", &name]), "Taken over. New: k1. Changed: none. As before: 0.\n");
    call(&["export", "--project", "oven", "--output", &name]);
    let exported = fs::read_to_string(&file).unwrap();
    assert!(exported.contains("`w") && exported.contains("@0` gotcha, confidence 0.9"), "{exported}");
    fs::write(&file, exported.replace("It bites.", "It does not bite.")).unwrap();
    let rehearsed = call(&["import", &name, "--dry-run"]);
    assert_eq!(rehearsed, "Nothing was changed; this would be. New: none. Changed: k1. As before: 0.\n");
    assert_eq!(call(&["import", &name]), "Taken over. New: none. Changed: k1. As before: 0.\n");
    assert_eq!(call(&["export"]), fs::read_to_string(&file).unwrap());
    fs::write(&file, "# Project oven\n## Rye\nrumour\n").unwrap();
    let wrong = user.calls(&["--listen", served.address(), "import", &name]);
    assert_eq!(wrong.code(), Some(2));
    assert!(wrong.err().contains("line 3: a second line of an entry that cannot be read"), "{}", wrong.err());
    assert_eq!(served.without_input(), Some(0));
}

#[test]
fn a_rehearsal_changes_nothing_and_what_the_file_lacks_goes_only_if_that_is_asked_with_and_without_a_gateway()
{
    for served in [true, false] {
        let user = User::new();
        let served = served.then(|| Served::by(&user));
        let listen = served.as_ref().map_or("127.0.0.1:0", |served| served.address());
        let call = |arguments: &[&str]| done(user.calls(&[&["--listen", listen], arguments].concat()));
        let file = user.home().join("KNOWLEDGE.md");
        let name = file.display().to_string();
        let salt = "## Salt\n\ngotcha, confidence 0.9\n\nTwo spoons of it.\n";
        fs::write(
            &file,
            format!("# Project oven\n\n## Rye\n\ngotcha, confidence 0.9\n\nIt bites.\n\n{salt}"),
        )
        .unwrap();
        call(&["import", &name]);
        let both = call(&["export"]);
        let (rye, _) = both.split_once("\n## Salt").unwrap();
        fs::write(&file, rye).unwrap();
        let rehearsed = call(&["import", &name, "--delete", "--dry-run"]);
        assert_eq!(
            rehearsed,
            "Nothing was changed; this would be. New: none. Changed: none. As before: 1. Deleted: k2.\n"
        );
        assert_eq!(call(&["import", &name]), "Taken over. New: none. Changed: none. As before: 1.\n");
        assert_eq!(call(&["export"]), both);
        let taken = call(&["import", &name, "--delete"]);
        assert_eq!(taken, "Taken over. New: none. Changed: none. As before: 1. Deleted: k2.\n");
        assert!(!call(&["export"]).contains("Salt") && !is_anywhere(&user, "Two spoons"));
        assert_eq!(served.and_then(Served::without_input).unwrap_or_default(), 0);
    }
}

fn line(kind: &str, number: u32, message: &Value) -> String {
    let parent = (number > 1).then(|| format!("u{}", number - 1));
    let line = json!({"type": kind, "uuid": format!("u{number}"), "parentUuid": parent, "sessionId": "0199f3a2-7777-4bbb-8ccc-000000000007",
        "cwd": "/home/me/oven", "timestamp": format!("2026-11-26T04:00:{number:02}.000Z"), "message": message});
    format!("{line}\n")
}

#[test]
fn an_agents_own_logs_are_found_and_brought_in_once_however_often_that_is_asked() {
    let user = User::new();
    let nothing = alone(&user, &["import", "--from", "claude-code"]);
    assert_eq!(nothing.code(), Some(2));
    assert!(nothing.err().contains(".claude/projects holds none"), "{}", nothing.err());
    let folder = user.home().join(".claude/projects/-home-me-oven");
    fs::create_dir_all(&folder).unwrap();
    let answer = json!({"role": "assistant", "id": "m1", "model": "claude-sonnet-4-5", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "which flour?"}], "usage": {"input_tokens": 3, "output_tokens": 4}});
    let log =
        line("user", 1, &json!({"role": "user", "content": "bake a loaf"})) + &line("assistant", 2, &answer);
    let file = folder.join("0199f3a2-7777-4bbb-8ccc-000000000007.jsonl");
    fs::write(&file, log.clone() + "{\"type\":\"dream\"}\n").unwrap();
    let rehearsed = done(alone(&user, &["import", "--from", "claude-code", "--dry-run"]));
    assert_eq!(rehearsed, "1 log would be read.\n");
    let told = done(alone(&user, &["import", "--from", "claude-code"]));
    assert!(told.starts_with("Logs read: 1. New: 1 session, 2 messages, "), "{told}");
    assert!(told.contains("Not understood: 1 line,"), "{told}");
    let told = done(alone(&user, &["import", "--from", "claude-code"]));
    assert!(told.starts_with("Logs read: 1. New: 0 sessions, 0 messages, "), "{told}");
    let grown = |messages: u32| {
        (3..=messages)
            .map(|number| line("user", number, &json!({"role": "user", "content": format!("loaf {number}")})))
            .collect::<String>()
    };
    fs::write(&file, log.clone() + &grown(3)).unwrap();
    let told = done(alone(&user, &["import", "--from", "claude-code"]));
    assert!(told.starts_with("Logs read: 1. New: 0 sessions, 1 message, "), "a log grows: {told}");
    let served = Served::by(&user);
    fs::write(&file, log + &grown(4)).unwrap();
    let told = done(user.calls(&["--listen", served.address(), "import", "--from", "claude-code"]));
    assert!(told.starts_with("Logs read: 1. New: 0 sessions, 1 message, "), "and to a gateway: {told}");
    let found = done(user.calls(&["--listen", served.address(), "recall", "flour"]));
    assert!(found.contains("which flour?"), "{found}");
    assert_eq!(served.without_input(), Some(0));
    done(alone(&user, &["forget", "everything", "--yes"]));
    let told = done(alone(&user, &["import", "--from", "claude-code"]));
    assert!(told.starts_with("Logs read: 1. New: 0 sessions, ") && told.contains("Left out: "), "{told}");
    let told = done(alone(&user, &["import", "--from", "claude-code", "--again"]));
    assert!(told.starts_with("Logs read: 1. New: 1 session, 4 messages, "), "{told}");
}

#[test]
fn sessions_that_were_recorded_as_they_went_are_left_as_they_are_by_their_logs() {
    let user = User::new();
    remember(&user, "0199f3a2-7777-4bbb-8ccc-000000000007", "quince");
    let file = user.home().join("log.jsonl");
    fs::write(&file, line("user", 1, &json!({"role": "user", "content": "bake a loaf"}))).unwrap();
    let told = done(alone(&user, &["import", "--from", "claude-code", &file.display().to_string()]));
    assert!(
        told.contains("New: 0 sessions, 0 messages")
            && told.contains("Passed over: 1 session that was recorded as it went"),
        "{told}"
    );
}

#[test]
fn only_what_codex_calls_a_log_is_taken_for_one() {
    let user = User::new();
    let (days, deep) = (user.home().join(".codex/sessions/2026/11/26"), "deeper/and/deeper/still");
    fs::create_dir_all(days.join(deep)).unwrap();
    let begin = json!({"timestamp": "2026-11-26T04:00:00.000Z", "type": "session_meta",
        "payload": {"id": "01a2081a-f2b9-76e2-bb80-f2015e0429f4", "cwd": "/home/ann/oven", "cli_version": "0.65.0"}});
    for name in ["rollout-1.jsonl", "history.jsonl", "rollout-1.json", &format!("{deep}/rollout-2.jsonl")] {
        fs::write(days.join(name), format!("{begin}\n")).unwrap();
    }
    let told = done(alone(&user, &["import", "--from", "codex"]));
    assert!(told.starts_with("Logs read: 1. "), "{told}");
}

#[test]
fn a_file_that_is_no_log_of_the_named_agent_is_refused_by_its_name() {
    let user = User::new();
    let file = user.home().join("log.jsonl").display().to_string();
    fs::write(&file, line("user", 1, &json!({"role": "user", "content": "bake a loaf"}))).unwrap();
    let foreign = alone(&user, &["import", "--from", "codex", &file]);
    assert_eq!((foreign.code(), foreign.out()), (Some(2), String::new()));
    insta::assert_snapshot!(foreign.err().replace(&file, "log.jsonl"), @r"
    error: log.jsonl is not brought in, and nothing was changed
      why: none of its lines is one of Codex's
      do: if it is the other agent's log, say `--from claude-code`; what `stillroom export` wrote is brought in without --from
    ");
    done(alone(&user, &["import", "--from", "claude-code", &file]));
}

#[test]
fn a_rehearsal_that_is_to_answer_in_json_does() {
    let user = User::new();
    remember(&user, "0199f3a2-one", "quince");
    let file = user.home().join("all.jsonl").display().to_string();
    done(alone(&user, &["export", "--all", "--output", &file]));
    let rehearsed = |arguments: &[&str]| -> Value {
        let told = done(alone(&user, &[&["import", "--dry-run", "--json", &file], arguments].concat()));
        serde_json::from_str(&told).unwrap()
    };
    let lines = fs::read_to_string(&file).unwrap().lines().count();
    assert_eq!(rehearsed(&[]), json!({"dry_run": true, "file": file, "lines": lines}));
    assert_eq!(rehearsed(&["--from", "codex"]), json!({"dry_run": true, "logs": 1}));
}

#[test]
fn what_cannot_be_brought_in_at_all_is_told_with_what_would_be_right() {
    let user = User::new();
    let at = |name: &str| user.home().join(name).display().to_string();
    fs::write(at("binary"), b"\x7fELF\x02\xff\xfe\n").unwrap();
    fs::create_dir(at("folder")).unwrap();
    let told = |name: &str| {
        let answer = alone(&user, &["import", &at(name)]);
        assert_eq!((answer.code(), answer.out()), (Some(1), String::new()));
        answer.err().replace(&at(name), name)
    };
    insta::assert_snapshot!(["binary", "folder", "nowhere"].map(told).join("\n"), @r"
    error: binary cannot be read
      why: it is no text in UTF-8
      do: name a file that `stillroom export` wrote, or an agent's log with --from

    error: folder cannot be read
      why: Is a directory (os error 21)
      do: name the files in it that are meant

    error: nowhere cannot be read
      why: No such file or directory (os error 2)
      do: name a file that is there; of a link, also what it leads to must be
    ");
}
