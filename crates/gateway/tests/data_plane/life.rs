//! Starting and stopping.

use crate::client::{post, request};
use crate::house::{House, ears, settings};
use crate::provider::{Provider, chunk};
use actix_web::rt::System;
use domain::secret::Secret;
use domain::settings::Settings;
use gateway::{Gateway, ServeError};
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use store::StoreError;
use tempfile::TempDir;

/// A provider whose stream goes on until it is told to end.
fn streaming() -> (Provider, Sender<()>) {
    let (end, told) = channel::<()>();
    let told = Mutex::new(told);
    let provider = Provider::playing(move |line| {
        line.hear();
        line.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        line.say(chunk("data: 1\n\n").as_bytes());
        if told.lock().unwrap().recv().is_ok() {
            line.say(b"0\r\n\r\n");
        }
        line.until_left();
    });
    (provider, end)
}

fn cannot_open(settings: Settings) -> ServeError {
    System::new().block_on(async { Gateway::open(settings, ears()).await.err().expect("it cannot open") })
}

#[test]
fn a_stop_lets_answers_end_and_tells_new_callers_that_it_is_closing() {
    let (provider, end) = streaming();
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(post("/v1/messages", "", "{}"));
    client.head();
    assert_eq!(client.chunk(), b"data: 1\n\n");
    house.stop();
    while !house.client().hears_of_the_end() {
        std::thread::yield_now();
    }
    let refused = house.ask(post("/v1/messages", "connection: close\r\n", "{}"));
    assert_eq!((refused.status, refused.values("x-stillroom-error")), (503, vec!["closing"]));
    assert_eq!(refused.values("retry-after"), ["2"]);
    assert!(refused.text().contains(r#""type":"overloaded_error""#), "{}", refused.text());
    assert_eq!(house.ask(request("GET", "/readyz", "connection: close\r\n")).status, 503);
    let denied = house.ask("GET /readyz HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
    assert_eq!(denied.status, 403);
    end.send(()).unwrap();
    assert_eq!(client.chunk(), b"", "the answer came to its end");
    house.end().unwrap();
}

#[test]
fn a_second_stop_waits_for_nobody() {
    let (provider, _never) = streaming();
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(post("/v1/messages", "", "{}"));
    client.head();
    house.stop();
    house.stop();
    house.end().unwrap();
}

#[test]
fn an_address_that_is_taken_is_told_with_what_to_do() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = TempDir::new().unwrap();
    let mut settings = settings(&folder);
    settings.listen = holder.local_addr().unwrap();
    let address = settings.listen;
    let error = cannot_open(settings);
    assert!(matches!(error, ServeError::Bind { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot listen on {address}: ")) && text.contains("set listen"),
        "{text}"
    );
}

#[test]
fn other_machines_are_not_let_in_without_a_token() {
    let folder = TempDir::new().unwrap();
    let mut settings = settings(&folder);
    settings.listen = SocketAddr::from(([0, 0, 0, 0], 0));
    assert!(matches!(cannot_open(settings), ServeError::Unprotected(_)));
}

#[test]
fn with_a_token_everybody_who_shows_it_is_served_and_the_token_goes_no_further() {
    let provider = Provider::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let house = House::with(&provider, |settings| {
        settings.listen = SocketAddr::from(([0, 0, 0, 0], 0));
        settings.access_token = Some(Secret::new("let-me-in"));
    });
    let address = SocketAddr::from(([127, 0, 0, 1], house.address.port()));
    let ask = |headers: &str| {
        let mut client = crate::client::Client::of(address);
        client.say(post("/v1/messages", headers, "{}"));
        client.answer().status
    };
    assert_eq!(ask(""), 403);
    assert_eq!(ask("x-stillroom-access: let-me-out\r\n"), 403);
    assert_eq!(ask("x-stillroom-access: let-me-in\r\n"), 200);
    assert!(provider.heard().values("x-stillroom-access").is_empty());
    assert!(provider.heard_no_more());
}

#[test]
fn a_base_url_that_is_none_is_named() {
    let folder = TempDir::new().unwrap();
    let mut settings = settings(&folder);
    settings.upstream.openai = "api.openai.com".into();
    let error = cannot_open(settings).to_string();
    assert!(error.starts_with("upstream.openai is \"api.openai.com\""), "{error}");
}

#[test]
fn two_gateways_do_not_share_a_store() {
    let provider = Provider::saying("");
    let folder = TempDir::new().unwrap();
    let house = House::of(settings(&folder), None);
    let error = cannot_open(settings(&folder));
    assert!(matches!(error, ServeError::Store(StoreError::Locked { .. })), "{error}");
    assert_eq!(house.ask(request("GET", "/readyz", "")).status, 200);
    drop(provider);
}
