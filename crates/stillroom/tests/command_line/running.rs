//! Agents behind a gateway. The agents are shell scripts that say what they were given.

use crate::support::{Answer, Served, User};
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const SAYS_ITS_BASES: &str =
    "echo $ANTHROPIC_BASE_URL $OPENAI_BASE_URL $CLAUDE_CODE_GATEWAY_HINT_HEADERS; exit 7";

/// The address in the first word of `said`.
fn address(said: &str) -> &str {
    said.split_whitespace().next().and_then(|url| url.strip_prefix("http://")).unwrap()
}

/// A program of that name which says its arguments.
fn program(user: &User, name: &str) -> PathBuf {
    let path = user.home().join(name);
    std::fs::write(&path, "#!/bin/sh\necho \"$@\"\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[test]
fn an_agent_gets_a_gateway_of_its_own_which_ends_with_it_and_its_end_is_ours() {
    let user = User::new();
    let answer = user.calls(&["run", "--listen", "127.0.0.1:0", "--", "sh", "-c", SAYS_ITS_BASES]);
    assert_eq!(answer.code(), Some(7), "{}", answer.err());
    let address = address(&answer.out()).to_owned();
    assert_eq!(answer.out(), format!("http://{address} http://{address}/v1 1\n"));
    assert!(TcpStream::connect(&address).is_err());
    let log = std::fs::metadata(user.home().join(".local/share/stillroom/gateway.log")).unwrap();
    assert_eq!(log.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_gateway_that_is_there_is_used_and_stays() {
    let user = User::new();
    let served = Served::by(&user);
    let answer = user.calls(&["run", "--listen", served.address(), "--", "sh", "-c", SAYS_ITS_BASES]);
    assert_eq!((answer.code(), address(&answer.out())), (Some(7), served.address()));
    let told = format!("a gateway serves at {} already", served.address());
    assert!(answer.err().contains(&told), "{}", answer.err());
    assert_eq!(user.calls(&["status", "--listen", served.address()]).code(), Some(0));
    assert_eq!(served.without_input(), Some(0));
}

#[test]
fn a_gateway_with_another_data_folder_than_the_one_that_is_named_is_not_taken_for_it() {
    let user = User::new();
    let served = Served::by(&user);
    let folder = user.home().join("other").display().to_string();
    let run: &[&str] = &["run", "--", "true"];
    for command in [&["sessions"][..], &["recall", "quince"], &["knowledge", "promote", "k1"], run] {
        let listen = ["--listen", served.address()];
        let refused = user.calls(&[&["--data-dir", &folder], &listen[..], command].concat());
        assert_eq!(refused.code(), Some(1), "{command:?}");
        let told = format!("the gateway at {} does not have {folder}", served.address());
        assert!(refused.err().contains(&told), "{command:?}: {}", refused.err());
        assert_eq!(user.calls(&[&listen[..], &["sessions"]].concat()).code(), Some(0), "an address alone");
    }
    let own = user.home().join(".local/share/stillroom").display().to_string();
    let named = user.calls(&["--data-dir", &own, "--listen", served.address(), "sessions"]);
    assert_eq!(named.code(), Some(0), "{}", named.err());
    let doctor = user.calls(&["--data-dir", &folder, "--listen", served.address(), "doctor"]);
    assert!(doctor.code() == Some(1) && doctor.out().contains("does not have"), "{}", doctor.out());
    assert_eq!(served.without_input(), Some(0));
}

#[test]
fn doctor_tells_that_a_gateway_elsewhere_has_the_folder() {
    let user = User::new();
    let free = user.calls(&["doctor", "--listen", "127.0.0.1:0"]);
    assert!(free.out().contains("gateway: no process has "), "{}", free.out());
    let served = Served::by(&user);
    let doctor = user.calls(&["doctor", "--listen", "127.0.0.1:0"]);
    let told = format!("process {} has ", served.id());
    assert!(doctor.code() == Some(1) && doctor.out().contains(&told), "{}", doctor.out());
    assert_eq!(served.without_input(), Some(0));
}

#[test]
fn a_gateway_for_one_agent_is_not_opened_to_others_even_if_the_settings_would() {
    let user = User::new();
    let mut command = user.command(&["run", "--listen", "0.0.0.0:0", "--", "sh", "-c", SAYS_ITS_BASES]);
    let answer = Answer(command.env("STILLROOM_ACCESS__TOKEN", "long-and-random").output().unwrap());
    assert_eq!(answer.code(), Some(7), "{}", answer.err());
    assert!(address(&answer.out()).starts_with("127.0.0.1:"), "{}", answer.out());
    let log = std::fs::read_to_string(user.home().join(".local/share/stillroom/gateway.log")).unwrap();
    assert!(!log.contains("0.0.0.0") && !log.contains("long-and-random"), "{log}");
}

#[test]
fn no_proxy_stands_between_an_agent_and_its_gateway() {
    let user = User::new();
    let says = "echo $NO_PROXY; echo $no_proxy; echo $HTTP_PROXY";
    let mut command = user.command(&["run", "--listen", "127.0.0.1:0", "--", "sh", "-c", says]);
    let proxied = command.env("HTTP_PROXY", "http://proxy.example").env("no_proxy", "a.example");
    let direct = "a.example,127.0.0.1,localhost,::1";
    assert_eq!(
        Answer(proxied.output().unwrap()).out(),
        format!("{direct}\n{direct}\nhttp://proxy.example\n")
    );
}

#[test]
fn codex_is_told_by_an_argument() {
    let user = User::new();
    let served = Served::by(&user);
    let codex = program(&user, "codex").display().to_string();
    let listen = ["run", "--listen", served.address()];
    let answer = user.calls(&[&listen[..], &["--no-mcp", "--", &codex, "exec", "fix it"]].concat());
    assert_eq!(answer.out(), format!("-c openai_base_url=http://{}/v1 exec fix it\n", served.address()));
    let answer = user.calls(&[&listen[..], &["--", &codex]].concat());
    let memory = format!(" -c mcp_servers.stillroom.url=\"http://{}/mcp?project=%2F", served.address());
    assert!(answer.out().contains(&memory), "{}", answer.out());
    assert_eq!(served.without_input(), Some(0));
}

#[test]
fn an_agent_that_is_not_there_is_a_failure() {
    let answer = User::new().calls(&["run", "--listen", "127.0.0.1:0", "--", "no-such-agent"]);
    assert_eq!((answer.code(), answer.out().as_str()), (Some(1), ""));
    assert!(answer.err().contains("no-such-agent cannot be started"), "{}", answer.err());
}

#[test]
fn a_server_that_is_no_gateway_gets_no_agent() {
    let user = User::new();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    drop(std::thread::spawn(move || other.incoming().for_each(drop)));
    let answer = user.calls(&["run", "--listen", &taken, "--", "sh", "-c", SAYS_ITS_BASES]);
    assert_eq!((answer.code(), answer.out().as_str()), (Some(1), ""));
    assert!(answer.err().contains(&format!("cannot listen on {taken}")), "{}", answer.err());
}

/// An agent that says its base and then reads until its input ends; the caller is the process of `run`.
fn waiting_agent(user: &User) -> (std::process::Child, String) {
    waiting_agent_at(user, "127.0.0.1:0")
}

fn waiting_agent_at(user: &User, listen: &str) -> (std::process::Child, String) {
    let script = "trap 'exit 5' TERM; echo $ANTHROPIC_BASE_URL; read -r line; exit 3";
    let mut command = user.command(&["run", "--listen", listen, "--", "sh", "-c", script]);
    let mut run = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(run.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    let address = address(&said).to_owned();
    (run, address)
}

/// Waits for the end of a gateway; for ever if it does not come, since nothing else ends it.
fn see_end(user: &User, address: &str) {
    while user.calls(&["status", "--listen", address]).code() == Some(0) {
        std::thread::yield_now();
    }
}

#[test]
fn a_request_to_end_reaches_the_agent() {
    let user = User::new();
    let (mut run, address) = waiting_agent(&user);
    // Held, since waiting would close it and so end the agent.
    let _input = run.stdin.take();
    assert!(Command::new("kill").args(["-s", "TERM", &run.id().to_string()]).status().unwrap().success());
    assert_eq!(run.wait().unwrap().code(), Some(5));
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn an_interrupt_means_the_agent_and_leaves_the_gateway_to_it() {
    let user = User::new();
    let (mut run, address) = waiting_agent(&user);
    assert!(Command::new("kill").args(["-s", "INT", &run.id().to_string()]).status().unwrap().success());
    assert_eq!(user.calls(&["status", "--listen", &address]).code(), Some(0));
    drop(run.stdin.take());
    assert_eq!(run.wait().unwrap().code(), Some(3));
}

#[test]
fn the_gateway_ends_even_when_run_is_killed() {
    let user = User::new();
    let (mut run, address) = waiting_agent(&user);
    run.kill().unwrap();
    run.wait().unwrap();
    see_end(&user, &address);
}

/// Ends a waiting agent by the end of its input, and `run` with it.
fn end(mut run: std::process::Child) {
    drop(run.stdin.take());
    assert_eq!(run.wait().unwrap().code(), Some(3));
}

#[test]
fn the_gateway_of_an_agent_ends_with_the_last_agent_behind_it() {
    let user = User::new();
    let (first, address) = waiting_agent(&user);
    let (second, same) = waiting_agent_at(&user, &address);
    assert_eq!(same, address);
    end(first);
    assert_eq!(user.calls(&["status", "--listen", &address]).code(), Some(0), "the second one needs it");
    end(second);
    see_end(&user, &address);
}

#[test]
fn a_killed_run_leaves_its_gateway_to_the_other_agents() {
    let user = User::new();
    let (mut first, address) = waiting_agent(&user);
    let (second, _) = waiting_agent_at(&user, &address);
    first.kill().unwrap();
    first.wait().unwrap();
    // Some of these come after it has seen its input end, on which it would end at once.
    for _ in 0..10 {
        assert_eq!(user.calls(&["status", "--listen", &address]).code(), Some(0));
    }
    end(second);
    see_end(&user, &address);
}

#[test]
fn two_agents_that_start_at_once_share_a_gateway() {
    let user = User::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| waiting_agent_at(&user, &free));
        (waiting_agent_at(&user, &free), other.join().unwrap())
    });
    assert_eq!((one.1, other.1), (free.clone(), free));
    end(one.0);
    end(other.0);
}

#[test]
fn an_agent_that_comes_while_a_gateway_ends_waits_for_that_and_gets_one_of_its_own() {
    let user = User::new();
    let folder = user.home().join(".local/share/stillroom");
    end(waiting_agent(&user).0);
    let ending = std::fs::OpenOptions::new().append(true).open(folder.join("agents.lock")).unwrap();
    ending.lock().unwrap();
    let mut command = user.command(&["run", "--listen", "127.0.0.1:0", "--", "true"]);
    let mut run = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(told.any(|line| line.contains("its end is waited for")));
    ending.unlock().unwrap();
    assert!(told.any(|line| line.contains("a gateway serves at")));
    assert_eq!(run.wait().unwrap().code(), Some(0));
}

#[test]
fn the_answer_of_an_agent_is_all_there_is_on_standard_output() {
    let answer: Answer = User::new().calls(&["run", "--listen", "127.0.0.1:0", "--", "printf", "x"]);
    assert_eq!(answer.out(), "x");
    assert!(answer.err().contains("its log is"), "{}", answer.err());
}
