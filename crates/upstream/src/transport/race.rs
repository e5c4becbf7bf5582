//! Which of a provider's addresses is taken: the one that connects first, as RFC 8305 has it.
//!
//! A name may have an address that swallows every packet, as where IPv6 is set up and broken. Whoever asks strictly one after
//! the other waits for it until his time is over, and never gets to one that would answer.

use std::{io, net::SocketAddr, time::Duration};

use actix_tls::connect::ConnectError;
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::timeout;

/// How long an address may be silent before the next one is asked too.
const HEAD_START: Duration = Duration::from_millis(250);

/// The first connection to one of `addresses`. The attempts that come later are dropped.
///
/// # Errors
/// When all addresses fail: with what tells most of it. When there is none.
pub(super) async fn won<S, C>(
    addresses: impl IntoIterator<Item = SocketAddr>,
    connect: impl Fn(SocketAddr) -> C,
) -> Result<S, ConnectError>
where
    C: Future<Output = io::Result<S>>,
{
    let mut waiting = in_turn(addresses);
    let mut running = FuturesUnordered::new();
    let mut loss = None;
    loop {
        running.extend(waiting.next().map(&connect));
        match timeout(HEAD_START, running.next()).await {
            Ok(Some(Ok(connection))) => return Ok(connection),
            Ok(Some(Err(error))) => loss = Some(more_telling(loss, error)),
            Ok(None) => return Err(loss.map_or(ConnectError::NoRecords, ConnectError::Io)),
            Err(_silent) => {}
        }
    }
}

/// Both families in turn, beginning with that of the first address; the resolver's order within each.
fn in_turn(addresses: impl IntoIterator<Item = SocketAddr>) -> impl Iterator<Item = SocketAddr> {
    let mut addresses = addresses.into_iter().peekable();
    let first_is_v4 = addresses.peek().is_some_and(SocketAddr::is_ipv4);
    let (preferred, others): (Vec<_>, Vec<_>) =
        addresses.partition(|address| address.is_ipv4() == first_is_v4);
    let (mut preferred, mut others) = (preferred.into_iter(), others.into_iter());
    std::iter::from_fn(move || Some([preferred.next(), others.next()]).filter(|pair| *pair != [None; 2]))
        .flat_map(|pair| pair.into_iter().flatten())
}

/// The first error, unless it only says that this machine has no way there: one without IPv6 says so of each such address, while
/// another address was refused by the provider itself.
fn more_telling(before: Option<io::Error>, now: io::Error) -> io::Error {
    before.filter(|before| !no_way(before.kind())).unwrap_or(now)
}

