use super::*;
use actix_service::Service as _;
use actix_web::{HttpResponse, web};
use futures_util::StreamExt as _;
use futures_util::stream::{self, unfold};
use std::future::{pending, ready};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

const LIMITS: Limits = Limits {
    head: Duration::from_secs(15),
    idle: Duration::from_secs(75),
    unread: Duration::from_secs(7200),
};
/// More than any limit.
const LONG: Duration = Duration::from_secs(100);
const ASKING: &str = "GET /nowhere HTTP/1.1\r\nhost: h\r\n\r\n";
const POSTING: &str = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\n";

/// An answer of three pieces, for each of which one has to wait.
async fn slowly(body: Bytes) -> HttpResponse {
    let pieces = unfold(0, move |number| {
        let body = body.clone();
        async move {
            sleep(LONG).await;
            (number < 3).then_some((Ok::<_, io::Error>(body), number + 1))
        }
    });
    HttpResponse::Ok().streaming(pieces)
}

/// An answer that never ends.
async fn endlessly() -> HttpResponse {
    HttpResponse::Ok().streaming(
        stream::once(ready(Ok::<_, io::Error>(Bytes::from_static(b"on")))).chain(stream::pending()),
    )
}

fn app(app: &mut ServiceConfig) {
    app.route("/", web::post().to(slowly)).route("/", web::get().to(endlessly));
}

/// A client whose connection is served in virtual time.
async fn client() -> DuplexStream {
    client_until(pending).await
}

/// The same, whose server stops when `stopped` is over.
async fn client_until<F: Future<Output = ()> + 'static>(stopped: impl Fn() -> F + 'static) -> DuplexStream {
    let (client, ours) = duplex(4096);
    let served = http(app, stopped).new_service(()).await.unwrap();
    actix_rt::spawn(async move {
        let outcome = served.call((Connection::opened(ours, LIMITS), Protocol::Http1, None)).await;
        tracing::debug!(?outcome, "served");
    });
    client
}

