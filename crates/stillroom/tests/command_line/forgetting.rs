//! What a user forgets, with a gateway and without one.

use crate::support::{Served, User};
use domain::conversation::{Message, Role, Stop, Usage, chain};
use domain::ids::Principal;
use domain::provider::{Dialect, Provider};
use domain::time::UnixMillis;
use std::path::PathBuf;
use store::{Scribe, SqliteStore, Store as _, TurnRecord};

fn folder(user: &User) -> PathBuf {
    user.home().join(".local/share/stillroom")
}

/// A session of the user's, of before any gateway.
pub(crate) fn remember(user: &User, session: &str, words: &str) {
    remember_often(user, session, words, 1);
}

/// The same, in which that was said so often.
fn remember_often(user: &User, session: &str, words: &str, times: usize) {
    remember_in(user, session, (words, times), ("/home/me/oven", "github.com/ann/oven"));
}

/// The same, in this folder of this project.
fn remember_in(
    user: &User,
    session: &str,
    (words, times): (&str, usize),
    (directory, project): (&str, &str),
) {
    let messages = vec![Message::text(Role::User, words); times];
    let turn = TurnRecord {
        session: session.into(),
        principal: Principal::local(),
        identity: Some(session.to_owned()),
        client: "claude-cli".to_owned(),
        provider: Provider::Anthropic,
        dialect: Dialect::AnthropicMessages,
        model: "claude-sonnet-4-5".to_owned(),
        upstream_origin: "https://api.anthropic.com".to_owned(),
        directory: Some(directory.to_owned()),
        project: Some(project.into()),
        injection: None,
        follows: None,
        at: UnixMillis(1_798_156_800_000),
        head: *chain(&messages).last().unwrap(),
        messages,
        answer: None,
        usage: Usage::default(),
        stop: Some(Stop::End),
        cut: false,
    };
    let mut store = SqliteStore::in_memory().unwrap();
    store.record_turn(&turn).unwrap();
    let (mut scribe, mut exported) = (Scribe::of(Principal::local()), String::new());
    while let Some(lines) = scribe.write(&mut store).unwrap() {
        exported.push_str(&lines);
    }
    // The program itself brings it in: while this process had the folder, others that it starts could inherit its lock.
    let file = user.home().join(format!("{session}.jsonl"));
    std::fs::write(&file, exported).unwrap();
    let answer = user.calls(&["--listen", "127.0.0.1:0", "import", &file.display().to_string()]);
    assert_eq!(answer.code(), Some(0), "{}", answer.err());
}

/// Whether any file of the data folder holds these bytes.
pub(crate) fn is_anywhere(user: &User, words: &str) -> bool {
    let files =
        std::fs::read_dir(folder(user)).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files.into_iter().any(|bytes| bytes.windows(words.len()).any(|window| window == words.as_bytes()))
}

#[test]
fn a_session_is_forgotten_by_a_gateway_that_runs_and_no_file_holds_a_word_of_it_any_more() {
    let user = User::new();
    remember(&user, "0199f3a2-one", "quincemarmalade");
    remember(&user, "0199f3a3-two", "medlarcheese");
    let served = Served::by(&user);
    let forget = ["forget", "--listen", served.address(), "session", "0199f3a2"];
    let counted = user.calls(&[&forget[..], &["--dry-run"]].concat());
    assert_eq!(counted.code(), Some(0), "{}", counted.err());
    assert!(counted.out().starts_with("To be forgotten, session 0199f3a2-one: 1 session with 1 message "));
    let unsure = user.calls(&forget);
    assert_eq!(unsure.code(), Some(2));
    assert!(unsure.err().contains("it was not confirmed") && is_anywhere(&user, "quincemarmalade"));
    let done = user.calls(&[&forget[..], &["--yes"]].concat());
    assert_eq!(done.code(), Some(0), "{}", done.err());
    assert!(done.out().starts_with("Forgotten for good, session 0199f3a2-one: "), "{}", done.out());
    assert!(!is_anywhere(&user, "quincemarm") && is_anywhere(&user, "medlarcheese"));
    assert_eq!(served.without_input(), Some(0));
}

