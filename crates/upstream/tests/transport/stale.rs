//! A kept connection may be gone before the next request. Only a request of which nothing went out is asked again.

use std::{
    net::TcpStream,
    sync::{Mutex, mpsc::channel},
    thread,
    time::Duration,
};

use upstream::transport::{Fault, HttpTransport};

use super::support::{Frozen, Line, Provider, ours, whole};

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
async fn a_request_that_a_provider_read_and_dropped_is_not_sent_again() {
    let _frozen = Frozen::clock();
    let mut provider = once_and(|_| {});
    let ours = acquainted(&mut provider).await;
    assert_eq!(whole(&ours, provider.post("/second", "prompt")).await, Err(Fault::Cut));
    assert_eq!(provider.heard().await.1.body, b"prompt");
    assert!(!provider.noticed_more(), "it was read once, and is billed once");
}

#[tokio::test(flavor = "local")]
async fn a_request_whose_connection_ended_while_nobody_looked_goes_out_on_another() {
    let (end, ended) = channel();
    let ended = Mutex::new(ended);
    let mut provider = Provider::plain(move |number, line| {
        line.hear();
        line.say(DONE);
        if number == 0 {
            ended.lock().unwrap().recv().unwrap();
        }
    });
    let ours = acquainted(&mut provider).await;
    end.send(()).unwrap();
    // The end arrives while this thread, and with it the runtime, looks at nothing.
    thread::sleep(Duration::from_millis(50));
    assert_eq!(whole(&ours, provider.post("/second", "prompt")).await.unwrap(), "done");
    assert_eq!(provider.heard().await.1.body, b"prompt");
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
