//! awc keeps the time for each exchange; ours has no use for it.

use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;

use super::support::{Provider, ours, stock, whole};

/// Where no task of a thread can be started, whoever starts one panics.
#[tokio::test]
async fn an_exchange_runs_no_task_beside_it() {
    let provider = Provider::plain(|_, line| {
        while line.hear() {
            line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone");
        }
    });
    let alone = stock().get(provider.uri("/")).send();
    assert!(AssertUnwindSafe(alone).catch_unwind().await.is_err(), "the stock client starts one");
    let ours = ours();
    for _ in 0..100 {
        assert_eq!(whole(&ours, provider.post("/", "x")).await.unwrap(), "done");
    }
}
