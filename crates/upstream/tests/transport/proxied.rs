//! Through a proxy: whom it is asked for, and what becomes of its answers.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use domain::proxy::Proxy;
use upstream::transport::{Fault, HttpTransport, Limits, Method, Phase, Transport as _, Way};

use super::{
    certified::SecureProvider,
    http2::heads::Listener,
    support::{request, whole},
};

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\nvia: it\r\n\r\n";
const DONE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";

/// A proxy that says what it is told to, in pieces of so many bytes, and then is a pipe to the port it was asked for.
struct HttpProxy {
    address: SocketAddr,
    asked: mpsc::Receiver<String>,
}

impl HttpProxy {
    fn saying(answer: &'static [u8], piece: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = mpsc::channel();
        thread::spawn(move || {
            for mut client in listener.incoming().map_while(Result::ok) {
                let head = head(&mut client);
                client.set_nodelay(true).unwrap();
                let said = answer.chunks(piece).try_for_each(|piece| client.write_all(piece));
                let port: u16 = head.split([':', ' ']).nth(2).unwrap().parse().unwrap();
                let is_open = said.is_ok() && answer == ESTABLISHED;
                drop(tell.send(head));
                if is_open {
                    pipe(&client, &TcpStream::connect(("127.0.0.1", port)).unwrap());
                }
            }
        });
        Self { address, asked }
    }

    fn way(&self) -> Way {
        let proxy = Proxy::read(&format!("http://user:hunter2@{}", self.address));
        Way { proxy, ..Way::default() }
    }
}

fn head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap() > 0 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn pipe(one: &TcpStream, other: &TcpStream) {
    for (from, to) in [(one, other), (other, one)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || {
            drop(std::io::copy(&mut from, &mut to));
            drop(to.shutdown(std::net::Shutdown::Write));
        });
    }
}

/// A transport that trusts `secure` and goes this way.
fn by(secure: &SecureProvider, way: Way) -> HttpTransport {
    HttpTransport::reaching(Limits::default(), secure.trust(), way)
}

#[tokio::test(flavor = "local")]
async fn a_provider_is_reached_through_a_tunnel_that_is_kept_and_hears_nothing_of_the_proxy() {
    for piece in [1, 4096] {
        let mut secure = SecureProvider::having(&["http/1.1"], |_, line| {
            while line.hear() {
                line.say(DONE)
            }
        });
        let proxy = HttpProxy::saying(ESTABLISHED, piece);
        let ours = by(&secure, proxy.way());
        for _ in 0..2 {
            assert_eq!(whole(&ours, secure.get("provider.example")).await.unwrap(), "done");
            let (connection, heard) = secure.provider.heard().await;
            assert_eq!(connection, 0, "kept");
            assert!(heard.values("proxy-authorization").is_empty());
        }
        let target = format!("provider.example:{}", secure.provider.address.port());
        let asked = format!(
            "CONNECT {target} HTTP/1.1\r\nhost: {target}\r\nproxy-authorization: Basic dXNlcjpodW50ZXIy\r\n\r\n"
        );
        assert_eq!(proxy.asked.try_iter().collect::<Vec<_>>(), [asked]);
    }
}

#[tokio::test(flavor = "local")]
async fn http_2_is_spoken_through_a_tunnel_too() {
    let proxy = HttpProxy::saying(ESTABLISHED, 4096);
    let mut listener = Listener::reached_by(Way { http2: true, ..proxy.way() });
    let address = format!("https://provider.example:{}/v1", listener.port);
    assert_eq!(whole(&listener.ours, request(Method::GET, &address, Bytes::new())).await.unwrap(), "done");
    assert_eq!(listener.requests.recv().await.unwrap().head.version, http_of_h2::Version::HTTP_2);
    assert_eq!(proxy.asked.try_iter().count(), 1);
}

#[tokio::test(flavor = "local")]
async fn a_proxy_that_opens_no_tunnel_is_named_with_the_reason_and_the_provider_hears_nothing() {
    let long: &'static [u8] = Vec::leak([b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &[b'y'; 9000]].concat());
    for (answer, why) in [
        (
            &b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..],
            "wants a login, or another one (407): http://USER:PASSWORD@HOST:PORT",
        ),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "opens no tunnel to the provider; it answered 403"),
        (b"SSH-2.0-OpenSSH_9.7\r\n", "does not answer like an HTTP proxy"),
        (long, "does not answer like an HTTP proxy"),
        (b"HTTP/1.1 200 O", "closed the connection before the tunnel stood"),
    ] {
        let secure = SecureProvider::saying(DONE, true);
        let proxy = HttpProxy::saying(answer, 4096);
        let fault = by(&secure, proxy.way()).send(secure.get("provider.example")).await.unwrap_err();
        let text = format!("no way through the proxy: {} {why}", proxy.address);
        assert_eq!((fault.to_string(), fault.sent()), (text, false));
    }
}

#[tokio::test(flavor = "local")]
async fn a_proxy_that_is_not_there_is_told_from_a_provider_that_is_not() {
    let secure = SecureProvider::saying(DONE, true);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let way = |proxy: &str| Way { proxy: Proxy::read(proxy), ..Way::default() };
    let fault = by(&secure, way(&gone.to_string())).send(secure.get("provider.example")).await.unwrap_err();
    let text = format!("no way through the proxy: {gone} cannot be reached: connection refused");
    assert_eq!(fault.to_string(), text);
    let fault = by(&secure, way("proxy.invalid:1")).send(secure.get("provider.example")).await.unwrap_err();
    let text = "no way through the proxy: proxy.invalid:1 cannot be reached: its name cannot be resolved";
    assert_eq!(fault.to_string(), text);
}

#[tokio::test(flavor = "local")]
async fn this_machine_and_who_is_excepted_are_reached_straight() {
    let secure = SecureProvider::having(&["http/1.1"], |_, line| {
        while line.hear() {
            line.say(DONE)
        }
    });
    let proxy = HttpProxy::saying(b"HTTP/1.1 403 Forbidden\r\n\r\n", 4096);
    let ours = by(&secure, Way { no_proxy: vec!["invalid".to_owned()], ..proxy.way() });
    assert_eq!(whole(&ours, secure.get("localhost")).await.unwrap(), "done");
    assert_eq!(ours.send(secure.get("provider.invalid")).await.unwrap_err(), Fault::Unresolved);
    assert_eq!(proxy.asked.try_iter().count(), 0);
}

#[tokio::test(flavor = "local")]
async fn a_proxy_that_says_nothing_has_as_long_as_a_connection_has() {
    let secure = SecureProvider::saying(DONE, true);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let way = Way { proxy: Proxy::read(&silent.local_addr().unwrap().to_string()), ..Way::default() };
    for http2 in [false, true] {
        let limits = Limits { connect: Duration::from_millis(50), ..Limits::default() };
        let ours = HttpTransport::reaching(limits, secure.trust(), Way { http2, ..way.clone() });
        let fault = ours.send(secure.get("provider.example")).await.unwrap_err();
        assert_eq!(fault, Fault::TimedOut { phase: Phase::Connect });
    }
}
