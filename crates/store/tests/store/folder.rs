//! The data folder: private, for one process, and never guessed about when something is wrong with it.

use crate::fixture::{model, texts, turn, user};
use domain::ids::{KnowledgeId, Principal};
use domain::knowledge::Category;
use domain::time::UnixMillis;
use std::fs;
use std::path::Path;
use store::{Draft, SqliteStore, Store, StoreError};
use tempfile::TempDir;

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn refusal(folder: &Path) -> String {
    SqliteStore::open(folder).expect_err("must be refused").to_string()
}

#[test]
fn what_was_recorded_is_there_after_opening_again() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("deep").join("data");
    let mut store = SqliteStore::open(&folder).unwrap();
    store.record_turn(&turn("s", &[user("a")], Some(model("b")))).unwrap();
    drop(store);
    let mut store = SqliteStore::open(&folder).unwrap();
    assert_eq!(texts(&mut store, "s"), ["a", "b"]);
    assert_eq!(store.record_turn(&turn("s", &[user("a")], Some(model("b")))).unwrap().new_messages, 0);
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_file_of_ours_is_not_written_through() {
    for name in
        ["stillroom.db", "stillroom.db-wal", "stillroom.db-shm", "stillroom.db-journal", "stillroom.lock"]
    {
        let home = TempDir::new().unwrap();
        let (folder, other) = (home.path().join("data"), home.path().join("of.another.program"));
        fs::create_dir(&folder).unwrap();
        fs::write(&other, "precious").unwrap();
        std::os::unix::fs::symlink(&other, folder.join(name)).unwrap();
        let refusal = refusal(&folder);
        assert!(refusal.contains(name) && refusal.contains("is a link"), "{refusal}");
        assert_eq!(fs::read_to_string(&other).unwrap(), "precious");
    }
}

#[test]
fn a_folder_is_held_as_long_as_its_store_is_open() {
    let home = TempDir::new().unwrap();
    assert_eq!(store::holder(home.path()), None);
    let held = SqliteStore::open(home.path()).unwrap();
    assert_eq!(store::holder(home.path()), Some(std::process::id().to_string()));
    drop(held);
    assert_eq!(store::holder(home.path()), None);
}

#[cfg(unix)]
mod modes {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_folder_and_every_file_in_it_are_private() {
        let home = TempDir::new().unwrap();
        let folder = home.path().join("data");
        let mut store = SqliteStore::open(&folder).unwrap();
        store.record_turn(&turn("s", &[user("a")], None)).unwrap();
        assert_eq!(mode(&folder), 0o700);
        let files = files(&folder);
        assert_eq!(files.len(), 4, "database, log, its index, lock: {files:?}");
        assert!(files.iter().all(|file| mode(file) == 0o600));
    }

    #[test]
    fn modes_that_somebody_loosened_are_mended() {
        let home = TempDir::new().unwrap();
        let folder = home.path().join("data");
        drop(SqliteStore::open(&folder).unwrap());
        let loosen = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        loosen(&folder, 0o755);
        files(&folder).iter().for_each(|file| loosen(file, 0o644));
        let _store = SqliteStore::open(&folder).unwrap();
        assert_eq!(mode(&folder), 0o700);
        assert!(files(&folder).iter().all(|file| mode(file) == 0o600));
    }

    #[test]
    fn a_folder_that_holds_other_things_keeps_its_mode() {
        let home = TempDir::new().unwrap();
        fs::write(home.path().join("letter"), "to somebody else").unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let _store = SqliteStore::open(home.path()).unwrap();
        assert_eq!(mode(home.path()), 0o755);
        assert_eq!(mode(&home.path().join("stillroom.db")), 0o600);
    }
}

#[test]
fn what_would_be_written_to_a_database_that_was_deleted_or_moved_is_refused_until_it_is_back() {
    let home = TempDir::new().unwrap();
    let (data, elsewhere) = (home.path().join("data"), home.path().join("elsewhere"));
    let mut store = SqliteStore::open(&data).unwrap();
    let mut record = |words: &str| store.record_turn(&turn("s", &[user(words)], None));
    record("a").unwrap();
    fs::rename(&data, &elsewhere).unwrap();
    let gone = record("b").unwrap_err();
    assert!(matches!(gone, StoreError::Gone { .. }), "{gone}");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("stillroom.db"), "another").unwrap();
    record("b").unwrap_err();
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&elsewhere, &data).unwrap();
    record("b").unwrap();
    fs::remove_dir_all(&data).unwrap();
    record("c").unwrap_err();
}

