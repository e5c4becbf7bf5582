//! What a client's headers may look like on the wire, row by row of `docs/intake.md`.

use crate::client::{post, request};
use crate::house::House;
use crate::provider::Provider;
use domain::intake::LONGEST_CREDENTIAL;
use machines::credential::SlotView;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const TURN: &str = r#"{"model":"claude-x","messages":[{"role":"user","content":"hi"}]}"#;

/// A turn with these headers, relayed by a fresh gateway: what the provider heard under each name, what is known of
/// credentials afterwards, and what was counted as left.
struct Relayed {
    heard: crate::provider::Heard,
    slots: Vec<SlotView>,
    left: Vec<String>,
}

fn relayed(headers: impl AsRef<[u8]>) -> Relayed {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    let mut client = house.client();
    let head = format!("POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n", TURN.len());
    client.say([head.as_bytes(), headers.as_ref(), b"\r\n", TURN.as_bytes()].concat());
    assert_eq!(client.answer().status, 200);
    Relayed { heard: provider.heard(), slots: house.slots(), left: left(&house) }
}

/// Every reason that was counted, with its count.
fn left(house: &House) -> Vec<String> {
    let metrics = house.ask(request("GET", "/metrics", "")).text();
    let counted = metrics.lines().filter_map(|line| line.strip_prefix("stillroom_credentials_left_total"));
    counted.map(str::to_owned).collect()
}

/// The same and that nothing was captured, for this one reason.
fn left_alone(headers: &str, reason: &str) -> Relayed {
    let relayed = relayed(headers);
    assert_eq!(relayed.slots.len(), 0, "{headers}: {:?}", relayed.slots);
    assert_eq!(relayed.left, [format!("{{reason=\"{reason}\"}} 1")], "{headers}");
    relayed
}

/// The fingerprints of what was captured; nothing was left.
fn captured(headers: &str) -> Vec<String> {
    let relayed = relayed(headers);
    assert_eq!(relayed.left, [""; 0], "{headers}");
    let mut names: Vec<String> = relayed.slots.iter().map(|slot| slot.fingerprint.to_string()).collect();
    names.dedup();
    names
}

#[test]
fn a_doubled_header_is_relayed_twice_and_captured_from_neither() {
    let twice = "authorization: Bearer a\r\nAuthorization: Bearer b\r\n";
    assert_eq!(left_alone(twice, "repeated").heard.values("authorization"), ["Bearer a", "Bearer b"]);
    let same = "x-api-key: a\r\nx-api-key: a\r\n";
    assert_eq!(left_alone(same, "repeated").heard.values("x-api-key"), ["a", "a"]);
}

#[test]
fn a_credential_that_is_said_to_be_about_the_connection_goes_no_further_and_is_none() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    let both = "authorization: Bearer a\r\nx-api-key: b\r\nconnection: keep-alive, Authorization\r\n";
    for headers in [both, "x-api-key: b\r\n"] {
        house.ask(post("/v1/messages", headers, TURN));
        let heard = provider.heard();
        assert_eq!(
            (heard.values("authorization"), heard.values("x-api-key")),
            (vec![], vec!["b"]),
            "{headers}"
        );
    }
    let mut names: Vec<String> = house.slots().iter().map(|slot| slot.fingerprint.to_string()).collect();
    names.dedup();
    assert_eq!(names.len(), 1, "the key alone, both times");
}

#[test]
fn a_line_that_only_a_line_feed_ends_is_a_header_of_its_own() {
    let smuggled = "authorization: Bearer a\nauthorization: Bearer b\r\n";
    assert_eq!(left_alone(smuggled, "repeated").heard.values("authorization"), ["Bearer a", "Bearer b"]);
}

#[test]
fn a_value_with_commas_or_blanks_inside_is_relayed_and_not_captured() {
    for value in ["Bearer a, Bearer b", "Bearer a b", "Bearer a,b", "Bearer\ta", "Basic dXNlcg==", "Bearer"] {
        let relayed = left_alone(&format!("authorization: {value}\r\n"), "malformed");
        assert_eq!(relayed.heard.values("authorization"), [value]);
    }
}

#[test]
fn two_headers_with_different_tokens_are_relayed_both_and_captured_from_neither() {
    let headers = "authorization: Bearer sk-ant-oat01-a\r\nx-api-key: sk-ant-api03-b\r\n";
    let heard = left_alone(headers, "conflicting").heard;
    assert_eq!(heard.values("authorization"), ["Bearer sk-ant-oat01-a"]);
    assert_eq!(heard.values("x-api-key"), ["sk-ant-api03-b"]);
}

#[test]
fn two_headers_with_one_token_are_relayed_both_and_are_one_credential() {
    let headers = "authorization: Bearer sk-ant-api03-a\r\nx-api-key: sk-ant-api03-a\r\n";
    let relayed = relayed(headers);
    assert_eq!(relayed.heard.values("authorization"), ["Bearer sk-ant-api03-a"]);
    assert_eq!(relayed.heard.values("x-api-key"), ["sk-ant-api03-a"]);
    assert_eq!(captured(headers).len(), 1);
}