/// Hears what ends with `end`, and gives all of it.
async fn hear(client: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut heard = Vec::new();
    while !heard.ends_with(end.as_bytes()) {
        heard.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(heard).unwrap()
}

/// What is heard until the connection ends, and when that is.
async fn hear_all(client: &mut DuplexStream) -> (String, Duration) {
    let (begun, mut heard) = (Instant::now(), String::new());
    let ended = timeout(10 * LONG, client.read_to_string(&mut heard)).await;
    ended.expect("the connection ends").unwrap();
    (heard, begun.elapsed())
}

#[tokio::test(flavor = "local", start_paused = true)]
async fn each_head_of_a_connection_has_its_time_and_no_more() {
    for asked in 0..3 {
        let mut client = client().await;
        for _ in 0..asked {
            client.write_all(ASKING.as_bytes()).await.unwrap();
            assert!(hear(&mut client, "\r\n\r\n").await.starts_with("HTTP/1.1 404 "));
            sleep(LIMITS.idle - Duration::from_secs(1)).await;
        }
        client.write_all(b"GET / HTT").await.unwrap();
        let (heard, took) = hear_all(&mut client).await;
        assert!(heard.starts_with("HTTP/1.1 408 "), "{heard:?}");
        assert_eq!(took, LIMITS.head);
    }
}

#[tokio::test(flavor = "local", start_paused = true)]
async fn a_head_that_began_during_the_answer_before_has_no_more_time_than_an_idle_connection() {
    let mut client = client().await;
    client.write_all([POSTING, "abc", "GET /"].concat().as_bytes()).await.unwrap();
    hear(&mut client, "0\r\n\r\n").await;
    assert_eq!(hear_all(&mut client).await, (String::new(), LIMITS.idle));
}

#[tokio::test(flavor = "local", start_paused = true)]
async fn a_connection_on_which_nothing_is_asked_is_closed() {
    let mut client = client().await;
    client.write_all(ASKING.as_bytes()).await.unwrap();
    hear(&mut client, "\r\n\r\n").await;
    assert_eq!(hear_all(&mut client).await, (String::new(), LIMITS.idle));
}

#[tokio::test(flavor = "local", start_paused = true)]
async fn the_rest_of_a_body_that_nobody_wants_has_no_more_time_than_a_head() {
    for (framing, piece, time) in [
        ("transfer-encoding: chunked", "1\r\nx\r\n", LIMITS.head),
        ("content-length: 9999", "x", FAREWELL_WITHIN),
    ] {
        let mut client = client().await;
        let posting = format!("POST /nowhere HTTP/1.1\r\nhost: h\r\n{framing}\r\n\r\n");
        client.write_all(posting.as_bytes()).await.unwrap();
        hear(&mut client, "\r\n\r\n").await;
        let begun = Instant::now();
        while client.write_all(piece.as_bytes()).await.is_ok() && begun.elapsed() < LONG {
            sleep(Duration::from_millis(500)).await;
        }
        assert!(
            (time..=time + Duration::from_secs(1)).contains(&begun.elapsed()),
            "{framing}: {:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test(flavor = "local", start_paused = true)]
async fn a_connection_whose_server_stops_ends_its_answer_and_begins_no_other() {
    for (asked, answered) in [("", false), (POSTING, true)] {
        let stop = Rc::new(Notify::new());
        let stopping = Rc::clone(&stop);
        let stopped = move || {
            let stopping = Rc::clone(&stopping);
            async move { stopping.notified().await }
        };
        let mut client = client_until(stopped).await;
        if answered {
            client.write_all([asked, "abc"].concat().as_bytes()).await.unwrap();
            hear(&mut client, "abc\r\n").await;
            client.write_all(ASKING.as_bytes()).await.unwrap();
        }
        sleep(Duration::from_secs(1)).await;
        stop.notify_one();
        let (heard, took) = hear_all(&mut client).await;
        assert_eq!(heard.ends_with("abc\r\n0\r\n\r\n"), answered, "{heard:?}");
        assert!(!heard.contains("404"), "{heard:?}");
        assert_eq!(took == Duration::ZERO, !answered, "{took:?}");
    }
}

#[tokio::test(flavor = "local", start_paused = true)]
async fn uploads_and_answers_may_take_longer_than_any_limit_of_a_connection() {
    let mut client = client().await;
    for _ in 0..2 {
        client.write_all(POSTING.as_bytes()).await.unwrap();
        for byte in [b"a", b"b", b"c"] {
            sleep(LONG).await;
            client.write_all(byte).await.unwrap();
        }
        let answer = hear(&mut client, "0\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
        assert_eq!(answer.matches("abc").count(), 3);
        sleep(LIMITS.idle - Duration::from_secs(1)).await;
    }
}

/// Says a byte of a head that never ends whenever nothing was answered for a moment, and gives the answer.
fn dribble(mut stream: net::TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nx-slow: ").unwrap();
    let (mut answer, mut piece) = (Vec::new(), [0; 1024]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return String::from_utf8(answer).unwrap(),
            Ok(length) => answer.extend_from_slice(&piece[..length]),
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {
                stream.write_all(b"x").unwrap();
            }
            Err(_) => return String::from_utf8(answer).unwrap(),
        }
    }
}

/// The same after a first answer.
fn dribble_later(mut stream: net::TcpStream) -> String {
    stream.write_all(ASKING.as_bytes()).unwrap();
    let (mut heard, mut byte) = (Vec::new(), [0]);
    while !heard.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        heard.push(byte[0]);
    }
    assert!(heard.starts_with(b"HTTP/1.1 404 "));
    dribble(stream)
}

#[actix_web::test]
async fn a_head_that_only_dribbles_is_answered_with_408_and_its_connection_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = server(listener, app, Limits { head: LONG / 1000, ..LIMITS }, 0).unwrap();
    let handle = server.handle();
    let serving = actix_rt::spawn(server);
    for dribble in [dribble, dribble_later] {
        let connected = move || net::TcpStream::connect(address).unwrap();
        let answer = tokio::task::spawn_blocking(move || dribble(connected()));
        let answer = timeout(Duration::from_secs(60), answer).await.expect("given up").unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
    }
    handle.stop(false).await;
    serving.await.unwrap().unwrap();
}

#[actix_web::test]
async fn an_answer_that_goes_on_is_cut_once_the_time_to_end_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = server(listener, app, LIMITS, 1).unwrap();
    let handle = server.handle();
    let serving = actix_rt::spawn(server);
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    hear(&mut client, "on\r\n").await;
    timeout(Duration::from_secs(20), handle.stop(true)).await.expect("it stops");
    serving.await.unwrap().unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap_or_default();
    assert!(!rest.contains("0\r\n\r\n"), "{rest:?}");
}

#[tokio::test]
async fn what_is_said_to_a_client_in_pieces_waits_for_no_acknowledgement() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (socket, peer) = listener.accept().await.unwrap();
    assert!(!socket.nodelay().unwrap(), "the system's own choice");
    let (connection, _, named) = accepted(socket, LIMITS);
    assert!(connection.stream().nodelay().unwrap());
    assert_eq!(named, Some(peer));
}
