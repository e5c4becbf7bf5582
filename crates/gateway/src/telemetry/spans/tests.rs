//! Spans as collectors get them, over real sockets.

use super::*;
use domain::conversation::Usage;
use domain::evidence::Class;
use domain::provider::{Provider, UpstreamKey};
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};

const LONG: Duration = Duration::from_secs(60);

/// A collector that answers every request with this status; what it got. It lives as long as the process.
fn collector(status: u16) -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (got, all) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some(request) = request(&mut stream) else { continue };
            let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap_or_default();
            got.send(request).unwrap_or_default();
        }
    });
    (endpoint, all)
}

/// Head and body of a request; none when it is cut.
fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let length: usize = length.unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            return Some((head, bytes.split_off(end + 4)));
        }
    }
}

fn spans_of(body: &[u8]) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

fn attributes(span: &Span) -> String {
    let shown = |attribute: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        let value = attribute.value.clone().and_then(|value| value.value);
        format!("{} = {value:?}", attribute.key)
    };
    let mut lines: Vec<String> = span.attributes.iter().map(shown).collect();
    lines.sort();
    lines.join("\n")
}

fn upstream() -> UpstreamKey {
    UpstreamKey::new(Provider::Anthropic, "https://api.anthropic.com")
}

fn call(upstream: &UpstreamKey) -> Called<'_> {
    let usage = Usage { input: 10, cache_read: 1_000, cache_write_5m: 200, cache_write_1h: 30, output: 7 };
    Called {
        purpose: Purpose::Distill,
        upstream,
        model: "claude-haiku-4-5",
        session: Some("0199f3a2"),
        ended: UnixMillis(1_795_689_662_500),
        took: Duration::from_millis(1_500),
        status: 200,
        class: Class::Ok,
        attempts: 2,
        usage: Some(usage),
    }
}

#[test]
fn a_call_is_a_span_in_the_words_of_the_conventions() {
    let (endpoint, got) = collector(200);
    let spans = Spans::with(&endpoint, LONG, LONG).unwrap();
    let upstream = upstream();
    spans.called(&call(&upstream));
    spans.close(LONG);
    let (head, body) = got.recv().unwrap();
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
    let sent = spans_of(&body);
    assert_eq!((sent.len(), sent[0].name.as_str(), sent[0].kind), (1, "chat claude-haiku-4-5", 3));
    let (begin, end) = (sent[0].start_time_unix_nano, sent[0].end_time_unix_nano);
    assert_eq!((begin, end), (1_795_689_661_000_000_000, 1_795_689_662_500_000_000));
    insta::assert_snapshot!(attributes(&sent[0]));
}

#[test]
fn a_call_that_failed_says_how_in_our_words() {
    let (endpoint, got) = collector(200);
    let spans = Spans::with(&endpoint, LONG, LONG).unwrap();
    let upstream = upstream();
    let failed = |class, status| Called { class, status, usage: None, session: None, ..call(&upstream) };
    spans.called(&failed(Class::CredentialRejected, 401));
    spans.called(&failed(Class::UpstreamFault, 0));
    spans.called(&failed(Class::Throttled { retry_after: None }, 200));
    spans.close(LONG);
    let sent = spans_of(&got.recv().unwrap().1);
    let kinds: Vec<bool> = ["\"401\"", "\"no_answer\"", "\"error_in_answer\""]
        .iter()
        .zip(&sent)
        .map(|(kind, span)| attributes(span).contains(&format!("error.type = Some(StringValue({kind}))")))
        .collect();
    assert_eq!(kinds, [true; 3], "{sent:?}");
    assert!(sent.iter().all(|span| span.status.as_ref().is_some_and(|status| status.code == 2)));
}

#[test]
fn actor_messages_are_spans_of_their_conversation_and_bring_no_text_along() {
    let (endpoint, got) = collector(200);
    let spans = Spans::with(&endpoint, LONG, LONG).unwrap();
    let first = Row {
        actor: "Distiller",
        message: "Wanted",
        mail: 7,
        root: 7,
        detail: "canary".to_owned(),
        ..Row::default()
    };
    let second = Row { mail: 8, cause: Some(7), hops: 1, outcome: "canary".into(), ..first.clone() };
    // One that starts a conversation of its own has no parent in it.
    let third = Row { mail: 9, root: 9, hops: 0, ..second.clone() };
    [first, second, third].iter().for_each(|row| spans.handled(row));
    spans.close(LONG);
    let body = got.recv().unwrap().1;
    assert!(!body.windows(6).any(|window| window == b"canary"));
    let sent = spans_of(&body);
    assert_eq!(sent[0].trace_id, sent[1].trace_id);
    assert_eq!((sent[1].parent_span_id.clone(), sent[0].parent_span_id.len()), (sent[0].span_id.clone(), 0));
    assert!(sent[2].trace_id != sent[1].trace_id && sent[2].parent_span_id.is_empty());
    assert_eq!(sent[0].name, "Distiller Wanted");
}

#[test]
fn a_collector_that_hangs_or_is_gone_or_refuses_holds_up_nobody() {
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (refusing, _got) = collector(503);
    let upstream = upstream();
    for endpoint in [format!("http://{}", hanging.local_addr().unwrap()), format!("http://{gone}"), refusing]
    {
        let spans = Spans::with(&endpoint, Duration::from_millis(50), Duration::from_millis(1)).unwrap();
        // More than may wait: what is too much is dropped, and nobody waits for room. Hangs for ever if that does not hold.
        for _ in 0..3 * WAITING {
            spans.called(&call(&upstream));
        }
        spans.close(Duration::from_millis(200));
    }
}

#[test]
fn a_batch_that_is_never_answered_is_given_up_and_later_ones_arrive() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let spans = Spans::with(&endpoint, Duration::from_millis(200), Duration::from_millis(1)).unwrap();
    let (upstream, arrived) = (upstream(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        // Again and again: on a machine that is busy enough, any batch may be given up before it was written.
        scope.spawn(|| {
            while !arrived.load(Ordering::Relaxed) {
                spans.called(&call(&upstream));
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let _never_answered = listener.accept().unwrap();
        let next = || request(&mut listener.accept().unwrap().0);
        let (_, body) = std::iter::repeat_with(next).flatten().next().unwrap();
        arrived.store(true, Ordering::Relaxed);
        assert!(!spans_of(&body).is_empty());
    });
}
