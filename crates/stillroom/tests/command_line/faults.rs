//! What signals, masses of connections and giant bodies do to the program itself.

use crate::client::{Client, post, request};
use crate::provider::{Line, Provider, answer, chunk};
use crate::support::{Served, User};
use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const MIB: usize = 1024 * 1024;
const TURN: &str = r#"{"model":"claude-x","messages":[{"role":"user","content":"hi"}]}"#;

fn signal(served: &Served, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &served.id().to_string()]).status().unwrap().success());
}

fn client(served: &Served) -> Client {
    Client::of(served.address().parse().unwrap())
}

/// A number that the system knows of a process, in KiB where it is memory.
fn known(served: &Served, what: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", served.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

/// The most memory it ever had, in MiB.
fn peak(served: &Served) -> usize {
    known(served, "VmHWM") / 1024
}

/// A provider that does `script` when it is asked for messages, and says "ok" to everybody else.
fn also_serving(script: impl Fn(&mut Line) + Send + Sync + 'static) -> Provider {
    Provider::playing(move |line| {
        while let Some(target) = line.hear_target() {
            if target == "/v1/messages" {
                return script(line);
            }
            line.say(answer("200 OK", "", "ok").as_bytes());
        }
    })
}

fn others_are_served(served: &Served) {
    let mut client = client(served);
    client.say(request("GET", "/v1/models", ""));
    assert_eq!(client.answer().text(), "ok");
}

/// A provider whose stream goes on until it is told to end.
fn streaming() -> (Provider, Sender<()>) {
    let (end, told) = channel::<()>();
    let told = Mutex::new(told);
    let provider = also_serving(move |line| {
        line.say((STREAM.to_owned() + &chunk("data: 1\n\n")).as_bytes());
        if told.lock().unwrap().recv().is_ok() {
            line.say(b"0\r\n\r\n");
        }
        line.until_left();
    });
    (provider, end)
}

/// A client that has heard the first event.
fn listening(served: &Served) -> Client {
    let mut client = client(served);
    client.say(post("/v1/messages", "", TURN));
    client.head();
    assert_eq!(client.chunk(), b"data: 1\n\n");
    client
}

fn comes_to_its_end(served: &Served) {
    while !client(served).hears_of_the_end() {
        std::thread::yield_now();
    }
}

#[test]
fn a_signal_to_end_lets_answers_end_first() {
    for name in ["TERM", "INT", "HUP"] {
        let (provider, end) = streaming();
        let served = Served::before(&User::new(), provider.address, "");
        let mut client = listening(&served);
        signal(&served, name);
        comes_to_its_end(&served);
        end.send(()).unwrap();
        assert_eq!(client.chunk(), b"", "{name}: the answer came to its end");
        assert_eq!(served.end(), Some(0), "{name}");
    }
}

#[test]
fn no_agent_is_put_behind_a_gateway_that_comes_to_its_end() {
    let (provider, end) = streaming();
    let user = User::new();
    let served = Served::before(&user, provider.address, "");
    let _client = listening(&served);
    signal(&served, "TERM");
    comes_to_its_end(&served);
    let answer = user.calls(&["run", "--listen", served.address(), "--", "echo", "started"]);
    assert_eq!((answer.code(), answer.out()), (Some(1), String::new()));
    assert!(answer.err().contains("is coming to its end"), "{}", answer.err());
    end.send(()).unwrap();
    assert_eq!(served.end(), Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    let (provider, _never) = streaming();
    let served = Served::before(&User::new(), provider.address, "");
    let mut client = listening(&served);
    signal(&served, "HUP");
    comes_to_its_end(&served);
    signal(&served, "TERM");
    assert_eq!(client.hear_all(), "", "cut, without an end");
    let (code, log) = served.end_and_log();
    assert_eq!(code, Some(0));
    // Without it the answer would be cut as well, a minute later.
    assert!(log.contains("stopped at once"), "{log}");
}

#[test]
fn a_terminal_that_hangs_up_twice_means_it_once() {
    let (provider, end) = streaming();
    let served = Served::before(&User::new(), provider.address, "");
    let mut client = listening(&served);
    signal(&served, "HUP");
    comes_to_its_end(&served);
    signal(&served, "HUP");
    // Time to do the wrong thing.
    std::thread::sleep(Duration::from_millis(300));
    end.send(()).unwrap();
    assert_eq!(client.chunk(), b"", "the answer came to its end");
    assert_eq!(served.end(), Some(0));
}

#[test]
fn a_process_that_was_told_to_outlive_its_terminal_does() {
    let (provider, end) = streaming();
    let served = Served::before(&User::new(), provider.address, "trap '' HUP;");
    signal(&served, "HUP");
    let mut client = listening(&served);
    others_are_served(&served);
    end.send(()).unwrap();
    assert_eq!(client.chunk(), b"");
    signal(&served, "TERM");
    assert_eq!(served.end(), Some(0));
}

/// As many connections as this process may have open, but for a few hundred, and not more than 10,000.
fn crowd() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let files: usize = files.split_whitespace().next().unwrap().parse().unwrap_or(usize::MAX);
    files.saturating_sub(500).min(10_000)
}

#[test]
fn ten_thousand_idle_connections_hurt_nobody() {
    let provider = also_serving(Line::until_left);
    let served = Served::before(&User::new(), provider.address, "");
    others_are_served(&served);
    let before = known(&served, "VmRSS");
    // Each has been answered once, as the idle connections of agents have.
    let met = || {
        let mut client = client(&served);
        client.say(request("GET", "/readyz", ""));
        client.answer();
        client
    };
    let idle: Vec<Client> = (0..crowd()).map(|_| met()).collect();
    others_are_served(&served);
    let each = known(&served, "VmRSS").saturating_sub(before) * 1024 / idle.len();
    println!("{} idle connections cost {each} bytes each", idle.len());
    assert!(each < 64 * 1024, "{each} bytes for each idle connection");
    drop(idle);
    others_are_served(&served);
    signal(&served, "TERM");
    assert_eq!(served.end(), Some(0));
}

/// An answer of so many MiB passes, read by its client, and this is the most memory that the program had.
fn peak_of_an_answer(mebibytes: usize) -> usize {
    let provider = also_serving(move |line| {
        line.say(STREAM.as_bytes());
        let piece = format!("10000\r\n{}\r\n", ": wait\n\n".repeat(8192));
        for _ in 0..mebibytes * 16 {
            line.say(piece.as_bytes());
        }
        line.say(b"0\r\n\r\n");
    });
    let served = Served::before(&User::new(), provider.address, "");
    let mut client = client(&served);
    client.say(post("/v1/messages", "", TURN));
    client.head();
    let mut heard = 0;
    while let length @ 1.. = client.chunk().len() {
        heard += length;
        if heard % (64 * MIB) < length {
            others_are_served(&served);
        }
    }
    assert_eq!(heard, mebibytes * MIB);
    let peak = peak(&served);
    println!("an answer of {mebibytes} MiB passed with {peak} MiB at most");
    signal(&served, "TERM");
    assert_eq!(served.end(), Some(0));
    peak
}

/// A body of so many MiB is refused, and this is the most memory that the program had.
fn peak_of_a_request(mebibytes: usize) -> usize {
    let provider = also_serving(Line::until_left);
    let served = Served::before(&User::new(), provider.address, "");
    let mut client = client(&served);
    client.say(request("POST", "/v1/messages", "transfer-encoding: chunked\r\n"));
    let piece = chunk(&"x".repeat(MIB));
    for said in 0..mebibytes {
        client.try_say(piece.as_bytes());
        if said % 64 == 0 {
            others_are_served(&served);
        }
    }
    assert_eq!(client.head().status, 413);
    let peak = peak(&served);
    println!("a body of {mebibytes} MiB was refused with {peak} MiB at most");
    signal(&served, "TERM");
    assert_eq!(served.end(), Some(0));
    peak
}

/// More than one answer may be kept for the record, twice, and the program itself.
const MOST: usize = 64 * 3;

#[test]
fn a_large_answer_passes_in_bounded_memory() {
    let peak = peak_of_an_answer(256);
    assert!(peak < MOST, "{peak} MiB");
}

#[test]
fn a_large_body_is_refused_in_bounded_memory() {
    let peak = peak_of_a_request(256);
    assert!(peak < MOST, "{peak} MiB");
}

#[test]
#[ignore = "two gibibytes take a while: the nightly recipe runs it"]
fn a_gibibyte_passes_or_is_refused_in_bounded_memory() {
    for peak in [peak_of_an_answer(1024), peak_of_a_request(1024)] {
        assert!(peak < MOST, "{peak} MiB");
    }
}
