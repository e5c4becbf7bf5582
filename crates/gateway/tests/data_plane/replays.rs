//! What real agents sent (recorded on raw sockets; heads whole, long texts of bodies shortened) reaches the provider as if
//! nobody stood in between.

use crate::client::Answer;
use crate::house::House;
use crate::provider::{Heard, Provider};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the agents believed to find their provider.
const HOST: &str = "127.0.0.1:8899";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// What a request says, for comparison: its line, its headers sorted by their names in lower case, its body. Headers of one
/// name stay in order.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Said {
    fn new(line: &str, headers: impl IntoIterator<Item = (String, String)>, body: &[u8]) -> Self {
        let mut headers: Vec<_> = headers.into_iter().collect();
        headers.sort_by(|one, other| one.0.cmp(&other.0));
        Self { line: line.to_owned(), headers, body: body.to_vec() }
    }

    /// A recording, with the two differences that a provider sees: it is called by its own name, and `connection` speaks
    /// about the client's connection alone.
    fn recorded(recording: &[u8], provider: &Provider) -> Self {
        let end = recording.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&recording[..end]).unwrap();
        let (line, fields) = head.split_once("\r\n").unwrap();
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.replace(HOST, &provider.address.to_string()))
        };
        let fields = fields.split("\r\n").map(field).filter(|(name, _)| name != "connection");
        Self::new(line, fields, &recording[end + 4..])
    }

    fn heard(heard: &Heard) -> Self {
        Self::new(&heard.line, heard.headers.clone(), &heard.body)
    }
}

/// All recordings below this folder of an agent, or of every agent.
fn recordings(agent: &str) -> Vec<PathBuf> {
    let within = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire").join(agent);
    let paths = fs::read_dir(within).unwrap().map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| if path.is_dir() { recordings(path.to_str().unwrap()) } else { vec![path] })
        .collect()
}

fn is_upgrade(path: &Path) -> bool {
    path.ends_with("codex/8-ws-upgrade.http")
}

/// Says a recording to the gateway, in pieces of this many bytes.
fn replayed(house: &House, recording: &[u8], piece: usize) -> Answer {
    let end = recording.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&recording[..end]).unwrap().replace(HOST, &house.address.to_string());
    let request = [head.as_bytes(), &recording[end..]].concat();
    let mut client = house.client();
    request.chunks(piece).for_each(|piece| client.say(piece));
    if head.starts_with("HEAD ") { client.head() } else { client.answer() }
}

/// How many of `recordings` the provider hears as they were said; fails with the first that it does not.
fn relayed_unchanged(recordings: &[PathBuf], piece: usize) -> usize {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    for path in recordings {
        let recording = fs::read(path).unwrap();
        assert_eq!(replayed(&house, &recording, piece).status, 200, "{}", path.display());
        assert_eq!(
            Said::heard(&provider.heard()),
            Said::recorded(&recording, &provider),
            "{}",
            path.display()
        );
    }
    recordings.len()
}

#[test]
fn every_recorded_request_reaches_the_provider_without_a_difference() {
    let mut recordings = recordings("");
    recordings.retain(|path| !is_upgrade(path));
    assert_eq!(relayed_unchanged(&recordings, usize::MAX), 58);
}

#[test]
fn a_recorded_request_that_comes_a_byte_at_a_time_reaches_the_provider_without_a_difference() {
    assert_eq!(relayed_unchanged(&recordings("sdk-py"), 1), 10);
}

#[test]
fn a_recorded_upgrade_is_declined_so_that_the_agent_sends_its_request_as_a_post() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    let recordings = recordings("codex");
    let upgrade = fs::read(recordings.iter().find(|path| is_upgrade(path)).unwrap()).unwrap();
    let answer = replayed(&house, &upgrade, usize::MAX);
    assert_eq!((answer.status, answer.values("x-stillroom-error")), (426, vec!["websocket_unsupported"]));
    assert!(provider.heard_no_more());
}
