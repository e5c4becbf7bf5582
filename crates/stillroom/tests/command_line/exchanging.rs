//! Files that come from elsewhere: another machine, a repository, an editor, another program.

use crate::forgetting::remember;
use crate::support::{Answer, Served, User};
use crate::transferring::{alone, done};
use std::fs::{self, File};
use std::io::Write as _;
use std::process::Stdio;

const RYE: &str = "# Project oven\n\n## Rye\n\ngotcha, confidence 0.9\n\nIt bites.\n";

/// A file of this text in the user's home.
fn file(user: &User, text: &str) -> String {
    let file = user.home().join("KNOWLEDGE.md");
    fs::write(&file, text).unwrap();
    file.display().to_string()
}

/// What comes of a call into which another program writes `text`.
fn piped(user: &User, arguments: &[&str], text: &str) -> Answer {
    let mut command = user.command(&[&["--listen", "127.0.0.1:0"], arguments].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    process.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Answer(process.wait_with_output().unwrap())
}

#[test]
fn a_teammates_file_overwrites_nothing_and_what_was_forgotten_stays_so_until_it_is_to_come_again() {
    for served in [true, false] {
        let (ann, bob) = (User::new(), User::new());
        let yeast = RYE.replace("Rye", "Yeast").replace("It bites.", "It grows.");
        done(alone(&bob, &["import", &file(&bob, &yeast)]));
        let theirs = file(&ann, &done(alone(&bob, &["export"])));
        let served = served.then(|| Served::by(&ann));
        let listen = served.as_ref().map_or("127.0.0.1:0", |served| served.address());
        let call = |arguments: &[&str]| done(ann.calls(&[&["--listen", listen], arguments].concat()));
        let own = ann.home().join("own.md");
        fs::write(&own, RYE).unwrap();
        assert_eq!(
            call(&["import", &own.display().to_string()]),
            "Taken over. New: k1. Changed: none. As before: 0.\n"
        );
        assert_eq!(call(&["import", &theirs]), "Taken over. New: k2. Changed: none. As before: 0.\n");
        let both = call(&["export"]);
        assert!(both.contains("It bites.") && both.contains("It grows."), "{both}");
        call(&["forget", "project", "oven", "--yes"]);
        let told = call(&["import", &theirs]);
        assert_eq!(
            told,
            "Taken over. New: none. Changed: none. As before: 0.\nLeft out, since they were deleted or forgotten here: k2. Without its id, \
            such a section is a new entry; --again brings in what was forgotten.\n"
        );
        assert_eq!(
            call(&["import", &theirs, "--again"]),
            "Taken over. New: k2. Changed: none. As before: 0.\n"
        );
        assert_eq!(served.and_then(Served::without_input).unwrap_or_default(), 0);
    }
}

#[test]
fn a_refused_file_is_told_alike_with_a_gateway_and_without_one() {
    for served in [true, false] {
        let user = User::new();
        done(alone(&user, &["import", &file(&user, RYE)]));
        let moved = done(alone(&user, &["export"])).replace("# Project oven", "# Project garden");
        let name = file(&user, &moved);
        let served = served.then(|| Served::by(&user));
        let listen = served.as_ref().map_or("127.0.0.1:0", |served| served.address());
        let refused = user.calls(&["--listen", listen, "import", &name]);
        assert_eq!(refused.code(), Some(2), "{}", refused.err());
        let err = refused.err();
        assert!(err.contains("entry k1 belongs to the project oven, and the file has it under"), "{err}");
        assert!(err.contains("  do: change what it contradicts, and try again\n"), "{err}");
        fs::write(&name, RYE.replace("It bites.", "<<<<<<< HEAD\nIt bites.\n=======\nNot.\n>>>>>>> bob"))
            .unwrap();
        let unsettled = user.calls(&["--listen", listen, "import", &name]);
        assert_eq!(unsettled.code(), Some(2));
        assert!(
            unsettled.err().contains("line 7: \"<<<<<<< HEAD\" is a mark of a merge"),
            "{}",
            unsettled.err()
        );
        assert_eq!(served.and_then(Served::without_input).unwrap_or_default(), 0);
    }
}

#[test]
fn what_another_program_writes_and_what_an_editor_marked_is_read() {
    let (ann, bob) = (User::new(), User::new());
    remember(&ann, "0199f3a2-one", "quince");
    let all = done(alone(&ann, &["export", "--all"]));
    let told = done(piped(&bob, &["import", "/dev/stdin"], RYE));
    assert_eq!(told, "Taken over. New: k1. Changed: none. As before: 0.\n");
    let told = done(piped(&bob, &["import", "/dev/stdin"], &all));
    assert!(told.starts_with("New: 1 session, 1 message, "), "{told}");
    let told = done(alone(&bob, &["import", &file(&bob, &format!("\u{feff}{RYE}"))]));
    assert_eq!(told, "Taken over. New: none. Changed: none. As before: 1.\n");
    let told = done(alone(&bob, &["import", &file(&bob, &format!("\u{feff}{all}"))]));
    assert!(told.starts_with("New: 0 sessions, 0 messages, "), "{told}");
    let name = file(&bob, RYE);
    let mut redirected = bob.command(&["--listen", "127.0.0.1:0", "import", "/dev/stdin"]);
    redirected.stdin(File::open(name).unwrap());
    let told = done(Answer(redirected.output().unwrap()));
    assert_eq!(told, "Taken over. New: none. Changed: none. As before: 1.\n");
}

#[test]
fn a_rehearsal_where_nothing_is_kept_yet_makes_no_folder() {
    let user = User::new();
    let told = done(alone(&user, &["import", &file(&user, RYE), "--dry-run"]));
    assert_eq!(told, "Nothing was changed; this would be. New: k1. Changed: none. As before: 0.\n");
    assert!(!user.home().join(".local").exists(), "not even a folder");
}
