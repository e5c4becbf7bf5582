//! Interim heads are no answers, and nobody reads somebody else's.

use std::net::TcpStream;

use upstream::transport::{StatusCode, Transport as _};

use super::support::{Line, Provider, ours, stock, whole};

/// Answers each request with interim heads and then with its own path.
fn hesitant(interim: &'static str) -> Provider {
    Provider::plain(move |_, line| {
        while let Some(heard) = line.hear_head() {
            let path = heard.head.split(' ').nth(1).unwrap();
            line.say(interim.as_bytes());
            say_whole(line, path);
        }
    })
}

fn say_whole(line: &mut Line<TcpStream>, body: &str) {
    line.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes());
}

#[tokio::test(flavor = "local")]
async fn an_interim_head_does_not_give_bob_the_answer_of_alice() {
    let provider = Provider::plain(|_, line| {
        line.hear();
        line.say(b"HTTP/1.1 103 Early Hints\r\n\r\n");
        // The real answer comes when the client has already put the connection back: with the next request.
        line.hear();
        say_whole(line, "for alice");
    });
    let stock = stock();
    assert_eq!(stock.get(provider.uri("/alice")).send().await.unwrap().status(), 103);
    let mut bob = stock.get(provider.uri("/bob")).send().await.unwrap();
    assert_eq!(bob.body().await.unwrap(), "for alice", "the stock client hands it on");

    let provider = hesitant("HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n");
    let ours = ours();
    assert_eq!(whole(&ours, provider.get("/alice")).await.unwrap(), "/alice");
    assert_eq!(whole(&ours, provider.get("/bob")).await.unwrap(), "/bob");
}

#[tokio::test(flavor = "local")]
async fn any_number_of_interim_heads_is_swallowed() {
    let provider = hesitant(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 E\r\na: b\r\n\r\n",
    );
    let ours = ours();
    for path in ["/1", "/2", "/3"] {
        assert_eq!(whole(&ours, provider.get(path)).await.unwrap(), path);
    }
}

#[tokio::test(flavor = "local")]
async fn heads_that_come_a_byte_at_a_time_are_read_all_the_same() {
    let provider = Provider::plain(|_, line| {
        line.stream.set_nodelay(true).unwrap();
        line.hear();
        let heads = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
        heads.chunks(1).for_each(|byte| line.say(byte));
    });
    assert_eq!(whole(&ours(), provider.get("/")).await.unwrap(), "hi");
}

#[tokio::test(flavor = "local")]
async fn switching_protocols_is_a_final_answer() {
    let provider = Provider::saying(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n",
    );
    let answer = ours().send(provider.get("/")).await.unwrap();
    assert_eq!(answer.status, StatusCode::SWITCHING_PROTOCOLS);
}

#[tokio::test(flavor = "local")]
async fn an_expectation_is_not_passed_on_because_nobody_would_answer_it() {
    let mut provider = Provider::saying(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let mut request = provider.post("/", "body");
    request.headers.insert("expect".parse().unwrap(), "100-continue".parse().unwrap());
    whole(&ours(), request).await.unwrap();
    let (_, heard) = provider.heard().await;
    assert_eq!(heard.values("expect"), [""; 0]);
    assert_eq!(heard.body, b"body");
}
