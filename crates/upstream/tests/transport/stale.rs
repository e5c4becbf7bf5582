//! A kept connection may be gone before the next request: that is asked again, once, and nothing else is.

use std::{net::TcpStream, time::Duration};

use upstream::transport::{Fault, HttpTransport};

use super::support::{Frozen, Line, Provider, ours, patiently, stock, whole};

const DONE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";

/// Answers once on a connection, and leaves its second request to `then`.
fn once_and(then: impl Fn(&mut Line<TcpStream>) + Send + Sync + 'static) -> Provider {
    Provider::plain(move |_, line| {
        if line.hear() {
            line.say(DONE);
        }
        if line.hear() {
            then(line);
        }
    })
}

/// A transport with one kept connection, number 0, that the provider knows about.
async fn acquainted(provider: &mut Provider) -> HttpTransport {
    let ours = ours();
    assert_eq!(whole(&ours, provider.get("/first")).await.unwrap(), "done");
    assert_eq!(provider.heard().await.0, 0);
    ours
}

#[tokio::test(flavor = "local")]
async fn a_request_that_met_a_closing_connection_is_asked_again_on_a_new_one() {
    let provider = once_and(|_| {});
    let stock = stock();
    stock.get(provider.uri("/first")).send().await.unwrap().body().await.unwrap();
    assert!(stock.get(provider.uri("/second")).send().await.is_err(), "the stock client gives up");

    let _frozen = Frozen::clock();
    let mut provider = once_and(|_| {});
    let ours = acquainted(&mut provider).await;
    assert_eq!(whole(&ours, provider.post("/second", "prompt")).await.unwrap(), "done");
    let (met, again) = (provider.heard().await, provider.heard().await);
    assert_eq!((met.0, again.0), (0, 1));
    assert_eq!(again.1.body, b"prompt");
}

#[tokio::test(flavor = "local")]
async fn it_is_asked_again_once_and_not_for_ever() {
    let _frozen = Frozen::clock();
    let mut provider = Provider::plain(|number, line| {
        if line.hear() && number == 0 {
            line.say(DONE);
            line.hear();
        }
    });
    let ours = acquainted(&mut provider).await;
    assert_eq!(whole(&ours, provider.get("/second")).await, Err(Fault::Cut));
    assert_eq!((provider.heard().await.0, provider.heard().await.0), (0, 1));
    assert!(!provider.noticed_more());
}

/// Waits until nobody listens any more where `line` came from.
fn until_closed_shop(line: &Line<TcpStream>) {
    let shop = line.stream.local_addr().unwrap();
    while TcpStream::connect(shop).is_ok() {}
}

#[tokio::test(flavor = "local")]
async fn a_second_attempt_that_finds_nobody_does_not_deny_that_the_first_was_sent() {
    let _frozen = Frozen::clock();
    let mut provider = Provider::new(
        1,
        |socket| socket,
        |_, line| {
            line.hear();
            line.say(DONE);
            line.hear();
            until_closed_shop(line);
        },
    );
    let ours = acquainted(&mut provider).await;
    let fault = whole(&ours, provider.get("/second")).await.unwrap_err();
    assert_eq!(fault, Fault::Cut);
    assert!(fault.sent());
}

#[tokio::test(flavor = "local")]
async fn a_new_connection_that_is_lost_is_not_tried_again() {
    let _frozen = Frozen::clock();
    let mut provider = Provider::saying(b"");
    assert_eq!(whole(&ours(), provider.get("/")).await, Err(Fault::Cut));
    assert_eq!(provider.heard().await.0, 0);
    assert!(!provider.noticed_more());
}

#[tokio::test(flavor = "local")]
async fn a_provider_that_had_begun_to_answer_is_not_asked_again() {
    for beginning in [&b"H"[..], b"HTTP/1.1 103 Early Hints\r\n\r\n"] {
        let _frozen = Frozen::clock();
        let mut provider = once_and(move |line| line.say(beginning));
        let ours = acquainted(&mut provider).await;
        assert_eq!(whole(&ours, provider.get("/second")).await, Err(Fault::Cut));
        assert_eq!(provider.heard().await.0, 0);
        assert!(!provider.noticed_more());
        tokio::time::resume();
    }
}

#[tokio::test(flavor = "local")]
async fn a_provider_that_was_lost_later_may_have_worked_and_is_not_asked_again() {
    let _frozen = Frozen::clock();
    let (go_on, wait) = std::sync::mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    let mut provider = once_and(move |_| wait.lock().unwrap().recv().unwrap());
    let ours = acquainted(&mut provider).await;
    let request = provider.get("/second");
    let lost = async {
        assert_eq!(provider.heard().await.0, 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        go_on.send(()).unwrap();
    };
    let (outcome, ()) = patiently(futures_util::future::join(whole(&ours, request), lost)).await;
    assert_eq!(outcome, Err(Fault::Cut));
    assert!(!provider.noticed_more());
}

#[tokio::test(flavor = "local")]
async fn a_connection_that_the_provider_closed_in_between_goes_unnoticed() {
    let _frozen = Frozen::clock();
    let mut provider = Provider::saying(DONE);
    let ours = acquainted(&mut provider).await;
    assert_eq!(whole(&ours, provider.get("/second")).await.unwrap(), "done");
    assert_eq!(provider.heard().await.0, 1);
}
