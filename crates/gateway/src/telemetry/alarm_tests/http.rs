//! On real sockets: what arrives, and what happens when nobody answers.

use super::{alert, settings};
use crate::telemetry::SentryAlarm;
use crate::telemetry::sentry::{Http, WAITING};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use workers::Alarm;

/// Reads one HTTP request and answers it; what came stands in the thread's result.
fn receive(mut stream: TcpStream) -> String {
    let mut reader = BufReader::new(stream.try_clone().expect("cloned"));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).expect("a line"), 0, "cut: {head}");
    }
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.expect("a length")];
    reader.read_exact(&mut body).expect("the body");
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    stream.write_all(answer.as_bytes()).expect("answered");
    head + &String::from_utf8(body).expect("text")
}

/// An endpoint on a real socket that collects requests until a connection brings none.
fn endpoint() -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let collect = move || {
        let streams = listener.incoming().map(|stream| stream.expect("accepted"));
        streams.take_while(|stream| stream.peek(&mut [0]).expect("readable") > 0).map(receive).collect()
    };
    (port, thread::spawn(collect))
}

#[test]
fn over_http_the_envelope_arrives_exactly_once_and_before_the_close_ends() {
    let (port, collected) = endpoint();
    let alarm =
        SentryAlarm::start(&settings(Some(&format!("http://key@127.0.0.1:{port}/7")))).expect("a DSN");
    alarm.raise(&alert());
    alarm.close(Duration::from_secs(20));
    drop(TcpStream::connect(("127.0.0.1", port)).expect("the last one"));
    let requests = collected.join().expect("collected");
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(requests[0].starts_with("POST /api/7/envelope/ HTTP/1.1\r\n"), "{}", requests[0]);
    assert_eq!(requests[0].matches("\"message\":\"Worker upstream auth error\"").count(), 1);
    assert!(requests[0].contains("\"token\":\"ab000000\""), "{}", requests[0]);
}

/// An endpoint that takes connections and says nothing to anybody. Each that came is told.
fn silent_endpoint() -> (u16, Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let (came, coming) = channel();
    thread::spawn(move || {
        // Ends with the test, whose receiver is gone then.
        listener.incoming().map_while(Result::ok).try_for_each(|stream| came.send(stream).ok())
    });
    (port, coming)
}

fn alarm_at(port: u16, http: Http) -> SentryAlarm {
    let settings = settings(Some(&format!("http://key@127.0.0.1:{port}/7")));
    SentryAlarm::start_through(&settings, Arc::new(http)).expect("a DSN")
}

/// Longer than any test lives: what waits for it hangs.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);
/// So that a broken promise fails a test instead of hanging it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `work` comes to; fails when it comes to nothing.
fn within_patience<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, doing) = channel();
    thread::spawn(move || done.send(work()));
    doing.recv_timeout(PATIENCE).expect("it hangs")
}

#[test]
fn an_endpoint_that_never_answers_and_a_full_queue_hold_nobody_up() {
    let (port, connections) = silent_endpoint();
    let alarm = alarm_at(port, Http::within(FOR_EVER));
    alarm.raise(&alert());
    let connection = connections.recv_timeout(PATIENCE).expect("the first is on its way");
    within_patience(move || {
        (0..=WAITING).for_each(|_| alarm.raise(&alert()));
        alarm.close(Duration::from_millis(1));
        alarm.raise(&alert());
    });
    drop(connection);
}

#[test]
fn an_endpoint_that_cannot_be_reached_holds_nobody_up() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("an address").port();
    let alarm = alarm_at(nobody, Http::default());
    within_patience(move || {
        (0..=WAITING).for_each(|_| alarm.raise(&alert()));
        alarm.close(PATIENCE);
    });
}

#[test]
fn an_alert_whose_sending_takes_too_long_is_given_up_and_the_next_one_goes_out() {
    let (port, connections) = silent_endpoint();
    let alarm = alarm_at(port, Http::within(Duration::from_millis(50)));
    alarm.raise(&alert());
    let first = connections.recv_timeout(PATIENCE).expect("the first is on its way");
    alarm.raise(&alert());
    let second = connections.recv_timeout(PATIENCE);
    drop((first, connections)); // Else a broken promise would hang the alarm's own end.
    assert!(second.is_ok(), "the first one was given up");
}
