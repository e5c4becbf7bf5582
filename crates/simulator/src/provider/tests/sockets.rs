//! The provider on a real socket, asked by a client that is nothing but a socket, and by the house's own.

use super::*;
use actor::Clock;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};
use upstream::transport::{Fault as Failure, HttpTransport, Limits, Roots, Transport as _, collect};

/// A provider on a socket, for as long as this lives.
pub(super) struct Served {
    address: SocketAddr,
    task: AbortHandle,
}

impl Served {
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) async fn served(provider: &Provider) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(server::serve(listener, provider.clone(), Clock::system())).abort_handle();
    Served { address, task }
}

/// The house's own way out.
pub(super) fn way() -> HttpTransport {
    HttpTransport::new(Limits::default(), Roots::System).unwrap()
}

/// Sends `sent` as it is and reads until the server closes.
async fn raw(served: &Served, sent: &str) -> String {
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    socket.write_all(sent.as_bytes()).await.unwrap();
    let mut heard = String::new();
    socket.read_to_string(&mut heard).await.unwrap();
    heard
}

fn post(target: &str, body: &str, more: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nhost: x\r\nx-api-key: good\r\nanthropic-version: 1\r\ncontent-length: {length}\r\n{more}\r\n{body}"
    )
}

const CLOSE: &str = "connection: close\r\n";

fn body(stream: bool) -> String {
    question(Dialect::AnthropicMessages, "hello", stream).to_string()
}

#[tokio::test]
async fn a_connection_carries_one_request_after_another() {
    let provider = provider();
    let served = served(&provider).await;
    let both = post("/v1/messages", &body(false), "") + &post("/v1/messages", &body(true), CLOSE);
    let heard = raw(&served, &both).await;
    assert_eq!(heard.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{heard}");
    assert!(heard.contains("content-length: ") && heard.contains("transfer-encoding: chunked\r\n"));
    assert!(heard.ends_with("\r\n0\r\n\r\n"), "{heard}");
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test]
async fn a_request_in_chunks_is_put_together() {
    let provider = provider();
    let served = served(&provider).await;
    let body = body(false);
    let (front, back) = body.split_at(20);
    let chunks =
        format!("{:x};a=b\r\n{front}\r\n{:X}\r\n{back}\r\n0\r\ntrailer: x\r\n\r\n", front.len(), back.len());
    let head = "POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: good\r\nanthropic-version: 1\r\n";
    let heard = raw(&served, &format!("{head}{CLOSE}transfer-encoding: chunked\r\n\r\n{chunks}")).await;
    assert!(heard.starts_with("HTTP/1.1 200 OK\r\n"), "{heard}");
    assert_eq!(provider.received()[0].exchange.body, body);
}

#[tokio::test]
async fn whoever_waits_to_be_asked_for_the_body_is_asked() {
    let served = served(&provider()).await;
    let heard =
        raw(&served, &post("/v1/messages", &body(false), "expect: 100-continue\r\nconnection: close\r\n"))
            .await;
    assert!(heard.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{heard}");
}

#[tokio::test]
async fn what_is_no_request_is_told_so_and_the_connection_ends() {
    let served = served(&provider()).await;
    for bad in [
        "hello\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
    ] {
        let heard = raw(&served, bad).await;
        assert!(heard.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{bad}: {heard}");
    }
}

#[tokio::test]
async fn a_head_is_answered_without_a_body() {
    let served = served(&provider()).await;
    let heard = raw(&served, "HEAD /api/hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(heard.starts_with("HTTP/1.1 404 Not Found\r\n") && heard.ends_with("\r\n\r\n"), "{heard}");
}

#[tokio::test]
async fn a_cut_stream_ends_without_its_last_chunk() {
    let provider = provider();
    let served = served(&provider).await;
    provider.next(Fault::CutAfter(50));
    let heard = raw(&served, &post("/v1/messages", &body(true), CLOSE)).await;
    let (_, sent) = heard.split_once("\r\n\r\n").unwrap();
    assert!(sent.starts_with("32\r\n") && !sent.contains("0\r\n\r\n"), "{sent}");
}

#[tokio::test]
async fn a_cut_whole_answer_is_shorter_than_it_said() {
    let provider = provider();
    let served = served(&provider).await;
    provider.next(Fault::CutAfter(10));
    let heard = raw(&served, &post("/v1/messages", &body(false), CLOSE)).await;
    let (head, sent) = heard.split_once("\r\n\r\n").unwrap();
    assert_eq!(sent.len(), 10);
    assert!(head.contains("content-length: ") && !head.contains("content-length: 10\r\n"), "{head}");
}

#[tokio::test]
async fn a_stalled_answer_stays_open_until_the_client_leaves() {
    let provider = provider();
    let served = served(&provider).await;
    provider.next(Fault::StallAfter(5));
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    socket.write_all(post("/v1/messages", &body(true), "").as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n5\r\nevent\r\n") {
        assert_ne!(socket.read_buf(&mut heard).await.unwrap(), 0, "ended after {heard:?}");
    }
    socket.shutdown().await.unwrap();
    assert_eq!(
        socket.read_to_end(&mut heard).await.unwrap(),
        0,
        "nothing more came, and it ended when the client left"
    );
}

#[tokio::test]
async fn orders_reach_it_while_it_runs_and_what_it_received_can_be_read() {
    let served = served(&provider()).await;
    let obeyed =
        raw(&served, &post("/_control", r#"{"expire_in": {"token": "good", "seconds": 0}}"#, CLOSE)).await;
    assert!(obeyed.ends_with(r#"{"ok":true}"#), "{obeyed}");
    let refused = raw(&served, &post("/v1/messages", &body(false), CLOSE)).await;
    assert!(refused.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{refused}");
    let bad = raw(&served, &post("/_control", r#"{"dance": 1}"#, CLOSE)).await;
    assert!(bad.starts_with("HTTP/1.1 400") && bad.contains("dance"), "{bad}");
    let shown = raw(&served, "GET /_control/received HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    let received: Value = serde_json::from_str(shown.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(received.as_array().unwrap().len(), 1, "orders are not part of it");
    assert_eq!((&received[0]["token"], &received[0]["status"]), (&json!("good"), &json!(401)));
}

#[tokio::test]
async fn the_houses_own_client_reads_it_and_notices_a_cut() {
    let work = async {
        let provider = provider();
        let served = served(&provider).await;
        let client = way();
        let exchange =
            asking(Dialect::OpenAiResponses, "good", &question(Dialect::OpenAiResponses, "hello", true));
        let request = exchange.at(&served.origin()).unwrap();
        let whole = client.send(request.clone()).await.unwrap();
        let whole = collect(whole.body, 1 << 20).await.unwrap();
        assert!(answered(Dialect::OpenAiResponses, &whole).stop.is_some());
        provider.next(Fault::CutAfter(whole.len()));
        let cut = client.send(request).await.unwrap();
        assert_eq!(collect(cut.body, 1 << 20).await, Err(Failure::Cut), "all bytes, but no end");
    };
    tokio::task::LocalSet::new().run_until(work).await;
}
