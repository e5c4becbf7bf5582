//! What is not relayed, and how the client is told.

use crate::client::{post, request};
use crate::house::House;
use crate::provider::{Provider, chunk};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

fn small(provider: &Provider) -> House {
    House::with(provider, |settings| settings.relay.max_body = 1024)
}

#[test]
fn too_large_a_body_is_refused_on_its_announcement() {
    let provider = Provider::saying(OK);
    let house = small(&provider);
    let answered = house.ask(request("POST", "/v1/messages", "content-length: 1025\r\n"));
    assert_eq!((answered.status, answered.values("x-stillroom-error")), (413, vec!["body_too_large"]));
    assert_eq!(answered.json()["error"]["type"], "request_too_large");
    assert!(provider.heard_no_more());
}

#[test]
fn too_large_a_body_without_announcement_is_refused_when_it_gets_there() {
    let provider = Provider::saying(OK);
    let house = small(&provider);
    let upload = chunk(&"x".repeat(1025)) + "0\r\n\r\n";
    let answered = house.ask(request("POST", "/v1/responses", "transfer-encoding: chunked\r\n") + &upload);
    assert_eq!(answered.status, 413);
    assert_eq!(answered.json()["error"]["code"], "body_too_large");
    assert!(provider.heard_no_more());
}

#[test]
fn a_client_that_goes_on_uploading_still_hears_why_it_was_refused() {
    let provider = Provider::saying(OK);
    let house = small(&provider);
    let mut client = house.client();
    client.say(request("POST", "/v1/messages", "content-length: 4000000\r\n"));
    client.try_say(&vec![b'x'; 4_000_000]);
    assert_eq!(client.answer().status, 413);
}

#[test]
fn a_body_just_as_large_as_allowed_passes() {
    let provider = Provider::saying(OK);
    let house = small(&provider);
    assert_eq!(house.ask(post("/v1/messages", "", &"x".repeat(1024))).status, 200);
}

#[test]
fn a_websocket_is_declined_so_that_the_agent_falls_back_at_once() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    let upgrade = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
        sec-websocket-key: cOZZ5ChereZfwUkHvRDCMA==\r\n";
    let answered = house.ask(request("GET", "/v1/responses", upgrade));
    assert_eq!(answered.status, 426);
    assert_eq!(answered.json()["error"]["code"], "websocket_unsupported");
    assert!(answered.values("upgrade").is_empty());
    assert!(provider.heard_no_more());
}

#[test]
fn a_path_that_nobody_knows_is_not_relayed() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    for target in ["/favicon.ico", "/backend-api/codex/responses", "/api/v1/no-such-thing", "/v2/messages"] {
        let answered = house.ask(request("GET", target, ""));
        assert_eq!(answered.status, 404, "{target}");
        assert!(answered.json()["error"]["message"].is_string(), "{target}");
    }
    assert!(provider.heard_no_more());
}

#[test]
fn foreign_hosts_and_pages_are_turned_away_before_anything_is_relayed() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    let refused = |request: &str| {
        let answered = house.ask(request);
        (answered.status, answered.values("x-stillroom-error").concat())
    };
    for target in ["/v1/messages", "/api/v1/credentials", "/nowhere"] {
        let rebound = format!("GET {target} HTTP/1.1\r\nhost: evil.example\r\n\r\n");
        assert_eq!(refused(&rebound), (403, "host_denied".into()), "{target}");
        let page = request("GET", target, "origin: https://evil.example\r\n");
        assert_eq!(refused(&page), (403, "origin_denied".into()), "{target}");
    }
    assert_eq!(refused(&request("GET", "http://evil.example/v1/models", "")), (403, "host_denied".into()));
    assert!(provider.heard_no_more());
}

#[test]
fn the_admin_plane_answers_on_the_same_address() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    assert_eq!(house.ask(request("GET", "/healthz", "")).status, 200);
    assert_eq!(house.ask(request("GET", "/readyz", "")).status, 200);
    let answered = house.ask(request("GET", "/api/v1/sessions", ""));
    assert_eq!(answered.json(), serde_json::json!({ "sessions": [] }));
    let metrics = house.ask(request("GET", "/metrics", "")).text();
    assert!(metrics.contains("stillroom_relay_overhead_seconds"), "{metrics}");
}
