//! The program itself before providers under TLS, which speak HTTP/1.1 and HTTP/2.

use crate::client::{Client, PATIENCE, post};
use crate::support::{Served, User};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use h2::Reason;
use rustls::crypto::ring;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::fs;
use std::future::poll_fn;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use tokio_rustls::TlsAcceptor;

const TURN: &str = r#"{"model":"claude-x","messages":[{"role":"user","content":"hi"}]}"#;

/// What TLS needs at `localhost`. The program trusts it when it starts in this user's home.
fn certified(user: &User, version: &[u8]) -> Arc<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let root = BASE64_STANDARD.encode(made.cert.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{root}\n-----END CERTIFICATE-----\n");
    fs::write(user.home().join("root.pem"), pem).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![version.to_vec()];
    Arc::new(config)
}

/// The program, with its provider at this listener.
fn served(user: &User, listener: &TcpListener) -> Served {
    let mut command = user.command(&["serve", "--until-input-ends", "--listen", "127.0.0.1:0"]);
    command.env("SSL_CERT_FILE", user.home().join("root.pem"));
    let port = listener.local_addr().unwrap().port();
    command.env("STILLROOM_UPSTREAM__ANTHROPIC", format!("https://localhost:{port}"));
    command.env("STILLROOM_UPSTREAM__HTTP2", "true");
    Served::started(command)
}

fn client(served: &Served) -> Client {
    Client::of(served.address().parse().unwrap())
}

/// Says `answer` to whoever asks, and hangs up without a farewell of TLS.
fn hanging_up(listener: TcpListener, config: Arc<ServerConfig>, answer: &'static [u8]) {
    thread::spawn(move || {
        for socket in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut session = StreamOwned::new(connection, socket.unwrap());
            let (mut heard, mut byte) = (Vec::new(), [0]);
            while !heard.ends_with(TURN.as_bytes()) && matches!(session.read(&mut byte), Ok(1)) {
                heard.push(byte[0]);
            }
            if !heard.is_empty() {
                session.write_all(answer).unwrap();
            }
        }
    });
}

#[test]
fn a_provider_under_tls_that_hangs_up_midway_without_a_farewell_is_a_cut_for_the_client_too() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
    ] {
        let (user, listener) = (User::new(), TcpListener::bind("127.0.0.1:0").unwrap());
        let config = certified(&user, b"http/1.1");
        let served = served(&user, &listener);
        hanging_up(listener, config, answer);
        let mut client = client(&served);
        client.say(post("/v1/messages", "", TURN));
        let heard = client.hear_all();
        let (head, body) = heard.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{heard}");
        let is_whole =
            if head.contains("content-length: 10") { body.len() == 10 } else { body.ends_with("0\r\n\r\n") };
        assert!(body.contains("hello") && !is_whole, "{heard}");
    }
}

/// What a provider of HTTP/2 noticed.
#[derive(Debug, PartialEq)]
enum Event {
    /// A request on the connection of this number.
    Heard(usize),
    /// The stream was reset, for this reason.
    Reset(Reason),
}

/// The program before a provider of HTTP/2, which begins every answer with `hello` and goes on as the request's `x-play` says.
fn multiplexed(user: &User) -> (Served, Receiver<Event>) {
    let (listener, config) = (TcpListener::bind("127.0.0.1:0").unwrap(), certified(user, b"h2"));
    let served = served(user, &listener);
    let (teller, events) = channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(accept(listener, TlsAcceptor::from(config), teller));
    });
    (served, events)
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, teller: Sender<Event>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    for number in 0.. {
        let (socket, _) = listener.accept().await.unwrap();
        let session = tls.accept(socket).await.unwrap();
        let teller = teller.clone();
        tokio::spawn(async move {
            let mut connection = h2::server::handshake(session).await.unwrap();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                teller.send(Event::Heard(number)).unwrap();
                let answer = http_of_h2::Response::new(());
                let mut stream = respond.send_response(answer, false).unwrap();
                stream.send_data("hello".into(), false).unwrap();
                let teller = teller.clone();
                match request.headers()["x-play"].to_str().unwrap() {
                    "end" => stream.send_data(" done".into(), true).unwrap(),
                    "reset" => drop(tokio::spawn(async move {
                        stream.reserve_capacity(1);
                        // What was said before has left.
                        poll_fn(|context| stream.poll_capacity(context)).await.unwrap().unwrap();
                        stream.send_reset(Reason::NO_ERROR);
                    })),
                    _ => drop(tokio::spawn(async move {
                        let reason = poll_fn(|context| stream.poll_reset(context)).await.unwrap();
                        teller.send(Event::Reset(reason)).unwrap();
                    })),
                }
            }
        });
    }
}

fn played(client: &mut Client, play: &str) {
    client.say(post("/v1/messages", &format!("x-play: {play}\r\n"), TURN));
}

#[test]
fn a_provider_of_http_2_is_relayed_on_one_connection() {
    let user = User::new();
    let (served, events) = multiplexed(&user);
    let mut client = client(&served);
    for _ in 0..2 {
        played(&mut client, "end");
        assert_eq!(client.answer().text(), "hello done");
        assert_eq!(events.recv_timeout(PATIENCE), Ok(Event::Heard(0)));
    }
}

#[test]
fn a_stream_that_its_provider_resets_has_no_end_for_the_client_either() {
    let user = User::new();
    let (served, _events) = multiplexed(&user);
    let mut client = client(&served);
    played(&mut client, "reset");
    assert_eq!(client.head().status, 200);
    let heard = client.hear_all();
    assert!(!heard.contains("0\r\n\r\n"), "{heard}");
}

#[test]
fn a_client_that_leaves_resets_its_stream_at_the_provider() {
    let user = User::new();
    let (served, events) = multiplexed(&user);
    let mut client = client(&served);
    played(&mut client, "wait");
    assert_eq!(client.head().status, 200);
    assert_eq!(events.recv_timeout(PATIENCE), Ok(Event::Heard(0)));
    drop(client);
    assert_eq!(events.recv_timeout(PATIENCE), Ok(Event::Reset(Reason::CANCEL)));
}