#[test]
fn blanks_around_a_value_and_behind_its_scheme_are_trimmed_for_the_name_and_relayed() {
    let house = House::before(&Provider::saying(OK));
    let mut names = Vec::new();
    for value in ["Bearer sk-ant-oat01-a", " \t bearer   sk-ant-oat01-a \t ", "BEARER sk-ant-oat01-a"] {
        house.ask(post("/v1/messages", &format!("authorization:{value}\r\n"), TURN));
        names.extend(house.slots().into_iter().map(|slot| slot.fingerprint));
    }
    assert!(names.len() > 3, "captured each time");
    names.dedup();
    assert_eq!(names.len(), 1, "one token has one name");
    let spaced = relayed("authorization: \t bearer   sk-ant-oat01-a \t \r\n").heard;
    assert_eq!(
        spaced.values("authorization"),
        ["bearer   sk-ant-oat01-a"],
        "the scheme and its blanks as they came"
    );
}

#[test]
fn too_long_a_token_is_relayed_and_not_captured() {
    let token = "k".repeat(60_000);
    let heard = left_alone(&format!("x-api-key: {token}\r\n"), "too-long").heard;
    assert_eq!(heard.values("x-api-key"), [token]);
    assert_eq!(captured(&format!("x-api-key: {}\r\n", "k".repeat(LONGEST_CREDENTIAL))).len(), 1);
}

#[test]
fn a_token_that_is_no_text_is_refused_before_it_is_relayed() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    for header in [&b"authorization: Bearer \xc3\xa4"[..], b"x-api-key: \x80", b"x-goog-api-key: k\xff"] {
        let mut client = house.client();
        client.say([b"GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\n", header, b"\r\n\r\n"].concat());
        let answer = client.answer();
        assert_eq!((answer.status, answer.values("x-stillroom-error")), (400, vec!["credential_unreadable"]));
    }
    assert!(provider.heard_no_more());
}

#[test]
fn a_name_with_underscores_is_no_alias_and_goes_no_further_when_it_could_be_taken_for_one() {
    let relayed = relayed("x_api_key: sk-ant-api03-a\r\nx_stillroom_access: t\r\nsession_id: s\r\n");
    assert_eq!((relayed.slots.len(), relayed.left.len()), (0, 0));
    assert!(
        relayed.heard.values("x_api_key").is_empty() && relayed.heard.values("x_stillroom_access").is_empty()
    );
    assert_eq!(relayed.heard.values("session_id"), ["s"], "that is the agent's own name for something else");
}

#[test]
fn what_no_two_programs_read_alike_is_refused() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    for headers in [
        "content-length: 2\r\ntransfer-encoding: chunked\r\n",
        "content-length: 2\r\ncontent-length: 3\r\n",
        "content-length: 2\r\ncontent-length: 2\r\n",
        "content-length: 2, 2\r\n",
        "content-length: +2\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: gzip\r\n",
        "host: 127.0.0.1\r\n",
        "x-folded: a\r\n b\r\n",
        "x-blank : a\r\n",
        "x-return: a\rb\r\n",
        "x-nothing: a\0b\r\n",
    ] {
        let mut client = house.client();
        client.say(request("POST", "/v1/messages", headers) + "{}");
        assert_eq!(client.head().status, 400, "{headers:?}");
    }
    for head in [
        "GET /v1/models HTTP/1.1\r\n\r\n",
        "POST /v1/messages HTTP/1.0\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let mut client = house.client();
        client.say(head);
        assert_eq!(client.head().status, 400, "{head:?}");
    }
    assert!(provider.heard_no_more());
}

#[test]
fn an_absolute_target_passes_when_it_names_the_host_and_not_otherwise() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    assert_eq!(house.ask(request("GET", "http://127.0.0.1/v1/models", "")).status, 200);
    assert_eq!(provider.heard().line, "GET /v1/models HTTP/1.1");
    for target in ["http://evil.example/v1/models", "http://127.0.0.1:1/v1/models"] {
        assert_eq!(house.ask(request("GET", target, "")).status, 403, "{target}");
    }
    assert!(provider.heard_no_more());
}

#[test]
fn what_a_forwarding_header_says_of_the_host_is_never_believed() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    for forwarded in ["x-forwarded-host: 127.0.0.1", "forwarded: host=127.0.0.1;for=127.0.0.1"] {
        let evil = format!("GET /v1/models HTTP/1.1\r\nhost: evil.example\r\n{forwarded}\r\n\r\n");
        assert_eq!(house.ask(evil).status, 403, "{forwarded}: it lets nobody in");
    }
    assert!(provider.heard_no_more());
    let evil = "x-forwarded-host: evil.example\r\nforwarded: host=evil.example\r\n";
    assert_eq!(house.ask(request("GET", "/v1/models", evil)).status, 200, "it keeps nobody out");
    assert_eq!(provider.heard().values("host"), [provider.address.to_string()], "and changes no destination");
    assert_eq!(house.ask(request("GET", "/healthz", evil)).status, 404, "but no proxy's caller administers");
}
