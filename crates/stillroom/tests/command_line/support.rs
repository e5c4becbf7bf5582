//! A user with a home of their own, who calls the program.

use std::io::{self, BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use tempfile::TempDir;

/// A home, and nothing of this machine's environment but the way to programs.
pub(crate) struct User {
    home: TempDir,
}

impl User {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The program with these arguments, in the user's home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stillroom"));
        command.args(arguments).current_dir(self.home()).env_clear().env("HOME", self.home());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
    }

    /// What comes of it.
    pub(crate) fn calls(&self, arguments: &[&str]) -> Answer {
        Answer(self.command(arguments).output().unwrap())
    }
}

/// What a call answered.
pub(crate) struct Answer(pub(crate) Output);

impl Answer {
    pub(crate) fn code(&self) -> Option<i32> {
        self.0.status.code()
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }
}

/// An address at which nobody answers now.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap()
}

/// A gateway in a process of its own, which ends with its input.
pub(crate) struct Served {
    process: Child,
    address: String,
    /// Its log, read as it comes so that it never has to wait.
    log: JoinHandle<String>,
}

impl Served {
    /// Starts one at a free port, and waits until it says where.
    pub(crate) fn by(user: &User) -> Self {
        Self::started(user.command(&["serve", "--until-input-ends", "--listen", "127.0.0.1:0"]))
    }

    /// Starts one that records and prints the messages between its actors.
    pub(crate) fn tracing(user: &User) -> Self {
        let serve = ["serve", "--trace-actors", "--until-input-ends", "--listen", "127.0.0.1:0"];
        Self::started(user.command(&serve))
    }

    /// Starts one that other machines can reach, and that asks for `token`.
    pub(crate) fn open_by(user: &User, token: &str) -> Self {
        let mut command = user.command(&["serve", "--until-input-ends", "--listen", "0.0.0.0:0"]);
        command.env("STILLROOM_ACCESS__TOKEN", token);
        Self::started(command)
    }

    /// Starts one whose providers are all at `address`, with as many open files as the system allows and this said first by
    /// a shell.
    #[cfg(target_os = "linux")]
    pub(crate) fn before(user: &User, address: SocketAddr, first: &str) -> Self {
        let serve = format!("ulimit -n $(ulimit -Hn); {first} exec \"$0\" \"$@\"");
        let program = env!("CARGO_BIN_EXE_stillroom");
        let mut shell = Command::new("sh");
        shell.args(["-c", &serve, program, "serve", "--listen", "127.0.0.1:0"]);
        shell.current_dir(user.home()).env_clear().env("HOME", user.home());
        shell.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        let url = format!("http://{address}");
        shell.env("STILLROOM_UPSTREAM__ANTHROPIC", &url).env("STILLROOM_UPSTREAM__OPENAI", &url);
        Self::started(shell)
    }

    /// Starts what `command` says, and waits until it says where it listens.
    pub(crate) fn started(mut command: Command) -> Self {
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let errors = process.stderr.take().unwrap();
        let log = std::thread::spawn(|| io::read_to_string(errors).unwrap());
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("Stillroom serves at http://").unwrap().to_owned();
        Self { process, address, log }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Option<i32> {
        self.end_and_log().0
    }

    /// Waits for its end, and gives its log too.
    pub(crate) fn end_and_log(mut self) -> (Option<i32>, String) {
        (self.process.wait().unwrap().code(), self.log.join().unwrap())
    }

    /// Ends its input, and waits for its end.
    pub(crate) fn without_input(self) -> Option<i32> {
        self.without_input_and_log().0
    }

    /// Ends its input, waits for its end, and gives its log too.
    pub(crate) fn without_input_and_log(mut self) -> (Option<i32>, String) {
        drop(self.process.stdin.take());
        self.end_and_log()
    }
}
