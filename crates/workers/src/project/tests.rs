use super::repository::project;
use super::*;
use std::fs;
use tempfile::TempDir;

/// Waits as long as a busy machine needs.
fn patient() -> Projects {
    Projects::with_patience(Duration::from_secs(60))
}

const CLONE: &str = "[remote \"origin\"]\n\turl = https://token@git.example/ann/oven.git\n";

/// A repository at `folder`, with this configuration.
fn repository(folder: &Path, config: &str) {
    fs::create_dir_all(folder.join(".git")).unwrap();
    fs::write(folder.join(".git/config"), config).unwrap();
}

/// A worktree of the repository at `main`, as git makes one.
fn worktree(main: &Path, folder: &Path) {
    let files = main.join(".git/worktrees/second");
    fs::create_dir_all(&files).unwrap();
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(".git"), format!("gitdir: {}\n", files.display())).unwrap();
    fs::write(files.join("gitdir"), format!("{}\n", folder.join(".git").display())).unwrap();
    fs::write(files.join("commondir"), "../..\n").unwrap();
}

fn named(folder: &Path) -> Option<String> {
    project(folder, None).map(|project| project.as_str().to_owned())
}

fn text(path: &Path) -> Option<String> {
    path.to_str().map(str::to_owned)
}

#[test]
fn clones_of_one_remote_are_one_project_wherever_in_them_an_agent_works() {
    let home = TempDir::new().unwrap();
    let (one, other) = (home.path().join("one"), home.path().join("other"));
    repository(&one, CLONE);
    repository(&other, "[remote \"origin\"]\n\turl = git@git.example:ann/oven\n");
    fs::create_dir_all(one.join("door/hinge")).unwrap();
    for folder in [one.join("door/hinge"), one, other] {
        assert_eq!(named(&folder).as_deref(), Some("git.example/ann/oven"), "{}", folder.display());
    }
}

#[test]
fn a_worktree_is_one_with_its_repository_with_and_without_a_remote() {
    let home = TempDir::new().unwrap();
    let (main, second) = (home.path().join("main"), home.path().join("second"));
    repository(&main, "[core]\n");
    worktree(&main, &second);
    assert_eq!((named(&main), named(&second)), (text(&main), text(&main)));
    fs::write(main.join(".git/config"), CLONE).unwrap();
    assert_eq!(named(&second).as_deref(), Some("git.example/ann/oven"));
}

