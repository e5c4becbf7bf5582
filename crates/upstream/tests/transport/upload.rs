//! Requests with bodies, and providers that have heard enough before the end of one.

use std::{
    io::Read as _,
    sync::{Arc, Barrier},
    time::Duration,
};

use awc::error::SendRequestError;
use bytes::Bytes;
use upstream::transport::{HttpTransport, Request, StatusCode, Transport as _, collect};

use super::support::{Event, Provider, ours, patiently, stock, whole};

const TOO_LARGE: &[u8] = b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 7\r\n\r\nno more";
const DONE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";

/// More than all the buffers between two sockets hold.
fn huge() -> Bytes {
    Bytes::from(vec![7; 64 << 20])
}

/// On its first connection refuses from the head alone and reads no further until `go_on`.
fn refusing_and_waiting(go_on: Arc<Barrier>) -> Provider {
    Provider::plain(move |number, line| {
        if number > 0 {
            line.hear();
            return line.say(DONE);
        }
        line.hear_head();
        line.say(TOO_LARGE);
        go_on.wait();
        line.until_left();
    })
}

/// Refuses from the head alone and hangs up over the unread body, which resets the connection.
fn refusing_and_hanging_up() -> Provider {
    Provider::plain(|_, line| {
        line.hear_head();
        line.say(TOO_LARGE);
    })
}

async fn assert_refused(transport: &HttpTransport, request: Request) {
    let answer = patiently(transport.send(request)).await.unwrap();
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(patiently(collect(answer.body, 100)).await.unwrap(), "no more");
}

#[tokio::test(flavor = "local")]
async fn an_early_answer_of_a_provider_that_reads_no_further_is_delivered() {
    let never = || Arc::new(Barrier::new(2));
    let provider = refusing_and_waiting(never());
    let upload = stock().post(provider.uri("/")).timeout(Duration::from_millis(300)).send_body(huge()).await;
    assert!(matches!(upload, Err(SendRequestError::Timeout)), "the stock client never looks: {upload:?}");

    let provider = refusing_and_waiting(never());
    assert_refused(&ours(), provider.post("/", huge())).await;
}

#[tokio::test(flavor = "local")]
async fn an_early_answer_of_a_provider_that_hangs_up_is_delivered() {
    let provider = refusing_and_hanging_up();
    let upload = stock().post(provider.uri("/")).timeout(Duration::from_secs(600)).send_body(huge()).await;
    assert!(matches!(upload, Err(SendRequestError::Send(_))), "the stock client loses it: {upload:?}");

    assert_refused(&ours(), provider.post("/", huge())).await;
}

#[tokio::test(flavor = "local")]
async fn an_answer_that_begins_before_the_request_has_ended_lets_it_end_in_http_1_1() {
    let mut provider = Provider::plain(|number, line| {
        let mut heard = line.hear_head().unwrap();
        line.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\ngo on, \r\n");
        heard.body.resize(huge().len(), 0);
        line.stream.read_exact(&mut heard.body).unwrap();
        line.tell(Event::Heard(number, heard));
        line.say(b"4\r\ndone\r\n0\r\n\r\n");
        line.until_left();
    });
    assert_eq!(whole(&ours(), provider.post("/", huge())).await.unwrap(), "go on, done");
    assert!(provider.heard().await.1.body == huge());
    assert_eq!(provider.event().await, Event::Left(0), "and no other request follows");
}

#[tokio::test(flavor = "local")]
async fn a_connection_with_half_a_request_on_it_is_closed_and_never_used_again() {
    let go_on = Arc::new(Barrier::new(2));
    let mut provider = refusing_and_waiting(Arc::clone(&go_on));
    let ours = ours();
    assert_refused(&ours, provider.post("/", huge())).await;
    go_on.wait();
    assert_eq!(patiently(provider.event()).await, Event::Left(0));
    assert_eq!(whole(&ours, provider.get("/next")).await.unwrap(), "done");
    assert_eq!(provider.heard().await.0, 1, "on a connection of its own");
}

#[tokio::test(flavor = "local")]
async fn a_body_arrives_whole_and_with_its_length() {
    let mut provider = Provider::saying(DONE);
    let body: Vec<u8> = (0_u32..700_000).flat_map(u32::to_le_bytes).collect();
    whole(&ours(), provider.post("/", body.clone())).await.unwrap();
    let (_, heard) = provider.heard().await;
    assert_eq!(heard.values("content-length"), [body.len().to_string()]);
    assert_eq!(heard.values("transfer-encoding"), [""; 0]);
    assert!(heard.body == body);
}

#[tokio::test(flavor = "local")]
async fn an_empty_body_has_a_length_only_where_one_is_expected() {
    let mut provider = Provider::saying(DONE);
    whole(&ours(), provider.post("/", "")).await.unwrap();
    assert_eq!(provider.heard().await.1.values("content-length"), ["0"]);
    whole(&ours(), provider.get("/")).await.unwrap();
    assert_eq!(provider.heard().await.1.values("content-length"), [""; 0]);
}
