//! What is relayed is relayed as it is, and whoever leaves is gone.

use actix_http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, DATE, HeaderName, HeaderValue, LOCATION, SET_COOKIE,
};
use awc::error::PayloadError;
use futures_util::StreamExt as _;
use std::time::Duration;
use upstream::transport::{Method, StatusCode, Transport as _, collect};

use super::support::{Event, Provider, ours, patiently, stock, whole};

const DONE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";

/// Sends everybody to `elsewhere`, with method and body.
fn redirecting(elsewhere: &Provider) -> Provider {
    let location = elsewhere.uri("/");
    let answer =
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    Provider::plain(move |_, line| {
        line.hear();
        line.say(answer.as_bytes());
    })
}

#[tokio::test(flavor = "local")]
async fn a_redirect_is_an_answer_and_takes_no_key_elsewhere() {
    let mut elsewhere = Provider::saying(DONE);
    let provider = redirecting(&elsewhere);
    let key = ("x-api-key", "of the caller");
    stock().post(provider.uri("/")).insert_header(key).send_body("prompt").await.unwrap();
    let (_, heard) = elsewhere.heard().await;
    assert_eq!(heard.values("x-api-key"), ["of the caller"], "the stock client carries it there");
    assert_eq!(heard.body, b"prompt");

    let mut request = provider.post("/", "prompt");
    request.headers.insert(HeaderName::from_static(key.0), HeaderValue::from_static(key.1));
    let answer = ours().send(request).await.unwrap();
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(answer.headers.get(LOCATION).unwrap(), elsewhere.uri("/").as_str());
    assert!(!elsewhere.noticed_more());
}

#[tokio::test(flavor = "local")]
async fn nothing_is_added_to_a_request_but_host_and_length() {
    let mut provider = Provider::saying(DONE);
    stock().post(provider.uri("/")).send_body("x").await.unwrap();
    let (_, heard) = provider.heard().await;
    assert_eq!(heard.values("accept-encoding"), ["identity"], "the stock client has an opinion");
    assert_eq!(heard.values("date").len(), 1, "and a calendar");

    let mut request = provider.post("/v1//a%2Fb/../c?key=1&key=2", "x");
    for value in ["one", "two"] {
        request.headers.append(HeaderName::from_static("anthropic-beta"), HeaderValue::from_static(value));
    }
    whole(&ours(), request).await.unwrap();
    let (_, heard) = provider.heard().await;
    assert!(heard.head.starts_with("POST /v1//a%2Fb/../c?key=1&key=2 HTTP/1.1\r\n"), "{}", heard.head);
    assert_eq!(heard.values("anthropic-beta"), ["one", "two"]);
    let mut names: Vec<_> = heard.head.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["anthropic-beta", "anthropic-beta", "content-length", "host"]);
}

#[tokio::test(flavor = "local")]
async fn a_date_that_the_caller_says_is_passed_on() {
    let mut provider = Provider::saying(DONE);
    for said in ["Mon, 23 Nov 2026 00:00:00 GMT", "none"] {
        let mut request = provider.post("/", "date: none\r\n\r\ndate: none\r\n");
        request.headers.insert(DATE, HeaderValue::from_static(said));
        let body = request.body.clone();
        whole(&ours(), request).await.unwrap();
        let (_, heard) = provider.heard().await;
        assert_eq!((heard.values("date"), &heard.body[..]), (vec![said], &body[..]));
    }
}

#[tokio::test(flavor = "local")]
async fn an_encoded_body_is_passed_on_as_it_is_with_headers_that_fit() {
    // Whoever tried to decode this would fail.
    let provider = Provider::saying(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 8\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\nnot gzip",
    );
    let answer = ours().send(provider.get("/")).await.unwrap();
    assert_eq!(answer.headers.get(CONTENT_ENCODING).unwrap(), "gzip");
    assert_eq!(answer.headers.get(CONTENT_LENGTH).unwrap(), "8");
    assert_eq!(answer.headers.get_all(SET_COOKIE).collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(collect(answer.body, 8).await.unwrap(), "not gzip");
}

#[tokio::test(flavor = "local")]
async fn an_answer_that_cannot_have_a_body_is_not_waited_for() {
    for head in ["304 Not Modified", "204 No Content"] {
        let provider = Provider::plain(move |_, line| {
            while line.hear() {
                line.say(format!("HTTP/1.1 {head}\r\ncontent-length: 1000\r\n\r\n").as_bytes());
            }
        });
        let mut stuck =
            stock().get(provider.uri("/")).send().await.unwrap().timeout(Duration::from_millis(50));
        assert!(matches!(stuck.body().await, Err(PayloadError::Io(_))), "the stock client waits for it");
        let ours = ours();
        for _ in 0..2 {
            assert_eq!(whole(&ours, provider.get("/")).await.unwrap(), "");
        }
    }
}

#[tokio::test(flavor = "local")]
async fn an_answer_to_head_has_a_length_but_no_body() {
    let provider = Provider::saying(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
    let mut request = provider.get("/");
    request.method = Method::HEAD;
    let answer = ours().send(request).await.unwrap();
    assert_eq!(answer.headers.get(CONTENT_LENGTH).unwrap(), "1000");
    assert_eq!(patiently(collect(answer.body, 0)).await.unwrap(), "");
}

#[tokio::test(flavor = "local")]
async fn one_connection_serves_one_exchange_after_the_other() {
    let mut provider = Provider::plain(|_, line| {
        while line.hear() {
            line.say(DONE)
        }
    });
    let ours = ours();
    for _ in 0..3 {
        whole(&ours, provider.get("/")).await.unwrap();
        assert_eq!(provider.heard().await.0, 0);
    }
}

#[tokio::test(flavor = "local")]
async fn whoever_stops_waiting_for_the_answer_closes_the_connection() {
    let mut provider = Provider::plain(|_, line| {
        line.hear();
        line.until_left();
    });
    let ours = ours();
    let mut waiting = ours.send(provider.get("/"));
    tokio::select! {
        answer = &mut waiting => panic!("{answer:?} from a silent provider"),
        heard = provider.heard() => assert_eq!(heard.0, 0),
    }
    drop(waiting);
    assert_eq!(patiently(provider.event()).await, Event::Left(0));
}

#[tokio::test(flavor = "local")]
async fn whoever_stops_reading_the_body_closes_the_connection() {
    let mut provider = Provider::plain(|_, line| {
        line.hear();
        line.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
        line.until_left();
    });
    let ours = ours();
    let mut answer = ours.send(provider.get("/")).await.unwrap();
    assert_eq!(provider.heard().await.0, 0);
    assert_eq!(answer.body.next().await, Some(Ok("hello".into())));
    drop(answer);
    assert_eq!(patiently(provider.event()).await, Event::Left(0));
}
