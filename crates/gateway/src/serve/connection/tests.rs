use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::timeout;

const LIMITS: Limits = Limits {
    head: Duration::from_secs(15),
    idle: Duration::from_secs(75),
    unread: Duration::from_secs(7200),
};
/// What a connection of these tests takes before somebody has to read.
const ROOM: usize = 256;

fn pair() -> (Connection<DuplexStream>, DuplexStream) {
    let (ours, client) = duplex(ROOM);
    (Connection::opened(ours, LIMITS), client)
}

/// The same after a first answer.
fn kept() -> (Connection<DuplexStream>, DuplexStream) {
    let (connection, client) = pair();
    drop(connection.progress().begun());
    (connection, client)
}

/// What comes of `future`, which is certainly over after a day.
async fn bounded<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(86_400), future).await.expect("it is over")
}

/// Says a byte each second, and gives what was answered.
async fn dribble(mut client: DuplexStream) -> String {
    let (mut heard, mut byte) = (Vec::new(), [0]);
    loop {
        tokio::select! {
            read = client.read(&mut byte) => match read {
                Ok(1) => heard.extend_from_slice(&byte),
                _ => return String::from_utf8(heard).unwrap(),
            },
            () = sleep(Duration::from_secs(1)) => client.write_all(b"x").await.unwrap(),
        }
    }
}

/// Reads until the connection is given up, and gives how long that took.
async fn given_up(mut connection: Connection<DuplexStream>) -> Duration {
    let begun = Instant::now();
    let reading = async {
        loop {
            match connection.read(&mut [0; 1]).await {
                Ok(length) => assert_eq!(length, 1, "the client stays"),
                Err(error) => break error.kind(),
            }
        }
    };
    assert_eq!(bounded(reading).await, io::ErrorKind::TimedOut);
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn every_head_that_only_dribbles_is_answered_with_408_in_time() {
    for opened in [pair, kept] {
        let (connection, client) = opened();
        sleep(LIMITS.head * 4).await;
        let (took, heard) = tokio::join!(given_up(connection), dribble(client));
        assert_eq!((took, heard.as_bytes()), (Duration::from_secs(1) + LIMITS.head, TOO_LATE));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_nothing_or_nothing_more_is_let_go_without_a_word() {
    for opened in [pair, kept] {
        let ((connection, mut client), mut heard) = (opened(), Vec::new());
        let (took, _) = tokio::join!(given_up(connection), client.read_to_end(&mut heard));
        assert_eq!((took, heard), (LIMITS.idle, Vec::new()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_head_is_its_own_whatever_came_before() {
    let (mut connection, mut client) = kept();
    for _ in 0..9 {
        sleep(LIMITS.idle - Duration::from_secs(1)).await;
        client.write_all(b"G").await.unwrap();
        connection.read_exact(&mut [0; 1]).await.unwrap();
        let more = timeout(LIMITS.head - Duration::from_secs(1), connection.read_u8());
        assert!(more.await.is_err(), "it is waited for");
        drop(connection.progress().begun());
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_limited_while_a_request_is_under_way() {
    let (mut connection, mut client) = pair();
    let under_way = connection.progress().begun();
    for _ in 0..9 {
        let more = timeout(LIMITS.idle * 2, connection.read_u8());
        assert!(more.await.is_err(), "it is waited for");
        client.write_all(b"x").await.unwrap();
        connection.read_exact(&mut [0; 1]).await.unwrap();
    }
    let unread = connection.write_all(&[0; 2 * ROOM]);
    assert!(timeout(LIMITS.idle * 2, unread).await.is_err(), "so is a reader");
    drop(under_way);
}

#[tokio::test(start_paused = true)]
async fn who_always_has_something_to_say_is_late_all_the_same() {
    let (mut connection, mut client) = pair();
    client.write_all(&[b'x'; ROOM]).await.unwrap();
    connection.read_exact(&mut [0; 1]).await.unwrap();
    tokio::time::advance(LIMITS.head + Duration::from_millis(1)).await;
    assert_eq!(connection.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn who_has_not_read_an_answer_to_its_end_is_given_up_without_a_word_within_it() {
    let (mut connection, mut client) = kept();
    let stuck = connection.write_all(&[b'a'; 2 * ROOM]);
    assert!(timeout(LIMITS.head, stuck).await.is_err());
    // Now there would be room for a word.
    client.read_exact(&mut [0; ROOM / 2]).await.unwrap();
    client.write_all(b"GET").await.unwrap();
    assert_eq!(given_up(connection).await, LIMITS.head);
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, [b'a'; ROOM / 2]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_has_ended_and_is_not_read_is_waited_for_no_longer_than_the_next_request() {
    let (mut connection, _client) = kept();
    let begun = Instant::now();
    let stuck = bounded(connection.write_all(&[b'a'; 2 * ROOM])).await.unwrap_err();
    assert_eq!((stuck.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, LIMITS.idle));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_of_its_answer_is_given_up_and_one_that_takes_a_little_is_not() {
    let (mut connection, mut client) = pair();
    let _under_way = connection.progress().begun();
    let hour = Duration::from_secs(3600);
    let slowly = async {
        for _ in 0..9 {
            sleep(hour).await;
            client.read_exact(&mut [0; 1]).await.unwrap();
        }
    };
    let begun = Instant::now();
    let (said, ()) = tokio::join!(bounded(connection.write_all(&[b'a'; 2 * ROOM])), slowly);
    assert_eq!(said.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(begun.elapsed(), 9 * hour + LIMITS.unread);
}
