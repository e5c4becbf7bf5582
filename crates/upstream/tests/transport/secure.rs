//! Under TLS: the same promises, and whom we believe.

use bytes::Bytes;
use upstream::transport::{Fault, HttpTransport, Limits, Method, Roots, Transport as _};

use super::{
    certified::{SecureProvider, Session},
    support::{Event, Line, whole},
};

const DONE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";

/// Answers with the protocol that the session agreed on.
fn say_protocol(line: &mut Line<Session>) {
    let protocol = line.stream.conn.alpn_protocol().unwrap_or_default().to_vec();
    line.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", protocol.len()).as_bytes());
    line.say(&protocol);
}

#[tokio::test(flavor = "local")]
async fn a_provider_with_a_trusted_certificate_is_spoken_to_in_http_1_1() {
    let mut secure = SecureProvider::new(|_, line| {
        while line.hear() {
            say_protocol(line);
        }
    });
    let trusting = secure.trusting();
    for _ in 0..2 {
        assert_eq!(whole(&trusting, secure.get("localhost")).await.unwrap(), "http/1.1");
        let (connection, heard) = secure.provider.heard().await;
        assert_eq!(connection, 0, "kept");
        assert_eq!(heard.values("host"), [format!("localhost:{}", secure.provider.address.port())]);
    }
}

#[tokio::test(flavor = "local")]
async fn a_provider_that_cannot_show_who_it_is_hears_nothing() {
    let mut secure = SecureProvider::saying(DONE, true);
    let distrusting = HttpTransport::new(Limits::default(), Roots::System).unwrap();
    let stranger = distrusting.send(secure.get("localhost")).await.unwrap_err();
    assert!(matches!(stranger, Fault::Untrusted(_)) && !stranger.sent(), "{stranger:?}");
    assert_eq!(secure.provider.event().await, Event::Left(0));
    let misnamed = secure.trusting().send(secure.get("127.0.0.1")).await.unwrap_err();
    assert!(matches!(misnamed, Fault::Untrusted(_)), "{misnamed:?}");
}

#[tokio::test(flavor = "local")]
async fn a_truncated_body_is_an_error_with_and_without_a_farewell() {
    for farewell in [true, false] {
        for cut in [
            &b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        ] {
            let secure = SecureProvider::saying(cut, farewell);
            let outcome = whole(&secure.trusting(), secure.get("localhost")).await;
            assert_eq!(outcome, Err(Fault::Cut), "farewell: {farewell}");
        }
    }
}

#[tokio::test(flavor = "local")]
async fn a_body_that_only_the_connection_ends_needs_a_farewell_to_be_whole() {
    let open_ended = b"HTTP/1.1 200 OK\r\n\r\nhello";
    let polite = SecureProvider::saying(open_ended, true);
    assert_eq!(whole(&polite.trusting(), polite.get("localhost")).await.unwrap(), "hello");
    let cut = SecureProvider::saying(open_ended, false);
    assert_eq!(whole(&cut.trusting(), cut.get("localhost")).await, Err(Fault::Cut));
}

#[tokio::test(flavor = "local")]
async fn an_early_answer_under_tls_is_delivered() {
    let secure = SecureProvider::new(|_, line| {
        line.hear_head();
        line.say(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 7\r\n\r\nno more");
        std::thread::park();
    });
    let mut request = secure.get("localhost");
    request.method = Method::POST;
    request.body = Bytes::from(vec![7; 64 << 20]);
    assert_eq!(whole(&secure.trusting(), request).await.unwrap(), "no more");
}
