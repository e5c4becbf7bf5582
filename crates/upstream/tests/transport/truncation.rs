//! A body that was cut is an error, whatever the framing.

use futures_util::StreamExt as _;
use upstream::transport::{Fault, Transport as _};

use super::support::{Provider, ours, stock, whole};

const CUT_CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
const CUT_SIZED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello";

#[tokio::test(flavor = "local")]
async fn a_truncated_chunked_body_is_an_error_not_an_end() {
    let provider = Provider::saying(CUT_CHUNKED);
    let mut believed = stock().get(provider.uri("/")).send().await.unwrap();
    assert_eq!(believed.body().await.unwrap(), "hello", "the stock client takes it for whole");
    assert_eq!(whole(&ours(), provider.get("/")).await, Err(Fault::Cut));
}

#[tokio::test(flavor = "local")]
async fn a_truncated_sized_body_is_an_error_not_an_end() {
    let provider = Provider::saying(CUT_SIZED);
    let mut believed = stock().get(provider.uri("/")).send().await.unwrap();
    assert_eq!(believed.body().await.unwrap(), "hello", "the stock client takes it for whole");
    assert_eq!(whole(&ours(), provider.get("/")).await, Err(Fault::Cut));
}

#[tokio::test(flavor = "local")]
async fn what_came_before_the_cut_is_delivered_and_the_error_is_said_once() {
    let provider = Provider::saying(CUT_CHUNKED);
    let mut body = ours().send(provider.get("/")).await.unwrap().body;
    assert_eq!(body.next().await, Some(Ok("hello".into())));
    assert_eq!(body.next().await, Some(Err(Fault::Cut)));
    assert_eq!(body.next().await, None);
    assert_eq!(body.next().await, None);
}

#[tokio::test(flavor = "local")]
async fn a_cut_head_is_a_fault() {
    for cut in [&b""[..], b"HTTP/1.1 200 O", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n"] {
        let provider = Provider::saying(cut);
        assert_eq!(ours().send(provider.get("/")).await.unwrap_err(), Fault::Cut);
    }
}

#[tokio::test(flavor = "local")]
async fn a_reset_in_the_middle_of_a_body_is_an_error() {
    let provider = Provider::plain(|_, line| {
        // The body is left unread: a socket closed over unread bytes resets its peer.
        line.hear_head();
        line.say(CUT_SIZED);
    });
    let outcome = whole(&ours(), provider.post("/", "unread")).await;
    assert_eq!(outcome, Err(Fault::Cut));
}

#[tokio::test(flavor = "local")]
async fn a_malformed_chunk_and_a_malformed_head_are_the_providers_fault() {
    let provider = Provider::saying(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a size\r\n");
    assert_eq!(whole(&ours(), provider.get("/")).await, Err(Fault::Protocol("malformed chunk")));
    let provider = Provider::saying(b"SSH-2.0-OpenSSH_9.6\r\n");
    let fault = ours().send(provider.get("/")).await.unwrap_err();
    assert!(matches!(fault, Fault::Protocol(_)), "{fault:?}");
}

#[tokio::test(flavor = "local")]
async fn a_body_that_only_the_connection_ends_is_whole_at_its_end() {
    let old = Provider::saying(b"HTTP/1.0 200 OK\r\n\r\nhello");
    assert_eq!(whole(&ours(), old.get("/")).await.unwrap(), "hello");

    let new = Provider::saying(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello");
    let mut lost = stock().get(new.uri("/")).send().await.unwrap();
    assert_eq!(lost.body().await.unwrap(), "", "the stock client drops it");
    assert_eq!(whole(&ours(), new.get("/")).await.unwrap(), "hello");
}

#[tokio::test(flavor = "local")]
async fn an_http_1_0_body_with_a_length_can_still_be_cut() {
    let provider = Provider::saying(b"HTTP/1.0 200 OK\r\ncontent-length: 10\r\n\r\nhello");
    assert_eq!(whole(&ours(), provider.get("/")).await, Err(Fault::Cut));
}
