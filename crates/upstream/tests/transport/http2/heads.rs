//! What is said is said as it is, in both directions.

use std::{net::TcpListener, sync::Arc, thread};

use actix_http::header::{CONTENT_LENGTH, DATE, HOST, HeaderName, HeaderValue};
use bytes::Bytes;
use h2::RecvStream;
use rustls::ServerConfig;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use upstream::transport::{
    Fault, HttpTransport, Limits, Method, Request, Roots, Transport as _, Trust, Way, collect,
};

use super::super::{
    certified::{SecureProvider, certified},
    support::{Event, patiently, request, whole},
};
use super::frames::{HEADERS, LAST, OK, WHOLE, field, status};

/// A request as a library for HTTP/2 hears it.
pub(crate) struct Heard {
    pub(crate) head: http_of_h2::request::Parts,
    pub(crate) body: Vec<u8>,
}

/// A provider made of h2's own server, which answers `done`.
pub(crate) struct Listener {
    pub(crate) port: u16,
    pub(crate) requests: UnboundedReceiver<Heard>,
    pub(crate) ours: HttpTransport,
}

impl Listener {
    pub(super) fn new() -> Self {
        Self::reached_by(Way { http2: true, ..Way::default() })
    }

    pub(crate) fn reached_by(way: Way) -> Self {
        let (config, certificate) = certified(&["h2"]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (teller, requests) = unbounded_channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(listener, config, teller));
        });
        let trust = Trust::new(&Roots::Only(vec![certificate])).unwrap();
        Self { port, requests, ours: HttpTransport::reaching(Limits::default(), trust, way) }
    }

    fn request(&self, method: Method, path: &str, body: &'static str) -> Request {
        request(method, &format!("https://localhost:{}{path}", self.port), Bytes::from(body))
    }

    /// Sends it, and tells how it was heard.
    pub(super) async fn hear(&mut self, request: Request) -> Heard {
        whole(&self.ours, request).await.unwrap();
        self.requests.recv().await.unwrap()
    }
}

async fn serve(listener: TcpListener, config: Arc<ServerConfig>, teller: UnboundedSender<Heard>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    let session = TlsAcceptor::from(config).accept(socket).await.unwrap();
    let mut connection = h2::server::handshake(session).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let teller = teller.clone();
        tokio::spawn(async move {
            let (head, body) = request.into_parts();
            let is_bare = head.method == "HEAD";
            drop(teller.send(Heard { head, body: read(body).await }));
            let mut answer = respond.send_response(http_of_h2::Response::new(()), is_bare).unwrap();
            if !is_bare {
                answer.send_data("done".into(), true).unwrap();
            }
        });
    }
}

async fn read(mut body: RecvStream) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        whole.extend(piece);
    }
    whole
}

#[tokio::test(flavor = "local")]
async fn a_request_in_http_2_is_as_it_was_said_and_nothing_is_added_but_its_length() {
    let mut listener = Listener::new();
    let mut said = listener.request(Method::POST, "/v1//a%2Fb/../c?key=1&key=2", "date: none\r\n\r\n");
    for (name, value) in [("anthropic-beta", "one"), ("anthropic-beta", "two"), ("x-odd", "\u{e4} \" ,;")] {
        said.headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).or_else(|_| HeaderValue::from_bytes(value.as_bytes())).unwrap(),
        );
    }
    let Heard { head, body } = listener.hear(said).await;
    assert_eq!(head.method, "POST");
    assert_eq!(head.uri, format!("https://localhost:{}/v1//a%2Fb/../c?key=1&key=2", listener.port).as_str());
    assert_eq!(body, b"date: none\r\n\r\n");
    let values = |name| head.headers.get_all(name).iter().map(|value| value.as_bytes().to_vec());
    assert_eq!(values("anthropic-beta").collect::<Vec<_>>(), [b"one".to_vec(), b"two".to_vec()]);
    assert_eq!(values("x-odd").collect::<Vec<_>>(), ["\u{e4} \" ,;".as_bytes().to_vec()]);
    assert_eq!(values("content-length").collect::<Vec<_>>(), [b"14".to_vec()]);
    assert_eq!(head.headers.len(), 4, "{:?}", head.headers);
}