#[test]
fn a_second_opener_is_refused_until_the_first_is_gone() {
    let home = TempDir::new().unwrap();
    let first = SqliteStore::open(home.path()).unwrap();
    let text = refusal(home.path());
    assert!(matches!(SqliteStore::open(home.path()), Err(StoreError::Locked { .. })));
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    drop(first);
    assert!(SqliteStore::open(home.path()).is_ok());
}

#[test]
fn a_folder_that_cannot_be_made_is_named_with_the_reason_and_what_to_do() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    for folder in [file.join("data"), file] {
        assert!(matches!(SqliteStore::open(&folder), Err(StoreError::Folder { .. })));
        let text = refusal(&folder);
        assert!(text.contains(&folder.display().to_string()) && text.contains("data_dir"), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_and_a_file_are_called_that() {
    let home = TempDir::new().unwrap();
    let (link, file) = (home.path().join("link"), home.path().join("file"));
    std::os::unix::fs::symlink("/no/such/folder", &link).unwrap();
    fs::write(&file, "not a folder").unwrap();
    let told = |folder: &Path| refusal(folder).replace(&folder.display().to_string(), "FOLDER");
    let beginning = "the data folder FOLDER cannot be used: it is a";
    assert_eq!(
        told(&link),
        format!(
            "{beginning} link to /no/such/folder, where nothing is; make the folder that it leads to, or set data_dir to another folder"
        )
    );
    let file = told(&file);
    assert!(file.starts_with(&format!("{beginning} file, or lies in one; move that file away, ")), "{file}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    // Not even the superuser can write there.
    assert!(matches!(SqliteStore::open(Path::new("/proc")), Err(StoreError::Folder { .. })));
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_was() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("stillroom.db");
    let other = "somebody's letters, long enough to hold a header ".repeat(100);
    fs::write(&file, &other).unwrap();
    assert!(matches!(SqliteStore::open(home.path()), Err(StoreError::Corrupt { .. })));
    let text = refusal(home.path());
    assert!(text.contains("stillroom.db") && text.contains("aside"), "{text}");
    assert_eq!(fs::read_to_string(&file).unwrap(), other);
}

#[test]
fn whichever_page_is_damaged_the_store_says_so_or_gives_back_what_was_recorded() {
    let home = TempDir::new().unwrap();
    let words = |number: usize| format!("{number} loaves ").repeat(40);
    let mut store = SqliteStore::open(home.path()).unwrap();
    for number in 0..60 {
        store.record_turn(&turn(&format!("s{number}"), &[user(&words(number))], None)).unwrap();
    }
    drop(store);
    let file = home.path().join("stillroom.db");
    let sound = fs::read(&file).unwrap();
    let pages = sound.len() / 4096;
    let refused = (0..pages).filter(|page| {
        let mut damaged = sound.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0x5a);
        fs::write(&file, damaged).unwrap();
        match SqliteStore::open(home.path()) {
            Err(error) => {
                assert!(matches!(error, StoreError::Corrupt { .. }), "page {page}: {error}");
                true
            }
            Ok(mut store) => {
                (0..60)
                    .for_each(|number| assert_eq!(texts(&mut store, &format!("s{number}")), [words(number)]));
                false
            }
        }
    });
    let refused = refused.count();
    assert!(pages > 30 && refused * 10 > pages * 9, "{refused} of {pages} damaged pages were found");
}

#[test]
fn a_database_of_a_newer_program_is_refused_and_left_as_it_was() {
    let home = TempDir::new().unwrap();
    drop(SqliteStore::open(home.path()).unwrap());
    let file = home.path().join("stillroom.db");
    let newer = rusqlite::Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let before = fs::read(&file).unwrap();
    assert!(matches!(SqliteStore::open(home.path()), Err(StoreError::Newer { found: 99, .. })));
    assert!(refusal(home.path()).contains("newer Stillroom"));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_forgotten_entry_leaves_no_trace_in_any_file() {
    let home = TempDir::new().unwrap();
    let mut store = SqliteStore::open(home.path()).unwrap();
    let draft = |content: &str| Draft {
        category: Category::Preference,
        title: "Quincemarmalade".into(),
        content: content.into(),
        confidence: 1.0,
    };
    let id = KnowledgeId::from("jam");
    for content in ["Quincemarmalade on rye", "Quincemarmalade on toast"] {
        store.put_entry(&Principal::local(), &id, &draft(content), UnixMillis(1)).unwrap();
    }
    assert!(store.delete_entry(&id, UnixMillis(2)).unwrap());
    drop(store);
    for file in files(home.path()) {
        let bytes = fs::read(&file).unwrap().to_ascii_lowercase();
        // The index folds and stems words, so the trace to look for is the stem.
        assert!(!bytes.windows(10).any(|window| window == b"quincemarm"), "{}", file.display());
    }
}
