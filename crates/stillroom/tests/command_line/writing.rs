//! Where a command writes, and what it says when it cannot.

use crate::forgetting::remember;
use crate::support::{Answer, User};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

const NO_GATEWAY: [&str; 2] = ["--listen", "127.0.0.1:0"];

fn export(user: &User, to: &str) -> Answer {
    user.calls(&[&NO_GATEWAY[..], &["export", "--all", "--output", to]].concat())
}

/// A user of whom something is kept.
fn somebody() -> User {
    let user = User::new();
    remember(&user, "0199f3a2-one", "quince");
    user
}

#[test]
fn what_a_link_leads_to_is_written_and_the_link_stays() {
    let user = somebody();
    let (file, link) = (user.home().join("kept.jsonl"), user.home().join("link.jsonl"));
    fs::write(&file, "before").unwrap();
    symlink(&file, &link).unwrap();
    assert_eq!(export(&user, &link.display().to_string()).code(), Some(0));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().contains("quince"));
}

#[test]
fn a_pipe_with_a_name_is_written_into_and_stays() {
    let user = somebody();
    let pipe = user.home().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut reader = Command::new("cat").arg(&pipe).stdout(Stdio::piped()).spawn().unwrap();
    let answer = export(&user, &pipe.display().to_string());
    assert_eq!(answer.code(), Some(0), "{}", answer.err());
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    reader.stdout.take().map(|mut read| std::io::copy(&mut read, &mut std::io::sink())).unwrap().unwrap();
    reader.wait().unwrap();
}

#[test]
fn what_an_export_left_for_all_to_read_is_no_place_for_the_next_one() {
    let user = somebody();
    let (file, partial) = (user.home().join("all.jsonl"), user.home().join("all.jsonl.partial"));
    fs::write(&partial, "left behind").unwrap();
    fs::set_permissions(&partial, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(export(&user, &file.display().to_string()).code(), Some(0));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_could_not_be_written_to_standard_output_is_a_failure() {
    let user = somebody();
    for arguments in [&["completions", "bash"][..], &["man"], &["config", "show"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ended = user.command(arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(
            said.contains("error: not everything could be written\n  why: No space left on device"),
            "{said}"
        );
    }
}