#[tokio::test(flavor = "local")]
async fn a_host_becomes_the_authority_and_what_is_about_the_connection_stays_behind() {
    let mut listener = Listener::new();
    let mut said = listener.request(Method::GET, "/", "");
    for (name, value) in [
        ("connection", "close, x-kept"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("expect", "100-continue"),
        ("x-kept", "kept"),
    ] {
        said.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    said.headers.insert(HOST, HeaderValue::from_static("provider.example"));
    let Heard { head, body } = listener.hear(said).await;
    assert_eq!(head.uri, "https://provider.example/");
    assert_eq!(head.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["x-kept"]);
    assert_eq!(body, b"");
}

#[tokio::test(flavor = "local")]
async fn a_date_is_passed_on_in_http_2_and_never_made_up() {
    let mut listener = Listener::new();
    let mut said = listener.request(Method::POST, "/", "x");
    assert!(!listener.hear(said.clone()).await.head.headers.contains_key("date"));
    said.headers.insert(DATE, HeaderValue::from_static("none"));
    assert_eq!(listener.hear(said).await.head.headers.get_all("date").iter().collect::<Vec<_>>(), ["none"]);
}

#[tokio::test(flavor = "local")]
async fn an_empty_body_has_a_length_only_where_one_is_expected_in_http_2() {
    let mut listener = Listener::new();
    let post = listener.request(Method::POST, "/", "");
    assert_eq!(listener.hear(post).await.head.headers["content-length"], "0");
    let get = listener.request(Method::GET, "/", "");
    assert!(!listener.hear(get).await.head.headers.contains_key("content-length"));
}

#[tokio::test(flavor = "local")]
async fn no_value_goes_into_a_table_that_requests_of_others_share() {
    // As Huffman's code has it (RFC 7541, appendix B): eight times `0`, five bits each.
    const SECRET: (&str, [u8; 5]) = ("00000000", [0; 5]);
    let mut secure = SecureProvider::new(|_, line| {
        line.greet(&[]);
        while let Some(frame) = line.next() {
            if frame.kind == HEADERS {
                let said = frame.payload.windows(5).filter(|bytes| *bytes == SECRET.1).count();
                line.tell(Event::Noticed(if said == 4 { "in full" } else { "abridged" }));
                line.answer(frame.stream, "done");
            }
        }
    });
    let ours = secure.offering_http2();
    let mut said = secure.get("localhost");
    for name in ["authorization", "x-api-key", "cookie", "anthropic-beta"] {
        said.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(SECRET.0));
    }
    for _ in 0..2 {
        assert_eq!(whole(&ours, said.clone()).await.unwrap(), "done");
        assert_eq!(secure.provider.event().await, Event::Noticed("in full"));
    }
}

#[tokio::test(flavor = "local")]
async fn a_body_of_many_megabytes_arrives_whole_in_http_2() {
    let mut listener = Listener::new();
    let mut said = listener.request(Method::POST, "/", "");
    let body: Vec<u8> = (0_u32..2_000_000).flat_map(u32::to_le_bytes).collect();
    said.body = body.clone().into();
    assert!(listener.hear(said).await.body == body);
}

#[tokio::test(flavor = "local")]
async fn what_http_2_cannot_say_is_refused_unsent() {
    let mut listener = Listener::new();
    let tunnel = listener.request(Method::CONNECT, "/", "");
    let fault = listener.ours.send(tunnel).await.unwrap_err();
    assert!(matches!(fault, Fault::Unsendable(_)) && !fault.sent(), "{fault:?}");
    assert!(listener.requests.try_recv().is_err());
}

#[tokio::test(flavor = "local")]
async fn an_answer_in_http_2_arrives_as_it_was_said() {
    let secure = SecureProvider::new(|_, line| {
        line.greet(&[]);
        while let Some(stream) = line.request() {
            let fields =
                [("retry-after", "7"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("content-length", "4")];
            let fields = fields.iter().flat_map(|(name, value)| field(name, value));
            line.frame(HEADERS, WHOLE, stream, &status(529).into_iter().chain(fields).collect::<Vec<_>>());
            line.frame(super::frames::DATA, LAST, stream, b"busy");
        }
    });
    let answer = patiently(secure.offering_http2().send(secure.post("prompt"))).await.unwrap();
    assert_eq!(answer.status.as_u16(), 529);
    assert_eq!(answer.headers.get("retry-after").unwrap(), "7");
    assert_eq!(answer.headers.get_all("set-cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(answer.headers.get(CONTENT_LENGTH).unwrap(), "4");
    assert_eq!(answer.headers.len(), 4);
    assert_eq!(collect(answer.body, 4).await.unwrap(), "busy");
}

#[tokio::test(flavor = "local")]
async fn an_answer_without_a_body_keeps_its_length_in_http_2() {
    let secure = SecureProvider::new(|_, line| {
        line.greet(&[]);
        for code in [200, 204, 304] {
            let stream = line.request().unwrap();
            let head = [status(code), field("content-length", "1000")].concat();
            line.frame(HEADERS, WHOLE | LAST, stream, &head);
        }
        line.until_gone();
    });
    let ours = secure.offering_http2();
    for method in [Method::HEAD, Method::GET, Method::GET] {
        let answer = patiently(ours.send(Request { method, ..secure.get("localhost") })).await.unwrap();
        assert_eq!(answer.headers.get(CONTENT_LENGTH).unwrap(), "1000");
        assert_eq!(patiently(collect(answer.body, 0)).await.unwrap(), "");
    }
}

#[tokio::test(flavor = "local")]
async fn each_event_passes_before_the_next_is_said_in_http_2() {
    use futures_util::StreamExt as _;
    let (go_on, going_on) = std::sync::mpsc::channel();
    let going_on = std::sync::Mutex::new(going_on);
    let secure = SecureProvider::new(move |_, line| {
        line.greet(&[]);
        let stream = line.request().unwrap();
        line.frame(HEADERS, WHOLE, stream, OK);
        for flags in [0, 0, LAST] {
            going_on.lock().unwrap().recv().unwrap();
            line.frame(super::frames::DATA, flags, stream, b"event");
        }
        line.until_gone();
    });
    let mut body = patiently(secure.offering_http2().send(secure.post("prompt"))).await.unwrap().body;
    for _ in 0..3 {
        go_on.send(()).unwrap();
        assert_eq!(patiently(body.next()).await, Some(Ok("event".into())));
    }
    assert_eq!(patiently(body.next()).await, None);
}