#[test]
fn without_a_gateway_the_folder_itself_is_asked() {
    let user = User::new();
    let nothing = user.calls(&["forget", "everything", "--yes", "--listen", "127.0.0.1:0"]);
    assert_eq!(nothing.code(), Some(1));
    assert!(nothing.err().contains("holds no database"), "{}", nothing.err());
    remember(&user, "0199f3a2-one", "quincemarmalade");
    let listen = ["--listen", "127.0.0.1:0", "forget"];
    let unknown = user.calls(&[&listen[..], &["project", "elsewhere", "--yes"]].concat());
    assert!(unknown.err().contains("nothing is kept of a project elsewhere"), "{}", unknown.err());
    let done = user.calls(&[&listen[..], &["project", "/home/me/oven", "--yes", "--json"]].concat());
    assert!(done.out().contains("\"project\":\"github.com/ann/oven\""), "{} {}", done.out(), done.err());
    assert!(!is_anywhere(&user, "quincemarm"));
    let taken = Served::by(&user);
    let refused = user.calls(&[&listen[..], &["everything", "--yes"]].concat());
    assert!(refused.err().contains("in another process's hands"), "{}", refused.err());
    assert_eq!(taken.without_input(), Some(0));
}

#[test]
fn a_project_that_is_kept_under_just_that_name_goes_before_the_folder_that_a_link_of_it_leads_to() {
    let user = User::new();
    let [real, link] = ["real", "link"].map(|name| user.home().canonicalize().unwrap().join(name));
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let [real, link] = [real, link].map(|folder| folder.display().to_string());
    remember_in(&user, "0199f3a2-one", ("quincemarmalade", 1), (&link, &link));
    remember_in(&user, "0199f3a3-two", ("medlarcheese", 1), (&real, &real));
    let forget = ["--listen", "127.0.0.1:0", "forget", "project", &link, "--yes"];
    let done = user.calls(&forget);
    assert!(done.out().contains(&format!("project {link}: 1 session")), "{} {}", done.out(), done.err());
    assert!(!is_anywhere(&user, "quincemarm") && is_anywhere(&user, "medlarcheese"));
    let done = user.calls(&forget);
    assert!(done.out().contains(&format!("project {real}: 1 session")), "{} {}", done.out(), done.err());
}

#[test]
fn however_much_it_is_the_command_ends_when_no_file_holds_a_word_of_it() {
    let user = User::new();
    remember_often(&user, "0199f3a2-one", "quincemarmalade", 1_300);
    let forget = ["--listen", "127.0.0.1:0", "forget", "everything", "--yes", "--json"];
    let done = user.calls(&forget);
    let told = ["\"messages\":1300", "\"erased\":true", "\"log_emptied\":true"];
    assert!(told.iter().all(|told| done.out().contains(told)), "{} {}", done.out(), done.err());
    assert!(!is_anywhere(&user, "quincemarm"));
}

#[test]
fn a_folder_names_the_project_that_it_is_a_part_of() {
    let user = User::new();
    remember(&user, "0199f3a2-one", "quince");
    let folder = user.home().join("oven/src");
    let repository = user.home().join("oven/.git");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::create_dir_all(&repository).unwrap();
    std::fs::write(repository.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    let remote = "[remote \"origin\"]\n\turl = git@github.com:ann/oven.git\n";
    std::fs::write(repository.join("config"), remote).unwrap();
    let forgets = |folder: &str| {
        let arguments = ["--listen", "127.0.0.1:0", "forget", "project", folder, "--dry-run"];
        let said = user.command(&arguments).current_dir(user.home().join("oven/src")).output().unwrap();
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    for folder in [".", "..", &folder.display().to_string()] {
        let said = forgets(folder);
        assert!(
            said.starts_with("To be forgotten, project github.com/ann/oven: 1 session with 1 message"),
            "{said}"
        );
    }
}

#[test]
fn a_folder_that_is_named_is_meant_and_not_what_another_gateway_keeps() {
    let (user, other) = (User::new(), User::new());
    remember(&user, "0199f3a2-one", "quince");
    let served = Served::by(&user);
    let named = other.home().join("data").display().to_string();
    let arguments = ["--listen", served.address(), "--data-dir", &named, "forget", "everything", "--yes"];
    let answer = other.calls(&arguments);
    assert_eq!(answer.code(), Some(1), "{}", answer.out());
    assert!(answer.err().contains(&format!("nothing is kept in {named}")), "{}", answer.err());
    let own = folder(&user).display().to_string();
    let arguments = ["--listen", served.address(), "--data-dir", &own, "forget", "everything", "--dry-run"];
    assert!(
        user.calls(&arguments).out().contains("1 session with 1 message"),
        "the one that this gateway has"
    );
    assert_eq!(served.without_input(), Some(0));
}