#[test]
fn a_folder_that_only_claims_to_be_a_worktree_of_another_repository_stands_for_itself() {
    let home = TempDir::new().unwrap();
    let (main, second, forged) =
        (home.path().join("main"), home.path().join("second"), home.path().join("forged"));
    repository(&main, CLONE);
    worktree(&main, &second);
    fs::create_dir(&forged).unwrap();
    // Names it back, but is none of its worktrees.
    let stray = main.join(".git/stray");
    fs::create_dir(&stray).unwrap();
    fs::write(stray.join("gitdir"), format!("{}\n", forged.join(".git").display())).unwrap();
    for lie in [main.join(".git/worktrees/second"), stray, main.join(".git"), "/proc/self".into(), "".into()]
    {
        fs::write(forged.join(".git"), format!("gitdir: {}\n", lie.display())).unwrap();
        assert_eq!(named(&forged), text(&forged), "{}", lie.display());
    }
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_files_too_long_say_nothing() {
    let home = TempDir::new().unwrap();
    let (main, linked, long) =
        (home.path().join("main"), home.path().join("linked"), home.path().join("long"));
    repository(&main, CLONE);
    fs::create_dir(&linked).unwrap();
    std::os::unix::fs::symlink(main.join(".git"), linked.join(".git")).unwrap();
    assert_eq!(named(&linked), text(&linked));
    fs::remove_file(linked.join(".git")).unwrap();
    repository(&linked, "");
    fs::remove_file(linked.join(".git/config")).unwrap();
    std::os::unix::fs::symlink(main.join(".git/config"), linked.join(".git/config")).unwrap();
    assert_eq!(named(&linked), text(&linked));
    repository(&long, &format!("{CLONE}{}", "#".repeat(256 * 1024)));
    assert_eq!(named(&long), text(&long));
}

#[test]
fn a_repository_that_is_somebodys_home_does_not_hold_what_lies_in_it() {
    let home = TempDir::new().unwrap();
    repository(home.path(), CLONE);
    let folder = home.path().join("notes");
    fs::create_dir(&folder).unwrap();
    assert_eq!(project(&folder, Some(home.path())), None);
    assert_eq!(project(home.path(), Some(home.path())), Some("git.example/ann/oven".into()));
}

#[test]
fn a_folder_that_cannot_be_seen_stands_for_itself() {
    let (projects, now) = (patient(), UnixMillis(1));
    for folder in ["/no/such/folder/anywhere", "relative/folder", "C:\\oven", "/\0", ""] {
        assert_eq!(projects.of(&Principal::local(), folder, now).as_str(), folder);
    }
}

#[test]
fn only_the_owner_of_this_machine_has_folders_looked_at() {
    let home = TempDir::new().unwrap();
    repository(home.path(), CLONE);
    let (projects, now, folder) = (patient(), UnixMillis(1), text(home.path()).unwrap());
    assert_eq!(projects.of(&"remote".into(), &folder, now).as_str(), folder);
    assert_eq!(projects.of(&Principal::local(), &folder, now).as_str(), "git.example/ann/oven");
    assert_eq!(projects.known(&Principal::local(), "/elsewhere"), None);
}

#[test]
fn what_was_found_holds_for_ten_minutes() {
    let home = TempDir::new().unwrap();
    let (projects, ann, folder) = (patient(), Principal::local(), text(home.path()).unwrap());
    projects.remember(&ann, &folder, "from before".into());
    assert_eq!(projects.known(&ann, &folder), Some("from before".into()));
    let of = |minutes: i64| projects.of(&ann, &folder, UnixMillis((1000 + minutes) * 60_000));
    assert_eq!(of(0).as_str(), folder);
    repository(home.path(), CLONE);
    assert_eq!(of(9).as_str(), folder);
    assert_eq!(of(10).as_str(), "git.example/ann/oven");
}

#[test]
fn while_looks_hang_no_other_begins() {
    let home = TempDir::new().unwrap();
    repository(home.path(), CLONE);
    let (projects, folder) = (patient(), text(home.path()).unwrap());
    let stated = || (Principal::local(), folder.clone());
    projects.0.looks.store(LOOKS, Ordering::Release);
    projects.look(stated(), UnixMillis(1));
    assert_eq!(projects.known(&Principal::local(), &folder), None);
    assert_eq!(projects.0.looks.load(Ordering::Acquire), LOOKS, "who was turned away is not counted");
    projects.0.looks.store(LOOKS - 1, Ordering::Release);
    projects.look(stated(), UnixMillis(1));
    assert_eq!(projects.known(&Principal::local(), &folder), Some("git.example/ann/oven".into()));
}

#[test]
fn whoever_states_one_folder_after_the_other_fills_no_memory() {
    let (projects, ann) = (patient(), Principal::local());
    for number in 0..REMEMBERED {
        projects.remember(&ann, &number.to_string(), "before".into());
    }
    assert_eq!(projects.of(&ann, "0", UnixMillis(1)).as_str(), "0");
    assert_eq!(projects.known(&ann, "1"), Some("before".into()), "one that is known takes no more room");
    assert_eq!(projects.of(&ann, "one more", UnixMillis(1)).as_str(), "one more");
    assert_eq!(projects.0.found().len(), 1);
}

#[test]
#[cfg(unix)]
fn a_folder_is_the_same_project_by_whichever_path_it_is_stated() {
    let home = TempDir::new().unwrap();
    let (real, link) = (fs::canonicalize(home.path()).unwrap().join("real"), home.path().join("link"));
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let (projects, local) = (patient(), Principal::local());
    let of = |stated: &str| projects.of(&local, stated, UnixMillis(1)).as_str().to_owned();
    let (real, link) = (text(&real).unwrap(), text(&link).unwrap());
    for stated in [real.clone(), format!("{real}/"), format!("{real}/."), link.clone(), format!("{link}//")] {
        assert_eq!(of(&stated), real, "{stated}");
    }
    repository(Path::new(&real), "[core]\n");
    assert_eq!(projects.of(&local, &format!("{link}/"), UnixMillis(2 * HOLDS)).as_str(), real);
    assert_eq!(of("/no/such/folder/"), "/no/such/folder");
    assert_eq!(of("no/folder/of/a/path/"), "no/folder/of/a/path");
    let elsewhere = projects.of(&Principal::from("remote"), &format!("{link}/"), UnixMillis(1));
    assert_eq!(elsewhere.as_str(), link, "folders of other machines are looked at by nobody here");
}
