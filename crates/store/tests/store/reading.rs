//! A file is an export, whole and in order, or it is told which line is wrong.

use crate::fixture::say;
use domain::ids::Principal;
use store::{Reading, Scribe, SqliteStore};

/// A whole export.
fn file() -> Vec<String> {
    let mut store = SqliteStore::in_memory().unwrap();
    say(&mut store, "session-1", &["one", "two"]);
    let (mut scribe, mut file) = (Scribe::of(Principal::local()), String::new());
    while let Some(lines) = scribe.write(&mut store).unwrap() {
        assert!(!lines.is_empty(), "an empty piece would end a stream");
        file.push_str(&lines);
    }
    file.lines().map(str::to_owned).collect()
}

/// The first thing that is wrong.
fn wrong(lines: &[String]) -> Option<String> {
    let mut reading = Reading::default();
    let read = lines.iter().try_for_each(|line| reading.read(line).map(drop));
    read.and_then(|()| reading.close()).err().map(|wrong| wrong.to_string())
}

#[test]
fn a_whole_export_is_right_and_one_without_its_end_is_not() {
    let file = file();
    assert_eq!(file.len(), 6, "the head, a session, two messages, a turn, the end: {file:?}");
    assert_eq!(wrong(&file), None);
    for cut in 1..file.len() {
        let told = wrong(&file[..cut]).unwrap();
        assert_eq!(told, format!("line {cut}: the file ends too early: its last line is missing"));
    }
}

#[test]
fn what_is_no_record_or_out_of_its_place_is_named_with_its_line() {
    let file = file();
    let changed = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = file.clone();
        change(&mut lines);
        wrong(&lines).unwrap()
    };
    let told = changed(&|lines| lines[2] = "{}".into());
    assert!(told.starts_with("line 3: "), "{told}");
    let told = changed(&|lines| lines[1] = lines[1].replace("\"client\":", "\"secret\":"));
    assert!(told.starts_with("line 2: unknown field `secret`"), "{told}");
    let told = changed(&|lines| drop(lines.remove(1)));
    assert_eq!(told, "line 2: its session session-1 did not come before it");
    let told = changed(&|lines| drop(lines.remove(3)));
    assert_eq!(told, "line 5: 5 lines stood before");
    let told = changed(&|lines| lines.swap(0, 1));
    assert!(told.starts_with("line 1: an export begins with"), "{told}");
    let told = changed(&|lines| lines[0] = lines[0].replace('1', "2"));
    assert_eq!(told, "line 1: format 2 is another program's; this one reads 1");
    let told = changed(&|lines| lines.push(lines[5].clone()));
    assert_eq!(told, "line 7: something stands behind the end");
    let told = changed(&|lines| lines[1] = lines[1].replace("\"session-1\"", "\"hers~\""));
    assert!(told.starts_with("line 2: \"hers~\" is no id"), "{told}");
    let told = changed(&|lines| lines[2] = lines[2].replace("\"distillation\":null", "\"distillation\":1"));
    assert_eq!(told, "line 3: run 1 of the session is missing");
}
