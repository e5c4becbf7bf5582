//! A contender's process, and what the system says of it: CPU time of each thread, memory, descriptors.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// How long a process may take to come to its end by itself.
const ENDS_WITHIN: Duration = Duration::from_secs(90);

/// A running process; it ends with this value.
pub(crate) struct Process(Child);

/// CPU time spent so far, by the name of the thread.
pub(crate) type Spent = BTreeMap<String, Duration>;

impl Process {
    /// Starts it. What it says goes into a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> io::Result<Self> {
        let log = fs::File::create(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn().map(Self)
    }

    /// The number by which the system knows it.
    pub(crate) fn number(&self) -> u32 {
        self.0.id()
    }

    /// Threads of one name count as one. A thread that has ended no longer counts; those that work live on.
    pub(crate) fn spent(&self) -> Spent {
        let mut spent = Spent::new();
        for task in fs::read_dir(self.file("task")).into_iter().flatten().flatten() {
            let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            *spent.entry(name.trim_end().to_owned()).or_default() += on_cpu(&task.path().join("schedstat"));
        }
        spent
    }

    /// Resident memory now and at its highest, in KiB.
    pub(crate) fn memory(&self) -> Memory {
        let status = fs::read_to_string(self.file("status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim_start_matches(':').trim().split(' ').next()?.parse().ok())
                .unwrap_or(0)
        };
        Memory { resident: field("VmRSS"), highest: field("VmHWM") }
    }

    /// Open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(self.file("fd")).map_or(0, Iterator::count)
    }

    /// Asks it to end, and waits until it has; says whether it ended well.
    pub(crate) fn end(mut self) -> io::Result<bool> {
        Command::new("kill").arg(self.number().to_string()).status()?;
        for _ in 0..ENDS_WITHIN.as_millis() / 50 {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status.success());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(false)
    }

    fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.number()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, which is just as well.
        self.0.kill().unwrap_or_default();
        drop(self.0.wait());
    }
}

/// In KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) highest: u64,
}

fn on_cpu(schedstat: &Path) -> Duration {
    let figures = fs::read_to_string(schedstat).unwrap_or_default();
    let nanos = figures.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}
