//! How long is waited, and how many may wait.

use std::{
    net::TcpListener,
    sync::{Arc, Barrier},
    time::Duration,
};

use awc::error::SendRequestError;
use bytes::Bytes;
use futures_util::{StreamExt as _, future::join_all};
use tokio::time::Instant;
use upstream::transport::{Fault, Limits, Method, Phase, Transport as _};

use super::support::{Provider, ours, ours_within, request, stock, whole};

/// Accepts connections, as the kernel does for every listener, and never says a word.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    (listener, authority)
}

#[tokio::test(flavor = "local", start_paused = true)]
async fn a_provider_may_think_for_ten_minutes() {
    let (_listener, authority) = silent();
    let begun = Instant::now();
    let impatient = stock().get(format!("http://{authority}/")).send().await;
    assert!(matches!(impatient, Err(SendRequestError::Timeout)), "{impatient:?}");
    assert_eq!(begun.elapsed().as_secs(), 5, "the stock client waits that long and no longer");

    let begun = Instant::now();
    let request = request(Method::GET, &format!("http://{authority}/"), Bytes::new());
    let fault = ours().send(request).await.unwrap_err();
    assert_eq!(fault, Fault::TimedOut { phase: Phase::FirstByte });
    assert_eq!(begun.elapsed().as_secs(), 600);
}

#[tokio::test(flavor = "local", start_paused = true)]
async fn a_connection_that_does_not_come_about_is_a_fault_of_its_own() {
    let (_listener, authority) = silent();
    let begun = Instant::now();
    let request = request(Method::GET, &format!("https://{authority}/"), Bytes::new());
    let fault = ours().send(request).await.unwrap_err();
    assert_eq!(fault, Fault::TimedOut { phase: Phase::Connect });
    assert!(!fault.sent());
    assert_eq!(begun.elapsed().as_secs(), 10, "the TLS handshake counts");
}

#[tokio::test(flavor = "local")]
async fn a_refused_connection_was_certainly_not_a_sent_request() {
    let (listener, authority) = silent();
    drop(listener);
    let request = request(Method::GET, &format!("http://{authority}/"), Bytes::new());
    let fault = ours().send(request).await.unwrap_err();
    assert_eq!(fault, Fault::Refused(std::io::ErrorKind::ConnectionRefused));
    assert!(!fault.sent());
}

#[tokio::test(flavor = "local")]
async fn a_body_that_falls_silent_ends_with_one_error() {
    let provider = Provider::plain(|_, line| {
        line.hear();
        line.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
        line.until_left();
    });
    let limits = Limits { between_bytes: Duration::from_millis(50), ..Limits::default() };
    let mut body = ours_within(limits).send(provider.get("/")).await.unwrap().body;
    assert_eq!(body.next().await, Some(Ok("hello".into())));
    assert_eq!(body.next().await, Some(Err(Fault::TimedOut { phase: Phase::BetweenBytes })));
    assert_eq!(body.next().await, None);
}

/// Answers nobody until `number` requests stand at the same time.
fn answering_together(number: usize) -> Provider {
    let together = Arc::new(Barrier::new(number));
    Provider::plain(move |_, line| {
        line.hear();
        together.wait();
        // Those who would not wait have left.
        drop(std::io::Write::write_all(&mut line.stream, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    })
}

#[tokio::test(flavor = "local")]
async fn the_hundred_and_first_stream_does_not_wait_for_the_first() {
    let provider = answering_together(101);
    let stock = stock();
    let waiting = (0..101).map(|_| stock.get(provider.uri("/")).timeout(Duration::from_secs(1)).send());
    let failed = join_all(waiting).await.iter().filter(|outcome| outcome.is_err()).count();
    assert!(failed > 0, "with the stock client somebody must give up before the last is let in");

    let provider = answering_together(101);
    let ours = ours();
    let answers = join_all((0..101).map(|_| whole(&ours, provider.get("/")))).await;
    assert!(answers.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "local")]
async fn what_is_no_http_address_is_refused_unsent() {
    for uri in ["ftp://provider.example/", "/relative", "provider.example:443"] {
        let fault = ours().send(request(Method::GET, uri, Bytes::new())).await.unwrap_err();
        assert!(matches!(fault, Fault::Unsendable(_)) && !fault.sent(), "{uri}: {fault:?}");
    }
}
