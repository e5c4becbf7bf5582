//! A process that is killed loses nothing that it acknowledged.

use crate::fixture::{id, model, turn, user};
use domain::conversation::Message;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use store::{SqliteStore, Store};
use tempfile::TempDir;

/// Tells the test, when it is started again as the process to be killed, where to write.
const FOLDER: &str = "STILLROOM_TEST_FOLDER";
const NAME: &str = "kill::a_killed_process_loses_nothing_that_it_acknowledged";
/// How many acknowledgements are awaited before each kill.
const ROUNDS: [usize; 6] = [1, 7, 23, 40, 3, 64];

#[test]
fn a_killed_process_loses_nothing_that_it_acknowledged() {
    if let Ok(folder) = std::env::var(FOLDER) {
        write_until_killed(Path::new(&folder));
    }
    let home = TempDir::new().unwrap();
    let mut acknowledged = 0;
    for round in ROUNDS {
        acknowledged = acknowledged.max(kill_after(home.path(), round));
        let found = recorded(home.path());
        assert!(found >= acknowledged, "{acknowledged} messages were acknowledged, {found} are there");
    }
    assert!(
        acknowledged >= 2 * ROUNDS.iter().sum::<usize>(),
        "every round went on from where the last was killed"
    );
}

/// The process to be killed: it goes on with one conversation and tells after each turn how many messages it has.
fn write_until_killed(folder: &Path) -> ! {
    let mut store = SqliteStore::open(folder).unwrap();
    let mut said: Vec<Message> = (0..store.messages(&id("s")).unwrap().len()).map(nth).collect();
    loop {
        said.push(nth(said.len()));
        let answer = nth(said.len());
        store.record_turn(&turn("s", &said, Some(answer.clone()))).unwrap();
        said.push(answer);
        let mut out = std::io::stdout();
        writeln!(out, "acknowledged {}", said.len()).unwrap();
    }
}

fn nth(index: usize) -> Message {
    let text = format!("message {index} {}", "crumb ".repeat(index % 50));
    if index.is_multiple_of(2) { user(&text) } else { model(&text) }
}

/// Starts the process, kills it after so many acknowledgements, and tells the last one that it gave.
fn kill_after(folder: &Path, acknowledgements: usize) -> usize {
    let mut child = start(folder);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut counts = lines.filter_map(|line| line.split_once("acknowledged ")?.1.parse::<usize>().ok());
    let awaited = counts.nth(acknowledgements - 1).expect("the process writes until it is killed");
    child.kill().unwrap();
    child.wait().unwrap();
    // What it acknowledged between our decision and its end counts too.
    counts.last().unwrap_or(awaited)
}

fn start(folder: &Path) -> Child {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args([NAME, "--exact", "--nocapture"]).env(FOLDER, folder);
    again.stdout(Stdio::piped()).spawn().unwrap()
}

/// How many messages are there, after checking that they are the right ones, in order, and the database is sound. A turn is
/// whole or not there, so the number is even.
fn recorded(folder: &Path) -> usize {
    let mut store = SqliteStore::open(folder).unwrap();
    let messages = store.messages(&id("s")).unwrap();
    for (index, message) in messages.iter().enumerate() {
        assert_eq!(message.text, nth(index).readable());
    }
    assert_eq!(store.recall(None, "message", 1).unwrap().len(), 1);
    drop(store);
    let database = rusqlite::Connection::open(folder.join("stillroom.db")).unwrap();
    let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!((sound.as_str(), messages.len() % 2), ("ok", 0));
    messages.len()
}
