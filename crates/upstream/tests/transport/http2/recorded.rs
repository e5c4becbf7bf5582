//! What agents said once, said to a provider over both versions of the protocol.

use std::{
    fs,
    path::{Path, PathBuf},
};

use actix_http::header::{HeaderName, HeaderValue};
use bytes::Bytes;
use httparse::{EMPTY_HEADER, Status};
use upstream::transport::Request;

use super::{
    super::support::{self, Provider, ours, request, whole},
    heads::{self, Listener},
};

/// A request as somebody heard it, without what is about one hop. In HTTP/2 a host is no header.
#[derive(Debug, PartialEq)]
struct Said {
    line: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Said {
    fn new(line: String, headers: impl Iterator<Item = (String, Vec<u8>)>, body: Vec<u8>) -> Self {
        let mut headers: Vec<_> =
            headers.filter(|(name, _)| name != "host" && name != "connection").collect();
        // Those of one name keep their order.
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self { line, headers, body }
    }

    fn in_http1(heard: support::Heard) -> Self {
        let mut lines = heard.head.lines();
        let line = lines.next().unwrap().strip_suffix(" HTTP/1.1").unwrap().to_owned();
        let fields = lines.filter_map(|line| line.split_once(": "));
        Self::new(line, fields.map(|(name, value)| (name.to_owned(), value.into())), heard.body)
    }

    fn in_http2(heard: heads::Heard) -> Self {
        let (head, body) = (heard.head, heard.body);
        let line = format!("{} {}", head.method, head.uri.path_and_query().unwrap());
        let headers = head.headers.iter();
        Self::new(line, headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())), body)
    }
}

fn recordings() -> Vec<PathBuf> {
    let wire = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/tests/fixtures/wire");
    let folders = fs::read_dir(wire).unwrap().map(|folder| folder.unwrap().path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()));
    files.collect()
}

/// The request of a recording, to `origin`.
fn replayed(recording: &[u8], origin: &str) -> Request {
    let mut fields = [EMPTY_HEADER; 96];
    let mut head = httparse::Request::new(&mut fields);
    let Ok(Status::Complete(length)) = head.parse(recording) else { panic!("a recorded head") };
    let uri = format!("{origin}{}", head.path.unwrap());
    let body = Bytes::copy_from_slice(&recording[length..]);
    let mut request = request(head.method.unwrap().parse().unwrap(), &uri, body);
    for field in head.headers.iter().filter(|field| !field.name.eq_ignore_ascii_case("host")) {
        let name = HeaderName::from_bytes(field.name.as_bytes()).unwrap();
        request.headers.append(name, HeaderValue::from_bytes(field.value).unwrap());
    }
    request
}

/// An upgrade is declined before it comes here.
fn is_upgrade(request: &Request) -> bool {
    request.headers.contains_key("upgrade")
}

#[tokio::test(flavor = "local")]
async fn every_recorded_request_is_the_same_in_both_versions() {
    let mut plain = Provider::saying(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone");
    let mut listener = Listener::new();
    let secure = format!("https://localhost:{}", listener.port);
    let mut compared = 0;
    for recording in recordings() {
        let bytes = fs::read(&recording).unwrap();
        let request = replayed(&bytes, &plain.uri(""));
        if is_upgrade(&request) {
            continue;
        }
        whole(&ours(), request).await.unwrap();
        let in_http1 = Said::in_http1(plain.heard().await.1);
        let in_http2 = Said::in_http2(listener.hear(replayed(&bytes, &secure)).await);
        assert_eq!(in_http1, in_http2, "{}", recording.display());
        compared += 1;
    }
    assert!(compared > 50, "{compared}");
}
