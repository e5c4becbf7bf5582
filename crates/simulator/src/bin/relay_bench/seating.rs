//! One core for all, where only one of them works at a time.
//!
//! With one connection the load, the contender and the mock take turns. The system lets them share a core or spreads them out, as it
//! happens, and keeps to that for seconds; to wake somebody on a core that sleeps costs several times what nginx does for a small
//! request. Which contender had which luck would then be most of what is measured.

use std::fs;
use std::io;
use std::process::{self, Command, Stdio};

/// As long as this lives, this process and those that were named run on one core.
pub(crate) struct Together {
    /// The cores that were ours before.
    before: String,
}

impl Together {
    /// Seats this process and `others`, with all threads that they have by now.
    pub(crate) fn seated(others: impl IntoIterator<Item = u32>) -> io::Result<Self> {
        let before = cores(process::id())?;
        let one = before.split([',', '-']).next().unwrap_or_default();
        // From here on it is given back, also when somebody cannot be seated.
        let together = Self { before: before.clone() };
        others.into_iter().chain([process::id()]).try_for_each(|process| seat(process, one))?;
        Ok(together)
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        // The others end with their case.
        seat(process::id(), &self.before).unwrap_or_default();
    }
}

/// The cores on which a process may run, as the system spells them: `0-3,6`.
fn cores(process: u32) -> io::Result<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.map(|list| list.trim().to_owned())
        .ok_or_else(|| io::Error::other("the system does not say which cores there are"))
}

/// Lets all threads of a process run on these cores alone.
fn seat(process: u32, cores: &str) -> io::Result<()> {
    let mut taskset = Command::new("taskset");
    taskset.args(["--all-tasks", "--cpu-list", "--pid", cores, &process.to_string()]);
    let status = taskset.stdout(Stdio::null()).status().map_err(|error| {
        io::Error::new(error.kind(), format!("taskset (of the package util-linux) cannot be run: {error}"))
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("taskset refused core {cores}: {status}")))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn those_who_are_seated_together_share_one_core_and_only_this_process_gets_up_again() {
        let before = cores(process::id()).unwrap();
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        let together = Together::seated([other.id()]).unwrap();
        let one = cores(other.id()).unwrap();
        assert!(one.parse::<u32>().is_ok(), "{one}");
        assert_eq!(cores(process::id()).unwrap(), one);
        drop(together);
        assert_eq!(cores(process::id()).unwrap(), before);
        assert_eq!(cores(other.id()).unwrap(), one);
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn a_core_that_is_not_there_is_no_seat() {
        let refused = seat(process::id(), "99999").unwrap_err().to_string();
        assert!(refused.starts_with("taskset refused core 99999"), "{refused}");
    }
}