fn no_way(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{AddrNotAvailable, HostUnreachable, NetworkUnreachable};
    matches!(kind, AddrNotAvailable | HostUnreachable | NetworkUnreachable)
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, future::pending};

    use tokio::time::{Instant, sleep};

    use super::*;

    const V6: [&str; 3] = ["[2001:db8::1]:443", "[2001:db8::2]:443", "[2001:db8::3]:443"];
    const V4: [&str; 3] = ["192.0.2.1:443", "192.0.2.2:443", "192.0.2.3:443"];

    /// What an address does with whoever comes.
    #[derive(Clone, Copy)]
    enum Address {
        Swallows,
        ServesAfter(u64),
        Fails(io::ErrorKind),
    }
    use Address::{Fails, ServesAfter, Swallows};

    const REFUSES: Address = Fails(io::ErrorKind::ConnectionRefused);
    const UNREACHABLE: Address = Fails(io::ErrorKind::NetworkUnreachable);

    fn parsed(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses.iter().map(|address| address.parse().unwrap()).collect()
    }

    /// Shows that it was dropped.
    struct Attempt<'a>(usize, &'a RefCell<Vec<usize>>);

    impl Drop for Attempt<'_> {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
        }
    }

    /// Which of `scene` won, or why none did; how many ms that took; and which attempts there were.
    async fn race(scene: &[Address]) -> (Result<usize, io::ErrorKind>, u128, Vec<usize>) {
        let (begun, ended) = (Instant::now(), RefCell::default());
        let addresses = parsed(&V4[..scene.len()]);
        let connect = |address| {
            let number = addresses.iter().position(|other| *other == address).unwrap();
            let attempt = Attempt(number, &ended);
            async move {
                let _attempt = attempt;
                match scene[number] {
                    Swallows => pending().await,
                    ServesAfter(delay) => sleep(Duration::from_millis(delay)).await,
                    Fails(kind) => return Err(kind.into()),
                }
                Ok(number)
            }
        };
        let outcome = won(addresses.clone(), connect).await.map_err(|error| match error {
            ConnectError::Io(error) => error.kind(),
            other => panic!("{other}"),
        });
        let taken = begun.elapsed().as_millis();
        ended.borrow_mut().sort_unstable();
        (outcome, taken, ended.into_inner())
    }

    #[test]
    fn the_families_take_turns_beginning_with_the_one_that_the_resolver_prefers() {
        let in_turn = |addresses: &[&str]| in_turn(parsed(addresses)).collect::<Vec<_>>();
        let given = [V6[0], V6[1], V6[2], V4[0]];
        assert_eq!(in_turn(&given), parsed(&[V6[0], V4[0], V6[1], V6[2]]));
        let given = [V4[0], V4[1], V6[0], V6[1], V6[2]];
        assert_eq!(in_turn(&given), parsed(&[V4[0], V6[0], V4[1], V6[1], V6[2]]));
        assert_eq!(in_turn(&V4), parsed(&V4));
        assert_eq!(in_turn(&[]), []);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_swallows_costs_a_quarter_of_a_second_and_is_let_go() {
        assert_eq!(race(&[Swallows, ServesAfter(0), Swallows]).await, (Ok(1), 250, vec![0, 1]));
        assert_eq!(race(&[Swallows, Swallows, ServesAfter(10)]).await, (Ok(2), 510, vec![0, 1, 2]));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_refuses_costs_nothing() {
        assert_eq!(race(&[REFUSES, ServesAfter(0)]).await, (Ok(1), 0, vec![0, 1]));
        assert_eq!(race(&[Swallows, REFUSES, ServesAfter(0)]).await, (Ok(2), 250, vec![0, 1, 2]));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_is_slow_may_still_be_the_first() {
        assert_eq!(race(&[ServesAfter(300), ServesAfter(100)]).await, (Ok(0), 300, vec![0, 1]));
        assert_eq!(race(&[ServesAfter(300), ServesAfter(10)]).await, (Ok(1), 260, vec![0, 1]));
        assert_eq!(race(&[ServesAfter(900), REFUSES]).await, (Ok(0), 900, vec![0, 1]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_address_has_all_the_time_there_is() {
        assert_eq!(race(&[ServesAfter(200)]).await, (Ok(0), 200, vec![0]));
        assert_eq!(race(&[ServesAfter(9_000)]).await, (Ok(0), 9_000, vec![0]));
        let limit = Duration::from_secs(10);
        assert!(timeout(limit, race(&[Swallows])).await.is_err(), "bounded by the caller alone");
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_fail_the_first_says_why_unless_this_machine_had_no_way_to_it() {
        let refused = Err(io::ErrorKind::ConnectionRefused);
        let reset = Fails(io::ErrorKind::ConnectionReset);
        assert_eq!(race(&[REFUSES, reset, UNREACHABLE]).await, (refused, 0, vec![0, 1, 2]));
        assert_eq!(race(&[UNREACHABLE, REFUSES]).await.0, refused);
        assert_eq!(race(&[UNREACHABLE, UNREACHABLE]).await.0, Err(io::ErrorKind::NetworkUnreachable));
        assert_eq!(race(&[REFUSES]).await, (refused, 0, vec![0]));
    }

    #[tokio::test]
    async fn where_there_is_no_address_there_is_nothing_to_connect_to() {
        let outcome = won([], |_| pending::<io::Result<()>>()).await;
        assert!(matches!(outcome, Err(ConnectError::NoRecords)));
    }
}
