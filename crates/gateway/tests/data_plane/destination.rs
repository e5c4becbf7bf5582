//! Where a request goes is the gateway's to say: no header, target or answer leads a key to another host.

use crate::client::{post, request};
use crate::house::House;
use crate::provider::{Provider, answer};
use domain::provider::Provider::Anthropic;
use domain::secret::Secret;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// The house's own key, which no client may make it send.
const OURS: &str = "sk-ant-api03-of-the-house";
const THEIRS: &str = "sk-ant-api03-of-the-client";

/// What programs of this kind have been told by: a base URL, a host, another path, another method.
const CHOICES: [&str; 40] = [
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-server",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-for",
    "x-real-ip",
    "x-host",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
    "x-http-host-override",
    "x-http-method-override",
    "x-method-override",
    "x-base-url",
    "x-api-base",
    "api-base",
    "api_base",
    "base_url",
    "x-target-url",
    "x-target-host",
    "x-upstream",
    "x-upstream-url",
    "x-provider",
    "x-custom-host",
    "x-proxy-url",
    "proxy",
    "proxy-host",
    "destination",
    "location",
    "content-location",
    "anthropic-base-url",
    "openai-base-url",
    "x-stillroom-upstream",
    "x-stillroom-base-url",
    "x-stillroom-provider",
    "x_stillroom_upstream",
    "alt-used",
    ":authority",
];

/// A host that counts who connects to it.
fn elsewhere() -> (Provider, Arc<AtomicUsize>) {
    let visits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&visits);
    let host = Provider::playing(move |line| {
        counter.fetch_add(1, SeqCst);
        line.hear();
    });
    (host, visits)
}

#[test]
fn no_header_of_a_client_leads_a_key_elsewhere() {
    let (foreign, visits) = elsewhere();
    let (anthropic, openai) = (Provider::saying(OK), Provider::saying(OK));
    let house = House::with(&anthropic, |settings| {
        settings.upstream.openai = format!("http://{}", openai.address);
        settings.worker.api_key = Some(Secret::new(OURS));
        settings.worker.provider = Some(Anthropic);
    });
    let (host, url) = (foreign.address.to_string(), format!("http://{}/v1/messages", foreign.address));
    for name in CHOICES {
        for value in [&*host, &url, &format!("host={host};proto=http"), "DELETE", "openai"] {
            let headers = format!("x-api-key: {THEIRS}\r\n{name}: {value}\r\n");
            let answered = house.ask(post("/v1/messages", &headers, "{}"));
            if name.starts_with(':') {
                assert_eq!(answered.status, 400, "{name} is no header");
                continue;
            }
            assert_eq!(answered.status, 200, "{name}: {value}");
            let heard = anthropic.heard();
            assert_eq!(heard.line, "POST /v1/messages HTTP/1.1", "{name}: {value}");
            assert_eq!(heard.values("host"), [anthropic.address.to_string()], "{name}: {value}");
            assert_eq!(heard.values("x-api-key"), [THEIRS], "{name}: {value}");
            assert!(heard.headers.iter().all(|(_, value)| !value.contains(OURS)), "{name}: {value}");
        }
    }
    assert!(openai.heard_no_more(), "nobody meant the other provider");
    assert_eq!(visits.load(SeqCst), 0);
}

#[test]
fn a_key_of_anthropics_is_heard_by_the_other_provider_only_where_the_path_names_it() {
    let (anthropic, openai) = (Provider::saying(OK), Provider::saying(OK));
    let house = House::with(&anthropic, |settings| {
        settings.upstream.openai = format!("http://{}", openai.address);
    });
    for path in ["/v1/models", "/v1/files", "/v1//messages", "/v1/%6dessages"] {
        for header in [format!("authorization: Bearer {THEIRS}\r\n"), format!("x-api-key: {THEIRS}\r\n")] {
            house.ask(request("GET", path, &header));
            assert_eq!(anthropic.heard().line, format!("GET {path} HTTP/1.1"), "{header}");
        }
    }
    assert!(openai.heard_no_more());
    for path in ["/openai/v1/models", "/v1/responses"] {
        house.ask(request("GET", path, &format!("authorization: Bearer {THEIRS}\r\n")));
        assert_eq!(openai.heard().line, format!("GET {} HTTP/1.1", path.trim_start_matches("/openai")));
    }
}

#[test]
fn no_target_leads_a_key_elsewhere() {
    let (foreign, visits) = elsewhere();
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    let host = foreign.address;
    for (target, status) in [
        (format!("http://{host}/v1/messages"), 403),
        (format!("http://127.0.0.1@{host}/v1/messages"), 403),
        (format!("{host}"), 403),
        ("*".to_owned(), 404),
        (format!("//{host}/v1/messages"), 200),
        (format!("/anthropic//{host}/v1/messages"), 200),
        (format!("/anthropic/http://{host}/v1/messages"), 200),
        (format!("/anthropic/@{host}/v1/messages"), 200),
        (format!("/anthropic@{host}/v1/messages"), 200),
        (format!("/v1/messages?url=http://{host}/"), 200),
        (format!("/anthropic:80@{host}"), 404),
        (format!("@{host}/v1/messages"), 400),
        (format!(".{host}/v1/messages"), 400),
    ] {
        let answered = house.ask(request("GET", &target, &format!("x-api-key: {THEIRS}\r\n")));
        assert_eq!(answered.status, status, "{target}");
        if status == 200 {
            assert_eq!(provider.heard().values("host"), [provider.address.to_string()], "{target}");
        }
    }
    assert!(provider.heard_no_more());
    assert_eq!(visits.load(SeqCst), 0);
}

#[test]
fn a_redirect_of_any_kind_is_passed_on_and_not_followed() {
    let (foreign, visits) = elsewhere();
    let location = format!("http://{}/v1/messages", foreign.address);
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let provider = Provider::saying(answer(status, &format!("location: {location}\r\n"), "gone"));
        let house = House::before(&provider);
        for method in ["GET", "POST"] {
            let headers = format!("x-api-key: {THEIRS}\r\ncontent-length: 0\r\n");
            let answered = house.ask(request(method, "/v1/messages", &headers));
            assert!(status.starts_with(&answered.status.to_string()), "{method} {status}");
            assert_eq!((answered.values("location"), answered.text()), (vec![&*location], "gone".into()));
            assert_eq!(provider.heard().line, format!("{method} /v1/messages HTTP/1.1"));
        }
        assert!(provider.heard_no_more(), "{status}: asked once");
    }
    assert_eq!(visits.load(SeqCst), 0);
}
